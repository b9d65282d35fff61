//! Every tolerated deviation: taken and counted with its flag, refused without it; and nothing else is counted.

use http::Request;
use scim_core::{Quirk, QuirkUses, Quirks, Registry};
use scim_server::Body;
use scim_server::store::MemoryStore;
use std::sync::Arc;

use crate::common::*;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A server with the users `id-1` (ann) and `id-2` (bob) and the group `id-3` of both.
async fn server(quirks: Quirks) -> Server {
    let server = Server::new(Arc::new(MemoryStore::new()), Registry::rfc7643(), quirks);
    let ann = json!({"schemas": [USER], "userName": "ann", "active": true, "title": "Boss",
        "emails": [{"value": "ann@x.org", "type": "home"}]});
    server.post("/Users", &ann).await.expect(201);
    server.post("/Users", &json!({"schemas": [USER], "userName": "bob"})).await.expect(201);
    let members = json!([{"value": "id-1"}, {"value": "id-2"}]);
    let group = json!({"schemas": [GROUP], "displayName": "staff", "members": members});
    server.post("/Groups", &group).await.expect(201);
    assert_eq!(server.service.quirk_uses().to_string(), "none");
    server
}

/// Sends a request that needs a quirk: with it, without it, and where none is on.
async fn needs(quirk: Quirk, method: &str, path: &str, body: Value, scim_type: &str) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let tolerant = server(Quirks::interop()).await;
    let answer = tolerant.send(method, path, &body).await;
    assert!(answer.status < 300, "{quirk}: {}", answer.text);
    let uses: Vec<Quirk> = tolerant.service.quirk_uses().iter().map(|(quirk, _)| quirk).collect();
    assert_eq!(uses, [quirk], "{method} {path} {body}");
    for quirks in [Quirks::interop().with(quirk, false), Quirks::strict()] {
        let strict = server(quirks).await;
        strict.send(method, path, &body).await.refused(400, scim_type);
        assert_eq!(strict.service.quirk_uses().to_string(), "none");
    }
    let alone = server(Quirks::strict().with(quirk, true)).await;
    assert_eq!(alone.send(method, path, &body).await.status, answer.status, "{quirk} alone is enough");
}

async fn patch_needs(quirk: Quirk, path: &str, operation: Value, scim_type: &str) {
    needs(quirk, "PATCH", path, json!({"schemas": [PATCH_OP], "Operations": [operation]}), scim_type).await;
}

async fn user_needs(quirk: Quirk, name: &str, value: Value) {
    let mut body = json!({"schemas": [USER], "userName": "new"});
    body[name] = value;
    needs(quirk, "POST", "/Users", body, "invalidValue").await;
}

#[tokio::test]
async fn string_booleans() {
    let operation = json!({"op": "Replace", "path": "active", "value": "False"});
    patch_needs(Quirk::StringBooleans, "/Users/id-1", operation, "invalidValue").await;
    user_needs(Quirk::StringBooleans, "active", json!("true")).await;
    let filter = format!("/Users?filter={}", encode("active eq \"True\""));
    needs(Quirk::StringBooleans, "GET", &filter, json!(null), "invalidFilter").await;
    let operation = json!({"op": "remove", "path": "emails[primary eq \"True\"]"});
    patch_needs(Quirk::StringBooleans, "/Users/id-1", operation, "invalidFilter").await;
}

#[tokio::test]
async fn create_on_no_match() {
    let operation = json!({"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@x.org"});
    patch_needs(Quirk::CreateOnNoMatch, "/Users/id-1", operation, "noTarget").await;
    let operation =
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "a@x.org"}});
    patch_needs(Quirk::CreateOnNoMatch, "/Users/id-1", operation, "noTarget").await;
}

#[tokio::test]
async fn remove_listed_values() {
    let operation = json!({"op": "Remove", "path": "members", "value": [{"value": "id-1"}]});
    patch_needs(Quirk::RemoveListedValues, "/Groups/id-3", operation, "invalidValue").await;
    let operation = json!({"op": "remove", "path": "emails", "value": [{"value": "ann@x.org"}]});
    patch_needs(Quirk::RemoveListedValues, "/Users/id-1", operation, "invalidValue").await;
}

#[tokio::test]
async fn dotted_keys() {
    let operation = json!({"op": "replace", "value": {"name.givenName": "Ann"}});
    patch_needs(Quirk::DottedKeys, "/Users/id-1", operation, "invalidPath").await;
}

#[tokio::test]
async fn scalar_complex_values() {
    for manager in [json!("id-2"), json!([{"value": "id-2"}])] {
        let operation = json!({"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": manager});
        patch_needs(Quirk::ScalarComplexValues, "/Users/id-1", operation, "invalidValue").await;
    }
    user_needs(Quirk::ScalarComplexValues, "emails", json!(["a@x.org"])).await;
}

#[tokio::test]
async fn ignore_read_only_in_patch() {
    let operation = json!({"op": "replace", "value": {"id": "another", "displayName": "crew"}});
    patch_needs(Quirk::IgnoreReadOnlyInPatch, "/Groups/id-3", operation, "mutability").await;
}

#[tokio::test]
async fn assume_schemas() {
    for schemas in [json!(null), json!([]), json!(["urn:scim:schemas:core:1.0"])] {
        let body = json!({"schemas": schemas, "userName": "new"});
        needs(Quirk::AssumeSchemas, "POST", "/Users", body, "invalidSyntax").await;
    }
}

#[tokio::test]
async fn ignore_unknown_attributes() {
    user_needs(Quirk::IgnoreUnknownAttributes, "shoeSize", json!(5)).await;
    user_needs(Quirk::IgnoreUnknownAttributes, "name", json!({"nick": "n", "givenName": "g"})).await;
    user_needs(Quirk::IgnoreUnknownAttributes, "urn:example:none", json!({"a": 1})).await;
    let operation = json!({"op": "replace", "value": {"shoeSize": 5}});
    patch_needs(Quirk::IgnoreUnknownAttributes, "/Users/id-1", operation, "invalidPath").await;
}

#[tokio::test]
async fn bare_word_literals() {
    let filter = format!("/Users?filter={}", encode("userName eq ann"));
    needs(Quirk::BareWordLiterals, "GET", &filter, json!(null), "invalidFilter").await;
    let operation = json!({"op": "replace", "path": "emails[type eq home].value", "value": "b@x.org"});
    patch_needs(Quirk::BareWordLiterals, "/Users/id-1", operation, "invalidFilter").await;
}

#[tokio::test]
async fn wrap_single_values() {
    user_needs(Quirk::WrapSingleValues, "emails", json!({"value": "a@x.org"})).await;
    let operation = json!({"op": "replace", "path": "title", "value": "t"});
    let body = json!({"schemas": [PATCH_OP], "Operations": operation});
    needs(Quirk::WrapSingleValues, "PATCH", "/Users/id-1", body, "invalidSyntax").await;
}

#[tokio::test]
async fn empty_strings() {
    user_needs(Quirk::EmptyStrings, "active", json!("")).await;
    user_needs(Quirk::EmptyStrings, "emails", json!([{"value": "a@x.org", "primary": ""}])).await;
}

#[tokio::test]
async fn user_name_blanks() {
    let body = json!({"schemas": [USER], "userName": "anna b"});
    needs(Quirk::UserNameBlanks, "POST", "/Users", body, "invalidValue").await;
}

#[tokio::test]
async fn any_user_name() {
    let body = json!({"schemas": [USER], "userName": "anna\u{265a}"});
    needs(Quirk::AnyUserName, "POST", "/Users", body, "invalidValue").await;
}

#[tokio::test]
async fn any_country() {
    user_needs(Quirk::AnyCountry, "addresses", json!([{"country": "Germany"}])).await;
}

#[tokio::test]
async fn any_url() {
    user_needs(Quirk::AnyUrl, "profileUrl", json!("www.example.com/ann")).await;
    user_needs(Quirk::AnyUrl, "photos", json!([{"value": "ann.png", "type": "photo"}])).await;
}

#[tokio::test]
async fn any_language() {
    user_needs(Quirk::AnyLanguage, "locale", json!("en-US.UTF-8")).await;
    user_needs(Quirk::AnyLanguage, "preferredLanguage", json!("English (US)")).await;
    let operation = json!({"op": "replace", "path": "locale", "value": "German, Swiss"});
    patch_needs(Quirk::AnyLanguage, "/Users/id-1", operation, "invalidValue").await;
}

#[tokio::test]
async fn any_time_zone() {
    user_needs(Quirk::AnyTimeZone, "timezone", json!("Pacific Standard Time")).await;
}

#[tokio::test]
async fn forget_passwords() {
    let operation = json!({"op": "replace", "value": {"password": "N3w-pw"}});
    patch_needs(Quirk::ForgetPasswords, "/Users/id-1", operation, "mutability").await;
    let operation = json!({"op": "add", "path": "password", "value": "N3w-pw"});
    patch_needs(Quirk::ForgetPasswords, "/Users/id-1", operation, "mutability").await;
}

#[tokio::test]
async fn prefer_attributes() {
    let path = "/Users/id-1?attributes=title&excludedAttributes=title";
    needs(Quirk::PreferAttributes, "GET", path, json!(null), "invalidValue").await;
}

/// What needs no tolerance counts no use, however many flags are on.
#[tokio::test]
async fn what_the_rfcs_allow_is_no_use_of_a_quirk() {
    let server = server(Quirks::interop()).await;
    let user = json!({"schemas": [USER, ENTERPRISE], "userName": "new", "active": false, "title": "",
        "emails": [{"value": "a@x.org", "type": "work", "primary": true}], "addresses": [{"country": "DE"}], "password": "first",
        "locale": "de-DE", "timezone": "Europe/Berlin", "preferredLanguage": "de, en;q=0.5",
        "profileUrl": "https://example.com/new", "photos": [{"value": "https://example.com/new.png"}],
        ENTERPRISE: {"manager": {"value": "id-1"}}});
    let id = server.post("/Users", &user).await.expect(201).id();
    server.put(&format!("/Users/{id}"), &user).await.expect(200);
    let operations = json!([
        {"op": "REPLACE", "path": "emails[type eq \"work\"].value", "value": "b@x.org"},
        {"op": "remove", "path": "emails[type eq \"fax\"]"},
        {"op": "replace", "path": "emails[primary eq true].display", "value": "B"},
        {"op": "add", "path": "emails", "value": {"value": "c@x.org"}},
        {"op": "replace", "value": {"id": id, "title": "T", format!("{ENTERPRISE}:department"): "D"}}
    ]);
    server.patch(&format!("/Users/{id}"), operations).await.expect(200);
    server
        .patch("/Groups/id-3", json!([{"op": "remove", "path": "members[value eq \"id-1\"]"}]))
        .await
        .expect(200);
    server.filter("/Users", "active eq true and userName eq \"ann\"").await.expect(200);
    server.get("/Users?attributes=title").await.expect(200);
    assert_eq!(server.service.quirk_uses().to_string(), "none");
    // Nor is what fails with the tolerance as without it.
    server.filter("/Users", "active eq \"maybe\"").await.refused(400, "invalidFilter");
    server.filter("/Users", "userName eq ann and (").await.refused(400, "invalidFilter");
    server
        .patch("/Users/id-1", json!([{"op": "add", "path": "emails[not (type pr)].value", "value": "x"}]))
        .await
        .refused(400, "noTarget");
    assert_eq!(server.service.quirk_uses().to_string(), "none");
}

/// A layer may choose quirks for one request, or for the requests of one tenant; they are counted all the same, or by
/// counters of their own.
#[tokio::test]
async fn a_request_may_bring_quirks_of_its_own() {
    let server = server(Quirks::strict()).await;
    let with = |quirks: Quirks| {
        let path = format!("/Users?filter={}", encode("userName eq ann"));
        Request::get(path).header("host", "example.com").extension(quirks).body(Body::empty()).unwrap()
    };
    server.call(with(Quirks::strict())).await.refused(400, "invalidFilter");
    server.call(with("strict,bare_word_literals".parse().unwrap())).await.expect(200);
    assert_eq!(server.service.quirk_uses().to_string(), "bare_word_literals=1");
    let of_tenant = QuirkUses::new();
    server.call(with(Quirks::interop().counted_by(&of_tenant))).await.expect(200);
    assert_eq!(of_tenant.count(Quirk::BareWordLiterals), 1);
    assert_eq!(server.service.quirk_uses().count(Quirk::BareWordLiterals), 1);
}
