//! A group's private key, sealed to somebody's public key (RFC 9180, base mode, single shot).

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable as _};
use zeroize::Zeroizing;

use super::super::{AccountError, GroupId};
use crate::credentials::{PrivateKey, PublicKey};

const INFO: &[u8] = b"op-bridge local account group key 1";
/// Bytes of the encapsulated key, in front of the ciphertext.
const ENCAPSULATED_LEN: usize = 32;

type Kem = X25519HkdfSha256;

/// Seals `key`, the private key of `group`, to `recipient`, whose id is `recipient_id`.
pub(super) fn seal(
    key: &PrivateKey,
    group: &GroupId,
    recipient: &PublicKey,
    recipient_id: &str,
) -> Result<Vec<u8>, AccountError> {
    let failed = |error: hpke::HpkeError| AccountError::unavailable("a group key could not be sealed", error);
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient.as_bytes()).map_err(failed)?;
    let (encapsulated, ciphertext) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &recipient,
        INFO,
        key.as_bytes(),
        &associated_data(group, recipient_id),
    )
    .map_err(failed)?;
    let mut sealed = encapsulated.to_bytes().to_vec();
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` if it was made for another group, another recipient or another key.
pub(super) fn open(
    sealed: &[u8],
    group: &GroupId,
    recipient: &PrivateKey,
    recipient_id: &str,
) -> Option<PrivateKey> {
    let (encapsulated, ciphertext) = sealed.split_at_checked(ENCAPSULATED_LEN)?;
    let recipient = <Kem as hpke::Kem>::PrivateKey::from_bytes(recipient.as_bytes()).ok()?;
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let key = hpke::single_shot_open::<AesGcm256, HkdfSha256, Kem>(
        &OpModeR::Base,
        &recipient,
        &encapsulated,
        INFO,
        ciphertext,
        &associated_data(group, recipient_id),
    )
    .ok()?;
    PrivateKey::from_bytes(&Zeroizing::new(key))
}

/// Ids of groups have one length, so the two parts cannot be shifted.
fn associated_data(group: &GroupId, recipient_id: &str) -> Vec<u8> {
    [group.as_str().as_bytes(), recipient_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn only_the_recipient_opens_and_only_for_that_group() {
        let random = &SystemRandom;
        let (group, other_group) = (GroupId::generate(random).unwrap(), GroupId::generate(random).unwrap());
        let key = PrivateKey::generate(random).unwrap();
        let (person, stranger) =
            (PrivateKey::generate(random).unwrap(), PrivateKey::generate(random).unwrap());
        let sealed = seal(&key, &group, &person.public_key(), "P").unwrap();

        assert_eq!(sealed.len(), 32 + 32 + 16);
        assert_eq!(open(&sealed, &group, &person, "P"), Some(key));
        assert_eq!(open(&sealed, &group, &stranger, "P"), None);
        assert_eq!(open(&sealed, &other_group, &person, "P"), None);
        assert_eq!(open(&sealed, &group, &person, "Q"), None);
        assert_eq!(open(&sealed[..31], &group, &person, "P"), None);
        for at in 0..sealed.len() {
            let mut edited = sealed.clone();
            edited[at] ^= 1;
            assert_eq!(open(&edited, &group, &person, "P"), None, "byte {at}");
        }
    }
}
