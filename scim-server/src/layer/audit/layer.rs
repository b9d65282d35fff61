use std::sync::Arc;

use tower_layer::Layer;

use super::{AuditService, AuditSink};
use crate::clock::{Clock, SystemClock};

/// Reports each request that writes, and each operation of a Bulk.
///
/// Principal and tenant are known to it inside the layers that find them, and also outside of them, as far as these put
/// them on answers; outside, it also reports what they refuse.
#[derive(Clone, Debug)]
pub struct AuditLayer {
    sink: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
}

impl AuditLayer {
    /// Reports to this sink.
    #[must_use]
    pub fn new(sink: impl AuditSink + 'static) -> Self {
        Self { sink: Arc::new(sink), clock: Arc::new(SystemClock) }
    }

    /// Takes the time from this clock. Default: the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = AuditService<S>;

    fn layer(&self, inner: S) -> AuditService<S> {
        AuditService::new(inner, Arc::clone(&self.sink), Arc::clone(&self.clock))
    }
}
