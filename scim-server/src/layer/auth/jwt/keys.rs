use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// How many keys a set may have; issuers have less than ten.
const MOST_KEYS: usize = 100;
/// Shared secrets shorter than this are refused: "A key of the same size as the hash output ... or larger MUST be used"
/// (RFC 7518 section 3.2), for SHA-256.
const SHORTEST_SECRET: usize = 32;

/// An algorithm that tokens are signed with (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are those of the RFC")]
pub enum JwtAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    /// With a secret that both sides have. Never among the defaults.
    HS256,
    /// As [`HS256`](Self::HS256).
    HS384,
    /// As [`HS256`](Self::HS256).
    HS512,
}

impl JwtAlgorithm {
    /// Those whose keys are public, which are the defaults.
    pub const ASYMMETRIC: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    pub(super) fn inner(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
            Self::HS256 => Algorithm::HS256,
            Self::HS384 => Algorithm::HS384,
            Self::HS512 => Algorithm::HS512,
        }
    }
}

/// Where the keys of an issuer come from.
#[async_trait]
pub trait FetchKeys: Send + Sync + fmt::Debug {
    /// The keys that there are now. It is given ten seconds.
    ///
    /// # Errors
    /// [`FetchError`], for the log; the keys that are there stay in use.
    async fn fetch(&self) -> Result<KeySet, FetchError>;
}

/// Why keys could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(String);

impl FetchError {
    /// An error with this text for the log.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<KeySetError> for FetchError {
    fn from(error: KeySetError) -> Self {
        Self(error.to_string())
    }
}

/// The keys of an issuer. `Debug` shows their ids only.
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<HashMap<String, Vec<Key>>>,
    pub(super) fresh_for: Option<Duration>,
}

/// A key, and which algorithms it is for.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) decoding: Arc<DecodingKey>,
    algorithms: Vec<Algorithm>,
}

/// A text that is no set of keys that could be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not a JWK Set (RFC 7517 section 5).
    #[error("the text is no JWK Set")]
    Syntax,
    /// No key in it could verify a token: public, with an id, for signatures, of a kind that is known.
    #[error("the JWK Set has no public key with a `kid` that signatures could be checked with")]
    Empty,
    /// There are more than 100 keys.
    #[error("the JWK Set has more than 100 keys")]
    TooMany,
    /// A shared secret has less than 32 bytes.
    #[error("a shared secret must have at least 32 bytes")]
    ShortSecret,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 section 5). Keys that are not public, have no `kid`, are for encryption or of an unknown
    /// kind are passed over.
    ///
    /// # Errors
    /// [`KeySetError`] when the text is none, or no key is left.
    pub fn from_json(text: &str) -> Result<Self, KeySetError> {
        let set: JwkSet = serde_json::from_str(text).map_err(|_| KeySetError::Syntax)?;
        if set.keys.len() > MOST_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut keys: HashMap<String, Vec<Key>> = HashMap::new();
        for jwk in &set.keys {
            if let Some((id, key)) = public_key(jwk) {
                keys.entry(id).or_default().push(key);
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { keys: Arc::new(keys), fresh_for: None })
    }

    /// A secret that the issuer has as well, under an id. The verifier has to be told to allow HS256, HS384 or HS512.
    ///
    /// # Errors
    /// [`KeySetError::ShortSecret`].
    pub fn from_secret(id: &str, secret: &[u8]) -> Result<Self, KeySetError> {
        if secret.len() < SHORTEST_SECRET {
            return Err(KeySetError::ShortSecret);
        }
        let key = Key {
            decoding: Arc::new(DecodingKey::from_secret(secret)),
            algorithms: vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512],
        };
        Ok(Self { keys: Arc::new([(id.to_owned(), vec![key])].into()), fresh_for: None })
    }

    /// Says how long the issuer wants them to be kept, before they are read again.
    #[must_use]
    pub fn with_fresh_for(mut self, time: Duration) -> Self {
        self.fresh_for = Some(time);
        self
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// The key of this id that is for this algorithm.
    pub(super) fn find(&self, id: &str, algorithm: Algorithm) -> Option<&Key> {
        self.keys.get(id)?.iter().find(|key| key.algorithms.contains(&algorithm))
    }
}

fn public_key(jwk: &Jwk) -> Option<(String, Key)> {
    let common = &jwk.common;
    let id = common.key_id.clone().filter(|id| !id.is_empty())?;
    if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let verifies = |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
    if !common.key_operations.as_ref().is_none_or(verifies) {
        return None;
    }
    let possible: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        // A secret that somebody has published is none.
        _ => return None,
    };
    let algorithms = match common.key_algorithm {
        None => possible.to_vec(),
        Some(named) => {
            let named = Algorithm::try_from(named).ok()?;
            vec![*possible.iter().find(|algorithm| **algorithm == named)?]
        }
    };
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    Some((id, Key { decoding: Arc::new(decoding), algorithms }))
}

#[async_trait]
impl FetchKeys for KeySet {
    async fn fetch(&self) -> Result<Self, FetchError> {
        Ok(self.clone())
    }
}

#[async_trait]
impl<T: FetchKeys + ?Sized> FetchKeys for Arc<T> {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        (**self).fetch().await
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}
