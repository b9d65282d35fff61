//! Filters and orders in SQL, for the stores that keep resources in a database.
//!
//! Beside its document, such a store keeps of each resource a [search document](SearchDocument): JSON that has each
//! value in the form in which it is compared, so that SQL need not know how SCIM compares. A [`Dialect`] says how a
//! database looks into it; [`Lowering`] makes an SQL condition of a filter; [`SortColumn`] an SQL expression of what is
//! sorted by; [`Statements`] puts them together. Values are bound parameters, always.
//!
//! What cannot be said exactly becomes a condition that holds for all that match and perhaps for more, and what it finds
//! is tested in Rust. That is so for
//!
//! - comparisons of binary attributes, whose values search documents leave out;
//! - `$ref`, and where case does not matter `display`, of relations and their inverses;
//! - `meta.location`, and of `meta.version` all but `eq` and `ne`;
//! - literals with the character NUL, which databases do not take.
//!
//! Resources that have no search document, or one that was made for other schemas than today's, are tested in Rust too.

mod dialect;
mod document;
mod lower;
mod order;
mod statement;
#[cfg(test)]
mod tests;
mod value;

#[cfg(feature = "sqlite")]
pub(super) use dialect::Sqlite;
#[cfg(feature = "postgres")]
pub(super) use dialect::{LONGEST_KEY, Postgres};
pub(super) use document::{SearchDocument, Shape};
pub(super) use order::SortColumn;
pub(super) use statement::{Parameter, Statement, Statements, Wanted};
