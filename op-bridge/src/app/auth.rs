use std::sync::Arc;

use async_trait::async_trait;
use scim_core::ScimError;
use scim_server::Principal;
use scim_server::layer::auth::{AuthError, VerifyToken};

use crate::account::{Account, AccountError};
use crate::credentials::{AuthenticationError, SessionGate};

/// As [`GateTokens`], but lets nobody in whose session belongs to another account: not even to read.
#[derive(Debug)]
pub struct OwnTokens {
    /// Who has a token of the session.
    pub tokens: GateTokens,
    /// The account that the session must belong to.
    pub account: Arc<dyn Account>,
}

#[async_trait]
impl VerifyToken for OwnTokens {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        let principal = self.tokens.verify(token).await?;
        match self.account.check().await {
            Err(error @ AccountError::OtherSession) => {
                Err(AuthError::Refused(ScimError::new(500, error.to_string())))
            }
            // An account that is away is for the operations to tell.
            _ => Ok(principal),
        }
    }
}

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
