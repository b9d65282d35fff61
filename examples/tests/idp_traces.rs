//! What identity providers really send, replayed against each binary; and tests of the replayer itself.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::http::{Answer, Client};
use common::postgres;
use common::replay::{Env, Exchange, Failure, Scenario, check, pointer, scenarios};
use common::server::{Kind, Server};
use serde_json::{Value, json};

#[test]
fn the_bridge_understands_every_identity_provider() {
    replay_all(Kind::Bridge);
}

#[test]
fn the_bridge_with_a_database_understands_every_identity_provider() {
    if postgres::is_there() {
        replay_all(Kind::BridgePostgres);
    }
}

#[test]
fn the_directory_in_memory_understands_every_identity_provider() {
    replay_all(Kind::DirectoryMemory);
}

#[test]
fn the_directory_in_sqlite_understands_every_identity_provider() {
    replay_all(Kind::DirectorySqlite);
}

#[test]
fn the_directory_in_postgres_understands_every_identity_provider() {
    if postgres::is_there() {
        replay_all(Kind::DirectoryPostgres);
    }
}

/// `REPLAY_BASE=http://127.0.0.1:8080/scim REPLAY_TOKEN=... cargo test -p examples --test idp_traces -- --ignored`
#[test]
#[ignore = "needs a running server, named by REPLAY_BASE and REPLAY_TOKEN"]
fn a_server_elsewhere_understands_every_identity_provider() {
    let base = std::env::var("REPLAY_BASE").unwrap();
    let token = std::env::var("REPLAY_TOKEN").unwrap_or_default();
    report(&replay_on(&Client::new(&base, "", Some(&token)), &token, &format!("p{}", std::process::id())));
}

fn replay_all(kind: Kind) {
    let server = Server::start(kind);
    // A second round meets the people and groups that the first has left.
    for round in ["a", "b"] {
        report(&replay_on(&server.client(), server.token(), round));
    }
}

fn replay_on(client: &Client, token: &str, round: &str) -> Vec<Failure> {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 25, "only {} scenarios", scenarios.len());
    let replay = |(n, scenario): (usize, &Scenario)| {
        scenario.replay(&mut client.clone(), token, &format!("{round}{n}x")).err()
    };
    scenarios.iter().enumerate().filter_map(replay).collect()
}

fn report(failures: &[Failure]) {
    let lines: Vec<String> = failures.iter().map(Failure::to_string).collect();
    assert!(lines.is_empty(), "{} scenarios failed:\n{}", lines.len(), lines.join("\n"));
}

/// Matcher, value (`None`: missing), whether it holds.
#[test]
fn matchers_hold_when_the_format_says_so() {
    let rows = [
        (json!({"exists": true}), Some(json!("x")), true),
        (json!({"exists": true}), Some(json!(false)), true),
        (json!({"exists": true}), Some(json!(null)), false),
        (json!({"exists": true}), Some(json!([])), false),
        (json!({"exists": true}), None, false),
        (json!({"exists": false}), Some(json!({})), true),
        (json!({"exists": false}), None, true),
        (json!({"exists": false}), Some(json!(0)), false),
        (json!({"count": 2}), Some(json!([1, 2])), true),
        (json!({"count": 2}), Some(json!([1])), false),
        (json!({"count": 0}), None, true),
        (json!({"count": 0}), Some(json!(null)), true),
        (json!({"count": 0}), Some(json!("")), false),
        (json!({"matches": "^a.c"}), Some(json!("abcd")), true),
        (json!({"matches": "^a.c"}), Some(json!("xabc")), false),
        (json!({"matches": "1"}), Some(json!(1)), false),
        (json!({"has": {"type": "work"}}), Some(json!([{"TYPE": "work", "value": "x"}])), true),
        (json!({"has": {"type": "work"}}), Some(json!([{"type": "home"}])), false),
        (json!({"has": "a"}), Some(json!(["b", "a"])), true),
        (json!({"has": "a"}), Some(json!("a")), false),
        (json!({"has": "a"}), None, false),
        (json!({"lacks": {"value": "1"}}), Some(json!([{"value": "2"}])), true),
        (json!({"lacks": {"value": "1"}}), Some(json!([{"value": "1", "type": "x"}])), false),
        (json!({"lacks": "a"}), None, true),
        (json!({"lacks": "a"}), Some(json!("b")), false),
        (json!({"gte": 4}), Some(json!(4)), true),
        (json!({"gte": 4}), Some(json!(3)), false),
        (json!({"gte": 0}), Some(json!(true)), false),
        (json!({"lte": 9}), Some(json!(9.0)), true),
        (json!({"lte": 9}), Some(json!("1")), false),
        (json!({"not": "a"}), Some(json!("b")), true),
        (json!({"not": "a"}), Some(json!("a")), false),
        (json!({"not": "a"}), None, true),
        (json!({"ieq": "ABC"}), Some(json!("abc")), true),
        (json!({"ieq": "ABC"}), Some(json!("abd")), false),
        (json!({"type": "integer"}), Some(json!(1)), true),
        (json!({"type": "integer"}), Some(json!(1.5)), false),
        (json!({"type": "integer"}), Some(json!("1")), false),
        (json!({"type": "boolean"}), Some(json!(true)), true),
        (json!({"type": "boolean"}), Some(json!("true")), false),
        (json!({"type": "string"}), Some(json!("")), true),
        (json!({"type": "array"}), Some(json!([])), true),
        (json!({"type": "object"}), Some(json!([])), false),
        (json!({"any_of": [1, {"ieq": "X"}]}), Some(json!("x")), true),
        (json!({"any_of": [1, {"ieq": "X"}]}), Some(json!("y")), false),
        (json!({"gte": 1, "lte": 3}), Some(json!(2)), true),
        (json!({"gte": 1, "lte": 3}), Some(json!(4)), false),
        // An object that is no matcher is a plain value, and so is an empty one.
        (json!({"type": "work", "value": "x"}), Some(json!({"value": "x", "type": "work"})), true),
        (json!({}), Some(json!({})), true),
        (json!({}), Some(json!({"a": 1})), false),
        (json!(true), Some(json!("true")), false),
        (json!(1), Some(json!(true)), false),
        (json!(1), Some(json!(1.0)), true),
        (json!("a"), None, false),
        (json!([1, {"a": 2}]), Some(json!([1, {"a": 2}])), true),
        (json!([1, 2]), Some(json!([2, 1])), false),
    ];
    for (want, got, holds) in rows {
        assert_eq!(check(got.as_ref(), &want).is_ok(), holds, "{want} on {got:?}");
    }
    assert_eq!(check(None, &json!({"count": 2})).unwrap_err(), r#"expected {"count": 2}, got nothing"#);
    assert!(check(Some(&json!(1)), &json!({"type": "integre"})).unwrap_err().contains("integre"));
}

#[test]
fn pointers_find_names_in_any_case() {
    let doc = json!({"Emails": [{"value": "a"}], "urn:x:2.0:User": {"a/b": 1, "c~d": 2}, "x": 1, "X": 2});
    let rows = [
        ("", Some(doc.clone())),
        ("/emails/0/Value", Some(json!("a"))),
        ("/emails/1/value", None),
        ("/emails/x", None),
        ("/URN:x:2.0:user/a~1b", Some(json!(1))),
        ("/urn:x:2.0:User/c~0d", Some(json!(2))),
        ("/X", Some(json!(2))),
        ("/x/y", None),
    ];
    for (ptr, found) in rows {
        assert_eq!(pointer(&doc, ptr), found.as_ref(), "{ptr}");
    }
}

#[test]
fn variables_keep_their_type_alone_and_are_quoted_in_paths() {
    let mut env = Env::new("r1");
    env.set("n", json!(7));
    env.set("doc", json!({"a": {"b": 1, "c": 2}, "d": [1]}));
    env.set("user7", json!("per son"));
    let rows = [
        (json!("${n}"), json!(7)),
        (json!("n=${n} ${run}"), json!("n=7 r1")),
        (json!("${user${n}}"), json!("per son")),
        (json!([{"$repeat": 2, "item": {"v": "x${i}"}}, "z"]), json!([{"v": "x0"}, {"v": "x1"}, "z"])),
        (
            json!({"$merge": ["${doc}", {"a": {"b": null}, "d": []}]}),
            json!({"a": {"b": null, "c": 2}, "d": []}),
        ),
        (json!({"k${n}": true}), json!({"k7": true})),
        (json!("$5 {x}"), json!("$5 {x}")),
    ];
    for (template, filled) in rows {
        assert_eq!(env.fill(&template).unwrap(), filled, "{template}");
    }
    assert_eq!(env.fill_text("/Users/${user7}?a=+%20", true).unwrap(), "/Users/per%20son?a=+%20");
    assert!(env.fill_text("/Users/${nobody}", true).unwrap_err().contains("${nobody}"));
}

/// Answers from a list, and keeps what was asked.
#[derive(Default)]
struct Canned {
    answers: Vec<(u16, Value)>,
    asked: Vec<Asked>,
}

/// Request line, headers, body.
type Asked = (String, Vec<(String, String)>, Option<Value>);

impl Exchange for Canned {
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = body.map(|body| serde_json::from_slice(body).unwrap());
        self.asked.push((format!("{method} {path}"), headers, body));
        if self.answers.is_empty() {
            return Err("connection refused".to_owned());
        }
        let (status, body) = self.answers.remove(0);
        Ok(Answer {
            status,
            headers: vec![("content-type".to_owned(), "application/scim+json".to_owned())],
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        })
    }
}

fn scenario(steps: &Value) -> Scenario {
    let headers = json!({"Accept": "application/scim+json", "Content-Type": "application/scim+json"});
    serde_json::from_value(json!({"idp": "acme", "name": "test", "headers": headers, "steps": steps}))
        .unwrap()
}

#[test]
fn a_replay_sends_what_the_scenario_says() {
    let steps = json!([
        {"send": {"method": "POST", "path": "/Users", "body": {"userName": "u${i}.${run}"}},
         "expect": {"status": [201]}, "save": {"u${i}": "/id"}, "repeat": 2},
        {"send": {"method": "GET", "path": "/Users/${u1}", "headers": {"accept": "x/y", "Authorization": null}},
         "expect": {"headers": {"Content-Type": {"matches": "^application/scim"}}}}
    ]);
    let mut server = Canned {
        answers: vec![(201, json!({"id": "one"})), (201, json!({"ID": "t/wo"})), (200, json!({}))],
        ..Canned::default()
    };
    scenario(&steps).replay(&mut server, "secret", "r").unwrap();
    let requests: Vec<&str> = server.asked.iter().map(|(request, ..)| request.as_str()).collect();
    assert_eq!(requests, ["POST /Users", "POST /Users", "GET /Users/t%2Fwo"]);
    assert_eq!(server.asked[1].2, Some(json!({"userName": "u1.r"})));
    let first: Vec<(&str, &str)> = server.asked[0].1.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert!(
        first.contains(&("Authorization", "Bearer secret"))
            && first.contains(&("Content-Type", "application/scim+json"))
    );
    // No body, no content type; a step's header replaces the scenario's, and null leaves one out.
    assert_eq!(server.asked[2].1, [("accept".to_owned(), "x/y".to_owned())]);
}

#[test]
fn a_failure_names_scenario_step_and_reason() {
    let get = |expect: Value| json!([{"send": {"method": "GET", "path": "/Users"}, "expect": expect, "why": "a look"}]);
    let rows = [
        (
            get(json!({"status": [200, 204]})),
            (500, json!({"detail": "no"})),
            "expected status 200 or 204, got 500",
        ),
        (
            get(json!({"body": {"/totalResults": 0}})),
            (200, json!({"totalResults": "0"})),
            "/totalResults: expected 0, got \"0\"",
        ),
        (get(json!({"body": {"": {"exists": true}}})), (200, json!(null)), "no JSON body"),
        (get(json!({"headers": {"ETag": {"exists": true}}})), (200, json!({})), "header ETag: expected"),
    ];
    for (steps, answer, why) in rows {
        let mut server = Canned { answers: vec![answer], ..Canned::default() };
        let failure = scenario(&steps).replay(&mut server, "t", "r").unwrap_err();
        let text = failure.to_string();
        assert!(text.starts_with("acme/test step 1 (a look): GET /Users: "), "{text}");
        assert!(text.contains(why), "{text}");
    }
    let failure = scenario(&get(json!({}))).replay(&mut Canned::default(), "t", "r").unwrap_err();
    assert!(failure.to_string().contains("no answer (connection refused)"));
}
