use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use scim_server::store::{PostgresOpenError, SqliteOpenError, StoreError};

use crate::account::AccountError;
use crate::account::local::OpenError;
use crate::config::UnsupportedError;
use crate::credentials::SessionError;
use crate::random::RandomError;

/// Why a bridge does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings ask for something that this version does not have.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedError),
    /// There is no usable session.
    #[error("{}", session_message(place, source))]
    Session {
        /// The file, or the variable.
        place: String,
        /// What is wrong with it.
        source: SessionError,
    },
    /// Another bridge runs on the data folder.
    #[error("another bridge is running on the data folder `{}`, and only one may", .0.display())]
    InUse(PathBuf),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The account cannot be opened.
    #[error(transparent)]
    Account(#[from] OpenError),
    /// The bridge's own store cannot be opened.
    #[error(transparent)]
    Store(#[from] SqliteOpenError),
    /// The account cannot be read.
    #[error(transparent)]
    UnreadableAccount(#[from] AccountError),
    /// The URL of the database cannot be understood.
    #[error("`OP_BRIDGE_DATABASE_URL`: {0}")]
    DatabaseUrl(#[from] PostgresOpenError),
    /// The database cannot be used.
    #[error("the database of `OP_BRIDGE_DATABASE_URL` cannot be used")]
    Database(#[source] StoreError),
    /// The database belongs to another account.
    #[error(
        "the database of `OP_BRIDGE_DATABASE_URL` belongs to an account that is not in the data folder `{}`: there is {}",
        folder.display(),
        if *is_missing { "none" } else { "another one" }
    )]
    DatabaseOfAnother {
        /// The data folder.
        folder: PathBuf,
        /// There is no account at all.
        is_missing: bool,
    },
    /// The database belongs to no bridge, and is not empty.
    #[error(
        "the database of `OP_BRIDGE_DATABASE_URL` has users or groups in it that no bridge has written, and would lose them"
    )]
    DatabaseNotEmpty,
    /// Another bridge uses the database.
    #[error(
        "another bridge is using the database of `OP_BRIDGE_DATABASE_URL`, with a copy of the account in the data folder, and only one may"
    )]
    DatabaseInUse {
        /// When that was last heard of, in milliseconds since 1970 by the clock of the database; 0 if that is not known.
        seen: i64,
    },
    /// There is a view with people, but no account, or one that none of them is in.
    #[error(
        "the data folder `{}` has lost its account: there are people whom identity providers see, and {}",
        folder.display(),
        if *is_missing { "account.sqlite3 is missing or empty" } else { "account.sqlite3 is a new account without them" }
    )]
    AccountLost {
        /// The data folder.
        folder: PathBuf,
        /// There is no account at all.
        is_missing: bool,
    },
    /// View and account could not be compared.
    #[error("what identity providers see could not be compared with the account")]
    Reconcile(#[source] StoreError),
    /// The address cannot be listened on.
    #[error("the bridge cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Names the place once, where the sentence does not do so itself.
pub(crate) fn session_message(place: &str, source: &SessionError) -> String {
    let sentence = source.to_string();
    if sentence.contains(place) { sentence } else { format!("{place}: {sentence}") }
}
