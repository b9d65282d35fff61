use tower_layer::Layer;

use super::ConditionalService;

/// Reads `If-Match` and `If-None-Match` before anything else does.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConditionalLayer {
    is_required: bool,
}

impl ConditionalLayer {
    /// Changes need no condition.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers 428 (RFC 6585 section 3) to PUT, PATCH and DELETE without `If-Match`, so that nobody overwrites what they
    /// have not seen. `If-Match: *` is enough. Most identity providers do not send it.
    ///
    /// [`ScimService`](crate::ScimService) holds the operations of a Bulk to the same: their `version` is what `If-Match` is
    /// to a request.
    #[must_use]
    pub fn require_if_match(mut self) -> Self {
        self.is_required = true;
        self
    }
}

impl<S> Layer<S> for ConditionalLayer {
    type Service = ConditionalService<S>;

    fn layer(&self, inner: S) -> ConditionalService<S> {
        ConditionalService::new(inner, self.is_required)
    }
}
