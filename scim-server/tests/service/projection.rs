use crate::common::*;

#[tokio::test]
async fn rfc7644_3_9_attributes_and_excluded_attributes() {
    let server = Server::new();
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    let department = format!("attributes={ENTERPRISE}:department");
    let extension = format!("attributes={ENTERPRISE}");
    let core = format!("attributes={}:USERNAME", USER.to_uppercase());
    let base = json!({"schemas": [USER, ENTERPRISE], "id": id});
    let with = |more: Value| {
        let mut json = base.clone();
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    };
    for (query, expected) in [
        ("attributes=userName", with(json!({"userName": "bjensen@example.com"}))),
        (
            "attributes=USERNAME,%20title",
            with(json!({"userName": "bjensen@example.com", "title": "Tour Guide"})),
        ),
        ("attributes=title&attributes=nickName", with(json!({"title": "Tour Guide", "nickName": "Babs"}))),
        (&core, with(json!({"userName": "bjensen@example.com"}))),
        ("attributes=name.familyName", with(json!({"name": {"familyName": "Jensen"}}))),
        (
            "attributes=emails.value",
            with(json!({"emails": [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}]})),
        ),
        ("attributes=id", base.clone()),
        ("attributes=password", base.clone()),
        ("attributes=doesNotExist", base.clone()),
        (
            "attributes=meta.location",
            with(json!({"meta": {"location": format!("http://example.com/Users/{id}")}})),
        ),
        (&department, with(json!({ENTERPRISE: {"department": "Tour Operations"}}))),
        (
            &extension,
            with(json!({ENTERPRISE: {"department": "Tour Operations", "employeeNumber": "701984"}})),
        ),
    ] {
        assert_eq!(server.get(&format!("/Users/{id}?{query}")).await.expect(200).json(), expected, "{query}");
        let listed = server.get(&format!("/Users?{query}")).await.expect(200).json();
        assert_eq!(listed["Resources"], json!([expected]), "{query}");
    }
    for (query, gone) in [
        ("excludedAttributes=emails", "emails"),
        ("excludedAttributes=Title,meta", "meta"),
        (&format!("excludedAttributes={ENTERPRISE}"), ENTERPRISE),
    ] {
        let json = server.get(&format!("/Users/{id}?{query}")).await.expect(200).json();
        assert!(json.get(gone).is_none() && json["userName"] == "bjensen@example.com", "{json}");
    }
    for query in ["excludedAttributes=id", "excludedAttributes=schemas,id,noSuch", "attributes="] {
        let json = server.get(&format!("/Users/{id}?{query}")).await.expect(200).json();
        assert_eq!((&json["id"], &json["schemas"]), (&base["id"], &base["schemas"]), "7644-3.4.2.5-03");
        assert_eq!(json["title"], "Tour Guide");
    }
    let json =
        server.get(&format!("/Users/{id}?excludedAttributes=name.middleName,emails.primary")).await.json();
    assert_eq!(json["name"], json!({"familyName": "Jensen", "givenName": "Barbara"}));
    assert_eq!(json["emails"][0], json!({"value": "bjensen@example.com", "type": "work"}));
}

#[tokio::test]
async fn rfc7644_3_9_05_projection_works_on_every_operation() {
    let server = Server::new();
    let created = server.post("/Users?attributes=title", &barbara()).await.expect(201);
    let id = created.id();
    let expected = json!({"schemas": [USER, ENTERPRISE], "id": id, "title": "Tour Guide"});
    assert_eq!(created.json(), expected);
    assert_eq!(created.header("location"), Some(format!("http://example.com/Users/{id}").as_str()));
    assert!(created.header("etag").is_some());
    assert_eq!(
        server.put(&format!("/Users/{id}?attributes=title"), &barbara()).await.expect(200).json(),
        expected
    );
    let path = format!("/Users/{id}?attributes=title");
    let patched =
        server.patch(&path, json!([{"op": "add", "path": "nickName", "value": "n"}])).await.expect(200);
    assert_eq!(patched.json(), expected);
    let search = json!({"schemas": [SEARCH], "attributes": ["title"]});
    assert_eq!(server.post("/Users/.search", &search).await.json()["Resources"], json!([expected]));
    assert_eq!(server.post("/.search", &search).await.json()["Resources"], json!([expected]));
}

#[tokio::test]
async fn groups_and_members_are_shown_only_where_asked() {
    let server = Server::new();
    let user = server.user(json!({"userName": "a"})).await;
    let group = server.group("g", &[&user]).await;
    for (path, name) in [(format!("/Groups/{group}"), "members"), (format!("/Users/{user}"), "groups")] {
        let value = server.get(&format!("{path}?attributes={name}.value")).await.json()[name][0].clone();
        assert_eq!(value.as_object().unwrap().len(), 1, "{value}");
        assert!(server.get(&format!("{path}?excludedAttributes={name}")).await.json().get(name).is_none());
        assert!(server.get(&format!("{path}?attributes=id")).await.json().get(name).is_none());
    }
}

#[tokio::test]
async fn rfc7644_3_9_04_both_at_once() {
    let strict = Server::strict();
    let detail =
        strict.get("/Users?attributes=id&excludedAttributes=title").await.refused(400, "invalidValue");
    assert_eq!(
        detail,
        "`attributes` and `excludedAttributes` cannot be used together; send only one of them"
    );
    let server = Server::new();
    let id = server.user(json!({"userName": "a", "title": "t"})).await;
    let json = server
        .get(&format!("/Users/{id}?attributes=title&excludedAttributes=title"))
        .await
        .expect(200)
        .json();
    assert_eq!(json, json!({"schemas": [USER], "id": id, "title": "t"}));
}
