use std::io;
use std::path::{Component, Path, PathBuf};

use crate::clock::SystemClock;
use crate::credentials::{CreateError, Overwrite, SessionError, SessionFile, Token, WriteError};
use crate::file;
use crate::random::SystemRandom;

/// Why there is no new session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewSessionError {
    /// It could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Session and token would be one file; nothing has been written.
    #[error("session file and token file are the same file, `{}`: each needs one of its own", .0.display())]
    SameFile(PathBuf),
    /// The folder of a file could not be made; no file has been written.
    #[error("the folder `{}` cannot be made", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Makes a session and its token, each in a file of its own that only its owner may read.
///
/// Folders that do not exist are made for the owner only (mode 0700). Neither file is overwritten. If the second cannot be written, the first is taken away again: half a pair is of no
/// use to anybody.
///
/// # Errors
///
/// [`NewSessionError`].
pub fn new_session(session: &Path, token: &Path) -> Result<Token, NewSessionError> {
    if resolved(session) == resolved(token) {
        return Err(NewSessionError::SameFile(session.to_owned()));
    }
    for path in [session, token] {
        if path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists(path.to_owned()).into());
        }
    }
    for path in [session, token] {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            file::create_private_folder(folder)
                .map_err(|source| NewSessionError::Folder { folder: folder.to_owned(), source })?;
        }
    }
    let (file, secret) = SessionFile::create("", &SystemClock, &SystemRandom)?;
    file.write(session, Overwrite::Refuse)?;
    if let Err(error) = secret.write(token, Overwrite::Refuse) {
        // The file is ours and a moment old.
        let _ = std::fs::remove_file(session);
        return Err(error.into());
    }
    Ok(secret)
}

/// Where a file would be written: without links, as far as its folders exist, and without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
        if let Ok(real) = resolved.canonicalize() {
            resolved = real;
        }
    }
    resolved
}

/// What a session file says without its token, as lines for people.
///
/// # Errors
///
/// [`SessionError`] when it is no session file of this product.
pub fn show_session(file: &SessionFile) -> Result<String, SessionError> {
    let summary = file.summary();
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<12} {value}\n"));
    };
    line("version", &summary.version);
    line("deviceUuid", &summary.device_uuid);
    line("key", &summary.key_id);
    line("created", &summary.created);
    line("domain", if summary.domain.is_empty() { "-" } else { &summary.domain });
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn folders_are_made_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (session, token) = (folder.path().join("a/b/scimsession"), folder.path().join("c/token"));
        new_session(&session, &token).unwrap();
        for made in ["a", "a/b", "c"] {
            let mode = fs::metadata(folder.path().join(made)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
        assert!(session.is_file() && token.is_file());
    }

    #[test]
    fn one_file_for_both_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap();
        fs::create_dir(dir.join("real")).unwrap();
        symlink(dir.join("real"), dir.join("link")).unwrap();
        for (session, token) in [
            ("new/file", "new/file"),
            ("new/file", "./new/other/../file"),
            ("real/file", "link/file"),
            ("link/new/file", "real/new/./file"),
        ] {
            let refused = new_session(&dir.join(session), &dir.join(token)).unwrap_err();
            assert!(matches!(refused, NewSessionError::SameFile(_)), "{session} {token}: {refused}");
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "real and link");
        assert_eq!(fs::read_dir(dir.join("real")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_is_not_touched_and_nothing_else_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new/file"));
        fs::write(&old, "x").unwrap();
        for (session, token) in [(&old, &new), (&new, &old)] {
            let refused = new_session(session, token).unwrap_err();
            assert!(matches!(refused, NewSessionError::Write(WriteError::Exists(_))), "{refused}");
        }
        let refused = new_session(&old.join("in/file"), &new).unwrap_err();
        assert!(matches!(refused, NewSessionError::Folder { .. }), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&old).unwrap(), "x");
    }
}
