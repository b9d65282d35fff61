//! What a schema makes of filters and paths.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use scim_filter::simple::{SimpleAttribute, SimpleSchema};
use scim_filter::{
    AttrPath, CaseRule, CompareOp, DataType, Filter, Literal, Path, ResolveError, ResolveOptions,
    ResolvedComparison, ResolvedFilter, ResolvedPath, TypedValue, UnknownAttributes,
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const LOAD: &str = "urn:example:params:scim:schemas:extension:load:2.0";

fn resolve(input: &str) -> Result<ResolvedFilter, ResolveError> {
    Filter::parse(input).unwrap().resolve(&SimpleSchema::user(), &ResolveOptions::default())
}

fn printed(input: &str) -> Result<String, String> {
    resolve(input).map(|filter| filter.to_string()).map_err(|error| error.to_string())
}

#[test]
fn filters_come_out_in_registered_spelling() {
    for (input, expected) in [
        ("USERNAME eq \"Bj\"", "userName eq \"Bj\"".to_owned()),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"", "userName sw \"J\"".into()),
        ("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:NAME.FAMILYNAME pr", "name.familyName pr".into()),
        ("urn:ietf:params:scim:schemas:core:2.0:User:meta.created pr", "meta.created pr".into()),
        (
            &format!("{}:DEPARTMENT eq \"x\"", ENTERPRISE.to_lowercase()),
            format!("{ENTERPRISE}:department eq \"x\""),
        ),
        (&format!("{ENTERPRISE}:manager.$REF pr"), format!("{ENTERPRISE}:manager.$ref pr")),
        (&format!("{LOAD}:logins gt 5"), format!("{LOAD}:logins gt 5")),
        (&format!("{LOAD}:quota eq 5.0"), format!("{LOAD}:quota eq 5.0")),
        // A multi-valued complex attribute stands for its `value` (F4), but not where it is only asked for.
        ("emails co \"x\"", "emails.value co \"x\"".into()),
        ("emails pr", "emails pr".into()),
        ("name pr", "name pr".into()),
        // `null` (F3).
        ("title eq null", "not (title pr)".into()),
        ("title NE null", "title pr".into()),
        ("emails eq null and name ne null", "not (emails pr) and name pr".into()),
        ("emails[type eq null]", "emails[not (type pr)]".into()),
        ("Emails[TYPE eq \"work\" and VALUE co \"@\"]", "emails[type eq \"work\" and value co \"@\"]".into()),
        ("name[familyName eq \"x\"]", "name[familyName eq \"x\"]".into()),
        ("schemas[value eq \"urn:x\"]", "schemas[value eq \"urn:x\"]".into()),
        ("active eq true or active ne false", "active eq true or active ne false".into()),
        ("x509Certificates.value eq \"MII=\"", "x509Certificates.value eq \"MII=\"".into()),
        (
            "(title pr and title pr) and (title pr or title pr)",
            "(title pr and title pr) and (title pr or title pr)".into(),
        ),
    ] {
        assert_eq!(printed(input), Ok(expected), "{input}");
    }
}

#[test]
fn filters_that_do_not_fit() {
    for (input, message) in [
        ("noSuch eq 1", "this resource type has no attribute `noSuch`"),
        ("department eq \"x\"", "this resource type has no attribute `department`"),
        ("name.noSuch pr", "attribute `name` has no sub-attribute `noSuch`"),
        ("userName.value pr", "attribute `userName` has no sub-attributes"),
        ("emails[noSuch pr]", "attribute `emails` has no sub-attribute `noSuch`"),
        ("emails[emails.type pr]", "attribute `emails` has no sub-attribute `emails.type`"),
        ("emails[urn:x:type pr]", "attribute `emails` has no sub-attribute `urn:x:type`"),
        ("userName[value pr]", "attribute `userName` has no sub-attributes"),
        ("schemas[type pr]", "attribute `schemas` has no sub-attribute `type`"),
        ("urn:example:none:userName pr", "`urn:example:none` is not a schema of this resource type"),
        ("urn:example:9 pr", "`urn:example:9` is not a schema of this resource type"),
        (&format!("{ENTERPRISE} pr"), &format!("`{ENTERPRISE}` is a schema; name one of its attributes")),
        (&format!("{LOAD}[x pr]"), &format!("`{LOAD}` is a schema; name one of its attributes")),
        (
            &format!("{ENTERPRISE}:userName pr"),
            &format!("this resource type has no attribute `{ENTERPRISE}:userName`"),
        ),
        ("name eq \"x\"", "attribute `name` is complex; name one of its sub-attributes"),
        ("addresses co \"x\"", "attribute `addresses` is complex; name one of its sub-attributes"),
        (
            &format!("{ENTERPRISE}:manager eq \"x\""),
            &format!("attribute `{ENTERPRISE}:manager` is complex; name one of its sub-attributes"),
        ),
        ("password eq \"x\"", "attribute `password` cannot be used in a filter or to sort"),
        ("password pr", "attribute `password` cannot be used in a filter or to sort"),
        ("password eq null", "attribute `password` cannot be used in a filter or to sort"),
        ("password eq 1", "attribute `password` cannot be used in a filter or to sort"),
        ("title gt null", "operator `gt` does not apply to null, which attribute `title` is compared with"),
        ("active gt true", "operator `gt` does not apply to attribute `active` of type boolean"),
        ("active co \"t\"", "operator `co` does not apply to attribute `active` of type boolean"),
        ("active eq \"true\"", "attribute `active` is compared with true or false, not with `\"true\"`"),
        (
            "emails[primary eq \"True\"]",
            "attribute `primary` is compared with true or false, not with `\"True\"`",
        ),
        ("title eq true", "attribute `title` is compared with a string in double quotes, not with `true`"),
        ("title eq 12", "attribute `title` is compared with a string in double quotes, not with `12`"),
        (
            "x509Certificates.value gt \"x\"",
            "operator `gt` does not apply to attribute `x509Certificates.value` of type binary",
        ),
        (
            "meta.created co \"2011\"",
            "operator `co` does not apply to attribute `meta.created` of type dateTime",
        ),
        (
            "meta.created gt 5",
            "attribute `meta.created` is compared with a date and time in double quotes, not with `5`",
        ),
        (
            "meta.created gt \"yesterday\"",
            "attribute `meta.created` is compared with a date and time such as \"2011-05-13T04:42:34Z\", not with `\"yesterday\"`",
        ),
        (
            &format!("{LOAD}:logins sw 5"),
            &format!("operator `sw` does not apply to attribute `{LOAD}:logins` of type integer"),
        ),
        (
            &format!("{LOAD}:logins eq \"5\""),
            &format!("attribute `{LOAD}:logins` is compared with a number, not with `\"5\"`"),
        ),
        (
            "title pr and (title pr or not (emails[noSuch eq 1]))",
            "attribute `emails` has no sub-attribute `noSuch`",
        ),
    ] {
        assert_eq!(printed(input), Err(message.to_owned()), "{input}");
    }
    let long = format!("title eq \"{}\"", "x".repeat(500)).replace("title", "active");
    assert!(printed(&long).unwrap_err().len() < 120);
    assert!(printed(&format!("{} pr", "x".repeat(5_000))).unwrap_err().len() < 200);
}

#[test]
fn operators_and_types() {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    let all = CompareOp::ALL.to_vec();
    for (attr, value, allowed) in [
        ("title", "\"x\"", all.clone()),
        ("meta.location", "\"x\"", all),
        ("active", "true", vec![Eq, Ne]),
        ("urn:example:params:scim:schemas:extension:load:2.0:logins", "5", vec![Eq, Ne, Gt, Ge, Lt, Le]),
        ("urn:example:params:scim:schemas:extension:load:2.0:quota", "5.5", vec![Eq, Ne, Gt, Ge, Lt, Le]),
        ("meta.created", "\"2020-01-01T00:00:00Z\"", vec![Eq, Ne, Gt, Ge, Lt, Le]),
        ("x509Certificates", "\"MII=\"", vec![Eq, Ne, Co, Sw, Ew]),
        ("name", "\"x\"", vec![]),
    ] {
        for op in CompareOp::ALL {
            let resolved = resolve(&format!("{attr} {op} {value}"));
            assert_eq!(resolved.is_ok(), allowed.contains(&op), "{attr} {op}");
        }
    }
}

#[test]
fn unknown_attributes_can_count_as_having_no_value() {
    let options = ResolveOptions::default().with_unknown(UnknownAttributes::NoValue);
    let schema = SimpleSchema::user();
    for (input, expected) in [
        ("noSuch eq \"x\"", "false"),
        ("noSuch gt 5", "false"),
        ("noSuch pr", "false"),
        ("noSuch ne \"x\"", "true"),
        ("noSuch eq null", "true"),
        ("noSuch ne null", "false"),
        ("not (noSuch pr)", "true"),
        ("noSuch[a eq 1]", "false"),
        ("name.noSuch eq 1", "false"),
        ("urn:example:none:a eq 1", "false"),
        ("emails[noSuch eq 1]", "false"),
        ("emails[noSuch ne 1 and type eq \"work\"]", "emails[type eq \"work\"]"),
        ("emails[noSuch ne 1]", "emails[true]"),
        ("title pr and noSuch eq 1", "false"),
        ("title pr or noSuch eq 1", "title pr"),
        ("title pr or noSuch ne 1", "true"),
        ("title pr and noSuch ne 1 and active eq true", "title pr and active eq true"),
        ("noSuch eq 1 or noSuch eq 2", "false"),
        ("noSuch ne 1 and noSuch ne 2", "true"),
    ] {
        let resolved = Filter::parse(input).unwrap().resolve(&schema, &options);
        assert_eq!(resolved.map(|filter| filter.to_string()).as_deref(), Ok(expected), "{input}");
    }
    // What is known is checked as ever.
    for input in ["title eq 5", "password eq \"x\"", "name eq \"x\"", "noSuch eq 1 and active gt true"] {
        assert!(Filter::parse(input).unwrap().resolve(&schema, &options).is_err(), "{input}");
    }
}

#[test]
fn strings_can_stand_for_booleans() {
    let options = ResolveOptions::default().with_string_booleans(true);
    for (input, expected) in [
        ("emails[primary eq \"True\"]", Some("emails[primary eq true]")),
        ("active ne \"FALSE\"", Some("active ne false")),
        ("active eq true", Some("active eq true")),
        ("title eq \"True\"", Some("title eq \"True\"")),
        ("active eq \"yes\"", None),
        ("active co \"True\"", None),
        ("active eq 1", None),
    ] {
        let resolved = Filter::parse(input).unwrap().resolve(&SimpleSchema::user(), &options);
        assert_eq!(resolved.ok().map(|filter| filter.to_string()).as_deref(), expected, "{input}");
    }
}

#[test]
fn values_are_typed() {
    let value = |input: &str| match resolve(input) {
        Ok(ResolvedFilter::Compare(comparison)) => comparison.value,
        other => panic!("{other:?}"),
    };
    let TypedValue::String(string) = value("userName eq \"ＢJensen\"") else { panic!("a string") };
    assert_eq!((string.text(), string.key()), ("ＢJensen", "bjensen"));
    let TypedValue::String(string) = value("id eq \"ABC\"") else { panic!("a string") };
    assert_eq!((string.text(), string.key()), ("ABC", "ABC"));
    let TypedValue::Instant(instant) = value("meta.created eq \"2020-01-01T01:00:00+01:00\"") else {
        panic!("an instant")
    };
    assert_eq!((instant.text(), instant.instant().timestamp()), ("2020-01-01T01:00:00+01:00", 1_577_836_800));
    assert_eq!(
        value("meta.created eq \"2020-01-01T01:00:00+01:00\""),
        value("meta.created eq \"2020-01-01T00:00:00.0\"")
    );
    let TypedValue::Number(number) = value(&format!("{LOAD}:logins eq 5")) else { panic!("a number") };
    assert_eq!((number.as_str(), number.as_i64()), ("5", Some(5)));
    assert_eq!(value(&format!("{LOAD}:logins eq 5.0")), TypedValue::Number(number));
    assert_eq!(value("active eq true"), TypedValue::Bool(true));
    assert_eq!(value("x509Certificates eq \"MII=\""), TypedValue::Binary("MII=".into()));
}

#[test]
fn attributes_tell_of_their_target() {
    let attr = |input: &str| match AttrPath::parse(input).unwrap().resolve(&SimpleSchema::user()) {
        Ok(ResolvedPath::Attribute { attr, filter: None }) => attr,
        other => panic!("{other:?}"),
    };
    let value = attr("EMAILS.VALUE");
    assert_eq!((value.extension(), value.name(), value.sub()), (None, "emails", Some("value")));
    assert_eq!(
        (value.data_type(), value.case_rule(), value.is_multi_valued()),
        (DataType::String, CaseRule::Fold, true)
    );
    assert_eq!(value.parent(), Some(attr("emails")));
    assert_eq!(attr("emails").data_type(), DataType::Complex);
    assert_eq!(attr("userName").case_rule(), CaseRule::UserName);
    assert_eq!(attr("userName").parent(), None);
    let manager = attr(&format!("{ENTERPRISE}:manager.displayName"));
    assert_eq!(
        (manager.extension(), manager.name(), manager.sub()),
        (Some(ENTERPRISE), "manager", Some("displayName"))
    );
    assert_eq!(attr("password").name(), "password");
}

#[test]
fn uris_alone_name_schemas() {
    let schema = SimpleSchema::user()
        .with_extension("urn:example:a:b", [SimpleAttribute::new("c", DataType::String)])
        .with_extension(
            "urn:example:a",
            [
                SimpleAttribute::new("b", DataType::String),
                SimpleAttribute::complex("d", [SimpleAttribute::new("e", DataType::String)]),
            ],
        );
    let resolve = |input: &str| Path::parse(input).unwrap().resolve(&schema, &ResolveOptions::default());
    let extension = |uri: &str| Ok(ResolvedPath::Extension(Arc::from(uri)));
    assert_eq!(resolve(ENTERPRISE), extension(ENTERPRISE));
    assert_eq!(resolve(&ENTERPRISE.to_uppercase()), extension(ENTERPRISE));
    assert_eq!(resolve(LOAD), extension(LOAD), "a URI that ends in :2.0");
    assert_eq!(resolve(CORE), Ok(ResolvedPath::Resource));
    // The longest URI wins over an attribute of a shorter one.
    assert_eq!(resolve("urn:example:a:b"), extension("urn:example:a:b"));
    assert_eq!(resolve("urn:example:a:b:c").unwrap().to_string(), "urn:example:a:b:c");
    assert_eq!(resolve("urn:example:A:D.E").unwrap().to_string(), "urn:example:a:d.e");
    assert!(matches!(resolve("urn:example:z"), Err(ResolveError::UnknownSchema { .. })));
    assert!(matches!(resolve("urn:example:a:z"), Err(ResolveError::UnknownAttribute { .. })));
}

#[test]
fn patch_paths() {
    let resolve = |input: &str| {
        let path = Path::parse(input).unwrap().resolve(&SimpleSchema::user(), &ResolveOptions::default());
        path.map(|path| path.to_string()).map_err(|error| error.to_string())
    };
    for (input, expected) in [
        ("NICKNAME", "nickName"),
        ("emails", "emails"),
        ("password", "password"),
        ("name.FAMILYNAME", "name.familyName"),
        ("emails[TYPE eq \"work\"]", "emails[type eq \"work\"]"),
        ("emails[type eq \"work\"].VALUE", "emails[type eq \"work\"].value"),
        ("schemas[value eq \"urn:x\"]", "schemas[value eq \"urn:x\"]"),
        ("groups[value eq null].$ref", "groups[not (value pr)].$ref"),
    ] {
        assert_eq!(resolve(input).as_deref(), Ok(expected), "{input}");
    }
    for (input, message) in [
        ("noSuch", "this resource type has no attribute `noSuch`"),
        ("noSuch[a pr]", "this resource type has no attribute `noSuch`"),
        ("userName.x", "attribute `userName` has no sub-attributes"),
        ("emails[noSuch pr]", "attribute `emails` has no sub-attribute `noSuch`"),
        ("emails[type pr].noSuch", "attribute `emails` has no sub-attribute `noSuch`"),
        ("emails.type[value pr]", "attribute `emails.type` has no sub-attributes"),
        ("userName[value pr]", "attribute `userName` has no sub-attributes"),
        ("schemas[value pr].value", "attribute `schemas` has no sub-attributes"),
        ("emails[primary gt true]", "operator `gt` does not apply to attribute `primary` of type boolean"),
        ("password[value pr]", "attribute `password` cannot be used in a filter or to sort"),
    ] {
        assert_eq!(resolve(input), Err(message.to_owned()), "{input}");
    }
    // Names must be known, whatever is asked of filters over several types.
    let options = ResolveOptions::default().with_unknown(UnknownAttributes::NoValue);
    for input in ["noSuch", "emails[noSuch pr]", "emails[type pr].noSuch"] {
        assert!(Path::parse(input).unwrap().resolve(&SimpleSchema::user(), &options).is_err(), "{input}");
    }
}

#[test]
fn sorting_takes_simple_attributes() {
    let sort = |input: &str| {
        let attr = AttrPath::parse(input).unwrap().resolve_sort(&SimpleSchema::user());
        attr.map(|attr| attr.to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(sort("USERNAME").as_deref(), Ok("userName"));
    assert_eq!(sort("emails").as_deref(), Ok("emails.value"));
    assert_eq!(sort(&format!("{ENTERPRISE}:department")), Ok(format!("{ENTERPRISE}:department")));
    assert_eq!(sort("name"), Err("attribute `name` is complex; name one of its sub-attributes".into()));
    assert_eq!(sort("password"), Err("attribute `password` cannot be used in a filter or to sort".into()));
    assert_eq!(sort(ENTERPRISE), Err(format!("`{ENTERPRISE}` is a schema; name one of its attributes")));
    assert_eq!(sort("noSuch"), Err("this resource type has no attribute `noSuch`".into()));
}

#[test]
fn attributes_are_visited_with_what_is_around_them() {
    let filter =
        Filter::parse("title pr and not (emails[type eq \"work\" or value pr]) or name.givenName eq \"x\"")
            .unwrap();
    let mut written = Vec::new();
    filter.for_each_attr(|attr, parent| written.push((attr.to_string(), parent.map(ToString::to_string))));
    let mut resolved = Vec::new();
    let filter = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
    filter.for_each_attr(|attr, parent| resolved.push((attr.to_string(), parent.map(ToString::to_string))));
    let emails = || Some("emails".to_owned());
    assert_eq!(
        written,
        [
            ("title".into(), None),
            ("emails".into(), None),
            ("type".into(), emails()),
            ("value".into(), emails()),
            ("name.givenName".into(), None),
        ]
    );
    assert_eq!(resolved, written);
}

#[test]
fn equalities_are_those_that_must_hold() {
    for (input, expected) in [
        ("userName eq \"x\"", vec![("userName", None, true)]),
        ("emails eq \"x\"", vec![("emails", Some("value"), true)]),
        ("emails[value eq \"x\"]", vec![("emails", Some("value"), true)]),
        (
            "emails[value eq \"x\" and type eq \"work\"]",
            vec![("emails", Some("value"), false), ("emails", Some("type"), false)],
        ),
        (
            "(title eq \"x\" and (id eq \"y\" and active eq true)) and userName sw \"x\"",
            vec![("title", None, true), ("id", None, true), ("active", None, true)],
        ),
        ("title eq \"x\" or id eq \"y\"", vec![]),
        ("not (title eq \"x\")", vec![]),
        ("title ne \"x\" and id pr", vec![]),
        ("emails[not (value eq \"x\") and type eq \"a\"]", vec![("emails", Some("type"), false)]),
    ] {
        let filter = resolve(input).unwrap();
        let found: Vec<_> = filter
            .equalities()
            .iter()
            .map(|it| (it.attr.name().to_owned(), it.sub.map(str::to_owned), it.is_whole_term))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, sub, whole)| (name.to_owned(), sub.map(str::to_owned), whole))
            .collect();
        assert_eq!(found, expected, "{input}");
    }
}

#[test]
fn some_filters_describe_the_value_they_look_for() {
    for (input, expected) in [
        ("emails[type eq \"work\"]", Some("type=\"work\"")),
        (
            "emails[type eq \"work\" and (primary eq true and value eq \"x\")]",
            Some("type=\"work\" primary=true value=\"x\""),
        ),
        ("emails[type eq \"work\" or primary eq true]", None),
        ("emails[type sw \"work\"]", None),
        ("emails[type eq \"work\" and value pr]", None),
        ("emails[type eq null]", None),
    ] {
        let Ok(ResolvedFilter::ValuePath { filter, .. }) = resolve(input) else { panic!("a value path") };
        let found = filter.as_equalities().map(|all| {
            all.iter().map(|it| format!("{}={}", it.attr, it.value)).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found.as_deref(), expected, "{input}");
    }
}

#[test]
fn comparisons_can_be_made_without_a_text() {
    let attr = AttrPath::parse("userName").unwrap().resolve_sort(&SimpleSchema::user()).unwrap();
    let make = |op, value| ResolvedComparison::new(attr.clone(), op, &value, &ResolveOptions::default());
    let made = make(CompareOp::Eq, Literal::String("x".into())).unwrap();
    assert_eq!(resolve("userName eq \"x\""), Ok(ResolvedFilter::Compare(made)));
    assert!(make(CompareOp::Eq, Literal::Null).is_err());
    assert!(make(CompareOp::Gt, Literal::Bool(true)).is_err());
}
