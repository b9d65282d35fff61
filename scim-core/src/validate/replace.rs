use super::body::{Draft, read_body};
use super::check_required;
use super::coerce::{same_identity, same_value};
use super::issue::{Issue, IssueKind, ValidationError};
use crate::quirk::Quirks;
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::{Attribute, Mutability, Returned};
use crate::value::{Object, Value};

/// Checks the body of a PUT against the resource that it replaces (RFC 7644 section 3.5.1).
///
/// readOnly attributes stay as the server has them; immutable ones that already have a value must be given the same
/// one or be left out; those that are never returned stay when they are left out, as the client cannot know them.
///
/// # Errors
/// [`ValidationError`] with every problem of the body and its path.
pub fn validate_replacement(
    definition: &TypeDefinition,
    body: Object,
    current: &Resource,
    quirks: &Quirks,
) -> Result<Draft, ValidationError> {
    // `null` says "no value" (RFC 7644 section 3.5.1); leaving out says nothing about what the client cannot see.
    let cleared: Vec<String> = body
        .iter()
        .filter(|(_, value)| value.is_unassigned())
        .map(|(name, _)| name.as_str().to_ascii_lowercase())
        .collect();
    let (mut draft, mut issues) = read_body(definition, body, quirks);
    let is_cleared = |name: &str| cleared.contains(&name.to_ascii_lowercase());
    let mut keep = |attribute: &Attribute, new: &mut Object, old: &Object, path: String| {
        let name = attribute.name();
        let Some(had) = old.get(name) else { return };
        match attribute.mutability() {
            Mutability::ReadOnly => {
                new.insert(name, had.clone());
            }
            Mutability::Immutable => match new.get(name) {
                None => {
                    new.insert(name, had.clone());
                }
                Some(given) if same_value(attribute, given, had) => {}
                Some(_) => issues.push(Issue::new(path, IssueKind::Immutable)),
            },
            Mutability::ReadWrite | Mutability::WriteOnly => {
                if new.get(name).is_none() {
                    if attribute.returned() == Returned::Never && !is_cleared(name) {
                        new.insert(name, had.clone());
                    }
                } else if let Some(given) = new.get_mut(name) {
                    keep_parts(attribute, given, had, &path, &mut issues);
                }
            }
        }
    };
    let new = draft.resource.attributes_mut();
    for attribute in definition.base().attributes() {
        keep(attribute, new, current.attributes(), attribute.name().to_owned());
    }
    for extension in definition.extensions() {
        let uri = extension.schema.id().as_str();
        let Some(Value::Object(old)) = current.attributes().get(uri) else { continue };
        let Some(data) = new.ensure_object(uri) else { continue };
        for attribute in extension.schema.attributes() {
            keep(attribute, data, old, format!("{uri}:{}", attribute.name()));
        }
    }
    draft.resource.stamp_schemas(definition);
    if let Err(error) = check_required(definition, &draft.resource) {
        issues.extend(error.issues().iter().cloned());
    }
    ValidationError::unless_empty(issues)?;
    Ok(draft)
}

/// readOnly and immutable sub-attributes of a complex value; elements of a list are matched by what identifies them,
/// not by position.
fn keep_parts(attribute: &Attribute, given: &mut Value, had: &Value, path: &str, issues: &mut Vec<Issue>) {
    let guarded = |sub: &&Attribute| matches!(sub.mutability(), Mutability::ReadOnly | Mutability::Immutable);
    if !attribute.sub_attributes().iter().any(|sub| guarded(&sub)) {
        return;
    }
    match (given, had) {
        (Value::Array(given), Value::Array(had)) => {
            for (n, element) in given.iter_mut().enumerate() {
                if let Some(old) = had.iter().find(|old| same_identity(attribute, element, old)) {
                    keep_parts(attribute, element, old, &format!("{path}[{n}]"), issues);
                }
            }
        }
        (Value::Object(given), Value::Object(had)) => {
            for sub in attribute.sub_attributes().iter().filter(guarded) {
                let Some(old) = had.get(sub.name()) else { continue };
                match given.get(sub.name()) {
                    None => {
                        given.insert(sub.name(), old.clone());
                    }
                    Some(new) if same_value(sub, new, old) => {}
                    Some(_) => {
                        issues.push(Issue::new(format!("{path}.{}", sub.name()), IssueKind::Immutable))
                    }
                }
            }
        }
        _ => {}
    }
}
