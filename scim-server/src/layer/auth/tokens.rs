use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::ScimError;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{Access, Scope};
use crate::context::Principal;

/// Tells who a bearer token belongs to.
#[async_trait]
pub trait VerifyToken: Send + Sync + fmt::Debug {
    /// The principal of a token.
    ///
    /// # Errors
    /// [`AuthError::Unknown`] when the token is nobody's, [`AuthError::Refused`] when it is somebody's but cannot be
    /// used now.
    async fn verify(&self, token: &str) -> Result<Principal, AuthError>;

    /// What a token is good for. Provided: reading and writing, where there are no tenants.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    async fn access(&self, token: &str) -> Result<Access, AuthError> {
        self.verify(token).await.map(Access::new)
    }

    /// What clients ask their authorization server for to get this access, for the challenge of a refusal.
    fn scope_name(&self, scope: Scope) -> Option<&str> {
        let _ = scope;
        None
    }
}

#[async_trait]
impl<T: VerifyToken + ?Sized> VerifyToken for Arc<T> {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        (**self).verify(token).await
    }

    async fn access(&self, token: &str) -> Result<Access, AuthError> {
        (**self).access(token).await
    }

    fn scope_name(&self, scope: Scope) -> Option<&str> {
        (**self).scope_name(scope)
    }
}

/// Why a token does not let a request in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Nobody has this token: 401.
    #[error("the bearer token is not valid")]
    Unknown,
    /// The token cannot be used for this reason, which the client should read.
    #[error("{}", .0.detail())]
    Refused(ScimError),
    /// Whether the token is good cannot be found out now: 503.
    #[error("bearer tokens cannot be checked now")]
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
    },
}

/// A fixed set of tokens, each with the name of its principal.
///
/// Only hashes are kept, and every one of them is compared in constant time, so that neither a dump of memory nor
/// the time of an answer tells a token. `Debug` shows names only.
///
/// A token is as good as it is hard to guess: the chance "MUST be less than or equal to 2^(-128)" (RFC 6749 section 10.10),
/// which random tokens of 22 characters of base64url are good for. Shorter ones are taken with a warning in the log, for
/// trials on a machine of one's own; fewer than 8 characters are refused.
#[derive(Clone, Default)]
pub struct StaticTokens {
    tokens: Vec<(Access, [u8; 32])>,
}

/// A text that cannot be a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a bearer token is at least {shortest} characters out of letters, digits and `-._~+/=` (RFC 6750 section 2.1)"
)]
pub struct TokenError {
    shortest: usize,
}

/// Tokens shorter than this are refused: they can be guessed.
const SHORTEST: usize = 8;

/// Characters of base64url that make 128 bits.
const RANDOM_ENOUGH: usize = 22;

impl StaticTokens {
    /// No tokens: nobody is let in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token. Several may belong to one principal, as while a token is being rotated. One of fewer than 22
    /// characters is worth a warning in the log.
    ///
    /// # Errors
    /// [`TokenError`] when the text could not be sent as a bearer token or has fewer than 8 characters.
    pub fn with(self, principal: &str, token: &str) -> Result<Self, TokenError> {
        self.with_access(Access::new(Principal::new(principal)), token)
    }

    /// Adds a token that is good for this.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn with_access(mut self, access: Access, token: &str) -> Result<Self, TokenError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        if token.len() < SHORTEST || !token.bytes().all(legal) {
            return Err(TokenError { shortest: SHORTEST });
        }
        if token.len() < RANDOM_ENOUGH {
            tracing::warn!(
                principal = access.principal.as_str(),
                "a bearer token has fewer than {RANDOM_ENOUGH} characters and may be guessed; use a random one that is longer"
            );
        }
        self.tokens.push((access, digest(token)));
        Ok(self)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[async_trait]
impl VerifyToken for StaticTokens {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        self.access(token).await.map(|access| access.principal)
    }

    async fn access(&self, token: &str) -> Result<Access, AuthError> {
        let presented = digest(token);
        let mut found = u64::MAX;
        for (n, (_, known)) in (0_u64..).zip(&self.tokens) {
            let equal: Choice = known.ct_eq(&presented);
            found = u64::conditional_select(&found, &n, equal);
        }
        let at = usize::try_from(found).unwrap_or(usize::MAX);
        let (access, _) = self.tokens.get(at).ok_or(AuthError::Unknown)?;
        let Access { principal, scopes, tenants } = access;
        Ok(Access { principal: principal.apart(), scopes: *scopes, tenants: tenants.clone() })
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tokens.iter().map(|(access, _)| access)).finish()
    }
}
