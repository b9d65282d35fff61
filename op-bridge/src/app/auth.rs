use std::sync::Arc;

use async_trait::async_trait;
use scim_core::ScimError;
use scim_server::Principal;
use scim_server::layer::auth::{AuthError, VerifyToken};

use crate::credentials::{AuthenticationError, SessionGate};

/// Lets in whoever presents the token of the session, which the first time also unlocks it.
#[derive(Debug)]
pub struct GateTokens(pub Arc<SessionGate>);

#[async_trait]
impl VerifyToken for GateTokens {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        match self.0.authenticate(token) {
            Ok(principal) => Ok(Principal::new(&principal.key_id)),
            Err(AuthenticationError::Malformed(_) | AuthenticationError::WrongToken) => {
                Err(AuthError::Unknown)
            }
            Err(error @ (AuthenticationError::Session(_) | AuthenticationError::NoSession)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the session cannot be unlocked");
                let detail = "the bridge's session file cannot be opened; the log of the bridge says why";
                Err(AuthError::Refused(ScimError::new(500, detail)))
            }
        }
    }
}
