//! From a body that a client sent to a resource that the schemas allow; every problem is reported, with its path.

mod body;
mod coerce;
mod issue;
mod replace;

pub(crate) use body::read_relation;
pub use body::{Draft, RelationValues, check_required, validate_new};
pub(crate) use coerce::{Coerce, is_blank, is_primary, same_identity, same_value, without_duplicates};
pub use issue::{Issue, IssueKind, ValidationError};
pub use replace::validate_replacement;
