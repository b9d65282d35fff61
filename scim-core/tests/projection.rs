//! What an answer shows (RFC 7644 section 3.9, `returned` of RFC 7643 section 7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{definition, object, resolve, text, value};
use scim_core::fuzzing::{EXTRA, THING};
use scim_core::{Projection, QueryParams, Quirks, TypeDefinition, urn};

fn projection(definition: &TypeDefinition, only: &str, without: &str) -> Projection {
    let mut params = QueryParams::default();
    params.set("attributes", only).unwrap();
    params.set("excludedAttributes", without).unwrap();
    Projection::new(definition, &params, &Quirks::strict()).unwrap()
}

#[track_caller]
fn shows(definition: &TypeDefinition, projection: &Projection, resource: &str, expected: &str) {
    let resource = object(resource);
    let shown = projection.apply(definition, &resource);
    assert_eq!(shown, object(expected), "{}", text(Some(&shown.clone().into())));
    let mut written = Vec::new();
    projection.write(definition, &resource, &mut written);
    assert_eq!(String::from_utf8(written).unwrap(), text(Some(&shown.into())), "written as it is shown");
}

fn user() -> String {
    format!(
        r#"{{"schemas":["{}","{ENT}"],"id":"1","userName":"u","password":"secret","name":{{"givenName":"G","familyName":"F"}},
        "emails":[{{"value":"a","type":"work"}},{{"value":"b"}}],"meta":{{"location":"l","version":"v"}},
        "{ENT}":{{"department":"D","manager":{{"value":"m","displayName":"M"}}}}}}"#,
        urn::USER
    )
}

const ENT: &str = urn::ENTERPRISE_USER;

#[test]
fn users() {
    let users = definition("User");
    let schemas = format!(r#""schemas":["{}","{ENT}"]"#, urn::USER);
    let meta = r#""meta":{"location":"l","version":"v"}"#;
    let name = r#""name":{"givenName":"G","familyName":"F"}"#;
    let emails = r#""emails":[{"value":"a","type":"work"},{"value":"b"}]"#;
    let ent = format!(r#""{ENT}":{{"department":"D","manager":{{"value":"m","displayName":"M"}}}}"#);
    let all = format!(r#""userName":"u",{name},{emails},{meta},{ent}"#);
    let table: &[(&str, &str, String)] = &[
        ("", "", all.clone()),
        ("userName", "", r#""userName":"u""#.to_owned()),
        ("USERNAME, emails", "", format!(r#""userName":"u",{emails}"#)),
        ("name.familyName", "", r#""name":{"familyName":"F"}"#.to_owned()),
        ("name.familyName,name", "", name.to_owned()),
        ("emails.value", "", r#""emails":[{"value":"a"},{"value":"b"}]"#.to_owned()),
        ("emails.type", "", r#""emails":[{"type":"work"}]"#.to_owned()),
        ("emails.display", "", String::new()),
        ("meta.location", "", r#""meta":{"location":"l"}"#.to_owned()),
        ("id", "", String::new()),
        ("password", "", String::new()),
        ("doesNotExist", "", String::new()),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "", r#""userName":"u""#.to_owned()),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
            "",
            r#""name":{"givenName":"G"}"#.to_owned(),
        ),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "",
            format!(r#""userName":"u",{name},{emails},{meta}"#),
        ),
        (ENT, "", ent.clone()),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "",
            format!(r#""{ENT}":{{"department":"D"}}"#),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:MANAGER.value",
            "",
            format!(r#""{ENT}":{{"manager":{{"value":"m"}}}}"#),
        ),
        ("department", "", String::new()),
        ("", "emails,name", format!(r#""userName":"u",{meta},{ent}"#)),
        (
            "",
            "name.givenName,emails.type",
            format!(
                r#""userName":"u","name":{{"familyName":"F"}},"emails":[{{"value":"a"}},{{"value":"b"}}],{meta},{ent}"#
            ),
        ),
        ("", "name.givenName,name.familyName", format!(r#""userName":"u",{emails},{meta},{ent}"#)),
        ("", "id,schemas,doesNotExist", all.clone()),
        ("", ENT, format!(r#""userName":"u",{name},{emails},{meta}"#)),
        (
            "",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            format!(r#""userName":"u",{name},{emails},{meta},"{ENT}":{{"department":"D"}}"#),
        ),
        ("", "meta", format!(r#""userName":"u",{name},{emails},{ent}"#)),
        ("", "urn:ietf:params:scim:schemas:core:2.0:User", ent.clone()),
    ];
    for (only, without, expected) in table {
        let comma = if expected.is_empty() { "" } else { "," };
        let expected = format!(r#"{{{schemas},"id":"1"{comma}{expected}}}"#);
        shows(&users, &projection(&users, only, without), &user(), &expected);
    }
}

#[test]
fn every_returned_and_every_way_to_ask() {
    let things = definition("Thing");
    let resource = format!(
        r#"{{"schemas":["{THING}"],"id":"1","name":"n","secret":"s","readWritealways":"a","readWritenever":"n","readWritedefault":"d",
        "readWriterequest":"r","writeOnlydefault":"w","writeOnlyalways":"w"}}"#
    );
    let table = [
        ("", "", r#""name":"n","readWritealways":"a","readWritedefault":"d""#),
        ("name", "", r#""name":"n","readWritealways":"a""#),
        ("readWriterequest", "", r#""readWritealways":"a","readWriterequest":"r""#),
        ("readWritenever,writeOnlydefault,writeOnlyalways,secret", "", r#""readWritealways":"a""#),
        ("", "readWritealways", r#""name":"n","readWritealways":"a","readWritedefault":"d""#),
        ("", "readWritedefault,name", r#""readWritealways":"a""#),
        ("", "readWriterequest", r#""name":"n","readWritealways":"a","readWritedefault":"d""#),
    ];
    for (only, without, expected) in table {
        let expected = format!(r#"{{"schemas":["{THING}"],"id":"1",{expected}}}"#);
        shows(&things, &projection(&things, only, without), &resource, &expected);
    }
}

#[test]
fn what_a_request_has_set_is_shown_where_it_is_shown_on_request() {
    let things = definition("Thing");
    let resource = format!(
        r#"{{"schemas":["{THING}"],"name":"n","readWriterequest":"r","{EXTRA}":{{"code":"c","onRequest":"o"}}}}"#
    );
    let shown = |projection: &Projection| text(Some(&projection.apply(&things, &object(&resource)).into()));
    let body = object(r#"{"READWRITEREQUEST":"r"}"#);
    let extension = object(&format!(r#"{{"{EXTRA}":{{"onRequest":"o"}}}}"#));
    let other = object(&format!(r#"{{"{EXTRA}":{{"code":"o"}}}}"#));
    let has = |projection: Projection| {
        let shown = shown(&projection);
        (shown.contains("readWriterequest"), shown.contains("onRequest"))
    };
    assert_eq!(has(Projection::default_set()), (false, false));
    assert_eq!(has(Projection::default_set().with_set_by(&things, &body)), (true, false));
    assert_eq!(has(Projection::default_set().with_set_by(&things, &extension)), (false, true));
    assert_eq!(has(Projection::default_set().with_set_by(&things, &other)), (false, false));
    assert_eq!(has(projection(&things, "", "readWriterequest").with_set_by(&things, &body)), (false, false));
    assert_eq!(has(projection(&things, "name", "").with_set_by(&things, &body)), (false, false));
    let changes =
        resolve(&things, r#"[{"op":"replace","path":"readWriterequest","value":"x"}]"#, &Quirks::strict())
            .unwrap();
    assert_eq!(has(Projection::default_set().with_changed(&things, &changes)), (true, false));
}

#[test]
fn both_lists_at_once_are_refused_unless_one_is_preferred() {
    let users = definition("User");
    let mut params = QueryParams::default();
    params.set("attributes", "userName").unwrap();
    params.set("excludedAttributes", "emails").unwrap();
    let error = Projection::new(&users, &params, &Quirks::strict()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`attributes` and `excludedAttributes` cannot be used together; send only one of them"
    );
    let preferred = Projection::new(&users, &params, &Quirks::interop()).unwrap();
    assert_eq!(preferred.apply(&users, &object(&user())).len(), 3);
}

#[test]
fn names_that_are_repeated_count_once() {
    let users = definition("User");
    let mut params = QueryParams::default();
    params.set("attributes", &"userName,name.givenName,".repeat(10_000)).unwrap();
    let many = Projection::new(&users, &params, &Quirks::strict()).unwrap();
    assert_eq!(many, projection(&users, "userName,name.givenName", ""));
}

#[test]
fn values_that_are_not_objects_and_members_nobody_knows_do_no_harm() {
    let users = definition("User");
    let odd = r#"{"id":"1","name":"text","emails":["x",null],"colour":"red","urn:example:x":{"a":1}}"#;
    let shown = projection(&users, "", "").apply(&users, &object(odd));
    assert_eq!(value(&text(Some(&shown.into()))), value(r#"{"id":"1","name":"text","emails":["x",null]}"#));
}
