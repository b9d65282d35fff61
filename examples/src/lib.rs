//! The binaries `op-scim-bridge` and `scim-directory`, and the tests that see the project from outside.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
