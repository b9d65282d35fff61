//! RFC 7644 over HTTP, requirement by requirement: whole requests in, whole answers out.
//!
//! A test is named by the requirement that it shows: `r7644_3_3_06_...` is the sixth of section 3.3. Modules follow the
//! sections of the RFC; `field` has what implementations elsewhere got wrong, `examples` the RFC's own documents.
#![cfg(all(feature = "memory", feature = "sqlite"))]
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
mod server;

mod auth;
mod bulk;
mod bulk_errors;
mod bulk_examples;
mod bulk_layers;
mod bulk_limits;
mod bulk_references;
mod bulk_under_way;
mod core_examples;
mod create;
mod delete;
mod discovery;
mod errors;
mod etags;
mod examples;
mod field;
mod filter;
mod filter_syntax;
mod formats;
mod paging;
mod patch;
mod patch_add;
mod patch_remove;
mod patch_replace;
mod patch_result;
mod projection;
mod put;
mod retrieve;
mod search;
mod security;
mod sort;
