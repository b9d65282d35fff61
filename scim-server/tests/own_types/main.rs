//! Resource types of one's own over HTTP: any schema, devices, exchanged at run time; and the deviations that are
//! tolerated, counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod any_schema;
mod common;
mod devices;
mod exchange;
mod hidden_parts;
mod idp_rows;
mod quirk_uses;
mod urn_paths;
