//! What to do about an error that has an obvious remedy.

use std::error::Error;
use std::io::ErrorKind;

use super::DevError;
use crate::app::StartError;
use crate::config::DEFAULT_SESSION;
use crate::credentials::SessionError;

/// One line about what to type or to change next, for errors of starting a bridge. `None` where the error itself says
/// all there is to say.
pub fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<StartError>() {
        of_start(error)
    } else if let Some(error) = error.downcast_ref::<DevError>() {
        match error {
            DevError::Start(error) => of_start(error),
            DevError::Session(_) | DevError::Token { .. } | DevError::Half { .. } => {
                Some("delete the folder to start anew, or name another one with --dir".to_owned())
            }
            DevError::Folder { .. } => Some("name another folder with --dir".to_owned()),
            DevError::NewSession(_) => None,
        }
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
        StartError::Account(_) | StartError::Store(_) => Some(
            "the data folder is the one of --data-dir (OP_BRIDGE_DATA_DIR); it must be writable".to_owned(),
        ),
        StartError::Unsupported(_) | StartError::Random(_) | StartError::Reconcile(_) => None,
    }
}

fn of_session(error: &SessionError) -> Option<String> {
    match error {
        SessionError::NotFound(path) => {
            let path =
                if path.as_os_str().is_empty() { DEFAULT_SESSION.into() } else { path.display().to_string() };
            Some(format!("op-scim-bridge session new --session {path} --token-file token"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_has_a_remedy_says_so() {
        let listen = |kind: ErrorKind| StartError::Listen {
            address: ([127, 0, 0, 1], 3002).into(),
            source: io::Error::from(kind),
        };
        let missing = SessionError::NotFound("/etc/scimsession".into());
        let table: [(Box<dyn Error>, Option<&str>); 6] = [
            (Box::new(listen(ErrorKind::AddrInUse)), Some("--port")),
            (Box::new(listen(ErrorKind::PermissionDenied)), Some("below 1024")),
            (Box::new(listen(ErrorKind::AddrNotAvailable)), Some("--bridge-listen")),
            (Box::new(DevError::Start(listen(ErrorKind::AddrInUse))), Some("--port")),
            (Box::new(missing), Some("session new --session /etc/scimsession --token-file token")),
            (Box::new(SessionError::Empty), None),
        ];
        for (error, part) in table {
            let hint = hint(&*error);
            assert_eq!(hint.is_some(), part.is_some(), "{error}");
            assert!(hint.unwrap_or_default().contains(part.unwrap_or_default()), "{error}");
        }
    }
}
