//! POST and PUT: what is accepted, what becomes of it, and in which words the rest is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition, object, resource, text, thing_json, user_json, value};
use scim_core::fuzzing::{EXTRA, THING};
use scim_core::schema::{Mutability, Returned};
use scim_core::scim_filter::DataType;
use scim_core::validate::{IssueKind, validate_new, validate_replacement};
use scim_core::{
    Attribute, Quirk, Quirks, Registry, Relation, ResourceType, Schema, ScimType, ValidationError, Value, urn,
};

fn post(kind: &str, json: &str, quirks: &Quirks) -> Result<scim_core::Object, ValidationError> {
    validate_new(&definition(kind), object(json), quirks).map(|draft| draft.resource.into_attributes())
}

#[track_caller]
fn accepts(kind: &str, json: &str, quirks: &Quirks, name: &str, expected: &str) {
    let attributes = post(kind, json, quirks).unwrap_or_else(|error| panic!("{json}: {error}"));
    let actual = attributes.get(name);
    let same = if expected == "-" { actual.is_none() } else { actual == Some(&value(expected)) };
    assert!(same, "{json}\n  gives {name} = {}\n  expected {expected}", text(actual));
}

#[track_caller]
fn refuses(kind: &str, json: &str, quirks: &Quirks, scim_type: ScimType, message: &str) {
    match post(kind, json, quirks) {
        Err(error) => {
            assert_eq!(error.to_string(), message);
            assert_eq!(error.scim_type(), scim_type, "{error}");
        }
        Ok(attributes) => panic!("{json} was accepted: {}", text(Some(&attributes.into()))),
    }
}

type Cases = &'static [(&'static str, &'static str)];

/// Attribute, JSON that fits, what comes of it; and JSON that does not, in words that follow the name.
const TYPES: &[(&str, Cases, Cases)] = &[
    (
        "color",
        &[(r#""red""#, r#""red""#), (r#""RED""#, r#""RED""#), ("null", "-")],
        &[
            ("7", "must be a string, got `7`"),
            (r#""blue""#, "must be one of red, green, got `blue`"),
            (r#"["red"]"#, "must be a string, got an array"),
            (r#""a\u0000b""#, r"must be a string without NUL characters, got `a\u{0}b`"),
        ],
    ),
    (
        "flag",
        &[("true", "true"), ("false", "false")],
        &[
            ("1", "must be true or false, got `1`"),
            (r#""yes""#, "must be true or false, got the string `yes`"),
        ],
    ),
    (
        "count",
        &[("7", "7"), ("-9", "-9"), ("99999999999999999999", "99999999999999999999")],
        &[
            ("5.0", "must be a whole number, got `5.0`"),
            ("5e0", "must be a whole number, got `5e0`"),
            (r#""5""#, "must be a whole number, got the string `5`"),
        ],
    ),
    (
        "sizes",
        &[("[1,2.50,3e1]", "[1,2.50,3e1]"), ("[]", "-"), ("[null]", "-"), ("[1,1.0,10e-1]", "[1]")],
        &[(r#"["1"]"#, "must be a number, got the string `1`"), ("[[1]]", "must be a number, got an array")],
    ),
    (
        "moment",
        &[
            (r#""2026-01-31T08:30:00Z""#, r#""2026-01-31T08:30:00Z""#),
            (r#""2026-01-31T08:30:00.123456+02:00""#, r#""2026-01-31T08:30:00.123456+02:00""#),
        ],
        &[
            (r#""2026-01-31""#, "must be a dateTime such as 2026-01-31T08:30:00Z, got `2026-01-31`"),
            (
                r#""2026-01-31T23:59:60Z""#,
                "must be a dateTime such as 2026-01-31T08:30:00Z, got `2026-01-31T23:59:60Z`",
            ),
            (
                r#""2026-01-31T24:00:00Z""#,
                "must be a dateTime such as 2026-01-31T08:30:00Z, got `2026-01-31T24:00:00Z`",
            ),
        ],
    ),
    (
        "blob",
        &[(r#""AAAA""#, r#""AAAA""#), (r#""AA==""#, r#""AA==""#), (r#""AA""#, r#""AA""#)],
        &[(r#""***""#, "must be base64, got `***`"), (r#""A-_A""#, "must be base64, got `A-_A`")],
    ),
    (
        "link",
        &[
            (r#""https://example.com/x""#, r#""https://example.com/x""#),
            (r#""../Users/1""#, r#""../Users/1""#),
        ],
        &[(r#""a\u0007""#, r"must be a URI, got `a\u{7}`")],
    ),
    (
        "tags",
        &[(r#"["a","A","b"]"#, r#"["a","b"]"#), (r#"["", "x"]"#, r#"["","x"]"#)],
        &[(r#"[["a"]]"#, "must be a string, got an array")],
    ),
    ("codes", &[(r#"["a","A","a"]"#, r#"["a","A"]"#)], &[(r#"[7]"#, "must be a string, got `7`")]),
    (
        "pair",
        &[
            (r#"{"VALUE":"p","list":["x","X"]}"#, r#"{"value":"p","list":["x"]}"#),
            ("{}", "-"),
            (r#"{"value":null}"#, "-"),
            (r#"{"shown":"forged","value":"v"}"#, r#"{"value":"v"}"#),
        ],
        &[("true", "must be an object, got `true`")],
    ),
    (
        "parts",
        &[(r#"[{"value":"1","type":"A"}]"#, r#"[{"value":"1","type":"A"}]"#), ("[{}]", "-")],
        &[
            (
                r#"[{"value":"1","primary":true},{"value":"2","primary":true}]"#,
                "has more than one value with `primary` true",
            ),
            ("[true]", "must be an object, got `true`"),
        ],
    ),
];

#[test]
fn every_data_type_takes_what_it_should_and_nothing_else() {
    for quirks in MODES {
        for (name, good, bad) in TYPES {
            for (json, expected) in *good {
                accepts("Thing", &thing_json(&format!(r#""{name}":{json}"#)), &quirks, name, expected);
            }
            for (json, words) in *bad {
                let error = post("Thing", &thing_json(&format!(r#""{name}":{json}"#)), &quirks).unwrap_err();
                assert_eq!(error.scim_type(), ScimType::InvalidValue);
                let message = error.to_string();
                let (path, rest) = message.split_once("` ").unwrap();
                assert!(path.starts_with(&format!("`{name}")), "{message}");
                assert_eq!(rest, *words, "{json}");
            }
        }
    }
}

#[test]
fn every_mutability_and_returned_in_post_and_put() {
    let definition = definition("Thing");
    for mutability in
        [Mutability::ReadOnly, Mutability::ReadWrite, Mutability::Immutable, Mutability::WriteOnly]
    {
        for returned in [Returned::Always, Returned::Never, Returned::Default, Returned::Request] {
            for list in [false, true] {
                let name =
                    format!("{}{}{}", mutability.as_str(), returned.as_str(), if list { "List" } else { "" });
                let json = |text: &str| if list { format!(r#"["{text}"]"#) } else { format!(r#""{text}""#) };
                let (old, new) = (json("old"), json("new"));
                let read_only = mutability == Mutability::ReadOnly;
                let unseen = returned == Returned::Never || mutability == Mutability::WriteOnly;
                for quirks in MODES {
                    let body = |member: &str| thing_json(member);
                    // POST
                    let posted = body(&format!(r#""{name}":{old}"#));
                    accepts("Thing", &posted, &quirks, &name, if read_only { "-" } else { &old });
                    // PUT on a resource that has a value
                    let mut current = resource(&definition, &thing_json(""));
                    current.attributes_mut().insert(name.as_str(), value(&old));
                    let put = |member: &str| {
                        validate_replacement(&definition, object(&body(member)), &current, &quirks)
                            .map(|draft| text(draft.resource.get(None, &name)))
                            .map_err(|error| (error.scim_type(), error.to_string()))
                    };
                    let refused = Err((
                        ScimType::Mutability,
                        format!("`{name}` is immutable and already has another value"),
                    ));
                    let same = Ok(old.clone());
                    let (given, left_out, cleared) = match mutability {
                        Mutability::ReadOnly => (same.clone(), same.clone(), same.clone()),
                        Mutability::Immutable => (refused.clone(), same.clone(), refused),
                        _ if unseen => (Ok(new.clone()), same.clone(), Ok("-".to_owned())),
                        _ => (Ok(new.clone()), Ok("-".to_owned()), Ok("-".to_owned())),
                    };
                    assert_eq!(put(&format!(r#""{name}":{new}"#)), given, "{name}");
                    assert_eq!(put(""), left_out, "{name}");
                    assert_eq!(put(&format!(r#""{name}":null"#)), cleared, "{name}");
                    assert_eq!(put(&format!(r#""{}":{old}"#, name.to_uppercase())), same, "{name}");
                    // PUT on a resource that has none
                    let none = resource(&definition, &thing_json(""));
                    let set = validate_replacement(&definition, object(&posted), &none, &quirks).unwrap();
                    assert_eq!(
                        text(set.resource.get(None, &name)),
                        if read_only { "-" } else { &old },
                        "{name}"
                    );
                }
            }
        }
    }
}

#[test]
fn put_keeps_parts_by_identity_not_position() {
    let definition = definition("Thing");
    let mut current = resource(
        &definition,
        &thing_json(
            r#""parts":[{"value":"1","type":"a","fixed":"f","hidden":"h"},{"value":"2"}],"pair":{"value":"p","fixed":"f","hidden":"h"}"#,
        ),
    );
    let parts = current.attributes_mut().get_mut("parts").unwrap();
    if let scim_core::Value::Array(items) = parts {
        items[0].as_object_mut().unwrap().insert("shown", "s");
    }
    for quirks in MODES {
        let put = |member: &str| {
            validate_replacement(&definition, object(&thing_json(member)), &current, &quirks)
                .map(|draft| draft.resource)
                .map_err(|error| (error.scim_type(), error.to_string()))
        };
        let turned = put(r#""parts":[{"value":"2","fixed":"new"},{"value":"1","type":"A"}]"#).unwrap();
        assert_eq!(
            turned.get(None, "parts"),
            Some(&value(
                r#"[{"value":"2","fixed":"new"},{"value":"1","type":"A","fixed":"f","shown":"s","hidden":"h"}]"#
            ))
        );
        let (kind, message) =
            put(r#""parts":[{"value":"2"},{"value":"1","type":"a","fixed":"g"}]"#).unwrap_err();
        assert_eq!(
            (kind, message.as_str()),
            (ScimType::Mutability, "`parts[1].fixed` is immutable and already has another value")
        );
        assert_eq!(
            put(r#""pair":{"value":"p"}"#).unwrap().get(None, "pair"),
            Some(&value(r#"{"value":"p","fixed":"f","hidden":"h"}"#))
        );
        assert_eq!(
            put(r#""pair":{"value":"p","hidden":null}"#).unwrap().get(None, "pair"),
            Some(&value(r#"{"value":"p","fixed":"f"}"#))
        );
        assert_eq!(put(r#""pair":{"value":"p","fixed":null}"#).unwrap_err().0, ScimType::Mutability);
    }
}

#[test]
fn what_is_never_returned_is_cleared_where_it_is_named() {
    let definition = definition("Thing");
    let current = resource(
        &definition,
        &thing_json(&format!(r#""secret":"base","{EXTRA}":{{"code":"c","secret":"extra"}}"#)),
    );
    let put = |member: &str| {
        let body = object(&thing_json(member));
        let draft = validate_replacement(&definition, body, &current, &Quirks::strict()).unwrap();
        (text(draft.resource.get(None, "secret")), text(draft.resource.get(Some(EXTRA), "secret")))
    };
    let both = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let code = format!(r#""{EXTRA}":{{"code":"c"}}"#);
    assert_eq!(put(&code), both(r#""base""#, r#""extra""#));
    assert_eq!(put(&format!(r#""secret":null,{code}"#)), both("-", r#""extra""#));
    assert_eq!(put(&format!(r#""{EXTRA}":{{"code":"c","secret":null}}"#)), both(r#""base""#, "-"));
    assert_eq!(put(&format!(r#""{EXTRA}":null"#)), both(r#""base""#, "-"));
}

#[test]
fn required_values_are_required() {
    for quirks in MODES {
        for user in ["", r#","userName":null"#, r#","userName":"""#, r#","userName":"  ""#] {
            let json = format!(r#"{{"schemas":["{}"]{user}}}"#, urn::USER);
            refuses(
                "User",
                &json,
                &quirks,
                ScimType::InvalidValue,
                "`userName` is required and must not be empty",
            );
        }
        refuses(
            "Thing",
            &thing_json(r#""parts":[{"type":"a"}]"#),
            &quirks,
            ScimType::InvalidValue,
            "`parts[0].value` is required and must not be empty",
        );
        let extra = thing_json(&format!(r#""{EXTRA}":{{"fixed":"x"}}"#));
        refuses(
            "Thing",
            &extra,
            &quirks,
            ScimType::InvalidValue,
            &format!("`{EXTRA}:code` is required and must not be empty"),
        );
        let group =
            format!(r#"{{"schemas":["{}"],"displayName":"g","members":[{{"display":"x"}}]}}"#, urn::GROUP);
        refuses(
            "Group",
            &group,
            &quirks,
            ScimType::InvalidValue,
            "`members[0].value` is required and must not be empty",
        );
    }
}

#[test]
fn required_relations_and_extensions_are_required() {
    let members =
        Attribute::complex("owners", [Attribute::new("value", DataType::String)]).multi_valued().required();
    let team = Schema::new("urn:example:2.0:Team".parse().unwrap(), "Team", "", [members]).unwrap();
    let extra = Schema::new(
        "urn:example:2.0:More".parse().unwrap(),
        "More",
        "",
        [Attribute::new("x", DataType::String)],
    )
    .unwrap();
    let relation = Relation { attribute: "owners".into(), targets: vec!["Team".into()], inverse: None };
    let teams = ResourceType::new("Team", team.id().clone())
        .with_relation(relation)
        .with_extension(extra.id().clone(), true);
    let registry = Registry::new([team.into(), extra.into()], [teams]).unwrap();
    let definition = registry.by_name("Team").unwrap();
    let strict = Quirks::strict();
    let check = |json: &str| {
        validate_new(definition, object(json), &strict).map(|_| ()).map_err(|error| error.to_string())
    };
    let good =
        r#"{"schemas":["urn:example:2.0:Team"],"owners":[{"value":"a"}],"urn:example:2.0:More":{"x":"y"}}"#;
    assert_eq!(check(good), Ok(()));
    let none = r#"{"schemas":["urn:example:2.0:Team"],"owners":[]}"#;
    let message = "`urn:example:2.0:More` is required and must not be empty; `owners` is required and must not be empty";
    assert_eq!(check(none), Err(message.to_owned()));
    let current = validate_new(definition, object(good), &strict).unwrap().resource;
    let error = validate_replacement(definition, object(none), &current, &strict).unwrap_err();
    assert_eq!(error.to_string(), message);
    for (operations, kind) in [
        (r#"[{"op":"remove","path":"owners"}]"#, ScimType::Mutability),
        (r#"[{"op":"replace","path":"owners","value":[]}]"#, ScimType::InvalidValue),
        (r#"[{"op":"replace","path":"owners","value":null}]"#, ScimType::InvalidValue),
        (r#"[{"op":"remove","path":"urn:example:2.0:More"}]"#, ScimType::Mutability),
        (r#"[{"op":"remove","path":"schemas","value":["urn:example:2.0:More"]}]"#, ScimType::Mutability),
    ] {
        assert_eq!(common::resolve(definition, operations, &strict).unwrap_err().0, kind, "{operations}");
    }
}

#[test]
fn schemas_name_what_the_resource_is() {
    let strict = Quirks::strict();
    let table = [
        (r#"{"userName":"u"}"#.to_owned(), "is missing; it must list `USER`"),
        (r#"{"userName":"u","schemas":[]}"#.to_owned(), "is missing; it must list `USER`"),
        (format!(r#"{{"userName":"u","schemas":["{}"]}}"#, urn::ENTERPRISE_USER), "must list `USER`"),
        (
            format!(r#"{{"userName":"u","schemas":["{}","urn:example:x"]}}"#, urn::USER),
            "names `urn:example:x`, which is no schema of User",
        ),
    ];
    for (json, words) in table {
        let words = words.replace("USER", urn::USER);
        refuses("User", &json, &strict, ScimType::InvalidSyntax, &format!("`schemas` {words}"));
        accepts("User", &json, &Quirks::interop(), "schemas", &format!(r#"["{}"]"#, urn::USER));
    }
    let of = |schemas: &str| format!(r#"{{"userName":"u","schemas":{schemas}}}"#);
    let tolerated = [
        "null".to_owned(),
        r#""""#.to_owned(),
        r#"[""]"#.to_owned(),
        r#"["urn:scim:schemas:core:1.0"]"#.to_owned(),
        r#"["URN:scim:schemas:core:1.1","urn:scim:schemas:extension:enterprise:1.0"]"#.to_owned(),
        r#"["urn:scim:schemas:core:2.0:User"]"#.to_owned(),
        format!(r#"["urn:example:x","{}","{}"]"#, urn::GROUP, urn::USER.to_uppercase()),
        format!(r#"["urn:example:x","{}"]"#, urn::ENTERPRISE_USER),
    ];
    for schemas in tolerated {
        accepts("User", &of(&schemas), &Quirks::interop(), "schemas", &format!(r#"["{}"]"#, urn::USER));
        assert!(post("User", &of(&schemas), &strict).is_err(), "{schemas}");
    }
    for uri in
        ["urn:x", urn::GROUP, "urn:scim:schemas:core:2.0:Group", "urn:scim:schemas:extension:enterprise:1.0"]
    {
        let message =
            format!("`schemas` names `{uri}`, which is no schema of User; it must list `{}`", urn::USER);
        let listed = of(&format!(r#"["{uri}"]"#));
        refuses("User", &listed, &Quirks::interop(), ScimType::InvalidSyntax, &message);
        assert!(post("User", &listed, &strict).is_err(), "{uri}");
    }
    refuses(
        "User",
        r#"{"schemas":{},"userName":"u"}"#,
        &strict,
        ScimType::InvalidValue,
        "`schemas` must be a list of strings, got an object",
    );
    for quirks in MODES {
        let upper = format!(r#"{{"SCHEMAS":["{0}","{0}"],"userName":"u"}}"#, urn::USER.to_uppercase());
        accepts("User", &upper, &quirks, "schemas", &format!(r#"["{}"]"#, urn::USER));
        // data without its URI gets it; a URI without data goes
        let extra = thing_json(&format!(r#""{}":{{"code":"c"}}"#, EXTRA.to_uppercase()));
        accepts("Thing", &extra, &quirks, "schemas", &format!(r#"["{THING}","{EXTRA}"]"#));
        accepts("Thing", &extra, &quirks, EXTRA, r#"{"code":"c"}"#);
        let listed = format!(r#"{{"schemas":["{EXTRA}","{THING}"],"name":"n"}}"#);
        accepts("Thing", &listed, &quirks, "schemas", &format!(r#"["{THING}"]"#));
    }
}

#[test]
fn duplicates_are_merged() {
    for quirks in MODES {
        accepts(
            "User",
            &user_json(
                r#""emails":[{"value":"a","type":"work","primary":true},{"value":"A","type":"WORK","primary":true,"display":"d"},{"value":"a"}]"#,
            ),
            &quirks,
            "emails",
            r#"[{"value":"A","type":"WORK","primary":true,"display":"d"},{"value":"a"}]"#,
        );
        accepts(
            "User",
            &user_json(r#""addresses":[{"locality":"x"},{"locality":"X"},{"locality":"y"}]"#),
            &quirks,
            "addresses",
            r#"[{"locality":"X"},{"locality":"y"}]"#,
        );
        let long = "9".repeat(70);
        let sizes = format!(r#""sizes":[{long}1,{long}2]"#);
        accepts("Thing", &thing_json(&sizes), &quirks, "sizes", &format!("[{long}1,{long}2]"));
    }
}

#[test]
fn each_quirk_tolerates_one_thing() {
    fn set(quirks: &mut Quirks, flag: &str) {
        *quirks = quirks.clone().with(flag.parse().unwrap(), true);
    }
    let ent = urn::ENTERPRISE_USER;
    let table = [
        ("string_booleans", user_json(r#""active":"False""#), "active", "false".to_owned()),
        (
            "scalar_complex_values",
            user_json(&format!(r#""{ent}":{{"manager":"m"}}"#)),
            ent,
            r#"{"manager":{"value":"m"}}"#.to_owned(),
        ),
        (
            "scalar_complex_values",
            user_json(&format!(r#""{ent}":{{"manager":[{{"value":"m"}}]}}"#)),
            ent,
            r#"{"manager":{"value":"m"}}"#.to_owned(),
        ),
        ("scalar_complex_values", user_json(r#""emails":["a"]"#), "emails", r#"[{"value":"a"}]"#.to_owned()),
        ("assume_schemas", r#"{"userName":"u"}"#.to_owned(), "userName", r#""u""#.to_owned()),
        (
            "ignore_unknown_attributes",
            user_json(r#""colour":"red","name":{"nick":"n","givenName":"G"},"urn:example:x":{"a":1}"#),
            "name",
            r#"{"givenName":"G"}"#.to_owned(),
        ),
        (
            "wrap_single_values",
            user_json(r#""emails":{"value":"a"}"#),
            "emails",
            r#"[{"value":"a"}]"#.to_owned(),
        ),
        (
            "empty_strings",
            user_json(r#""active":"","emails":[""],"profileUrl":"","title":"""#),
            "title",
            r#""""#.to_owned(),
        ),
        (
            "user_name_blanks",
            format!(r#"{{"schemas":["{}"],"userName":"John Smith"}}"#, urn::USER),
            "userName",
            r#""John Smith""#.to_owned(),
        ),
        (
            "any_user_name",
            format!(r#"{{"schemas":["{}"],"userName":"bj\u00f8rn\u2665"}}"#, urn::USER),
            "userName",
            "\"bj\u{f8}rn\u{2665}\"".to_owned(),
        ),
        (
            "any_country",
            user_json(r#""addresses":[{"country":"Germany"}]"#),
            "addresses",
            r#"[{"country":"Germany"}]"#.to_owned(),
        ),
    ];
    for (flag, json, name, expected) in table {
        let mut quirks = Quirks::strict();
        assert!(post("User", &json, &quirks).is_err(), "strictly, {flag} is refused: {json}");
        set(&mut quirks, flag);
        accepts("User", &json, &quirks, name, &expected);
        accepts("User", &json, &Quirks::interop(), name, &expected);
    }
    accepts(
        "User",
        &user_json(r#""active":"","emails":[""],"profileUrl":"""#),
        &Quirks::interop(),
        "active",
        "-",
    );
}

#[test]
fn all_problems_are_told_at_once_and_a_flood_is_counted() {
    let json = format!(
        r#"{{"schemas":["{}"],"active":"x","name":7,"emails":[{{"primary":3}}],"colour":1}}"#,
        urn::USER
    );
    let error = post("User", &json, &Quirks::strict()).unwrap_err();
    let paths: Vec<_> = error.issues().iter().map(|issue| issue.path()).collect();
    assert_eq!(paths, ["active", "name", "emails[0].primary", "colour", "userName"]);
    assert!(matches!(error.issues()[3].kind(), IssueKind::Unknown { .. }));
    let list = vec!["1"; 100_000].join(",");
    let error = post("User", &user_json(&format!(r#""emails":[{list}]"#)), &Quirks::strict()).unwrap_err();
    assert_eq!(error.issues().len(), 100);
    assert!(error.to_string().ends_with("; and 99995 more"), "{error}");
}

#[test]
fn secrets_are_never_repeated() {
    for (attributes, words) in [
        (r#""password":12345"#, "`password` must be a string, got a number"),
        (r#""password":["s3cret"]"#, "`password` must be a string, got an array"),
        (r#""password":"s3cret\u0000""#, "`password` must be a string without NUL characters, got `...`"),
    ] {
        refuses("User", &user_json(attributes), &Quirks::strict(), ScimType::InvalidValue, words);
    }
    let hidden = thing_json(r#""pair":{"value":"v","hidden":7}"#);
    refuses(
        "Thing",
        &hidden,
        &Quirks::strict(),
        ScimType::InvalidValue,
        "`pair.hidden` must be a string, got a number",
    );
}

#[test]
fn a_required_value_that_is_refused_is_not_called_missing_too() {
    let user = definition("User");
    for (value, words) in [("5", "must be a string, got `5`"), (r#""a\tb""#, "control characters")] {
        let body = object(&format!(r#"{{"schemas":["{}"],"userName":{value}}}"#, scim_core::urn::USER));
        let error = validate_new(&user, body, &Quirks::interop()).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("is required"), "{error}");
    }
}

#[test]
fn strict_user_names_are_identifiers_of_precis() {
    let quoted = |name: &str| String::from_utf8(Value::from(name).to_vec()).unwrap();
    let json = |name: &str| format!(r#"{{"schemas":["{}"],"userName":{}}}"#, urn::USER, quoted(name));
    // RFC 8265 section 3.5 and what directories have; letter case and width are mapped, not refused.
    for name in [
        "juliet@example.com",
        "fussball",
        "fu\u{df}ball",
        "\u{3c0}",
        "\u{3a3}",
        "\u{3c2}",
        "Bj\u{f8}rn",
        "e\u{301}",
        "\u{ff21}nn",
        "a+b_c-d.e!#$%&'*/=?^`{|}~",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        "l\u{b7}l",
        "\u{645}\u{6f1}",
    ] {
        for quirks in MODES {
            accepts("User", &json(name), &quirks, "userName", &quoted(name));
        }
    }
    let words = "must be a name without symbols, characters that cannot be seen and other characters that RFC 8265 does not allow";
    // Two names must not look the same, whatever is tolerated.
    for (name, seen) in [
        ("he\u{200b}nry", "he\\u{200b}nry"),
        ("a\u{feff}", "a\\u{feff}"),
        ("\u{202e}ann", "\\u{202e}ann"),
        ("ann\u{ad}a", "ann\\u{ad}a"),
    ] {
        let expected = format!("`userName` must be a name without invisible characters, got `{seen}`");
        for quirks in MODES {
            refuses("User", &json(name), &quirks, ScimType::InvalidValue, &expected);
        }
    }
    for (name, seen) in [
        ("a\u{200d}b", "a\\u{200d}b"),
        ("henry\u{2163}", "henry\u{2163}"),
        ("\u{265a}", "\u{265a}"),
        ("\u{fb01}n", "\u{fb01}n"),
        ("\u{1f600}", "\u{1f600}"),
        ("a\u{e000}", "a\u{e000}"),
        ("a\u{378}", "a\u{378}"),
        ("a\u{ffff}", "a\u{ffff}"),
        ("\u{b7}l", "\u{b7}l"),
    ] {
        let expected = format!("`userName` {words}, got `{seen}`");
        refuses("User", &json(name), &Quirks::strict(), ScimType::InvalidValue, &expected);
        accepts("User", &json(name), &Quirks::interop(), "userName", &quoted(name));
        // Blanks are another matter.
        let mut quirks = Quirks::strict();
        quirks = quirks.with("user_name_blanks".parse().unwrap(), true);
        assert!(post("User", &json(&format!("a {name}")), &quirks).unwrap_err().to_string().contains(words));
        accepts("User", &json("a b"), &quirks, "userName", "\"a b\"");
    }
    let mut quirks = Quirks::strict();
    quirks = quirks.with("any_user_name".parse().unwrap(), true);
    for (name, quirks, words) in
        [("a b", quirks, "without blanks"), ("a\tb", Quirks::interop(), "without control characters")]
    {
        assert!(post("User", &json(name), &quirks).unwrap_err().to_string().contains(words));
    }
}

/// The members of a User, and the same said in the usual way.
#[test]
fn keys_that_are_paths_say_what_they_say_in_a_patch() {
    let (user, ent) = (urn::USER, urn::ENTERPRISE_USER);
    let table = [
        (format!(r#""{user}":{{"active":false}}"#), r#""active":false"#.to_owned()),
        (format!(r#""{user}:active":"False""#), r#""active":false"#.to_owned()),
        (format!(r#""{}:ACTIVE":false"#, user.to_uppercase()), r#""active":false"#.to_owned()),
        (
            r#""name.givenName":"G","NAME.familyname":"F""#.to_owned(),
            r#""name":{"givenName":"G","familyName":"F"}"#.to_owned(),
        ),
        (
            format!(r#""name":{{"givenName":"G"}},"{user}":{{"name.familyName":"F","title":"T"}}"#),
            r#""name":{"givenName":"G","familyName":"F"},"title":"T""#.to_owned(),
        ),
        (
            r#""emails[type eq \"work\"].value":"w@x","emails[type eq \"work\"].primary":"True","emails[type eq \"home\"]":{"value":"h@x"}"#
                .to_owned(),
            r#""emails":[{"value":"w@x","type":"work","primary":true},{"value":"h@x","type":"home"}]"#.to_owned(),
        ),
        (r#""emails.value":"w@x""#.to_owned(), r#""emails":[{"value":"w@x"}]"#.to_owned()),
        (
            r#""emails[type eq \"work\"].value":null,"name.givenName":null,"meta.created":"x","id":"y""#.to_owned(),
            r#""active":null"#.to_owned(),
        ),
        (
            format!(r#""{ent}:department":"D","{ent}:manager.value":"m""#),
            format!(r#""{ent}":{{"department":"D","manager":{{"value":"m"}}}}"#),
        ),
        (
            format!(r#""{ent}":{{"department":"D","manager.value":"m"}},"{user}":{{"{ent}":{{"division":"V"}}}}"#),
            format!(r#""{ent}":{{"department":"D","division":"V","manager":{{"value":"m"}}}}"#),
        ),
        (
            format!(r#""urn:example:none:x":1,"a.b":2,"name.nick":3,"{user}":null"#),
            r#""active":null"#.to_owned(),
        ),
    ];
    for (keys, plain) in table {
        let of = |members: &str| post("User", &user_json(members), &Quirks::interop());
        assert_eq!(of(&keys), of(&plain), "{keys}");
        assert!(of(&keys).is_ok(), "{keys}");
        // What the schemas know is never passed over, also where names that they do not know are.
        let mut without = Quirks::interop();
        without = without.with(Quirk::DottedKeys, false);
        let is_known = !keys.contains("urn:example:none");
        assert_eq!(
            post("User", &user_json(&keys), &without).is_err(),
            is_known || keys.contains("null"),
            "{keys}"
        );
        assert_eq!(
            post("User", &user_json(&keys), &Quirks::strict()).unwrap_err().scim_type(),
            ScimType::InvalidValue,
            "{keys}"
        );
    }
}

#[test]
fn a_key_that_is_a_path_must_not_say_otherwise_than_another_key() {
    let (user, ent) = (urn::USER, urn::ENTERPRISE_USER);
    let twice = "is given twice in this body, each time in other words; send it once";
    let table = [
        (format!(r#""active":true,"{user}:active":false"#), format!("`{user}:active` {twice}")),
        (format!(r#""{user}:active":false,"active":true"#), format!("`active` {twice}")),
        (format!(r#""active":true,"{user}":{{"active":true}}"#), format!("`active` {twice}")),
        (r#""name.givenName":"G","name":{"givenName":"H"}"#.to_owned(), format!("`name.givenName` {twice}")),
        (r#""name.givenName":"G","name":null"#.to_owned(), format!("`name.givenName` {twice}")),
        (format!(r#""{user}:name.givenName":"G","name.givenName":"G""#), format!("`name.givenName` {twice}")),
        (r#""emails.value":"w@x","emails":[]"#.to_owned(), format!("`emails.value` {twice}")),
        (
            r#""emails[type eq \"work\"].type":"home""#.to_owned(),
            format!(r#"`emails[type eq "work"].type` {twice}"#),
        ),
        (format!(r#""{ent}:department":"D","{ent}":null"#), format!("`{ent}` {twice}")),
        (format!(r#""{user}":"x""#), format!("`{user}` must be an object, got a string")),
        (
            r#""emails[type sw \"w\"].value":"w@x""#.to_owned(),
            r#"`emails[type sw "w"].value` has a filter that does not say what the value is to have"#
                .to_owned(),
        ),
        (
            r#""emails[kind eq \"w\"].value":"w@x""#.to_owned(),
            r#"`emails[kind eq "w"].value` cannot be used: "#.to_owned(),
        ),
        (
            r#""emails[type eq \"w\".value":"w@x""#.to_owned(),
            r#"`emails[type eq "w".value` cannot be read as a path: "#.to_owned(),
        ),
    ];
    for (members, message) in table {
        let error = post("User", &user_json(&members), &Quirks::interop()).unwrap_err();
        assert!(error.to_string().starts_with(&message), "{members}: {error}");
    }
}

#[test]
fn each_filter_in_a_key_makes_a_value_in_the_order_of_the_body() {
    let keys: Vec<String> =
        (0..8_192).map(|n| format!(r#""emails[type eq \"{n}\"].value":"x{n}""#)).collect();
    let made = post("User", &user_json(&keys.join(",")), &Quirks::interop()).unwrap();
    let emails = made.get("emails").and_then(Value::as_array).unwrap();
    assert_eq!(emails.len(), 8_192);
    assert_eq!(emails[8_191], value(r#"{"value":"x8191","type":"8191"}"#));
}
