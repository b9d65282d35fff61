use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::LimitsService;
use crate::limits::Limits;

/// Limits every request that passes.
///
/// | limit | default | answer past it |
/// |---|---|---|
/// | bytes of the body, as declared and as they come | 4 MiB | 413 |
/// | time until the body is there | 30 seconds, in all | 408, and the connection should be closed |
/// | time until the answer is there | | 503 with `Retry-After` |
/// | requests at once | 512 | 503 with `Retry-After` |
///
/// Here all bodies have one limit, in front of everything: it has to be no less than
/// [`Limits::bulk_payload`](crate::Limits::bulk_payload), which the service announces as `maxPayloadSize`, or clients are
/// refused what they were told they may send. The default is its default. The service itself holds all other bodies to
/// [`Limits::body`](crate::Limits::body).
///
/// The number of requests is counted for all services that one layer has made. With a limit of time it has to run on
/// tokio.
#[derive(Clone, Debug)]
pub struct LimitsLayer {
    pub(super) body: Option<usize>,
    pub(super) time: Option<Duration>,
    pub(super) room: Option<Arc<Semaphore>>,
}

impl LimitsLayer {
    /// The limits of the table.
    #[must_use]
    pub fn new() -> Self {
        let body = Limits::default().bulk_payload;
        Self::unlimited().with_body(body).with_time(Duration::from_secs(30)).with_concurrency(512)
    }

    /// No limit, until one is set.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { body: None, time: None, room: None }
    }

    /// Sets the greatest body in bytes, that of a bulk request included.
    #[must_use]
    pub fn with_body(mut self, bytes: usize) -> Self {
        self.body = Some(bytes);
        self
    }

    /// Sets how long a request may take from its first byte of body to its answer.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Sets how many requests there may be at once; at least one.
    #[must_use]
    pub fn with_concurrency(mut self, requests: usize) -> Self {
        self.room = Some(Arc::new(Semaphore::new(requests.clamp(1, Semaphore::MAX_PERMITS))));
        self
    }
}

impl Default for LimitsLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = LimitsService<S>;

    fn layer(&self, inner: S) -> LimitsService<S> {
        LimitsService::new(inner, self.clone())
    }
}
