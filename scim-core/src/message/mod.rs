//! The messages of the protocol: errors, lists, searches (RFC 7644).

mod error;
mod list;
mod query;

pub use error::{ScimError, ScimType};
pub use list::ListResponse;
pub(crate) use query::check_schemas;
pub use query::{MessageError, QueryParams, SortOrder};
