//! Schemas as data: what `/Schemas` serves is what validation, PATCH, projection and filters use.

mod attribute;
mod characteristics;
mod common;
mod definition;
mod format;
mod json;

pub use attribute::Attribute;
pub use characteristics::{CharacteristicError, Mutability, Returned, Uniqueness};
pub use common::common_attributes;
#[cfg(feature = "devices")]
pub(crate) use definition::builtin;
pub use definition::{Schema, SchemaError};
pub(crate) use format::Format;
pub use json::SchemaLimits;
