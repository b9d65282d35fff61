use std::collections::HashMap;

use super::at::At;
use super::body::{Draft, Read, find_missing, read_body};
use super::identity::{element_value, identity_key, same_value};
use super::issue::{IssueKind, Issues, ValidationError};
use crate::quirk::Quirks;
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::{Attribute, Mutability, Returned};
use crate::value::{Object, Value};

/// Checks the body of a PUT against the resource that it replaces (RFC 7644 section 3.5.1).
///
/// readOnly attributes stay as the server has them; immutable ones that already have a value must be given the same
/// one or be left out; those that are never returned stay when they are left out, as the client cannot know them, and
/// go when they are given `null`. A relation such as `members` is emptied by leaving it out, `null` or `[]`, not by a
/// value with nothing in it (`""`), as a template leaves it that was not filled in.
///
/// # Errors
/// [`ValidationError`] with every problem of the body and its path.
pub fn validate_replacement(
    definition: &TypeDefinition,
    body: Object,
    current: &Resource,
    quirks: &Quirks,
) -> Result<Draft, ValidationError> {
    let Read { mut draft, mut issues, cleared, blank } = read_body(definition, body, quirks);
    // To take it for an empty list would remove all values, which may cost people their access.
    for relation in blank {
        let expected = "a list of values, or null or an empty list to remove all";
        issues.push(
            At::Path(&relation),
            IssueKind::Type { expected, got: "a value with nothing in it".to_owned() },
        );
    }
    let is_cleared = |at: &At<'_>| !cleared.is_empty() && cleared.contains(&at.to_string());
    let new = draft.resource.attributes_mut();
    for attribute in definition.base().attributes() {
        let at = At::Path(attribute.name());
        keep(attribute, new, current.attributes(), &at, &is_cleared, &mut issues);
    }
    for extension in definition.extensions() {
        let uri = extension.schema.id().as_str();
        let Some(Value::Object(old)) = current.attributes().get(uri) else { continue };
        let Some(data) = new.ensure_object(uri) else { continue };
        let all_cleared = is_cleared(&At::Path(uri));
        for attribute in extension.schema.attributes() {
            let is_cleared = |at: &At<'_>| all_cleared || is_cleared(at);
            keep(attribute, data, old, &At::Extension(uri, attribute.name()), &is_cleared, &mut issues);
        }
    }
    draft.resource.stamp_schemas(definition);
    find_missing(definition, &draft, &mut issues);
    issues.into_result()?;
    Ok(draft)
}

/// Puts back what a PUT does not change.
fn keep(
    attribute: &Attribute,
    new: &mut Object,
    old: &Object,
    at: &At<'_>,
    is_cleared: &dyn Fn(&At<'_>) -> bool,
    issues: &mut Issues,
) {
    let name = attribute.name();
    let Some(had) = old.get(name) else { return };
    match (attribute.mutability(), new.get_mut(name)) {
        (Mutability::ReadOnly, _) => {
            new.insert(name, had.clone());
        }
        (Mutability::Immutable, None) if is_cleared(at) => issues.push(at, IssueKind::Immutable),
        (Mutability::Immutable, None) => {
            new.insert(name, had.clone());
        }
        (Mutability::Immutable, Some(given)) => {
            keep_parts(attribute, given, had, at, is_cleared, issues);
            // NB: "the input value(s) MUST match" (RFC 7644 section 3.5.1), so that one that matches is right, seen or not.
            if !same_value(attribute, given, had) {
                issues.push(at, IssueKind::Immutable);
            }
        }
        (Mutability::ReadWrite | Mutability::WriteOnly, None) => {
            if attribute.returned() == Returned::Never && !is_cleared(at) {
                new.insert(name, had.clone());
            } else if let Some(parts) = parts_to_keep(attribute, had) {
                new.insert(name, parts);
            }
        }
        (Mutability::ReadWrite | Mutability::WriteOnly, Some(given)) => {
            keep_parts(attribute, given, had, at, is_cleared, issues);
        }
    }
}

/// What stays of a complex value that a PUT leaves out: what is immutable; and all of it if the client has never seen any.
fn parts_to_keep(attribute: &Attribute, had: &Value) -> Option<Value> {
    let parts = had.as_object().filter(|_| !attribute.is_multi_valued())?;
    let sub = |name: &str| attribute.sub(name);
    let is_hidden = |name: &str| sub(name).is_some_and(|sub| sub.returned() == Returned::Never);
    if !parts.is_empty() && parts.iter().all(|(name, _)| is_hidden(name.as_str())) {
        return Some(had.clone());
    }
    let is_immutable = |name: &str| sub(name).is_some_and(|sub| sub.mutability() == Mutability::Immutable);
    let kept: Object = parts
        .iter()
        .filter(|(name, _)| is_immutable(name.as_str()))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// Whether a sub-attribute has a say in what a write of its parent may do.
fn is_guarded(sub: &Attribute) -> bool {
    matches!(sub.mutability(), Mutability::ReadOnly | Mutability::Immutable)
        || sub.returned() == Returned::Never
}

/// Whether any sub-attribute must be looked after when values of the attribute are replaced.
pub(crate) fn has_guarded_parts(attribute: &Attribute) -> bool {
    attribute.sub_attributes().iter().any(is_guarded)
}

/// readOnly, immutable and never-returned sub-attributes of a complex value; elements of a list are matched by what
/// identifies them, not by position.
pub(crate) fn keep_parts(
    attribute: &Attribute,
    given: &mut Value,
    had: &Value,
    at: &At<'_>,
    is_cleared: &dyn Fn(&At<'_>) -> bool,
    issues: &mut Issues,
) {
    if !has_guarded_parts(attribute) {
        return;
    }
    match (given, had) {
        (Value::Array(given), Value::Array(had)) => {
            let known: HashMap<String, &Value> =
                had.iter().map(|old| (identity_key(attribute, old), old)).collect();
            for (n, element) in given.iter_mut().enumerate() {
                if let Some(old) = known.get(&identity_key(attribute, element)) {
                    keep_element_parts(attribute, element, old, &At::Item(at, n), &|_| false, issues);
                }
            }
        }
        (given, had) => {
            keep_element_parts(attribute, given, had, at, is_cleared, issues);
        }
    }
}

/// As [`keep_parts`] for one value and the one that it takes the place of.
pub(crate) fn keep_element_parts(
    attribute: &Attribute,
    given: &mut Value,
    had: &Value,
    at: &At<'_>,
    is_cleared: &dyn Fn(&At<'_>) -> bool,
    issues: &mut Issues,
) {
    // What the server says about one thing is not true of another: the name of a manager, say.
    let other_thing = match (attribute.sub("value"), element_value(given), element_value(had)) {
        (Some(sub), Some(new), Some(old)) => !same_value(sub, new, old),
        _ => false,
    };
    let (Value::Object(given), Value::Object(had)) = (given, had) else { return };
    for sub in attribute.sub_attributes().iter().filter(|sub| is_guarded(sub)) {
        let Some(old) = had.get(sub.name()) else { continue };
        let at = At::Sub(at, sub.name());
        let immutable = sub.mutability() == Mutability::Immutable;
        match given.get(sub.name()) {
            None if immutable && is_cleared(&at) => issues.push(at, IssueKind::Immutable),
            None if is_cleared(&at) || (other_thing && sub.is_read_only()) => {}
            None => {
                given.insert(sub.name(), old.clone());
            }
            Some(new) if immutable && !same_value(sub, new, old) => issues.push(at, IssueKind::Immutable),
            Some(_) => {}
        }
    }
}
