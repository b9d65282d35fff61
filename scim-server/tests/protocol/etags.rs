//! RFC 7644 section 3.14: versions of resources.

use crate::server::*;

const STALE: &str = "W/\"999999\"";

async fn bjensen(server: &Server) -> (String, String) {
    let created = server.post("/Users", &full_user("bjensen")).await.expect(201);
    (format!("/Users/{}", created.id()), created.etag())
}

/// The three writes to a resource, with their bodies.
fn writes(title: &str) -> [(&'static str, String); 3] {
    let patch =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": title}]});
    [
        ("PUT", user(json!({"userName": "bjensen", "title": title})).to_string()),
        ("PATCH", patch.to_string()),
        ("DELETE", String::new()),
    ]
}

#[tokio::test]
async fn r7644_3_14_01_the_version_is_in_the_header_etag() {
    for server in everywhere() {
        let created = server.post("/Users", &full_user("ann")).await.expect(201);
        let path = format!("/Users/{}", created.id());
        assert!(created.header("etag").is_some());
        assert_eq!(server.get(&path).await.etag(), created.etag());
        assert!(server.put(&path, &full_user("ann")).await.expect(200).header("etag").is_some());
        let patched = server.patch(&path, json!([{"op": "remove", "path": "title"}])).await.expect(200);
        assert_eq!(server.get(&path).await.etag(), patched.etag());
        assert_eq!(server.send("HEAD", &path, &[], "").await.expect(200).etag(), patched.etag());
        assert!(server.get("/Users").await.header("etag").is_none(), "a list has none");
        assert_eq!(server.get("/ServiceProviderConfig").await.json()["etag"]["supported"], true);
    }
}

#[tokio::test]
async fn r7644_3_14_02_and_in_meta() {
    for server in everywhere() {
        let (path, _) = bjensen(&server).await;
        for answer in [
            server.get(&path).await,
            server.put(&path, &full_user("bjensen")).await.expect(200),
            server.patch(&path, json!([{"op": "remove", "path": "title"}])).await.expect(200),
        ] {
            assert_eq!(answer.json()["meta"]["version"], answer.etag());
        }
        let list = server.get("/Users").await.json();
        assert_eq!(list["Resources"][0]["meta"]["version"], server.get(&path).await.etag());
    }
}

#[tokio::test]
async fn r7644_3_14_03_tags_are_weak_and_compared_so() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        let strong = tag.strip_prefix("W/").unwrap();
        assert!(strong.len() > 2 && strong.starts_with('"') && strong.ends_with('"'));
        server.send("GET", &path, &[("if-none-match", strong)], "").await.expect(304);
        server.send("DELETE", &path, &[("if-match", strong)], "").await.expect(204);
    }
}

#[tokio::test]
async fn r7644_3_14_04_what_changes_has_another_tag_and_what_does_not_has_the_same() {
    for server in everywhere() {
        let (path, first) = bjensen(&server).await;
        assert_eq!(server.put(&path, &full_user("bjensen")).await.expect(200).etag(), first);
        let set = |title: &str| json!([{"op": "replace", "path": "title", "value": title}]);
        assert_eq!(server.patch(&path, set("Tour Guide")).await.expect(200).etag(), first);
        let second = server.patch(&path, set("x")).await.expect(200).etag();
        assert_ne!(second, first);
        assert_eq!(server.patch(&path, set("x")).await.expect(200).etag(), second);
        let third = server.patch(&path, set("Tour Guide")).await.expect(200).etag();
        assert!(third != first && third != second, "a tag never comes back");
        server.get("/Users?sortBy=userName").await.expect(200);
        server.put(&path, &json!({"broken": 1})).await.expect(400);
        server.tick();
        let same = server.put(&path, &full_user("bjensen")).await.expect(200);
        assert_eq!(same.etag(), third, "a PUT of what there is changes nothing");
        assert_eq!(server.get(&path).await.etag(), third);
        let ann = server.user(json!({"userName": "ann"})).await;
        assert_ne!(server.get(&ann).await.etag(), third);
    }
}

#[tokio::test]
async fn r7644_3_14_05_a_get_with_the_present_tag_is_304() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        for same in [tag.clone(), format!("\"x\", {tag}"), "*".to_owned()] {
            let answer = server.send("GET", &path, &[("if-none-match", &same)], "").await.expect(304);
            assert_eq!((answer.text.as_str(), answer.etag()), ("", tag.clone()));
        }
    }
}

#[tokio::test]
async fn r7644_3_14_06_a_get_with_another_tag_is_200() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        for other in [STALE, "\"abc\""] {
            server.send("GET", &path, &[("if-none-match", other)], "").await.expect(200);
        }
        for none in ["", "garbage", tag.trim_end_matches('"')] {
            server.send("GET", &path, &[("if-none-match", none)], "").await.refused(400, "");
        }
        server.patch(&path, json!([{"op": "remove", "path": "title"}])).await.expect(200);
        server.send("GET", &path, &[("if-none-match", &tag)], "").await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_14_07_writes_with_a_stale_tag_are_412_and_change_nothing() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        server.patch(&path, json!([{"op": "replace", "path": "nickName", "value": "new"}])).await.expect(200);
        let before = server.get(&path).await.text;
        for (method, body) in writes("stale") {
            for stale in [tag.as_str(), STALE, "\"abc\", \"def\""] {
                server.send(method, &path, &[("if-match", stale)], body.clone()).await.refused(412, "");
                assert_eq!(server.get(&path).await.text, before, "{method} {stale}");
            }
        }
        let group = server.group("staff", &[]).await;
        let add = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": id(&path)}]}]});
        server.send("PATCH", &group, &[("if-match", STALE)], add.to_string()).await.refused(412, "");
        assert_eq!(server.members(&group).await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_14_08_writes_with_the_present_tag_succeed() {
    for server in everywhere() {
        let (path, _) = bjensen(&server).await;
        for (method, body) in writes("new") {
            let tag = server.get(&path).await.etag();
            let answer = server.send(method, &path, &[("if-match", &tag)], body).await;
            answer.expect(if method == "DELETE" { 204 } else { 200 });
        }
        server.get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn r7644_3_14_09_a_star_matches_what_exists() {
    for server in everywhere() {
        let (path, _) = bjensen(&server).await;
        for (method, body) in writes("new") {
            let answer = server.send(method, &path, &[("if-match", "*")], body).await;
            answer.expect(if method == "DELETE" { 204 } else { 200 });
        }
        for (method, body) in writes("new") {
            let answer = server.send(method, &path, &[("if-match", "*")], body).await;
            answer.refused(404, "");
        }
    }
}

#[tokio::test]
async fn r7644_3_14_10_lists_of_tags_work() {
    for server in everywhere() {
        let (path, _) = bjensen(&server).await;
        for (method, body) in writes("new") {
            let tags = format!("\"x\", {},W/\"y\"", server.get(&path).await.etag());
            let answer = server.send(method, &path, &[("if-match", &tags)], body).await;
            answer.expect(if method == "DELETE" { 204 } else { 200 });
        }
        let (path, tag) = bjensen(&server).await;
        server.send("GET", &path, &[("if-none-match", &format!("\"x\" , {tag}"))], "").await.expect(304);
        server.send("DELETE", &path, &[("if-match", "\"x\""), ("if-match", &tag)], "").await.expect(204);
    }
}

#[tokio::test]
async fn r7644_3_14_11_of_two_writers_with_one_tag_the_second_gets_412() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        for method in ["PUT", "PATCH"] {
            let tag = server.get(&path).await.etag();
            let body = |title| writes(title).into_iter().find(|(name, _)| *name == method).unwrap().1;
            let headers = [("if-match", tag.as_str())];
            let (one, two) = (format!("{method} one"), format!("{method} two"));
            let (first, second) = tokio::join!(
                server.send(method, &path, &headers, body(&one)),
                server.send(method, &path, &headers, body(&two)),
            );
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "{method}");
            let title = server.get(&path).await.json()["title"].clone();
            assert_eq!(title, if first.status == 200 { one } else { two });
        }
        server.send("DELETE", &path, &[("if-match", &tag)], "").await.refused(412, "");
    }
}

#[tokio::test]
async fn r7644_3_14_07_b_nor_is_anything_written_that_should_not_exist() {
    for server in everywhere() {
        let (path, tag) = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for (method, body) in writes("new") {
            for header in ["*", tag.as_str()] {
                server.send(method, &path, &[("if-none-match", header)], body.clone()).await.refused(412, "");
            }
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}
