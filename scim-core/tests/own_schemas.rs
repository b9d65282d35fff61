//! Schemas and resource types of one's own: from JSON or built, checked, registered, changed while there is data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use scim_core::schema::{Mutability, Returned, SchemaLimits, Uniqueness};
use scim_core::scim_filter::{AttrPath, DataType, Filter, Path, ResolveOptions};
use scim_core::strategies::types;
use scim_core::validate::validate_new;
use scim_core::{
    Attribute, Object, Quirks, Registry, RegistryError, Relation, ResourceType, Schema, SchemaUri, Value,
};

const THING: &str = "urn:example:2.0:Thing";

fn uri(text: &str) -> SchemaUri {
    text.parse().unwrap()
}

fn thing(attributes: impl IntoIterator<Item = Attribute>) -> Schema {
    Schema::new(uri(THING), "Thing", "A thing", attributes).unwrap()
}

fn string(name: &str) -> Attribute {
    Attribute::new(name, DataType::String)
}

fn registry(schema: Schema) -> Registry {
    let kind = ResourceType::new("Thing", schema.id().clone());
    Registry::builder().schema(schema).resource_type(kind).build().unwrap()
}

#[test]
fn rfc7643_7_a_schema_from_json_has_every_characteristic() {
    let json = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": "urn:example:2.0:Thing",
        "name": "Thing", "description": "A thing", "meta": {"resourceType": "Schema"},
        "attributes": [
          {"name": "code", "TYPE": "String", "required": true, "caseExact": true, "mutability": "IMMUTABLE",
           "returned": "always", "uniqueness": "global", "description": "The code"},
          {"name": "owner", "type": "reference", "referenceTypes": ["User"], "uniqueness": null},
          {"name": "parts", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "decimal"},
            {"name": "type", "canonicalValues": ["big", "small"], "returned": "request"}]}]}"#;
    let expected = thing([
        string("code")
            .with_description("The code")
            .required()
            .case_exact()
            .with_mutability(Mutability::Immutable)
            .with_returned(Returned::Always)
            .with_uniqueness(Uniqueness::Global),
        Attribute::new("owner", DataType::Reference).with_reference_types(["User"]),
        Attribute::complex(
            "parts",
            [
                Attribute::new("value", DataType::Decimal),
                string("type").with_canonical_values(["big", "small"]).with_returned(Returned::Request),
            ],
        )
        .multi_valued(),
    ]);
    assert_eq!(Schema::from_json(json).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Schema>(json).unwrap(), expected, "serde reads the same");
}

#[test]
fn documents_hold_one_definition_or_a_list() {
    let one = format!(r#"{{"id": "{THING}", "attributes": [{{"name": "a"}}]}}"#);
    let list = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 2, "Resources": "#;
    for (json, count) in [
        (one.clone(), 1),
        (format!("[{one}]"), 1),
        (format!("{list}[{one}, {one}]}}"), 2),
        (r#"{"totalResults": 0}"#.to_owned(), 0),
        ("[]".to_owned(), 0),
    ] {
        assert_eq!(Schema::all_from_json(&json).unwrap().len(), count, "{json}");
    }
    let kind = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": "Thing", "name": "Thing",
        "endpoint": "/Things", "description": "A thing", "schema": "urn:example:2.0:Thing",
        "schemaExtensions": [{"schema": "urn:example:2.0:More", "required": true}, {"schema": "urn:example:2.0:Yet"}],
        "meta": {"location": "https://example.com/v2/ResourceTypes/Thing", "resourceType": "ResourceType"}}"#;
    let expected = ResourceType::new("Thing", uri(THING))
        .with_description("A thing")
        .with_extension(uri("urn:example:2.0:More"), true)
        .with_extension(uri("urn:example:2.0:Yet"), false);
    assert_eq!(ResourceType::from_json(kind).unwrap(), expected);
    assert_eq!(ResourceType::all_from_json(&format!("[{kind}]")).unwrap(), std::slice::from_ref(&expected));
    let again = serde_json::to_string(&expected).unwrap();
    assert_eq!(ResourceType::from_json(&again).unwrap(), expected);
}

#[test]
fn errors_name_the_attribute_and_the_fault() {
    let in_attribute =
        |text: &str| format!(r#"{{"id": "{THING}", "attributes": [{{"name": "ok"}}, {text}]}}"#);
    let in_sub = |text: &str| {
        in_attribute(&format!(r#"{{"name": "c", "type": "complex", "subAttributes": [{text}]}}"#))
    };
    let table = [
        ("[".to_owned(), "schema: "),
        ("3".to_owned(), "schema: must be an object, got a number"),
        ("{}".to_owned(), "schema: `id` is missing"),
        (
            r#"{"id": "no uri"}"#.to_owned(),
            "schema: `id`: `no uri` is no schema URI: it has no scheme, such as `urn:`",
        ),
        (
            format!(r#"{{"id": "{THING}", "attributes": {{}}}}"#),
            "schema `urn:example:2.0:Thing`: `attributes` must be a list, got an object",
        ),
        (
            in_attribute("7"),
            "schema `urn:example:2.0:Thing`: `attributes[1]` must be an object, got a number",
        ),
        (in_attribute("{}"), "schema `urn:example:2.0:Thing`: `attributes[1]`: `name` is missing"),
        (
            in_attribute(r#"{"name": "a", "type": "text"}"#),
            "schema `urn:example:2.0:Thing`: `a`: `type`: `text` is no attribute type",
        ),
        (
            in_attribute(r#"{"name": "a", "multiValued": "yes"}"#),
            "schema `urn:example:2.0:Thing`: `a`: `multiValued` must be true or false, got the string `yes`",
        ),
        (
            in_sub(r#"{"name": "b", "mutability": "often"}"#),
            "schema `urn:example:2.0:Thing`: `c.b`: `mutability`: `often` is no mutability; \
             expected one of readOnly, readWrite, immutable, writeOnly",
        ),
        (in_sub("{}"), "schema `urn:example:2.0:Thing`: `c`: `subAttributes[0]`: `name` is missing"),
        (
            in_sub(r#"{"name": "b", "type": "complex", "subAttributes": [{"name": "d"}]}"#),
            "schema `urn:example:2.0:Thing`: `c.b` has sub-attributes; complex attributes cannot nest",
        ),
        (
            in_sub(r#"{"name": "b", "type": "dateTime", "uniqueness": "server"}"#),
            "schema `urn:example:2.0:Thing`: `c.b` cannot be unique: its type is dateTime",
        ),
        (
            in_sub(r#"{"name": "b"}, {"name": "B"}"#),
            "schema `urn:example:2.0:Thing`: the attribute `c.B` is defined twice",
        ),
        (
            in_attribute(r#"{"name": "OK"}"#),
            "schema `urn:example:2.0:Thing`: the attribute `OK` is defined twice",
        ),
        (in_attribute(r#"{"name": "a", "name": "b"}"#), "schema: "),
    ];
    for (json, message) in table {
        let error = Schema::from_json(&json).unwrap_err().to_string();
        assert!(error == message || (message == "schema: " && error.starts_with(message)), "{json}: {error}");
    }
    for (json, message) in [
        (r#"{"schema": "urn:a:b"}"#, "resource type: `name` is missing"),
        (r#"{"name": "T", "schema": "urn:a:b"}"#, "resource type `T`: `endpoint` is missing"),
        (
            r#"{"name": "T", "schema": "b", "endpoint": "/T"}"#,
            "resource type `T`: `schema`: `b` is no schema URI",
        ),
        (
            r#"{"name": "T", "schema": "urn:a:b", "endpoint": "/T", "schemaExtensions": [{"required": true}]}"#,
            "resource type `T`: `schemaExtensions[0]`: `schema` is missing",
        ),
    ] {
        let error = ResourceType::from_json(json).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn documents_keep_within_limits() {
    let attributes = |count: usize| {
        let attributes: Vec<String> = (0..count).map(|n| format!(r#"{{"name": "a{n}"}}"#)).collect();
        format!(r#"{{"id": "{THING}", "attributes": [{}]}}"#, attributes.join(","))
    };
    assert!(Schema::from_json(&attributes(1_000)).is_ok());
    let error = Schema::from_json(&attributes(1_001)).unwrap_err().to_string();
    assert_eq!(error, "schema `urn:example:2.0:Thing`: `attributes` has more than 1000 values");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert!(Schema::all_from_json(&deep).is_err());
    let mut limits = SchemaLimits::default();
    limits.definitions = 1;
    limits.text = 8;
    let one = r#"{"id": "urn:a:b"}"#;
    assert!(Schema::all_from_json_with(&format!("[{one}]"), &limits).is_ok());
    assert!(Schema::all_from_json_with(&format!("[{one}, {one}]"), &limits).is_err());
    assert!(Schema::all_from_json_with(r#"{"id": "urn:a:b", "description": "too long"}"#, &limits).is_ok());
    assert!(Schema::all_from_json_with(r#"{"id": "urn:a:b", "description": "too long."}"#, &limits).is_err());
}

#[test]
fn what_json_cannot_say_is_said_beside_it() {
    let json = format!(
        r#"{{"id": "{THING}", "attributes": [{{"name": "title", "required": true}},
            {{"name": "kinds", "type": "complex", "multiValued": true,
              "subAttributes": [{{"name": "value"}}, {{"name": "type", "canonicalValues": ["x"]}}]}},
            {{"name": "usedBy", "type": "complex", "multiValued": true, "mutability": "readOnly",
              "subAttributes": [{{"name": "value"}}]}}]}}"#
    );
    let schema = Schema::from_json(&json).unwrap().adjust("kinds.TYPE", Attribute::restrict).unwrap();
    assert_eq!(schema.attribute("kinds").unwrap().sub("type").unwrap().restricted_to().unwrap(), ["x"]);
    assert!(schema.clone().adjust("kinds.none", Attribute::restrict).is_err());
    let twice = schema.clone().with_attribute(string("TITLE")).unwrap_err().to_string();
    assert!(twice.contains("`TITLE` is defined twice"), "{twice}");

    let kind = ResourceType::from_json(&format!(
        r#"{{"name": "Thing", "endpoint": "/Stuff", "schema": "{THING}"}}"#
    ));
    let relation = Relation::new("kinds", ["Thing"]).with_inverse("usedBy");
    let kind = kind.unwrap().with_relation(relation).with_display("title");
    let registry = Registry::builder().schema(schema).resource_type(kind.clone()).build().unwrap();
    let thing = registry.by_endpoint("stuff").unwrap();
    assert!(thing.is_kept_apart("kinds") && thing.is_kept_apart("usedBy"));
    let body = object(&format!(r#"{{"schemas": ["{THING}"], "title": "T", "displayName": "D"}}"#));
    let draft = validate_new(thing, body, &Quirks::interop()).unwrap();
    assert_eq!(thing.display_of(&draft.resource), Some("T"));

    for (attribute, problem) in [
        ("none", "no such attribute"),
        ("kinds", "no single string"),
        ("title.none", "no such sub-attribute"),
    ] {
        let shown = kind.clone().with_display(attribute);
        let schema = Schema::from_json(&json).unwrap();
        let error = Registry::builder().schema(schema).resource_type(shown).build().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_builder_adds_to_what_is_there_and_reports_the_first_fault() {
    let staff = Schema::new(uri("urn:example:2.0:Staff"), "Staff", "", [string("badge")]).unwrap();
    let registry = Registry::builder().rfc7643().extension("User", staff.clone(), true).build().unwrap();
    let user = registry.by_name("User").unwrap();
    assert_eq!(user.extensions().len(), 2);
    let grown = registry
        .to_builder()
        .schema(thing([string("a")]))
        .resource_type(ResourceType::new("Thing", uri(THING)))
        .build()
        .unwrap();
    assert_eq!((grown.types().len(), grown.schemas().len()), (3, 5));
    assert!(grown.by_name("User").unwrap().extension("URN:example:2.0:STAFF").unwrap().required);
    let builder = || Registry::builder().rfc7643();
    for (build, message) in [
        (builder().extension("Usr", staff.clone(), true).build(), "there is no resource type `Usr`"),
        (builder().schemas_from_json("{}").build(), "schema: `id` is missing"),
        (builder().resource_types_from_json("{}").build(), "resource type: `name` is missing"),
        (
            builder().schema(staff.clone()).schema(staff).build(),
            "the schema `urn:example:2.0:Staff` is registered twice",
        ),
    ] {
        assert_eq!(build.unwrap_err().to_string(), message);
    }
    assert!(matches!(builder().rfc7643().build(), Err(RegistryError::DuplicateSchema(_))));
}

#[test]
fn a_registry_may_grow_while_there_is_data() {
    let old = registry(thing([
        string("a").required().with_canonical_values(["x"]).restrict(),
        Attribute::complex("c", [string("value")]),
    ]));
    let extension = Schema::new(uri("urn:example:2.0:More"), "More", "", [string("m").required()]).unwrap();
    let grown = registry(thing([
        string("A").with_description("other words").with_mutability(Mutability::Immutable),
        Attribute::complex("c", [string("value"), Attribute::new("count", DataType::Integer)]),
        string("new").with_uniqueness(Uniqueness::Server),
    ]))
    .to_builder()
    .rfc7643()
    .extension("Thing", extension, false)
    .change_type("Thing", |thing| thing.with_endpoint("/Elsewhere"))
    .build()
    .unwrap();
    assert_eq!(old.check_successor(&grown), Ok(()));
    assert_eq!(old.check_successor(&old), Ok(()));
    let error = grown.check_successor(&old).unwrap_err();
    assert!(error.changes().len() >= 5, "{error}");
}

#[test]
fn a_registry_that_does_not_fit_stored_data_is_refused_by_name() {
    let before = || {
        vec![
            string("a"),
            Attribute::complex("list", [string("value"), string("type")]).multi_valued(),
            string("z"),
        ]
    };
    let old = registry(thing(before()));
    let with = |n: usize, attribute: Attribute| {
        let mut attributes = before();
        attributes[n] = attribute;
        registry(thing(attributes))
    };
    let table = [
        (with(0, Attribute::new("a", DataType::Integer)), "`a` of `Thing` has another type"),
        (with(0, string("a").multi_valued()), "`a` of `Thing` has become multi-valued or singular"),
        (with(0, string("a").case_exact()), "`a` of `Thing` is compared in another way"),
        (
            with(0, string("a").with_uniqueness(Uniqueness::Global)),
            "`a` of `Thing` has become unique or ceased to be",
        ),
        (
            with(0, string("a").with_mutability(Mutability::WriteOnly)),
            "`a` of `Thing` has become a secret or ceased to be",
        ),
        (with(0, string("a").required()), "`a` of `Thing` has become required"),
        (with(0, string("b")), "`a` of `Thing` is gone"),
        (
            with(0, string("b").required()),
            "`a` of `Thing` is gone; the new attribute `b` of `Thing` is required",
        ),
        (
            with(1, Attribute::complex("list", [string("value")]).multi_valued()),
            "`list.type` of `Thing` is gone",
        ),
        (
            registry(thing(before()))
                .to_builder()
                .change_type("Thing", |thing| thing.with_relation(Relation::new("list", ["Thing"])))
                .build()
                .unwrap(),
            "`list` of `Thing` has become a relation",
        ),
        (
            registry(thing(before()))
                .to_builder()
                .change_type("Thing", |t| t.with_display("z"))
                .build()
                .unwrap(),
            "`Thing` is shown by another attribute",
        ),
        (
            registry(thing(before())).to_builder().extension("Thing", Schema::group(), true).build().unwrap(),
            "the new extension `urn:ietf:params:scim:schemas:core:2.0:Group` of `Thing` is required",
        ),
        (Registry::clone(&Registry::rfc7643()), "the resource type `Thing` is gone"),
    ];
    for (new, words) in table {
        let error = old.check_successor(&new).unwrap_err().to_string();
        assert_eq!(error, format!("stored resources do not fit the new schemas: {words}"));
    }
}

/// RFC 9944 nests schemas: an attribute goes by a URN, with and without its schema's URI in front.
#[test]
fn rfc9944_core_03_an_attribute_may_go_by_a_urn() {
    const NESTED: &str = "urn:example:ext:pairing:2.0:Thing";
    const OUTER: &str = "urn:example:ext:outer:2.0:Thing";
    let key = || Attribute::new("key", DataType::Integer);
    let outer =
        Schema::new(uri(OUTER), "Outer", "", [string("plain"), Attribute::complex(NESTED, [key()])]).unwrap();
    let base = thing([string("a"), Attribute::complex("urn:example:in:base", [key()])]);
    let registry = registry(base).to_builder().extension("Thing", outer, false).build().unwrap();
    let thing = registry.by_name("Thing").unwrap();
    for (path, canonical) in [
        (format!("{OUTER}:{NESTED}.key"), format!("{OUTER}:{NESTED}.key")),
        (format!("{}:{}.KEY", OUTER.to_uppercase(), NESTED.to_uppercase()), format!("{OUTER}:{NESTED}.key")),
        ("urn:example:in:base.key".to_owned(), "urn:example:in:base.key".to_owned()),
        (format!("{THING}:urn:example:in:base.key"), "urn:example:in:base.key".to_owned()),
    ] {
        let filter = format!("{path} eq 7");
        let resolved = Filter::parse(&filter).unwrap().resolve(&**thing, &ResolveOptions::default()).unwrap();
        assert_eq!(resolved.to_string(), format!("{canonical} eq 7"));
        assert!(Path::parse(&path).unwrap().resolve(&**thing, &ResolveOptions::default()).is_ok());
        assert!(AttrPath::parse(&path).unwrap().resolve_sort(&**thing).is_ok());
    }
    for wrong in [format!("{OUTER}:{NESTED}.none"), format!("{OUTER}:{NESTED}x.key"), format!("{NESTED}.key")]
    {
        assert!(AttrPath::parse(&wrong).unwrap().resolve(&**thing).is_err(), "{wrong}");
    }
    let body = object(&format!(
        r#"{{"schemas": ["{THING}", "{OUTER}"], "a": "x", "{OUTER}": {{"{NESTED}": {{"key": 7}}}}}}"#
    ));
    let draft = validate_new(thing, body, &Quirks::strict()).unwrap();
    let filter =
        Filter::parse("urn:example:ext:outer:2.0:Thing:urn:example:ext:pairing:2.0:Thing.key eq 7").unwrap();
    let filter = filter.resolve(&**thing, &ResolveOptions::default()).unwrap();
    assert!(filter.matches(&Value::Object(draft.resource.into_attributes())));
}

#[cfg(feature = "devices")]
#[test]
fn rfc9944_core_01_the_schema_pack_fits_together() {
    use scim_core::packs::device;
    let registry = device::register(Registry::builder().rfc7643()).build().unwrap();
    let device = registry.by_endpoint("Devices").unwrap();
    assert_eq!(device.extensions().len(), 6);
    assert_eq!(device.derived().len(), 1, "a Device shows its groups");
    for schema in device::schemas() {
        let json = serde_json::to_string(&*schema).unwrap();
        assert_eq!(Schema::from_json(&json).unwrap(), *schema, "legal, and equal after its own JSON");
    }
    for (schema, name) in [
        (device::ble(), "irk"),
        (device::dpp(), "bootstrapKey"),
        (device::fido_device_onboard(), "fdoVoucher"),
    ] {
        let secret = schema.attribute(name).unwrap();
        assert_eq!(
            (secret.mutability(), secret.returned()),
            (Mutability::WriteOnly, Returned::Never),
            "{name}"
        );
    }
    assert!(device::register(Registry::builder()).build().is_ok(), "also without Groups");
}

fn object(json: &str) -> Object {
    Value::from_slice(json.as_bytes()).unwrap().as_object().unwrap().clone()
}

proptest! {
    #[test]
    fn a_schema_survives_its_own_json(schema in types::schema(THING)) {
        let json = serde_json::to_string(&schema).unwrap();
        prop_assert_eq!(Schema::from_json(&json).unwrap(), schema);
    }

    #[test]
    fn generated_bodies_filters_and_patches_suit_their_schemas(
        (registry, body, filter, patch) in types::registry().prop_flat_map(|registry| {
            let thing = std::sync::Arc::clone(registry.by_name("Thing").unwrap());
            (Just(registry), types::resource(&thing), types::filter(&thing), types::patch(&thing))
        })
    ) {
        let thing = registry.by_name("Thing").unwrap();
        let draft = validate_new(thing, body.clone(), &Quirks::strict());
        prop_assert!(draft.is_ok(), "{:?}", draft.unwrap_err().to_string());
        let parsed = Filter::parse(&filter).unwrap().resolve(&**thing, &ResolveOptions::default());
        prop_assert!(parsed.is_ok(), "{filter}: {:?}", parsed.unwrap_err());
        let limits = scim_core::PatchLimits::default();
        prop_assert!(scim_core::PatchRequest::from_object(patch, &Quirks::strict(), &limits).is_ok());
        prop_assert_eq!(registry.check_successor(&registry), Ok(()));
    }

    /// No document makes the reader panic, whatever is in it.
    #[test]
    fn any_json_is_a_schema_or_an_error(value in scim_core::strategies::json_value()) {
        let json = serde_json::to_string(&value).unwrap();
        let _ = (Schema::all_from_json(&json), ResourceType::all_from_json(&json));
    }
}
