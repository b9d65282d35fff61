use std::sync::Arc;

use tower_layer::Layer;

use super::TraceService;
use crate::clock::{IdGenerator, RandomIds};

/// Gives every request an id, and every answer the same one in `X-Request-Id`, and logs one line for it.
#[derive(Clone, Debug)]
pub struct TraceLayer {
    ids: Arc<dyn IdGenerator>,
    with_uri: bool,
}

impl TraceLayer {
    /// Random ids where a request brings none.
    #[must_use]
    pub fn new() -> Self {
        Self { ids: Arc::new(RandomIds), with_uri: false }
    }

    /// Takes ids from this generator.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.ids = ids;
        self
    }

    /// Logs path and query as well: ids, filters, and with them what people are called. For looking into a problem, not
    /// for every day. Tokens in the query (`access_token`, RFC 6750 section 2.3) are left out even so.
    #[must_use]
    pub fn with_uri(mut self) -> Self {
        self.with_uri = true;
        self
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = TraceService<S>;

    fn layer(&self, inner: S) -> TraceService<S> {
        TraceService::new(inner, Arc::clone(&self.ids), self.with_uri)
    }
}
