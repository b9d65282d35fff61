//! What the black-box tests share: starting the binaries, talking HTTP to them, replaying scenarios.
//!
//! Each test file compiles this module for itself and uses a part of it.
#![allow(dead_code, reason = "each test file uses its own part of the common code")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub(crate) mod account;
pub(crate) mod http;
pub(crate) mod line;
#[path = "../../../scim-server/tests/support/postgres.rs"]
pub(crate) mod postgres;
pub(crate) mod replay;
pub(crate) mod server;

use std::time::{Duration, Instant};

/// Asks `ready` again and again until it gives something, and panics with `what` after `limit`.
///
/// The limit only ends a hopeless wait: no test depends on how fast something happens.
#[expect(clippy::disallowed_methods, reason = "a black-box test can only look again a little later")]
pub(crate) fn poll<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + limit;
    loop {
        match ready() {
            Ok(value) => return value,
            Err(why) if Instant::now() >= end => panic!("{what} did not come within {limit:?}: {why}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
