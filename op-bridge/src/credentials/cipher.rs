//! The cryptography of the session file: what is derived from a token, and what it encrypts.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::token::Token;

/// Bytes of the salt in the verifier.
pub(super) const SALT_LEN: usize = 32;
/// Bytes of the hash in the verifier.
pub(super) const HASH_LEN: usize = 32;
/// Bytes of an AES-GCM initialisation vector.
pub(super) const IV_LEN: usize = 12;
/// Bytes of a key id.
pub(super) const KID_LEN: usize = 16;

const VERIFIER_LABEL: &[u8] = b"op-bridge opb1 verifier";
const ENCRYPTION_LABEL: &[u8] = b"op-bridge opb1 encryption";
const KID_LABEL: &[u8] = b"op-bridge opb1 kid";

/// What follows from a token and a salt.
pub(super) struct Derived {
    pub(super) local_hash: [u8; HASH_LEN],
    cipher: Aes256Gcm,
}

impl Derived {
    /// `None` cannot happen with the lengths above; the libraries check them at run time.
    pub(super) fn new(token: &Token, salt: &[u8; SALT_LEN]) -> Option<Self> {
        let hkdf = Hkdf::<Sha256>::new(Some(salt), token.secret());
        let mut local_hash = [0; HASH_LEN];
        hkdf.expand(VERIFIER_LABEL, &mut local_hash).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        hkdf.expand(ENCRYPTION_LABEL, key.as_mut_slice()).ok()?;
        Some(Self { local_hash, cipher: Aes256Gcm::new_from_slice(key.as_slice()).ok()? })
    }

    pub(super) fn encrypt(&self, iv: &[u8; IV_LEN], plain: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
        self.cipher.encrypt(&(*iv).into(), Payload { msg: plain, aad: associated }).ok()
    }

    pub(super) fn decrypt(
        &self,
        iv: &[u8; IV_LEN],
        data: &[u8],
        associated: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        self.cipher.decrypt(&(*iv).into(), Payload { msg: data, aad: associated }).ok().map(Zeroizing::new)
    }
}

/// The name of the key that belongs to a verifier.
pub(super) fn key_id(salt: &[u8; SALT_LEN], local_hash: &[u8; HASH_LEN]) -> [u8; KID_LEN] {
    let hash = Sha256::new().chain_update(KID_LABEL).chain_update(salt).chain_update(local_hash).finalize();
    let mut id = [0; KID_LEN];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}

/// `parts`, each with its length in front, so that no two lists give the same bytes.
pub(super) fn bind(parts: &[&[u8]]) -> Vec<u8> {
    let mut bound = Vec::new();
    for part in parts {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_parts_cannot_be_shifted() {
        assert_ne!(bind(&[b"ab", b"c"]), bind(&[b"a", b"bc"]));
        assert_ne!(bind(&[b"ab"]), bind(&[b"ab", b""]));
    }
}
