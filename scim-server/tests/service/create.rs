use crate::common::*;

#[tokio::test]
async fn rfc7644_3_3_04_05_06_08_created_is_201_with_everything_and_its_location() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let json = created.json();
    assert_eq!(created.header("location"), Some("http://example.com/Users/id-1"));
    assert_eq!(json["meta"]["location"], "http://example.com/Users/id-1");
    assert_eq!(json["id"], "id-1");
    assert_eq!(json["userName"], "bjensen@example.com");
    assert_eq!(json["emails"][1]["value"], "babs@jensen.org");
    assert_eq!(json["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(json[ENTERPRISE]["department"], "Tour Operations");
    let read = server.get("/Users/id-1").await.expect(200);
    assert_eq!(read.text, created.text, "7644-3.1-03: the answer is what a GET shows");
}

#[tokio::test]
async fn rfc7643_3_1_meta_is_the_servers() {
    let server = Server::new();
    let mut body = barbara();
    body["id"] = json!("mine");
    body["meta"] = json!({"resourceType": "Group", "created": "1999-01-01T00:00:00Z", "version": "W/\"9\"",
        "location": "https://evil.example/"});
    body["groups"] = json!([{"value": "g1", "display": "Admins"}]);
    let json = server.post("/Users", &body).await.expect(201).json();
    assert_eq!(json["id"], "id-1", "7643-3.1-01");
    let meta = json!({"resourceType": "User", "created": "2023-11-14T22:13:20.000Z",
        "lastModified": "2023-11-14T22:13:20.000Z", "location": "http://example.com/Users/id-1",
        "version": json["meta"]["version"]});
    assert_eq!(json["meta"], meta, "7643-3.1-11, 12, 13, 14, 15");
    assert!(json.get("groups").is_none(), "7643-4.1.2-06");
}

#[tokio::test]
async fn rfc7643_3_1_07_external_id_is_only_the_clients_and_need_not_be_unique() {
    let server = Server::new();
    let json = server.post("/Users", &json!({"schemas": [USER], "userName": "a"})).await.expect(201).json();
    assert!(json.get("externalId").is_none());
    server.user(json!({"userName": "b", "externalId": "Same"})).await;
    server.user(json!({"userName": "c", "externalId": "Same"})).await;
    assert_eq!(server.names("externalId eq \"Same\"").await, ["b", "c"]);
    assert_eq!(server.names("externalId eq \"same\"").await, [""; 0], "7643-3.1-08: case exact");
}

#[tokio::test]
async fn rfc7643_3_01_02_03_04_schemas() {
    let strict = Server::strict();
    for schemas in [json!(null), json!([]), json!(["urn:example:none"]), json!([ENTERPRISE])] {
        let body = json!({"schemas": schemas, "userName": "a"});
        let detail = strict.post("/Users", &body).await.refused(400, "invalidSyntax");
        assert!(detail.contains("schemas"), "{detail}");
    }
    strict.post("/Users", &json!({"userName": "a"})).await.refused(400, "invalidSyntax");
    for schemas in [json!("x"), json!([1])] {
        let body = json!({"schemas": schemas, "userName": "a"});
        strict.post("/Users", &body).await.refused(400, "invalidValue");
    }
    for (name, schemas) in
        [("a", json!([USER])), ("b", json!([USER, USER])), ("c", json!([USER.to_uppercase()]))]
    {
        let json =
            strict.post("/Users", &json!({"schemas": schemas, "userName": name})).await.expect(201).json();
        assert_eq!(json["schemas"], json!([USER]));
    }
    let body = json!({"schemas": [ENTERPRISE, USER], "userName": "d", ENTERPRISE: {"department": "D"}});
    let json = strict.post("/Users", &body).await.expect(201).json();
    assert_eq!(json["schemas"], json!([USER, ENTERPRISE]));
    // C4: an extension without data is not listed.
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "e"});
    assert_eq!(strict.post("/Users", &body).await.expect(201).json()["schemas"], json!([USER]));
    // C3: data is enough.
    let body = json!({"schemas": [USER], "userName": "f", ENTERPRISE: {"department": "D"}});
    assert_eq!(strict.post("/Users", &body).await.expect(201).json()["schemas"], json!([USER, ENTERPRISE]));
}

#[tokio::test]
async fn rfc7643_2_1_01_names_have_no_case() {
    let server = Server::strict();
    let body = json!({"SCHEMAS": [USER], "USERNAME": "a", "Emails": [{"VALUE": "a@x.org"}], "name": {"FAMILYNAME": "F"}});
    let json = server.post("/Users", &body).await.expect(201).json();
    assert_eq!(json["userName"], "a");
    assert_eq!(json["emails"], json!([{"value": "a@x.org"}]));
    assert_eq!(json["name"], json!({"familyName": "F"}));
}

#[tokio::test]
async fn rfc7643_2_3_02_wrong_types_are_refused_and_named() {
    let server = Server::strict();
    for (attribute, value) in [
        ("userName", json!(5)),
        ("name", json!("Jensen")),
        ("emails", json!({"value": "a@x"})),
        ("emails", json!("a@x")),
        ("active", json!("maybe")),
        ("active", json!("true")),
        ("active", json!(1)),
        ("title", json!(["a"])),
        ("title", json!({"a": 1})),
        ("x509Certificates", json!([{"value": "***"}])),
        ("emails", json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}])),
    ] {
        let mut body = json!({"schemas": [USER], "userName": "a"});
        body[attribute] = value;
        let detail = server.post("/Users", &body).await.refused(400, "invalidValue");
        assert!(detail.contains(attribute), "{detail}");
    }
    assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn rfc7643_2_3_1_01_unicode_goes_through() {
    let server = Server::new();
    let text = "日本語 e\u{301} 😀 \u{7f} \\ \" \u{2028}";
    let id = server.user(json!({"userName": "a", "title": text})).await;
    assert_eq!(server.get(&format!("/Users/{id}")).await.json()["title"], text);
}

#[tokio::test]
async fn rfc7643_2_5_01_null_and_empty_are_unassigned() {
    let server = Server::strict();
    let id = server.user(json!({"userName": "a", "nickName": null, "emails": [], "active": null})).await;
    let json = server.get(&format!("/Users/{id}")).await.json();
    assert!(["nickName", "emails", "active"].iter().all(|name| json.get(name).is_none()), "{json}");
    assert_eq!(server.names("nickName pr or emails pr or active pr").await, [""; 0]);
}

#[tokio::test]
async fn rfc7643_4_1_1_01_user_name_is_required() {
    let server = Server::new();
    for body in [
        json!({"schemas": [USER]}),
        json!({"schemas": [USER], "userName": ""}),
        json!({"schemas": [USER], "userName": "  "}),
        json!({"schemas": [USER], "userName": null}),
    ] {
        let detail = server.post("/Users", &body).await.refused(400, "invalidValue");
        assert!(detail.starts_with("`userName` is required"), "{detail}");
    }
    let detail = server.post("/Groups", &json!({"schemas": [GROUP]})).await.refused(400, "invalidValue");
    assert!(detail.starts_with("`displayName` is required"), "7643-4.2-02: {detail}");
}

#[tokio::test]
async fn rfc7643_4_1_1_02_and_7644_5_01_user_names_are_one_without_case_and_width() {
    let server = Server::new();
    server.user(json!({"userName": "Ångström"})).await;
    for twin in ["ångström", "ÅNGSTRÖM", "A\u{30a}ngstro\u{308}m", "Ångströ\u{ff4d}"] {
        let body = json!({"schemas": [USER], "userName": twin});
        let detail = server.post("/Users", &body).await.refused(409, "uniqueness");
        assert_eq!(detail, format!("another User already has the userName `{twin}`"));
    }
    assert_eq!(server.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn rfc7643_2_4_08_09_values_may_repeat_but_not_with_their_type() {
    let server = Server::new();
    let id = server
        .user(json!({"userName": "a", "emails": [
            {"value": "a@x.org", "type": "work"}, {"value": "a@x.org", "type": "home"},
            {"value": "a@x.org", "type": "work"}]}))
        .await;
    let emails = server.get(&format!("/Users/{id}")).await.json()["emails"].clone();
    assert_eq!(emails, json!([{"value": "a@x.org", "type": "work"}, {"value": "a@x.org", "type": "home"}]));
}

#[tokio::test]
async fn rfc7643_4_1_1_10_passwords_are_never_shown_nor_kept() {
    let server = Server::new();
    let created = server.post("/Users?attributes=password,userName", &barbara()).await.expect(201);
    assert!(!created.text.contains("t1meMa"), "{created:?}");
    let id = created.id();
    for path in [format!("/Users/{id}"), format!("/Users/{id}?attributes=password"), "/Users".to_owned()] {
        assert!(!server.get(&path).await.expect(200).text.contains("t1meMa"));
    }
    assert!(!format!("{:?}", server.service).contains("t1meMa"), "not in Debug either");
}

#[tokio::test]
async fn rfc7643_4_2_groups_have_members_that_can_be_followed() {
    let server = Server::new();
    let user = server.user(json!({"userName": "ann", "displayName": "Ann"})).await;
    let inner = server.group("inner", &[]).await;
    let group = server.group("outer", &[&user, &inner, &user]).await;
    let json = server.get(&format!("/Groups/{group}")).await.json();
    let members = json!([
        {"value": user, "$ref": format!("http://example.com/Users/{user}"), "type": "User"},
        {"value": inner, "$ref": format!("http://example.com/Groups/{inner}"), "type": "Group"},
    ]);
    assert_eq!(json["members"], members, "7643-4.2-04, 05; no duplicates");
    let named = server.get(&format!("/Groups/{group}?attributes=members.display")).await.json();
    assert_eq!(
        named["members"],
        json!([{"display": "Ann"}, {"display": "inner"}]),
        "where a request asks for it"
    );
    let groups = server.get(&format!("/Users/{user}")).await.json()["groups"].clone();
    let expected = json!([{"value": group, "$ref": format!("http://example.com/Groups/{group}"), "display": "outer",
        "type": "direct"}]);
    assert_eq!(groups, expected, "7643-4.1.2-07, 08");
    for reference in [&members[0], &members[1], &groups[0]] {
        let path = reference["$ref"].as_str().unwrap().strip_prefix("http://example.com").unwrap().to_owned();
        assert_eq!(server.get(&path).await.expect(200).id(), reference["value"], "7643-2.3.7-04");
    }
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "nobody"}]});
    let detail = server.post("/Groups", &body).await.refused(400, "invalidValue");
    assert_eq!(detail, "`members` refers to `nobody`, which is no resource that it can refer to");
    assert_eq!(server.filter("/Groups", "displayName eq \"g\"").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn rfc7643_4_3_03_the_managers_name_is_not_the_clients() {
    let server = Server::new();
    let id = server
        .user(json!({"userName": "a", ENTERPRISE: {"manager": {"value": "m1", "displayName": "Forged"}}}))
        .await;
    let read = server.get(&format!("/Users/{id}")).await;
    assert!(!read.text.contains("Forged"), "{read:?}");
    assert_eq!(read.json()[ENTERPRISE]["manager"]["value"], "m1", "7643-4.3-02");
}

#[tokio::test]
async fn rfc7644_3_3_09_bodies_that_are_no_objects() {
    let server = Server::new();
    for (body, words) in [
        ("", "the body is empty"),
        ("   ", "the body is empty"),
        ("{", "the body cannot be read"),
        ("[]", "must be a JSON object, got an array"),
        ("\"x\"", "must be a JSON object, got a string"),
        ("null", "must be a JSON object, got null"),
        ("5", "must be a JSON object, got a number"),
        ("{} {}", "the body cannot be read"),
        ("{\"userName\":\"a\",\"USERNAME\":\"b\"}", "USERNAME"),
    ] {
        for (method, path) in
            [("POST", "/Users"), ("POST", "/Users/.search"), ("POST", "/.search"), ("POST", "/Groups")]
        {
            let detail = server.send(method, path, &[], body).await.refused(400, "invalidSyntax");
            assert!(detail.contains(words), "{body}: {detail}");
        }
    }
}

#[tokio::test]
async fn rfc7644_3_8_05_06_content_types() {
    let server = Server::new();
    let body = |n: usize| json!({"schemas": [USER], "userName": format!("u{n}")}).to_string();
    for (n, kind) in [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/json ; v=1",
    ]
    .iter()
    .enumerate()
    {
        server.send("POST", "/Users", &[("content-type", kind)], body(n)).await.expect(201);
    }
    server.send("POST", "/Users", &[], body(90)).await.expect(201);
    for kind in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "application/jsonx"]
    {
        let detail =
            server.send("POST", "/Users", &[("content-type", kind)], body(99)).await.refused(415, "");
        assert!(detail.contains("application/scim+json"), "{detail}");
    }
    for encoding in ["gzip", "br", "identity, gzip"] {
        let detail =
            server.send("POST", "/Users", &[("content-encoding", encoding)], body(99)).await.refused(415, "");
        assert!(detail.contains(encoding), "{detail}");
    }
    server.send("POST", "/Users", &[("content-encoding", "identity")], body(91)).await.expect(201);
    assert_eq!(server.names("userName eq \"u99\"").await, [""; 0]);
}
