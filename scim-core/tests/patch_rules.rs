//! PATCH on a type that has every mutability and every kind of attribute, and what only shows in odd places.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition, object, patch, resolve, resource, text, thing_json, user_json, value};
use scim_core::fuzzing::{EXTRA, THING};
use scim_core::patch::{PatchLimits, PatchRequest};
use scim_core::{Quirks, ScimType, Value, urn};

/// In both modes: the attribute afterwards, and whether anything changed.
#[track_caller]
fn thing_gives(attributes: &str, operations: &str, name: &str, expected: &str) {
    for quirks in MODES {
        gives("Thing", &thing_json(attributes), operations, &quirks, name, expected);
    }
}

#[track_caller]
fn user_gives(attributes: &str, operations: &str, name: &str, expected: &str) {
    for quirks in MODES {
        gives("User", &user_json(attributes), operations, &quirks, name, expected);
    }
}

#[track_caller]
fn gives(kind: &str, json: &str, operations: &str, quirks: &Quirks, name: &str, expected: &str) {
    let definition = definition(kind);
    let before = resource(&definition, json);
    let (after, changed) = patch(&definition, &before, operations, quirks)
        .unwrap_or_else(|error| panic!("{operations}: {error:?}"));
    let actual = after.attributes().get(name);
    let same = if expected == "-" { actual.is_none() } else { actual == Some(&value(expected)) };
    assert!(same, "{operations}\n  gives {name} = {}\n  expected {expected}", text(actual));
    assert_eq!(changed, after != before);
}

#[track_caller]
fn thing_refuses(attributes: &str, operations: &str, scim_type: ScimType, words: &str) {
    for quirks in MODES {
        refuses("Thing", &thing_json(attributes), operations, &quirks, scim_type, words);
    }
}

#[track_caller]
fn refuses(kind: &str, json: &str, operations: &str, quirks: &Quirks, scim_type: ScimType, words: &str) {
    let definition = definition(kind);
    let before = resource(&definition, json);
    match patch(&definition, &before, operations, quirks) {
        Err((kind, text)) => {
            assert_eq!(kind, scim_type, "{operations}: {text}");
            assert!(text.contains(words), "{operations}\n  {text}\n  lacks {words}");
        }
        Ok((after, _)) => {
            panic!("{operations} was accepted: {}", text(Some(&after.into_attributes().into())))
        }
    }
}

#[test]
fn adding_null_adds_nothing() {
    user_gives(r#""title":"T""#, r#"[{"op":"add","path":"title","value":null}]"#, "title", r#""T""#);
    user_gives("", r#"[{"op":"add","path":"title","value":null}]"#, "title", "-");
    user_gives("", r#"[{"op":"add","path":"name.givenName","value":null}]"#, "name", "-");
    user_gives("", r#"[{"op":"add","value":{"title":null,"emails":[]}}]"#, "title", "-");
}

#[test]
fn an_object_for_a_complex_attribute_is_merged_and_its_nulls_clear() {
    let name = r#""name":{"givenName":"G","familyName":"F"}"#;
    let both = r#"{"givenName":"G","familyName":"F"}"#;
    user_gives(
        name,
        r#"[{"op":"replace","path":"name","value":{"givenName":null}}]"#,
        "name",
        r#"{"familyName":"F"}"#,
    );
    user_gives(
        name,
        r#"[{"op":"replace","value":{"name":{"givenName":null,"middleName":"M"}}}]"#,
        "name",
        r#"{"familyName":"F","middleName":"M"}"#,
    );
    user_gives(name, r#"[{"op":"replace","path":"name","value":{}}]"#, "name", both);
    user_gives(name, r#"[{"op":"add","path":"name","value":{"givenName":null}}]"#, "name", both);
    user_gives(name, r#"[{"op":"replace","path":"name","value":null}]"#, "name", "-");
    // What is not known is passed over; it is no reason to lose the rest.
    let unknown = r#"[{"op":"replace","path":"name","value":{"nick":"N"}}]"#;
    gives("User", &user_json(name), unknown, &Quirks::interop(), "name", both);
    refuses("User", &user_json(name), unknown, &Quirks::strict(), ScimType::InvalidValue, "`name.nick`");
}

#[test]
fn an_empty_list_of_what_to_remove_removes_nothing() {
    let emails = r#""emails":[{"value":"a"}]"#;
    for value in ["[]", "[null]"] {
        let operations = format!(r#"[{{"op":"remove","path":"emails","value":{value}}}]"#);
        gives("User", &user_json(emails), &operations, &Quirks::interop(), "emails", r#"[{"value":"a"}]"#);
        refuses(
            "User",
            &user_json(emails),
            &operations,
            &Quirks::strict(),
            ScimType::InvalidValue,
            "has a `value`",
        );
        let members = format!(r#"[{{"op":"Remove","path":"members","value":{value}}}]"#);
        let changes = resolve(&definition("Group"), &members, &Quirks::interop()).unwrap();
        assert_eq!(format!("{:?}", changes.relations[0].action), "Remove([])");
    }
    user_gives(emails, r#"[{"op":"remove","path":"emails","value":null}]"#, "emails", "-");
}

#[test]
fn a_template_that_was_not_filled_in_empties_no_list() {
    let emails = user_json(r#""emails":[{"value":"a"}]"#);
    let operation = |op: &str, name: &str, value: &str| {
        [
            format!(r#"[{{"op":"{op}","path":"{name}","value":{value}}}]"#),
            format!(r#"[{{"op":"{op}","value":{{"{name}":{value}}}}}]"#),
        ]
    };
    let action = |operations: &str| {
        let changes = resolve(&definition("Group"), operations, &Quirks::interop())?;
        Ok::<_, (ScimType, String)>(format!("{:?}", changes.relations[0].action))
    };
    let (interop, invalid) = (Quirks::interop(), ScimType::InvalidValue);
    for value in [r#""""#, r#"[""]"#, r#"["",null]"#, "[null]"] {
        for operations in operation("replace", "emails", value) {
            refuses(
                "User",
                &emails,
                &operations,
                &interop,
                invalid,
                "`emails` would be replaced by a value with nothing",
            );
        }
        for operations in operation("replace", "members", value) {
            let (scim_type, error) = action(&operations).unwrap_err();
            assert_eq!(scim_type, invalid);
            let words =
                "`members` would be replaced by a value with nothing in it; send null or an empty list";
            assert!(error.contains(words), "{error}");
        }
        // To add nothing changes nothing.
        for operations in operation("add", "emails", value) {
            gives("User", &emails, &operations, &interop, "emails", r#"[{"value":"a"}]"#);
        }
        for operations in operation("add", "members", value) {
            assert_eq!(action(&operations).unwrap(), "Add([])");
        }
    }
    for value in ["null", "[]"] {
        for operations in operation("replace", "emails", value) {
            gives("User", &emails, &operations, &interop, "emails", "-");
        }
        for operations in operation("replace", "members", value) {
            assert_eq!(action(&operations).unwrap(), "Replace([])");
        }
    }
    // One value is no list: what costs nobody access goes.
    for operations in operation("replace", "active", r#""""#) {
        gives("User", &user_json(r#""active":true"#), &operations, &interop, "active", "-");
    }
}

#[test]
fn members_are_not_all_removed_by_a_value_that_is_null() {
    for quirks in [Quirks::interop(), Quirks::strict()] {
        let null = r#"[{"op":"remove","path":"members","value":null}]"#;
        let (scim_type, error) = resolve(&definition("Group"), null, &quirks).unwrap_err();
        assert_eq!(scim_type, ScimType::InvalidValue);
        assert!(error.contains("leave the value out to remove all"), "{error}");
        let all = resolve(&definition("Group"), r#"[{"op":"remove","path":"members"}]"#, &quirks).unwrap();
        assert_eq!(format!("{:?}", all.relations[0].action), "Replace([])");
    }
}

#[test]
fn listed_values_are_removed_by_value_whatever_else_they_say() {
    let emails =
        r#""emails":[{"value":"a","type":"work","display":"A"},{"value":"a","type":"home"},{"value":"b"}]"#;
    let table = [
        (r#"[{"value":"A","display":"old"}]"#, r#"[{"value":"b"}]"#),
        (r#"[{"value":"a","type":"HOME"}]"#, r#"[{"value":"a","type":"work","display":"A"},{"value":"b"}]"#),
        (r#"[{"display":"A"}]"#, r#"[{"value":"a","type":"home"},{"value":"b"}]"#),
        (r#"{"value":"b"}"#, r#"[{"value":"a","type":"work","display":"A"},{"value":"a","type":"home"}]"#),
        (
            r#"[{"value":"zz"}]"#,
            r#"[{"value":"a","type":"work","display":"A"},{"value":"a","type":"home"},{"value":"b"}]"#,
        ),
    ];
    for (listed, expected) in table {
        let operations = format!(r#"[{{"op":"Remove","path":"emails","value":{listed}}}]"#);
        gives("User", &user_json(emails), &operations, &Quirks::interop(), "emails", expected);
    }
    let tags = r#"[{"op":"remove","path":"tags","value":["A"]}]"#;
    gives("Thing", &thing_json(r#""tags":["a","b"]"#), tags, &Quirks::interop(), "tags", r#"["b"]"#);
}

#[test]
fn immutable_attributes_are_set_once() {
    let one = r#""immutabledefault":"i""#;
    thing_gives("", r#"[{"op":"add","path":"immutabledefault","value":"x"}]"#, "immutabledefault", r#""x""#);
    thing_gives(
        "",
        r#"[{"op":"replace","path":"immutabledefault","value":"x"}]"#,
        "immutabledefault",
        r#""x""#,
    );
    thing_gives(
        one,
        r#"[{"op":"replace","path":"immutabledefault","value":"I"}]"#,
        "immutabledefault",
        r#""i""#,
    );
    thing_gives("", r#"[{"op":"remove","path":"immutabledefault"}]"#, "immutabledefault", "-");
    for operation in [
        r#"{"op":"replace","path":"immutabledefault","value":"x"}"#,
        r#"{"op":"add","path":"immutabledefault","value":"x"}"#,
        r#"{"op":"replace","path":"immutabledefault","value":null}"#,
        r#"{"op":"remove","path":"immutabledefault"}"#,
        r#"{"op":"add","value":{"immutabledefault":"x"}}"#,
    ] {
        thing_refuses(
            one,
            &format!("[{operation}]"),
            ScimType::Mutability,
            "`immutabledefault` is immutable",
        );
    }
    // one operation after another sees what the first has set
    thing_refuses(
        "",
        r#"[{"op":"add","path":"immutabledefault","value":"x"},{"op":"add","path":"immutabledefault","value":"y"}]"#,
        ScimType::Mutability,
        "operation 2: `immutabledefault`",
    );
    let list = r#""immutabledefaultList":["i","j"]"#;
    thing_gives(
        list,
        r#"[{"op":"add","path":"immutabledefaultList","value":["J"]}]"#,
        "immutabledefaultList",
        r#"["i","j"]"#,
    );
    thing_gives(
        list,
        r#"[{"op":"replace","path":"immutabledefaultList","value":["j","i"]}]"#,
        "immutabledefaultList",
        r#"["i","j"]"#,
    );
    for operation in [
        r#"{"op":"add","path":"immutabledefaultList","value":["k"]}"#,
        r#"{"op":"replace","path":"immutabledefaultList","value":["i"]}"#,
        r#"{"op":"remove","path":"immutabledefaultList[value eq \"i\"]"}"#,
        r#"{"op":"remove","path":"immutabledefaultList"}"#,
    ] {
        thing_refuses(list, &format!("[{operation}]"), ScimType::Mutability, "is immutable");
    }
    thing_gives(
        list,
        r#"[{"op":"remove","path":"immutabledefaultList[value eq \"z\"]"}]"#,
        "immutabledefaultList",
        r#"["i","j"]"#,
    );
}

#[test]
fn immutable_sub_attributes_are_set_once_however_they_are_written() {
    let pair = r#""pair":{"value":"p","fixed":"f"}"#;
    thing_gives(
        pair,
        r#"[{"op":"replace","path":"pair","value":{"value":"q","fixed":"F"}}]"#,
        "pair",
        r#"{"value":"q","fixed":"F"}"#,
    );
    for operation in [
        r#"{"op":"replace","path":"pair.fixed","value":"g"}"#,
        r#"{"op":"replace","path":"pair","value":{"fixed":"g"}}"#,
        r#"{"op":"add","value":{"pair":{"fixed":"g"}}}"#,
        r#"{"op":"remove","path":"pair.fixed"}"#,
        r#"{"op":"replace","path":"pair","value":{"fixed":null}}"#,
    ] {
        thing_refuses(pair, &format!("[{operation}]"), ScimType::Mutability, "`pair.fixed` is immutable");
    }
    let parts = r#""parts":[{"value":"1","type":"a","fixed":"f","hidden":"h"},{"value":"2"}]"#;
    for operation in [
        r#"{"op":"replace","path":"parts[value eq \"1\"].fixed","value":"g"}"#,
        r#"{"op":"add","path":"parts[value eq \"1\"]","value":{"value":"1","fixed":"g"}}"#,
        r#"{"op":"replace","path":"parts[value eq \"1\"]","value":{"value":"1","fixed":"g"}}"#,
        r#"{"op":"replace","path":"parts","value":[{"value":"1","type":"a","fixed":"g"}]}"#,
        r#"{"op":"add","path":"parts","value":[{"value":"1","type":"a","fixed":"g"}]}"#,
        r#"{"op":"remove","path":"parts[value eq \"1\"].fixed"}"#,
        r#"{"op":"replace","path":"parts.fixed","value":"g"}"#,
    ] {
        thing_refuses(parts, &format!("[{operation}]"), ScimType::Mutability, "fixed` is immutable");
    }
    // What a replaced record does not say of what cannot change or be seen stays.
    thing_gives(
        parts,
        r#"[{"op":"replace","path":"parts[value eq \"1\"]","value":{"value":"1"}}]"#,
        "parts",
        r#"[{"value":"1","fixed":"f","hidden":"h"},{"value":"2"}]"#,
    );
    thing_gives(
        parts,
        r#"[{"op":"replace","path":"parts","value":[{"value":"3","fixed":"g"}]}]"#,
        "parts",
        r#"[{"value":"3","fixed":"g"}]"#,
    );
    thing_gives(parts, r#"[{"op":"remove","path":"parts[value eq \"1\"]"}]"#, "parts", r#"[{"value":"2"}]"#);
    thing_gives(
        parts,
        r#"[{"op":"replace","path":"parts[value eq \"2\"].fixed","value":"g"}]"#,
        "parts",
        r#"[{"value":"1","type":"a","fixed":"f","hidden":"h"},{"value":"2","fixed":"g"}]"#,
    );
}

#[test]
fn what_the_server_says_of_one_value_does_not_pass_to_another() {
    let definition = definition("Thing");
    let mut before = resource(&definition, &thing_json(r#""pair":{"value":"p"}"#));
    before.attributes_mut().get_mut("pair").unwrap().as_object_mut().unwrap().insert("shown", "of p");
    for quirks in MODES {
        let other = r#"[{"op":"replace","path":"pair","value":{"value":"q"}}]"#;
        let (after, _) = patch(&definition, &before, other, &quirks).unwrap();
        assert_eq!(text(after.get(None, "pair")), r#"{"value":"q"}"#);
        let same = r#"[{"op":"replace","path":"pair","value":{"value":"P","list":["x"]}}]"#;
        let (after, _) = patch(&definition, &before, same, &quirks).unwrap();
        assert_eq!(text(after.get(None, "pair")), r#"{"value":"P","shown":"of p","list":["x"]}"#);
    }
}

#[test]
fn required_sub_attributes_stay() {
    let parts = r#""parts":[{"value":"1"}]"#;
    for (operation, scim_type) in [
        (r#"{"op":"remove","path":"parts[value eq \"1\"].value"}"#, ScimType::Mutability),
        (r#"{"op":"replace","path":"parts[value eq \"1\"].value","value":null}"#, ScimType::InvalidValue),
        (r#"{"op":"replace","path":"parts[value eq \"1\"].value","value":" "}"#, ScimType::InvalidValue),
        (r#"{"op":"add","path":"parts","value":[{"type":"a"}]}"#, ScimType::InvalidValue),
        (r#"{"op":"replace","path":"parts[value eq \"1\"]","value":{"type":"a"}}"#, ScimType::InvalidValue),
    ] {
        thing_refuses(parts, &format!("[{operation}]"), scim_type, "value` is required");
    }
    thing_gives(
        parts,
        r#"[{"op":"add","path":"parts[value eq \"1\"]","value":{"type":"a"}}]"#,
        "parts",
        r#"[{"value":"1","type":"a"}]"#,
    );
    // A value made for a filter that matches nothing is checked like any other.
    let made = r#"[{"op":"add","path":"parts[type eq \"b\"].fixed","value":"x"}]"#;
    refuses(
        "Thing",
        &thing_json(parts),
        made,
        &Quirks::interop(),
        ScimType::InvalidValue,
        "`parts[1].value` is required",
    );
    refuses("Thing", &thing_json(parts), made, &Quirks::strict(), ScimType::NoTarget, "matches the filter");
}

#[test]
fn required_extensions_attributes_and_read_only_ones_are_guarded() {
    let extra = format!(r#""{EXTRA}":{{"code":"c","secret":"s"}}"#);
    thing_refuses(
        &extra,
        &format!(r#"[{{"op":"remove","path":"{EXTRA}:code"}}]"#),
        ScimType::Mutability,
        "is required",
    );
    thing_gives(&extra, &format!(r#"[{{"op":"remove","path":"{EXTRA}"}}]"#), EXTRA, "-");
    thing_gives(
        &extra,
        &format!(r#"[{{"op":"remove","path":"{EXTRA}"}}]"#),
        "schemas",
        &format!(r#"["{THING}"]"#),
    );
    thing_refuses(
        "",
        &format!(r#"[{{"op":"add","path":"{EXTRA}:secret","value":"x"}}]"#),
        ScimType::InvalidValue,
        "code` is required",
    );
    for name in
        ["readOnlyalways", "readOnlynever", "readOnlydefault", "readOnlyrequest", "readOnlydefaultList"]
    {
        for op in ["add", "replace", "remove"] {
            let operations = format!(r#"[{{"op":"{op}","path":"{name}","value":"x"}}]"#);
            thing_refuses("", &operations, ScimType::Mutability, "is set by the server");
        }
    }
}

#[test]
fn read_only_attributes_in_a_value_may_repeat_what_is_there() {
    let definition = definition("Thing");
    let mut before = resource(&definition, &thing_json(""));
    before.attributes_mut().insert("readOnlydefault", "set");
    let strict = Quirks::strict();
    let same = r#"[{"op":"replace","value":{"readOnlydefault":"SET","color":"green"}}]"#;
    assert!(patch(&definition, &before, same, &strict).unwrap().1);
    let other = r#"[{"op":"replace","value":{"readOnlydefault":"other","color":"green"}}]"#;
    let (kind, message) = patch(&definition, &before, other, &strict).unwrap_err();
    assert_eq!(
        (kind, message.as_str()),
        (ScimType::Mutability, "operation 1: `readOnlydefault` is set by the server and cannot be changed")
    );
    assert_eq!(
        text(patch(&definition, &before, other, &Quirks::interop()).unwrap().0.get(None, "readOnlydefault")),
        r#""set""#
    );
}

#[test]
fn simple_lists_are_filtered_by_value() {
    let tags = r#""tags":["a","b"]"#;
    thing_gives(tags, r#"[{"op":"remove","path":"tags[value eq \"A\"]"}]"#, "tags", r#"["b"]"#);
    thing_gives(
        tags,
        r#"[{"op":"replace","path":"tags[value eq \"a\"]","value":"c"}]"#,
        "tags",
        r#"["c","b"]"#,
    );
    thing_gives(tags, r#"[{"op":"replace","path":"tags[value eq \"a\"]","value":"B"}]"#, "tags", r#"["B"]"#);
    // There is no object to make for a simple value.
    thing_refuses(
        tags,
        r#"[{"op":"replace","path":"tags[value eq \"z\"]","value":"c"}]"#,
        ScimType::NoTarget,
        "no value matches the filter of `tags[value eq \"z\"]`",
    );
    thing_gives(
        r#""sizes":[1,2.5]"#,
        r#"[{"op":"add","path":"sizes","value":[1.0,25e-1,3]}]"#,
        "sizes",
        "[1,2.5,3]",
    );
    thing_gives(
        r#""codes":["x"]"#,
        r#"[{"op":"add","path":"codes","value":["X","x"]}]"#,
        "codes",
        r#"["x","X"]"#,
    );
}

#[test]
fn a_filter_on_a_singular_attribute_counts() {
    let name = r#""name":{"givenName":"G","familyName":"F"}"#;
    let path = |family: &str| format!(r#"name[familyName eq \"{family}\"].givenName"#);
    user_gives(
        name,
        &format!(r#"[{{"op":"replace","path":"{}","value":"H"}}]"#, path("f")),
        "name",
        r#"{"givenName":"H","familyName":"F"}"#,
    );
    user_gives(
        name,
        &format!(r#"[{{"op":"remove","path":"{}"}}]"#, path("other")),
        "name",
        r#"{"givenName":"G","familyName":"F"}"#,
    );
    for quirks in MODES {
        let operations = format!(r#"[{{"op":"replace","path":"{}","value":"H"}}]"#, path("other"));
        refuses("User", &user_json(name), &operations, &quirks, ScimType::NoTarget, "matches the filter");
    }
}

#[test]
fn a_replace_by_nothing_needs_something_to_replace() {
    let emails = r#""emails":[{"value":"a","type":"work","display":"d"}]"#;
    let operations = r#"[{"op":"replace","path":"emails[type eq \"home\"].display","value":null}]"#;
    refuses(
        "User",
        &user_json(emails),
        operations,
        &Quirks::strict(),
        ScimType::NoTarget,
        "matches the filter",
    );
    gives(
        "User",
        &user_json(emails),
        operations,
        &Quirks::interop(),
        "emails",
        r#"[{"value":"a","type":"work","display":"d"}]"#,
    );
    user_gives(
        emails,
        r#"[{"op":"replace","path":"emails[type eq \"work\"].display","value":null}]"#,
        "emails",
        r#"[{"value":"a","type":"work"}]"#,
    );
}

#[test]
fn values_that_become_one_are_one_and_keep_what_the_operation_said() {
    let emails = r#""emails":[{"value":"a","type":"work"},{"value":"b","type":"work","primary":true}]"#;
    user_gives(
        emails,
        r#"[{"op":"replace","path":"emails[value eq \"a\"]","value":{"value":"b","type":"work","primary":true}}]"#,
        "emails",
        r#"[{"value":"b","type":"work","primary":true}]"#,
    );
    let typed = r#""emails":[{"value":"a","type":"work"},{"value":"a","type":"home"}]"#;
    user_gives(typed, r#"[{"op":"remove","path":"emails.type"}]"#, "emails", r#"[{"value":"a"}]"#);
    user_gives(
        typed,
        r#"[{"op":"add","path":"emails","value":[{"value":"a","type":"work","primary":false}]}]"#,
        "emails",
        r#"[{"value":"a","type":"work"},{"value":"a","type":"home"}]"#,
    );
}

#[test]
fn a_made_value_never_holds_what_the_client_cannot_write_or_the_operation_contradicts() {
    let quirks = Quirks::interop();
    let thing = thing_json("");
    for path in [r#"parts[shown eq \"x\"].value"#, r#"parts[type eq \"bogus\"].value"#] {
        let operations = format!(r#"[{{"op":"add","path":"{path}","value":"v"}}]"#);
        refuses("Thing", &thing, &operations, &quirks, ScimType::NoTarget, "matches the filter");
    }
    let moved = r#"[{"op":"replace","path":"emails[type eq \"work\"].type","value":"home"}]"#;
    refuses("User", &user_json(""), moved, &quirks, ScimType::NoTarget, "matches the filter");
}

#[test]
fn schemas_follow_the_data() {
    let extra = format!(r#""{EXTRA}":{{"code":"c"}}"#);
    let both = format!(r#"["{THING}","{EXTRA}"]"#);
    let case = EXTRA.to_uppercase();
    thing_gives(&extra, &format!(r#"[{{"op":"remove","path":"schemas","value":["{case}"]}}]"#), EXTRA, "-");
    thing_gives(
        &extra,
        &format!(r#"[{{"op":"remove","path":"schemas[value eq \"{EXTRA}\"]"}}]"#),
        EXTRA,
        "-",
    );
    thing_gives(&extra, &format!(r#"[{{"op":"replace","path":"schemas","value":["{THING}"]}}]"#), EXTRA, "-");
    thing_gives(
        &extra,
        &format!(r#"[{{"op":"replace","path":"schemas","value":["{EXTRA}","{THING}"]}}]"#),
        "schemas",
        &both,
    );
    // Sent along with other attributes it is no order to drop anything.
    thing_gives(
        &extra,
        &format!(r#"[{{"op":"replace","value":{{"schemas":["{THING}"],"color":"green"}}}}]"#),
        "schemas",
        &both,
    );
    thing_gives(
        "",
        &format!(r#"[{{"op":"add","path":"schemas","value":["{EXTRA}"]}}]"#),
        "schemas",
        &format!(r#"["{THING}"]"#),
    );
    for operation in [
        format!(r#"{{"op":"remove","path":"schemas","value":["{THING}"]}}"#),
        r#"{"op":"remove","path":"schemas[value sw \"urn\"]"}"#.to_owned(),
        format!(r#"{{"op":"replace","path":"schemas","value":["{EXTRA}"]}}"#),
        r#"{"op":"replace","path":"schemas","value":null}"#.to_owned(),
        r#"{"op":"replace","path":"schemas[value pr]","value":"x"}"#.to_owned(),
    ] {
        thing_refuses(&extra, &format!("[{operation}]"), ScimType::Mutability, "`schemas`");
    }
    let unknown = r#"[{"op":"add","path":"schemas","value":["urn:example:none"]}]"#;
    refuses(
        "Thing",
        &thing_json(""),
        unknown,
        &Quirks::strict(),
        ScimType::InvalidSyntax,
        "`urn:example:none`",
    );
}

#[test]
fn keys_that_were_meant_as_paths_are_not_passed_over() {
    let quirks = Quirks::interop();
    let user = user_json("");
    let bad = r#"[{"op":"replace","value":{"emails[type eq \"work].value":"x"}}]"#;
    refuses("User", &user, bad, &quirks, ScimType::InvalidFilter, "at position 16");
    let bad = r#"[{"op":"replace","value":{"emails[nope eq \"work\"].value":"x"}}]"#;
    refuses("User", &user, bad, &quirks, ScimType::InvalidFilter, "nope");
    let nested = format!(
        r#"[{{"op":"replace","value":{{"{0}":{{"manager.value":"m","nope.x":1}}}}}}]"#,
        urn::ENTERPRISE_USER
    );
    gives("User", &user, &nested, &quirks, urn::ENTERPRISE_USER, r#"{"manager":{"value":"m"}}"#);
}

#[test]
fn references_are_not_changed_in_place() {
    let group = definition("Group");
    let action = |operations: &str| {
        resolve(&group, operations, &Quirks::interop()).map(|set| format!("{:?}", set.relations[0].action))
    };
    let same = r#"[{"op":"add","path":"members[value eq \"a\"]","value":{"value":"a","display":"A"}}]"#;
    assert!(action(same).unwrap().starts_with("Add("));
    let other = r#"[{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}]"#;
    assert_eq!(action(other).unwrap_err().0, ScimType::Mutability);
}

#[test]
fn error_texts_say_where_and_what() {
    let user = definition("User");
    let table = [
        (
            r#"[{"op":"replace","path":"emails[type eq 'work'].value","value":"x"}]"#,
            "operation 1: the path `emails[type eq 'work'].value` cannot be read: expected a string in double quotes but found `'work'].value` at position 16",
        ),
        (
            r#"[{"op":"replace","path":"emails[type zz \"work\"].value","value":"x"}]"#,
            "operation 1: the path `emails[type zz \"work\"].value` cannot be read: expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `zz` at position 13",
        ),
        (
            r#"[{"op":"replace","path":"emails[kind eq \"work\"].value","value":"x"}]"#,
            "operation 1: the path `emails[kind eq \"work\"].value` cannot be used: attribute `emails` has no sub-attribute `kind`",
        ),
        (
            r#"[{"op":"replace","path":"emails[type eq \"work\"].primary","value":"perhaps"}]"#,
            "operation 1: `emails[type eq \"work\"].primary` must be true or false, got the string `perhaps`",
        ),
        (r#"[{"op":"remove","path":"id"}]"#, "operation 1: `id` is set by the server and cannot be changed"),
        (
            r#"[{"op":"replace","path":"password","value":[1]}]"#,
            "operation 1: `password` must be a string, got an array",
        ),
        (
            r#"[{"op":"replace","path":"password","value":12345}]"#,
            "operation 1: `password` must be a string, got a number",
        ),
    ];
    for (operations, expected) in table {
        assert_eq!(resolve(&user, operations, &Quirks::interop()).unwrap_err().1, expected);
    }
}

#[test]
fn work_is_bounded() {
    let user = definition("User");
    let emails: Vec<_> = (0..1000).map(|n| format!(r#"{{"value":"u{n}@x.org","type":"work"}}"#)).collect();
    let before = resource(&user, &user_json(&format!(r#""emails":[{}]"#, emails.join(","))));
    let operation =
        r#"{"op":"replace","path":"emails[value eq \"u7@x.org\" and type eq \"work\"].display","value":"D"}"#;
    let many = |n: usize| format!("[{}]", vec![operation; n].join(","));
    let quirks = Quirks::strict();
    let apply = |n: usize, limits: &PatchLimits| {
        let body = object(&format!(r#"{{"schemas":["{}"],"Operations":{}}}"#, urn::PATCH_OP, many(n)));
        let changes =
            PatchRequest::from_object(body, &quirks, limits).unwrap().resolve(&user, &quirks).unwrap();
        let mut after = before.clone();
        changes.apply(&user, &mut after).map_err(|error| (error.scim_type(), error.to_string()))
    };
    assert_eq!(
        apply(200, &PatchLimits::default()),
        Ok(true),
        "two hundred operations on a thousand values are fine"
    );
    let (kind, text) = apply(1000, &PatchLimits::default().with_work(100_000)).unwrap_err();
    assert_eq!(kind, ScimType::TooMany);
    assert!(text.contains("operation 12: ") && text.contains("limit of 100000"), "{text}");
    // Adding many values to many costs what they are, not their product.
    let more: Vec<_> = (0..1000).map(|n| format!(r#"{{"value":"v{n}@x.org","type":"work"}}"#)).collect();
    let add = format!(r#"{{"op":"add","path":"emails","value":[{}]}}"#, more.join(","));
    let body = object(&format!(r#"{{"schemas":["{}"],"Operations":[{add}]}}"#, urn::PATCH_OP));
    let limits = PatchLimits::default().with_work(10_000);
    let changes = PatchRequest::from_object(body, &quirks, &limits).unwrap().resolve(&user, &quirks).unwrap();
    let mut after = before.clone();
    assert_eq!(changes.apply(&user, &mut after).map_err(|error| error.to_string()), Ok(true));
    assert_eq!(after.get(None, "emails").and_then(Value::as_array).map(<[Value]>::len), Some(2000));
}

#[test]
fn debug_shows_no_values() {
    let user = definition("User");
    let set = resolve(&user, r#"[{"op":"replace","path":"password","value":"s3cret"}]"#, &Quirks::strict())
        .unwrap();
    let mut resource = resource(&user, &user_json(""));
    set.apply(&user, &mut resource).unwrap();
    assert_eq!(resource.text("password"), Some("s3cret"));
    assert!(!format!("{set:?} {resource:?}").contains("s3cret"));
}

#[test]
fn a_filter_in_a_message_is_short_and_escaped() {
    let user = user_json(r#""emails":[{"value":"a"}]"#);
    let long = "x".repeat(500);
    let table = [
        (
            "emails[value eq \\\"\u{202e}`\\\"].display".to_owned(),
            r#"`emails[value eq "\u{202e}\u{60}"].display`"#.to_owned(),
        ),
        (format!("emails[value eq \\\"{long}\\\"]"), format!(r#"`emails[value eq "{}...]`"#, "x".repeat(50))),
    ];
    for (path, shown) in table {
        let operation = format!(r#"[{{"op":"replace","path":"{path}","value":{{"value":"b"}}}}]"#);
        let operation = if path.ends_with("display") {
            operation.replace(r#"{"value":"b"}"#, r#""b""#)
        } else {
            operation
        };
        refuses(
            "User",
            &user,
            &operation,
            &Quirks::strict(),
            ScimType::NoTarget,
            &format!("no value matches the filter of {shown}"),
        );
    }
}

#[test]
fn the_value_that_an_add_calls_primary_wins() {
    let emails = r#""emails":[{"value":"a","primary":true}]"#;
    for order in [
        r#"[{"value":"b","primary":true},{"value":"a","display":"A"}]"#,
        r#"[{"value":"a","display":"A"},{"value":"b","primary":true}]"#,
    ] {
        let expected = r#"[{"value":"a","primary":false,"display":"A"},{"value":"b","primary":true}]"#;
        user_gives(
            emails,
            &format!(r#"[{{"op":"add","path":"emails","value":{order}}}]"#),
            "emails",
            expected,
        );
    }
}
