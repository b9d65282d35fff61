//! The bridge's store over an account: what each SCIM request does there, what it refuses, and what is left when
//! something breaks in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/mod.rs"]
mod support;

mod bulk;
mod crash;
mod groups;
mod random;
mod reconcile;
mod refusals;
mod scripted;
mod suspension;
mod users;
mod world;
