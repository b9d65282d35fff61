//! Pages by cursor (RFC 9865) and by index (RFC 7644 section 3.4.2.4), and `/Me` (RFC 7644 section 3.11). Tests are
//! named after the rows of the standards they check: `r9865_2_01` is the first requirement of RFC 9865 section 2.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "../service/common.rs"]
#[allow(dead_code)]
mod common;
mod cursors;
mod index;
mod me;
mod security;
mod world;
