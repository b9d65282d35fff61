//! Bad input against each binary: the status, the scimType and the sentence that comes back, and that nothing changed.
//!
//! The tables are in the modules, a line per request. After each request the stored people and the stored group are
//! fetched again and must be byte for byte what they were.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;

mod addressing;
mod bodies;
mod case;
mod filters;
mod patch;
mod values;

use std::io::Write;

use case::{Case, Ids};
use common::http::{Answer, Client};
use common::server::{Kind, Server};
use serde_json::json;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
fn the_bridge_refuses_bad_input() {
    refuse_all(Kind::Bridge);
}

#[test]
fn the_directory_in_memory_refuses_bad_input() {
    refuse_all(Kind::DirectoryMemory);
}

#[test]
fn the_directory_in_sqlite_refuses_bad_input() {
    refuse_all(Kind::DirectorySqlite);
}

#[test]
fn the_strict_directory_in_memory_refuses_bad_input() {
    refuse_all(Kind::StrictMemory);
}

#[test]
fn the_strict_directory_in_sqlite_refuses_bad_input() {
    refuse_all(Kind::StrictSqlite);
}

fn refuse_all(kind: Kind) {
    let server = Server::start(kind);
    let client = server.client();
    let ids = populate(&client);
    let mut before = stored(&client, &ids);
    let mut findings = Vec::new();
    let mut sent = 0;
    for case in cases(&ids).iter().filter(|case| case.applies_to(kind)) {
        sent += 1;
        match client.raw(&case.encode(&client)) {
            Ok(answer) => findings.extend(case.check(&answer, server.token())),
            Err(why) => findings.push(format!("{}: {why}", case.name)),
        }
        let after = stored(&client, &ids);
        for ((what, was), (_, is)) in before.iter().zip(&after) {
            if was != is {
                findings.push(format!("{}: changed {what}:\n  was {was}\n  is  {is}", case.name));
            }
        }
        before = after;
    }
    assert!(sent > 150, "only {sent} requests");
    assert!(findings.is_empty(), "{} findings in {sent} requests:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn every_base_path_answers_errors_in_the_same_way() {
    for kind in [Kind::Bridge, Kind::DirectoryMemory] {
        let server = Server::start(kind);
        for base in ["", "/scim", "/scim/v2"] {
            let client = server.client_at(base);
            let ids = populate(&client);
            let error = client.get("/Users/no-such-id").expect(404);
            assert_eq!(error["status"], "404", "{kind:?} {base}");
            let refused = client.anonymous().get("/Users");
            assert_eq!(refused.status, 401, "{kind:?} {base}");
            assert!(refused.header("WWW-Authenticate").is_some_and(|value| value.starts_with("Bearer")));
            assert_eq!(client.delete(&format!("/Groups/{}", ids.group)).status, 204);
            for id in [&ids.victim, &ids.other] {
                assert_eq!(client.delete(&format!("/Users/{id}")).status, 204);
            }
        }
    }
}

/// Not every peer speaks HTTP, and some never finish a sentence.
#[test]
fn what_is_no_request_harms_nobody() {
    for kind in [Kind::Bridge, Kind::DirectorySqlite] {
        let server = Server::start(kind);
        let client = server.client();
        let ids = populate(&client);
        let before = stored(&client, &ids);
        let flood: String = (0..2_000).map(|n| format!("X-Header-{n}: {n}\r\n")).collect();
        let endless = format!("/Users/{}", "a".repeat(200_000));
        let lines: [&[u8]; 8] = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET\r\n\r\n",
            b"\0\0\0\0\0\0\0\0\r\n\r\n",
            b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /scim/v2/Users HTTP/9.9\r\nHost: x\r\n\r\n",
        ];
        let excessive =
            [client.head("GET", b"/Users", flood.as_bytes()), client.head("GET", endless.as_bytes(), b"")];
        for bytes in lines.into_iter().chain(excessive.iter().map(Vec::as_slice)) {
            // Whatever is said to that, it is no success.
            if let Ok(answer) = client.raw(bytes) {
                assert!(answer.status >= 400, "{}: {:?}", answer.status, String::from_utf8_lossy(bytes));
            }
        }
        let unfinished: Vec<_> = (0..64)
            .map(|n| {
                let mut stream = client.connect().unwrap();
                let head = client.head("POST", b"/Users", b"Content-Length: 1000\r\n");
                let part = if n % 2 == 0 { &head[..head.len() / 2] } else { &head[..] };
                stream.write_all(part).unwrap();
                stream
            })
            .collect();
        assert_eq!(stored(&client, &ids), before);
        drop(unfinished);
        assert_eq!(stored(&client, &ids), before);
    }
}

/// Two people and a group of both.
fn populate(client: &Client) -> Ids {
    let person = |name: &str| {
        let email = format!("{name}@example.com");
        let body = json!({
            "schemas": [USER], "userName": email, "displayName": format!("{name} Person"), "active": true,
            "name": {"givenName": name, "familyName": "Person"},
            "emails": [{"value": email, "type": "work", "primary": true}],
        });
        client.post("/Users", &body).expect(201)["id"].as_str().unwrap().to_owned()
    };
    let (victim, other) = (person("victim"), person("other"));
    let body = json!({"schemas": [GROUP], "displayName": "Victims", "members": [{"value": victim}, {"value": other}]});
    let group = client.post("/Groups", &body).expect(201)["id"].as_str().unwrap().to_owned();
    Ids { victim, other, group }
}

/// Everything a bad request could have changed, as text.
fn stored(client: &Client, ids: &Ids) -> Vec<(String, String)> {
    let resources =
        [format!("/Users/{}", ids.victim), format!("/Users/{}", ids.other), format!("/Groups/{}", ids.group)];
    let show = |answer: &Answer| format!("{} {:?} {}", answer.status, answer.header("ETag"), answer.text());
    let mut seen: Vec<_> =
        resources.into_iter().map(|path| (path.clone(), show(&client.get(&path)))).collect();
    for endpoint in ["/Users", "/Groups"] {
        let total = client.get(&format!("{endpoint}?count=0")).expect(200)["totalResults"].clone();
        seen.push((endpoint.to_owned(), total.to_string()));
    }
    seen
}

fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = addressing::cases(ids);
    cases.extend(bodies::cases(ids));
    cases.extend(values::cases(ids));
    cases.extend(filters::cases());
    cases.extend(patch::cases(ids));
    cases
}
