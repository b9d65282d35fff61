//! Groups: make, rename, delete, and who is in them.

use std::collections::BTreeSet;

use op_bridge::account::{Account, NewPerson};
use serde_json::{Value, json};

use crate::scripted::{Fault, broken};
use crate::world::{World, group};

fn set(ids: &[&String]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).clone()).collect()
}

#[tokio::test]
async fn a_put_with_a_template_that_was_not_filled_in_empties_no_group() {
    let world = World::new();
    let ada = world.member("ada@example.com").await;
    let id = world.group("G", &[&ada]).await;
    let path = format!("/Groups/{id}");
    for nothing in [json!(""), json!([""]), json!([null])] {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G", "members": nothing});
        world.send("PUT", &path, Some(body)).await.refuses(400, "invalidValue", "nothing in it");
        world.agrees().await;
        assert_eq!(world.get(&path).await.is(200)["members"][0]["value"], ada);
    }
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G", "members": []});
    world.send("PUT", &path, Some(body)).await.is(200);
    assert_eq!(world.get(&path).await.is(200).get("members"), None);
}

#[tokio::test]
async fn a_group_comes_with_its_members_or_not_at_all() {
    let world = World::new();
    let (ada, bob) = (world.member("ada@x.org").await, world.user("bob@x.org").await);
    let id = world.group("Engineering", &[&ada, &bob, &ada]).await;
    assert_eq!(world.members(&id).await, set(&[&ada, &bob]));
    let before = (world.account_state().await, world.view().await);
    let nobody = "AAAAAAAAAAAAAAAAAAAAAAAAAA";
    for wrong in [nobody, id.as_str(), "somebody"] {
        let refused = world.send("POST", "/Groups", Some(group("New", &[&ada, wrong]))).await;
        refused.refuses(400, "invalidValue", wrong);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": wrong}]}]);
        world.patch(&format!("/Groups/{id}"), add).await.refuses(400, "invalidValue", wrong);
        let refused = world.send("PUT", &format!("/Groups/{id}"), Some(group("Other", &[wrong]))).await;
        refused.refuses(400, "invalidValue", wrong);
    }
    world.send("POST", "/Groups", Some(group("ENGINEERING", &[]))).await.refuses(
        409,
        "uniqueness",
        "ENGINEERING",
    );
    assert_eq!((world.account_state().await, world.view().await), before);
    assert_eq!(world.account.script.take_calls().iter().filter(|call| **call == "grant").count(), 2);
    world.agrees().await;
}

#[tokio::test]
async fn every_way_of_changing_members_reaches_the_account() {
    let world = World::new();
    let mut people = Vec::new();
    for name in ["a", "b", "c", "d"] {
        people.push(world.user(&format!("{name}@x.org")).await);
    }
    let [a, b, c, d] = &people[..] else { panic!("four people") };
    let id = world.group("G", &[a]).await;
    let path = format!("/Groups/{id}");
    let value = |ids: &[&String]| ids.iter().map(|id| json!({"value": id})).collect::<Vec<Value>>();
    let table: Vec<(Value, BTreeSet<String>)> = vec![
        (json!({"op": "add", "path": "members", "value": value(&[b, c])}), set(&[a, b, c])),
        (json!({"op": "add", "path": "members", "value": value(&[b])}), set(&[a, b, c])),
        (json!({"op": "Remove", "path": format!("members[value eq \"{a}\"]")}), set(&[b, c])),
        (json!({"op": "remove", "path": "members", "value": value(&[a, c])}), set(&[b])),
        (json!({"op": "replace", "path": "members", "value": value(&[c, d])}), set(&[c, d])),
        (
            json!({"op": "remove", "path": format!("members[value eq \"{c}\" or display sw \"zz\"]")}),
            set(&[d]),
        ),
        (json!({"op": "replace", "value": {"displayName": "H", "members": value(&[a, b])}}), set(&[a, b])),
        (json!({"op": "remove", "path": "members"}), set(&[])),
        (json!({"op": "add", "value": {"members": value(&[d])}}), set(&[d])),
    ];
    for (operation, expected) in table {
        let answer = world.patch(&path, json!([operation])).await;
        assert!(matches!(answer.status, 200 | 204), "{operation}: {}", answer.json);
        assert_eq!(world.members(&id).await, expected, "{operation}");
    }
    // Several at once, the last word counts.
    let several = json!([
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": value(&[a, d])},
        {"op": "remove", "path": format!("members[value eq \"{a}\"]")},
        {"op": "add", "path": "members", "value": value(&[b])},
    ]);
    world.patch(&path, several).await;
    assert_eq!(world.members(&id).await, set(&[b, d]));
    world.send("PUT", &path, Some(group("I", &[c]))).await.is(200);
    assert_eq!(world.members(&id).await, set(&[c]));
    world.agrees().await;
}

#[tokio::test]
async fn a_put_changes_only_those_who_come_and_go() {
    let world = World::new();
    let mut people = Vec::new();
    for n in 0..20 {
        people.push(world.user(&format!("p{n}@x.org")).await);
    }
    let all: Vec<&str> = people.iter().map(String::as_str).collect();
    let id = world.group("G", &all[..19]).await;
    world.account.script.take_calls();
    world.send("PUT", &format!("/Groups/{id}"), Some(group("G", &all[1..]))).await.is(200);
    assert_eq!(world.account.script.take_calls(), ["revoke", "grant"]);
    assert_eq!(world.members(&id).await.len(), 19);
}

#[tokio::test]
async fn groups_are_renamed_and_deleted() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let (one, two) = (world.group("One", &[&ada]).await, world.group("Two", &[]).await);
    world.set(&format!("/Groups/{one}"), "displayName", json!("Uno")).await.is(200);
    world.set(&format!("/Groups/{two}"), "displayName", json!("UNO")).await.refuses(
        409,
        "uniqueness",
        "`UNO`",
    );
    world.set(&format!("/Groups/{one}"), "displayName", json!("UNO")).await.is(200);
    world.agrees().await;
    assert_eq!(world.delete(&format!("/Groups/{one}")).await.status, 204);
    assert_eq!(world.delete(&format!("/Groups/{one}")).await.status, 404);
    assert_eq!(world.get(&format!("/Users/{ada}")).await.is(200).get("groups"), None);
    world.group("Uno", &[]).await;
    world.agrees().await;
}

#[tokio::test]
async fn a_stale_version_touches_no_group() {
    let world = World::new();
    let (ada, bob) = (world.member("ada@x.org").await, world.member("bob@x.org").await);
    let id = world.group("G", &[&ada]).await;
    let path = format!("/Groups/{id}");
    let stale = world.get(&path).await.etag.unwrap();
    world.set(&path, "displayName", json!("H")).await.is(200);
    let before = (world.account_state().await, world.view().await);
    assert_eq!(world.send_if("PUT", &path, Some(group("I", &[&bob])), Some(&stale)).await.status, 412);
    assert_eq!(world.send_if("DELETE", &path, None, Some(&stale)).await.status, 412);
    assert_eq!((world.account_state().await, world.view().await), before);
}

#[tokio::test]
async fn a_group_that_is_no_longer_managed_is_gone_here() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    for method in ["PATCH", "PUT", "DELETE"] {
        let id = world.group(method, &[&ada]).await;
        let path = format!("/Groups/{id}");
        world.setup.account.set_managed(&id.parse().unwrap(), false).await.unwrap();
        let before = world.account_state().await;
        let body = match method {
            "PATCH" => {
                Some(crate::world::patch(json!([{"op": "replace", "path": "displayName", "value": "X"}])))
            }
            "PUT" => Some(group("X", &[])),
            _ => None,
        };
        assert_eq!(world.send(method, &path, body).await.status, 404, "{method}");
        assert_eq!(world.get(&path).await.status, 404, "{method}");
        assert_eq!(world.account_state().await, before, "{method}");
    }
    world.agrees().await;
}

/// People whom the identity provider does not see are not its business.
#[tokio::test]
async fn members_that_nobody_provisioned_stay_in_their_group() {
    let mut world = World::new();
    let ada = world.member("ada@x.org").await;
    let id = world.group("G", &[&ada]).await;
    let guest = world.setup.account.invite(NewPerson::new("guest@x.org", "Guest")).await.unwrap();
    world.setup.account.grant(&id.parse().unwrap(), &guest.id).await.unwrap();
    assert_eq!(world.send("PUT", &format!("/Groups/{id}"), Some(group("G", &[]))).await.status, 200);
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": guest.id.as_str()}]}]);
    world.patch(&format!("/Groups/{id}"), remove).await;
    let members = world.setup.account.members(&id.parse().unwrap()).await.unwrap();
    assert_eq!(members.iter().map(|m| &m.person).collect::<Vec<_>>(), [&guest.id]);
    assert_eq!(world.restart().await.groups_changed, 0);
    world.agrees().await;
}

#[tokio::test]
async fn a_rename_by_an_administrator_survives_a_change_of_members() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let id = world.group("G", &[]).await;
    world.setup.account.rename_group(&id.parse().unwrap(), "Gee").await.unwrap();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ada}]}]);
    world.patch(&format!("/Groups/{id}"), add).await;
    let group = world.setup.account.group(&id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(group.name, "Gee");
}

#[tokio::test]
async fn a_membership_that_cannot_be_shown_is_not_kept_from_the_next_try() {
    let world = World::new();
    let id = world.group("G", &[]).await;
    let ada = world.setup.account.invite(NewPerson::new("ada@x.org", "Ada")).await.unwrap();
    world.setup.account.grant(&id.parse().unwrap(), &ada.id).await.unwrap();
    let before = world.account_state().await;
    world.store.script.once("apply", 0, Fault::Refuse(broken()));
    assert_eq!(world.post_user("ada@x.org", "Ada L.").await.status, 503);
    assert_eq!(world.account_state().await, before);
    world.post_user("ada@x.org", "Ada L.").await.is(201);
    assert_eq!(world.members(&id).await, [ada.id.to_string()].into());
    world.agrees().await;
}
