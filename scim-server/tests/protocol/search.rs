//! RFC 7644 section 3.4.3: queries by POST.

use crate::server::*;

async fn three(server: &Server) {
    for name in ["ann", "bob", "cid"] {
        server.post("/Users", &full_user(name)).await.expect(201);
    }
    server.group("staff", &["/Users/id-1"]).await;
}

#[tokio::test]
async fn r7644_3_4_3_01_post_on_search_is_a_query() {
    for server in everywhere() {
        three(&server).await;
        let found =
            server.search("/Users/.search", json!({"filter": "userName eq \"bob\""})).await.expect(200);
        assert_eq!(found.strings("userName"), ["bob"]);
        assert_eq!(server.get("/Users").await.json()["totalResults"], 3, "and makes nothing");
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            server.send(method, "/Users/.search", &[], "").await.refused(405, "");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_3_02_the_body_says_that_it_is_a_search_request() {
    for server in everywhere() {
        three(&server).await;
        for body in [
            json!({"filter": "title pr"}),
            json!({"schemas": [], "filter": "title pr"}),
            json!({"schemas": [LIST], "filter": "title pr"}),
            json!({"schemas": [PATCH_OP]}),
            json!({"schemas": null}),
        ] {
            server.post("/Users/.search", &body).await.refused(400, "invalidSyntax");
            server.post("/.search", &body).await.refused(400, "invalidSyntax");
        }
        server.post("/Users/.search", &json!({"schemas": [SEARCH.to_uppercase()]})).await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_4_3_03_all_parameters_are_taken() {
    for server in everywhere() {
        three(&server).await;
        let search = |parameters: Value| server.search("/Users/.search", parameters);
        let names = |answer: Answer| answer.expect(200).strings("userName");
        assert_eq!(names(search(json!({"filter": "userName gt \"ann\""})).await), ["bob", "cid"]);
        assert_eq!(
            names(search(json!({"sortBy": "userName", "sortOrder": "descending"})).await),
            ["cid", "bob", "ann"]
        );
        assert_eq!(names(search(json!({"startIndex": 2})).await), ["bob", "cid"]);
        assert_eq!(names(search(json!({"count": 1})).await), ["ann"]);
        let only = search(json!({"attributes": ["title"]})).await.expect(200).json();
        assert_eq!(keys(&only["Resources"][0]), ["id", "schemas", "title"]);
        let without = search(json!({"excludedAttributes": ["title"]})).await.expect(200).json();
        assert!(without["Resources"][0].get("title").is_none());
        let all = json!({"filter": "title pr", "sortBy": "userName", "sortOrder": "descending", "startIndex": 2,
            "count": 1, "attributes": ["userName"]});
        let page = search(all).await.expect(200).json();
        assert_eq!(page["totalResults"], 3);
        assert_eq!(
            page["Resources"],
            json!([{"schemas": [USER, ENTERPRISE], "id": "id-2", "userName": "bob"}])
        );
    }
}

#[tokio::test]
async fn r7644_3_4_3_03_b_parameters_of_the_wrong_type_are_refused() {
    for server in everywhere() {
        three(&server).await;
        for wrong in [
            json!({"filter": 5}),
            json!({"sortBy": ["userName"]}),
            json!({"sortOrder": true}),
            json!({"attributes": [1]}),
            json!({"excludedAttributes": {"a": 1}}),
        ] {
            server.search("/Users/.search", wrong).await.refused(400, "invalidValue");
        }
        server
            .search("/Users/.search", json!({"filter": null, "count": null, "foo": {"a": [1]}}))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn r7644_3_4_3_04_the_answer_is_that_of_a_get() {
    for server in everywhere() {
        three(&server).await;
        let of_users = [
            ("filter=userName+gt+%22ann%22&count=1", json!({"filter": "userName gt \"ann\"", "count": 1})),
            (
                "sortBy=userName&sortOrder=descending",
                json!({"sortBy": "userName", "sortOrder": "descending"}),
            ),
        ];
        let of_all = [
            ("", json!({})),
            (
                "attributes=userName,displayName,emails.value",
                json!({"attributes": ["userName", "displayName", "emails.value"]}),
            ),
            ("excludedAttributes=meta,members", json!({"excludedAttributes": ["meta", "members"]})),
            ("sortBy=displayName&startIndex=2", json!({"sortBy": "displayName", "startIndex": 2})),
            ("count=0", json!({"count": 0})),
        ];
        for (endpoint, requests) in [
            ("", &of_users[..]),
            ("/Users", &of_users),
            ("", &of_all),
            ("/Users", &of_all),
            ("/Groups", &of_all),
        ] {
            for (query, parameters) in requests {
                let by_get = server.get(&format!("{endpoint}/?{query}")).await.expect(200);
                let by_post =
                    server.search(&format!("{endpoint}/.search"), parameters.clone()).await.expect(200);
                assert_eq!(by_post.text, by_get.text, "{endpoint} {query}");
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_4_3_05_attributes_are_arrays_of_names() {
    for server in everywhere() {
        three(&server).await;
        for names in [
            json!(["userName", "title"]),
            json!(["USERNAME", "Title"]),
            json!([format!("{USER}:userName"), "title"]),
        ] {
            let found =
                server.search("/Users/.search", json!({"attributes": names})).await.expect(200).json();
            assert_eq!(keys(&found["Resources"][0]), ["id", "schemas", "title", "userName"]);
        }
        let empty = server.search("/Users/.search", json!({"attributes": []})).await.expect(200);
        assert_eq!(empty.text, server.get("/Users").await.text, "none named: the default set");
        server.search("/Users/.search", json!({"attributes": "userName"})).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_4_3_06_a_bad_filter_is_400_invalid_filter() {
    for server in everywhere() {
        three(&server).await;
        for filter in ["userName eq", "userName", "", "noSuch eq \"x\"", "active gt true"] {
            server.search("/Users/.search", json!({"filter": filter})).await.refused(400, "invalidFilter");
        }
        server.search("/.search", json!({"filter": "userName eq"})).await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn r7644_3_4_3_07_a_search_at_the_root_spans_types() {
    for server in everywhere() {
        three(&server).await;
        let found =
            server.search("/.search", json!({"filter": "userName eq \"bob\" or displayName eq \"staff\""}));
        let found = found.await.expect(200);
        assert_eq!(found.strings("id"), ["id-2", "id-4"]);
        let kinds: Vec<Value> = found.json()["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["meta"]["resourceType"].clone())
            .collect();
        assert_eq!(kinds, ["User", "Group"]);
    }
}

#[tokio::test]
async fn r7644_3_4_3_08_every_type_can_be_searched() {
    for server in everywhere() {
        three(&server).await;
        let found = server
            .search("/Groups/.search", json!({"filter": "members.value eq \"id-1\""}))
            .await
            .expect(200);
        assert_eq!(found.strings("displayName"), ["staff"]);
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        server.post("/Things", &thing(json!({"words": ["a", "b"]}))).await.expect(201);
        let found = server.search("/Things/.search", json!({"filter": "words eq \"B\""})).await.expect(200);
        assert_eq!(found.strings("serial"), ["S1"]);
    }
    Server::tolerant().search("/Nope/.search", json!({})).await.refused(404, "");
}
