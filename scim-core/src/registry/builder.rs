use std::sync::Arc;

use super::{Registry, RegistryError};
use crate::resource_type::ResourceType;
use crate::schema::Schema;

/// Puts a [`Registry`] together from schemas and resource types that are built, read from JSON or there already.
///
/// ```
/// use scim_core::scim_filter::DataType;
/// use scim_core::{Attribute, Registry, Schema};
///
/// let badge = Attribute::new("badge", DataType::String);
/// let staff = Schema::new("urn:example:2.0:Staff".parse()?, "Staff", "Who works here", [badge])?;
/// let registry = Registry::builder()
///     .rfc7643()
///     .extension("User", staff, false)
///     .schemas_from_json(r#"{"id": "urn:example:2.0:Room", "attributes": [{"name": "floor", "type": "integer"}]}"#)
///     .resource_types_from_json(r#"{"name": "Room", "endpoint": "/Rooms", "schema": "urn:example:2.0:Room"}"#)
///     .build()?;
/// assert!(registry.by_endpoint("Rooms").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing before `build`"]
pub struct RegistryBuilder {
    schemas: Vec<Arc<Schema>>,
    types: Vec<ResourceType>,
    /// The first thing that went wrong.
    error: Option<RegistryError>,
}

impl RegistryBuilder {
    /// Adds the types of RFC 7643 section 4: User with its enterprise extension, and Group.
    pub fn rfc7643(self) -> Self {
        self.registry(&Registry::rfc7643())
    }

    /// Adds all that another registry has.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.schemas.extend(registry.schemas().iter().cloned());
        self.types.extend(registry.types().iter().map(|definition| definition.resource_type().clone()));
        self
    }

    /// Adds a schema.
    pub fn schema(mut self, schema: impl Into<Arc<Schema>>) -> Self {
        self.schemas.push(schema.into());
        self
    }

    /// Adds the schemas of a JSON document; see [`Schema::all_from_json`].
    pub fn schemas_from_json(mut self, json: &str) -> Self {
        match Schema::all_from_json(json) {
            Ok(schemas) => self.schemas.extend(schemas),
            Err(error) => self.note(error.into()),
        }
        self
    }

    /// Adds a resource type.
    pub fn resource_type(mut self, resource_type: ResourceType) -> Self {
        self.types.push(resource_type);
        self
    }

    /// Adds the resource types of a JSON document; see [`ResourceType::all_from_json`].
    pub fn resource_types_from_json(mut self, json: &str) -> Self {
        match ResourceType::all_from_json(json) {
            Ok(types) => self.types.extend(types),
            Err(error) => self.note(error.into()),
        }
        self
    }

    /// Adds a schema and makes it an extension of a resource type that is there.
    pub fn extension(self, resource_type: &str, schema: impl Into<Arc<Schema>>, required: bool) -> Self {
        let schema = schema.into();
        let uri = schema.id().clone();
        self.schema(schema).change_type(resource_type, |known| known.with_extension(uri, required))
    }

    /// Changes a resource type that is there: gives it an extension, a relation, another endpoint.
    pub fn change_type(mut self, name: &str, change: impl FnOnce(ResourceType) -> ResourceType) -> Self {
        match self.types.iter_mut().find(|known| &*known.name == name) {
            Some(known) => *known = change(known.clone()),
            None => self.note(RegistryError::UnknownType(crate::value::excerpt(name))),
        }
        self
    }

    /// Whether a resource type of this name was added.
    #[must_use]
    pub fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|known| &*known.name == name)
    }

    fn note(&mut self, error: RegistryError) {
        self.error.get_or_insert(error);
    }

    /// The registry.
    ///
    /// # Errors
    /// The first [`RegistryError`] of all that was added, or of how it fits together.
    pub fn build(self) -> Result<Registry, RegistryError> {
        match self.error {
            Some(error) => Err(error),
            None => Registry::new(self.schemas, self.types),
        }
    }
}
