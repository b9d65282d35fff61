//! What identity providers really send, through every layer that the library has: tenants by path and by host, access
//! tokens whose keys change under way, rate limits, audit, metrics; over memory and SQLite.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;

mod issuer;
mod rig;

use std::collections::BTreeSet;

use common::http::SCIM_JSON;
use common::replay::{Exchange as _, Failure, Scenario, scenarios};
use rig::{Caller, Naming, Rig, Room, Storage};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

#[test]
fn tenants_by_path_in_memory() {
    replay_in_two_tenants(Rig::start(Storage::Memory, Naming::Path, Room::Ample));
}

#[test]
fn tenants_by_path_in_sqlite() {
    replay_in_two_tenants(Rig::start(Storage::Sqlite, Naming::Path, Room::Ample));
}

#[test]
fn tenants_by_host_in_memory() {
    replay_in_two_tenants(Rig::start(Storage::Memory, Naming::Host, Room::Ample));
}

#[test]
fn tenants_by_host_in_sqlite() {
    replay_in_two_tenants(Rig::start(Storage::Sqlite, Naming::Host, Room::Ample));
}

#[test]
fn who_waits_as_the_rate_limit_says_gets_through_in_memory() {
    replay_within_a_tight_limit(Rig::start(Storage::Memory, Naming::Path, Room::Tight));
}

#[test]
fn who_waits_as_the_rate_limit_says_gets_through_in_sqlite() {
    replay_within_a_tight_limit(Rig::start(Storage::Sqlite, Naming::Host, Room::Tight));
}

fn replay_in_two_tenants(rig: Rig) {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 25, "only {} scenarios", scenarios.len());
    let (early, late) = scenarios.split_at(scenarios.len() / 2);

    let mut quiet = rig.caller("quiet");
    let seeded = seed(&mut quiet);
    assert_eq!(seeded.len(), 3);

    // Both tenants have people of the same names at the same time.
    let [mut acme, mut umbrella] = ["acme", "umbrella"].map(|tenant| rig.caller(tenant));
    in_both(&mut acme, &mut umbrella, early);
    let old = rig.issuer().token("acme");
    rig.issuer().rotate();
    assert_eq!(acme.with_token(&old).get("/Users?count=0").0, 200, "the old key is still published");
    in_both(&mut acme, &mut umbrella, late);

    // Once the old key is withdrawn its tokens are worth nothing.
    rig.issuer().withdraw_old();
    rig.issuer().rotate();
    assert_eq!(acme.get("/Users?count=0").0, 200);
    assert_eq!(acme.with_token(&old).get("/Users?count=0").0, 401);
    assert!(rig.issuer().fetches() <= 10, "{} fetches of keys", rig.issuer().fetches());

    // A token is for its own tenant; nobody learns whether there are others.
    let foreign = rig.issuer().token("umbrella");
    let nobody = rig.caller("nobody").with_token(&rig.issuer().token("acme"));
    for mut caller in [acme.with_token(&foreign), nobody] {
        let (status, body) = caller.get("/Users");
        assert_eq!((status, body["detail"].as_str()), (404, Some("there is no such tenant")));
    }

    let everything = [&mut acme, &mut umbrella, &mut quiet].map(everything);
    assert_eq!(everything[2], seeded, "the tenant that nobody has written to has changed");
    assert!(everything[0].len() > 20, "only {} resources are left", everything[0].len());
    let ids =
        |n: usize| everything[n].iter().map(|resource| resource["id"].to_string()).collect::<BTreeSet<_>>();
    assert!(ids(0).is_disjoint(&ids(1)), "two tenants share a resource");
    // What identity providers choose is the same in both.
    let names = |n: usize| {
        let name = |resource: &Value| {
            resource["userName"].as_str().or(resource["displayName"].as_str()).map(str::to_owned)
        };
        everything[n].iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(0), names(1));
    for (n, caller) in [&acme, &umbrella, &quiet].into_iter().enumerate() {
        for resource in &everything[n] {
            let location = resource["meta"]["location"].as_str().unwrap();
            assert!(location.starts_with(&caller.outside_base()), "{location}");
        }
    }

    let tally = rig.tally();
    let seen = rig.stop();
    assert_eq!(seen.refused_for_rate, 0, "the ample limit has refused requests");
    for tenant in ["acme", "umbrella", "quiet"] {
        let written = tally.writes(tenant);
        assert!(written >= 3, "{tenant}: {written} writes");
        assert_eq!(seen.audited(tenant), written, "{tenant}: one event for each write");
    }
    assert_eq!(
        seen.events.len(),
        ["acme", "umbrella", "quiet"].map(|tenant| tally.writes(tenant)).iter().sum::<usize>()
    );
    for event in &seen.events {
        assert!(event.principal.as_deref().is_some_and(|name| name.starts_with("idp of ")), "{event:?}");
        assert!(event.request_id.is_some() && event.client.is_some() && event.route.is_some(), "{event:?}");
    }
    assert_eq!(seen.requests, tally.by_class(), "the metrics count every request, by class of status");
    assert_eq!(seen.in_flight, 0);
}

fn replay_within_a_tight_limit(rig: Rig) {
    let mut acme = rig.caller("acme");
    let mut umbrella = rig.caller("umbrella");
    // Uses up what may come at once.
    let refusal =
        (0..10_000).map(|_| acme.try_once("GET", "/Users?count=0")).find(|answer| answer.status == 429);
    let refusal = refusal.expect("a limit that lets ten thousand requests through");
    let wait: u64 = refusal.header("retry-after").expect("Retry-After").parse().expect("a number of seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let error = refusal.json();
    assert_eq!(error["status"], "429", "{error}");
    assert!(error["detail"].as_str().unwrap().contains("wait before you try again"), "{error}");
    // It is one tenant's limit.
    assert_eq!(umbrella.try_once("GET", "/Users?count=0").status, 200);

    let failures = replay(&mut acme, &scenarios());
    assert!(failures.is_empty(), "{failures:?}");
    let tally = rig.tally();
    assert!(tally.waits() > 1, "the replay never had to wait");
    let seen = rig.stop();
    assert_eq!(seen.refused_for_rate, tally.waits() + 1);
    // What was refused was not done, and is no event.
    assert_eq!(seen.audited("acme"), tally.writes("acme"));
    assert_eq!(seen.requests, tally.by_class());
}

fn in_both(acme: &mut Caller, umbrella: &mut Caller, scenarios: &[Scenario]) {
    let failures = std::thread::scope(|scope| {
        let other = scope.spawn(|| replay(umbrella, scenarios));
        let mut failures = replay(acme, scenarios);
        failures.extend(other.join().unwrap());
        failures
    });
    let lines: Vec<String> = failures.iter().map(Failure::to_string).collect();
    assert!(lines.is_empty(), "{} scenarios failed:\n{}", lines.len(), lines.join("\n"));
}

fn replay(caller: &mut Caller, scenarios: &[Scenario]) -> Vec<Failure> {
    let run = |scenario: &Scenario| {
        let run = format!("r{}", scenario.title().replace('/', "-"));
        scenario.replay(caller, rig::TOKEN, &run).err()
    };
    scenarios.iter().filter_map(run).collect()
}

/// Two people and a group with one of them.
fn seed(caller: &mut Caller) -> Vec<Value> {
    let mut post = |path: &str, body: &Value| {
        let headers = [("Authorization", rig::BEARER), ("Content-Type", SCIM_JSON)];
        let answer = caller.exchange("POST", path, &headers, Some(body.to_string().as_bytes())).unwrap();
        answer.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let ann = post("/Users", &json!({"schemas": [USER], "userName": "ann@example.com", "title": "Quiet"}));
    post("/Users", &json!({"schemas": [USER], "userName": "ben@example.com", "active": false}));
    post("/Groups", &json!({"schemas": [GROUP], "displayName": "Quiet", "members": [{"value": ann}]}));
    everything(caller)
}

/// All people and groups of a tenant as they are shown, in the order of their names.
fn everything(caller: &mut Caller) -> Vec<Value> {
    let mut found = Vec::new();
    for (endpoint, name) in [("/Users", "userName"), ("/Groups", "displayName")] {
        let mut start = 1;
        loop {
            let (status, page) =
                caller.get(&format!("{endpoint}?sortBy={name}&startIndex={start}&count=200"));
            assert_eq!(status, 200, "{page}");
            let items = page["Resources"].as_array().cloned().unwrap_or_default();
            start += items.len();
            found.extend(items.iter().cloned());
            if items.is_empty() || start as u64 > page["totalResults"].as_u64().unwrap() {
                break;
            }
        }
    }
    found
}
