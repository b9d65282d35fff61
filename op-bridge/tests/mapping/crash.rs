//! The process dies between the account and the store, or the identity provider hangs up.

use std::time::Duration;

use op_bridge::account::{Account, NewPerson};
use serde_json::{Value, json};

use crate::scripted::Fault;
use crate::world::{World, group, patch, user};

/// A write, the call during which the process dies, and the status of the same request afterwards.
type Case = (&'static str, String, Option<Value>, Vec<&'static str>, u16);

fn cases(ada: &str, bob: &str, group_id: &str) -> Vec<Case> {
    let (user_path, group_path) = (format!("/Users/{ada}"), format!("/Groups/{group_id}"));
    let changes = json!([
        {"op": "replace", "value": {"userName": "new@x.org", "displayName": "New", "active": false}}
    ]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]);
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}]);
    let mut inactive = user("carl@x.org", "Carl");
    inactive["active"] = json!(false);
    vec![
        ("POST", "/Users".into(), Some(user("carl@x.org", "Carl")), vec!["provision"], 201),
        ("POST", "/Users".into(), Some(inactive), vec!["provision", "suspend"], 201),
        ("POST", "/Users".into(), Some(user("guest@x.org", "Guest G")), vec!["provision", "rename"], 201),
        ("PATCH", user_path.clone(), Some(patch(changes)), vec!["change_email", "rename", "suspend"], 200),
        ("PUT", user_path.clone(), Some(user("new@x.org", "New")), vec!["change_email", "rename"], 200),
        ("DELETE", user_path, None, vec!["suspend", "revoke"], 204),
        ("POST", "/Groups".into(), Some(group("New", &[ada, bob])), vec!["create_group", "grant"], 201),
        ("PATCH", group_path.clone(), Some(patch(add)), vec!["grant"], 200),
        ("PATCH", group_path.clone(), Some(patch(remove)), vec!["revoke"], 200),
        (
            "PUT",
            group_path.clone(),
            Some(group("Other", &[bob])),
            vec!["rename_group", "revoke", "grant"],
            200,
        ),
        ("DELETE", group_path, None, vec!["delete_group"], 204),
    ]
}

async fn world() -> (World, String, String, String) {
    let world = World::new();
    let (ada, bob) = (world.member("ada@x.org").await, world.user("bob@x.org").await);
    let id = world.group("G", &[&ada]).await;
    let guest = world.setup.account.invite(NewPerson::new("guest@x.org", "Guest")).await.unwrap();
    world.setup.account.grant(&id.parse().unwrap(), &guest.id).await.unwrap();
    (world, ada, bob, id)
}

async fn dies(store: bool) {
    let (_world, ada, bob, id) = world().await;
    for n in 0..cases(&ada, &bob, &id).len() {
        let calls = match store {
            false => cases(&ada, &bob, &id)[n].3.clone(),
            true => vec!["create", "apply", "replace", "delete", "mark", "unmark"],
        };
        for call in calls {
            for before in [true, false] {
                let (mut world, ada, bob, id) = world().await;
                let (method, path, body, _, status) = cases(&ada, &bob, &id).swap_remove(n);
                let what = format!("{method} {path} dies in {call}, before it: {before}");
                if store {
                    let fault = if before { Fault::DieBefore } else { Fault::DieAfter };
                    world.store.script.once(call, 0, fault);
                } else {
                    let fault = if before { Fault::DieBefore } else { Fault::DieAfter };
                    world.account.script.once(call, 0, fault);
                }
                let died = world.crash_or_answer(method, &path, body.clone()).await;
                if !died {
                    continue;
                }
                world.agrees().await;
                let retry = world.send(method, &path, body).await;
                // Once the store has what it was given, all that is missing is the answer.
                let kept = store && !before;
                let fine = retry.status == status
                    || (kept && method == "DELETE" && retry.status == 404)
                    || (kept && method == "POST" && retry.status == 409)
                    || (method == "DELETE" && path.starts_with("/Groups") && retry.status == 404);
                assert!(fine, "{what}: then {} {}", retry.status, retry.json);
                world.agrees().await;
                assert_eq!(world.restart().await, Default::default(), "{what}: nothing is left to reconcile");
            }
        }
    }
}

#[tokio::test]
async fn a_crash_around_any_call_of_the_account_is_healed() {
    dies(false).await;
}

#[tokio::test]
async fn a_crash_around_any_write_of_the_store_is_healed() {
    dies(true).await;
}

#[tokio::test]
async fn a_crash_while_a_deleted_user_is_listed_is_healed() {
    for call in ["mark", "apply"] {
        for fault in [Fault::DieBefore, Fault::DieAfter] {
            let mut world = World::listed();
            let ada = world.member("ada@x.org").await;
            let path = format!("/Users/{ada}");
            world.store.script.once(call, 0, fault);
            world.crash("DELETE", &path, None).await;
            world.agrees().await;
            assert_eq!(world.get(&path).await.is(200)["active"], false);
            assert_eq!(world.delete(&path).await.status, 204);
            assert_eq!(world.post_user("ada@x.org", "Ada").await.is(201)["id"], ada.as_str());
            world.agrees().await;
        }
    }
    // Reactivated, but the mark was not taken away in time: the next POST is a duplicate all the same.
    let mut world = World::listed();
    let path = format!("/Users/{}", world.member("ada@x.org").await);
    assert_eq!(world.delete(&path).await.status, 204);
    world.store.script.once("unmark", 0, Fault::DieBefore);
    let body = patch(json!([{"op": "replace", "path": "active", "value": true}]));
    world.crash("PATCH", &path, Some(body)).await;
    assert_eq!(world.get(&path).await.is(200)["active"], true);
    world.post_user("ada@x.org", "Ada").await.refuses(409, "uniqueness", "ada@x.org");
}

#[tokio::test]
async fn what_a_client_that_hangs_up_has_asked_for_is_finished() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let path = format!("/Users/{ada}");
    for (body, name) in [(user("ada@x.org", "One"), "One"), (user("ada@x.org", "Two"), "Two")] {
        {
            let request = world.send("PUT", &path, Some(body));
            tokio::pin!(request);
            // Polled once, then dropped, as hyper does when the connection is gone.
            assert!(polled_once(&mut request).await.is_none());
        }
        while world.get(&path).await.is(200)["displayName"] != name {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    while world.person(&ada).await.name != "Two" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.agrees().await;
}

async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}
