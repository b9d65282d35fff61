//! The resource model of SCIM 2.0: schemas, validation, PATCH and projection (RFC 7643, RFC 7644).

pub mod ids;
pub mod message;
pub mod patch;
mod projection;
mod quirk;
mod registry;
mod resource;
mod resource_type;
pub mod schema;
pub mod urn;
pub mod validate;
mod value;

pub use ids::{ResourceId, SchemaUri, TenantId, Version};
pub use message::{QueryParams, ScimError, ScimType};
pub use patch::{ChangeSet, PatchError, PatchLimits, PatchRequest};
pub use projection::Projection;
pub use quirk::Quirks;
pub use registry::{Derived, Extension, Registry, RegistryError, TypeDefinition};
pub use resource::*;
pub use resource_type::{Relation, ResourceType, SchemaExtension};
pub use schema::{Attribute, Schema};
pub use scim_filter;
pub use validate::{Draft, RelationValues, ValidationError};
pub use value::{
    AttrName, JsonError, JsonErrorKind, JsonLimits, Number, NumberError, Object, Value, Values, excerpt,
};
