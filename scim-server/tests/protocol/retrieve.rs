//! RFC 7644 sections 3.4, 3.4.1, 3.4.2 and 3.4.2.1: GET of one resource, and the form of lists.

use std::sync::Arc;

use scim_core::ScimError;
use scim_core::message::ScimType;
use scim_server::store::StoreError;

use crate::auth::Refusing;
use crate::server::*;

#[tokio::test]
async fn r7644_3_4_01_always_and_default_attributes_come_back() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = thing(json!({"always": "A", "onRequest": "R", "secret": "S", "words": ["w"],
            LABELS: {"colour": "red", "shelf": "3"}}));
        let path = format!("/Things/{}", server.post("/Things", &body).await.expect(201).id());
        let json = server.get(&path).await.expect(200).json();
        assert_eq!(
            keys(&json),
            ["always", "id", "meta", "schemas", "serial", LABELS, "words"],
            "neither those on request nor those that are never returned"
        );
        assert_eq!(json[LABELS], json!({"colour": "red", "shelf": "3"}));
    }
}

#[tokio::test]
async fn r7644_3_4_1_01_a_resource_that_is_known_is_200() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server.get(&ann).await.expect(200);
        assert_eq!(answer.json()["userName"], "ann");
        assert_eq!(answer.header("location"), Some("https://example.com/v2/Users/id-1"));
        let head = server.send("HEAD", &ann, &[], "").await.expect(200);
        assert_eq!(head.header("etag"), answer.header("etag"));
        assert_eq!(head.header("content-length"), Some(answer.text.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn r7644_3_4_1_02_an_id_that_is_unknown_is_404_with_a_body() {
    for server in everywhere() {
        server.user(json!({"userName": "ann"})).await;
        for path in ["/Users/none", "/Users/ID-1", "/Users/id-1%20", "/Users/id%2D11", "/Groups/none"] {
            let detail = server.get(path).await.refused(404, "");
            assert!(detail.contains("with the id `"), "{detail}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_1_03_an_id_of_another_type_is_404() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let staff = server.group("staff", &[&ann]).await;
        let as_group = format!("/Groups/{}", id(&ann));
        server.get(&as_group).await.refused(404, "");
        server.put(&as_group, &json!({"schemas": [GROUP], "displayName": "x"})).await.refused(404, "");
        server.patch(&as_group, json!([{"op": "remove", "path": "members"}])).await.refused(404, "");
        server.delete(&as_group).await.refused(404, "");
        server.delete(&format!("/Users/{}", id(&staff))).await.refused(404, "");
        server.get(&ann).await.expect(200);
        server.get(&staff).await.expect(200);
    }
}

async fn three(server: &Server) {
    for name in ["ann", "bob", "cid"] {
        server.user(json!({"userName": name})).await;
    }
}

#[tokio::test]
async fn r7644_3_4_2_01_lists_say_that_they_are_list_responses() {
    for server in everywhere() {
        three(&server).await;
        for path in ["/Users", "/Groups", "/", "/Users?count=0", "/Schemas", "/ResourceTypes"] {
            assert_eq!(server.get(path).await.expect(200).json()["schemas"], json!([LIST]), "{path}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_02_total_results_is_always_there_and_an_integer() {
    for server in everywhere() {
        three(&server).await;
        for (path, total) in [("/Users", 3), ("/Users?count=1", 3), ("/Groups", 0), ("/", 3)] {
            let answer = server.get(path).await.expect(200);
            assert_eq!(answer.json()["totalResults"].as_u64(), Some(total), "{path}");
            assert!(answer.text.contains(&format!("\"totalResults\":{total},")), "{path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_03_resources_are_there_when_there_are_results() {
    for server in everywhere() {
        three(&server).await;
        assert_eq!(server.get("/Users").await.json()["Resources"].as_array().map(Vec::len), Some(3));
        assert_eq!(server.get("/Users?count=2").await.json()["Resources"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn r7644_3_4_2_04_partial_results_say_where_they_start_and_how_many_they_are() {
    for server in everywhere() {
        three(&server).await;
        let page = server.get("/Users?count=1&startIndex=2").await.expect(200).json();
        assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(2), &json!(1)));
        let page = server.get("/Users?count=2").await.expect(200).json();
        assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(1), &json!(2)));
    }
}

#[tokio::test]
async fn r7644_3_4_2_05_no_match_is_200_with_no_results() {
    for server in everywhere() {
        three(&server).await;
        let expected = json!({"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []});
        for filter in ["userName eq \"nobody\"", "title pr", "userName eq \"ann\" and userName eq \"bob\""] {
            assert_eq!(server.filter("/Users", filter).await.expect(200).json(), expected, "{filter}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_06_unknown_parameters_are_ignored() {
    for server in everywhere() {
        three(&server).await;
        let plain = server.get("/Users").await.expect(200).text;
        for query in ["foo=bar", "foo", "aadOptscim062020", "=", "&&", "foo=%22&foo=2", "filters=x", "_=1"] {
            assert_eq!(server.get(&format!("/Users?{query}")).await.expect(200).text, plain, "{query}");
        }
        server.get("/Users/id-1?foo=bar&count=abc").await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_4_2_07_what_is_listed_is_what_a_get_shows() {
    for server in everywhere() {
        let ann = server.post("/Users", &full_user("ann")).await.expect(201).id();
        server.user(json!({"userName": "bob"})).await;
        server.group("staff", &[&format!("/Users/{ann}")]).await;
        for path in ["/Users", "/Groups", "/"] {
            let list = server.get(path).await.expect(200).json();
            for listed in list["Resources"].as_array().unwrap() {
                let location = listed["meta"]["location"].as_str().unwrap();
                let read =
                    server.get(location.strip_prefix("https://example.com").unwrap()).await.expect(200);
                assert_eq!(read.json(), *listed);
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_1_01_a_query_at_the_root_covers_all_types() {
    for server in everywhere() {
        three(&server).await;
        server.group("ann", &["/Users/id-1"]).await;
        let all = server.get("/").await.expect(200);
        assert_eq!(all.json()["totalResults"], 4);
        let found = server.filter("/", "userName eq \"ann\" or displayName eq \"ann\"").await.expect(200);
        assert_eq!(found.strings("id"), ["id-1", "id-4"]);
        let found =
            server.search("/.search", json!({"filter": "userName eq \"ann\" or displayName eq \"ann\""}));
        assert_eq!(found.await.expect(200).strings("id"), ["id-1", "id-4"]);
    }
}

#[tokio::test]
async fn r7644_3_4_2_1_02_the_resource_type_restricts_a_query_at_the_root() {
    for server in everywhere() {
        three(&server).await;
        server.group("staff", &[]).await;
        let groups = server.filter("/", "meta.resourceType eq \"Group\"").await.expect(200);
        assert_eq!(groups.strings("displayName"), ["staff"]);
        let example = "(meta.resourceType eq \"User\") or (meta.resourceType eq \"Group\")";
        assert_eq!(server.filter("/", example).await.expect(200).json()["totalResults"], 4);
    }
}

#[tokio::test]
async fn r7644_3_4_2_1_03_a_store_that_cannot_answer_says_too_many() {
    let refusal = || {
        let error = ScimError::new(400, "more than 10 results; narrow the filter down");
        StoreError::Refused(error.with_type(ScimType::TooMany))
    };
    let server = Server::over(Arc::new(Refusing(refusal)), true, |builder| builder);
    for path in ["/Users", "/Users?filter=title+pr", "/"] {
        assert!(server.get(path).await.refused(400, "tooMany").contains("more than 10"));
    }
    server.search("/Users/.search", json!({})).await.refused(400, "tooMany");
}

#[tokio::test]
async fn r7644_3_4_2_1_04_attributes_that_a_type_does_not_have_are_without_value_at_the_root() {
    for server in everywhere() {
        server.user(json!({"userName": "xenia"})).await;
        server.group("xenia", &[]).await;
        let found = server.filter("/", "userName sw \"x\"").await.expect(200);
        assert_eq!(found.strings("id"), ["id-1"]);
        let found = server.filter("/", "not (userName pr)").await.expect(200);
        assert_eq!(found.strings("id"), ["id-2"]);
        let path = format!("{ENTERPRISE}:department eq \"x\" or members pr or displayName sw \"xen\"");
        assert_eq!(server.filter("/", &path).await.expect(200).strings("id"), ["id-2"]);
        let none = server.filter("/", "noSuch eq \"x\" or urn:example:none:x pr").await.expect(200);
        assert_eq!(none.json()["totalResults"], 0, "F14");
        let sorted = server.get("/?sortBy=userName&sortOrder=descending").await.expect(200);
        assert_eq!(sorted.strings("id"), ["id-2", "id-1"], "without value: first, descending");
    }
}

#[tokio::test]
async fn r7644_3_4_2_1_05_a_filter_on_one_resource_is_passed_over() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        for filter in ["userName eq \"nobody\"", "this is no filter", ""] {
            let answer = server.filter(&ann, filter).await.expect(200);
            assert_eq!(answer.json()["userName"], "ann", "{filter}");
        }
    }
}
