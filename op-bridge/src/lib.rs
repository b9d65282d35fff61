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
//! use http::{Request, StatusCode};
//! use op_bridge::account::{Account, local::LocalAccount};
//! use op_bridge::clock::SystemClock;
//! use op_bridge::credentials::{SessionFile, SessionGate};
//! use op_bridge::mapping::{BridgeStore, Settings, registry};
//! use op_bridge::random::SystemRandom;
//! use scim_server::{Body, ScimService, store::SqliteStore};
//! use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom)?;
//! let gate = Arc::new(SessionGate::new(file, &SystemRandom)?);
//! gate.authenticate(&token.expose())?; // what the first request with the token does
//! let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
//! let account = Arc::new(LocalAccount::open(folder.path(), gate, clock.clone(), random)?);
//!
//! let inner = Arc::new(SqliteStore::open(folder.path().join("scim.sqlite3"))?);
//! let store = BridgeStore::new(inner, account.clone(), clock, Settings::default());
//! store.reconcile().await?;
//! let service = ScimService::builder(store).registry(registry()).build();
//!
//! let ada = r#"{"userName": "ada@example.com", "displayName": "Ada Lovelace"}"#;
//! let request = Request::post("/Users").header("content-type", "application/scim+json");
//! let answer = service.oneshot(request.body(Body::from(ada.as_bytes().to_vec()))?).await?;
//! assert_eq!(answer.status(), StatusCode::CREATED);
//! assert!(account.person_by_email("ada@example.com").await?.is_some()); // invited
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
//! - [`mapping::BridgeStore`]: what a SCIM server stores users and groups in, over an account.
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
mod disk;
mod file;
pub mod health;
pub mod logging;
pub mod mapping;
pub mod random;
mod text;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
