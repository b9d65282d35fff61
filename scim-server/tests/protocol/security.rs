//! RFC 7644 sections 5, 6 and 7: names that look alike, tenants, and secrets.

use std::io;
use std::sync::{Arc, Mutex};

use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::store::MemoryStore;

use crate::auth::{READER, WRITER, ask};
use crate::server::*;

#[tokio::test]
async fn r7644_5_01_user_names_are_prepared_before_they_are_compared() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "Ångström"})).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        for twin in ["ångström", "ÅNGSTRÖM", "A\u{30a}ngstro\u{308}m", "Ångströ\u{ff4d}"] {
            server.post("/Users", &user(json!({"userName": twin}))).await.refused(409, "uniqueness");
            server.put(&bob, &user(json!({"userName": twin}))).await.refused(409, "uniqueness");
            let rename = json!([{"op": "replace", "path": "userName", "value": twin}]);
            server.patch(&bob, rename).await.refused(409, "uniqueness");
            assert_eq!(server.names(&format!("userName eq \"{twin}\"")).await, ["Ångström"], "{twin}");
        }
        assert_eq!(server.get(&ann).await.json()["userName"], "Ångström", "kept as it came");
        for wrong in ["a\u{0}b", "a\u{200b}b", "\u{202e}nna", "a\tb"] {
            server.post("/Users", &user(json!({"userName": wrong}))).await.refused(400, "invalidValue");
        }
        // What differs after preparation is somebody else.
        for other in ["Angstrom", "ångströ", "ångström1", "å\u{301}ngström"] {
            let path = server.user(json!({"userName": other})).await;
            assert_eq!(server.names(&format!("userName eq \"{other}\"")).await, [other]);
            server.delete(&path).await.expect(204);
        }
        // Halfwidth and fullwidth forms, by every operator, and in bulk.
        let kana = server.user(json!({"userName": "\u{ff76}\u{ff85}"})).await;
        for filter in
            ["userName eq \"\u{30ab}\u{30ca}\"", "userName sw \"\u{30ab}\"", "userName co \"\u{ff85}\""]
        {
            assert_eq!(server.names(filter).await, ["\u{ff76}\u{ff85}"], "{filter}");
        }
        let twin = json!({"method": "POST", "path": "/Users", "bulkId": "k", "data": user(json!({"userName": "\u{30ab}\u{30ca}"}))});
        assert_eq!(server.bulk(json!([twin])).await.statuses(), ["409"]);
        server.delete(&kana).await.expect(204);
        let blank = server.post("/Users", &user(json!({"userName": "anna b"}))).await;
        assert_eq!(blank.status, if server.strict { 400 } else { 201 }, "C12");
    }
}

#[tokio::test]
async fn r7644_5_01b_passwords_are_compared_with_nothing() {
    for server in everywhere() {
        let body = |password: &str| user(json!({"userName": "ann", "password": password}));
        let created = server.post("/Users", &body("Ångström 1")).await.expect(201);
        let path = format!("/Users/{}", created.id());
        for password in ["Ångström 1", "A\u{30a}ngstro\u{308}m 1", "ångström 1", "\u{ff21}\u{3000}b", "other"]
        {
            let set = json!([{"op": "replace", "path": "password", "value": password}]);
            let patched = server.patch(&path, set).await;
            if server.strict {
                // A change that is not made is not called one.
                patched.refused(400, "mutability");
            } else {
                let patched = patched.expect(200);
                assert_eq!((patched.json(), patched.etag()), (created.json(), created.etag()), "{password}");
            }
            let put = server.put(&path, &body(password)).await.expect(200);
            // Whether it is the one before, in whatever form, can be told from no answer.
            for answer in [put, server.get(&path).await] {
                assert_eq!((answer.json(), answer.etag()), (created.json(), created.etag()), "{password}");
            }
        }
        server
            .search("/Users/.search", json!({"filter": "password eq \"other\""}))
            .await
            .refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn r7644_6_01_tenants_are_told_apart() {
    for server in everywhere() {
        let (one, two) = (server.tenant("one"), server.tenant("two"));
        one.user(json!({"userName": "ann"})).await;
        two.user(json!({"userName": "ann"})).await;
        two.user(json!({"userName": "bob"})).await;
        assert_eq!(one.names("userName pr").await, ["ann"]);
        assert_eq!(two.names("userName pr").await, ["ann", "bob"]);
        assert_eq!(server.get("/").await.json()["totalResults"], 0, "nor is it the default tenant's");
    }
}

#[tokio::test]
async fn r7644_6_02_no_tenant_reaches_the_data_of_another() {
    for server in everywhere() {
        let (one, two) = (server.tenant("one"), server.tenant("two"));
        let ann = one.user(json!({"userName": "ann", "title": "T"})).await;
        let group = two.group("staff", &[]).await;
        let before = one.get(&ann).await.expect(200).text;
        two.get(&ann).await.refused(404, "");
        two.put(&ann, &user(json!({"userName": "x"}))).await.refused(404, "");
        two.patch(&ann, json!([{"op": "remove", "path": "title"}])).await.refused(404, "");
        two.delete(&ann).await.refused(404, "");
        assert_eq!(two.filter("/", &format!("id eq \"{}\"", id(&ann))).await.json()["totalResults"], 0);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id(&ann)}]}]);
        two.patch(&group, add).await.refused(400, "invalidValue");
        assert_eq!(one.get(&ann).await.text, before);
    }
}

#[tokio::test]
async fn r7644_6_03_external_ids_and_unique_values_are_each_tenants_own() {
    for server in everywhere() {
        for name in ["one", "two"] {
            let tenant = server.tenant(name);
            tenant.user(json!({"userName": "ann", "externalId": "X"})).await;
            assert_eq!(tenant.names("externalId eq \"X\"").await, ["ann"]);
        }
    }
}

#[tokio::test]
async fn r7644_7_03_a_get_that_filters_by_what_is_sensitive_is_403() {
    for server in everywhere() {
        server.post("/Users", &full_user("ann")).await.expect(201);
        let answer = server.filter("/Users", "password eq \"t1meMa$heen\"").await;
        let detail = answer.refused(403, "sensitive");
        assert_eq!(answer.json()["status"], "403", "erratum 6893");
        assert!(!detail.contains("t1meMa"), "{detail}");
    }
}

#[tokio::test]
async fn r7644_7_04_inputs_are_validated_and_passwords_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let sqlite: Store = Arc::new(scim_server::store::SqliteStore::open(&path).unwrap());
    let server = Server::over(sqlite, false, |builder| builder);
    let ann = server.post("/Users", &full_user("ann")).await.expect(201).id();
    let set = json!([{"op": "replace", "path": "password", "value": "t1meMa$heen-2"}]);
    server.patch(&format!("/Users/{ann}"), set).await.expect(200);
    drop(server);
    let mut kept = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        kept += bytes.windows(7).filter(|part| part == b"bjensen").count();
        assert!(!bytes.windows(6).any(|part| part == b"t1meMa"), "no password on disk");
    }
    assert!(kept > 0, "while the rest is there");
}

#[tokio::test]
async fn r7644_7_06_names_are_compared_prepared_and_other_strings_by_their_case_rule() {
    for server in everywhere() {
        server.user(json!({"userName": "\u{ff21}nn", "title": "STRASSE", "externalId": "É"})).await;
        assert_eq!(server.names("userName eq \"ann\"").await.len(), 1);
        assert_eq!(server.names("title eq \"strasse\"").await.len(), 1);
        assert_eq!(server.names("externalId eq \"é\"").await.len(), 0);
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn r7644_7_07_credentials_appear_in_no_answer_and_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::tolerant();
    let mut answers = vec![ask(&server, "POST", "/v2/Users", WRITER, &full_user("ann")).await.expect(201)];
    let set = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "password", "value": "t1meMa$heen"}]});
    answers.push(ask(&server, "PATCH", "/Users/id-x", READER, &set).await);
    let wrong = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "password", "value": ["t1meMa$heen"]}]});
    let path = format!("/Users/{}", answers[0].id());
    answers.push(ask(&server, "PATCH", &path, WRITER, &wrong).await);
    answers.push(ask(&server, "GET", "/Users?filter=password+eq+%22t1meMa%22", READER, &Value::Null).await);
    answers.push(ask(&server, "GET", "/Users", ("authorization", "Bearer t1meMa-wrong"), &Value::Null).await);
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("status=")).count(), 5, "{log}");
    answers.iter().for_each(|answer| assert!(answer.status != 500, "{answer:?}"));
    for text in answers.iter().map(|answer| answer.text.as_str()).chain([log.as_str()]) {
        for secret in ["t1meMa", "writer-token", "reader-token"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn r7644_7_07_b_nor_in_what_debug_shows() {
    let tokens = StaticTokens::new().with("entra", "a-long-and-random-token").unwrap();
    let shown = format!("{:?} {:?}", tokens, AuthLayer::new(tokens.clone()));
    assert!(shown.contains("entra") && !shown.contains("random"), "{shown}");
    assert!(format!("{:?}", MemoryStore::new()).len() < 1000);
}
