//! From the parts of an HTTP request to what the operations work with.

mod body;
mod media_type;
mod precondition;
mod query;
mod tags;

pub(crate) use body::{read_body, read_object};
pub(crate) use precondition::{Conditions, if_match};
pub(crate) use query::{has_filter, parse_projection, parse_query, resolve_filter, resolve_sort};
pub(crate) use tags::Tags;
