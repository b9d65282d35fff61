//! The process is killed in the middle of concurrent writes, again and again: nothing that was answered is missing
//! afterwards, and the account and the SCIM view agree.
//!
//! `KILL_ROUNDS` (3) is how often, `KILL_REQUESTS` (2000) after how many answers a
//! round is over at the latest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::account::{Account, State};
use common::http::{Client, SCIM_JSON, patch_op};
use common::server::{Kind, PATIENCE, Server};
use common::{poll, postgres};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const WORKERS: usize = 16;
const GROUPS: usize = 8;

#[test]
fn the_bridge_loses_nothing_that_it_answered() {
    kill_again_and_again(Kind::Bridge);
}

#[test]
fn the_bridge_with_a_database_loses_nothing_that_it_answered() {
    if postgres::is_there() {
        kill_again_and_again(Kind::BridgePostgres);
    }
}

#[test]
fn the_directory_loses_nothing_that_it_answered() {
    kill_again_and_again(Kind::DirectorySqlite);
}

/// Two processes share one database, and one of them is killed while the other goes on.
#[test]
fn of_two_directories_on_one_database_neither_loses_anything() {
    if !postgres::is_there() {
        return;
    }
    let one = Server::start(Kind::DirectoryPostgres);
    let other = one.start_beside();
    kill_one_after_the_other(vec![one, other]);
}

fn kill_again_and_again(kind: Kind) {
    kill_one_after_the_other(vec![Server::start(kind)]);
}

fn kill_one_after_the_other(mut servers: Vec<Server>) {
    let rounds = setting("KILL_ROUNDS", 3);
    let requests = setting("KILL_REQUESTS", 2_000);
    let kind = servers[0].kind();
    let mut told = Told::default();
    for n in 0..GROUPS {
        let group = json!({"schemas": [GROUP], "displayName": format!("Crew {n}")});
        let id = id_of(&servers[0].client().post("/Groups", &group).expect(201));
        told.groups.push(id);
    }
    for round in 0..rounds {
        // Another moment in each round, early, late and in between.
        let kill_after = requests * (2 * round + 1) / (2 * rounds);
        let victim = round % servers.len();
        one_round(&mut servers, victim, &mut told, round, requests, kill_after.max(1));
        for server in &servers {
            let seen = Seen::through(&server.client());
            told.check(&seen, round);
            if kind.is_bridge() {
                agree(server, &seen);
            }
        }
        // What had no answer may be asked again, as an identity provider would.
        for name in std::mem::take(&mut told.unanswered) {
            let answer = servers[0].client().post("/Users", &person(&name));
            match answer.status {
                201 => drop(told.people.insert(id_of(&answer.json()), name)),
                409 => {}
                other => panic!("round {round}: {name} again: {other} {}", answer.text()),
            }
        }
    }
    assert!(told.people.len() > rounds, "only {} people were created", told.people.len());
    println!(
        "{kind:?}: {rounds} rounds, {} people, {} memberships kept",
        told.people.len(),
        told.members.len()
    );
}

/// What the server has said it did.
#[derive(Debug, Default)]
struct Told {
    groups: Vec<String>,
    /// Id to userName.
    people: BTreeMap<String, String>,
    /// Group and person, and whether they are together.
    members: BTreeMap<(String, String), bool>,
    /// Group changes and suspensions without an answer: either may be.
    open: BTreeSet<(String, String)>,
    suspended: BTreeSet<String>,
    /// People whose creation had no answer.
    unanswered: Vec<String>,
}

/// What is there.
#[derive(Debug)]
struct Seen {
    people: BTreeMap<String, (String, bool)>,
    members: BTreeSet<(String, String)>,
}

impl Seen {
    fn through(client: &Client) -> Self {
        let mut people = BTreeMap::new();
        for user in client.all("/Users") {
            let active = user["active"].as_bool().unwrap_or(true);
            let known = people.insert(id_of(&user), (user["userName"].as_str().unwrap().to_owned(), active));
            assert!(known.is_none(), "{} is there twice", id_of(&user));
        }
        let mut members = BTreeSet::new();
        for group in client.all("/Groups") {
            for member in group["members"].as_array().map(Vec::as_slice).unwrap_or_default() {
                let membership = (id_of(&group), member["value"].as_str().unwrap().to_owned());
                assert!(members.insert(membership.clone()), "{membership:?} is there twice");
            }
        }
        Self { people, members }
    }
}

impl Told {
    fn check(&self, seen: &Seen, round: usize) {
        for (id, name) in &self.people {
            let found = seen.people.get(id);
            assert_eq!(
                found.map(|(name, _)| name),
                Some(name),
                "round {round}: {id} was created and is missing"
            );
            if self.suspended.contains(id) {
                assert!(!found.unwrap().1, "round {round}: {name} was suspended and is active");
            }
        }
        for (membership, &together) in &self.members {
            if !self.open.contains(membership) {
                let is = seen.members.contains(membership);
                assert_eq!(is, together, "round {round}: {membership:?} was answered");
            }
        }
        let names: BTreeSet<String> = seen.people.values().map(|(name, _)| name.to_lowercase()).collect();
        assert_eq!(names.len(), seen.people.len(), "round {round}: a userName is there twice");
        for (group, person) in &seen.members {
            assert!(seen.people.contains_key(person), "round {round}: {group} has {person}, who is nobody");
        }
    }
}

/// Writes from all workers until `kill_after` answers have come, then kill -9 of one server; whoever writes to another goes
/// on. Then a new start of that one.
fn one_round(
    servers: &mut Vec<Server>,
    victim: usize,
    told: &mut Told,
    round: usize,
    requests: usize,
    kill_after: usize,
) {
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let next = AtomicUsize::new(0);
    let answered = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let last = AtomicUsize::new(requests);
    let shared = Mutex::new(told);
    std::thread::scope(|scope| {
        for client in clients.iter().cycle().take(WORKERS) {
            let (next, last, answered, over, shared) = (&next, &last, &answered, &over, &shared);
            scope.spawn(move || {
                let _over = WhenDropped(over);
                let mine = Worker { client: client.clone(), told: shared, answered };
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= last.load(Ordering::Relaxed) || !mine.step(round, n) {
                        break;
                    }
                }
            });
        }
        poll("enough answers", 5 * PATIENCE, || {
            let so_far = answered.load(Ordering::Relaxed);
            let enough = so_far >= kill_after || over.load(Ordering::Relaxed);
            enough.then_some(()).ok_or_else(|| format!("{so_far} of {kill_after}"))
        });
        servers[victim].kill_9();
        // The others go on for a while.
        last.fetch_min(next.load(Ordering::Relaxed) + 10 * WORKERS, Ordering::Relaxed);
    });
    let killed = servers.remove(victim);
    servers.insert(victim, killed.restart());
}

/// Says that a worker has ended, by itself or by a failed assertion.
struct WhenDropped<'a>(&'a AtomicBool);

impl Drop for WhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Worker<'a, 'b> {
    client: Client,
    told: &'a Mutex<&'b mut Told>,
    answered: &'a AtomicUsize,
}

impl Worker<'_, '_> {
    /// One person, and what comes of them; false once the server is gone.
    fn step(&self, round: usize, n: usize) -> bool {
        let name = format!("p{n}.r{round}@example.com");
        let Some(body) = self.send("POST", "/Users", &person(&name), &[201]) else {
            self.told.lock().unwrap().unanswered.push(name);
            return false;
        };
        let id = id_of(&body);
        let group = {
            let mut told = self.told.lock().unwrap();
            told.people.insert(id.clone(), name);
            told.groups[n % GROUPS].clone()
        };
        if n.is_multiple_of(2) && !self.join(&group, &id, true) {
            return false;
        }
        if n.is_multiple_of(6) && !self.join(&group, &id, false) {
            return false;
        }
        if n.is_multiple_of(5) {
            let suspend = patch_op(&json!([{"op": "replace", "path": "active", "value": false}]));
            if self.send("PATCH", &format!("/Users/{id}"), &suspend, &[200, 204]).is_none() {
                return false;
            }
            self.told.lock().unwrap().suspended.insert(id);
        }
        true
    }

    fn join(&self, group: &str, person: &str, together: bool) -> bool {
        let operation = if together {
            json!({"op": "add", "path": "members", "value": [{"value": person}]})
        } else {
            json!({"op": "remove", "path": format!("members[value eq \"{person}\"]")})
        };
        let membership = (group.to_owned(), person.to_owned());
        self.told.lock().unwrap().open.insert(membership.clone());
        let change = patch_op(&json!([operation]));
        let done = self.send("PATCH", &format!("/Groups/{group}"), &change, &[200, 204]).is_some();
        if done {
            let mut told = self.told.lock().unwrap();
            told.open.remove(&membership);
            told.members.insert(membership, together);
        }
        done
    }

    /// The answer's body; `None` if there was no answer. An answer that is no success is a failure.
    fn send(&self, method: &str, path: &str, body: &Value, wanted: &[u16]) -> Option<Value> {
        let headers = [("Content-Type", SCIM_JSON)];
        let answer = self.client.send(method, path, &headers, Some(body.to_string().as_bytes())).ok()?;
        assert!(wanted.contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        self.answered.fetch_add(1, Ordering::Relaxed);
        Some(serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

/// The account and the SCIM view name the same people in the same state, and the same members.
///
/// A bridge that was killed between the two heals itself; that may take it a moment after the first request.
fn agree(server: &Server, seen: &Seen) {
    poll("agreement of account and SCIM view", 2 * PATIENCE, || {
        let account = Account::read(&server.data_dir());
        let view = Seen::through(&server.client());
        let people: BTreeMap<&str, (&str, bool)> = account
            .provisioned()
            .map(|person| (person.id.as_str(), (person.wanted_email(), person.state != State::Suspended)))
            .collect();
        let viewed: BTreeMap<&str, (&str, bool)> =
            view.people.iter().map(|(id, (name, active))| (id.as_str(), (name.as_str(), *active))).collect();
        if people != viewed {
            let differ: Vec<_> = people
                .iter()
                .filter(|(id, person)| viewed.get(*id) != Some(person))
                .map(|(id, person)| format!("account: {id} {person:?}"))
                .chain(
                    viewed
                        .iter()
                        .filter(|(id, person)| people.get(*id) != Some(person))
                        .map(|(id, person)| format!("SCIM: {id} {person:?}")),
                )
                .take(5)
                .collect();
            return Err(format!("{} and {} people: {differ:?}", people.len(), viewed.len()));
        }
        let members: BTreeSet<(String, String)> = account
            .managed()
            .flat_map(|group| group.ids(&account.people).into_iter().map(|person| (group.id.clone(), person)))
            .collect();
        if members != view.members {
            let differ: Vec<_> = members.symmetric_difference(&view.members).take(5).collect();
            return Err(format!("{} and {} memberships: {differ:?}", members.len(), view.members.len()));
        }
        Ok(())
    });
    let ids: BTreeSet<String> = Seen::through(&server.client()).people.into_keys().collect();
    assert!(seen.people.keys().all(|id| ids.contains(id)), "healing lost somebody");
}

fn person(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": name, "displayName": name, "active": true,
        "emails": [{"value": name, "type": "work", "primary": true}],
    })
}

fn id_of(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}
