use std::sync::Arc;

use super::coerce::{Coerce, is_blank};
use super::issue::{Issue, IssueKind, ValidationError};
use crate::ids::ResourceId;
use crate::quirk::Quirks;
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::Attribute;
use crate::value::{Object, Value, excerpt};

/// What a POST or PUT asks for, checked against the schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// The attributes of the resource itself, with `schemas` in line with them.
    pub resource: Resource,
    /// The values of each relation of the type, in the order of the type's relations.
    pub relations: Vec<RelationValues>,
}

/// The resources that a relation attribute is to refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationValues {
    /// The attribute, such as `members`.
    pub attribute: Arc<str>,
    /// The ids, each once.
    pub targets: Vec<ResourceId>,
}

/// Checks the body of a POST (RFC 7644 section 3.3).
///
/// # Errors
/// [`ValidationError`] with every problem of the body and its path.
pub fn validate_new(
    definition: &TypeDefinition,
    body: Object,
    quirks: &Quirks,
) -> Result<Draft, ValidationError> {
    let (draft, mut issues) = read_body(definition, body, quirks);
    issues.extend(missing(definition, &draft.resource));
    ValidationError::unless_empty(issues)?;
    Ok(draft)
}

/// Checks that every required attribute has a value, as after a PATCH.
///
/// # Errors
/// [`ValidationError`] naming each required attribute without a value.
pub fn check_required(definition: &TypeDefinition, resource: &Resource) -> Result<(), ValidationError> {
    ValidationError::unless_empty(missing(definition, resource))
}

/// Everything but the required attributes: those can only be judged once a replaced resource is known.
pub(super) fn read_body(definition: &TypeDefinition, body: Object, quirks: &Quirks) -> (Draft, Vec<Issue>) {
    let mut coerce = Coerce::new(quirks, definition.name());
    check_schemas(definition, body.get("schemas"), &mut coerce);
    let mut attributes: Object = [("schemas", Value::Array(Vec::new()))].into_iter().collect();
    let mut relations: Vec<RelationValues> = definition
        .relations()
        .iter()
        .map(|relation| RelationValues { attribute: Arc::clone(&relation.attribute), targets: Vec::new() })
        .collect();
    for (name, value) in body {
        let name = name.as_str();
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        if let Some(relation) = relations.iter_mut().find(|r| r.attribute.eq_ignore_ascii_case(name)) {
            let Some(attribute) = definition.attribute(name) else { continue };
            relation.targets = read_relation(attribute, value, attribute.name(), &mut coerce);
        } else if let Some(attribute) = definition.attribute(name) {
            // "readOnly ... SHALL be ignored" (RFC 7644 sections 3.3 and 3.5.1)
            if !attribute.is_read_only()
                && let Some(value) = coerce.attribute(attribute, value, attribute.name())
            {
                attributes.insert(attribute.name(), value);
            }
        } else if let Some(extension) = definition.extension(name) {
            let uri = extension.schema.id().as_str();
            let data = read_extension(extension.schema.attributes(), value, uri, &mut coerce);
            if !data.is_empty() {
                attributes.insert(uri, data);
            }
        } else if !quirks.ignore_unknown_attributes {
            let resource_type = definition.name().to_owned();
            coerce.issue(&excerpt(name), IssueKind::Unknown { resource_type });
        }
    }
    let mut resource = Resource::from_attributes(attributes);
    resource.stamp_schemas(definition);
    (Draft { resource, relations }, coerce.issues)
}

/// "REQUIRED ... non-empty array" of the base schema and registered extensions (RFC 7643 section 3).
fn check_schemas(definition: &TypeDefinition, schemas: Option<&Value>, coerce: &mut Coerce<'_>) {
    let problem = match schemas {
        None | Some(Value::Null) => Some(format!("is missing; it must list `{}`", definition.base().id())),
        Some(Value::Array(uris)) => {
            let unknown = uris.iter().find(|uri| {
                !uri.as_str()
                    .is_some_and(|uri| definition.base().id().is(uri) || definition.extension(uri).is_some())
            });
            let base = uris.iter().any(|uri| uri.as_str().is_some_and(|uri| definition.base().id().is(uri)));
            if let Some(not_text) = uris.iter().find(|uri| uri.as_str().is_none()) {
                coerce.issue(
                    "schemas",
                    IssueKind::Type { expected: "a list of strings", got: not_text.kind().to_owned() },
                );
                return;
            }
            match unknown {
                Some(uri) => {
                    Some(format!("names `{}`, which is no schema of {}", uri.excerpt(), definition.name()))
                }
                None if !base => Some(format!("must list `{}`", definition.base().id())),
                None => None,
            }
        }
        Some(Value::String(_)) if coerce.quirks.wrap_single_values => None,
        Some(other) => {
            coerce.issue(
                "schemas",
                IssueKind::Type { expected: "a list of strings", got: other.kind().to_owned() },
            );
            return;
        }
    };
    if let Some(problem) = problem
        && !coerce.quirks.assume_schemas
    {
        coerce.issue("schemas", IssueKind::Schemas(problem));
    }
}

fn read_extension(attributes: &[Attribute], value: Value, uri: &str, coerce: &mut Coerce<'_>) -> Object {
    let members = match value {
        Value::Object(members) => members,
        Value::Null => return Object::new(),
        other => {
            coerce.issue(uri, IssueKind::Type { expected: "an object", got: other.kind().to_owned() });
            return Object::new();
        }
    };
    let mut data = Object::new();
    for (name, value) in members {
        let name = name.as_str();
        match attributes.iter().find(|attribute| attribute.name().eq_ignore_ascii_case(name)) {
            Some(attribute) if attribute.is_read_only() => {}
            Some(attribute) => {
                let path = format!("{uri}:{}", attribute.name());
                if let Some(value) = coerce.attribute(attribute, value, &path) {
                    data.insert(attribute.name(), value);
                }
            }
            None if coerce.quirks.ignore_unknown_attributes => {}
            None => {
                let resource_type = coerce.resource_type.to_owned();
                coerce.issue(&format!("{uri}:{}", excerpt(name)), IssueKind::Unknown { resource_type });
            }
        }
    }
    data
}

/// The ids that the values of a relation attribute name, each once. What else they say (`display`, `$ref`, `type`)
/// is the server's to say.
pub(crate) fn read_relation(
    attribute: &Attribute,
    value: Value,
    path: &str,
    coerce: &mut Coerce<'_>,
) -> Vec<ResourceId> {
    let items = match value {
        Value::Null => return Vec::new(),
        Value::Array(items) => items,
        one if coerce.quirks.wrap_single_values => vec![one],
        other => {
            coerce.issue(path, IssueKind::Type { expected: "a list", got: other.kind().to_owned() });
            return Vec::new();
        }
    };
    let mut seen = std::collections::HashSet::new();
    let mut targets = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        if item == Value::Null {
            continue;
        }
        let path = format!("{path}[{n}]");
        let Value::Object(members) = item else {
            if let (Value::String(id), true) = (&item, coerce.quirks.scalar_complex_values) {
                targets.extend(id.parse::<ResourceId>().ok().filter(|id| seen.insert(id.clone())));
                continue;
            }
            coerce.issue(&path, IssueKind::Type { expected: "an object", got: item.kind().to_owned() });
            continue;
        };
        let value_path = format!("{path}.value");
        match members.get("value") {
            None | Some(Value::Null) => coerce.issue(&value_path, IssueKind::Required),
            Some(Value::String(id)) => match id.parse::<ResourceId>() {
                Ok(id) => {
                    if seen.insert(id.clone()) {
                        targets.push(id);
                    }
                }
                Err(_) if id.trim().is_empty() => coerce.issue(&value_path, IssueKind::Required),
                Err(_) => coerce.issue(
                    &value_path,
                    IssueKind::Format { expected: "the id of a resource", got: excerpt(id) },
                ),
            },
            Some(other) => coerce
                .issue(&value_path, IssueKind::Type { expected: "a string", got: other.kind().to_owned() }),
        }
        for (name, _) in members.iter() {
            if attribute.sub(name.as_str()).is_none() && !coerce.quirks.ignore_unknown_attributes {
                let resource_type = coerce.resource_type.to_owned();
                coerce.issue(
                    &format!("{path}.{}", excerpt(name.as_str())),
                    IssueKind::Unknown { resource_type },
                );
            }
        }
    }
    targets
}

/// The required attributes that have no value.
fn missing(definition: &TypeDefinition, resource: &Resource) -> Vec<Issue> {
    let empty = |value: Option<&Value>| value.is_none_or(is_blank);
    let mut issues = Vec::new();
    for attribute in definition.base().attributes() {
        let name = attribute.name();
        if attribute.is_required()
            && !attribute.is_read_only()
            && !definition.is_kept_apart(name)
            && empty(resource.get(None, name))
        {
            issues.push(Issue::new(name, IssueKind::Required));
        }
    }
    for extension in definition.extensions() {
        let uri = extension.schema.id().as_str();
        // "if required, a resource MUST include this schema extension and also include any attributes declared as
        // required in this schema extension" (RFC 7643 section 6)
        if !extension.required && resource.attributes().get(uri).is_none() {
            continue;
        }
        if extension.required && resource.attributes().get(uri).is_none() {
            issues.push(Issue::new(uri, IssueKind::Required));
            continue;
        }
        for attribute in extension.schema.attributes() {
            if attribute.is_required()
                && !attribute.is_read_only()
                && empty(resource.get(Some(uri), attribute.name()))
            {
                issues.push(Issue::new(format!("{uri}:{}", attribute.name()), IssueKind::Required));
            }
        }
    }
    issues
}
