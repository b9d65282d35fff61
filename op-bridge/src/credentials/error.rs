//! What can be wrong with a session file or a token file.

use std::io;
use std::path::{Path, PathBuf};

use crate::random::RandomError;

/// Why a session file cannot be read or opened.
///
/// No message holds a token, a key, or more of the file than the name of a field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no such file.
    #[error(
        "there is no session file at `{}`: give the path of the file in `OP_SESSION`, or make one with `op-scim-bridge session new`",
        .0.display()
    )]
    NotFound(PathBuf),
    /// The file exists but could not be read; the cause is the source.
    #[error("the session file `{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `OP_SESSION` holds a text that is neither a path nor base64 of a session file.
    #[error(
        "`OP_SESSION` is neither the path of a file nor the base64 text of a session file: encode the whole file with `base64 -w0`, or give its path"
    )]
    NeitherPathNorBase64,
    /// The bearer token stands where the session file is asked for, in `OP_SESSION` or in the file that it names.
    #[error(
        "there is a bearer token where the session file should be: `OP_SESSION` takes the path of the file `scimsession`, the token goes to the identity provider"
    )]
    Token,
    /// `OP_SESSION` holds the JSON itself.
    #[error(
        "`OP_SESSION` holds the JSON of a session file: give the path of the file, or its text encoded with `base64 -w0`"
    )]
    BareJson,
    /// More than [`SESSION_FILE_MAX`](super::SESSION_FILE_MAX) bytes.
    #[error("the session file is longer than {} bytes, so it is not a session file", super::SESSION_FILE_MAX)]
    TooLong,
    /// Nothing in it.
    #[error("the session file is empty")]
    Empty,
    /// It ends too early.
    #[error("the session file is cut off: it ends in the middle of its JSON text")]
    Truncated,
    /// It is not JSON, or not a JSON object.
    #[error("the session file is not a JSON object (line {line}, column {column})")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A field that must be there is not.
    #[error("the session file has no field `{0}`")]
    MissingField(&'static str),
    /// A field is not what this version allows.
    #[error("the session file has a bad field `{field}`: {problem}")]
    BadField {
        /// The field, with the name of the object around it where there is one.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is a field that this version does not know, or a field twice, or one of a wrong type.
    #[error(
        "the session file has an unknown, repeated or wrongly typed field (line {line}, column {column})"
    )]
    Unexpected {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The version is not one that this program reads.
    #[error("the session file has version {0}, which this bridge cannot read: it reads `opb1`")]
    UnsupportedVersion(String),
    /// The file was made for the original product.
    #[error(
        "the session file was made for the original 1Password SCIM bridge and cannot be used by this one: make a new one with `op-scim-bridge session new`, then put the new bearer token into the identity provider"
    )]
    Original,
    /// The token is not the one that the file was made with.
    #[error(
        "the bearer token does not belong to this session file: use the token that was made together with it"
    )]
    WrongToken,
    /// A value in the file is not the one it was made with.
    #[error("the session file was changed after it was made: restore the file as it was, or make a new one")]
    Edited,
}

/// Why a session could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The encryption failed, which can only be a defect of this program.
    #[error("the session could not be encrypted")]
    Encrypt,
    /// The text could not be built, which can only be a defect of this program.
    #[error("the session could not be written as JSON")]
    Encode,
}

/// Why a secret could not be written to a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file is there already and may not be replaced.
    #[error("the file `{}` exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// Any other failure; the cause is the source.
    #[error("the file `{}` cannot be written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl WriteError {
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}
