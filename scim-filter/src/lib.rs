//! Filters and paths of SCIM 2.0.
mod ast;
mod compare;
mod datetime;
mod display;
mod error;
mod eval;
#[doc(hidden)]
pub mod fuzzing;
mod grammar;
mod limits;
mod name;
mod number;
mod path;
mod resolve;
pub mod simple;
#[cfg(feature = "proptest")]
pub mod strategies;
mod types;
mod visit;

pub use ast::{CompareOp, Comparison, Filter, Literal, NumberText, Terms, ValuePath};
pub use compare::comparison_key;
pub use datetime::parse_date_time;
pub use error::{ParseError, ParseErrorKind};
pub use eval::{Node, SortKey, ValueRef};
pub use limits::{Limits, ParseOptions};
pub use name::is_attribute_name;
pub use number::{NumberRef, NumberValue};
pub use path::{AttrPath, Path};
pub use resolve::{
    AttributeDef, InstantValue, ResolveError, ResolveOptions, ResolvedAttr, ResolvedComparison,
    ResolvedFilter, ResolvedPath, SchemaKind, SchemaView, StringValue, TypedValue, UnknownAttributes,
};
pub use types::{CaseRule, DataType, UnknownDataType};
pub use visit::Equality;
