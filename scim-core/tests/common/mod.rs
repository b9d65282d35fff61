//! What the tests share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;

use scim_core::patch::{PatchLimits, PatchRequest};
use scim_core::validate::validate_new;
use scim_core::{ChangeSet, Object, Quirks, Registry, Resource, ScimType, TypeDefinition, Value, urn};

pub(crate) const MODES: [Quirks; 2] = [Quirks::strict(), Quirks::interop()];

pub(crate) fn value(json: &str) -> Value {
    Value::from_slice(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

pub(crate) fn object(json: &str) -> Object {
    match value(json) {
        Value::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}

pub(crate) fn text(value: Option<&Value>) -> String {
    value.map_or("-".to_owned(), |value| String::from_utf8(value.to_vec()).unwrap())
}

pub(crate) fn definition(name: &str) -> Arc<TypeDefinition> {
    let registry = if name == "Thing" { scim_core::fuzzing::things() } else { Registry::rfc7643() };
    Arc::clone(registry.by_name(name).unwrap())
}

/// A user of these attributes, `schemas` and `userName` aside.
pub(crate) fn user_json(attributes: &str) -> String {
    let comma = if attributes.is_empty() { "" } else { "," };
    format!(r#"{{"schemas":["{}"],"userName":"u"{comma}{attributes}}}"#, urn::USER)
}

/// A thing of these attributes, `schemas` and `name` aside.
pub(crate) fn thing_json(attributes: &str) -> String {
    let comma = if attributes.is_empty() { "" } else { "," };
    format!(r#"{{"schemas":["{}"],"name":"n"{comma}{attributes}}}"#, scim_core::fuzzing::THING)
}

#[track_caller]
pub(crate) fn resource(definition: &TypeDefinition, json: &str) -> Resource {
    validate_new(definition, object(json), &Quirks::strict())
        .unwrap_or_else(|error| panic!("{error}: {json}"))
        .resource
}

pub(crate) fn resolve(
    definition: &TypeDefinition,
    operations: &str,
    quirks: &Quirks,
) -> Result<ChangeSet, (ScimType, String)> {
    let body = object(&format!(r#"{{"schemas":["{}"],"Operations":{operations}}}"#, urn::PATCH_OP));
    PatchRequest::from_object(body, quirks, &PatchLimits::default())
        .and_then(|patch| patch.resolve(definition, quirks))
        .map_err(|error| (error.scim_type(), error.to_string()))
}

/// What becomes of a resource, and whether it has changed.
pub(crate) fn patch(
    definition: &TypeDefinition,
    before: &Resource,
    operations: &str,
    quirks: &Quirks,
) -> Result<(Resource, bool), (ScimType, String)> {
    let changes = resolve(definition, operations, quirks)?;
    let mut resource = before.clone();
    match changes.apply(definition, &mut resource) {
        Ok(changed) => {
            assert_eq!(changed, resource != *before, "`changed` says what happened: {operations}");
            Ok((resource, changed))
        }
        Err(error) => {
            assert_eq!(resource, *before, "a PATCH that fails changes nothing: {operations}");
            Err((error.scim_type(), error.to_string()))
        }
    }
}
