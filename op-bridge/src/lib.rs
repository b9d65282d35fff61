//! The parts of a bridge that carries an identity provider's wishes into a 1Password account.
//!
//! The bridge invites, confirms, suspends, renames and groups people. What travels over SCIM is left to the
//! library crates of this workspace; starting a process, and printing, to the binaries.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use op_bridge::account::local::LocalAccount;
//! use op_bridge::account::{Account, AccountError, MembershipState, NewPerson};
//! use op_bridge::clock::SystemClock;
//! use op_bridge::credentials::{SessionFile, SessionGate};
//! use op_bridge::random::SystemRandom;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom)?;
//! let gate = Arc::new(SessionGate::new(file, &SystemRandom)?);
//! let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
//! let account = LocalAccount::open(folder.path(), gate.clone(), clock, random)?;
//!
//! let ada = NewPerson::new("ada@example.com", "Ada Lovelace");
//! assert!(matches!(account.provision(ada.clone()).await, Err(AccountError::Locked)));
//! gate.authenticate(&token.expose())?; // the first request with the token
//!
//! let ada = account.provision(ada).await?.person;
//! let group = account.create_group("Engineering").await?.group;
//! assert_eq!(account.grant(&group.id, &ada.id).await?.state, MembershipState::Pending);
//! account.accept("ada@example.com").await?; // what Ada does
//! account.confirm(&ada.id).await?; // what the confirmation loop does
//! assert_eq!(account.members(&group.id).await?[0].state, MembershipState::Granted);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to find what
//!
//! - [`config::Config`]: the settings, from variables and flags.
//! - [`credentials`]: [`SessionFile`](credentials::SessionFile) and [`Token`](credentials::Token), the two
//!   secrets, and [`SessionGate`](credentials::SessionGate), which checks each request's token.
//! - [`account::Account`]: the port, and [`account::local::LocalAccount`], the account behind it.
//! - [`confirm::run`]: the loop that confirms people.
//! - [`health::Health`] and [`logging::Logging`]: what an administrator sees.
//! - [`clock::Clock`] and [`random::Random`]: handed in, so that tests choose them.
//!
//! There are no features. Limits are listed in the README and beside each constant.

pub mod account;
pub mod app;
pub mod clock;
pub mod command;
pub mod config;
pub mod confirm;
pub mod credentials;
mod file;
pub mod health;
pub mod logging;
pub mod mapping;
pub mod random;
mod text;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
