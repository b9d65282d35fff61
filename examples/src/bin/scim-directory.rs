//! Placeholder of `scim-directory`.

fn main() {}
