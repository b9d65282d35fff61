use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use scim_filter::DataType;
use serde::{Deserialize, Serialize};

use super::{Attribute, Uniqueness, common_attributes};
use crate::ids::SchemaUri;
use crate::urn;
use crate::value::{AttrName, excerpt};

/// A schema: a URI and the attributes that it defines (RFC 7643 section 7).
///
/// A value of this type is legal: names are well formed and distinct, complex attributes do not nest, and
/// characteristics fit their types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Repr", into = "Repr")]
pub struct Schema {
    id: SchemaUri,
    name: String,
    description: String,
    attributes: Vec<Attribute>,
}

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema `{schema}`: {problem}")]
pub struct SchemaError {
    schema: String,
    problem: String,
}

impl Schema {
    /// A schema from its parts.
    ///
    /// # Errors
    /// [`SchemaError`] when a name is not made of a letter and then letters, digits, `$`, `-` or `_` (RFC 7643
    /// section 2.1; `$ref` aside, and complex attributes may be named by a URN as in RFC 9944), is used twice or is
    /// that of a common attribute with another meaning; when a complex attribute is empty or holds a complex one;
    /// when a simple one has sub-attributes; when a boolean or complex attribute is to be unique; or when something
    /// that is no reference has reference types.
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
        let fail = |problem| SchemaError { schema: excerpt(id.as_str()), problem };
        check_names(&attributes).map_err(fail)?;
        for attribute in &attributes {
            check(attribute, false).map_err(fail)?;
        }
        apply_rules_of_user(&id, &mut attributes);
        Ok(Self { id, name: name.to_owned(), description: description.to_owned(), attributes })
    }

    /// A schema from the JSON of RFC 7643 section 7.
    ///
    /// # Errors
    /// A sentence that names the member at fault when the text is not a legal schema.
    pub fn from_json(json: &str) -> Result<Self, SchemaError> {
        let repr: Repr = serde_json::from_str(json)
            .map_err(|error| SchemaError { schema: "?".to_owned(), problem: error.to_string() })?;
        repr.try_into()
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
        self.attributes.iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name))
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
fn builtin(json: &str) -> Schema {
    let repr: Repr = serde_json::from_str(json).expect("a schema that ships with this crate is legal");
    Schema { id: repr.id, name: repr.name, description: repr.description, attributes: repr.attributes }
}

#[derive(Serialize, Deserialize)]
struct Repr {
    id: SchemaUri,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
}

impl TryFrom<Repr> for Schema {
    type Error = SchemaError;

    fn try_from(repr: Repr) -> Result<Self, SchemaError> {
        Self::new(repr.id, &repr.name, &repr.description, repr.attributes)
    }
}

impl From<Schema> for Repr {
    fn from(schema: Schema) -> Self {
        Self {
            id: schema.id,
            name: schema.name,
            description: schema.description,
            attributes: schema.attributes,
        }
    }
}

fn check_names(attributes: &[Attribute]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for attribute in attributes {
        let name = attribute.name();
        let legal = is_attr_name(name) || (attribute.is_complex() && is_urn(name));
        if !legal {
            return Err(format!("`{}` cannot be the name of an attribute", excerpt(name)));
        }
        if !seen.insert(AttrName::new(name)) {
            return Err(format!("the attribute `{name}` is defined twice"));
        }
    }
    Ok(())
}

/// A letter, then letters, digits, `$`, `-`, `_` (RFC 7643 section 2.1), or `$ref`.
fn is_attr_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name == "$ref"
        || (bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
            && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'$' | b'-' | b'_')))
}

/// RFC 9944 keeps groups of attributes inside an extension under a URN, as extensions are kept inside a resource.
fn is_urn(name: &str) -> bool {
    name.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
        && name.parse::<SchemaUri>().is_ok()
}

fn check(attribute: &Attribute, nested: bool) -> Result<(), String> {
    let name = attribute.name();
    let subs = attribute.sub_attributes();
    if attribute.is_complex() {
        if nested {
            return Err(format!("the sub-attribute `{name}` is complex; complex attributes cannot nest"));
        }
        if subs.is_empty() {
            return Err(format!("the complex attribute `{name}` has no sub-attributes"));
        }
        check_names(subs)?;
        for sub in subs {
            check(sub, true)?;
        }
    } else if !subs.is_empty() {
        return Err(format!(
            "`{name}` has sub-attributes but its type is {}",
            attribute.data_type().as_str()
        ));
    }
    let unique = attribute.uniqueness() != Uniqueness::None;
    if unique && matches!(attribute.data_type(), DataType::Boolean | DataType::Complex | DataType::Binary) {
        return Err(format!("`{name}` cannot be unique: its type is {}", attribute.data_type().as_str()));
    }
    if attribute.data_type() != DataType::Reference && !attribute.reference_types().is_empty() {
        return Err(format!("`{name}` has reference types but is no reference"));
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
