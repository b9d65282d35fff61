//! The two secrets: a session file on the bridge, and a bearer token at the identity provider.
//!
//! Neither is of use alone. The [`SessionFile`] holds the integration's [`Credentials`], encrypted with a key
//! that is derived from the [`Token`]; the token is stored nowhere on the bridge, only handed in with each
//! request. A bridge that has just started is therefore *locked*, and the first request with the right token
//! unlocks it (see [`SessionGate`]).
//!
//! # The format `opb1`
//!
//! ```json
//! {
//!   "version": "opb1",
//!   "verifier": {"salt": "…", "localHash": "…"},
//!   "encCredentials": {"kid": "…", "enc": "A256GCM", "cty": "opb1-credentials+json", "iv": "…", "data": "…"},
//!   "deviceUuid": "…",
//!   "domain": "",
//!   "created": "2026-11-22T12:30:00Z"
//! }
//! ```
//!
//! Binary values are base64url without padding. With `prk = HKDF-Extract-SHA256(salt, token)`, where the token
//! is its 32 random bytes:
//!
//! - `localHash = HKDF-Expand(prk, "op-bridge opb1 verifier", 32)` tells whether a token is the right one.
//! - `key = HKDF-Expand(prk, "op-bridge opb1 encryption", 32)` is the AES-256-GCM key of `data`.
//! - `kid` is the first 16 bytes of `SHA-256("op-bridge opb1 kid" ‖ salt ‖ localHash)`: it names the token in
//!   logs, and shows that the verifier is damaged before anybody is told that their token is wrong.
//! - The associated data are all other values of the file, each with its length in front, so that a file in
//!   which anything but white space was changed does not open.
//!
//! The file is of our own design. It is not compatible with the original product's, whose files are
//! recognised and refused with advice ([`SessionError::Original`]).
//!
//! # Examples
//!
//! ```
//! use op_bridge::clock::SystemClock;
//! use op_bridge::credentials::{SessionFile, Token};
//! use op_bridge::random::SystemRandom;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom)?;
//! let stored = file.to_json()?;
//!
//! let credentials = SessionFile::parse(stored.as_bytes())?.unlock(&token)?;
//! assert_eq!(format!("{token:?}"), "Token(redacted)");
//!
//! let another = Token::generate(&SystemRandom)?;
//! let refused = file.unlock(&another).unwrap_err();
//! assert!(refused.to_string().starts_with("the bearer token does not belong to this session file"));
//! # drop(credentials);
//! # Ok(())
//! # }
//! ```

mod cipher;
mod error;
mod gate;
mod secret;
mod session;
mod token;

pub use self::error::{CreateError, SessionError, WriteError};
pub use self::gate::{AuthenticationError, Principal, SessionGate};
pub use self::secret::{Credentials, PrivateKey, PublicKey};
pub use self::session::{SESSION_FILE_MAX, SessionFile, SessionSummary};
pub use self::token::{Token, TokenError};
pub use crate::file::Overwrite;
