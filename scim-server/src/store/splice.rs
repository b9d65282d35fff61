//! Changing a document without reading all of it.

use scim_core::patch::Change;
use scim_core::schema::{Attribute, common_attributes};
use scim_core::{ChangeSet, Object, Resource, TypeDefinition, Value, raw_members};

use super::StoreError;
use super::encode::{Document, Encoded, Keys, is_indexed, normalize, shortened};

/// A member of a document: its name and its JSON.
pub(super) type Piece<'d> = (&'d str, &'d [u8]);

/// What a PATCH makes of the document of a resource that has nothing hidden; none if it changes nothing. Values that it
/// does not touch are copied as they are.
///
/// The result is that of reading all of the resource, byte for byte, but where an attribute is taken out and put back:
/// there it would come last. See [`can_splice`].
pub(super) fn splice(
    definition: &TypeDefinition,
    pieces: &[Piece<'_>],
    changes: &ChangeSet,
) -> Result<Option<Encoded>, StoreError> {
    let is_quiet = changes.changes.iter().all(|change| is_quiet(definition, change));
    let required = if is_quiet { required(definition) } else { Vec::new() };
    let is_read = |name: &str| {
        let tells = || match is_quiet {
            true => required.iter().any(|known| known.eq_ignore_ascii_case(name)),
            false => is_telling(definition, name),
        };
        name != "id" && (is_touched(changes, name) || tells())
    };
    let pieces: Vec<_> = pieces.iter().map(|(name, raw)| (*name, *raw, is_read(name))).collect();
    let mut read = Object::new();
    for (name, raw, _) in pieces.iter().filter(|(_, _, is_read)| *is_read) {
        read.insert(*name, Value::from_slice(raw).map_err(StoreError::internal)?);
    }
    let mut resource = Resource::from_attributes(read);
    if is_quiet {
        // What there is of it does not change, but it is not read.
        resource.stamp_schemas(definition);
    }
    if !changes.apply(definition, &mut resource)? {
        return Ok(None);
    }
    let (mut keys, mut display) = (Keys::default(), None);
    if is_quiet {
        keys.stay = true;
        resource.attributes_mut().remove("schemas");
    } else {
        normalize(definition, &mut resource);
        keys = Keys::of(definition, &resource);
        display = definition.display_of(&resource).map(|name| shortened(name).into());
    }
    let hidden = resource.split_hidden(definition);
    let mut changed = resource.into_attributes();
    let mut document = Document::new();
    for (name, raw, is_read) in pieces {
        if !is_read {
            document.add_raw(name, raw);
        } else if let Some(value) = changed.remove(name)
            && !value.is_unassigned()
        {
            document.add(name, &value);
        }
    }
    for (name, value) in changed {
        if !value.is_unassigned() {
            document.add(name.as_str(), &value);
        }
    }
    let hidden = (!hidden.is_empty()).then(|| hidden.to_vec().into_boxed_slice().into());
    Ok(Some(Encoded { document: document.finish(), hidden, display, keys }))
}

/// As [`splice`], where the members have to be found by reading the document.
pub(super) fn splice_read(
    definition: &TypeDefinition,
    document: &[u8],
    changes: &ChangeSet,
) -> Result<Option<Encoded>, StoreError> {
    let mut found: Vec<(String, &[u8])> = Vec::with_capacity(24);
    raw_members(document, |name| Some(name.to_owned()), |name, raw| found.push((name, raw)))
        .map_err(StoreError::internal)?;
    let pieces: Vec<Piece<'_>> = found.iter().map(|(name, raw)| (&**name, *raw)).collect();
    splice(definition, &pieces, changes)
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

/// Whether a change can have no effect on anything but the member that it is about.
fn is_quiet(definition: &TypeDefinition, change: &Change) -> bool {
    change.target.extension.is_none() && !is_telling(definition, &change.target.attribute)
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
    shows || attribute.name() == "schemas" || requires(attribute) || is_indexed(None, attribute)
}

/// The members that have to be read to tell whether all that is required is there.
fn required(definition: &TypeDefinition) -> Vec<&str> {
    let own = common_attributes().iter().chain(definition.base().attributes());
    let own =
        own.filter(|attribute| requires(attribute) && attribute.name() != "schemas").map(Attribute::name);
    let extensions = definition
        .extensions()
        .iter()
        .filter(|extension| extension.required || extension.schema.attributes().iter().any(requires));
    own.chain(extensions.map(|extension| extension.schema.id().as_str())).collect()
}

fn requires(attribute: &Attribute) -> bool {
    attribute.is_required() || attribute.sub_attributes().iter().any(|sub| sub.is_required())
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
            r#"{"op":"replace","path":"title","value":"Tour Guide"}"#.to_owned(),
            r#"{"op":"remove","path":"TITLE"}"#.to_owned(),
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
            let got = splice_read(user, &stored.document, &changes);
            match (got, expected) {
                (Ok(None), Ok(None)) => {}
                (Err(got), Err(expected)) => {
                    assert_eq!(got.to_string(), StoreError::from(expected).to_string())
                }
                (Ok(Some(got)), Ok(Some(expected))) => {
                    let read = |document: &[u8]| Value::from_slice(document).unwrap();
                    assert_eq!(read(&got.document), read(&expected.document), "{operation}");
                    assert!(!can_splice(&changes) || got.document == expected.document, "{operation}");
                    assert_eq!(got.hidden, expected.hidden);
                    let (keys, display) = match got.keys.stay {
                        true => (&stored.keys, &stored.display),
                        false => (&got.keys, &got.display),
                    };
                    assert_eq!(display, &expected.display);
                    assert_eq!(keys.shared, expected.keys.shared, "{operation}");
                    let unique = |keys: &Keys| keys.unique.iter().map(|u| u.key.clone()).collect::<Vec<_>>();
                    assert_eq!(unique(keys), unique(&expected.keys), "{operation}");
                }
                (got, expected) => panic!("{operation}: {got:?} instead of {expected:?}"),
            }
        }
    }
}
