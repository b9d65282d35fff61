//! What RFC 7643 (and 7642, 9944, 9967) asks for, requirement by requirement: a test is named by the id of its row in
//! `docs/conformance.md`, so `r7643_2_1_01_...` is row 7643-2.1-01. Nearly all go through the service as a client does,
//! on every store and with and without tolerated deviations; a few rows are about the library and use its API.
#![cfg(all(feature = "memory", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod common;
mod custom;
mod rfc7642;
mod rfc7643_2_attributes;
mod rfc7643_2_multi_valued;
mod rfc7643_2_references;
mod rfc7643_2_types;
mod rfc7643_3_common;
mod rfc7643_3_resources;
mod rfc7643_4_formats;
mod rfc7643_4_group;
mod rfc7643_4_user;
mod rfc7643_4_user_lists;
mod rfc7643_5_config;
mod rfc7643_6_types;
mod rfc7643_7_behaviour;
mod rfc7643_7_schemas;
mod rfc7643_8_table;
mod rfc7643_9;
mod rfc9944;
mod rfc9967;
