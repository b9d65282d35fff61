//! Randomness, handed in: tokens, keys and ids come from here.

use std::fmt::Debug;

/// A source of bytes that nobody can guess.
///
/// Everything secret in the bridge rests on this, so an implementation must be cryptographically secure;
/// outside tests use [`SystemRandom`].
pub trait Random: Debug + Send + Sync {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when the source gives nothing; `bytes` must then not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(|_| RandomError)
    }
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomError;

/// `N` random characters, each one of the 32 of `alphabet` (five bits of randomness each).
pub(crate) fn characters<const N: usize>(
    random: &dyn Random,
    alphabet: &[u8; 32],
) -> Result<String, RandomError> {
    let mut bytes = [0_u8; N];
    random.fill(&mut bytes)?;
    Ok(bytes.iter().filter_map(|byte| alphabet.get(usize::from(byte & 31))).map(|&c| char::from(c)).collect())
}
