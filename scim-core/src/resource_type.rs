use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::SchemaUri;
use crate::value::Value;

/// A type of resource: where it is served and which schemas it has (RFC 7643 section 6).
///
/// Whether its schemas exist is checked when the [`Registry`](crate::Registry) around it is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Value")]
#[non_exhaustive]
pub struct ResourceType {
    /// The name, such as `User`: also the `meta.resourceType` of its resources and the id of this definition.
    pub name: Arc<str>,
    /// What the type is, for people.
    pub description: String,
    /// The endpoint under the base URL, such as `/Users`.
    pub endpoint: Arc<str>,
    /// The base schema.
    pub schema: SchemaUri,
    /// The extensions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schema_extensions: Vec<SchemaExtension>,
    /// The relations whose values refer to other resources of this server. Not part of the RFC's JSON.
    #[serde(skip)]
    pub relations: Vec<Relation>,
    /// The attribute of the base schema that other resources show of one of this type, such as `displayName`. Without
    /// one it is `displayName`, else `userName`, else `name.formatted`. Not part of the RFC's JSON.
    #[serde(skip)]
    pub display: Option<Arc<str>>,
}

/// An extension of a resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaExtension {
    /// The schema of the extension.
    pub schema: SchemaUri,
    /// Whether every resource of the type must have it.
    pub required: bool,
}

/// A multi-valued attribute whose values stand for other resources, such as `Group.members`.
///
/// Stores keep its values as rows of their own, so that adding one value costs the same however many there are.
/// Its sub-attribute `value` is the id of the other resource; `$ref`, `type` and `display` are the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The attribute of the base schema.
    pub attribute: Arc<str>,
    /// The names of the resource types that it may refer to.
    pub targets: Vec<Arc<str>>,
    /// The readOnly attribute of the targets that shows the relation from the other side, such as `User.groups`.
    pub inverse: Option<Arc<str>>,
}

impl ResourceType {
    /// A resource type with no extensions and no relations, served at its name with an `s` (RFC 7644 section 3.2).
    #[must_use]
    pub fn new(name: &str, schema: SchemaUri) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            endpoint: format!("/{name}s").into(),
            schema,
            schema_extensions: Vec::new(),
            relations: Vec::new(),
            display: None,
        }
    }

    /// Sets the endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// Describes it for people.
    #[must_use]
    pub fn with_description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn with_extension(mut self, schema: SchemaUri, required: bool) -> Self {
        self.schema_extensions.push(SchemaExtension { schema, required });
        self
    }

    /// Shows this attribute where other resources refer to one of this type: a string of the base schema that every
    /// client may see.
    #[must_use]
    pub fn with_display(mut self, attribute: &str) -> Self {
        self.display = Some(attribute.into());
        self
    }

    /// Adds a relation.
    #[must_use]
    pub fn with_relation(mut self, relation: Relation) -> Self {
        self.relations.push(relation);
        self
    }
}

impl Relation {
    /// A relation that is kept under an attribute and refers to resources of these types.
    #[must_use]
    pub fn new<'a>(attribute: &str, targets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            attribute: attribute.into(),
            targets: targets.into_iter().map(Arc::from).collect(),
            inverse: None,
        }
    }

    /// Shows the relation from the other side too, under this readOnly attribute of the targets.
    #[must_use]
    pub fn with_inverse(mut self, attribute: &str) -> Self {
        self.inverse = Some(attribute.into());
        self
    }
}
