//! The people's devices: private keys that the account itself never sees.

use std::io;
use std::path::{Path, PathBuf};

use super::super::{AccountError, PersonId};
use crate::credentials::PrivateKey;
use crate::file::{self, Overwrite};
use crate::random::Random;

/// The most bytes of a key file.
const KEY_FILE_MAX: u64 = 256;

/// The folder with one key file for each person who has accepted.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    folder: PathBuf,
}

impl Devices {
    /// Uses `folder`, and makes it if need be.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        file::create_private_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The key on a person's device; `None` if there is none here.
    pub(super) fn key(&self, person: &PersonId) -> Result<Option<PrivateKey>, AccountError> {
        let unusable = |error: io::Error| AccountError::unavailable("a device key could not be read", error);
        match file::read_bounded(&self.path(person), KEY_FILE_MAX) {
            Ok(Some(text)) => std::str::from_utf8(text.trim_ascii())
                .ok()
                .and_then(PrivateKey::from_base64)
                .map(Some)
                .ok_or_else(|| unusable(io::ErrorKind::InvalidData.into())),
            Ok(None) => Err(unusable(io::ErrorKind::InvalidData.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(error)),
        }
    }

    /// The key on a person's device, made now if there is none.
    pub(super) fn key_or_new(
        &self,
        person: &PersonId,
        random: &dyn Random,
    ) -> Result<PrivateKey, AccountError> {
        // A key that was written just before a crash is used, not replaced.
        if let Some(key) = self.key(person)? {
            return Ok(key);
        }
        let key = PrivateKey::generate(random)
            .map_err(|error| AccountError::unavailable("a key could not be made", error))?;
        let mut text = key.to_base64();
        text.push('\n');
        file::write_private(&self.path(person), text.as_bytes(), Overwrite::Refuse)
            .map_err(|error| AccountError::unavailable("a device key could not be written", error))?;
        Ok(key)
    }

    fn path(&self, person: &PersonId) -> PathBuf {
        self.folder.join(format!("{person}.key"))
    }
}
