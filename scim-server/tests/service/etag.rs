use crate::common::*;

const STALE: &str = "W/\"999999\"";

#[tokio::test]
async fn rfc7644_3_14_05_06_conditional_reads() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let (path, tag) = (format!("/Users/{}", created.id()), created.etag());
    let strong = tag.strip_prefix("W/").unwrap().to_owned();
    let list = format!("\"x\", {tag} , \"y\"");
    for same in [tag.as_str(), &strong, &list, "*"] {
        let answer = server.send("GET", &path, &[("if-none-match", same)], "").await.expect(304);
        assert_eq!(answer.etag(), tag, "{same}");
        assert!(answer.header("content-type").is_none());
    }
    for other in [STALE, "\"abc\""] {
        server.send("GET", &path, &[("if-none-match", other)], "").await.expect(200);
    }
    server.send("GET", &path, &[("if-match", STALE)], "").await.refused(412, "");
    server.send("GET", &path, &[("if-match", &tag)], "").await.expect(200);
}

#[tokio::test]
async fn rfc7644_3_14_07_a_stale_tag_stops_every_write() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let (path, tag) = (format!("/Users/{}", created.id()), created.etag());
    let patch =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "x"}]});
    let put = json!({"schemas": [USER], "userName": "x"});
    for (method, body) in [("PUT", put.to_string()), ("PATCH", patch.to_string()), ("DELETE", String::new())]
    {
        for stale in [STALE, "\"abc\", W/\"0\"", "\"a,b\"", "\"*\""] {
            let detail =
                server.send(method, &path, &[("if-match", stale)], body.clone()).await.refused(412, "");
            assert_eq!(detail, format!("the resource has changed: its version is now {tag}"));
        }
        for header in [("if-none-match", "*"), ("if-none-match", tag.as_str())] {
            for more in [None, Some("*"), Some(&*tag)] {
                let headers: Vec<_> = [header].into_iter().chain(more.map(|tag| ("if-match", tag))).collect();
                let detail = server.send(method, &path, &headers, body.clone()).await.refused(412, "");
                assert_eq!(
                    detail,
                    format!(
                        "the header If-None-Match rules this out: the resource exists, and its version is {tag}"
                    )
                );
            }
        }
        assert_eq!(server.get(&path).await.text, created.text);
    }
}

#[tokio::test]
async fn rfc7644_3_14_04_08_09_10_the_current_tag_lets_writes_through() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let path = format!("/Users/{}", created.id());
    let mut tag = created.etag();
    for (n, tags) in ["{}", "*", "\"x\", {}"].iter().enumerate() {
        let tags = tags.replace("{}", &tag);
        let body = json!({"schemas": [USER], "userName": format!("u{n}")}).to_string();
        let put = server.send("PUT", &path, &[("if-match", &tags)], body.clone()).await.expect(200);
        assert_ne!(put.etag(), tag);
        // 7644-3.14-11: the second of two writers
        if n != 1 {
            server.send("PUT", &path, &[("if-match", &tags)], body).await.refused(412, "");
        }
        tag = put.etag();
    }
    let strong = tag.strip_prefix("W/").unwrap().to_owned();
    server.send("DELETE", &path, &[("if-match", &strong)], "").await.expect(204);
    server.send("DELETE", &path, &[("if-match", "*")], "").await.refused(404, "");
}

#[tokio::test]
async fn several_headers_are_one_list() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let (path, tag) = (format!("/Users/{}", created.id()), created.etag());
    server.send("DELETE", &path, &[("if-match", STALE), ("if-match", &tag)], "").await.expect(204);
}

#[tokio::test]
async fn what_is_no_list_of_tags_is_said_to_be_none() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let (path, tag) = (format!("/Users/{}", created.id()), created.etag());
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]});
    let put = json!({"schemas": [USER], "userName": "x"});
    for malformed in
        ["1", "garbage", "", ",", "W/1", "\"1", "1\"", "\"1\" \"2\"", "\"1\", *", "*,*", "w/\"1\""]
    {
        for (method, body) in [
            ("PUT", put.to_string()),
            ("PATCH", patch.to_string()),
            ("DELETE", String::new()),
            ("GET", String::new()),
        ] {
            let detail =
                server.send(method, &path, &[("if-match", malformed)], body.clone()).await.refused(400, "");
            let expected = format!(
                "the header If-Match must be `*` or at most 100 versions in double quotes such as W/\"1\", got `{malformed}`"
            );
            assert_eq!(detail, expected);
            let none = server.send(method, &path, &[("if-none-match", malformed)], body).await;
            assert_eq!(none.refused(400, ""), expected.replace("If-Match", "If-None-Match"));
        }
    }
    assert_eq!(server.get(&path).await.etag(), tag);
    let list = format!(",\"a,b\",, {tag},");
    server.send("DELETE", &path, &[("if-match", &list)], "").await.expect(204);
}
