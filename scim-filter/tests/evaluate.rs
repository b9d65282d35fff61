//! Which resources match, row by row of the decisions F1 to F22.

#![allow(clippy::unwrap_used)]

mod common;

use common::Json;
use scim_filter::simple::SimpleSchema;
use scim_filter::{AttrPath, Filter, Path, ResolveOptions, ResolvedPath, SortKey};
use serde_json::{Value, json};

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "Ab1",
        "externalId": "X-1",
        "userName": "BJensen@Example.com",
        "name": {"familyName": "Jensen", "givenName": "Bärbel"},
        "displayName": "",
        "nickName": null,
        "active": true,
        "emails": [
            {"value": "b@work.example", "type": "work"},
            {"value": "B@Home.example", "type": "HOME", "primary": true},
            {"value": "b@plain.example"}
        ],
        "ims": [],
        "addresses": [{"type": "work", "country": "US"}, {"type": "home", "country": "DE"}],
        "x509Certificates": [{"value": "MIIa+/="}],
        "meta": {"created": "2011-05-13T04:42:34.5Z", "lastModified": "2011-05-13T04:42:34+02:00", "resourceType": "User"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "R&D",
            "manager": {"value": "26118915"}
        },
        "urn:example:params:scim:schemas:extension:load:2.0": {
            "logins": 9_007_199_254_740_993_u64,
            "quota": 2.50,
            "tags": ["Alpha", "beta"]
        }
    })
}

fn matches(filter: &str, resource: &Value) -> bool {
    let filter =
        Filter::parse(filter).unwrap().resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
    filter.matches(Json(resource))
}

/// Short forms for the long names, so that a row is a row.
fn long(filter: &str) -> String {
    filter
        .replace("ENT:", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:")
        .replace("LOAD:", "urn:example:params:scim:schemas:extension:load:2.0:")
}

#[track_caller]
fn check(rows: &[(&str, bool)]) {
    let user = user();
    for (filter, expected) in rows {
        let filter = long(filter);
        assert_eq!(matches(&filter, &user), *expected, "{filter}");
        assert_eq!(matches(&format!("not ({filter})"), &user), !expected, "not ({filter})");
        assert_eq!(matches(&format!("{filter} and id pr"), &user), *expected, "{filter} and ...");
        assert_eq!(matches(&format!("{filter} or title pr"), &user), *expected, "{filter} or ...");
    }
}

#[test]
fn operators_on_strings() {
    check(&[
        ("userName eq \"bjensen@example.COM\"", true),
        ("userName eq \"bjensen\"", false),
        ("userName ne \"bjensen@example.com\"", false),
        ("userName ne \"other\"", true),
        ("userName co \"JENSEN@\"", true),
        ("userName co \"smith\"", false),
        ("userName sw \"bj\"", true),
        ("userName sw \"bjensen@example.com\"", true),
        ("userName sw \"jensen\"", false),
        ("userName ew \".COM\"", true),
        ("userName ew \"bjensen@example.com\"", true),
        ("userName ew \"example\"", false),
        ("userName gt \"bj\"", true),
        ("userName gt \"BJENSEN@EXAMPLE.COM\"", false),
        ("userName ge \"BJENSEN@EXAMPLE.COM\"", true),
        ("userName lt \"C\"", true),
        ("userName lt \"a\"", false),
        ("userName le \"bjensen@example.com\"", true),
        ("name.givenName eq \"BÄRBEL\"", true),
        ("name.givenName sw \"BÄ\"", true),
        ("name.givenName eq \"Barbel\"", false),
        ("userName eq \"ＢＪＥＮＳＥＮ@example.com\"", true),
        ("USERNAME EQ \"bjensen@example.com\"", true),
    ]);
}

/// 3.4.2.2-24: case matters only where the schema says so.
#[test]
fn case_exact_strings() {
    check(&[
        ("id eq \"Ab1\"", true),
        ("id eq \"ab1\"", false),
        ("id ne \"ab1\"", true),
        ("externalId sw \"X\"", true),
        ("externalId sw \"x\"", false),
        ("externalId gt \"X-0\"", true),
        ("externalId lt \"a\"", true),
        ("emails.type eq \"home\"", true),
    ]);
}

/// F1, F3, 3.4.2.2-28: what has no value.
#[test]
fn unassigned_attributes() {
    for attr in [
        "title",
        "nickName",
        "ims",
        "emails.display",
        "name.middleName",
        "ENT:manager.displayName",
        "groups.value",
        "userType",
    ] {
        let rows = [
            ("eq \"x\"", false),
            ("eq \"\"", false),
            ("ne \"x\"", true),
            ("ne \"\"", true),
            ("co \"\"", false),
            ("sw \"\"", false),
            ("ew \"\"", false),
            ("gt \"\"", false),
            ("ge \"\"", false),
            ("lt \"x\"", false),
            ("le \"x\"", false),
            ("pr", false),
            ("eq null", true),
            ("ne null", false),
        ];
        for (operation, expected) in rows {
            check(&[(&format!("{attr} {operation}"), expected)]);
        }
    }
    check(&[
        ("title pr", false),
        ("groups pr", false),
        ("ims[type eq \"x\"]", false),
        ("ims[type ne \"x\"]", false),
        ("groups[not (type eq \"x\")]", false),
        ("active ne false", true),
        ("active eq null", false),
        ("active ne null", true),
        ("x509Certificates.display ne \"x\"", true),
    ]);
}

/// 3.4.2.2-08: `pr` is about values that are not empty.
#[test]
fn presence() {
    check(&[
        ("userName pr", true),
        ("name pr", true),
        ("emails pr", true),
        ("emails.primary pr", true),
        ("displayName pr", false),
        ("displayName eq null", true),
        ("active pr", true),
        ("ENT:manager pr", true),
        ("ENT:department pr", true),
        ("LOAD:tags pr", true),
        ("schemas pr", true),
        ("meta pr", true),
        ("meta.version pr", false),
    ]);
    for (resource, expected) in [
        (json!({}), false),
        (json!({"name": null}), false),
        (json!({"name": {}}), false),
        (json!({"name": {"givenName": null, "familyName": ""}}), false),
        (json!({"name": {"givenName": null, "familyName": "x"}}), true),
    ] {
        assert_eq!(matches("name pr", &resource), expected, "{resource}");
    }
    for (resource, expected) in [
        (json!({"emails": null}), false),
        (json!({"emails": []}), false),
        (json!({"emails": [null, {}, {"value": null}, {"value": ""}]}), false),
        (json!({"emails": [{}, {"value": "x"}]}), true),
        (json!({"emails": [{"primary": false}]}), true),
    ] {
        assert_eq!(matches("emails pr", &resource), expected, "{resource}");
    }
    assert!(!matches("active pr", &json!({"active": null})));
    assert!(matches("active pr", &json!({"active": false})));
    assert!(matches("NICKNAME pr", &json!({"nickname": "x"})), "names of members ignore case");
}

/// F2, F4, 3.4.2.2-20 and -21: several values.
#[test]
fn multi_valued_attributes() {
    check(&[
        ("emails.value eq \"b@home.example\"", true),
        ("emails eq \"b@home.example\"", true),
        ("emails co \"plain\"", true),
        ("emails co \"none\"", false),
        ("emails.value ne \"b@home.example\"", true),
        ("emails ne \"none\"", true),
        ("emails.type ne \"work\"", true),
        ("addresses.country ne \"US\"", true),
        ("not (addresses.country eq \"US\")", false),
        ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"", true),
        ("schemas eq \"URN:ietf:params:scim:schemas:core:2.0:USER\"", true),
        ("schemas ne \"urn:ietf:params:scim:schemas:core:2.0:User\"", false),
        ("LOAD:tags eq \"ALPHA\"", true),
        ("LOAD:tags ne \"alpha\"", true),
        ("LOAD:tags[value sw \"b\"]", true),
        ("LOAD:tags[value sw \"b\" and value ew \"pha\"]", false),
        ("LOAD:tags[value pr]", true),
    ]);
    let one = json!({"emails": [{"type": "work"}]});
    assert!(!matches("emails.type ne \"work\"", &one));
    assert!(
        matches("emails.type ne \"work\"", &json!({"emails": [{"type": "work"}, {"value": "x"}]})),
        "one has no type"
    );
    assert!(
        !matches("emails.type ne \"work\"", &json!({"emails": [{"type": "work"}, {}, null]})),
        "{{}} is no value"
    );
    assert!(matches("emails.type ne \"work\"", &json!({"emails": [{}]})));
}

/// 3.4.2.2-15 and -16: one and the same value.
#[test]
fn value_paths() {
    check(&[
        ("emails[type eq \"work\" and value co \"@work\"]", true),
        ("emails[type eq \"work\" and value co \"@home\"]", false),
        ("emails.type eq \"work\" and emails.value co \"@home\"", true),
        ("emails[type eq \"work\"].value co \"@work\"", true),
        ("emails[type eq \"work\"].value co \"@home\"", false),
        ("emails[type eq \"none\" or primary eq true]", true),
        ("emails[not (type pr)]", true),
        ("emails[type eq null and value ew \"plain.example\"]", true),
        ("emails[type ne \"work\" and type ne \"home\"]", true),
        ("addresses[type ne \"work\" and type ne \"home\"]", false),
        (
            "addresses[type eq \"work\" and (country eq \"US\" or country eq \"DE\") and not (postalCode pr)]",
            true,
        ),
        ("emails[primary ne true]", true),
        ("emails[primary eq true and type eq \"home\"]", true),
        ("name[familyName eq \"jensen\" and givenName sw \"b\"]", true),
        ("ENT:manager[value eq \"26118915\"]", true),
    ]);
}

/// F15, 3.4.2.2-29: a value of another type than the schema's matches nothing.
/// "If not specified, the value of "primary" SHALL be assumed to be "false"" (RFC 7643 section 2.4)
#[test]
fn what_is_not_said_to_be_primary_is_not() {
    let user = json!({"emails": [{"value": "a"}, {"value": "b", "primary": true}], "active": true});
    for (filter, expected) in [
        ("emails.primary eq false", true),
        ("emails[primary eq false]", true),
        ("emails[value eq \"a\" and primary eq false]", true),
        ("emails[value eq \"b\" and primary eq false]", false),
        ("emails[value eq \"a\" and primary ne false]", false),
        ("emails[value eq \"a\" and primary ne true]", true),
        ("emails[value eq \"a\" and primary pr]", false),
        ("emails[value eq \"a\" and primary eq null]", true),
        ("emails.primary ne false", true),
    ] {
        assert_eq!(matches(filter, &user), expected, "{filter}");
    }
    assert!(!matches("emails.primary eq false", &json!({"emails": []})));
    assert!(!matches("active eq false", &json!({"userName": "a"})), "only of primary");
}

#[test]
fn values_of_a_wrong_type() {
    let odd = json!({"userName": 5, "active": "true", "emails": "x", "name": ["y"], "meta": {"created": "yesterday"}});
    for filter in [
        "userName eq \"5\"",
        "userName co \"5\"",
        "active eq true",
        "active eq false",
        "meta.created gt \"0001-01-01T00:00:00Z\"",
        "meta.created lt \"9999-01-01T00:00:00Z\"",
    ] {
        assert!(!matches(filter, &odd), "{filter}");
    }
    for resource in [json!(null), json!([]), json!("x"), json!(5)] {
        assert!(!matches(
            "emails[type eq \"work\"] or name.givenName sw \"x\" and active eq true",
            &resource
        ));
    }
}

/// F16: instants.
#[test]
fn dates() {
    check(&[
        ("meta.created eq \"2011-05-13T04:42:34.5Z\"", true),
        ("meta.created eq \"2011-05-13T04:42:34.500000000000\"", true),
        ("meta.created eq \"2011-05-13T06:42:34.50+02:00\"", true),
        ("meta.created ne \"2011-05-13T06:42:34.50+02:00\"", false),
        ("meta.created eq \"2011-05-13T04:42:34Z\"", false),
        ("meta.created gt \"2011-05-13T04:42:34Z\"", true),
        ("meta.created ge \"2011-05-13T04:42:34.5Z\"", true),
        ("meta.created gt \"2011-05-13T04:42:34.5Z\"", false),
        ("meta.created lt \"2011-05-13T04:42:34.51Z\"", true),
        ("meta.created le \"2011-05-12T23:42:34.5-05:00\"", true),
        ("meta.lastModified eq \"2011-05-13T02:42:34Z\"", true),
        ("meta.lastModified lt \"2011-05-13T03:00:00Z\"", true),
        ("meta.lastModified pr", true),
    ]);
}

/// F17: the empty string.
#[test]
fn empty_strings() {
    check(&[
        ("displayName eq \"\"", true),
        ("displayName ne \"\"", false),
        ("displayName co \"\"", true),
        ("displayName ge \"\"", true),
        ("displayName gt \"\"", false),
        ("userName co \"\"", true),
        ("userName sw \"\"", true),
        ("userName ew \"\"", true),
        ("userName eq \"\"", false),
        ("userName gt \"\"", true),
    ]);
}

/// F21: numbers by value.
#[test]
fn numbers() {
    check(&[
        ("LOAD:logins eq 9007199254740993", true),
        ("LOAD:logins eq 9007199254740993.0", true),
        ("LOAD:logins eq 9007199254740992", false),
        ("LOAD:logins gt 9007199254740992", true),
        ("LOAD:logins lt 9007199254740994", true),
        ("LOAD:logins lt 1e999999999", true),
        ("LOAD:logins gt -1e999999999", true),
        ("LOAD:logins ne 9007199254740993", false),
        ("LOAD:quota eq 2.5", true),
        ("LOAD:quota eq 25e-1", true),
        ("LOAD:quota ge 2.5000000000000000000000000000", true),
        ("LOAD:quota gt 2.49999999999999999999999999999", true),
        ("LOAD:quota lt 2.50000000000000000000000000001", true),
        ("LOAD:quota le 2", false),
    ]);
}

#[test]
fn booleans_binaries_and_references() {
    check(&[
        ("active eq true", true),
        ("active eq false", false),
        ("active ne true", false),
        ("emails.primary eq true", true),
        ("x509Certificates.value eq \"MIIa+/=\"", true),
        ("x509Certificates.value eq \"miia+/=\"", false),
        ("x509Certificates.value eq \"MIIa+/\"", true),
        ("x509Certificates.value eq \"MIIa+/==\"", true),
        ("x509Certificates.value eq \"MIIa-_=\"", false),
        ("x509Certificates.value eq \"***\"", false),
        ("x509Certificates.value ne \"MIIa+/\"", false),
        ("x509Certificates.value eq \"\"", false),
        ("x509Certificates sw \"MII\"", true),
        ("x509Certificates ew \"/\"", false),
        ("x509Certificates ew \"/=\"", true),
        ("meta.resourceType eq \"User\"", true),
        ("meta.resourceType eq \"user\"", false),
        ("ENT:department eq \"r&d\"", true),
        ("urn:IETF:params:scim:schemas:CORE:2.0:User:name.familyName ew \"SEN\"", true),
    ]);
}

#[test]
fn filters_of_patch_paths_select_values() {
    let user = user();
    let selected = |path: &str| {
        let path =
            Path::parse(path).unwrap().resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
        let ResolvedPath::Attribute { attr, filter: Some(filter) } = path else { panic!("a value path") };
        let values = user[attr.name()].as_array().unwrap();
        values.iter().map(|value| filter.matches_value(Json(value))).collect::<Vec<_>>()
    };
    assert_eq!(selected("emails[type eq \"work\"].value"), [true, false, false]);
    assert_eq!(selected("emails[type ne \"work\"]"), [false, true, true]);
    assert_eq!(selected("emails[type eq \"WORK\" or not (type pr)]"), [true, false, true]);
    assert_eq!(selected("schemas[value ew \"User\"]"), [true]);
}

/// F18, 3.4.2.3: sorting.
#[test]
fn sort_keys() {
    let sorted = |by: &str, resources: &[Value]| {
        let attr = AttrPath::parse(&long(by)).unwrap().resolve_sort(&SimpleSchema::user()).unwrap();
        let mut keys: Vec<_> =
            resources.iter().enumerate().map(|(index, it)| (attr.sort_key(Json(it)), index)).collect();
        keys.sort();
        keys.into_iter().map(|(_, index)| index).collect::<Vec<_>>()
    };
    let named = |name: &str| json!({"userName": name, "id": name});
    let names = [named("b"), json!({}), named("C"), named("a"), named("Ä"), named("B2")];
    assert_eq!(sorted("userName", &names), [3, 0, 5, 2, 4, 1]);
    assert_eq!(sorted("id", &names), [5, 2, 3, 0, 4, 1]);

    let mails = [
        json!({"emails": [{"value": "z"}, {"value": "b", "primary": true}]}),
        json!({"emails": [{"value": "a"}, {"value": "y"}]}),
        json!({"emails": []}),
        json!({"emails": [null, {"value": "c", "primary": false}]}),
    ];
    assert_eq!(sorted("emails", &mails), [1, 0, 3, 2]);
    assert_eq!(sorted("emails.value", &mails), [1, 0, 3, 2]);

    let created = |text: &str| json!({"meta": {"created": text}});
    let dates = [
        created("2020-01-01T00:00:00Z"),
        created("nonsense"),
        created("2020-01-01T00:30:00+01:00"),
        created("2019-12-31T23:00:00"),
    ];
    assert_eq!(sorted("meta.created", &dates), [3, 2, 0, 1]);

    let load =
        |value: Value| json!({"urn:example:params:scim:schemas:extension:load:2.0": {"logins": value}});
    let numbers = [
        load(json!(10)),
        load(json!(9.5)),
        load(json!(-1)),
        load(json!("8")),
        load(json!(u64::MAX)),
        load(json!(9)),
    ];
    assert_eq!(sorted("LOAD:logins", &numbers), [2, 5, 1, 0, 4, 3]);

    let active = |value: Value| json!({"active": value});
    assert_eq!(
        sorted("active", &[active(json!(true)), active(json!(null)), active(json!(false))]),
        [2, 0, 1]
    );
    assert!(SortKey::Text("z".into()) < SortKey::Unassigned);
}
