//! Each layer: what it accepts, and what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[allow(dead_code, reason = "shared with the tests of the service")]
#[path = "../service/common.rs"]
mod common;

mod audit;
mod auth;
mod conditional;
mod forwarded;
#[cfg(feature = "jwks-http")]
mod jwks_http;
#[cfg(feature = "jwt")]
mod jwt;
mod limits;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod panic_guard;
mod policy;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod stack;
mod tenant;
mod trace;

impl common::Bulk {
    /// The status of each operation.
    fn statuses(&self) -> Vec<&str> {
        self.0.iter().map(|result| result["status"].as_str().unwrap()).collect()
    }
}
