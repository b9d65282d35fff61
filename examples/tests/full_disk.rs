//! A bridge whose disk is full: what is asked of it is refused, nothing is lost, and `/health` tells, until there is room.
//!
//! A limit on the size of files, which needs no privilege, stands for the disk: writing beyond it fails in the kernel.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::http::{Answer, Client};
use common::poll;
use common::server::{Kind, PATIENCE, Process, Server, bridge_command, new_session, on_small_disk};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

struct Bridge {
    process: Process,
    client: Client,
    dir: tempfile::TempDir,
}

impl Bridge {
    /// Unlocked, with one person.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let token = new_session(dir.path());
        let process = Process::spawn(&mut on_small_disk(bridge_command(dir.path()).arg("serve")));
        let client = Client::new(&process.origin(), "", Some(&token));
        let bridge = Self { process, client, dir };
        bridge.invite("ada@example.com").expect(201);
        bridge.until_health(200, &[("Account", "healthy"), ("SCIMServer", "healthy")]);
        bridge
    }

    fn invite(&self, user_name: &str) -> Answer {
        self.client.post("/Users", &json!({"schemas": [USER], "userName": user_name}))
    }

    fn until_health(&self, status: u16, states: &[(&str, &str)]) {
        poll("this health", PATIENCE, || {
            let answer = self.client.get("/health");
            let health: Value = answer.json();
            let reports = health["reports"].as_array().unwrap();
            let has = |(source, state): &(&str, &str)| {
                reports.iter().any(|report| report["source"] == *source && report["state"] == *state)
            };
            let as_expected = answer.status == status && states.iter().all(has);
            if as_expected { Ok(()) } else { Err(format!("{} {health}", answer.status)) }
        });
    }

    fn people(&self) -> Vec<String> {
        self.client.all("/Users").iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_full_disk_is_unhealthy_until_something_has_been_written() {
    let bridge = Bridge::start();
    bridge.process.limit_files(Some(0));
    let refused = bridge.invite("bob@example.com");
    refused.expect(503);
    assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    bridge.until_health(503, &[("Account", "unhealthy"), ("SCIMServer", "unhealthy")]);
    assert_eq!(bridge.people(), ["ada@example.com"], "what there is can be read");

    bridge.process.limit_files(None);
    bridge.invite("bob@example.com").expect(201);
    bridge.until_health(200, &[("Account", "healthy"), ("SCIMServer", "healthy")]);
    assert_eq!(bridge.people(), ["ada@example.com", "bob@example.com"]);
}

/// There is room in the folder; one file can grow no more. Only who writes to it is unhealthy.
#[test]
fn a_view_that_cannot_be_written_is_told_from_the_account() {
    let bridge = Bridge::start();
    let id = bridge.client.all("/Users")[0]["id"].as_str().unwrap().to_owned();
    let user = format!("/Users/{id}");
    let title = |title: &str| {
        bridge.client.patch(&user, &json!([{"op": "replace", "path": "title", "value": title}]))
    };
    bridge.process.limit_files(Some(300 << 10));
    let kept = (0..2000).take_while(|n| title(&format!("Engineer {n}")).status == 200).count();
    assert!((1..2000).contains(&kept), "{kept} changes fit into 300 KiB");
    bridge.until_health(503, &[("Account", "healthy"), ("SCIMServer", "unhealthy")]);
    let last = format!("Engineer {}", kept - 1);
    assert_eq!(bridge.client.get(&user).expect(200)["title"], last, "the last title that was answered");

    bridge.process.limit_files(None);
    title("Director").expect(200);
    bridge.until_health(200, &[("Account", "healthy"), ("SCIMServer", "healthy")]);
}

/// What has no name any more goes on to be written, for nobody.
#[test]
fn a_data_folder_that_has_gone_takes_no_changes() {
    let server = Server::start(Kind::Bridge);
    let user = |name: &str| json!({"schemas": [USER], "userName": name});
    server.client().post("/Users", &user("ada@example.com")).expect(201);
    let aside = server.dir().join("aside");
    std::fs::rename(server.data_dir(), &aside).unwrap();
    let refused = server.client().post("/Users", &user("bob@example.com"));
    refused.expect(503);
    assert!(refused.text().contains("could not be saved"), "{}", refused.text());
    assert!(server.log().contains("has been removed, replaced or unmounted"), "{}", server.log());
    // Another folder in its place is not the one.
    std::fs::create_dir(server.data_dir()).unwrap();
    std::fs::copy(aside.join("bridge.lock"), server.data_dir().join("bridge.lock")).unwrap();
    server.client().post("/Users", &user("bob@example.com")).expect(503);
    assert_eq!(server.client().all("/Users").len(), 1, "what there is can be read");
}

/// As a backup or an administrator's shell may.
#[test]
fn a_database_that_another_program_holds_is_unhealthy_until_it_lets_go() {
    let bridge = Bridge::start();
    let data = bridge.dir.path().join("data");
    let mut other = rusqlite::Connection::open(data.join("account.sqlite3")).unwrap();
    let held = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    bridge.invite("bob@example.com").expect(503);
    bridge.until_health(503, &[("Account", "unhealthy"), ("SCIMServer", "healthy")]);
    drop(held);
    bridge.invite("bob@example.com").expect(201);
    bridge.until_health(200, &[("Account", "healthy"), ("SCIMServer", "healthy")]);
}
