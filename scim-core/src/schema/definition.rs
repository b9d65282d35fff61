use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use scim_filter::DataType;
use serde::{Deserialize, Serialize};

use super::json::Parts;
use super::{Attribute, SchemaLimits, Uniqueness, common_attributes};
use crate::ids::SchemaUri;
use crate::urn;
use crate::value::{AttrName, Value, excerpt, excerpt_path, same_name};

/// A schema: a URI and the attributes that it defines (RFC 7643 section 7).
///
/// A value of this type is legal: names are well formed and distinct, complex attributes do not nest, and
/// characteristics fit their types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Schema {
    id: SchemaUri,
    name: String,
    description: String,
    attributes: Vec<Attribute>,
}

/// What is wrong with a schema or a resource type: which one, which of its attributes, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {problem}")]
pub struct SchemaError {
    pub(super) subject: String,
    pub(super) problem: String,
}

impl Schema {
    /// A schema from its parts.
    ///
    /// Common attributes (`id`, `externalId`, `meta`, `schemas`) are left out: every resource has them, whatever its
    /// schema repeats of them.
    ///
    /// # Errors
    /// [`SchemaError`] when a name is not made of a letter and then letters, digits, `$`, `-` or `_` (RFC 7643
    /// section 2.1; `$ref` and, for a schema inside a schema as RFC 9944 has them, a URN aside); when a name is used
    /// twice; when a complex attribute is empty or holds a complex one; when a simple one has sub-attributes; when
    /// something is to be unique whose type has no uniqueness (section 2.3); or when something that is no reference has
    /// reference types.
    pub fn new(
        id: SchemaUri,
        name: &str,
        description: &str,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<Self, SchemaError> {
        let mut attributes: Vec<Attribute> = attributes
            .into_iter()
            // "listed characteristics win over common attributes repeated in an old schema" (RFC 7643 section 3.1)
            .filter(|a| {
                !common_attributes().iter().any(|common| common.name().eq_ignore_ascii_case(a.name()))
            })
            .collect();
        let fail = |problem| SchemaError::of::<Self>(id.as_str(), problem);
        check_names(&attributes, "").map_err(fail)?;
        for attribute in &mut attributes {
            check(attribute, "").map_err(fail)?;
            attribute.settle();
        }
        apply_rules_of_user(&id, &mut attributes);
        Ok(Self { id, name: name.to_owned(), description: description.to_owned(), attributes })
    }

    /// Changes one attribute, such as `color` or `emails.type`: what JSON cannot say, or what a server does otherwise
    /// than a schema that it was given.
    ///
    /// ```
    /// use scim_core::{Attribute, Schema};
    ///
    /// let json = r#"{"id": "urn:example:2.0:Thing", "attributes": [{"name": "color", "canonicalValues": ["red"]}]}"#;
    /// let thing = Schema::from_json(json)?.adjust("color", Attribute::restrict)?;
    /// assert!(thing.attribute("color").is_some_and(|color| color.restricted_to().is_some()));
    /// # Ok::<(), scim_core::schema::SchemaError>(())
    /// ```
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such attribute, or as [`Schema::new`] for what has become of it.
    pub fn adjust(
        mut self,
        path: &str,
        change: impl FnOnce(Attribute) -> Attribute,
    ) -> Result<Self, SchemaError> {
        let (name, sub) = match path.split_once('.') {
            // A URN has dots of its own.
            Some((name, sub)) if !name.contains(':') => (name, Some(sub)),
            _ => match path.rsplit_once('.').filter(|_| self.attribute(path).is_none()) {
                Some((name, sub)) => (name, Some(sub)),
                None => (path, None),
            },
        };
        let found = self.attributes.iter_mut().find(|attribute| attribute.name().eq_ignore_ascii_case(name));
        let found = match (found, sub) {
            (Some(attribute), Some(sub)) => attribute.sub_mut(sub),
            (found, _) => found,
        };
        let Some(found) = found else {
            let problem = format!("there is no attribute `{}`", excerpt_path(path));
            return Err(SchemaError::of::<Self>(self.id.as_str(), problem));
        };
        *found = change(found.clone());
        Self::new(self.id, &self.name, &self.description, self.attributes)
    }

    /// Adds an attribute.
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn with_attribute(mut self, attribute: Attribute) -> Result<Self, SchemaError> {
        self.attributes.push(attribute);
        Self::new(self.id, &self.name, &self.description, self.attributes)
    }

    /// The URI.
    #[must_use]
    pub fn id(&self) -> &SchemaUri {
        &self.id
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The description.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The attributes in their order.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The attribute with this name, case aside.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| same_name(attribute.name(), name))
    }

    /// The schema of a User (RFC 7643 sections 4.1 and 8.7.1).
    #[must_use]
    pub fn user() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
            let mut schema = builtin(include_str!("rfc7643/user.json"));
            apply_rules_of_user(&schema.id, &mut schema.attributes);
            Arc::new(schema)
        });
        Arc::clone(&SCHEMA)
    }

    /// The schema of the enterprise extension of a User (RFC 7643 section 4.3).
    #[must_use]
    pub fn enterprise_user() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(builtin(include_str!("rfc7643/enterprise_user.json"))));
        Arc::clone(&SCHEMA)
    }

    /// The schema of a Group (RFC 7643 section 4.2).
    #[must_use]
    pub fn group() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(builtin(include_str!("rfc7643/group.json"))));
        Arc::clone(&SCHEMA)
    }

    /// The schemas of the discovery resources: ServiceProviderConfig, ResourceType and Schema (RFC 7643 sections 5
    /// to 7).
    #[must_use]
    pub fn discovery() -> &'static [Arc<Self>; 3] {
        static SCHEMAS: LazyLock<[Arc<Schema>; 3]> = LazyLock::new(|| {
            [
                Arc::new(builtin(include_str!("rfc7643/service_provider_config.json"))),
                Arc::new(builtin(include_str!("rfc7643/resource_type.json"))),
                Arc::new(builtin(include_str!("rfc7643/schema.json"))),
            ]
        });
        &SCHEMAS
    }
}

fn apply_rules_of_user(id: &SchemaUri, attributes: &mut [Attribute]) {
    if id.is(urn::USER) {
        attributes.iter_mut().for_each(Attribute::set_rules_of_user);
    }
}

/// Reads one of the schemas that ship with this crate. They may list common attributes, as the RFC prints them.
#[expect(clippy::expect_used, reason = "compiled-in data; `the_schemas_that_ship_are_legal` reads them all")]
pub(crate) fn builtin(json: &str) -> Schema {
    let value = Value::from_slice(json.as_bytes()).ok();
    let limits = SchemaLimits::default();
    let parts = value.as_ref().and_then(Value::as_object).and_then(|o| Parts::read(o, &limits, true).ok());
    let Parts { id, name, description, attributes } =
        parts.expect("a schema that ships with this crate is legal");
    Schema { id, name: name.to_owned(), description: description.to_owned(), attributes }
}

fn check_names(attributes: &[Attribute], parent: &str) -> Result<(), String> {
    let mut seen = HashSet::new();
    for attribute in attributes {
        let name = attribute.name();
        let path = path(parent, name);
        // A schema inside a schema is a complex attribute that goes by its URN (RFC 9944).
        let is_schema = || parent.is_empty() && attribute.is_complex() && is_urn(name);
        if !is_attr_name(name) && !is_schema() {
            return Err(format!("`{path}` cannot be the name of an attribute"));
        }
        if !seen.insert(AttrName::new(name)) {
            return Err(format!("the attribute `{path}` is defined twice"));
        }
    }
    Ok(())
}

fn path(parent: &str, name: &str) -> String {
    match parent {
        "" => excerpt_path(name),
        parent => format!("{parent}.{}", excerpt(name)),
    }
}

/// A letter, then letters, digits, `$`, `-`, `_` (RFC 7643 section 2.1), or `$ref`.
fn is_attr_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name == "$ref"
        || (bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
            && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'$' | b'-' | b'_')))
}

fn is_urn(name: &str) -> bool {
    name.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
        && name.parse::<SchemaUri>().is_ok()
}

fn check(attribute: &Attribute, parent: &str) -> Result<(), String> {
    let path = path(parent, attribute.name());
    let subs = attribute.sub_attributes();
    let data_type = attribute.data_type();
    if attribute.is_complex() {
        if !parent.is_empty() {
            return Err(format!("the sub-attribute `{path}` is complex; complex attributes cannot nest"));
        }
        // A schema inside a schema may be there for its name alone.
        if subs.is_empty() && !is_urn(attribute.name()) {
            return Err(format!("the complex attribute `{path}` has no sub-attributes"));
        }
        check_names(subs, &path)?;
        for sub in subs {
            check(sub, &path)?;
        }
    } else if !subs.is_empty() {
        return Err(format!("`{path}` has sub-attributes but its type is {}", data_type.as_str()));
    }
    // "has no ... uniqueness" (RFC 7643 sections 2.3.2, 2.3.5, 2.3.6 and 2.3.8)
    let has_uniqueness =
        !matches!(data_type, DataType::Boolean | DataType::DateTime | DataType::Binary | DataType::Complex);
    if attribute.uniqueness() != Uniqueness::None && !has_uniqueness {
        return Err(format!("`{path}` cannot be unique: its type is {}", data_type.as_str()));
    }
    if data_type != DataType::Reference && !attribute.reference_types().is_empty() {
        return Err(format!("`{path}` has reference types but is no reference"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Mutability;
    use super::*;

    fn uri() -> SchemaUri {
        "urn:example:2.0:Thing".parse().unwrap()
    }

    #[test]
    fn the_schemas_that_ship_are_legal() {
        let mut all = vec![Schema::user(), Schema::enterprise_user(), Schema::group()];
        for schema in &all {
            let json = serde_json::to_string(&**schema).unwrap();
            assert_eq!(Schema::from_json(&json).unwrap(), **schema, "a schema survives its own JSON");
        }
        all.extend(Schema::discovery().iter().cloned());
        for schema in all {
            assert!(!schema.attributes().is_empty());
            assert!(!schema.name().is_empty());
        }
        assert_eq!(Schema::user().attributes().len(), 21);
        assert_eq!(Schema::enterprise_user().attributes().len(), 6);
        assert_eq!(Schema::group().attributes().len(), 2);
    }

    #[test]
    fn an_attribute_that_says_only_its_name_has_the_defaults_of_section_2_2() {
        let json = r#"{"id":"urn:example:2.0:Thing","attributes":[{"name":"color"}]}"#;
        let schema = Schema::from_json(json).unwrap();
        assert_eq!(schema.attributes(), [Attribute::new("color", DataType::String)]);
        let color = &schema.attributes()[0];
        assert!(!color.is_required() && !color.is_multi_valued() && color.restricted_to().is_none());
        assert_eq!(color.compared_by(), scim_filter::CaseRule::Fold);
        assert_eq!((color.mutability().as_str(), color.returned().as_str()), ("readWrite", "default"));
        assert_eq!(color.uniqueness(), Uniqueness::None);
    }

    #[test]
    fn a_display_that_does_not_say_is_immutable_among_several_values() {
        let json = r#"{"id":"urn:example:2.0:Thing","attributes":[
            {"name":"a","type":"complex","multiValued":true,"subAttributes":[{"name":"display"}]},
            {"name":"b","type":"complex","multiValued":true,
                "subAttributes":[{"name":"display","mutability":"readWrite"}]},
            {"name":"c","type":"complex","subAttributes":[{"name":"display"}]}]}"#;
        let schema = Schema::from_json(json).unwrap();
        let display = |name: &str| schema.attribute(name).unwrap().sub("display").unwrap().mutability();
        assert_eq!(
            (display("a"), display("b"), display("c")),
            (Mutability::Immutable, Mutability::ReadWrite, Mutability::ReadWrite)
        );
    }

    #[test]
    fn illegal_schemas_are_refused_by_name() {
        let complex = |subs: Vec<Attribute>| Attribute::complex("c", subs);
        let plain = Attribute::new("p", DataType::String);
        let table = [
            (vec![Attribute::new("1x", DataType::String)], "`1x` cannot be the name"),
            (vec![Attribute::new("\u{e9}", DataType::String)], "cannot be the name"),
            (vec![Attribute::new("urn:example:a", DataType::String)], "`urn:example:a` cannot be the name"),
            (vec![Attribute::complex("urn: a", [plain.clone()])], "`urn: a` cannot be the name"),
            (vec![plain.clone(), Attribute::new("P", DataType::String)], "`P` is defined twice"),
            (vec![complex(vec![])], "`c` has no sub-attributes"),
            (vec![complex(vec![complex(vec![plain.clone()])])], "cannot nest"),
            (vec![complex(vec![plain.clone()]).with_uniqueness(Uniqueness::Server)], "`c` cannot be unique"),
            (vec![plain.with_reference_types(["User"])], "`p` has reference types"),
        ];
        for (attributes, words) in table {
            let error = Schema::new(uri(), "", "", attributes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(error.starts_with("schema `urn:example:2.0:Thing`: "), "{error}");
        }
        let text = r#"{"id":"urn:example:2.0:Thing","attributes":[{"name":"c","type":"complex"}]}"#;
        let error = Schema::from_json(text).unwrap_err().to_string();
        assert_eq!(error, "schema `urn:example:2.0:Thing`: the complex attribute `c` has no sub-attributes");
    }

    #[test]
    fn complex_attributes_may_be_named_by_a_urn() {
        let group = Attribute::complex("urn:example:2.0:Part", [Attribute::new("a", DataType::String)]);
        let schema = Schema::new(uri(), "", "", [group]).unwrap();
        assert!(schema.attribute("URN:example:2.0:part").is_some());
    }

    #[test]
    fn what_is_write_only_is_never_returned_and_the_schema_says_so() {
        let secret = Attribute::new("secret", DataType::String).with_mutability(Mutability::WriteOnly);
        let schema = Schema::new(uri(), "", "", [secret]).unwrap();
        assert_eq!(schema.attributes()[0].returned().as_str(), "never");
        assert!(serde_json::to_string(&schema).unwrap().contains(r#""returned":"never""#));
    }

    #[test]
    fn common_attributes_repeated_in_a_schema_do_not_change_them() {
        let schema = Schema::new(uri(), "", "", [Attribute::new("id", DataType::Integer)]).unwrap();
        assert!(schema.attributes().is_empty());
    }
}
