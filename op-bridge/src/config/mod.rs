//! The bridge's settings: environment variables, and flags of the same names.
//!
//! Variables have the names, defaults and accepted forms of the original product; those that it does not have
//! begin with `OP_BRIDGE_`. A flag is its variable without `OP_`, in lower case and with dashes: `OP_PORT` is
//! `--port`. A flag wins over its variable, and a variable that is empty counts as not set.
//!
//! [`Config`] is a set of clap arguments, to be flattened into the command of a binary. This is the only
//! place in the workspace that reads the environment.
//!
//! # Examples
//!
//! ```
//! use clap::Parser;
//! use op_bridge::config::{Config, DeletedUsers};
//!
//! #[derive(Debug, Parser)]
//! struct Bridge {
//!     #[command(flatten)]
//!     config: Config,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bridge = Bridge::try_parse_from(["bridge", "--port", "8080", "--json-logs"])?;
//! assert_eq!(bridge.config.port, 8080);
//! assert!(bridge.config.json_logs);
//! assert_eq!(bridge.config.bridge_deleted_users, DeletedUsers::Hidden);
//!
//! let refused = Bridge::try_parse_from(["bridge", "--confirmation-interval", "5"]).unwrap_err();
//! assert!(refused.to_string().contains("at least 30"));
//! # Ok(())
//! # }
//! ```

mod parse;
mod unsupported;

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::TimeDelta;
use scim_server::layer::forwarded::ForwardedLayer;

use self::unsupported::Unsupported;
pub use self::unsupported::{UnsupportedError, Warning};
use crate::account::name_key;
use crate::credentials::{SessionError, SessionFile};
use crate::logging::{Format, Level, Logging};

/// Where the session file is looked for when `OP_SESSION` is not set.
pub const DEFAULT_SESSION: &str = "/home/opuser/.op/scimsession";
/// Where the bridge keeps its data when `OP_BRIDGE_DATA_DIR` is not set.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/op-scim-bridge";

/// The settings of a bridge.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
#[non_exhaustive]
pub struct Config {
    /// The session file: its path, or its text in Base64
    ///
    /// Standard Base64 and base64url are accepted, with or without padding, with white space anywhere. Without
    /// this setting the file /home/opuser/.op/scimsession is used, if there is one.
    #[arg(long, env = "OP_SESSION", value_name = "PATH|BASE64", hide_env_values = true)]
    pub session: Option<Secret>,

    /// The TCP port to serve plain HTTP on; 0 takes any free one
    #[arg(long, env = "OP_PORT", value_name = "PORT", default_value = parse::PORT, value_parser = parse::port)]
    pub port: u16,

    /// Seconds between two looks for people who wait to be confirmed; at least 30, at most 86400
    ///
    /// People whom the bridge invited and who have accepted are confirmed then. Nobody else ever is.
    #[arg(
        long,
        env = "OP_CONFIRMATION_INTERVAL",
        value_name = "SECONDS",
        default_value = parse::INTERVAL,
        value_parser = parse::interval
    )]
    pub confirmation_interval: u32,

    /// Write logs as JSON, one object a line, with time, level and message
    ///
    /// 1 or true switches it on; 0, false or nothing leaves it off. Wins over --pretty-logs.
    #[arg(long, env = "OP_JSON_LOGS", value_name = "0|1", action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_value = "0", default_missing_value = "1", value_parser = parse::switch)]
    pub json_logs: bool,

    /// Write logs as text in colours
    ///
    /// 1 or true switches it on; 0, false or nothing leaves it off.
    #[arg(long, env = "OP_PRETTY_LOGS", value_name = "0|1", action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_value = "0", default_missing_value = "1", value_parser = parse::switch)]
    pub pretty_logs: bool,

    /// Log what helps to find a fault, too
    ///
    /// 1 or true switches it on; 0, false or nothing leaves it off.
    #[arg(long, env = "OP_DEBUG", value_name = "0|1", action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_value = "0", default_missing_value = "1", value_parser = parse::switch)]
    pub debug: bool,

    /// Log every step; wins over --debug
    ///
    /// 1 or true switches it on; 0, false or nothing leaves it off.
    #[arg(long, env = "OP_TRACE", value_name = "0|1", action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_value = "0", default_missing_value = "1", value_parser = parse::switch)]
    pub trace: bool,

    /// The folder for the bridge's databases; made if it does not exist
    #[arg(
        long,
        visible_alias = "data-dir",
        env = "OP_BRIDGE_DATA_DIR",
        value_name = "FOLDER",
        default_value = DEFAULT_DATA_DIR,
        value_parser = parse::data_dir
    )]
    pub bridge_data_dir: PathBuf,

    /// A PostgreSQL database for what identity providers see, as postgres://USER:PASSWORD@HOST/NAME?sslmode=verify-full
    ///
    /// In place of the file scim.sqlite3 in the data folder; the local account stays in that folder. The database must
    /// be empty at first and belongs to that account from then on: one bridge uses it at a time. Prefer the variable for a
    /// password: the flag does not stay where other users of this machine see it, but it may be in the history of a shell.
    #[arg(
        long,
        visible_alias = "database-url",
        env = "OP_BRIDGE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub bridge_database_url: Option<Secret>,

    /// Whether people whom the identity provider deleted are still listed: hidden or listed
    ///
    /// Deleting a person suspends them in the account; nobody is ever deleted there. With hidden they are then
    /// gone for the identity provider, as SCIM asks. With listed they stay in lists with active: false, as the
    /// original product does.
    #[arg(
        long,
        env = "OP_BRIDGE_DELETED_USERS",
        value_name = "hidden|listed",
        default_value = "hidden",
        value_parser = parse::deleted_users
    )]
    pub bridge_deleted_users: DeletedUsers,

    /// Groups that the identity provider may see and change besides those it made: names or ids, with commas
    ///
    /// System groups such as Owners cannot be selected. Give a group whose name has a comma in it by its id.
    #[arg(
        long,
        env = "OP_BRIDGE_MANAGED_GROUPS",
        value_name = "GROUP,...",
        default_value = "",
        hide_default_value = true,
        value_parser = parse::managed_groups
    )]
    pub bridge_managed_groups: ManagedGroups,

    /// The domain of people whose userName is no e-mail address, such as example.com
    ///
    /// 1Password knows people by their e-mail address. Where an identity provider sends a plain user name and no
    /// address in emails, user name and domain make the address. Without this setting such people are refused.
    #[arg(long, env = "OP_BRIDGE_EMAIL_DOMAIN", value_name = "DOMAIN", value_parser = parse::domain)]
    pub bridge_email_domain: Option<Domain>,

    /// The URL under which identity providers reach the bridge, such as https://scim.example.com/scim/v2
    ///
    /// Locations in answers begin with it. Without it they begin with the host that was asked, as plain HTTP.
    #[expect(rustdoc::bare_urls, reason = "this is the text of --help, too")]
    #[arg(long, env = "OP_BRIDGE_BASE_URL", value_name = "URL", value_parser = parse::base_url)]
    pub bridge_base_url: Option<BaseUrl>,

    /// The IP address to listen on; 0.0.0.0 is every IPv4 address of the machine
    #[arg(
        long,
        env = "OP_BRIDGE_LISTEN",
        value_name = "ADDRESS",
        default_value = parse::LISTEN,
        value_parser = parse::listen
    )]
    pub bridge_listen: IpAddr,

    /// Proxies whose X-Forwarded-For, -Host and -Proto are believed: networks or addresses, with commas
    ///
    /// Such as 10.0.0.0/8 or 2001:db8::7. Without --bridge-base-url, locations then begin with the host and scheme
    /// that these proxies were asked with, and the log names the client behind them. From everybody else, and without
    /// this setting from anybody, such headers are taken away.
    #[arg(
        long,
        env = "OP_BRIDGE_TRUSTED_PROXIES",
        value_name = "NETWORK,...",
        default_value = "",
        hide_default_value = true,
        value_parser = parse::trusted_proxies
    )]
    pub bridge_trusted_proxies: TrustedProxies,

    /// Requests that one client may make in a second, on average; 0 is no limit
    ///
    /// As many may come at once after a pause. Past it a request is answered 429 with Retry-After, with or without a
    /// token. A client is an IPv4 address or the first 64 bits of an IPv6 address, behind trusted proxies that which they
    /// name.
    #[arg(
        long,
        env = "OP_BRIDGE_RATE_LIMIT",
        value_name = "REQUESTS",
        default_value = parse::RATE_LIMIT,
        value_parser = parse::rate_limit
    )]
    pub bridge_rate_limit: u32,

    #[command(flatten)]
    unsupported: Unsupported,
}

/// The settings of a bridge to try out.
#[derive(Clone, Debug, clap::Args)]
#[non_exhaustive]
pub struct DevConfig {
    /// The TCP port on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "OP_PORT", value_name = "PORT", default_value = parse::PORT, value_parser = parse::port)]
    pub port: u16,

    /// Write logs as JSON, one object a line
    #[arg(long, env = "OP_JSON_LOGS", value_name = "0|1", action = clap::ArgAction::Set, num_args = 0..=1,
        require_equals = true, default_value = "0", default_missing_value = "1", value_parser = parse::switch)]
    pub json_logs: bool,
}

impl DevConfig {
    /// How to log.
    pub fn logging(&self) -> Logging {
        Logging { format: if self.json_logs { Format::Json } else { Format::Text }, level: Level::Info }
    }
}

impl Config {
    /// Reads the session file that the settings name.
    ///
    /// # Errors
    ///
    /// [`SessionError`], each with advice for the administrator.
    pub fn session_file(&self) -> Result<SessionFile, SessionError> {
        match self.session.as_ref().map(Secret::expose).filter(|text| !text.trim().is_empty()) {
            Some(text) => SessionFile::from_env_text(text),
            None => SessionFile::from_path(Path::new(DEFAULT_SESSION)),
        }
    }

    /// The URL of the database for what identity providers see; `None` for the data folder.
    pub fn database_url(&self) -> Option<&Secret> {
        self.bridge_database_url.as_ref().filter(|url| !url.expose().trim().is_empty())
    }

    /// Where the session is looked for, for messages: a path, or the setting where that holds the session itself.
    pub fn session_place(&self) -> String {
        match self.session.as_ref().map(Secret::expose).map(str::trim).filter(|text| !text.is_empty()) {
            None => DEFAULT_SESSION.to_owned(),
            Some(path) if Path::new(path).exists() || is_surely_path(path) => path.to_owned(),
            // It may be the session's own text.
            Some(_) => "OP_SESSION".to_owned(),
        }
    }

    /// Whether logs are to be JSON, for an error in the settings themselves: from the arguments after the program's
    /// name, and the environment.
    pub fn asks_for_json_logs(arguments: &[OsString]) -> bool {
        let on = |value: &str| parse::switch(value).unwrap_or(false);
        let flag = arguments.iter().rev().find_map(|argument| {
            let argument = argument.to_str()?.strip_prefix("--json-logs")?;
            if argument.is_empty() { Some(true) } else { argument.strip_prefix('=').map(on) }
        });
        flag.unwrap_or_else(|| std::env::var("OP_JSON_LOGS").is_ok_and(|value| on(&value)))
    }

    /// What to say when the arguments after the program's name have a switch such as `--json-logs` with its value as the
    /// next argument, which is then taken for a sub-command.
    pub fn switch_hint(arguments: &[OsString]) -> Option<String> {
        let switches = ["--json-logs", "--pretty-logs", "--debug", "--trace"];
        let pairs = arguments.iter().zip(arguments.iter().skip(1));
        let texts = pairs.filter_map(|(switch, value)| Some((switch.to_str()?, value.to_str()?)));
        let is_value =
            |value: &str| value.len() == 1 || parse::switch(value).is_ok() || value == "yes" || value == "no";
        let (switch, _) =
            texts.into_iter().find(|(switch, value)| switches.contains(switch) && is_value(value))?;
        Some(format!("{switch} alone switches it on; a value follows an equals sign, as in {switch}=0"))
    }

    /// The address and port to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bridge_listen, self.port)
    }

    /// The time between two looks for people to confirm.
    pub fn interval(&self) -> TimeDelta {
        TimeDelta::seconds(self.confirmation_interval.into())
    }

    /// How to log.
    pub fn logging(&self) -> Logging {
        let format = match (self.json_logs, self.pretty_logs) {
            (true, _) => Format::Json,
            (false, true) => Format::Pretty,
            (false, false) => Format::Text,
        };
        let level = match (self.trace, self.debug) {
            (true, _) => Level::Trace,
            (false, true) => Level::Debug,
            (false, false) => Level::Info,
        };
        Logging { format, level }
    }

    /// Checks the variables of the original that this version does not support. Each warning is to be logged
    /// when the bridge starts.
    ///
    /// # Errors
    ///
    /// [`UnsupportedError`] where going on without it would be unsafe: an administrator who has set up HTTPS
    /// must not get plain HTTP.
    pub fn check_unsupported(&self) -> Result<Vec<Warning>, UnsupportedError> {
        self.unsupported.check()
    }
}

/// What a `DELETE` of a user leaves to be seen. Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedUsers {
    /// Nothing: the user is gone, as RFC 7644 section 3.6 asks.
    Hidden,
    /// The user, with `active` false, as with the original product.
    Listed,
}

/// The domain of an e-mail address; `None` where the setting is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(pub(crate) Option<String>);

impl Domain {
    /// The domain, if one is set.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The URL that locations begin with; `None` where the setting is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(pub(crate) Option<String>);

impl BaseUrl {
    /// The URL, if one is set.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The networks of proxies that are believed about host, scheme and client. By default there are none.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub(crate) ForwardedLayer);

impl TrustedProxies {
    /// The layer that believes them, and nobody else.
    pub fn layer(&self) -> ForwardedLayer {
        self.0.clone()
    }
}

/// Groups that an administrator has selected, each by its name or its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedGroups(Vec<String>);

impl ManagedGroups {
    /// The names and ids, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a group with this id and name is selected. Names are compared as the account compares those of groups:
    /// without case, invisible characters, superfluous white space and width.
    pub fn selects(&self, id: &str, name: &str) -> bool {
        self.0.iter().any(|selected| selects(selected, id, name))
    }

    /// The names and ids that none of these groups, given by id and name, has.
    pub fn unmatched<'a>(&'a self, groups: &[(&str, &str)]) -> Vec<&'a str> {
        self.iter().filter(|selected| !groups.iter().any(|(id, name)| selects(selected, id, name))).collect()
    }
}

/// Whether a text can be nothing but a path: neither the session's own, encoded or not, nor a token.
fn is_surely_path(text: &str) -> bool {
    text.contains('.') && text.contains('/') && !text.contains(|c: char| "{}\"".contains(c) || c.is_control())
}

fn selects(selected: &str, id: &str, name: &str) -> bool {
    selected == id || name_key(selected) == name_key(name)
}

/// The text of a setting that is not to be shown: `Debug` says only whether it is empty.
#[derive(Clone)]
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// The text. Handle with care.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(zeroize::Zeroizing::new(text.to_owned()))
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(empty)" } else { "Secret(redacted)" })
    }
}
