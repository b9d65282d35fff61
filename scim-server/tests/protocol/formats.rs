//! RFC 7644 sections 3.1, 3.2, 3.8 and 3.13: messages, endpoints, media types and versions.

use crate::server::*;

#[tokio::test]
async fn r7644_3_1_01_messages_say_what_they_are() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for answer in [
            server.get("/Users").await,
            server.search("/Users/.search", json!({})).await,
            server.get("/Users/none").await,
            server.get("/Nope").await,
            server.get("/Schemas").await,
        ] {
            let uri = answer.json()["schemas"][0].as_str().unwrap().to_owned();
            assert!(uri.starts_with("urn:ietf:params:scim:api:messages:2.0:"), "{answer:?}");
        }
        for (method, path) in [("PATCH", ann.as_str()), ("POST", "/Users/.search"), ("POST", "/.search")] {
            let body =
                json!({"schemas": [USER], "Operations": [{"op": "remove", "path": "title"}]}).to_string();
            server.send(method, path, &[], body).await.refused(400, "invalidSyntax");
        }
    }
}

#[tokio::test]
async fn r7644_3_1_02_messages_are_not_among_the_schemas() {
    for server in everywhere() {
        let schemas = server.get("/Schemas").await.expect(200);
        let ids = schemas.strings("id");
        assert!(ids.iter().any(|id| id == USER) && !ids.iter().any(|id| id.contains(":api:")), "{ids:?}");
        for message in [LIST, ERROR, PATCH_OP, SEARCH] {
            server.get(&format!("/Schemas/{message}")).await.refused(404, "");
        }
    }
}

#[tokio::test]
async fn r7644_3_1_03_answers_show_what_the_server_holds() {
    for server in everywhere() {
        let mut body = full_user("ann");
        // Twice the same value, which is kept once, and names and values that come back as they are kept.
        body["emails"] = json!([{"value": "a@x.example"}, {"value": "a@x.example"}]);
        body["USERNAME"] = body.as_object_mut().unwrap().remove("userName").unwrap();
        let created = server.post("/Users", &body).await.expect(201);
        let path = format!("/Users/{}", created.id());
        assert_eq!(created.json(), server.get(&path).await.json());
        assert_eq!(created.json()["emails"], json!([{"value": "a@x.example"}]));
        let put = server.put(&path, &body).await.expect(200);
        assert_eq!(put.json(), server.get(&path).await.json());
        let patched =
            server.patch(&path, json!([{"op": "Add", "value": {"Emails": {"value": "A@X.example"}}}])).await;
        assert_eq!(patched.expect(200).json(), server.get(&path).await.json());
    }
}

#[tokio::test]
async fn r7644_3_1_04_bodies_are_scim_json() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for answer in [
            server.post("/Users", &user(json!({"userName": "bob"}))).await.expect(201),
            server.get(&ann).await.expect(200),
            server.get("/Users").await.expect(200),
            server.put(&ann, &user(json!({"userName": "ann"}))).await.expect(200),
            server.patch(&ann, json!([{"op": "remove", "path": "title"}])).await.expect(200),
            server.search("/.search", json!({})).await.expect(200),
            server.get("/ServiceProviderConfig").await.expect(200),
            server.get("/Users/none").await.expect(404),
        ] {
            assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn r7644_3_2_01_put_never_creates() {
    for server in everywhere() {
        server.put("/Users/new", &user(json!({"userName": "ann"}))).await.refused(404, "");
        server.put("/Users", &user(json!({"userName": "ann"}))).await.refused(405, "");
        assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_2_02_users_and_groups_are_at_their_endpoints() {
    for server in everywhere() {
        for path in ["/Users", "/Groups", "/v2/Users", "/v2/Groups"] {
            server.get(path).await.expect(200);
        }
        let types = server.get("/ResourceTypes").await.expect(200);
        assert_eq!(types.strings("endpoint"), ["/Users", "/Groups"]);
    }
}

#[tokio::test]
async fn r7644_3_2_03_the_endpoint_of_a_new_type_is_its_plural() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        assert_eq!(server.get("/ResourceTypes/Thing").await.expect(200).json()["endpoint"], "/Things");
        let created = server.post("/Things", &thing(json!({}))).await.expect(201);
        assert_eq!(created.header("location"), Some("https://example.com/v2/Things/id-1"));
        server.get("/Thing").await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_3_2_04_errors_are_in_the_status_and_in_the_body() {
    for server in everywhere() {
        server.user(json!({"userName": "ann"})).await;
        for (answer, status) in [
            (server.get("/Users/none").await, 404),
            (server.filter("/Users", "x").await, 400),
            (server.post("/Users", &user(json!({"userName": "ann"}))).await, 409),
            (server.delete("/Users").await, 405),
            (
                server
                    .send("PUT", "/Users/id-1", &[("if-match", "W/\"0\"")], full_user("a").to_string())
                    .await,
                412,
            ),
            (server.send("POST", "/Users", &[("content-type", "text/plain")], "x").await, 415),
        ] {
            assert_eq!(answer.status, status, "{answer:?}");
            assert_eq!(answer.json()["status"], status.to_string());
        }
    }
}

#[tokio::test]
async fn r7644_3_2_05_methods_that_an_endpoint_does_not_have_are_refused() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for (path, methods) in [
            ("/Users", &["DELETE", "PUT", "PATCH"][..]),
            (&ann, &["POST"]),
            ("/Groups", &["DELETE", "PUT", "PATCH"]),
            ("/Users/.search", &["GET", "DELETE"]),
            ("/", &["POST", "DELETE", "PUT"]),
        ] {
            for method in methods {
                let answer = server.send(method, path, &[], user(json!({"userName": "x"})).to_string()).await;
                answer.refused(405, "");
                assert!(!answer.header("allow").unwrap().contains(method), "{answer:?}");
            }
        }
        assert_eq!(server.get("/Users").await.strings("userName"), ["ann"]);
    }
}

#[tokio::test]
async fn r7644_3_8_01_utf_8_in_and_out() {
    for server in everywhere() {
        let text = "日本語 Ünïcödé 😀 \u{2028} e\u{301}";
        let ann = server.user(json!({"userName": "ann", "title": text})).await;
        let read = server.get(&ann).await;
        assert_eq!(read.json()["title"], text, "not normalised");
        let escaped = format!(r#"{{"schemas":["{USER}"],"userName":"bob","title":"\u00dc\ud83d\ude00"}}"#);
        let bob = server.send("POST", "/Users", &[], escaped).await.expect(201);
        assert_eq!(bob.json()["title"], "Ü😀");
        assert_eq!(server.names("title eq \"ü😀\"").await, ["bob"]);
        for body in
            [&b"{\"schemas\":[],\"userName\":\"\xff\"}"[..], b"\xff\xfe{\0}\0", b"{\"a\":\"\\ud800\"}"]
        {
            server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
        }
    }
}

#[tokio::test]
async fn r7644_3_8_02_scim_json_is_what_can_be_accepted() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for accept in ["application/scim+json", "application/scim+json;q=0.9, */*;q=0.1"] {
            server.send("GET", &ann, &[("accept", accept)], "").await.expect(200);
        }
    }
}

#[tokio::test]
async fn r7644_3_8_03_json_can_be_accepted() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let plain = server.get(&ann).await.text;
        for accept in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(server.send("GET", &ann, &[("accept", accept)], "").await.expect(200).text, plain);
        }
    }
}

#[tokio::test]
async fn r7644_3_8_04_the_default_is_scim_json() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for headers in [
            &[][..],
            &[("accept", "*/*")],
            &[("accept", "application/*")],
            &[("accept", "")],
            &[("accept", "text/html")],
        ] {
            let answer = server.send("GET", &ann, headers, "").await.expect(200);
            assert_eq!(answer.header("content-type"), Some("application/scim+json"), "Q19: {headers:?}");
        }
    }
}

#[tokio::test]
async fn r7644_3_8_05_requests_are_scim_json_or_json() {
    for server in everywhere() {
        for (n, kind) in
            ["application/scim+json", "application/json", "Application/SCIM+JSON"].iter().enumerate()
        {
            let body = user(json!({"userName": format!("u{n}")})).to_string();
            server.send("POST", "/Users", &[("content-type", kind)], body).await.expect(201);
        }
        let body = user(json!({"userName": "none"})).to_string();
        server.send("POST", "/Users", &[], body.clone()).await.expect(201);
        for kind in [
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "application/json-patch+json",
        ] {
            server.send("POST", "/Users", &[("content-type", kind)], body.clone()).await.refused(415, "");
            server
                .send("PATCH", "/Users/id-1", &[("content-type", kind)], body.clone())
                .await
                .refused(415, "");
        }
    }
}

#[tokio::test]
async fn r7644_3_8_06_a_charset_is_tolerated() {
    for server in everywhere() {
        for (n, kind) in [
            "application/scim+json; charset=utf-8",
            "application/json;charset=UTF-8",
            "application/scim+json ;charset=\"utf-8\"",
        ]
        .iter()
        .enumerate()
        {
            let body = user(json!({"userName": format!("ü{n}")})).to_string();
            server.send("POST", "/Users", &[("content-type", kind)], body).await.expect(201);
            assert_eq!(server.names(&format!("userName eq \"ü{n}\"")).await.len(), 1);
        }
    }
    for (charset, shown) in [("iso-8859-1", "iso-8859-1"), ("\"UTF-16\"", "UTF-16"), ("us-ascii", "us-ascii")]
    {
        let value = format!("application/scim+json; charset={charset}");
        let server = Server::tolerant();
        let body = user(json!({"userName": "ann"})).to_string();
        let detail = server.send("POST", "/Users", &[("content-type", &value)], body).await.refused(415, "");
        assert_eq!(detail, format!("the charset `{shown}` cannot be read; SCIM is UTF-8"));
        assert_eq!(server.names("userName pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_8_07_values_keep_their_json_types() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = r#"{"schemas":["urn:example:schemas:Thing"],"serial":"5","size":9223372036854775807,
            "weight":0.1000000000000000055511151231257827,"broken":true,"exact":"true","place":"12"}"#;
        let created = server.send("POST", "/Things", &[], body).await.expect(201);
        let read = server.get("/Things/id-1").await.expect(200);
        for answer in [&created, &read] {
            for part in [
                "\"size\":9223372036854775807",
                "\"weight\":0.1000000000000000055511151231257827",
                "\"broken\":true",
                "\"exact\":\"true\"",
                "\"place\":\"12\"",
                "\"serial\":\"5\"",
            ] {
                assert!(answer.text.contains(part), "{part}: {answer:?}");
            }
        }
        let list = server.get("/Things").await.expect(200).json();
        assert!(
            list["totalResults"].is_u64() && list["startIndex"].is_u64() && list["itemsPerPage"].is_u64()
        );
    }
}

#[tokio::test]
async fn r7644_3_13_01_the_version_stands_before_the_endpoint_and_others_are_refused() {
    for server in everywhere() {
        server.get("/v2/Users").await.expect(200);
        for path in
            ["/v1/Users", "/v9/Users", "/v2.1/Users", "/V2/Users", "/v/Users", "/Users/v2/x", "/v2/v2/Users"]
        {
            server.get(path).await.refused(404, "");
        }
    }
}

#[tokio::test]
async fn r7644_3_13_02_without_a_version_the_newest_is_used() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let versioned = server.get(&format!("/v2{ann}")).await.expect(200);
        assert_eq!(server.get(&ann).await.expect(200).text, versioned.text);
    }
}
