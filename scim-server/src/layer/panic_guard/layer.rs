use tower_layer::Layer;

use super::PanicGuardService;

/// Answers 500 where the service inside panics.
///
/// It works where panics unwind, which is Rust's default; a program built with `panic = "abort"` ends all the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct PanicGuardLayer;

impl PanicGuardLayer {
    /// The layer; there is nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for PanicGuardLayer {
    type Service = PanicGuardService<S>;

    fn layer(&self, inner: S) -> PanicGuardService<S> {
        PanicGuardService::new(inner)
    }
}
