//! The service as clients see it: requests in, status, headers and JSON out. Tests are named after the rows of the
//! standards they check: `rfc7644_3_3_04` is the fourth requirement of RFC 7644 section 3.3.
#![cfg(feature = "memory")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod anything;
mod bulk_random;
mod common;
mod create;
mod custom;
mod delete;
mod discovery;
mod errors;
mod etag;
mod failing;
mod hostile;
mod layers;
mod list;
mod mounts;
mod patch;
mod projection;
mod quirks;
mod read;
mod replace;
mod search;
