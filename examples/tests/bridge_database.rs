//! A bridge that keeps what identity providers see in PostgreSQL: the database goes away and comes back, belongs to one
//! account, and is written to by one bridge.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use common::account::{self, Account, State};
use common::http::{Answer, Client};
use common::line::Line;
use common::poll;
use common::postgres::{self, Cluster};
use common::server::{
    DIRECTORY, Kind, PATIENCE, Process, Server, bare, bridge_command, database_of, new_session, run, text,
};
use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const DATABASE: &str = "OP_BRIDGE_DATABASE_URL";

/// A bridge in a folder of its own, on a database.
struct Bridge {
    process: Process,
    client: Client,
}

impl Bridge {
    fn start(dir: &Path, url: &str) -> Self {
        let token = std::fs::read_to_string(dir.join("token")).unwrap();
        let process = Process::spawn(bridge_command(dir).arg("serve").env(DATABASE, url));
        let client = Client::new(&process.origin(), "", Some(token.trim()));
        Self { process, client }
    }

    fn invite(&self, name: &str) -> Answer {
        invite(&self.client, name)
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

    fn until_served(&self) {
        poll("an answer", PATIENCE, || match self.client.get("/Users?count=0").status {
            200 => Ok(()),
            other => Err(other.to_string()),
        });
    }
}

fn invite(client: &Client, name: &str) -> Answer {
    client.post("/Users", &json!({"schemas": [USER], "userName": name, "title": "Engineer"}))
}

/// As another bridge would, that lives and is heard of for an hour.
const TAKE_OVER: &str = "UPDATE scim_claims SET place = 'elsewhere', process = 'another', \
                         seen = (EXTRACT(EPOCH FROM now()) * 1000)::BIGINT + 3600000";

/// The name of a new database.
fn new_database() -> String {
    postgres::database().split(['/', '?']).nth(3).unwrap().to_owned()
}

fn rows(database: &str, sql: &str) -> usize {
    let is_row = |m: &&SimpleQueryMessage| matches!(m, SimpleQueryMessage::Row(_));
    postgres::shared().sql(database, sql).iter().filter(is_row).count()
}

fn users_in(database: &str) -> usize {
    rows(database, "SELECT 1 FROM scim_unique_values WHERE value LIKE '%@example.com'")
}

fn is_away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
}

/// Everybody whom identity providers see, by user name, and whether they are active.
fn seen(client: &Client) -> BTreeMap<String, bool> {
    let name = |user: &Value| user["userName"].as_str().unwrap().to_owned();
    client.all("/Users").iter().map(|user| (name(user), user["active"].as_bool().unwrap())).collect()
}

fn in_account(data: &Path) -> BTreeMap<String, bool> {
    let account = Account::read(data);
    let state = |state| state != State::Suspended;
    account.provisioned().map(|person| (person.email.clone(), state(person.state))).collect()
}

#[test]
fn a_database_that_is_away_at_the_start_is_waited_for() {
    if !postgres::is_there() {
        return;
    }
    let cluster = Cluster::start_new();
    let url = cluster.database();
    cluster.stop();
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let bridge = Bridge::start(dir.path(), &url);
    assert_eq!(bridge.client.anonymous().get("/ping").status, 200);
    is_away(&bridge.client.get("/Users"));
    is_away(&bridge.invite("ada@example.com"));
    bridge
        .until_health(503, &[("Database", "unhealthy"), ("SCIMServer", "unhealthy"), ("Account", "healthy")]);
    assert!(in_account(&dir.path().join("data")).is_empty(), "nobody is invited who cannot be shown");

    cluster.start();
    bridge.until_served();
    bridge.invite("ada@example.com").expect(201);
    bridge.until_health(200, &[("Database", "healthy"), ("SCIMServer", "healthy")]);
}

/// Under load, several times: what was answered is there, account and view agree, and people are confirmed meanwhile.
#[test]
fn a_database_that_goes_away_takes_nothing_with_it() {
    if !postgres::is_there() {
        return;
    }
    let cluster = Cluster::start_new();
    let url = cluster.database();
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let data = dir.path().join("data");
    let bridge = Bridge::start(dir.path(), &url);
    bridge.invite("ada@example.com").expect(201);
    let answered = Mutex::new(BTreeMap::from([("ada@example.com".to_owned(), true)]));
    for round in 0..3 {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (client, over, answered) = (&bridge.client, &over, &answered);
                scope.spawn(move || {
                    for n in 0.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let name = format!("p{round}.{worker}.{n}@example.com");
                        let invited = invite(client, &name);
                        if invited.status != 201 {
                            is_away(&invited);
                            continue;
                        }
                        answered.lock().unwrap().insert(name.clone(), true);
                        let path = format!("/Users/{}", invited.json()["id"].as_str().unwrap());
                        let off = json!([{"op": "replace", "path": "active", "value": false}]);
                        let suspended = client.patch(&path, &off);
                        if suspended.status == 200 {
                            answered.lock().unwrap().insert(name, false);
                        } else {
                            is_away(&suspended);
                            // The account has done it or not; the next who asks hears which.
                            answered.lock().unwrap().remove(&name);
                        }
                    }
                });
            }
            let enough = 20 * (round + 1);
            poll("enough answers", PATIENCE, || {
                let so_far = answered.lock().unwrap().len();
                if so_far >= enough { Ok(()) } else { Err(so_far.to_string()) }
            });
            cluster.stop();
            bridge.until_health(503, &[("Database", "unhealthy"), ("SCIMServer", "unhealthy")]);
            is_away(&bridge.client.get("/Users"));
            if round == 0 {
                account::accept(&data, "ada@example.com");
                poll("the confirmation", PATIENCE, || {
                    let state = Account::read(&data).person("ada@example.com").state;
                    if state == State::Active { Ok(()) } else { Err(format!("{state:?}")) }
                });
            }
            over.store(true, Ordering::Relaxed);
        });
        cluster.start();
        bridge.until_served();
        bridge.until_health(200, &[("Database", "healthy"), ("SCIMServer", "healthy")]);
        let (seen, account) = (seen(&bridge.client), in_account(&data));
        assert_eq!(seen, account, "round {round}");
        for (name, active) in answered.lock().unwrap().iter() {
            assert_eq!(seen.get(name), Some(active), "round {round}: {name} was answered");
        }
    }
    // Whoever had no answer asks again, as an identity provider would.
    let known: BTreeSet<String> = answered.lock().unwrap().keys().cloned().collect();
    for name in in_account(&data).into_keys().filter(|name| !known.contains(name)) {
        let again = bridge.invite(&name);
        assert!([201, 409].contains(&again.status), "{name}: {} {}", again.status, again.text());
    }
}

/// A change that the account has made and the database has not: they agree again without anybody asking once more.
#[test]
fn a_change_that_only_the_account_has_made_is_followed() {
    if !postgres::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let name = new_database();
    let bridge = Bridge::start(dir.path(), &postgres::shared().url(&name));
    let ada = bridge.invite("ada@example.com").expect(201);
    // Longer than the database may work on a statement.
    let hold = "BEGIN; LOCK scim_resources IN EXCLUSIVE MODE; SELECT pg_sleep(25); COMMIT";
    let holding = std::thread::spawn(move || postgres::shared().sql(&name, hold));
    poll("the lock", PATIENCE, || {
        let waiting =
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%' AND wait_event = 'PgSleep'";
        if rows("postgres", waiting) > 0 { Ok(()) } else { Err("not yet".to_owned()) }
    });
    is_away(&bridge.client.delete(&format!("/Users/{}", ada["id"].as_str().unwrap())));
    let before = bridge.client.get("/Users");
    assert!(before.status == 503 || before.json()["Resources"][0]["active"] == true, "{}", before.text());
    holding.join().unwrap();
    poll("agreement", 2 * PATIENCE, || {
        // Refused while the two are compared.
        let answer = bridge.client.get("/Users");
        let seen = answer.json()["Resources"][0]["active"].clone();
        if answer.status == 200 && seen == false { Ok(()) } else { Err(format!("{} {seen}", answer.status)) }
    });
    assert_eq!(in_account(&dir.path().join("data")), BTreeMap::from([("ada@example.com".to_owned(), false)]));
}

/// A bridge that had its view in a file goes on in a database, as if nothing had been.
#[test]
fn what_the_file_had_is_taken_over() {
    if !postgres::is_there() {
        return;
    }
    let mut server = Server::start(Kind::Bridge);
    let client = server.client_at("");
    let ids: Vec<String> = (0..3)
        .map(|n| {
            let body = json!({"schemas": [USER], "userName": format!("p{n}@example.com"), "externalId": format!("e{n}"),
                              "title": "Engineer", "active": n != 1});
            client.post("/Users", &body).expect(201)["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
    client
        .post(
            "/Groups",
            &json!({"schemas": [group], "displayName": "Crew", "externalId": "g", "members": members}),
        )
        .expect(201);
    assert_eq!(client.delete(&format!("/Users/{}", ids[2])).status, 204);
    let plain = |client: &Client| -> Vec<Value> {
        let mut all: Vec<Value> =
            ["/Users", "/Groups"].into_iter().flat_map(|path| client.all(path)).collect();
        for one in &mut all {
            let meta = one["meta"].as_object_mut().unwrap();
            meta.retain(|name, _| name == "lastModified");
            // The port is another one.
            let text = one.to_string();
            *one = serde_json::from_str(&text.replace(client.origin(), "")).unwrap();
        }
        all
    };
    let before = plain(&client);
    assert_eq!(before.len(), 3);
    assert!(server.terminate().success());

    let (url, data) = (postgres::database(), server.data_dir());
    // Not without the account that it is of.
    std::fs::rename(data.join("account.sqlite3"), data.join("aside")).unwrap();
    let refused = text(&run(bridge_command(server.dir()).arg("serve").env(DATABASE, &url)));
    assert!(refused.contains("has lost its account"), "{refused}");
    std::fs::rename(data.join("aside"), data.join("account.sqlite3")).unwrap();
    for _ in 0..2 {
        let bridge = Bridge::start(server.dir(), &url);
        assert_eq!(plain(&bridge.client), before);
    }
    assert!(!data.join("scim.sqlite3").exists() && data.join("scim.sqlite3.moved").exists());
}

#[test]
fn a_database_belongs_to_one_account() {
    if !postgres::is_there() {
        return;
    }
    let mut server = Server::start(Kind::BridgePostgres);
    let url = database_of(server.dir());
    invite(&server.client(), "ada@example.com").expect(201);
    let refused = |dir: &Path, words: &str| {
        let output = run(bridge_command(dir).arg("serve").env(DATABASE, &url));
        let printed = text(&output);
        assert!(
            !output.status.success() && printed.contains(words) && printed.contains("hint: "),
            "{printed}"
        );
    };
    let other = tempfile::tempdir().unwrap();
    new_session(other.path());
    refused(other.path(), "belongs to an account that is not in the data folder");
    assert!(!other.path().join("data/account.sqlite3").exists(), "what is lost can be restored there");
    // With an account of its own, which this start makes before it fails, it is no better, whether the first bridge runs
    // or not.
    assert!(
        run(bridge_command(other.path()).arg("serve").env("OP_BRIDGE_LISTEN", "192.0.2.1"))
            .status
            .code()
            .is_some_and(|code| code != 0)
    );
    refused(other.path(), ": there is another one");
    assert!(server.terminate().success());
    refused(other.path(), ": there is another one");

    let server = server.start_beside();
    assert_eq!(seen(&server.client()).len(), 1);
    let directory = Process::spawn(
        bare(DIRECTORY)
            .args(["--listen", "127.0.0.1:0", "--token", "long-enough-for-a-token"])
            .env("SCIM_DIRECTORY_STORE", &url),
    );
    let client = Client::new(&directory.origin(), "", Some("long-enough-for-a-token"));
    assert_eq!(invite(&client, "bob@example.com").status, 500);
    assert_eq!(seen(&server.client()).len(), 1);
}

#[test]
fn a_database_with_other_peoples_users_is_refused() {
    if !postgres::is_there() {
        return;
    }
    let directory = Server::start(Kind::DirectoryPostgres);
    invite(&directory.client(), "ada@example.com").expect(201);
    new_session(directory.dir());
    let url = database_of(directory.dir());
    let output = run(bridge_command(directory.dir()).arg("serve").env(DATABASE, url));
    let printed = text(&output);
    assert!(!output.status.success() && printed.contains("no bridge has written"), "{printed}");
    assert!(printed.contains("hint: give the bridge an empty database"), "{printed}");
    assert_eq!(directory.client().all("/Users").len(), 1);
}

/// Two bridges with one account, from a copy of the data folder.
#[test]
fn of_two_bridges_with_one_account_one_is_refused() {
    if !postgres::is_there() {
        return;
    }
    let mut server = Server::start(Kind::BridgePostgres);
    let url = database_of(server.dir());
    invite(&server.client(), "ada@example.com").expect(201);
    assert!(server.terminate().success());
    let parent = tempfile::tempdir().unwrap();
    let copy = parent.path().join("copy");
    assert!(Command::new("cp").arg("-r").arg(server.dir()).arg(&copy).status().unwrap().success());
    let first = server.start_beside();
    let output = run(bridge_command(&copy).arg("serve").env(DATABASE, &url));
    let printed = text(&output);
    assert!(!output.status.success(), "{printed}");
    assert!(printed.contains("another bridge is using the database"), "{printed}");
    assert!(printed.contains("hint: stop the other one"), "{printed}");
    invite(&first.client(), "bob@example.com").expect(201);

    // One that was killed is waited for, and is not let in any more when it comes back.
    let mut first = first;
    first.kill_9();
    let second = Bridge::start(&copy, &url);
    second.until_served();
    assert_eq!(seen(&second.client).len(), 1, "what its account has");
    let output = run(bridge_command(first.dir()).arg("serve").env(DATABASE, &url));
    assert!(text(&output).contains("another bridge is using the database"), "{}", text(&output));
}

/// Nothing is refused and nothing closed; there is only no answer.
#[test]
fn a_database_that_says_nothing_is_away() {
    if !postgres::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let line = Line::to(postgres::shared().socket());
    let bridge = Bridge::start(dir.path(), &line.url(&new_database()));
    bridge.invite("ada@example.com").expect(201);
    line.cut();
    bridge
        .until_health(503, &[("Database", "unhealthy"), ("SCIMServer", "unhealthy"), ("Account", "healthy")]);
    is_away(&bridge.client.get("/Users"));
    is_away(&bridge.invite("bob@example.com"));
    line.mend();
    bridge.until_served();
    bridge.invite("bob@example.com").expect(201);
    bridge.until_health(200, &[("Database", "healthy"), ("SCIMServer", "healthy")]);
}

/// What a bridge had sent when it was cut off arrives after another one has taken its place.
#[test]
fn what_arrives_too_late_is_not_written() {
    if !postgres::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let name = new_database();
    let line = Line::to(postgres::shared().socket());
    let bridge = Bridge::start(dir.path(), &line.url(&name));
    bridge.invite("ada@example.com").expect(201);
    line.cut();
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| bridge.invite("bob@example.com"));
        postgres::shared().sql(&name, TAKE_OVER);
        line.mend();
        late.join().unwrap()
    });
    is_away(&late);
    assert_eq!(users_in(&name), 1);
}

/// However it came to that, a bridge whose place has been taken changes nothing more.
#[test]
fn a_bridge_whose_place_has_been_taken_writes_nothing() {
    if !postgres::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let name = new_database();
    let bridge = Bridge::start(dir.path(), &postgres::shared().url(&name));
    bridge.invite("ada@example.com").expect(201);
    postgres::shared().sql(&name, TAKE_OVER);
    is_away(&bridge.invite("bob@example.com"));
    bridge.until_health(503, &[("Database", "unhealthy"), ("SCIMServer", "unhealthy")]);
    is_away(&bridge.invite("bob@example.com"));
    bridge.process.wait_for("who has taken it", |line| line.contains("another bridge").then_some(()));
    assert_eq!(users_in(&name), 1);
    postgres::shared().sql(&name, "UPDATE scim_claims SET process = NULL");
    bridge.until_served();
    bridge.invite("bob@example.com").expect(201);
    assert_eq!(seen(&bridge.client), in_account(&dir.path().join("data")));
}

/// Neither by the log, nor by errors, nor by `/health`, nor among the arguments that everybody on the machine sees.
#[test]
fn the_password_of_the_database_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let token = new_session(dir.path());
    // Nobody listens on port 1.
    let away = "postgres://scim:hush%21hush@127.0.0.1:1/scim";
    for as_flag in [None, Some("--database-url"), Some("--bridge-database-url")] {
        let mut command = bridge_command(dir.path());
        command.arg("serve").env("OP_TRACE", "1");
        match as_flag {
            None => command.env(DATABASE, away),
            Some(flag) => command.args([flag, away]),
        };
        let process = Process::spawn(&mut command);
        let client = Client::new(&process.origin(), "", Some(&token));
        let (answer, health) = (client.get("/Users"), client.get("/health"));
        is_away(&answer);
        process.wait_for("the trouble", |line| line.contains("cannot be used").then_some(()));
        let shown = format!("{answer:?}{}{}{}", answer.text(), health.text(), process.log());
        assert!(!shown.contains("hush"), "{shown}");
        if let Ok(arguments) = std::fs::read(format!("/proc/{}/cmdline", process.id())) {
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            assert!(arguments.contains("serve") && !arguments.contains("hush"), "{arguments}");
        }
    }
    for url in ["postgres://u:hush@h:port/db", "hush", "pg://u:hush@h/db", "postgres://u:hush@h/db?sslmode=x"]
    {
        let output = run(bridge_command(dir.path()).arg("serve").env(DATABASE, url));
        let printed = text(&output);
        assert!(!output.status.success() && !printed.contains("hush"), "{printed}");
        assert!(printed.contains(DATABASE), "{printed}");
    }
    let help = text(&run(bridge_command(dir.path()).args(["serve", "--help"]).env(DATABASE, away)));
    assert!(help.contains(DATABASE) && help.contains("--database-url") && !help.contains("hush"), "{help}");
    // Empty is not set.
    let process = Process::spawn(bridge_command(dir.path()).arg("serve").env(DATABASE, " "));
    assert_eq!(Client::new(&process.origin(), "", Some(&token)).get("/Users").status, 200);
}
