//! From a body that a client sent to a resource that the schemas allow; every problem is reported, with its path.

mod at;
mod body;
mod coerce;
mod format;
mod identity;
mod issue;
mod keys;
mod names;
mod replace;

pub(crate) use at::At;
pub(crate) use body::read_relation;
pub use body::{Draft, RelationValues, check_required, validate_new};
pub(crate) use coerce::{Coerce, is_blank};
pub(crate) use identity::{
    covers, element_value, identity_key, is_primary, same_identity, same_value, value_key, without_duplicates,
};
pub(crate) use issue::Issues;
pub use issue::{Issue, IssueKind, ValidationError};
pub(crate) use names::{Slip, is_possible_name};
pub use replace::validate_replacement;
pub(crate) use replace::{has_guarded_parts, keep_element_parts, keep_parts};
