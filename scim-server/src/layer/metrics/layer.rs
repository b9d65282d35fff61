use ::metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use tower_layer::Layer;

use super::MetricsService;
use super::service::{CANCELLED, DURATION, IN_FLIGHT, REQUEST_BYTES, REQUESTS, RESPONSE_BYTES};

/// Counts and times requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsLayer;

impl MetricsLayer {
    /// The layer; there is nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Tells the recorder units and meanings; once, after it was installed.
    pub fn describe() {
        describe_counter!(REQUESTS, Unit::Count, "requests that were answered");
        describe_counter!(CANCELLED, Unit::Count, "requests whose client has gone before the answer");
        describe_histogram!(DURATION, Unit::Seconds, "from a request to its answer");
        describe_gauge!(IN_FLIGHT, Unit::Count, "requests under way");
        describe_histogram!(REQUEST_BYTES, Unit::Bytes, "length of bodies of requests");
        describe_histogram!(RESPONSE_BYTES, Unit::Bytes, "length of bodies of answers");
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsService<S>;

    fn layer(&self, inner: S) -> MetricsService<S> {
        MetricsService::new(inner)
    }
}
