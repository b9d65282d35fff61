//! Values that must never be printed, and that are wiped when they are dropped.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::account::{AccountId, IntegrationId};
use crate::random::{Random, RandomError};

/// What an unlocked session holds: who the integration is, and the key that makes it a member of groups.
#[derive(Clone, Debug)]
pub struct Credentials {
    account: AccountId,
    integration: IntegrationId,
    device_uuid: String,
    private_key: PrivateKey,
    public_key: PublicKey,
}

impl Credentials {
    pub(crate) fn new(
        account: AccountId,
        integration: IntegrationId,
        device_uuid: String,
        private_key: PrivateKey,
    ) -> Self {
        // Deriving the public half is the costly part, and it is needed with every change.
        let public_key = private_key.public_key();
        Self { account, integration, device_uuid, private_key, public_key }
    }

    /// The account that the session was made for.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The integration: who acts in the account when the bridge does.
    pub fn integration(&self) -> &IntegrationId {
        &self.integration
    }

    /// The device that the session was made for.
    pub fn device_uuid(&self) -> &str {
        &self.device_uuid
    }

    /// The integration's private key.
    pub fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }

    /// The integration's public key, to which the keys of groups are sealed.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// An X25519 private key for HPKE (RFC 9180), as its 32 bytes.
///
/// `Debug` never shows it, comparison takes constant time, and it is wiped from memory when dropped.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<[u8; 32]>);

impl PrivateKey {
    /// A new random key.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when there is no randomness.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomError> {
        let mut material = Zeroizing::new([0_u8; 32]);
        random.fill(material.as_mut_slice())?;
        let (private, _) = X25519HkdfSha256::derive_keypair(material.as_slice());
        let mut key = Zeroizing::new([0_u8; 32]);
        private.write_exact(key.as_mut_slice());
        Ok(Self(key))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0_u8; 32];
        if let Ok(private) = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(self.0.as_slice()) {
            X25519HkdfSha256::sk_to_pk(&private).write_exact(&mut bytes);
        }
        PublicKey(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        Self::from_bytes(&Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

impl PartialEq for PrivateKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for PrivateKey {}

/// An X25519 public key, as its 32 bytes. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn debug_never_shows_a_private_key() {
        let key = PrivateKey::generate(&SystemRandom).unwrap();
        assert_eq!(format!("{key:?} {key:#?}"), "PrivateKey(redacted) PrivateKey(redacted)");
    }

    #[test]
    fn a_key_survives_its_text() {
        let key = PrivateKey::generate(&SystemRandom).unwrap();
        let again = PrivateKey::from_base64(&key.to_base64()).unwrap();
        assert_eq!(again, key);
        assert_eq!(again.public_key(), key.public_key());
        assert_ne!(key, PrivateKey::generate(&SystemRandom).unwrap());
    }
}
