use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::StartError;
use crate::account::local::OpenError;
use crate::file;

/// The file that a running bridge holds a lock on, in the data folder.
const LOCK: &str = "bridge.lock";

/// A random text that Linux makes when it starts.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// That no other bridge runs on a data folder, for as long as this lives. The operating system lets go of it however
/// the process ends.
#[derive(Debug)]
pub(super) struct DataFolder {
    _lock: File,
    is_locked: bool,
    place: Place,
}

/// A file at its path, to notice that the folder has been removed, replaced, or unmounted: what is open goes on to be
/// written then, for nobody.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Place {
    /// Whether the file is still there.
    pub(super) fn is_there(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.file)
    }
}

impl DataFolder {
    /// Makes the folder where there is none.
    pub(super) fn take(folder: &Path) -> Result<Self, StartError> {
        let unusable = |source| OpenError::Folder { folder: folder.to_owned(), source };
        file::create_private_folder(folder).map_err(unusable)?;
        if file::is_open_to_others(folder) {
            tracing::warn!(
                folder = %folder.display(),
                "the data folder is open to every user of this machine: take that away with `chmod o-rwx`"
            );
        }
        let path = folder.join(LOCK);
        file::create_private_if_missing(&path).map_err(unusable)?;
        let lock = File::options().write(true).open(&path).map_err(unusable)?;
        let is_locked = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(StartError::InUse(folder.to_owned())),
            // Some network file systems have no locks; refusing to start there would help nobody.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                tracing::warn!(
                    folder = %folder.display(),
                    "the file system of the data folder has no locks: see to it that no other bridge uses the folder"
                );
                false
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source).into()),
        };
        let file = lock.metadata().map_err(unusable)?;
        Ok(Self { _lock: lock, is_locked, place: Place { path, file: (file.dev(), file.ino()) } })
    }

    /// A name that no other folder has, on whatever machine, if only one bridge can run on this one. Another one after
    /// the machine has been started again.
    pub(super) fn unique_name(&self) -> Option<String> {
        let boot = std::fs::read_to_string(BOOT).ok()?;
        let (device, inode) = self.place.file;
        self.is_locked.then(|| format!("{} {device} {inode}", boot.trim()))
    }

    /// Where the folder is.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }
}
