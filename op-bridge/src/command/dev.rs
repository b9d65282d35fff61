use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;

use super::session::{NewSessionError, new_session};
use crate::app::{Bridge, Options, StartError};
use crate::credentials::{AuthenticationError, SessionError, SessionFile};

/// People who have accepted are confirmed this soon: whoever tries the bridge does not want to wait five minutes.
const INTERVAL: TimeDelta = TimeDelta::seconds(30);
/// The folder when none is named, under the current one.
pub const DEV_DIR: &str = "op-scim-bridge-dev";
/// The domain of people whose user name is no address. Nobody is written to.
const DOMAIN: &str = "example.com";

/// A bridge from nothing: session, token and account in one folder, served on this machine only.
#[derive(Debug)]
pub struct Dev {
    bridge: Bridge,
    banner: String,
}

/// Why there is no such bridge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// The folder cannot be used.
    #[error("the folder {} cannot be used: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A session without its token, or a token without its session.
    #[error("the folder {} has {} but not {}, and neither is of use alone", folder.display(), found, lacking)]
    Half {
        /// The folder.
        folder: PathBuf,
        /// The file that is there.
        found: &'static str,
        /// The file that is not.
        lacking: &'static str,
    },
    /// The session cannot be made.
    #[error(transparent)]
    NewSession(#[from] NewSessionError),
    /// The session in the folder cannot be read.
    #[error("{}", crate::app::session_message(&file.display().to_string(), source))]
    Session {
        /// The file of the session.
        file: PathBuf,
        /// Why.
        source: SessionError,
    },
    /// The token in the folder does not open the session in the folder.
    #[error("the token in {} does not open the session beside it: {source}", file.display())]
    Token {
        /// The file of the token.
        file: PathBuf,
        /// Why.
        source: AuthenticationError,
    },
    /// The bridge does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Dev {
    /// Makes what is not there yet in `folder`, and listens on this machine's `port`; 0 takes any free one.
    /// `program` is how the user has called this program, for the lines that say what to type next.
    ///
    /// # Errors
    ///
    /// [`DevError`].
    pub async fn start(folder: &Path, port: u16, program: &str) -> Result<Self, DevError> {
        let unusable = |source| DevError::Folder { folder: folder.to_owned(), source };
        crate::file::create_private_folder(folder).map_err(unusable)?;
        let (session, token) = (folder.join("scimsession"), folder.join("token"));
        let half = |found, lacking| DevError::Half { folder: folder.to_owned(), found, lacking };
        match (session.exists(), token.exists()) {
            (true, true) => {}
            (true, false) => return Err(half("the file scimsession", "the file token")),
            (false, true) => return Err(half("the file token", "the file scimsession")),
            (false, false) => {
                new_session(&session, &token)?;
            }
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut options = Options::new(read(&session)?, folder.to_owned(), address);
        options.interval = INTERVAL;
        options.settings.email_domain = Some(DOMAIN.to_owned());
        let data = options.data_dir.clone();
        let bridge = Bridge::start(options).await?;

        // On one's own machine nobody needs to send the token first to wake the bridge.
        let secret = zeroize::Zeroizing::new(std::fs::read_to_string(&token).map_err(unusable)?);
        bridge
            .gate()
            .authenticate(secret.trim())
            .map_err(|source| DevError::Token { file: token.clone(), source })?;
        let origin = format!("http://{}", bridge.address().map_err(unusable)?);
        let banner = banner(&origin, secret.trim(), program, &data, folder);
        Ok(Self { bridge, banner })
    }

    /// What to print: the address, the token, a line to try, and where to look.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// Serves until `shutdown` is ready.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        self.bridge.run(shutdown).await
    }
}

fn read(session: &Path) -> Result<SessionFile, DevError> {
    SessionFile::from_path(session).map_err(|source| DevError::Session { file: session.to_owned(), source })
}

fn banner(origin: &str, token: &str, program: &str, data: &Path, folder: &Path) -> String {
    let data = data.display();
    format!(
        "\nop-scim-bridge is running with an account of its own, in {folder}

  SCIM base URL   {origin}/scim/v2
  bearer token    {token}

Point an identity provider at it, or invite somebody by hand:

  curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/scim+json' -d '{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"wendy@example.com\",\"displayName\":\"Wendy Appleseed\"}}' {origin}/scim/v2/Users

A user name that is no e-mail address is completed with @{DOMAIN}: wendy is {wendy}.

Look at what has happened in the account, and play the person's part:

  {program} account people --data-dir {data}
  {program} account groups --data-dir {data}
  {program} account accept wendy@example.com --data-dir {data}

Whoever has accepted is confirmed within 30 seconds. How the bridge is:

  curl -H 'Authorization: Bearer {token}' {origin}/health

Ctrl-C ends it; everything is kept for the next time. Delete {folder} to start anew.\n",
        folder = folder.display(),
        wendy = format_args!("wendy@{DOMAIN}"),
    )
}
