//! What to do about an error that has an obvious remedy.

use std::error::Error;
use std::io::ErrorKind;

use scim_server::store::SqliteOpenError;

use super::{DevError, NewSessionError};
use crate::account::local::OpenError;
use crate::app::StartError;
use crate::config::DEFAULT_SESSION;
use crate::credentials::{SessionError, WriteError};
use crate::disk::is_of_damage;

/// An error with its causes, as one line: each cause that the text before does not name already.
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// One line about what to type or to change next, for errors of starting a bridge. `None` where the error itself says
/// all there is to say.
pub fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<StartError>() {
        of_start(error)
    } else if let Some(error) = error.downcast_ref::<DevError>() {
        match error {
            DevError::Start(error) => of_start(error),
            DevError::Session { .. } | DevError::Token { .. } | DevError::Half { .. } => {
                Some("delete the folder to start anew, or name another one with --dir".to_owned())
            }
            DevError::Folder { .. } => Some("name another folder with --dir".to_owned()),
            DevError::NewSession(error) => of_new_session(error),
        }
    } else if let Some(error) = error.downcast_ref::<NewSessionError>() {
        of_new_session(error)
    } else if let Some(error) = error.downcast_ref::<OpenError>() {
        of_account(error)
    } else {
        error.downcast_ref::<SessionError>().and_then(of_session)
    }
}

fn of_start(error: &StartError) -> Option<String> {
    match error {
        StartError::Session { source, .. } => of_session(source),
        StartError::Listen { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => {
                Some("another program listens there; stop it, or choose another port with --port".to_owned())
            }
            ErrorKind::PermissionDenied => {
                Some("ports below 1024 need privileges; choose another one with --port".to_owned())
            }
            ErrorKind::AddrNotAvailable => {
                Some("this machine does not have that address; see --bridge-listen".to_owned())
            }
            _ => None,
        },
        StartError::InUse(_) => Some(
            "stop the other one, or give this one a folder of its own with --data-dir (dev: --dir) and another port \
             with --port"
                .to_owned(),
        ),
        StartError::Account(error) => of_account(error),
        StartError::Store(SqliteOpenError::Newer { .. }) => None,
        StartError::Store(error) if is_damaged(error) => Some(
            "restore it from the backup; or move it away with the files that begin like it, and it is made anew from the \
             account, without what only identity providers know"
                .to_owned(),
        ),
        StartError::Store(_) => Some(WRITABLE.to_owned()),
        StartError::AccountLost { .. } => Some(
            "restore account.sqlite3 from the backup; or, to begin anew with nobody invited, move all files of the data \
             folder away"
                .to_owned(),
        ),
        StartError::DatabaseOfAnother { .. } => Some(
            "name the folder of that account with --data-dir (OP_BRIDGE_DATA_DIR), or restore it from the backup; an account \
             of its own needs an empty database of its own"
                .to_owned(),
        ),
        StartError::DatabaseNotEmpty => {
            Some("give the bridge an empty database of its own (CREATE DATABASE)".to_owned())
        }
        StartError::DatabaseInUse { .. } => Some(
            "stop the other one; a bridge that was killed on another machine is waited for, for 20 seconds".to_owned(),
        ),
        StartError::Database(_)
        | StartError::DatabaseUrl(_)
        | StartError::UnreadableAccount(_)
        | StartError::Unsupported(_)
        | StartError::Random(_)
        | StartError::Reconcile(_) => None,
    }
}

fn of_account(error: &OpenError) -> Option<String> {
    match error {
        // The error itself says what to do.
        OpenError::Newer(_) => None,
        OpenError::Database { .. } if is_of_damage(error) => Some(
            "the file is damaged, or no database: restore it from the backup of the data folder, without the files \
             that begin like it"
                .to_owned(),
        ),
        _ => Some(WRITABLE.to_owned()),
    }
}

fn is_damaged(error: &SqliteOpenError) -> bool {
    matches!(error, SqliteOpenError::NotADatabase { .. } | SqliteOpenError::Foreign { .. })
        || is_of_damage(error)
}

const WRITABLE: &str =
    "the data folder is the one of --data-dir (OP_BRIDGE_DATA_DIR); it must be writable, on a disk with room";

fn of_new_session(error: &NewSessionError) -> Option<String> {
    let source = match error {
        NewSessionError::SameFile(_) => {
            return Some("give --session and --token-file different paths".to_owned());
        }
        NewSessionError::Write(WriteError::Exists(_)) => {
            return Some("name another path, or move the file away if nobody needs it any more".to_owned());
        }
        NewSessionError::Folder { source, .. } | NewSessionError::Write(WriteError::Io { source, .. }) => {
            source
        }
        NewSessionError::Create(_) => return None,
    };
    Some(match source.kind() {
        ErrorKind::PermissionDenied => {
            "name a path in a folder that you may write to, or run this as the user that owns the folder"
                .to_owned()
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed; name another path".to_owned()
        }
        _ => "name another path with --session or --token-file".to_owned(),
    })
}

fn of_session(error: &SessionError) -> Option<String> {
    match error {
        SessionError::NotFound(path) => {
            let path =
                if path.as_os_str().is_empty() { DEFAULT_SESSION.into() } else { path.display().to_string() };
            Some(format!("op-scim-bridge session new --session {path} --token-file token"))
        }
        SessionError::Unreadable { source, .. } => Some(match source.kind() {
            ErrorKind::IsADirectory => "that is a folder; give the path of the session file in it".to_owned(),
            ErrorKind::PermissionDenied => {
                "the user that the bridge runs as needs permission to read the file and to enter its folders"
                    .to_owned()
            }
            _ => return None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_cause_is_named_once() {
        let source = || io::Error::other("disk full");
        let error = NewSessionError::Folder { folder: "a".into(), source: source() };
        assert_eq!(explain(&error), "the folder `a` cannot be made: disk full");
        let error = DevError::Folder { folder: "a".into(), source: source() };
        assert_eq!(explain(&error), "the folder a cannot be used: disk full");
        let error = NewSessionError::Write(WriteError::Io { path: "a".into(), source: source() });
        assert_eq!(explain(&error), "the file `a` cannot be written: disk full");
    }

    #[test]
    fn what_has_a_remedy_says_so() {
        let listen = |kind: ErrorKind| StartError::Listen {
            address: ([127, 0, 0, 1], 3002).into(),
            source: io::Error::from(kind),
        };
        let missing = SessionError::NotFound("/etc/scimsession".into());
        let folder = |kind: ErrorKind| NewSessionError::Folder { folder: "a".into(), source: kind.into() };
        let unreadable =
            |kind: ErrorKind| SessionError::Unreadable { path: "/etc/op".into(), source: kind.into() };
        let database = |is_missing| StartError::DatabaseOfAnother { folder: "a".into(), is_missing };
        let table: [(Box<dyn Error>, Option<&str>); 16] = [
            (Box::new(database(true)), Some("--data-dir")),
            (Box::new(database(false)), Some("an empty database")),
            (Box::new(StartError::DatabaseNotEmpty), Some("CREATE DATABASE")),
            (Box::new(StartError::DatabaseInUse { seen: 0 }), Some("stop the other one")),
            (Box::new(folder(ErrorKind::PermissionDenied)), Some("may write to")),
            (Box::new(folder(ErrorKind::NotADirectory)), Some("a file stands")),
            (Box::new(NewSessionError::SameFile("a".into())), Some("different paths")),
            (Box::new(DevError::NewSession(WriteError::Exists("a".into()).into())), Some("another path")),
            (Box::new(listen(ErrorKind::AddrInUse)), Some("--port")),
            (Box::new(listen(ErrorKind::PermissionDenied)), Some("below 1024")),
            (Box::new(listen(ErrorKind::AddrNotAvailable)), Some("--bridge-listen")),
            (Box::new(DevError::Start(listen(ErrorKind::AddrInUse))), Some("--port")),
            (Box::new(missing), Some("session new --session /etc/scimsession --token-file token")),
            (Box::new(SessionError::Empty), None),
            (Box::new(unreadable(ErrorKind::IsADirectory)), Some("the session file in it")),
            (Box::new(unreadable(ErrorKind::PermissionDenied)), Some("needs permission")),
        ];
        for (error, part) in table {
            let hint = hint(&*error);
            assert_eq!(hint.is_some(), part.is_some(), "{error}");
            assert!(hint.unwrap_or_default().contains(part.unwrap_or_default()), "{error}");
        }
    }
}
