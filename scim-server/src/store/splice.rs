//! Changing a document without reading all of it.

use scim_core::patch::Change;
use scim_core::{AttrName, ChangeSet, Object, Resource, TypeDefinition, Value, raw_members};

use super::StoreError;
use super::encode::{Document, Encoded, Keys, is_indexed, normalize, shortened};

/// What a PATCH makes of the document of a resource that has nothing hidden; none if it changes nothing. Values that it
/// does not touch are copied as they are.
///
/// The result is that of reading all of the resource, byte for byte, but where an attribute is taken out and put back:
/// there it would come last. See [`can_splice`].
pub(super) fn splice(
    definition: &TypeDefinition,
    document: &[u8],
    changes: &ChangeSet,
) -> Result<Option<Encoded>, StoreError> {
    let mut pieces: Vec<(AttrName, Option<&[u8]>)> = Vec::with_capacity(24);
    let mut read = Object::new();
    let mut damage = None;
    let wanted = |name: &str| {
        let is_read = name != "id" && (is_touched(changes, name) || is_telling(definition, name));
        Some((AttrName::new(name), is_read))
    };
    raw_members(document, wanted, |(name, is_read), raw| {
        if is_read {
            match Value::from_slice(raw) {
                Ok(value) => drop(read.insert(name.clone(), value)),
                Err(error) => damage = Some(error),
            }
        }
        pieces.push((name, (!is_read).then_some(raw)));
    })
    .and(damage.map_or(Ok(()), Err))
    .map_err(StoreError::internal)?;
    let mut resource = Resource::from_attributes(read);
    if !changes.apply(definition, &mut resource)? {
        return Ok(None);
    }
    normalize(definition, &mut resource);
    let mut keys = Keys::of(definition, &resource);
    let display = definition.display_of(&resource).map(|name| shortened(name).into());
    let hidden = resource.split_hidden(definition);
    let mut changed = resource.into_attributes();
    let mut document = Document::new();
    for (name, raw) in pieces {
        match raw {
            Some(raw) => document.add_raw(name, raw),
            None => match changed.remove(name.as_str()) {
                Some(value) if !value.is_unassigned() => document.add(name, &value),
                _ => {}
            },
        }
    }
    for (name, value) in changed {
        if !value.is_unassigned() {
            document.add(name, &value);
        }
    }
    let (document, members) = document.finish();
    keys.members = members;
    let hidden = (!hidden.is_empty()).then(|| hidden.to_vec().into_boxed_slice().into());
    Ok(Some(Encoded { document, hidden, display, keys }))
}

/// More changes than this are not compared with each other.
const FEW: usize = 64;

/// Whether no attribute changes twice, and so none can be taken out and put back.
pub(super) fn can_splice(changes: &ChangeSet) -> bool {
    if changes.changes.len() > FEW {
        return false;
    }
    let mut touched = changes.changes.iter().map(touched);
    while let Some(name) = touched.next() {
        if touched.clone().any(|other| other.eq_ignore_ascii_case(name)) {
            return false;
        }
    }
    true
}

/// The member of a document that a change is about.
fn touched(change: &Change) -> &str {
    change.target.extension.as_ref().unwrap_or(&change.target.attribute)
}

fn is_touched(changes: &ChangeSet, name: &str) -> bool {
    changes.changes.iter().any(|change| touched(change).eq_ignore_ascii_case(name))
}

/// Whether a member has to be read even if it does not change: the keys, the name to show, `schemas` or whether all that
/// is required is there cannot be told without it.
fn is_telling(definition: &TypeDefinition, name: &str) -> bool {
    // Extensions show in `schemas`.
    let Some(attribute) = definition.attribute(name) else { return true };
    let shows = match definition.resource_type().display.as_deref() {
        Some(path) => {
            path.split('.').next().is_some_and(|shown| attribute.name().eq_ignore_ascii_case(shown))
        }
        None => ["displayName", "userName", "name"].contains(&attribute.name()),
    };
    shows
        || attribute.name() == "schemas"
        || attribute.is_required()
        || attribute.sub_attributes().iter().any(|sub| sub.is_required())
        || is_indexed(None, attribute)
}

#[cfg(test)]
mod tests {
    use scim_core::{PatchLimits, PatchRequest, Quirks, Registry, ResourceId, validate};

    use super::*;

    const USER: &str = include_str!("../../benches/http/user.json");
    const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn object(json: &str) -> Object {
        let Value::Object(object) = Value::from_slice(json.as_bytes()).unwrap() else { panic!() };
        object
    }

    /// Whatever a PATCH does, it comes to the same as on the whole resource.
    #[test]
    fn a_document_is_changed_as_its_resource_is() {
        let registry = Registry::rfc7643();
        let user = registry.by_name("User").unwrap();
        let id: ResourceId = "42".parse().unwrap();
        let quirks = Quirks::interop();
        let mut resource = validate::validate_new(user, object(USER), &quirks).unwrap().resource;
        normalize(user, &mut resource);
        let stored = Encoded::new(user, &id, &resource, false);
        for operation in [
            r#"{"op":"replace","path":"displayName","value":"New"}"#.to_owned(),
            r#"{"op":"replace","path":"displayName","value":"Babs Jensen"}"#.to_owned(),
            r#"{"op":"remove","path":"displayName"}"#.to_owned(),
            r#"{"op":"replace","path":"userName","value":"Other"}"#.to_owned(),
            r#"{"op":"replace","path":"title","value":"\"Dr\""}"#.to_owned(),
            r#"{"op":"remove","path":"title"},{"op":"add","path":"title","value":"x"}"#.to_owned(),
            r#"{"op":"add","path":"emails","value":[{"value":"A@x","type":"other"}]}"#.to_owned(),
            r#"{"op":"replace","path":"addresses[type eq \"home\"].region","value":"NV"}"#.to_owned(),
            r#"{"op":"remove","path":"addresses[type eq \"nowhere\"]"}"#.to_owned(),
            r#"{"op":"add","value":{"roles":[{"value":"admin"}],"nickName":"B","externalId":"7"}}"#
                .to_owned(),
            r#"{"op":"replace","path":"name.familyName","value":"J"}"#.to_owned(),
            r#"{"op":"add","path":"password","value":"hush"}"#.to_owned(),
            format!(r#"{{"op":"remove","path":"{EXTENSION}"}}"#),
            format!(r#"{{"op":"replace","path":"{EXTENSION}:department","value":"D"}}"#),
        ] {
            let body = format!(
                r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
            );
            let request = PatchRequest::from_object(object(&body), &quirks, &PatchLimits::default());
            let changes = request.unwrap().resolve(user, &quirks).unwrap();
            let mut whole = resource.clone();
            let expected = changes.apply(user, &mut whole).map(|changed| {
                changed.then(|| {
                    normalize(user, &mut whole);
                    Encoded::new(user, &id, &whole, false)
                })
            });
            let got = splice(user, &stored.document, &changes);
            match (got, expected) {
                (Ok(None), Ok(None)) => {}
                (Err(got), Err(expected)) => {
                    assert_eq!(got.to_string(), StoreError::from(expected).to_string())
                }
                (Ok(Some(got)), Ok(Some(expected))) => {
                    let read = |document: &[u8]| Value::from_slice(document).unwrap();
                    assert_eq!(read(&got.document), read(&expected.document), "{operation}");
                    assert!(!can_splice(&changes) || got.document == expected.document, "{operation}");
                    assert_eq!((&got.hidden, &got.display), (&expected.hidden, &expected.display));
                    assert_eq!(got.keys.shared, expected.keys.shared, "{operation}");
                    let unique = |keys: &Keys| keys.unique.iter().map(|u| u.key.clone()).collect::<Vec<_>>();
                    assert_eq!(unique(&got.keys), unique(&expected.keys), "{operation}");
                    for (name, at) in &got.keys.members {
                        let value = Value::from_front(&got.document[*at..]).unwrap();
                        assert_eq!(read(&got.document).as_object().unwrap().get(name.as_str()), Some(&value));
                    }
                }
                (got, expected) => panic!("{operation}: {got:?} instead of {expected:?}"),
            }
        }
    }
}
