//! RFC 7644 sections 3.3 and 3.3.1: POST on an endpoint.

use crate::server::*;

#[tokio::test]
async fn r7644_3_3_01_read_only_attributes_in_the_body_are_ignored() {
    for server in everywhere() {
        let forged = json!({"id": "mine", "meta": {"resourceType": "Group", "created": "1999-01-01T00:00:00Z",
            "lastModified": "1999-01-01T00:00:00Z", "version": "W/\"9\"", "location": "https://evil.example/"},
            "groups": [{"value": "g1", "display": "Admins"}],
            ENTERPRISE: {"manager": {"displayName": "Forged"}, "department": "D"}});
        let mut body = forged.clone();
        body.as_object_mut().unwrap().extend(user(json!({"userName": "ann"})).as_object().unwrap().clone());
        let created = server.post("/Users", &body).await.expect(201);
        let json = created.json();
        assert_eq!(json["id"], "id-1");
        assert!(json.get("groups").is_none(), "{json}");
        assert!(!created.text.contains("Forged") && !created.text.contains("evil"), "{created:?}");
        assert_eq!(json["meta"]["resourceType"], "User");
        assert_eq!(json["meta"]["created"], "2023-11-14T22:13:20.000Z");
        assert_ne!(json["meta"]["version"], "W/\"9\"");
        assert_eq!(json[ENTERPRISE]["department"], "D", "the others are taken");
        server.get("/Users/mine").await.refused(404, "");
    }
}

/// They may, and here they do not: what nobody has said is not there.
#[tokio::test]
async fn r7644_3_3_02_what_is_left_out_gets_no_default() {
    for server in everywhere() {
        let created = server.post("/Users", &user(json!({"userName": "ann"}))).await.expect(201).json();
        assert_eq!(keys(&created), ["id", "meta", "schemas", "userName"]);
        let emails = json!([{"value": "a@example.com"}]);
        let path = server.user(json!({"userName": "bob", "emails": emails})).await;
        let read = server.get(&path).await.expect(200).json();
        assert_eq!(keys(&read), ["emails", "id", "meta", "schemas", "userName"]);
        assert_eq!(read["emails"], emails, "nor does a value within a list");
        assert_eq!(server.names("active pr or emails.primary pr or emails.type pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_3_01_b_those_of_own_schemas_too() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = thing(
            json!({"checked": "forged", "parts": [{"value": "a", "stamp": "forged"}, {"stamp": "forged"}]}),
        );
        let created = server.post("/Things", &body).await.expect(201);
        assert!(created.json().get("checked").is_none(), "{created:?}");
        assert_eq!(created.json()["parts"], json!([{"value": "a"}]));
        let put = server.put(&format!("/Things/{}", created.id()), &body).await.expect(200);
        assert_eq!(put.json(), created.json(), "nor does a PUT set them");
        assert_eq!(server.filter("/Things", "checked pr or parts.stamp pr").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_3_03_null_and_empty_lists_are_no_value() {
    for server in everywhere() {
        let path = server
            .user(json!({"userName": "ann", "active": null, "title": null, "emails": [], "name": null,
                ENTERPRISE: {"department": null}}))
            .await;
        let json = server.get(&path).await.expect(200).json();
        assert_eq!(keys(&json), ["id", "meta", "schemas", "userName"], "nothing is put in their place");
        assert_eq!(json["schemas"], json!([USER]));
    }
}

#[tokio::test]
async fn r7644_3_3_04_post_answers_201() {
    for server in everywhere() {
        server.post("/Users", &user(json!({"userName": "ann"}))).await.expect(201);
        server.post("/Groups", &json!({"schemas": [GROUP], "displayName": "staff"})).await.expect(201);
    }
    let server = Server::with(|builder| builder.registry(things()));
    server.post("/Things", &thing(json!({}))).await.expect(201);
}

#[tokio::test]
async fn r7644_3_3_05_the_body_is_the_whole_new_resource() {
    for server in everywhere() {
        let body = full_user("bjensen");
        let json = server.post("/Users", &body).await.expect(201).json();
        for (name, value) in body.as_object().unwrap() {
            match name.as_str() {
                "password" => assert!(json.get(name).is_none()),
                _ => assert_eq!(json[name], *value, "{name}"),
            }
        }
        assert_eq!(json["id"], "id-1");
        assert_eq!(keys(&json["meta"]), ["created", "lastModified", "location", "resourceType", "version"]);
    }
}

#[tokio::test]
async fn r7644_3_3_06_location_and_meta_location_are_one_uri() {
    for server in everywhere() {
        for (endpoint, body, location) in [
            ("/Users", user(json!({"userName": "ann"})), "https://example.com/v2/Users/id-1"),
            (
                "/Groups",
                json!({"schemas": [GROUP], "displayName": "staff"}),
                "https://example.com/v2/Groups/id-2",
            ),
        ] {
            let created = server.post(endpoint, &body).await.expect(201);
            assert_eq!(created.header("location"), Some(location));
            assert_eq!(created.json()["meta"]["location"], location);
        }
    }
}

#[tokio::test]
async fn r7644_3_3_06_b_also_where_meta_is_not_asked_for() {
    let server = Server::tolerant();
    let created =
        server.post("/Users?attributes=userName", &user(json!({"userName": "ann"}))).await.expect(201);
    assert_eq!(created.header("location"), Some("https://example.com/v2/Users/id-1"));
    assert!(created.json().get("meta").is_none());
}

#[tokio::test]
async fn r7644_3_3_07_a_conflict_is_409_uniqueness_and_nothing_is_made() {
    for server in everywhere() {
        server.user(json!({"userName": "ann"})).await;
        for twin in ["ann", "ANN"] {
            let detail =
                server.post("/Users", &user(json!({"userName": twin}))).await.refused(409, "uniqueness");
            assert!(detail.contains("userName"), "{detail}");
        }
        assert_eq!(server.get("/Users").await.json()["totalResults"], 1);
    }
}

#[tokio::test]
async fn r7644_3_3_07_b_attributes_of_own_schemas_conflict_as_their_case_rule_says() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        server.post("/Things", &thing(json!({"code": "a", "tag": "x"}))).await.expect(201);
        server.post("/Things", &thing(json!({"code": "a"}))).await.refused(409, "uniqueness");
        server.post("/Things", &thing(json!({"code": "A"}))).await.expect(201);
        server.post("/Things", &thing(json!({"tag": "X"}))).await.refused(409, "uniqueness");
        server.post("/Things", &thing(json!({}))).await.expect(201);
        server.post("/Things", &thing(json!({}))).await.expect(201);
        assert_eq!(server.get("/Things").await.json()["totalResults"], 4);
    }
}

#[tokio::test]
async fn r7644_3_3_08_what_was_created_is_found_at_its_location() {
    for server in everywhere() {
        let created = server.post("/Users", &full_user("ann")).await.expect(201);
        let path = created.header("location").unwrap().strip_prefix("https://example.com").unwrap();
        let read = server.get(path).await.expect(200);
        assert_eq!(read.json(), created.json());
    }
}

#[tokio::test]
async fn r7644_3_3_09_what_is_no_json_object_is_400_invalid_syntax() {
    for server in everywhere() {
        for body in
            ["{", "[]", "\"x\"", "", "null", "true", "7", "{} {}", "{\"userName\":}", "{'userName':'a'}"]
        {
            server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
        }
        assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_3_1_01_the_resource_type_is_that_of_the_endpoint() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann", "meta": {"resourceType": "Group"}})).await;
        let staff = server.group("staff", &[]).await;
        assert_eq!(server.get(&ann).await.json()["meta"]["resourceType"], "User");
        assert_eq!(server.get(&staff).await.json()["meta"]["resourceType"], "Group");
    }
    let server = Server::with(|builder| builder.registry(things()));
    let created = server.post("/Things", &thing(json!({}))).await.expect(201).json();
    assert_eq!(created["meta"]["resourceType"], "Thing");
}
