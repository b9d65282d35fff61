//! From the parts of an HTTP request to what the operations work with.

mod body;
mod precondition;
mod query;

pub(crate) use body::{read_body, read_object};
pub(crate) use precondition::{if_match, is_not_modified, precondition, read_precondition, write_error};
pub(crate) use query::{has_filter, parse_projection, parse_query, resolve_filter, resolve_sort};
