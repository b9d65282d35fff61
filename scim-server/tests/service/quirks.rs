//! Every tolerated deviation over HTTP: accepted with `Quirks::interop()`, refused with `Quirks::strict()`.

use crate::common::*;

/// Sends a request to a tolerant and to a strict server that have the same three resources.
async fn both(method: &str, path: &str, body: Value) -> (Answer, Answer) {
    let mut answers = Vec::new();
    for server in [Server::new(), Server::strict()] {
        let ann = server.user(json!({"userName": "ann", "title": "Boss", "active": true})).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        let group = server.group("staff", &[&ann, &bob]).await;
        assert_eq!([ann.as_str(), &bob, &group], ["id-1", "id-2", "id-3"]);
        answers.push(server.send(method, path, &[], body.to_string()).await);
    }
    let strict = answers.pop().unwrap();
    (answers.pop().unwrap(), strict)
}

async fn patched(path: &str, operation: Value) -> (Answer, Answer) {
    both("PATCH", path, json!({"schemas": [PATCH_OP], "Operations": [operation]})).await
}

#[tokio::test]
async fn string_booleans() {
    let (ok, strict) =
        patched("/Users/id-1", json!({"op": "Replace", "path": "active", "value": "False"})).await;
    assert_eq!(ok.expect(200).json()["active"], false);
    strict.refused(400, "invalidValue");
    let (ok, strict) = both("GET", "/Users?filter=active%20eq%20%22True%22", json!(null)).await;
    assert_eq!(ok.strings("userName"), ["ann"]);
    strict.refused(400, "invalidFilter");
}

#[tokio::test]
async fn create_on_no_match() {
    let operation = json!({"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@x.org"});
    let (ok, strict) = patched("/Users/id-1", operation).await;
    assert_eq!(ok.expect(200).json()["emails"], json!([{"type": "work", "value": "a@x.org"}]));
    strict.refused(400, "noTarget");
}

#[tokio::test]
async fn remove_listed_values() {
    let operation = json!({"op": "Remove", "path": "members", "value": [{"value": "id-1"}]});
    let (ok, strict) = patched("/Groups/id-3", operation).await;
    let members = ok.expect(200).json()["members"].clone();
    assert_eq!((members.as_array().unwrap().len(), &members[0]["value"]), (1, &json!("id-2")));
    strict.refused(400, "invalidValue");
}

#[tokio::test]
async fn dotted_keys() {
    let (ok, strict) = patched("/Users/id-1", json!({"op": "Add", "value": {"name.familyName": "F"}})).await;
    assert_eq!(ok.expect(200).json()["name"]["familyName"], "F");
    strict.refused(400, "invalidPath");
    for suspended in [json!({USER: {"active": false}}), json!({format!("{USER}:active"): false})] {
        let mut body = json!({"schemas": [USER], "userName": "ann", "name.familyName": "F"});
        body.as_object_mut().unwrap().extend(suspended.as_object().unwrap().clone());
        let (ok, strict) = both("PUT", "/Users/id-1", body.clone()).await;
        let person = ok.expect(200).json();
        assert_eq!((&person["active"], &person["name"]["familyName"]), (&json!(false), &json!("F")));
        strict.refused(400, "invalidValue");
        body["userName"] = json!("new");
        let (ok, strict) = both("POST", "/Users", body.clone()).await;
        assert_eq!(ok.expect(201).json()["active"], false);
        strict.refused(400, "invalidValue");
        body["active"] = json!(true);
        let (clash, strict) = both("PUT", "/Users/id-1", body).await;
        clash.refused(400, "invalidSyntax");
        strict.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn scalar_complex_values() {
    let path = format!("{ENTERPRISE}:manager");
    let (ok, strict) = patched("/Users/id-1", json!({"op": "Add", "path": path, "value": "id-2"})).await;
    assert_eq!(ok.expect(200).json()[ENTERPRISE]["manager"]["value"], "id-2");
    strict.refused(400, "invalidValue");
}

#[tokio::test]
async fn ignore_read_only_in_patch() {
    let operation = json!({"op": "replace", "value": {"id": "other", "displayName": "crew"}});
    let (ok, strict) = patched("/Groups/id-3", operation).await;
    assert_eq!(ok.expect(200).json()["displayName"], "crew");
    strict.refused(400, "mutability");
    let same = json!({"op": "replace", "value": {"id": "id-3", "displayName": "crew"}});
    let (ok, strict) = patched("/Groups/id-3", same).await;
    ok.expect(200);
    strict.expect(200);
}

#[tokio::test]
async fn what_was_read_can_be_sent_back_in_a_patch() {
    for server in [Server::new(), Server::strict()] {
        let ann = server.user(json!({"userName": "ann", "name": {"familyName": "A"}})).await;
        let group = server.group("staff", &[&ann]).await;
        for path in [format!("/Users/{ann}"), format!("/Groups/{group}")] {
            let before = server.get(&path).await.expect(200);
            server.tick();
            let whole = json!([{"op": "replace", "value": before.json()}]);
            assert_eq!(server.patch(&path, whole).await.expect(200).text, before.text);
            let part = json!({"meta": {"resourceType": before.json()["meta"]["resourceType"]}});
            server.patch(&path, json!([{"op": "add", "value": part}])).await.expect(200);
        }
    }
}

#[tokio::test]
async fn strict_refuses_another_value_for_what_the_server_sets() {
    let server = Server::strict();
    let ann = server.user(json!({"userName": "ann"})).await;
    let path = format!("/Users/{ann}");
    server.patch(&path, json!([{"op": "add", "value": {"groups": []}}])).await.expect(200);
    server.group("staff", &[&ann]).await;
    let groups = server.get(&path).await.json()["groups"].clone();
    server.patch(&path, json!([{"op": "add", "value": {"groups": groups}}])).await.expect(200);
    for other in [
        json!({"id": "other"}),
        json!({"ID": null}),
        json!({"meta": {"version": "W/\"999\""}}),
        json!({"meta": {"created": "2001-01-01T00:00:00Z", "resourceType": "User"}}),
        json!({"meta": "x"}),
        json!({"groups": []}),
        json!({"groups": [{"value": "id-9"}]}),
    ] {
        let detail =
            server.patch(&path, json!([{"op": "replace", "value": other}])).await.refused(400, "mutability");
        assert!(detail.ends_with("is set by the server and cannot be changed"), "{detail}");
    }
}

#[tokio::test]
async fn assume_schemas() {
    for schemas in [json!(null), json!([]), json!(["urn:scim:schemas:core:1.0"])] {
        let (ok, strict) = both("POST", "/Users", json!({"schemas": schemas, "userName": "new"})).await;
        assert_eq!(ok.expect(201).json()["schemas"], json!([USER]));
        strict.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn ignore_unknown_attributes() {
    let body = json!({"schemas": [USER], "userName": "new", "shoeSize": 5, "urn:example:none": {"a": 1}});
    let (ok, strict) = both("POST", "/Users", body).await;
    assert!(!ok.expect(201).text.contains("shoeSize"));
    strict.refused(400, "invalidValue");
}

#[tokio::test]
async fn bare_word_literals() {
    let (ok, strict) = both("GET", "/Users?filter=userName%20eq%20ann", json!(null)).await;
    assert_eq!(ok.strings("userName"), ["ann"]);
    strict.refused(400, "invalidFilter");
    let search = json!({"schemas": [SEARCH], "filter": "meta.resourceType eq User"});
    let (ok, strict) = both("POST", "/Users/.search", search).await;
    assert_eq!(ok.expect(200).json()["totalResults"], 2);
    strict.refused(400, "invalidFilter");
}

#[tokio::test]
async fn wrap_single_values() {
    let body = json!({"schemas": [USER], "userName": "new", "emails": {"value": "a@x.org"}});
    let (ok, strict) = both("POST", "/Users", body).await;
    assert_eq!(ok.expect(201).json()["emails"], json!([{"value": "a@x.org"}]));
    strict.refused(400, "invalidValue");
}

#[tokio::test]
async fn empty_strings() {
    let body = json!({"schemas": [USER], "userName": "new", "active": "", "emails": ""});
    let (ok, strict) = both("POST", "/Users", body).await;
    let json = ok.expect(201).json();
    assert!(json.get("active").is_none() && json.get("emails").is_none());
    strict.refused(400, "invalidValue");
}

#[tokio::test]
async fn prefer_attributes() {
    let (ok, strict) =
        both("GET", "/Users/id-1?attributes=title&excludedAttributes=title", json!(null)).await;
    assert_eq!(ok.expect(200).json()["title"], "Boss");
    strict.refused(400, "invalidValue");
}

/// Okta synchronizes passwords like this. A user that comes with one is made, and replaced, in every mode.
#[tokio::test]
async fn forget_passwords() {
    let (ok, strict) =
        patched("/Users/id-1", json!({"op": "replace", "value": {"password": "N3w-pw"}})).await;
    assert!(!ok.expect(200).text.contains("N3w-pw"));
    let detail = strict.refused(400, "mutability");
    assert!(detail.starts_with("`password` cannot be changed: this server signs nobody in"), "{detail}");
    assert!(!strict.text.contains("N3w-pw"));
    let (ok, strict) = patched("/Users/id-1", json!({"op": "remove", "path": "password"})).await;
    assert_eq!((ok.status, strict.status), (200, 200), "there is none");
    let body = json!({"schemas": [USER], "userName": "new", "password": "N3w-pw"});
    let (ok, strict) = both("POST", "/Users", body.clone()).await;
    assert_eq!((ok.status, strict.status), (201, 201));
    let (ok, strict) = both("PUT", "/Users/id-1", body).await;
    assert_eq!((ok.status, strict.status), (200, 200));
}

#[tokio::test]
async fn any_url_language_and_time_zone() {
    for (name, value) in [
        ("profileUrl", json!("www.example.com/ann")),
        ("photos", json!([{"value": "ann.png"}])),
        ("locale", json!("en-US.UTF-8")),
        ("preferredLanguage", json!("English (US)")),
        ("timezone", json!("Pacific Standard Time")),
    ] {
        let mut body = json!({"schemas": [USER], "userName": "new"});
        body[name] = value.clone();
        let (ok, strict) = both("POST", "/Users", body).await;
        assert_eq!(ok.expect(201).json()[name], value);
        strict.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn what_is_always_tolerated() {
    let (ok, strict) = patched("/Users/id-1", json!({"op": "REPLACE", "path": "title", "value": "x"})).await;
    assert_eq!((ok.status, strict.status), (200, 200), "P6");
    let filter = encode("emails[type eq \"work\"].value eq \"a\"");
    let (ok, strict) = both("GET", &format!("/Users?filter={filter}"), json!(null)).await;
    assert_eq!((ok.status, strict.status), (200, 200), "F5");
    let whole = json!({"op": "add", "path": ENTERPRISE, "value": {"department": "D"}});
    let (ok, strict) = patched("/Users/id-1", whole).await;
    assert_eq!((ok.status, strict.status), (200, 200), "P8");
}
