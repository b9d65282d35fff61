//! Schemas as data: what `/Schemas` serves is what validation, PATCH, projection and filters use.

mod attribute;
mod characteristics;
mod common;
mod definition;

pub use attribute::Attribute;
pub use characteristics::{CharacteristicError, Mutability, Returned, Uniqueness};
pub use common::common_attributes;
pub use definition::{Schema, SchemaError};
