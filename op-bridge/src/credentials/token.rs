//! The bearer token: 256 random bits, stored only at the identity provider.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::error::WriteError;
use crate::file::{self, Overwrite};
use crate::random::{Random, RandomError};

/// What the text of every token begins with.
pub(super) const PREFIX: &str = "opb_";
/// Random bytes in a token.
const SECRET_LEN: usize = 32;
/// Bytes of the check sum that follows them.
const CHECK_LEN: usize = 4;
/// Sets the check sum apart from any other hash of the same bytes.
const CHECK_LABEL: &[u8] = b"op-bridge token check";

/// A bearer token: `opb_` and 48 characters of base64url, the last few of which are a check sum.
///
/// The check sum only tells a mistyped or cut token from a token of another session. `Debug` never shows the
/// token, there is no `Display`, comparison takes constant time, and it is wiped from memory when dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; SECRET_LEN]>);

impl Token {
    /// A new random token.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when there is no randomness.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomError> {
        let mut secret = Zeroizing::new([0_u8; SECRET_LEN]);
        random.fill(secret.as_mut_slice())?;
        Ok(Self(secret))
    }

    /// The text that an administrator gives to the identity provider. Handle with care.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0_u8; SECRET_LEN + CHECK_LEN]);
        let (secret, check) = bytes.split_at_mut(SECRET_LEN);
        secret.copy_from_slice(self.0.as_slice());
        check.copy_from_slice(&check_sum(self.0.as_slice()));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 48));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        text
    }

    /// Writes the token and a line break to `path`, readable by the owner only.
    ///
    /// # Errors
    ///
    /// [`WriteError`] when the file exists and may not be replaced, or cannot be written.
    pub fn write(&self, path: &Path, overwrite: Overwrite) -> Result<(), WriteError> {
        let mut text = self.expose();
        text.push('\n');
        file::write_private(path, text.as_bytes(), overwrite).map_err(|source| WriteError::new(path, source))
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl FromStr for Token {
    type Err = TokenError;

    /// Reads a token's text; white space around it is ignored.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let encoded = text.trim_ascii().strip_prefix(PREFIX).ok_or(TokenError::NotAToken)?;
        // A longer text cannot be a token, and is not worth decoding.
        let mut bytes = Zeroizing::new([0_u8; SECRET_LEN + CHECK_LEN]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice()) {
            Ok(len) if len == bytes.len() => {}
            _ => return Err(TokenError::Damaged),
        }
        let (secret, check) = bytes.split_at(SECRET_LEN);
        if !bool::from(check.ct_eq(&check_sum(secret))) {
            return Err(TokenError::Damaged);
        }
        let secret = secret.try_into().map_err(|_| TokenError::Damaged)?;
        Ok(Self(Zeroizing::new(secret)))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Token {}

/// Why a text is no token. The text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not begin as a token does.
    #[error("the bearer token is not one of this bridge: those begin with `opb_`")]
    NotAToken,
    /// It begins as a token does, but a part is missing or mistyped.
    #[error("the bearer token is incomplete or mistyped: copy it again as a whole")]
    Damaged,
}

fn check_sum(secret: &[u8]) -> [u8; CHECK_LEN] {
    let hash = Sha256::new().chain_update(CHECK_LABEL).chain_update(secret).finalize();
    let mut check = [0; CHECK_LEN];
    check.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_token_survives_its_text() {
        let token = Token::generate(&SystemRandom).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 52);
        assert!(text.starts_with("opb_"));
        assert_eq!(text.parse::<Token>().unwrap(), token);
        assert_eq!(format!(" {}\r\n", *text).parse::<Token>().unwrap(), token);
        assert_ne!(Token::generate(&SystemRandom).unwrap(), token);
    }

    #[test]
    fn a_damaged_token_is_told_from_a_foreign_one() {
        let text = Token::generate(&SystemRandom).unwrap().expose();
        for at in 4..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(bytes).unwrap();
            assert_eq!(edited.parse::<Token>().unwrap_err(), TokenError::Damaged, "position {at}");
            assert_eq!(
                text.get(..at).unwrap().parse::<Token>().unwrap_err(),
                TokenError::Damaged,
                "cut at {at}"
            );
        }
        assert_eq!(format!("{}A", *text).parse::<Token>().unwrap_err(), TokenError::Damaged);
        for foreign in ["", "ops_abc", "eyJhbGciOiJFUzI1NiJ9.e30.x"] {
            assert_eq!(foreign.parse::<Token>().unwrap_err(), TokenError::NotAToken, "{foreign}");
        }
    }
}
