//! Random traffic with random failures, and a lot of it at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_bridge::config::DeletedUsers;
use op_bridge::mapping::Settings;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scripted::{Fault, away, broken};
use crate::world::{World, group, patch, user};

#[derive(Clone, Debug)]
enum Step {
    Post { email: usize, active: bool },
    Put { who: usize, email: usize, name: u8 },
    Active { who: usize, active: bool },
    Email { who: usize, email: usize },
    Title { who: usize },
    Delete { who: usize },
    Accept { email: usize },
    PostGroup { name: usize, members: Vec<usize> },
    Members { group: usize, op: usize, members: Vec<usize> },
    PutGroup { group: usize, name: usize, members: Vec<usize> },
    DeleteGroup { group: usize },
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Trouble {
    Account(u8, bool),
    Store(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let members = || prop::collection::vec(0..5_usize, 0..4);
    prop_oneof![
        4 => (0..5_usize, prop::bool::weighted(0.9)).prop_map(|(email, active)| Step::Post { email, active }),
        2 => (0..5_usize, 0..5_usize, 0..3_u8).prop_map(|(who, email, name)| Step::Put { who, email, name }),
        2 => (0..5_usize, any::<bool>()).prop_map(|(who, active)| Step::Active { who, active }),
        1 => (0..5_usize, 0..5_usize).prop_map(|(who, email)| Step::Email { who, email }),
        1 => (0..5_usize).prop_map(|who| Step::Title { who }),
        2 => (0..5_usize).prop_map(|who| Step::Delete { who }),
        2 => (0..5_usize).prop_map(|email| Step::Accept { email }),
        2 => (0..3_usize, members()).prop_map(|(name, members)| Step::PostGroup { name, members }),
        3 => (0..3_usize, 0..3_usize, members())
            .prop_map(|(group, op, members)| Step::Members { group, op, members }),
        1 => (0..3_usize, 0..3_usize, members())
            .prop_map(|(group, name, members)| Step::PutGroup { group, name, members }),
        1 => (0..3_usize).prop_map(|group| Step::DeleteGroup { group }),
        1 => Just(Step::Restart),
    ]
}

fn trouble() -> impl Strategy<Value = Option<Trouble>> {
    prop_oneof![
        3 => Just(None),
        1 => (0..3_u8, any::<bool>()).prop_map(|(nth, lose)| Some(Trouble::Account(nth, lose))),
        1 => (0..3_u8, any::<bool>()).prop_map(|(nth, lose)| Some(Trouble::Store(nth, lose))),
    ]
}

fn email(n: usize) -> String {
    format!("p{n}@x.org")
}

/// The ids of what is listed, in order.
async fn listed(world: &World, path: &str) -> Vec<String> {
    let page = world.get(&format!("{path}?count=1000")).await.is(200);
    let all = page["Resources"].as_array().cloned().unwrap_or_default();
    all.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

async fn run(world: &mut World, step: &Step, trouble: Option<Trouble>) {
    let (users, groups) = (listed(world, "/Users").await, listed(world, "/Groups").await);
    let pick = |list: &[String], n: usize| list.get(n % list.len().max(1)).cloned();
    let some = |ids: &[usize]| -> Vec<String> { ids.iter().filter_map(|n| pick(&users, *n)).collect() };
    let (method, path, body) = match step {
        Step::Restart => {
            world.restart().await;
            return;
        }
        Step::Accept { email: n } => {
            let _ = world.setup.account.accept(&email(*n)).await;
            return;
        }
        Step::Post { email: n, active } => {
            let mut body = user(&email(*n), "Name");
            body["active"] = json!(active);
            ("POST", "/Users".to_owned(), Some(body))
        }
        Step::PostGroup { name, members } => {
            let members = some(members);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            ("POST", "/Groups".to_owned(), Some(group(&format!("G{name}"), &members)))
        }
        Step::Put { who, .. }
        | Step::Active { who, .. }
        | Step::Email { who, .. }
        | Step::Title { who }
        | Step::Delete { who } => {
            let Some(id) = pick(&users, *who) else { return };
            let set =
                |path: &str, value: Value| patch(json!([{"op": "replace", "path": path, "value": value}]));
            let (method, body) = match step {
                Step::Put { email: n, name, .. } => ("PUT", Some(user(&email(*n), &format!("Name {name}")))),
                Step::Active { active, .. } => ("PATCH", Some(set("active", json!(active)))),
                Step::Email { email: n, .. } => ("PATCH", Some(set("userName", json!(email(*n))))),
                Step::Title { .. } => ("PATCH", Some(set("title", json!("Cook")))),
                _ => ("DELETE", None),
            };
            (method, format!("/Users/{id}"), body)
        }
        Step::Members { group: n, op, members } => {
            let Some(id) = pick(&groups, *n) else { return };
            let members: Vec<_> = some(members).iter().map(|id| json!({"value": id})).collect();
            let op = ["add", "remove", "replace"][*op];
            if op == "remove" && members.is_empty() {
                return;
            }
            let body = patch(json!([{"op": op, "path": "members", "value": members}]));
            ("PATCH", format!("/Groups/{id}"), Some(body))
        }
        Step::PutGroup { group: n, name, members } => {
            let Some(id) = pick(&groups, *n) else { return };
            let members = some(members);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            ("PUT", format!("/Groups/{id}"), Some(group(&format!("G{name}"), &members)))
        }
        Step::DeleteGroup { group: n } => {
            let Some(id) = pick(&groups, *n) else { return };
            ("DELETE", format!("/Groups/{id}"), None)
        }
    };
    let mut left = match trouble {
        Some(Trouble::Account(nth, _) | Trouble::Store(nth, _)) => nth,
        None => 0,
    };
    match trouble {
        Some(Trouble::Account(_, lose)) => world.account.script.plan(move |_| {
            let now = left == 0;
            left = left.wrapping_sub(1);
            now.then(|| if lose { Fault::Lose } else { Fault::Refuse(away()) })
        }),
        Some(Trouble::Store(_, lose)) => world.store.script.plan(move |_| {
            let now = left == 0;
            left = left.wrapping_sub(1);
            now.then(|| if lose { Fault::Lose } else { Fault::Refuse(broken()) })
        }),
        None => {}
    }
    let answer = world.send(method, &path, body.clone()).await;
    world.account.script.heal();
    world.store.script.heal();
    if trouble.is_none() {
        assert!(answer.status < 500, "{method} {path} {body:?}: {}", answer.json);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_view_and_account_agree_after_a_start(
        steps in prop::collection::vec((step(), trouble()), 1..25),
        listed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut settings = Settings::default();
            if listed {
                settings.deleted_users = DeletedUsers::Listed;
            }
            let mut world = World::with(settings);
            let mut ever: BTreeMap<String, ()> = BTreeMap::new();
            for (step, trouble) in &steps {
                run(&mut world, step, *trouble).await;
                let people = world.account_state().await["people"].as_object().unwrap().clone();
                for id in ever.keys() {
                    assert!(people.contains_key(id), "somebody was deleted by {step:?}");
                }
                ever = people.into_iter().map(|(id, _)| (id, ())).collect();
            }
            world.restart().await;
            world.agrees().await;
            assert_eq!(world.restart().await, Default::default(), "once is enough");
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_end_in_agreement() {
    let mut world = World::new();
    let mut staff = Vec::new();
    for n in 0..6 {
        staff.push(world.user(&format!("staff{n}@x.org")).await);
    }
    let teams = Arc::new(vec![world.group("One", &[]).await, world.group("Two", &[]).await]);
    let (staff, shared) = (Arc::new(staff), Arc::new(world));
    let tasks: Vec<_> = (0..12_usize)
        .map(|task| {
            let (world, staff, teams) = (Arc::clone(&shared), Arc::clone(&staff), Arc::clone(&teams));
            tokio::spawn(async move {
                for turn in 0..12_usize {
                    let person = &staff[(task + turn) % staff.len()];
                    let team = &teams[turn % 2];
                    let value = json!([{"value": person}]);
                    let answer = match (task + turn) % 8 {
                        0 => world.post_user(&format!("new{}@x.org", turn % 4), "New").await,
                        1 => world.set(&format!("/Users/{person}"), "active", json!(turn % 2 == 0)).await,
                        2 => {
                            world
                                .set(&format!("/Users/{person}"), "displayName", json!(format!("N{task}")))
                                .await
                        }
                        3 | 4 => {
                            let op = if turn % 3 == 0 { "remove" } else { "add" };
                            let change = json!([{"op": op, "path": "members", "value": value}]);
                            world.patch(&format!("/Groups/{team}"), change).await
                        }
                        5 => {
                            let email = format!("swap{}@x.org", turn % 3);
                            world.set(&format!("/Users/{person}"), "userName", json!(email)).await
                        }
                        6 => {
                            let found = world.by_email(&format!("new{}@x.org", turn % 4)).await;
                            let id =
                                found.map_or_else(|| "nobody".to_owned(), |person| person.id.to_string());
                            world.delete(&format!("/Users/{id}")).await
                        }
                        _ => {
                            let name = format!("G{}", turn % 3);
                            world.send("POST", "/Groups", Some(group(&name, &[person]))).await
                        }
                    };
                    let expected = [200, 201, 204, 400, 404, 409];
                    assert!(expected.contains(&answer.status), "{} {}", answer.status, answer.json);
                }
            })
        })
        .collect();
    let all = async {
        for task in tasks {
            task.await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(300), all).await.expect("nobody waits for ever");
    world = Arc::into_inner(shared).unwrap();
    world.agrees().await;
    assert_eq!(world.restart().await, Default::default());
}
