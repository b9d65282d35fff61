//! Filters and paths of SCIM 2.0.
mod ast;
mod display;
mod error;
mod grammar;
mod limits;
mod name;
mod path;
mod types;

pub use ast::{CompareOp, Comparison, Filter, Literal, NumberText, Terms, ValuePath};
pub use error::{ParseError, ParseErrorKind};
pub use limits::{Limits, ParseOptions};
pub use name::is_attribute_name;
pub use path::{AttrPath, Path};
pub use types::{CaseRule, DataType, UnknownDataType};
