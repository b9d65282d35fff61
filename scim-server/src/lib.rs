//! A SCIM 2.0 server as a tower service over a storage trait (RFC 7644).

pub mod context;
pub mod store;

pub use context::{Principal, RequestContext, RequestId};
