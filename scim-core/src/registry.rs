mod builder;
mod successor;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, OnceLock};

use scim_filter::{DataType, SchemaKind, SchemaView};

pub use builder::RegistryBuilder;
pub use successor::IncompatibleRegistry;

use crate::ids::SchemaUri;
use crate::resource::Resource;
use crate::resource_type::{Relation, ResourceType};
use crate::schema::{Attribute, Mutability, Returned, Schema, SchemaError, common_attributes};
use crate::value::{excerpt, excerpt_path, same_name};

/// All schemas and resource types of a server, checked against each other.
///
/// ```
/// let registry = scim_core::Registry::rfc7643();
/// let users = registry.by_endpoint("users").ok_or("no such endpoint")?;
/// assert_eq!(users.name(), "User");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    types: Vec<Arc<TypeDefinition>>,
    schemas: Vec<Arc<Schema>>,
}

/// What does not fit together in a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two schemas have one URI.
    #[error("the schema `{0}` is registered twice")]
    DuplicateSchema(String),
    /// Two resource types share a name or an endpoint.
    #[error("two resource types are called or served at `{0}`")]
    DuplicateType(String),
    /// A resource type names a schema that is not registered.
    #[error("the resource type `{resource_type}` names the schema `{schema}`, which is not registered")]
    UnknownSchema {
        /// The resource type.
        resource_type: String,
        /// The URI that is not known.
        schema: String,
    },
    /// A resource type names a schema as an extension more than once, or its base schema as an extension.
    #[error("the resource type `{resource_type}` names the schema `{schema}` more than once")]
    RepeatedSchema {
        /// The resource type.
        resource_type: String,
        /// The URI that is named again.
        schema: String,
    },
    /// The URI of one schema of a resource type is also the full name of an attribute that another one has, which could
    /// not be asked for any more.
    #[error(
        "the resource type `{resource_type}` has the schema `{schema}`, which is an attribute of another one too"
    )]
    AmbiguousSchema {
        /// The resource type.
        resource_type: String,
        /// The URI that is two things.
        schema: String,
    },
    /// A schema or resource type is not legal as such.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A resource type that is to be changed is not there.
    #[error("there is no resource type `{0}`")]
    UnknownType(String),
    /// The attribute by which a resource type is to be shown cannot be shown.
    #[error("`{attribute}` cannot be what is shown of the resource type `{resource_type}`: {problem}")]
    Display {
        /// The resource type.
        resource_type: String,
        /// The attribute.
        attribute: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// An endpoint is not a `/` and one path segment, or is one that the protocol uses itself.
    #[error("`{0}` cannot be the endpoint of a resource type")]
    Endpoint(String),
    /// A relation names an attribute or a resource type that cannot be part of one.
    #[error("the relation `{relation}` of the resource type `{resource_type}`: {problem}")]
    Relation {
        /// The resource type.
        resource_type: String,
        /// The attribute of the relation.
        relation: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// A resource type with its schemas looked up: all that a request for such a resource needs to know.
#[derive(Debug)]
pub struct TypeDefinition {
    resource_type: ResourceType,
    base: Arc<Schema>,
    extensions: Vec<Extension>,
    derived: Vec<Derived>,
    /// Whether an attribute goes by a URN.
    has_urn_names: bool,
    /// Whether it has attributes that are returned on request, once a projection has looked.
    pub(crate) on_request: OnceLock<bool>,
}

/// An extension of a [`TypeDefinition`].
#[derive(Clone, Debug)]
pub struct Extension {
    /// The schema of the extension.
    pub schema: Arc<Schema>,
    /// Whether every resource must have it.
    pub required: bool,
}

/// A readOnly attribute that shows a relation of another resource type, such as `User.groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The attribute, such as `groups`.
    pub attribute: Arc<str>,
    /// The name of the resource type that holds the relation, such as `Group`.
    pub source: Arc<str>,
    /// The attribute of the relation, such as `members`.
    pub relation: Arc<str>,
}

/// Path segments under the base URL that the protocol itself uses.
const RESERVED: [&str; 7] =
    ["ServiceProviderConfig", "ServiceProviderConfigs", "ResourceTypes", "Schemas", "Bulk", "Me", ".search"];

impl Registry {
    /// User with its enterprise extension, and Group: the resource types of RFC 7643 section 4.
    #[must_use]
    pub fn rfc7643() -> Arc<Self> {
        static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| Arc::new(rfc7643()));
        Arc::clone(&REGISTRY)
    }

    /// A builder without schemas and resource types.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// A builder with all that this registry has, to make another one that has more.
    pub fn to_builder(&self) -> RegistryBuilder {
        RegistryBuilder::default().registry(self)
    }

    /// A registry of the given schemas and resource types.
    ///
    /// # Errors
    /// [`RegistryError`] when something is there twice, an endpoint is unusable, or a schema or relation is missing.
    pub fn new(
        schemas: impl IntoIterator<Item = Arc<Schema>>,
        types: impl IntoIterator<Item = ResourceType>,
    ) -> Result<Self, RegistryError> {
        let schemas: Vec<_> = schemas.into_iter().collect();
        let types: Vec<ResourceType> = types.into_iter().collect();
        let mut by_uri: HashMap<SchemaUri, Arc<Schema>> = HashMap::new();
        for schema in &schemas {
            if by_uri.insert(schema.id().clone(), Arc::clone(schema)).is_some() {
                return Err(RegistryError::DuplicateSchema(schema.id().to_string()));
            }
        }
        let mut definitions: Vec<Arc<TypeDefinition>> = Vec::new();
        for resource_type in &types {
            check_endpoint(resource_type)?;
            if definitions.iter().any(|d| d.clashes_with(resource_type)) {
                return Err(RegistryError::DuplicateType(resource_type.name.as_ref().to_owned()));
            }
            definitions.push(Arc::new(TypeDefinition::new(resource_type.clone(), &by_uri, &types)?));
        }
        Ok(Self { types: definitions, schemas })
    }

    /// The resource types in their order.
    #[must_use]
    pub fn types(&self) -> &[Arc<TypeDefinition>] {
        &self.types
    }

    /// The schemas in their order.
    #[must_use]
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    /// The resource type served at this path segment, such as `Users`; case aside, as some clients write `users`.
    #[must_use]
    pub fn by_endpoint(&self, segment: &str) -> Option<&Arc<TypeDefinition>> {
        self.types.iter().find(|d| d.endpoint_segment().eq_ignore_ascii_case(segment))
    }

    /// The resource type with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<TypeDefinition>> {
        self.types.iter().find(|d| d.name() == name)
    }

    /// The schema with this URI, case aside.
    #[must_use]
    pub fn schema(&self, uri: &str) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|schema| schema.id().is(uri))
    }
}

#[expect(clippy::expect_used, reason = "compiled-in data; `the_registry_of_the_rfc_is_legal` builds it")]
fn rfc7643() -> Registry {
    let (user, enterprise, group) = (Schema::user(), Schema::enterprise_user(), Schema::group());
    let users = ResourceType::new("User", user.id().clone())
        .with_description("User Account")
        .with_extension(enterprise.id().clone(), false);
    let groups =
        ResourceType::new("Group", group.id().clone()).with_description("Group").with_relation(Relation {
            attribute: "members".into(),
            targets: vec!["User".into(), "Group".into()],
            inverse: Some("groups".into()),
        });
    Registry::new([user, enterprise, group], [users, groups]).expect("the types of RFC 7643 fit together")
}

fn check_endpoint(resource_type: &ResourceType) -> Result<(), RegistryError> {
    let endpoint = &*resource_type.endpoint;
    let legal = endpoint.strip_prefix('/').is_some_and(|segment| {
        !segment.is_empty()
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(segment))
    });
    if legal { Ok(()) } else { Err(RegistryError::Endpoint(excerpt(endpoint))) }
}

impl TypeDefinition {
    fn new(
        resource_type: ResourceType,
        schemas: &HashMap<SchemaUri, Arc<Schema>>,
        all: &[ResourceType],
    ) -> Result<Self, RegistryError> {
        let find = |uri: &SchemaUri| {
            schemas.get(uri).cloned().ok_or_else(|| RegistryError::UnknownSchema {
                resource_type: resource_type.name.as_ref().to_owned(),
                schema: uri.to_string(),
            })
        };
        let base = find(&resource_type.schema)?;
        let mut used = HashSet::from([&resource_type.schema]);
        if let Some(again) = resource_type.schema_extensions.iter().find(|e| !used.insert(&e.schema)) {
            return Err(RegistryError::RepeatedSchema {
                resource_type: resource_type.name.as_ref().to_owned(),
                schema: again.schema.to_string(),
            });
        }
        let extensions = resource_type
            .schema_extensions
            .iter()
            .map(|extension| Ok(Extension { schema: find(&extension.schema)?, required: extension.required }))
            .collect::<Result<Vec<_>, RegistryError>>()?;
        let all_schemas =
            || std::iter::once(&base).chain(extensions.iter().map(|extension| &extension.schema));
        for schema in all_schemas() {
            if all_schemas().any(|other| has_attribute_called(other, schema.id())) {
                return Err(RegistryError::AmbiguousSchema {
                    resource_type: resource_type.name.as_ref().to_owned(),
                    schema: schema.id().to_string(),
                });
            }
        }
        for relation in &resource_type.relations {
            check_relation(&resource_type, relation, &base, all)?;
        }
        check_display(&resource_type, &base)?;
        let derived = all
            .iter()
            .flat_map(|source| source.relations.iter().map(move |relation| (source, relation)))
            .filter(|(_, relation)| relation.targets.contains(&resource_type.name))
            .filter_map(|(source, relation)| {
                let attribute = relation.inverse.clone()?;
                let shown = base.attribute(&attribute)?;
                (shown.mutability() == Mutability::ReadOnly).then(|| Derived {
                    attribute,
                    source: Arc::clone(&source.name),
                    relation: Arc::clone(&relation.attribute),
                })
            })
            .collect();
        let has_urn_names = all_schemas()
            .flat_map(|schema| schema.attributes())
            .any(|attribute| attribute.name().contains(':'));
        Ok(Self { resource_type, base, extensions, derived, has_urn_names, on_request: OnceLock::new() })
    }

    /// The resource type as it was registered.
    #[must_use]
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource_type
    }

    /// The name, such as `User`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.resource_type.name
    }

    /// The name for sharing without a copy.
    #[must_use]
    pub fn shared_name(&self) -> &Arc<str> {
        &self.resource_type.name
    }

    /// The path segment under the base URL, such as `Users`.
    #[must_use]
    pub fn endpoint_segment(&self) -> &str {
        self.resource_type.endpoint.trim_start_matches('/')
    }

    /// The base schema.
    #[must_use]
    pub fn base(&self) -> &Arc<Schema> {
        &self.base
    }

    /// The extensions in their order.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The extension with this URI, case aside.
    #[must_use]
    pub fn extension(&self, uri: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.id().is(uri))
    }

    /// The relation that is kept under this attribute, case aside.
    #[must_use]
    pub fn relation(&self, attribute: &str) -> Option<&Relation> {
        self.resource_type.relations.iter().find(|relation| same_name(&relation.attribute, attribute))
    }

    /// The relations that its resources hold, such as `members`.
    #[must_use]
    pub fn relations(&self) -> &[Relation] {
        &self.resource_type.relations
    }

    /// The readOnly attributes that show relations of other types, such as `groups`.
    #[must_use]
    pub fn derived(&self) -> &[Derived] {
        &self.derived
    }

    /// Whether the values of this attribute of the base schema are kept outside the resource's own document: a
    /// relation, or the other side of one.
    #[must_use]
    pub fn is_kept_apart(&self, attribute: &str) -> bool {
        self.relation(attribute).is_some()
            || self.derived.iter().any(|derived| same_name(&derived.attribute, attribute))
    }

    /// The attribute of the base schema, or the common attribute, with this name; case aside.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        common_attributes()
            .iter()
            .find(|attribute| same_name(attribute.name(), name))
            .or_else(|| self.base.attribute(name))
    }

    /// The text to show for a resource of this type where another one refers to it: that of the attribute that the
    /// type is shown by, else its `displayName`, `userName` or `name.formatted`.
    #[must_use]
    pub fn display_of<'r>(&self, resource: &'r Resource) -> Option<&'r str> {
        let Some(path) = &self.resource_type.display else { return resource.display() };
        match path.split_once('.') {
            None => resource.text(path),
            Some((name, sub)) => resource.get(None, name)?.as_object()?.get(sub)?.as_str(),
        }
    }

    fn clashes_with(&self, other: &ResourceType) -> bool {
        self.name().eq_ignore_ascii_case(&other.name)
            || self.resource_type.endpoint.eq_ignore_ascii_case(&other.endpoint)
    }
}

/// Whether a URI is what an attribute of a schema, or a part of one, is called with the URI of the schema before it.
fn has_attribute_called(schema: &Schema, uri: &SchemaUri) -> bool {
    let (id, uri) = (schema.id().as_str(), uri.as_str());
    let Some((prefix, rest)) = uri.split_at_checked(id.len()) else { return false };
    let Some(path) = rest.strip_prefix(':').filter(|_| prefix.eq_ignore_ascii_case(id)) else { return false };
    schema.attribute(path).is_some()
        || path
            .split_once('.')
            .is_some_and(|(name, sub)| schema.attribute(name).is_some_and(|parent| parent.sub(sub).is_some()))
}

fn check_relation(
    resource_type: &ResourceType,
    relation: &Relation,
    base: &Schema,
    all: &[ResourceType],
) -> Result<(), RegistryError> {
    let fail = |problem| {
        Err(RegistryError::Relation {
            resource_type: resource_type.name.as_ref().to_owned(),
            relation: relation.attribute.as_ref().to_owned(),
            problem,
        })
    };
    let Some(attribute) = base.attribute(&relation.attribute) else {
        return fail("the base schema has no such attribute");
    };
    if !attribute.is_multi_valued() || attribute.sub("value").is_none() {
        return fail("the attribute is not multi-valued with a sub-attribute `value`");
    }
    if attribute.mutability() != Mutability::ReadWrite {
        return fail("the attribute is not readWrite");
    }
    if resource_type
        .relations
        .iter()
        .filter(|other| other.attribute.eq_ignore_ascii_case(&relation.attribute))
        .count()
        > 1
    {
        return fail("the attribute has more than one relation");
    }
    if relation.targets.is_empty() || !relation.targets.iter().all(|name| all.iter().any(|t| t.name == *name))
    {
        return fail("its targets are not registered resource types");
    }
    Ok(())
}

fn check_display(resource_type: &ResourceType, base: &Schema) -> Result<(), RegistryError> {
    let Some(path) = &resource_type.display else { return Ok(()) };
    let fail = |problem| {
        Err(RegistryError::Display {
            resource_type: resource_type.name.as_ref().to_owned(),
            attribute: excerpt_path(path),
            problem,
        })
    };
    let (name, sub) = path.split_once('.').map_or((&**path, None), |(name, sub)| (name, Some(sub)));
    let Some(attribute) = base.attribute(name) else { return fail("the base schema has no such attribute") };
    let target = match sub {
        None => attribute,
        Some(sub) => match attribute.sub(sub) {
            Some(target) => target,
            None => return fail("the attribute has no such sub-attribute"),
        },
    };
    if target.data_type() != DataType::String || attribute.is_multi_valued() || target.is_multi_valued() {
        return fail("it is no single string");
    }
    if [attribute, target].iter().any(|a| matches!(a.returned(), Returned::Never | Returned::Request)) {
        return fail("it is not returned to everybody");
    }
    Ok(())
}

impl SchemaView for TypeDefinition {
    type Attribute = Attribute;

    fn schema(&self, uri: &str) -> Option<SchemaKind> {
        if self.base.id().is(uri) {
            return Some(SchemaKind::Base);
        }
        self.extension(uri).map(|extension| SchemaKind::Extension(Arc::clone(extension.schema.id().shared())))
    }

    fn attribute(&self, schema: &SchemaKind, name: &str) -> Option<&Attribute> {
        match schema {
            SchemaKind::Base => Self::attribute(self, name),
            SchemaKind::Extension(uri) => self.extension(uri)?.schema.attribute(name),
        }
    }

    fn attribute_by_urn<'p>(&self, path: &'p str) -> Option<(SchemaKind, &Attribute, Option<&'p str>)> {
        if !self.has_urn_names {
            return None;
        }
        let inside = |schema: &'_ Schema, path: &'p str| -> Option<(usize, Option<&'p str>)> {
            schema
                .attributes()
                .iter()
                .enumerate()
                .filter(|(_, attribute)| attribute.name().contains(':'))
                .find_map(|(n, attribute)| match strip(path, attribute.name())? {
                    "" => Some((n, None)),
                    rest => Some((n, Some(rest.strip_prefix('.')?))),
                })
        };
        let of_base = strip(path, self.base.id().as_str()).and_then(|rest| rest.strip_prefix(':'));
        for path in std::iter::once(path).chain(of_base) {
            if let Some((n, sub)) = inside(&self.base, path) {
                return Some((SchemaKind::Base, self.base.attributes().get(n)?, sub));
            }
        }
        self.extensions.iter().find_map(|extension| {
            let uri = extension.schema.id();
            let rest = strip(path, uri.as_str())?.strip_prefix(':')?;
            let (n, sub) = inside(&extension.schema, rest)?;
            let kind = SchemaKind::Extension(Arc::clone(uri.shared()));
            Some((kind, extension.schema.attributes().get(n)?, sub))
        })
    }
}

/// What follows a prefix that is compared without case.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (front, rest) = text.split_at_checked(prefix.len())?;
    front.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_of_the_rfc_is_legal() {
        let registry = rfc7643();
        let user = registry.by_name("User").unwrap();
        let group = registry.by_endpoint("GROUPS").unwrap();
        assert!(user.extension("URN:ietf:params:scim:schemas:extension:enterprise:2.0:USER").is_some());
        assert_eq!(user.derived()[0].relation.as_ref(), "members");
        assert!(group.derived().is_empty(), "a Group shows no `groups`");
        assert!(
            group.is_kept_apart("MEMBERS") && user.is_kept_apart("groups") && !user.is_kept_apart("emails")
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let schema = Schema::group();
        let group = || ResourceType::new("Group", schema.id().clone());
        let build =
            |types: Vec<ResourceType>| Registry::new([Schema::group()], types).unwrap_err().to_string();
        let missing = "urn:example:none".parse::<SchemaUri>().unwrap();
        let relation = |attribute: &str, target: &str| Relation {
            attribute: attribute.into(),
            targets: vec![target.into()],
            inverse: None,
        };
        let table = [
            (vec![group(), group()], "`Group`"),
            (vec![group().with_extension(missing, true)], "`urn:example:none`, which is not registered"),
            (vec![group().with_endpoint("/Bulk")], "`/Bulk` cannot be the endpoint"),
            (vec![group().with_endpoint("/me")], "`/me` cannot be the endpoint"),
            (
                vec![group().with_endpoint("/ServiceProviderConfigs")],
                "`/ServiceProviderConfigs` cannot be the endpoint",
            ),
            (vec![group().with_endpoint("Groups")], "`Groups` cannot be the endpoint"),
            (vec![group().with_relation(relation("nope", "Group"))], "has no such attribute"),
            (vec![group().with_relation(relation("displayName", "Group"))], "not multi-valued"),
            (vec![group().with_relation(relation("members", "User"))], "not registered resource types"),
            (
                vec![group().with_extension(schema.id().clone(), false)],
                "names the schema `urn:ietf:params:scim:schemas:core:2.0:Group` more than once",
            ),
            (
                vec![
                    group()
                        .with_relation(relation("members", "Group"))
                        .with_relation(relation("MEMBERS", "Group")),
                ],
                "more than one relation",
            ),
        ];
        for (types, words) in table {
            let message = build(types);
            assert!(message.contains(words), "{message}");
        }
        // A path cannot name two things.
        for (uri, is_legal) in [
            ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", false),
            ("URN:IETF:params:scim:schemas:core:2.0:group:MEMBERS.value", false),
            ("urn:ietf:params:scim:schemas:core:2.0:Group:owners", true),
            ("urn:ietf:params:scim:schemas:core:2.0:Group2", true),
        ] {
            let labels = Attribute::new("label", DataType::String);
            let labels = Schema::new(uri.parse().unwrap(), "Labels", "", [labels]).unwrap();
            let kind = group().with_extension(labels.id().clone(), false);
            match Registry::new([Schema::group(), Arc::new(labels)], [kind]) {
                Ok(_) => assert!(is_legal, "{uri}"),
                Err(error) => {
                    assert!(
                        !is_legal && error.to_string().contains("an attribute of another one too"),
                        "{error}"
                    );
                }
            }
        }
        assert!(matches!(
            Registry::new([Schema::group(), Schema::group()], []),
            Err(RegistryError::DuplicateSchema(_))
        ));
    }
}
