//! PATCH, row by row: what an operation does to a resource, and how it is refused (RFC 7644 section 3.5.2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use scim_core::patch::{Action, PatchLimits, PatchRequest, RelationAction};
use scim_core::validate::validate_new;
use scim_core::{ChangeSet, Object, Quirks, Registry, Resource, ScimType, TypeDefinition, Value, urn};

const ENT: &str = urn::ENTERPRISE_USER;

fn object(json: &str) -> Object {
    match Value::from_slice(json.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}

fn user() -> Resource {
    let json = format!(
        r#"{{"schemas":["{}","{ENT}"],"userName":"bjensen","title":"Guide","active":true,
        "name":{{"givenName":"Barbara","familyName":"Jensen"}},
        "emails":[{{"value":"w@x.org","type":"work","primary":true}},{{"value":"h@x.org","type":"home"}}],
        "addresses":[{{"type":"work","streetAddress":"1 Main"}},{{"type":"home","streetAddress":"2 Side"}}],
        "{ENT}":{{"department":"Tours","manager":{{"value":"m1"}}}}}}"#,
        urn::USER
    );
    draft("User", &json)
}

fn draft(name: &str, json: &str) -> Resource {
    let registry = Registry::rfc7643();
    validate_new(registry.by_name(name).unwrap(), object(json), &Quirks::strict()).unwrap().resource
}

fn resolve(
    definition: &TypeDefinition,
    operations: &str,
    quirks: &Quirks,
) -> Result<ChangeSet, (ScimType, String)> {
    let body = object(&format!(r#"{{"schemas":["{}"],"Operations":{operations}}}"#, urn::PATCH_OP));
    PatchRequest::from_object(body, quirks, &PatchLimits::default())
        .and_then(|patch| patch.resolve(definition, quirks))
        .map_err(|error| (error.scim_type(), error.to_string()))
}

/// The resource after the operations, and whether it has changed.
fn patch(operations: &str, quirks: &Quirks) -> Result<(Object, bool), (ScimType, String)> {
    let registry = Registry::rfc7643();
    let definition = registry.by_name("User").unwrap();
    let before = user();
    let mut resource = before.clone();
    let changes = resolve(definition, operations, quirks)?;
    match changes.apply(definition, &mut resource) {
        Ok(changed) => {
            assert_eq!(changed, resource != before, "`changed` says what happened: {operations}");
            Ok((resource.into_attributes(), changed))
        }
        Err(error) => {
            assert_eq!(resource, before, "a PATCH that fails changes nothing: {operations}");
            Err((error.scim_type(), error.to_string()))
        }
    }
}

fn json(object: &Object, name: &str) -> String {
    object.get(name).map_or("-".to_owned(), |value| String::from_utf8(value.to_vec()).unwrap())
}

#[track_caller]
fn gives(quirks: &Quirks, operations: &str, name: &str, expected: &str) {
    let (after, _) = patch(operations, quirks).unwrap_or_else(|error| panic!("{operations}: {error:?}"));
    let actual = json(&after, name);
    let equal = match (Value::from_slice(actual.as_bytes()), Value::from_slice(expected.as_bytes())) {
        (Ok(a), Ok(b)) => a == b,
        _ => actual == expected,
    };
    assert!(equal, "{operations}\n  gives {name} = {actual}\n  expected {expected}");
}

#[track_caller]
fn refused(quirks: &Quirks, operations: &str, scim_type: ScimType, words: &str) {
    match patch(operations, quirks) {
        Err((kind, text)) => {
            assert_eq!(kind, scim_type, "{operations}: {text}");
            assert!(text.contains(words), "{operations}: {text}\n  lacks {words}");
        }
        Ok((after, _)) => panic!("{operations} was accepted: {}", String::from_utf8(after.to_vec()).unwrap()),
    }
}

#[test]
fn add_follows_section_3_5_2_1() {
    for quirks in [Quirks::strict(), Quirks::interop()] {
        let gives = |operations: &str, name: &str, expected: &str| gives(&quirks, operations, name, expected);
        // absent, singular, complex, multi-valued
        gives(r#"[{"op":"add","path":"nickName","value":"Babs"}]"#, "nickName", r#""Babs""#);
        gives(r#"[{"op":"add","path":"title","value":"Boss"}]"#, "title", r#""Boss""#);
        gives(
            r#"[{"op":"add","path":"name","value":{"givenName":"B"}}]"#,
            "name",
            r#"{"givenName":"B","familyName":"Jensen"}"#,
        );
        gives(
            r#"[{"op":"add","path":"name.middleName","value":"J"}]"#,
            "name",
            r#"{"givenName":"Barbara","familyName":"Jensen","middleName":"J"}"#,
        );
        gives(
            r#"[{"op":"add","path":"phoneNumbers","value":{"value":"1"}}]"#,
            "phoneNumbers",
            r#"[{"value":"1"}]"#,
        );
        // an existing value is not added again, whatever the case of its parts
        gives(
            r#"[{"op":"add","path":"emails","value":[{"value":"W@X.org","type":"WORK"}]}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":true},{"value":"h@x.org","type":"home"}]"#,
        );
        // a new primary demotes the old one
        gives(
            r#"[{"op":"add","path":"emails","value":[{"value":"n@x.org","primary":true}]}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":false},{"value":"h@x.org","type":"home"},{"value":"n@x.org","primary":true}]"#,
        );
        // no path
        gives(
            r#"[{"op":"add","value":{"nickName":"B","emails":[{"value":"n@x.org"}]}}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":true},{"value":"h@x.org","type":"home"},{"value":"n@x.org"}]"#,
        );
        // value path with a sub-attribute
        gives(
            r#"[{"op":"add","path":"emails[type eq \"work\"].display","value":"W"}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":true,"display":"W"},{"value":"h@x.org","type":"home"}]"#,
        );
        // extensions in three forms
        for operation in [
            format!(r#"[{{"op":"add","path":"{ENT}:costCenter","value":"7"}}]"#),
            format!(r#"[{{"op":"add","path":"{ENT}","value":{{"costCenter":"7"}}}}]"#),
            format!(r#"[{{"op":"add","value":{{"{ENT}":{{"costCenter":"7"}}}}}}]"#),
            format!(r#"[{{"op":"add","value":{{"{ENT}:costCenter":"7"}}}}]"#),
        ] {
            gives(&operation, ENT, r#"{"department":"Tours","manager":{"value":"m1"},"costCenter":"7"}"#);
        }
        // core URN, any case
        gives(
            r#"[{"op":"ADD","path":"URN:ietf:params:scim:schemas:core:2.0:User:NICKNAME","value":"B"}]"#,
            "nickName",
            r#""B""#,
        );
        // adding nothing
        gives(r#"[{"op":"add","path":"emails","value":[]}]"#, "title", r#""Guide""#);
    }
}

#[test]
fn remove_follows_section_3_5_2_2() {
    for quirks in [Quirks::strict(), Quirks::interop()] {
        let gives = |operations: &str, name: &str, expected: &str| gives(&quirks, operations, name, expected);
        gives(r#"[{"op":"remove","path":"title"}]"#, "title", "-");
        gives(r#"[{"op":"remove","path":"nickName"}]"#, "title", r#""Guide""#);
        gives(r#"[{"op":"remove","path":"emails"}]"#, "emails", "-");
        gives(
            r#"[{"op":"remove","path":"emails[type eq \"work\"]"}]"#,
            "emails",
            r#"[{"value":"h@x.org","type":"home"}]"#,
        );
        gives(r#"[{"op":"remove","path":"emails[type eq \"work\" or type eq \"home\"]"}]"#, "emails", "-");
        // a filter that matches nothing removes nothing
        gives(r#"[{"op":"remove","path":"emails[type eq \"other\"]"}]"#, "title", r#""Guide""#);
        gives(
            r#"[{"op":"remove","path":"emails[type eq \"work\"].primary"}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work"},{"value":"h@x.org","type":"home"}]"#,
        );
        gives(r#"[{"op":"remove","path":"name.givenName"}]"#, "name", r#"{"familyName":"Jensen"}"#);
        gives(
            r#"[{"op":"remove","path":"name.givenName"},{"op":"remove","path":"name.familyName"}]"#,
            "name",
            "-",
        );
        gives(
            &format!(r#"[{{"op":"remove","path":"{ENT}:department"}}]"#),
            ENT,
            r#"{"manager":{"value":"m1"}}"#,
        );
        gives(&format!(r#"[{{"op":"remove","path":"{ENT}"}}]"#), ENT, "-");
        gives(&format!(r#"[{{"op":"remove","path":"{ENT}"}}]"#), "schemas", &format!(r#"["{}"]"#, urn::USER));
        // the old value is no list of what to remove where the path says it
        gives(
            r#"[{"op":"Remove","path":"emails[type eq \"work\"].value","value":"w@x.org"}]"#,
            "emails",
            r#"[{"type":"work","primary":true},{"value":"h@x.org","type":"home"}]"#,
        );
        refused(&quirks, r#"[{"op":"remove"}]"#, ScimType::NoTarget, "needs a `path`");
        refused(
            &quirks,
            r#"[{"op":"remove","path":"userName"}]"#,
            ScimType::Mutability,
            "`userName` is required",
        );
        refused(
            &quirks,
            r#"[{"op":"remove","path":"id"}]"#,
            ScimType::Mutability,
            "`id` is set by the server",
        );
        refused(&quirks, r#"[{"op":"remove","path":"groups"}]"#, ScimType::Mutability, "`groups`");
        refused(&quirks, r#"[{"op":"remove","path":"schemas"}]"#, ScimType::Mutability, "schemas");
    }
}

#[test]
fn replace_follows_section_3_5_2_3() {
    for quirks in [Quirks::strict(), Quirks::interop()] {
        let gives = |operations: &str, name: &str, expected: &str| gives(&quirks, operations, name, expected);
        gives(r#"[{"op":"replace","path":"title","value":"Boss"}]"#, "title", r#""Boss""#);
        gives(r#"[{"op":"replace","path":"title","value":null}]"#, "title", "-");
        gives(r#"[{"op":"replace","path":"emails","value":[]}]"#, "emails", "-");
        gives(r#"[{"op":"replace","path":"nickName","value":"B"}]"#, "nickName", r#""B""#);
        gives(r#"[{"op":"replace","path":"active","value":false}]"#, "active", "false");
        gives(r#"[{"op":"replace","value":{"active":false,"title":"T"}}]"#, "title", r#""T""#);
        gives(
            r#"[{"op":"replace","path":"name","value":{"familyName":"J"}}]"#,
            "name",
            r#"{"givenName":"Barbara","familyName":"J"}"#,
        );
        gives(
            r#"[{"op":"replace","path":"emails","value":{"value":"o@x.org"}}]"#,
            "emails",
            r#"[{"value":"o@x.org"}]"#,
        );
        // a filter replaces the values as a whole, all that match
        gives(
            r#"[{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n@x.org"}}]"#,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":true},{"value":"n@x.org"}]"#,
        );
        gives(
            r#"[{"op":"replace","path":"addresses[type pr].streetAddress","value":"3 New"}]"#,
            "addresses",
            r#"[{"type":"work","streetAddress":"3 New"},{"type":"home","streetAddress":"3 New"}]"#,
        );
        // operations see what those before them have done
        gives(
            r#"[{"op":"replace","path":"title","value":"A"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"B"}]"#,
            "title",
            r#""B""#,
        );
        refused(
            &quirks,
            r#"[{"op":"replace","path":"userName","value":""}]"#,
            ScimType::InvalidValue,
            "`userName`",
        );
        refused(
            &quirks,
            r#"[{"op":"replace","path":"userName","value":null}]"#,
            ScimType::InvalidValue,
            "`userName`",
        );
        refused(&quirks, r#"[{"op":"replace","path":"title"}]"#, ScimType::InvalidValue, "needs a `value`");
        refused(
            &quirks,
            r#"[{"op":"replace","path":"title","value":7}]"#,
            ScimType::InvalidValue,
            "`title` must be a string",
        );
        refused(
            &quirks,
            r#"[{"op":"replace","path":"meta.created","value":"x"}]"#,
            ScimType::Mutability,
            "meta.created",
        );
        refused(
            &quirks,
            r#"[{"op":"replace","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}]"#,
            ScimType::InvalidValue,
            "more than one value with `primary`",
        );
    }
}

#[test]
fn paths_that_cannot_be_used_are_told_apart() {
    for quirks in [Quirks::strict(), Quirks::interop()] {
        let table = [
            ("", ScimType::InvalidPath),
            ("a b", ScimType::InvalidPath),
            ("unheardOf", ScimType::InvalidPath),
            ("name.unheardOf", ScimType::InvalidPath),
            ("title.x", ScimType::InvalidPath),
            ("urn:example:none:attr", ScimType::InvalidPath),
            ("emails[type eq \\\"work\\\"", ScimType::InvalidPath),
            ("emails[type zz \\\"work\\\"]", ScimType::InvalidFilter),
            ("emails[nope eq \\\"work\\\"]", ScimType::InvalidFilter),
            ("nope[type eq \\\"work\\\"]", ScimType::InvalidPath),
        ];
        for (path, scim_type) in table {
            let operations = format!(r#"[{{"op":"replace","path":"{path}","value":"x"}}]"#);
            refused(&quirks, &operations, scim_type, "operation 1: the path");
        }
    }
}

#[test]
fn malformed_messages_are_refused() {
    let quirks = Quirks::interop();
    let table = [
        ("[]", "empty"),
        ("\"x\"", "must be a list"),
        ("[1]", "must be an object"),
        (r#"[{"path":"title","value":"x"}]"#, "`op` is missing"),
        (r#"[{"op":"move","path":"title"}]"#, "`op` must be add, remove or replace, got `move`"),
        (r#"[{"op":1}]"#, "`op` must be a string"),
        (r#"[{"op":"add","path":7,"value":1}]"#, "`path` must be a string"),
    ];
    for (operations, words) in table {
        refused(&quirks, operations, ScimType::InvalidSyntax, words);
    }
    refused(
        &quirks,
        r#"[{"op":"add","value":"x"}]"#,
        ScimType::InvalidValue,
        "must be an object of attributes",
    );
    let no_schemas = object(r#"{"Operations":[{"op":"remove","path":"title"}]}"#);
    assert!(PatchRequest::from_object(no_schemas, &quirks, &PatchLimits::default()).is_err());
    let many = format!("[{}]", vec![r#"{"op":"remove","path":"title"}"#; 1001].join(","));
    refused(&quirks, &many, ScimType::InvalidSyntax, "1001 operations are more than the limit of 1000");
}

#[test]
fn a_failing_operation_names_itself_and_undoes_the_others() {
    refused(
        &Quirks::interop(),
        r#"[{"op":"replace","path":"title","value":"x"},{"op":"replace","path":"active","value":"maybe"}]"#,
        ScimType::InvalidValue,
        "operation 2: `active` must be true or false, got the string `maybe`",
    );
}

#[test]
fn what_changes_nothing_says_so() {
    for operations in [
        r#"[{"op":"replace","path":"title","value":"Guide"}]"#,
        r#"[{"op":"add","path":"emails","value":[{"value":"w@x.org","type":"work"}]}]"#,
        r#"[{"op":"remove","path":"nickName"}]"#,
        r#"[{"op":"add","path":"nickName","value":"x"},{"op":"remove","path":"nickName"}]"#,
    ] {
        assert!(!patch(operations, &Quirks::strict()).unwrap().1, "{operations}");
    }
}

#[test]
fn string_booleans_quirk() {
    let off = r#"[{"op":"Replace","path":"active","value":"False"}]"#;
    gives(&Quirks::interop(), off, "active", "false");
    refused(&Quirks::strict(), off, ScimType::InvalidValue, "`active` must be true or false");
    // in a filter as well
    let filtered = r#"[{"op":"replace","path":"emails[primary eq \"True\"].value","value":"p@x.org"}]"#;
    gives(
        &Quirks::interop(),
        filtered,
        "emails",
        r#"[{"value":"p@x.org","type":"work","primary":true},{"value":"h@x.org","type":"home"}]"#,
    );
    refused(&Quirks::strict(), filtered, ScimType::InvalidFilter, "primary");
}

#[test]
fn create_on_no_match_quirk() {
    for op in ["add", "replace"] {
        let phone =
            format!(r#"[{{"op":"{op}","path":"phoneNumbers[type eq \"mobile\"].value","value":"5"}}]"#);
        gives(&Quirks::interop(), &phone, "phoneNumbers", r#"[{"type":"mobile","value":"5"}]"#);
        refused(&Quirks::strict(), &phone, ScimType::NoTarget, "matches the filter");
        // capital sub-attributes, as in Microsoft's mapping table
        let other =
            format!(r#"[{{"op":"{op}","path":"emails[type eq \"other\"].Value","value":"o@x.org"}}]"#);
        gives(
            &Quirks::interop(),
            &other,
            "emails",
            r#"[{"value":"w@x.org","type":"work","primary":true},{"value":"h@x.org","type":"home"},{"type":"other","value":"o@x.org"}]"#,
        );
        // what is not plain equality says nothing about a value to make
        let vague = format!(r#"[{{"op":"{op}","path":"phoneNumbers[type sw \"m\"].value","value":"5"}}]"#);
        refused(&Quirks::interop(), &vague, ScimType::NoTarget, "matches the filter");
    }
    let primary = r#"[{"op":"add","path":"roles[primary eq \"True\"].value","value":"Admin"}]"#;
    gives(&Quirks::interop(), primary, "roles", r#"[{"primary":true,"value":"Admin"}]"#);
}

#[test]
fn dotted_keys_quirk() {
    let dotted = r#"[{"op":"replace","value":{"displayName":"D","name.givenName":"G","emails[type eq \"work\"].value":"n@x.org"}}]"#;
    gives(&Quirks::interop(), dotted, "name", r#"{"givenName":"G","familyName":"Jensen"}"#);
    gives(
        &Quirks::interop(),
        dotted,
        "emails",
        r#"[{"value":"n@x.org","type":"work","primary":true},{"value":"h@x.org","type":"home"}]"#,
    );
    refused(&Quirks::strict(), dotted, ScimType::InvalidPath, "name.givenName");
}

#[test]
fn scalar_complex_values_quirk() {
    for value in [r#""m2""#, r#"[{"value":"m2"}]"#, r#"["m2"]"#, r#"{"value":"m2"}"#] {
        let manager = format!(r#"[{{"op":"add","path":"{ENT}:manager","value":{value}}}]"#);
        gives(&Quirks::interop(), &manager, ENT, r#"{"department":"Tours","manager":{"value":"m2"}}"#);
        if value != r#"{"value":"m2"}"# {
            refused(&Quirks::strict(), &manager, ScimType::InvalidValue, "must be an object");
        }
    }
}

#[test]
fn read_only_attributes_sent_along_quirk() {
    let rename =
        r#"[{"op":"replace","value":{"id":"someone-else","displayName":"D","groups":[],"meta":{}}}]"#;
    gives(&Quirks::interop(), rename, "displayName", r#""D""#);
    refused(&Quirks::strict(), rename, ScimType::Mutability, "is set by the server");
}

#[test]
fn unknown_attributes_of_a_value_quirk() {
    let unknown = r#"[{"op":"replace","value":{"displayName":"D","favouriteColour":"red"}}]"#;
    gives(&Quirks::interop(), unknown, "displayName", r#""D""#);
    refused(&Quirks::strict(), unknown, ScimType::InvalidPath, "favouriteColour");
}

#[test]
fn members_become_changes_of_a_relation() {
    let registry = Registry::rfc7643();
    let group = registry.by_name("Group").unwrap();
    let id = |text: &str| text.parse().unwrap();
    let action = |operations: &str, quirks: &Quirks| {
        resolve(group, operations, quirks).map(|set| {
            assert!(set.changes.is_empty());
            set.relations.into_iter().next().unwrap().action
        })
    };
    let (strict, interop) = (Quirks::strict(), Quirks::interop());
    let add = r#"[{"op":"add","path":"members","value":[{"value":"a","display":"A"},{"value":"b"},{"value":"a"}]}]"#;
    assert_eq!(action(add, &strict).unwrap(), RelationAction::Add(vec![id("a"), id("b")]));
    let add = r#"[{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"}]}]"#;
    assert_eq!(action(add, &interop).unwrap(), RelationAction::Add(vec![id("a")]));
    let remove = r#"[{"op":"remove","path":"members[value eq \"a\"]"}]"#;
    assert_eq!(action(remove, &strict).unwrap(), RelationAction::Remove(vec![id("a")]));
    let remove = r#"[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}]"#;
    assert_eq!(action(remove, &strict).unwrap(), RelationAction::Remove(vec![id("a"), id("b")]));
    let listed = r#"[{"op":"Remove","path":"members","value":[{"value":"a"}]}]"#;
    assert_eq!(action(listed, &interop).unwrap(), RelationAction::Remove(vec![id("a")]));
    assert_eq!(action(listed, &strict).unwrap_err().0, ScimType::InvalidValue);
    let all = r#"[{"op":"remove","path":"members"}]"#;
    assert_eq!(action(all, &strict).unwrap(), RelationAction::Replace(vec![]));
    let typed = r#"[{"op":"remove","path":"members[type eq \"Group\"]"}]"#;
    assert!(matches!(action(typed, &strict).unwrap(), RelationAction::RemoveMatching(_)));
    let replace = r#"[{"op":"replace","value":{"members":[{"value":"c"}]}}]"#;
    assert_eq!(action(replace, &strict).unwrap(), RelationAction::Replace(vec![id("c")]));
    let immutable = r#"[{"op":"replace","path":"members[value eq \"a\"].value","value":"b"}]"#;
    assert_eq!(action(immutable, &interop).unwrap_err().0, ScimType::Mutability);
    let blank = r#"[{"op":"add","path":"members","value":[{"display":"x"}]}]"#;
    let (kind, text) = action(blank, &interop).unwrap_err();
    assert_eq!(
        (kind, text.contains("`members[0].value` is required")),
        (ScimType::InvalidValue, true),
        "{text}"
    );
}

#[test]
fn a_rename_of_a_group_leaves_the_members_alone() {
    let registry = Registry::rfc7643();
    let group = registry.by_name("Group").unwrap();
    let set =
        resolve(group, r#"[{"op":"replace","value":{"id":"g","displayName":"N"}}]"#, &Quirks::interop())
            .unwrap();
    assert!(set.relations.is_empty());
    let changed: Vec<&str> = set
        .changes
        .iter()
        .filter(|c| !matches!(c.action, Action::Expect(_)))
        .map(|c| &*c.target.attribute)
        .collect();
    assert_eq!(changed, ["displayName"]);
}
