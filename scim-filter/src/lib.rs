//! Parses, prints, resolves and evaluates the filters and paths of SCIM 2.0 (RFC 7644).
//!
//! This crate knows the language of filters, and through two traits it is told what a schema and a value are. It leaves to
//! others what a resource is ([`SchemaView`] and [`ValueRef`] are theirs to implement), how a filter arrives, and how a store
//! answers it.
//!
//! ```
//! use scim_filter::simple::SimpleSchema;
//! use scim_filter::{Filter, Path, ResolveOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let filter = Filter::parse(r#"userName eq "bjensen" or emails[type eq "work" and value co "@example.com"]"#)?;
//! let resolved = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default())?;
//! assert_eq!(resolved.to_string(), filter.to_string());
//!
//! let path = Path::parse(r#"addresses[type eq "work"].streetAddress"#)?;
//! assert_eq!(path.sub(), Some("streetAddress"));
//!
//! let error = Filter::parse("active gt true")?.resolve(&SimpleSchema::user(), &ResolveOptions::default());
//! assert_eq!(
//!     error.unwrap_err().to_string(),
//!     "operator `gt` does not apply to attribute `active` of type boolean"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # The way of a filter
//!
//! 1. [`Filter::parse`] reads a text, within [`Limits`], into the syntax tree [`Filter`]; [`Path::parse`] reads the path of a
//!    PATCH operation, and [`AttrPath::parse`] an attribute for sorting or projection. [`ParseError`] says what is wrong where.
//! 2. [`Filter::resolve`], [`Path::resolve`], [`AttrPath::resolve`] and [`AttrPath::resolve_sort`] check that against a
//!    [`SchemaView`] and give [`ResolvedFilter`], [`ResolvedPath`] and [`ResolvedAttr`], or a [`ResolveError`].
//! 3. [`ResolvedFilter::matches`] decides for a [`ValueRef`]; [`ResolvedAttr::sort_key`] orders; a store that has indexes looks
//!    at [`ResolvedFilter::equalities`] or at the tree itself, and keeps [`comparison_key`]s.
//!
//! # Limits
//!
//! | limit | default | for a search in a body | error |
//! |---|---|---|---|
//! | [`Limits::length`] | 8 KiB | 64 KiB | [`ParseErrorKind::TooLong`] |
//! | [`Limits::depth`] | 64 | 64 | [`ParseErrorKind::TooDeep`] |
//! | [`Limits::terms`] | 256 | 256 | [`ParseErrorKind::TooManyTerms`] |
//!
//! Parsing is linear in the input. All recursion, dropping a tree included, is bounded by the depth.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `proptest` | the module `strategies`: arbitrary legal filters and paths, and filters over given attributes |
//!
//! # Standard
//!
//! RFC 7644: 3.4.2.2 (filters), 3.4.2.3 (what to sort by), 3.5.2 (`PATH`), 3.10 (attribute notation). RFC 7643: 2.1 (names), 2.2
//! (`caseExact`), 2.3 (data types), 2.5 (unassigned values). RFC 8265: 3.3 (comparison of user names). The README lists the
//! readings chosen where these leave room.

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

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
