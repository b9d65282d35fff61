//! Bodies of the fuzz targets: what holds for every input. Not part of the public API.

use std::sync::{Arc, LazyLock};

use scim_filter::DataType;

use crate::patch::{Action, Op, PatchLimits, PatchRequest};
use crate::schema::{Attribute, Mutability, Returned, Schema, Uniqueness};
use crate::validate::{Draft, RelationValues, validate_new, validate_replacement};
use crate::value::{Object, Value};
use crate::{Projection, Quirks, Registry, Resource, ResourceType, TypeDefinition, User, urn};

const MODES: [Quirks; 2] = [Quirks::strict(), Quirks::interop()];

/// Takes any bytes as the body of a POST or PUT: it is refused with a useful error, or what comes of it is the same
/// when it is written, read and checked again.
pub fn resource_document(data: &[u8]) {
    let value = match Value::from_slice(data) {
        Ok(value) => value,
        Err(error) => return check_message(&error.to_string()),
    };
    let bytes = value.to_vec();
    let again = Value::from_slice(&bytes);
    assert_eq!(again.as_ref(), Ok(&value), "what is written reads as the same");
    assert_eq!(again.map(|again| again.to_vec()), Ok(bytes), "what is written stays the same");
    let Value::Object(body) = value else { return };
    for definition in [user(), group(), thing()] {
        let [strict, interop] = MODES.map(|quirks| check_body(definition, &body, &quirks));
        if strict.is_some() {
            assert_eq!(strict, interop, "what is legal means the same whatever else is tolerated");
        }
    }
}

fn check_body(definition: &TypeDefinition, body: &Object, quirks: &Quirks) -> Option<Draft> {
    let draft = match validate_new(definition, body.clone(), quirks) {
        Ok(draft) => draft,
        Err(error) => {
            assert!(!error.issues().is_empty(), "an error says what is wrong");
            check_message(&error.to_string());
            return None;
        }
    };
    let rendered = render(&draft);
    let read = Value::from_slice(&rendered.to_vec()).ok();
    assert_eq!(
        read.as_ref().and_then(Value::as_object),
        Some(&rendered),
        "a resource reads as it was written"
    );
    let again = validate_new(definition, rendered.clone(), quirks);
    assert_eq!(again.as_ref().map(stored), Ok(stored(&draft)), "what was checked passes again, unchanged");
    if let Ok(again) = again {
        // A `null` names what cannot be seen and stores nothing.
        assert!(again.hidden.is_subset(&draft.hidden), "what is stored was named");
    }
    let replaced = validate_replacement(definition, rendered, &draft.resource, quirks);
    assert_eq!(
        replaced.as_ref().map(stored),
        Ok(stored(&draft)),
        "to replace a resource by itself changes nothing"
    );
    check_resource(definition, &draft.resource);
    Some(draft)
}

/// What comes to be stored.
fn stored(draft: &Draft) -> (&Resource, &[RelationValues]) {
    (&draft.resource, &draft.relations)
}

/// Takes any bytes as the body of a PATCH: it is refused with a useful error and without effect, or what comes of it is
/// a legal resource again.
pub fn patch_document(data: &[u8]) {
    let Ok(Value::Object(body)) = Value::from_slice(data) else { return };
    for (definition, before) in [(user(), &SAMPLES.0), (thing(), &SAMPLES.1)] {
        let [strict, interop] = MODES.map(|quirks| check_patch(definition, before, &body, &quirks));
        if strict.is_some() {
            assert_eq!(strict, interop, "what is legal means the same whatever else is tolerated");
        }
    }
    for quirks in MODES {
        let request = PatchRequest::from_object(body.clone(), &quirks, &PatchLimits::default());
        if let Err(error) = request.and_then(|request| request.resolve(group(), &quirks)) {
            check_message(&error.to_string());
        }
    }
}

fn check_patch(
    definition: &TypeDefinition,
    before: &Resource,
    body: &Object,
    quirks: &Quirks,
) -> Option<Resource> {
    let request = match PatchRequest::from_object(body.clone(), quirks, &PatchLimits::default()) {
        Ok(request) => request,
        Err(error) => {
            check_message(&error.to_string());
            return None;
        }
    };
    let only_adds = request.operations().iter().all(|operation| operation.op == Op::Add);
    let changes = match request.resolve(definition, quirks) {
        Ok(changes) => changes,
        Err(error) => {
            check_message(&error.to_string());
            return None;
        }
    };
    let mut after = before.clone();
    let changed = match changes.apply(definition, &mut after) {
        Ok(changed) => changed,
        Err(error) => {
            check_message(&error.to_string());
            assert_eq!(&after, before, "a PATCH that fails changes nothing");
            return None;
        }
    };
    let hidden = changes.sets_hidden(definition);
    assert_eq!(changed, hidden || &after != before, "the answer says whether anything has changed");
    let draft = validate_new(definition, after.attributes().clone(), quirks);
    assert_eq!(
        draft.as_ref().map(|draft| draft.resource.attributes()),
        Ok(&without_read_only(definition, &after)),
        "a resource stays legal"
    );
    check_resource(definition, &after);
    let idempotent = changes.changes.iter().all(|change| {
        change.target.filter.is_none() && matches!(change.action, Action::Add(_) | Action::Expect(_))
    });
    if only_adds && idempotent && !hidden {
        let mut again = after.clone();
        assert_eq!(
            changes.apply(definition, &mut again).ok(),
            Some(false),
            "what is there is not added again"
        );
        assert_eq!(again, after);
    }
    Some(after)
}

fn without_read_only(definition: &TypeDefinition, resource: &Resource) -> Object {
    fn strip(attributes: &[Attribute], object: &mut Object) {
        object.retain(|name, value| {
            let Some(attribute) = attributes.iter().find(|attribute| name.is(attribute.name())) else {
                return true;
            };
            let subs = attribute.sub_attributes();
            match value {
                Value::Array(items) => {
                    items.iter_mut().filter_map(Value::as_object_mut).for_each(|o| strip(subs, o))
                }
                Value::Object(object) => strip(subs, object),
                _ => {}
            }
            !attribute.is_read_only()
        });
    }
    let mut object = resource.attributes().clone();
    strip(definition.base().attributes(), &mut object);
    for extension in definition.extensions() {
        if let Some(Value::Object(data)) = object.get_mut(extension.schema.id().as_str()) {
            strip(extension.schema.attributes(), data);
        }
    }
    object
}

/// What holds for every resource.
fn check_resource(definition: &TypeDefinition, resource: &Resource) {
    let shown = Projection::default_set().apply(definition, resource.attributes());
    assert!(!shown.contains("password") && !shown.contains("secret"), "what is never returned is not shown");
    let mut visible = resource.clone();
    let hidden = visible.split_hidden(definition);
    let all = Projection::default_set().apply(definition, visible.attributes());
    assert_eq!(all, shown, "nothing that is shown is hidden");
    visible.restore_hidden(hidden);
    assert_eq!(&visible, resource, "what was hidden comes back");
    if definition.name() == "User" {
        let user = User::from_resource(resource);
        assert!(user.is_ok(), "a legal user reads as one: {user:?}");
    }
}

/// The body that asks for a draft.
fn render(draft: &Draft) -> Object {
    let mut object = draft.resource.attributes().clone();
    for relation in draft.relations.iter().filter(|relation| !relation.targets.is_empty()) {
        let reference = |id: &crate::ResourceId| -> Value {
            let member: Object = [("value", id.as_str())].into_iter().collect();
            member.into()
        };
        object.insert(&*relation.attribute, relation.targets.iter().map(reference).collect::<Vec<_>>());
    }
    object
}

/// A message is one line, not endless, and begins small.
fn check_message(text: &str) {
    assert!(!text.is_empty() && text.len() < 2000, "a message has a length: {text}");
    assert!(!text.contains(|c: char| c.is_control()), "a message is one line: {text:?}");
    assert!(
        !text.starts_with(|c: char| c.is_uppercase()) && !text.ends_with('.'),
        "a message is no sentence: {text}"
    );
}

fn user() -> &'static Arc<TypeDefinition> {
    static USER: LazyLock<Arc<TypeDefinition>> = LazyLock::new(|| find(&Registry::rfc7643(), "User"));
    &USER
}

fn group() -> &'static Arc<TypeDefinition> {
    static GROUP: LazyLock<Arc<TypeDefinition>> = LazyLock::new(|| find(&Registry::rfc7643(), "Group"));
    &GROUP
}

fn thing() -> &'static Arc<TypeDefinition> {
    static THING: LazyLock<Arc<TypeDefinition>> = LazyLock::new(|| find(&things(), "Thing"));
    &THING
}

#[expect(clippy::expect_used, reason = "compiled-in names; every run of a fuzz target looks them up")]
fn find(registry: &Registry, name: &str) -> Arc<TypeDefinition> {
    Arc::clone(registry.by_name(name).expect("a registered type"))
}

/// The URI of the extension of a [`things`] thing.
pub const EXTRA: &str = "urn:example:params:scim:schemas:extension:2.0:Extra";
/// The URI of the base schema of a [`things`] thing.
pub const THING: &str = "urn:example:params:scim:schemas:2.0:Thing";

/// A registry with one type that has every mutability, every `returned`, every data type, singular and multi-valued,
/// as attributes and as sub-attributes, and an extension; for tests.
#[must_use]
pub fn things() -> Arc<Registry> {
    static THINGS: LazyLock<Arc<Registry>> = LazyLock::new(|| Arc::new(build_things()));
    Arc::clone(&THINGS)
}

const MUTABILITIES: [Mutability; 4] =
    [Mutability::ReadOnly, Mutability::ReadWrite, Mutability::Immutable, Mutability::WriteOnly];
const RETURNED: [Returned; 4] = [Returned::Always, Returned::Never, Returned::Default, Returned::Request];

#[expect(clippy::expect_used, reason = "compiled-in data; every run of a fuzz target builds it")]
fn build_things() -> Registry {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let mut attributes = vec![
        string("name").required().with_uniqueness(Uniqueness::Server),
        string("color").with_canonical_values(["red", "green"]).restrict(),
        string("secret").with_returned(Returned::Never),
        string("tags").multi_valued(),
        string("codes").multi_valued().case_exact(),
        Attribute::new("flag", DataType::Boolean),
        Attribute::new("count", DataType::Integer),
        Attribute::new("sizes", DataType::Decimal).multi_valued(),
        Attribute::new("moment", DataType::DateTime),
        Attribute::new("blob", DataType::Binary),
        Attribute::new("link", DataType::Reference).with_reference_types(["external"]),
        Attribute::complex(
            "pair",
            [
                string("value"),
                string("fixed").with_mutability(Mutability::Immutable),
                string("shown").with_mutability(Mutability::ReadOnly),
                string("hidden").with_returned(Returned::Never),
                string("list").multi_valued(),
            ],
        ),
        Attribute::complex(
            "parts",
            [
                string("value").required(),
                string("type").with_canonical_values(["a", "b"]).restrict(),
                Attribute::new("primary", DataType::Boolean),
                string("fixed").with_mutability(Mutability::Immutable),
                string("shown").with_mutability(Mutability::ReadOnly),
                string("hidden").with_returned(Returned::Never),
            ],
        )
        .multi_valued(),
        Attribute::complex("places", [string("street"), string("kind").required()]).multi_valued(),
    ];
    for mutability in MUTABILITIES {
        for returned in RETURNED {
            let name = format!("{}{}", mutability.as_str(), returned.as_str());
            attributes.push(string(&name).with_mutability(mutability).with_returned(returned));
            let list = string(&format!("{name}List")).multi_valued();
            attributes.push(list.with_mutability(mutability).with_returned(returned));
        }
    }
    let extra = [
        string("code").required(),
        string("secret").with_returned(Returned::Never),
        string("fixed").with_mutability(Mutability::Immutable),
        string("onRequest").with_returned(Returned::Request),
    ];
    let thing = Schema::new(THING.parse().expect("a URI"), "Thing", "", attributes).expect("a legal schema");
    let extra = Schema::new(EXTRA.parse().expect("a URI"), "Extra", "", extra).expect("a legal schema");
    let things = ResourceType::new("Thing", thing.id().clone()).with_extension(extra.id().clone(), false);
    Registry::new([Arc::new(thing), Arc::new(extra)], [things]).expect("a legal registry")
}

/// The resources that PATCH documents are applied to.
static SAMPLES: LazyLock<(Resource, Resource)> = LazyLock::new(|| {
    (sample(user(), &SAMPLE_USER.replace("USER", urn::USER).replace("ENT", urn::ENTERPRISE_USER)), {
        let mut thing = sample(thing(), &SAMPLE_THING.replace("THING", THING).replace("EXTRA", EXTRA));
        // What only the server can set.
        if let Some(Value::Object(pair)) = thing.attributes_mut().get_mut("pair") {
            pair.insert("shown", "by the server");
        }
        thing.attributes_mut().insert("readOnlydefault", "by the server");
        thing
    })
});

#[expect(clippy::expect_used, reason = "compiled-in data; every run of a fuzz target reads it")]
fn sample(definition: &TypeDefinition, json: &str) -> Resource {
    let value = Value::from_slice(json.as_bytes()).expect("JSON");
    let body = value.as_object().expect("an object").clone();
    validate_new(definition, body, &Quirks::strict()).expect("a legal resource").resource
}

const SAMPLE_USER: &str = r#"{"schemas":["USER","ENT"],"userName":"bjensen","externalId":"701984","active":true,
"name":{"familyName":"Jensen","givenName":"Barbara"},"title":"Tour Guide","password":"t1meMa$heen",
"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}],
"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","country":"US"},{"type":"home","locality":"Hollywood"}],
"roles":[{"value":"admin","primary":true}],"x509Certificates":[{"value":"MIIDQzCCAqyg"}],
"ENT":{"employeeNumber":"701984","department":"Tours","manager":{"value":"26118915"}}}"#;

const SAMPLE_THING: &str = r#"{"schemas":["THING","EXTRA"],"name":"n","color":"red","secret":"s","tags":["a","b"],"codes":["X","x"],
"flag":false,"count":7,"sizes":[1,2.5],"moment":"2026-01-31T08:30:00Z","blob":"AAAA","link":"https://example.com/",
"pair":{"value":"p","fixed":"f","hidden":"h","list":["l"]},
"parts":[{"value":"1","type":"a","primary":true,"fixed":"f"},{"value":"2","hidden":"h"}],
"places":[{"street":"s","kind":"k"}],"immutabledefault":"i","immutabledefaultList":["i","j"],"writeOnlydefault":"w",
"EXTRA":{"code":"c","secret":"s","fixed":"f"}}"#;
