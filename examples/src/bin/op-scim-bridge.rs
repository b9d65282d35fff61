//! Placeholder of `op-scim-bridge`.

fn main() {}
