//! Requests that no honest client sends.

use crate::common::*;

#[tokio::test]
async fn rfc7643_9_02_bad_escapes_in_paths_and_queries() {
    let server = Server::new();
    for path in ["/Users/%", "/Users/%4", "/Users/%zz", "/Users/%ff", "/Users/%c0%80", "/%"] {
        let detail = server.get(path).await.refused(400, "");
        assert!(detail.contains("in the URL"), "{path}: {detail}");
    }
    for query in ["filter=%", "filter=%ff", "%zz=1", "foo=%", "attributes=%e0"] {
        for path in ["/Users", "/", "/Users/1"] {
            let detail = server.get(&format!("{path}?{query}")).await.refused(400, "invalidValue");
            assert!(detail.contains("in the URL"), "{query}: {detail}");
        }
    }
}

#[tokio::test]
async fn odd_ids_are_not_found() {
    let server = Server::new();
    let long = "a".repeat(600);
    for id in [
        "%00",
        "%0a",
        "a%00b",
        "..",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "bulkId:1",
        "'%20OR%201=1--",
        "%22",
        "%F0%9F%98%80",
        long.as_str(),
        "%7f",
        ".search.",
        "*",
    ] {
        for method in ["GET", "DELETE"] {
            let detail = server.send(method, &format!("/Users/{id}"), &[], "").await.refused(404, "");
            assert!(detail.starts_with("there is no User with the id `"), "{detail}");
        }
        server
            .put(&format!("/Users/{id}"), &json!({"schemas": [USER], "userName": "a"}))
            .await
            .refused(404, "");
    }
}

#[tokio::test]
async fn names_with_quotes_and_sql_are_names() {
    let server = Server::new();
    for name in ["o'brien", "a\"; DROP TABLE users;--", "%00", "../../x", "a\\b", "{}", "null", "\u{1F600}"] {
        let id = server.user(json!({"userName": name})).await;
        let filter = format!("userName eq {}", json!(name));
        assert_eq!(server.names(&filter).await, [name]);
        assert_eq!(server.get(&format!("/Users/{id}")).await.json()["userName"], name);
    }
}

#[tokio::test]
async fn deep_filters_end_early() {
    let server = Server::new();
    let nested = |n: usize| format!("{}title pr{}", "(".repeat(n), ")".repeat(n));
    server.filter("/Users", &nested(30)).await.expect(200);
    for n in [1_000, 10_000, 100_000] {
        if n < 30_000 {
            server.filter("/Users", &nested(n)).await.refused(400, "invalidFilter");
        }
        let body = json!({"schemas": [SEARCH], "filter": nested(n)});
        server.post("/Users/.search", &body).await.refused(400, "invalidFilter");
        let body = json!({"schemas": [SEARCH], "filter": "not (".repeat(n)});
        server.post("/.search", &body).await.refused(400, "invalidFilter");
        let path = format!("emails[{}]", nested(n));
        let id = "1";
        server.patch(&format!("/Users/{id}"), json!([{"op": "remove", "path": path}])).await.expect(400);
    }
    let many = vec!["title pr"; 20_000].join(" or ");
    let body = json!({"schemas": [SEARCH], "filter": many});
    server.post("/Users/.search", &body).await.refused(400, "invalidFilter");
}

#[tokio::test]
async fn deep_and_wide_json_ends_early() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    let path = format!("/Users/{id}");
    let before = server.get(&path).await.text;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for n in [1_000, 10_000, 100_000] {
            let deep = format!(
                "{{\"schemas\":[\"{USER}\"],\"userName\":\"b\",\"title\":{}1{}}}",
                open.repeat(n),
                close.repeat(n)
            );
            let unclosed = open.repeat(n);
            for body in [deep.as_str(), &unclosed] {
                for (method, path) in
                    [("POST", "/Users"), ("PUT", &path), ("PATCH", &path), ("POST", "/.search")]
                {
                    server.send(method, path, &[], body).await.refused(400, "invalidSyntax");
                }
            }
        }
    }
    let wide = format!("[{}1]", "1,".repeat(500_000));
    server.send("POST", "/Users", &[], wide).await.expect(400);
    assert_eq!(server.get(&path).await.text, before);
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let server = Server::new();
    for body in [
        &b"\xff\xfe{\x00}\x00"[..],
        b"{\"userName\":\"\xff\"}",
        b"\x00",
        b"{\"schemas\":\xc3\x28}",
        b"\xef\xbb\xbf",
    ] {
        server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn bodies_over_the_limit() {
    let limits = scim_server::Limits::default().with_body(1000);
    let server = Server::with(|builder| builder.limits(limits));
    let id = server.user(json!({"userName": "a"})).await;
    let path = format!("/Users/{id}");
    let before = server.get(&path).await.text;
    let body = |size: usize| {
        let empty = json!({"schemas": [USER], "userName": "b", "title": ""}).to_string().len();
        json!({"schemas": [USER], "userName": "b", "title": "x".repeat(size - empty)}).to_string()
    };
    for size in [1001, 1500, 4001, 100_000] {
        for (method, path) in
            [("POST", "/Users"), ("PUT", path.as_str()), ("PATCH", &path), ("POST", "/Users/.search")]
        {
            let detail = server.send(method, path, &[], body(size)).await.refused(413, "");
            assert_eq!(detail, "the body is larger than the limit of 1000 bytes");
            let length = size.to_string();
            server.send(method, path, &[("content-length", &length)], body(size)).await.refused(413, "");
        }
    }
    assert_eq!(server.get(&path).await.text, before);
    server.send("PUT", &path, &[], body(1000)).await.expect(200);
    // What nobody reads is no reason to refuse.
    server.send("DELETE", &path, &[("content-length", "99999999")], body(5000)).await.expect(204);
}

#[tokio::test]
async fn parameters_that_are_given_twice() {
    let server = Server::new();
    for query in [
        "filter=id+pr&filter=title+pr",
        "count=1&COUNT=2",
        "sortBy=id&sortBy=title",
        "startIndex=1&startIndex=1",
    ] {
        let detail = server.get(&format!("/Users?{query}")).await.refused(400, "invalidValue");
        assert!(detail.contains("is given twice"), "{detail}");
    }
    server.get("/Users?attributes=id&attributes=title&foo=1&foo=2&&=&=x").await.expect(200);
}

#[tokio::test]
async fn the_same_name_ten_thousand_times_costs_no_more_than_once() {
    let server = Server::new();
    for n in 0..50 {
        server.user(json!({"userName": format!("u{n}"), "title": "t"})).await;
    }
    let names = vec!["title"; 100_000];
    let body = json!({"schemas": [SEARCH], "attributes": names});
    let found = server.post("/Users/.search", &body).await.expect(200).json();
    assert_eq!(found["Resources"][49]["title"], "t");
}

#[tokio::test]
async fn a_request_without_a_host_gets_relative_locations() {
    use tower::ServiceExt as _;
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    let request = http::Request::get(format!("/Users/{id}")).body(scim_server::Body::empty()).unwrap();
    let response = server.service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["location"], format!("/Users/{id}"));
}

#[tokio::test]
async fn control_characters_in_values_are_kept_as_json_has_them() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a", "title": "x\u{1}\u{1f}\ny"})).await;
    assert_eq!(server.get(&format!("/Users/{id}")).await.json()["title"], "x\u{1}\u{1f}\ny");
}
