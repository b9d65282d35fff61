//! What is never returned cannot be guessed by writing it: the answer, and whether there is a new version, are the same
//! for a right guess and a wrong one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition, object, resolve};
use scim_core::schema::{Mutability, Returned, Schema};
use scim_core::scim_filter::DataType;
use scim_core::validate::{validate_new, validate_replacement};
use scim_core::{Attribute, Quirks, Registry, Resource, ResourceType, TypeDefinition};
use std::sync::Arc;

const VAULT: &str = "urn:example:2.0:Vault";
const EXTRA: &str = "urn:example:2.0:Extra";

fn vault() -> Arc<TypeDefinition> {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let never = |name: &str| string(name).with_returned(Returned::Never);
    let sealed = |name: &str| never(name).with_mutability(Mutability::Immutable);
    let attributes = || {
        [
            string("name"),
            never("pin"),
            never("pins").multi_valued(),
            sealed("seal"),
            sealed("seals").multi_valued(),
            Attribute::complex("lock", [string("value"), never("code"), sealed("stamp")]),
            Attribute::complex("keys", [string("value"), string("type"), never("code"), sealed("stamp")])
                .multi_valued(),
            Attribute::complex("chest", [string("value"), string("type")]).with_returned(Returned::Never),
            Attribute::complex("chests", [string("value"), string("type")])
                .with_returned(Returned::Never)
                .multi_valued(),
        ]
    };
    let base = Schema::new(VAULT.parse().unwrap(), "Vault", "", attributes()).unwrap();
    let extra = Schema::new(EXTRA.parse().unwrap(), "Extra", "", attributes()).unwrap();
    let kind = ResourceType::new("Vault", base.id().clone()).with_extension(extra.id().clone(), false);
    let registry = Registry::builder().schema(base).schema(extra).resource_type(kind).build().unwrap();
    Arc::clone(registry.by_name("Vault").unwrap())
}

const MEMBERS: &str = r#""pin":"sesame","pins":["sesame","2"],"seal":"sesame","seals":["sesame"],
    "lock":{"value":"l","code":"sesame","stamp":"sesame"},
    "keys":[{"value":"a","type":"x","code":"sesame","stamp":"sesame"},{"value":"b"}],
    "chest":{"value":"sesame","type":"t"},"chests":[{"value":"sesame","type":"t"}]"#;

fn body(members: &str, extension: &str) -> String {
    format!(
        r#"{{"schemas":["{VAULT}","{EXTRA}"],"name":"n",{members},"{EXTRA}":{{"name":"n",{extension}}}}}"#
    )
}

fn stored(vault: &TypeDefinition) -> Resource {
    validate_new(vault, object(&body(MEMBERS, MEMBERS)), &Quirks::strict()).unwrap().resource
}

/// What a client sees of a PATCH: the error, or whether there is a new version.
fn seen(vault: &TypeDefinition, operations: &str, quirks: &Quirks) -> Result<bool, String> {
    let changes =
        resolve(vault, operations, quirks).map_err(|(scim_type, text)| format!("{scim_type}: {text}"))?;
    let mut resource = stored(vault);
    changes.apply(vault, &mut resource).map_err(|error| error.to_string())
}

#[test]
fn a_patch_tells_no_right_guess_from_a_wrong_one() {
    let vault = vault();
    // GUESS is what is there, or something else.
    let operations = [
        r#"{"op":"add","path":"PREpin","value":"GUESS"}"#,
        r#"{"op":"replace","path":"PREpin","value":"GUESS"}"#,
        r#"{"op":"add","path":"PREpins","value":["GUESS"]}"#,
        r#"{"op":"replace","path":"PREpins","value":["GUESS","2"]}"#,
        r#"{"op":"remove","path":"PREpins","value":["GUESS"]}"#,
        r#"{"op":"remove","path":"PREpins[value eq \"GUESS\"]"}"#,
        r#"{"op":"add","path":"PRElock.code","value":"GUESS"}"#,
        r#"{"op":"replace","path":"PRElock","value":{"code":"GUESS"}}"#,
        r#"{"op":"replace","path":"PRElock[code eq \"GUESS\"].value","value":"m"}"#,
        r#"{"op":"add","path":"PREkeys","value":[{"value":"a","type":"x","code":"GUESS"}]}"#,
        r#"{"op":"replace","path":"PREkeys[value eq \"a\"].code","value":"GUESS"}"#,
        r#"{"op":"remove","path":"PREkeys","value":[{"code":"GUESS"}]}"#,
        r#"{"op":"remove","path":"PREkeys[code eq \"GUESS\"]"}"#,
        r#"{"op":"remove","path":"PREkeys[code sw \"GUESS\" and value eq \"a\"].type"}"#,
        r#"{"op":"replace","path":"PREchest","value":{"value":"GUESS"}}"#,
        r#"{"op":"replace","path":"PREchest.value","value":"GUESS"}"#,
        r#"{"op":"add","path":"PREchests","value":[{"value":"GUESS","type":"t"}]}"#,
        r#"{"op":"remove","path":"PREchests[value eq \"GUESS\"]"}"#,
        r#"{"op":"replace","path":"PREchests[value eq \"GUESS\"].type","value":"u"}"#,
        r#"{"op":"add","value":{"PREpin":"GUESS"}}"#,
        r#"{"op":"add","value":{"PRElock":{"code":"GUESS"}}}"#,
    ];
    for prefix in ["", &format!("{VAULT}:"), &format!("{EXTRA}:")] {
        for operation in operations {
            for quirks in MODES {
                let guess = |guess: &str| {
                    let operation = operation.replace("PRE", prefix).replace("GUESS", guess);
                    seen(&vault, &format!("[{operation}]"), &quirks)
                        .map_err(|text| text.replace(guess, "GUESS"))
                };
                let (right, wrong) = (guess("sesame"), guess("wrong"));
                // What a removal of visible values would show is never asked for by what cannot be seen.
                let tells = right != wrong;
                assert!(!tells, "{operation} with {prefix}: {right:?} {wrong:?}");
                assert!(right != Ok(false), "{operation}: to write what cannot be seen is always a change");
            }
        }
    }
}

#[test]
fn a_filter_on_what_is_never_returned_is_refused_in_every_path() {
    let vault = vault();
    for prefix in ["", &format!("{EXTRA}:")] {
        for path in [
            "pins[value pr]",
            "keys[code pr]",
            "keys[value eq \"a\" and not (code eq \"sesame\")].type",
            "chests[type pr]",
        ] {
            let path = format!("{prefix}{path}").replace('"', "\\\"");
            for operation in [
                format!(r#"[{{"op":"remove","path":"{path}"}}]"#),
                format!(r#"[{{"op":"add","value":{{"{path}":"x"}}}}]"#),
            ] {
                let (scim_type, text) = resolve(&vault, &operation, &Quirks::interop()).unwrap_err();
                assert_eq!(scim_type.as_str(), "invalidFilter", "{text}");
            }
        }
    }
}

#[test]
fn a_put_tells_no_right_guess_from_a_wrong_one() {
    let vault = vault();
    for members in [
        r#""pin":"GUESS""#,
        r#""pins":["GUESS","2"]"#,
        r#""lock":{"value":"l","code":"GUESS"}"#,
        r#""keys":[{"value":"a","type":"x","code":"GUESS"}]"#,
        r#""chest":{"value":"GUESS"}"#,
    ] {
        for (base, extension) in [(members, r#""name":"n""#), (r#""name":"n""#, members)] {
            let put = |guess: &str| {
                let body = format!(r#"{{"schemas":["{VAULT}","{EXTRA}"],{base},"{EXTRA}":{{{extension}}}}}"#);
                let body = object(&body.replace("GUESS", guess));
                validate_replacement(&vault, body, &stored(&vault), &Quirks::strict())
                    .map(|draft| draft.hidden)
                    .map_err(|error| error.to_string())
            };
            assert_eq!(put("sesame"), put("wrong"), "{members}");
            assert_eq!(put("sesame").unwrap().len(), 1, "{members}");
        }
    }
    let none =
        validate_new(&vault, object(&format!(r#"{{"schemas":["{VAULT}"],"name":"n"}}"#)), &Quirks::strict());
    assert!(none.unwrap().hidden.is_empty());
}

/// "The input value(s) MUST match" (RFC 7644 section 3.5.1): what is immutable may be repeated, seen or not, and nothing else
/// may be said. That it was right is then known, so a schema should not make a secret immutable that can be guessed.
#[test]
fn an_immutable_secret_may_be_repeated_and_not_changed() {
    let vault = vault();
    for members in [
        r#""seal":"GUESS""#,
        r#""seals":["GUESS"]"#,
        r#""lock":{"value":"l","stamp":"GUESS"}"#,
        r#""keys":[{"value":"a","type":"x","stamp":"GUESS"}]"#,
    ] {
        for (base, extension) in [(members, r#""name":"n""#), (r#""name":"n""#, members)] {
            let put = |guess: &str| {
                let body = format!(r#"{{"schemas":["{VAULT}","{EXTRA}"],{base},"{EXTRA}":{{{extension}}}}}"#);
                let body = object(&body.replace("GUESS", guess));
                validate_replacement(&vault, body, &stored(&vault), &Quirks::strict())
                    .map(|draft| draft.hidden.len())
                    .map_err(|error| error.to_string())
            };
            assert_eq!(put("sesame"), Ok(1), "{members}");
            let refused = put("wrong").unwrap_err();
            assert!(refused.contains("is immutable and already has another value"), "{refused}");
            assert!(!refused.contains("wrong") && !refused.contains("sesame"), "{refused}");
        }
    }
    for prefix in ["", &format!("{VAULT}:"), &format!("{EXTRA}:")] {
        for operation in [
            r#"{"op":"add","path":"PREseal","value":"GUESS"}"#,
            r#"{"op":"replace","path":"PREseal","value":"GUESS"}"#,
            r#"{"op":"add","path":"PREseals","value":["GUESS"]}"#,
            r#"{"op":"replace","path":"PREseals","value":["GUESS"]}"#,
            r#"{"op":"replace","path":"PRElock.stamp","value":"GUESS"}"#,
            r#"{"op":"add","path":"PRElock","value":{"stamp":"GUESS"}}"#,
            r#"{"op":"add","path":"PREkeys","value":[{"value":"a","type":"x","stamp":"GUESS"}]}"#,
            r#"{"op":"replace","path":"PREkeys","value":[{"value":"a","type":"x","stamp":"GUESS"}]}"#,
            r#"{"op":"replace","path":"PREkeys[value eq \"a\"].stamp","value":"GUESS"}"#,
            r#"{"op":"add","path":"PREkeys[value eq \"a\"]","value":{"stamp":"GUESS"}}"#,
            r#"{"op":"replace","path":"PREkeys[value eq \"a\"]","value":{"value":"a","type":"x","stamp":"GUESS"}}"#,
        ] {
            for quirks in MODES {
                let guess = |guess: &str| {
                    let operation = operation.replace("PRE", prefix).replace("GUESS", guess);
                    seen(&vault, &format!("[{operation}]"), &quirks)
                };
                assert_eq!(
                    guess("sesame"),
                    Ok(true),
                    "{operation}: to write what cannot be seen is a change"
                );
                let refused = guess("wrong").unwrap_err();
                assert!(refused.contains("is immutable"), "{operation}: {refused}");
                assert!(!refused.contains("wrong") && !refused.contains("sesame"), "{refused}");
            }
        }
    }
}

/// "SHALL NOT be updated" (RFC 7643 section 7) holds for the parts of a complex attribute too.
#[test]
fn immutable_parts_do_not_go_with_their_parent() {
    let thing = definition("Thing");
    let pair = r#""pair":{"value":"p","fixed":"f"}"#;
    let current = common::resource(&thing, &common::thing_json(pair));
    for operation in [
        r#"{"op":"remove","path":"pair"}"#,
        r#"{"op":"replace","path":"pair","value":null}"#,
        r#"{"op":"replace","value":{"pair":null}}"#,
        r#"{"op":"remove","path":"pair[value eq \"p\"]"}"#,
    ] {
        for quirks in MODES {
            let error = common::patch(&thing, &current, &format!("[{operation}]"), &quirks).unwrap_err();
            assert_eq!(error.0.as_str(), "mutability", "{error:?}");
            assert!(
                error.1.contains("`pair.fixed` is immutable") || error.1.contains(".fixed` is immutable"),
                "{error:?}"
            );
        }
    }
    // Where none has a value the whole may go, and one of several values may.
    let free = common::resource(
        &thing,
        &common::thing_json(r#""pair":{"value":"p"},"parts":[{"value":"sesame","fixed":"f"}]"#),
    );
    let remove = r#"[{"op":"remove","path":"pair"},{"op":"remove","path":"parts[value eq \"sesame\"]"}]"#;
    let (after, _) = common::patch(&thing, &free, remove, &Quirks::strict()).unwrap();
    assert!(after.get(None, "pair").is_none() && after.get(None, "parts").is_none());
    // A PUT that leaves the whole out keeps what cannot change.
    let put = |members: &str| {
        let body = object(&common::thing_json(members));
        let draft = validate_replacement(&thing, body, &current, &Quirks::strict()).unwrap();
        common::text(draft.resource.get(None, "pair"))
    };
    assert_eq!(put(""), r#"{"fixed":"f"}"#);
    assert_eq!(put(r#""pair":{"value":"q"}"#), r#"{"value":"q","fixed":"f"}"#);
}
