use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::at::At;
use super::coerce::{Coerce, is_blank};
use super::issue::{IssueKind, Issues, ValidationError};
use super::keys::expand;
use crate::ids::ResourceId;
use crate::quirk::{Quirk, Quirks};
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::{Attribute, Schema};
use crate::value::{Object, Value, excerpt, same_name};

/// What a POST or PUT asks for, checked against the schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// The attributes of the resource itself, with `schemas` in line with them.
    pub resource: Resource,
    /// The values of each relation of the type, in the order of the type's relations.
    pub relations: Vec<RelationValues>,
    /// The attribute paths that the body names and that are never returned, such as `password`, each once. To set one
    /// is a change even if it has this value already: whether it has been guessed shall not be told.
    pub hidden: BTreeSet<String>,
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
    let Read { draft, mut issues, .. } = read_body(definition, body, quirks);
    find_missing(definition, &draft, &mut issues);
    issues.into_result()?;
    Ok(draft)
}

/// Checks that every required attribute and sub-attribute has a value, as after a PATCH. The values of relations are not part of the
/// resource and not looked at.
///
/// # Errors
/// [`ValidationError`] naming each required attribute without a value.
pub fn check_required(definition: &TypeDefinition, resource: &Resource) -> Result<(), ValidationError> {
    let mut issues = Issues::default();
    find_missing_attributes(definition, resource, true, &mut issues);
    issues.into_result()
}

/// A body that has been read.
pub(super) struct Read {
    pub(super) draft: Draft,
    pub(super) issues: Issues,
    /// The paths of attributes that were given no value on purpose, where that differs from leaving them out.
    pub(super) cleared: HashSet<String>,
    /// The relations that were given something with no value in it, as a template leaves it that was not filled in.
    pub(super) blank: Vec<Arc<str>>,
}

/// Everything but the required attributes: those can only be judged once a replaced resource is known.
pub(super) fn read_body(definition: &TypeDefinition, body: Object, quirks: &Quirks) -> Read {
    let mut coerce = Coerce::new(quirks, definition.name());
    check_schemas(definition, body.get("schemas"), &mut coerce);
    let body = expand(definition, body, &mut coerce);
    // No hostile body gets more room than the schemas have attributes.
    let mut attributes = Object::with_capacity(body.len().min(definition.base().attributes().len()) + 1);
    attributes.push_new("schemas", Value::Array(Vec::new()));
    let mut relations: Vec<RelationValues> = definition
        .relations()
        .iter()
        .map(|relation| RelationValues { attribute: Arc::clone(&relation.attribute), targets: Vec::new() })
        .collect();
    let mut blank = Vec::new();
    for (written, value) in body {
        let name = written.as_str();
        if let Some(attribute) = definition.attribute(name) {
            let at = At::Path(attribute.name());
            // "readOnly ... SHALL be ignored" (RFC 7644 sections 3.3 and 3.5.1)
            if attribute.is_read_only() || attribute.name() == "schemas" {
                continue;
            }
            if let Some(relation) = relations.iter_mut().find(|r| same_name(&r.attribute, name)) {
                let clears = match &value {
                    Value::Array(items) => items.is_empty(),
                    value => *value == Value::Null,
                };
                relation.targets = read_relation(attribute, value, &at, &mut coerce);
                if relation.targets.is_empty() && !clears {
                    blank.push(Arc::clone(&relation.attribute));
                }
            } else if let Some(value) = coerce.attribute(attribute, value, &at) {
                attributes.push_spelled(written, attribute.name(), value);
            }
        } else if let Some(extension) = definition.extension(name) {
            let data = read_extension(&extension.schema, value, &mut coerce);
            if !data.is_empty() {
                attributes.push_spelled(written, extension.schema.id().as_str(), data.into());
            }
        } else {
            coerce.unknown(&At::Path(&excerpt(name)), name);
        }
    }
    let mut resource = Resource::from_attributes(attributes);
    resource.stamp_schemas(definition);
    let cleared = coerce.cleared.into_iter().collect();
    let hidden = coerce.hidden;
    Read { draft: Draft { resource, relations, hidden }, issues: coerce.issues, cleared, blank }
}

/// "REQUIRED ... non-empty array" of the base schema and registered extensions (RFC 7643 section 3).
fn check_schemas(definition: &TypeDefinition, schemas: Option<&Value>, coerce: &mut Coerce<'_>) {
    let at = At::Path("schemas");
    let base = definition.base().id();
    let uris = match schemas {
        None | Some(Value::Null) => &[],
        Some(Value::Array(uris)) => uris.as_slice(),
        Some(one @ Value::String(_)) if coerce.quirks.tolerate(Quirk::WrapSingleValues) => {
            std::slice::from_ref(one)
        }
        Some(other) => {
            coerce
                .issue(&at, IssueKind::Type { expected: "a list of strings", got: other.kind().to_owned() });
            return;
        }
    };
    let texts = || uris.iter().filter_map(Value::as_str);
    if let Some(other) = uris.iter().find(|uri| uri.as_str().is_none()) {
        coerce.issue(&at, IssueKind::Type { expected: "a list of strings", got: other.kind().to_owned() });
        return;
    }
    if coerce.quirks.is_on(Quirk::AssumeSchemas) {
        let is_known = |uri: &str| {
            base.is(uri) || definition.extension(uri).is_some() || is_meant_for(uri, definition.name())
        };
        let mut given = texts().filter(|uri| !uri.trim().is_empty()).peekable();
        // What names other schemas only was made for another endpoint.
        if let Some(uri) = given.peek().copied()
            && !given.any(is_known)
        {
            let (uri, name) = (excerpt(uri), definition.name());
            let problem = format!("names `{uri}`, which is no schema of {name}; it must list `{base}`");
            coerce.issue(&at, IssueKind::Schemas(problem));
            return;
        }
    }
    let problem = if uris.is_empty() {
        format!("is missing; it must list `{base}`")
    } else if let Some(uri) = texts().find(|uri| !base.is(uri) && definition.extension(uri).is_none()) {
        format!("names `{}`, which is no schema of {}", excerpt(uri), definition.name())
    } else if !texts().any(|uri| base.is(uri)) {
        format!("must list `{base}`")
    } else {
        return;
    };
    if !coerce.quirks.tolerate(Quirk::AssumeSchemas) {
        coerce.issue(&at, IssueKind::Schemas(problem));
    }
}

/// Whether a URI was meant for resources of this type: that of the core schema in SCIM 1.x, which had one for all types,
/// or in drafts of SCIM 2.0, or another URN of SCIM that ends with the name of the type, as an example of RFC 7644 section
/// 3.7.3 has it.
fn is_meant_for(uri: &str, type_name: &str) -> bool {
    const EARLY: &str = "urn:scim:schemas:core:";
    const SCIM: &str = "urn:ietf:params:scim:";
    let after = |prefix: &str| {
        let (begin, rest) = uri.split_at_checked(prefix.len())?;
        begin.eq_ignore_ascii_case(prefix).then_some(rest)
    };
    let names_type =
        |rest: &str| rest.rsplit(':').next().is_some_and(|name| name.eq_ignore_ascii_case(type_name));
    after(EARLY).is_some_and(|rest| !rest.contains(':') || names_type(rest))
        || after(SCIM).is_some_and(names_type)
}

fn read_extension(schema: &Schema, value: Value, coerce: &mut Coerce<'_>) -> Object {
    let uri = schema.id().as_str();
    let members = match value {
        Value::Object(members) => members,
        Value::Null => {
            coerce.cleared.push(uri.to_owned());
            return Object::new();
        }
        other => {
            let kind = IssueKind::Type { expected: "an object", got: other.kind().to_owned() };
            coerce.issue(&At::Path(uri), kind);
            return Object::new();
        }
    };
    let mut data = Object::new();
    for (name, value) in members {
        match schema.attribute(name.as_str()) {
            Some(attribute) if attribute.is_read_only() => {}
            Some(attribute) => {
                if let Some(value) = coerce.attribute(attribute, value, &At::Extension(uri, attribute.name()))
                {
                    data.push_spelled(name, attribute.name(), value);
                }
            }
            // Every object may say which schemas it has (RFC 7643 section 3.1); its name says it here.
            None if name.is("schemas") => {}
            None => coerce.unknown(&At::Extension(uri, &excerpt(name.as_str())), name.as_str()),
        }
    }
    data
}

/// The ids that the values of a relation attribute name, each once. What else they say (`display`, `$ref`, `type`)
/// is the server's to say.
pub(crate) fn read_relation(
    attribute: &Attribute,
    value: Value,
    at: &At<'_>,
    coerce: &mut Coerce<'_>,
) -> Vec<ResourceId> {
    let items = match value {
        Value::Null => return Vec::new(),
        Value::Array(items) => items,
        one if coerce.quirks.tolerate(Quirk::WrapSingleValues) => vec![one],
        other => {
            coerce.issue(at, IssueKind::Type { expected: "a list", got: other.kind().to_owned() });
            return Vec::new();
        }
    };
    let mut seen = HashSet::with_capacity(items.len());
    let mut targets = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        if let Some(id) = read_reference(attribute, item, &At::Item(at, n), coerce)
            && seen.insert(id.clone())
        {
            targets.push(id);
        }
    }
    targets
}

fn read_reference(
    attribute: &Attribute,
    item: Value,
    at: &At<'_>,
    coerce: &mut Coerce<'_>,
) -> Option<ResourceId> {
    if item == Value::Null || (item.as_str() == Some("") && coerce.quirks.tolerate(Quirk::EmptyStrings)) {
        return None;
    }
    let members = coerce.complex_members(attribute, item, at)?;
    for (name, _) in members.iter() {
        if attribute.sub(name.as_str()).is_none() {
            coerce.unknown(&At::Sub(at, &excerpt(name.as_str())), name.as_str());
        }
    }
    let at = At::Sub(at, "value");
    match members.get("value") {
        Some(Value::String(id)) if !id.trim().is_empty() => match id.parse() {
            Ok(id) => return Some(id),
            Err(_) => {
                coerce.issue(&at, IssueKind::Format { expected: "the id of a resource", got: excerpt(id) });
            }
        },
        None | Some(Value::Null | Value::String(_)) => coerce.issue(&at, IssueKind::Required),
        Some(other) => {
            coerce.issue(&at, IssueKind::Type { expected: "a string", got: other.kind().to_owned() });
        }
    }
    None
}

/// The required attributes that have no value. Sub-attributes were looked at when the body was read.
pub(super) fn find_missing(definition: &TypeDefinition, draft: &Draft, issues: &mut Issues) {
    find_missing_attributes(definition, &draft.resource, false, issues);
    for relation in draft.relations.iter().filter(|relation| relation.targets.is_empty()) {
        if definition.attribute(&relation.attribute).is_some_and(Attribute::is_required) {
            issues.push(&*relation.attribute, IssueKind::Required);
        }
    }
}

fn find_missing_attributes(
    definition: &TypeDefinition,
    resource: &Resource,
    subs: bool,
    issues: &mut Issues,
) {
    for attribute in definition.base().attributes() {
        let can_miss = attribute.is_required() || subs;
        if can_miss && !definition.is_kept_apart(attribute.name()) {
            find_missing_value(attribute, resource.attributes(), &At::Path(attribute.name()), subs, issues);
        }
    }
    for extension in definition.extensions() {
        let uri = extension.schema.id().as_str();
        match resource.attributes().get(uri) {
            Some(Value::Object(data)) => {
                for attribute in extension.schema.attributes() {
                    find_missing_value(attribute, data, &At::Extension(uri, attribute.name()), subs, issues);
                }
            }
            // "if required, a resource MUST include this schema extension and also include any attributes declared as
            // required in this schema extension" (RFC 7643 section 6)
            _ if extension.required => issues.push(uri, IssueKind::Required),
            _ => {}
        }
    }
}

fn find_missing_value(attribute: &Attribute, object: &Object, at: &At<'_>, subs: bool, issues: &mut Issues) {
    let is_missing = |attribute: &Attribute, object: &Object| {
        attribute.is_required()
            && !attribute.is_read_only()
            && object.get(attribute.name()).is_none_or(is_blank)
    };
    if is_missing(attribute, object) {
        return issues.push(at, IssueKind::Required);
    }
    if !subs || !attribute.sub_attributes().iter().any(Attribute::is_required) {
        return;
    }
    let mut look_into = |value: &Value, at: &At<'_>| {
        let Value::Object(parts) = value else { return };
        for sub in attribute.sub_attributes().iter().filter(|sub| is_missing(sub, parts)) {
            issues.push(At::Sub(at, sub.name()), IssueKind::Required);
        }
    };
    match object.get(attribute.name()) {
        Some(Value::Array(items)) => {
            for (n, item) in items.iter().enumerate() {
                look_into(item, &At::Item(at, n));
            }
        }
        Some(one) => look_into(one, at),
        None => {}
    }
}
