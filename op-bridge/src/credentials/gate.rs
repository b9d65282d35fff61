//! Locked until the first right token has been seen, then open for as long as the process lives.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;

use super::error::SessionError;
use super::secret::Credentials;
use super::session::SessionFile;
use super::token::{Token, TokenError};
use crate::random::{Random, RandomError};

/// The longest text that is looked at as a token.
const PRESENTED_MAX: usize = 256;

/// Who presented a right token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// The id of the token, as in [`SessionSummary::key_id`](super::SessionSummary::key_id). Not a secret.
    pub key_id: String,
}

/// Checks presented tokens against one session file, and keeps what the first right one opened.
///
/// A wrong token never changes anything. The token is not kept: after it was accepted once, it is known again
/// by a hash under a salt that lives as long as the process, compared in constant time.
///
/// # Examples
///
/// ```
/// use op_bridge::clock::SystemClock;
/// use op_bridge::credentials::{SessionFile, SessionGate};
/// use op_bridge::random::SystemRandom;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom)?;
/// let gate = SessionGate::new(file, &SystemRandom)?;
/// assert!(gate.credentials().is_none());
///
/// assert!(gate.authenticate("a guess").is_err());
/// assert!(gate.credentials().is_none());
///
/// gate.authenticate(&token.expose())?;
/// assert!(gate.credentials().is_some());
/// # Ok(())
/// # }
/// ```
pub struct SessionGate {
    file: Option<SessionFile>,
    salt: [u8; 32],
    accepted: Mutex<Option<[u8; 32]>>,
    opened: watch::Sender<Option<Arc<Credentials>>>,
}

impl SessionGate {
    /// A locked gate for `file`.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when there is no randomness.
    pub fn new(file: SessionFile, random: &dyn Random) -> Result<Self, RandomError> {
        let mut salt = [0; 32];
        random.fill(&mut salt)?;
        Ok(Self { file: Some(file), salt, accepted: Mutex::new(None), opened: watch::Sender::new(None) })
    }

    /// A gate that no token opens, for work that needs no session, such as listing people.
    pub fn closed() -> Self {
        Self { file: None, salt: [0; 32], accepted: Mutex::new(None), opened: watch::Sender::new(None) }
    }

    /// Checks `presented`, the text after `Bearer` in a request. The first right one unlocks the gate and
    /// wakes everybody who waits in [`unlocked`](Self::unlocked).
    ///
    /// # Errors
    ///
    /// [`AuthenticationError`]; the request must be refused.
    pub fn authenticate(&self, presented: &str) -> Result<Principal, AuthenticationError> {
        let file = self.file.as_ref().ok_or(AuthenticationError::NoSession)?;
        if presented.len() > PRESENTED_MAX {
            return Err(AuthenticationError::Malformed(TokenError::NotAToken));
        }
        let hash: [u8; 32] = Sha256::new().chain_update(self.salt).chain_update(presented).finalize().into();
        let accepted = *self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if !accepted.is_some_and(|accepted| accepted.ct_eq(&hash).into()) {
            let token: Token = presented.parse().map_err(AuthenticationError::Malformed)?;
            let credentials = file.unlock(&token).map_err(|error| match error {
                SessionError::WrongToken => AuthenticationError::WrongToken,
                damaged => AuthenticationError::Session(damaged),
            })?;
            *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash);
            self.opened.send_if_modified(|opened| {
                let first = opened.is_none();
                opened.get_or_insert_with(|| Arc::new(credentials));
                first
            });
        }
        Ok(Principal { key_id: file.key_id() })
    }

    /// The credentials, if a right token has been seen.
    pub fn credentials(&self) -> Option<Arc<Credentials>> {
        self.opened.borrow().clone()
    }

    /// Waits until a right token has been seen; for ever if none comes.
    pub async fn unlocked(&self) -> Arc<Credentials> {
        let mut receiver = self.opened.subscribe();
        loop {
            if let Some(credentials) = receiver.borrow_and_update().clone() {
                return credentials;
            }
            if receiver.changed().await.is_err() {
                // The sender lives in `self`, so this is never reached while somebody can wait.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl fmt::Debug for SessionGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGate")
            .field("session", &self.file)
            .field("unlocked", &self.opened.borrow().is_some())
            .finish_non_exhaustive()
    }
}

/// Why a presented token was not accepted. The token itself is never repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// It is not the text of a token.
    #[error(transparent)]
    Malformed(TokenError),
    /// It is a token, but of another session.
    #[error("the bearer token does not belong to this bridge's session file")]
    WrongToken,
    /// The token is right, but the session file does not open. An administrator of the bridge must act.
    #[error("the bearer token is right, but the session file does not open")]
    Session(#[source] SessionError),
    /// This process was started without a session.
    #[error("the bridge has no session file, so that it cannot accept any token")]
    NoSession,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::random::SystemRandom;

    fn gate() -> (SessionGate, Token) {
        let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
        (SessionGate::new(file, &SystemRandom).unwrap(), token)
    }

    #[test]
    fn wrong_tokens_never_unlock() {
        let (gate, token) = gate();
        let other = Token::generate(&SystemRandom).unwrap();
        for _ in 0..2 {
            assert!(matches!(gate.authenticate(&other.expose()), Err(AuthenticationError::WrongToken)));
            assert!(matches!(gate.authenticate(""), Err(AuthenticationError::Malformed(_))));
            assert!(gate.authenticate(&"x".repeat(1_000_000)).is_err());
        }
        assert!(gate.credentials().is_none());
        gate.authenticate(&token.expose()).unwrap();
        assert!(matches!(gate.authenticate(&other.expose()), Err(AuthenticationError::WrongToken)));
        assert!(gate.credentials().is_some(), "a wrong token does not lock either");
        assert!(gate.authenticate(&token.expose()).is_ok());
    }

    #[tokio::test]
    async fn the_first_right_token_wakes_all_that_wait() {
        let (gate, token) = gate();
        let gate = Arc::new(gate);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { gate.unlocked().await })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.authenticate(&token.expose()).unwrap();
        for task in waiting {
            let opened = task.await.unwrap();
            assert!(Arc::ptr_eq(&opened, &gate.credentials().unwrap()));
        }
        gate.unlocked().await;
    }

    #[test]
    fn debug_shows_no_secret() {
        let (gate, token) = gate();
        gate.authenticate(&token.expose()).unwrap();
        let text = format!("{gate:?} {:?}", gate.credentials());
        assert!(!text.contains(token.expose().get(4..20).unwrap()));
        assert!(text.contains("unlocked: true") && text.contains("PrivateKey(redacted)"), "{text}");
    }

    #[test]
    fn a_process_without_a_session_accepts_nothing() {
        let refused = SessionGate::closed().authenticate("opb_x").unwrap_err();
        assert!(matches!(refused, AuthenticationError::NoSession));
    }
}
