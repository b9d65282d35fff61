//! A bridge between SCIM identity providers and 1Password accounts.
pub mod account;
pub mod clock;
pub mod config;
pub mod confirm;
pub mod credentials;
mod file;
pub mod health;
pub mod logging;
pub mod random;
mod text;
