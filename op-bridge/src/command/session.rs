use std::path::Path;

use crate::clock::SystemClock;
use crate::credentials::{CreateError, Overwrite, SessionError, SessionFile, Token, WriteError};
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
}

/// Makes a session and its token, each in a file of its own that only its owner may read.
///
/// Neither file is overwritten. If the second cannot be written, the first is taken away again: half a pair is of no
/// use to anybody.
///
/// # Errors
///
/// [`NewSessionError`].
pub fn new_session(session: &Path, token: &Path) -> Result<Token, NewSessionError> {
    let (file, secret) = SessionFile::create("", &SystemClock, &SystemRandom)?;
    file.write(session, Overwrite::Refuse)?;
    if let Err(error) = secret.write(token, Overwrite::Refuse) {
        // The file is ours and a moment old.
        let _ = std::fs::remove_file(session);
        return Err(error.into());
    }
    Ok(secret)
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
