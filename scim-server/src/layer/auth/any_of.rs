use std::sync::Arc;

use async_trait::async_trait;

use super::{Access, AuthError, Scope, VerifyToken};
use crate::context::Principal;

/// Tokens of several kinds: the first verifier that knows a token decides.
#[derive(Clone, Debug, Default)]
pub struct AnyOf {
    verifiers: Vec<Arc<dyn VerifyToken>>,
}

impl AnyOf {
    /// No verifier: nobody is let in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks this verifier after those that are there.
    #[must_use]
    pub fn or(mut self, verifier: impl VerifyToken + 'static) -> Self {
        self.verifiers.push(Arc::new(verifier));
        self
    }
}

#[async_trait]
impl VerifyToken for AnyOf {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        self.access(token).await.map(|access| access.principal)
    }

    async fn access(&self, token: &str) -> Result<Access, AuthError> {
        let mut refusal = AuthError::Unknown;
        for verifier in &self.verifiers {
            match verifier.access(token).await {
                Ok(access) => return Ok(access),
                // Of several reasons the first is told, as long as it is one.
                Err(error) if refusal == AuthError::Unknown => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    fn scope_name(&self, scope: Scope) -> Option<&str> {
        self.verifiers.iter().find_map(|verifier| verifier.scope_name(scope))
    }
}
