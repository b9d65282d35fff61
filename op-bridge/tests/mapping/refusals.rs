//! What the account refuses: the right status, a sentence that names the thing, and nothing changed anywhere.

use op_bridge::account::{Account, AccountError, Capability};
use serde_json::{Value, json};

use crate::scripted::{Fault, away, broken};
use crate::world::{World, group, patch, user};

type Refusal = (fn() -> AccountError, u16, &'static str, &'static str);

const REFUSALS: &[Refusal] = &[
    (|| AccountError::EmailTaken("a@x.org".into()), 409, "uniqueness", "`a@x.org` belongs to another person"),
    (|| AccountError::NameTaken("Staff".into()), 409, "uniqueness", "`Staff` belongs to another group"),
    (
        || AccountError::Invalid { what: "name", problem: "it is too odd" },
        400,
        "invalidValue",
        "the account cannot take this name: it is too odd",
    ),
    (|| AccountError::DomainNotAllowed("x.org".into()), 400, "invalidValue", "in the domain `x.org`"),
    (|| AccountError::Protected { what: "the last owner".into() }, 403, "", "does not change the last owner"),
    (|| AccountError::Locked, 503, "", "the bridge is locked"),
    (|| AccountError::OtherSession, 500, "", "was set up with another session"),
    (
        || AccountError::Unsupported(Capability::ChangeEmail),
        501,
        "",
        "does not support changing e-mail addresses of people",
    ),
    (away, 503, "", ""),
];

/// Each write, and the calls of the account that it makes.
fn writes(
    user_id: &str,
    group_id: &str,
    other: &str,
) -> Vec<(&'static str, String, Option<Value>, Vec<&'static str>)> {
    let change = |value: Value| Some(patch(json!([{"op": "replace", "value": value}])));
    let (user_path, group_path) = (format!("/Users/{user_id}"), format!("/Groups/{group_id}"));
    let mut inactive = user("new@x.org", "New");
    inactive["active"] = json!(false);
    vec![
        ("POST", "/Users".into(), Some(user("new@x.org", "New")), vec!["provision"]),
        (
            "PATCH",
            user_path.clone(),
            change(json!({"userName": "other@x.org", "displayName": "Other"})),
            vec!["change_email", "rename"],
        ),
        ("PUT", user_path.clone(), Some(user("other@x.org", "Other")), vec!["change_email", "rename"]),
        ("DELETE", user_path, None, vec!["suspend"]),
        ("POST", "/Groups".into(), Some(group("New", &[user_id])), vec!["create_group", "grant"]),
        ("PUT", group_path.clone(), Some(group("Other", &[other])), vec!["rename_group", "revoke", "grant"]),
        ("DELETE", group_path, None, vec!["delete_group"]),
    ]
}

#[tokio::test]
async fn a_refusal_changes_nothing_anywhere() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let bob = world.member("bob@x.org").await;
    let engineering = world.group("Engineering", &[&ada]).await;
    let before = (world.account_state().await, world.view().await);
    for (method, path, body, calls) in writes(&ada, &engineering, &bob) {
        for call in calls {
            for (error, status, scim_type, detail) in REFUSALS {
                world.account.script.once(call, 0, Fault::Refuse(error()));
                let answer = world.send(method, &path, body.clone()).await;
                world.account.script.heal();
                assert_eq!(
                    (world.account_state().await, world.view().await),
                    before,
                    "{method} {path} when {call} says {}",
                    error()
                );
                answer.refuses(*status, scim_type, detail);
            }
        }
    }
}

/// The bridge's own store fails after the account has done everything: that is taken back.
#[tokio::test]
async fn what_the_store_cannot_keep_is_taken_back() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let bob = world.member("bob@x.org").await;
    let engineering = world.group("Engineering", &[&ada]).await;
    let before = (world.account_state().await, world.view().await);
    for (method, path, body, _) in writes(&ada, &engineering, &bob) {
        if method == "DELETE" || (method == "POST" && path == "/Users") {
            continue;
        }
        let calls = ["create", "apply", "replace"];
        world.store.script.plan(move |call| calls.contains(&call).then(|| Fault::Refuse(broken())));
        assert_eq!(world.send(method, &path, body).await.status, 503, "{method} {path}");
        world.store.script.heal();
        assert_eq!((world.account_state().await, world.view().await), before, "{method} {path}");
    }
}

/// Nobody is ever deleted; somebody who was invited for nothing cannot come in.
#[tokio::test]
async fn an_invitation_that_cannot_be_kept_is_suspended_until_the_next_try() {
    let world = World::new();
    world.store.script.once("create", 0, Fault::Refuse(broken()));
    assert_eq!(world.post_user("ada@x.org", "Ada").await.status, 503);
    let person = world.by_email("ada@x.org").await.unwrap();
    assert!(!person.state.is_active_for_scim());
    world.agrees().await;
    let made = world.post_user("ada@x.org", "Ada").await.is(201);
    assert_eq!(made["id"], person.id.as_str());
    assert!(world.person(person.id.as_str()).await.state.is_active_for_scim());
    world.agrees().await;
}

#[tokio::test]
async fn a_delete_that_fails_half_way_shows_what_has_been_done() {
    let world = World::new();
    let ada = world.member("ada@x.org").await;
    let one = world.group("One", &[&ada]).await;
    let two = world.group("Two", &[&ada]).await;
    world.account.script.once("revoke", 1, Fault::Refuse(away()));
    assert_eq!(world.delete(&format!("/Users/{ada}")).await.status, 503);
    assert!(!world.person(&ada).await.state.is_active_for_scim(), "whoever is to go does not come back");
    world.agrees().await;
    assert_eq!(world.delete(&format!("/Users/{ada}")).await.status, 204);
    assert!(world.members(&one).await.is_empty() && world.members(&two).await.is_empty());
    world.agrees().await;
}

#[tokio::test]
async fn the_last_owner_and_system_groups_are_out_of_reach() {
    let world = World::new();
    let account = &world.setup.account;
    let owner = account.people().await.unwrap().remove(0);
    let body = user(&owner.email, &owner.name);
    let made = world.send("POST", "/Users", Some(body)).await.is(201);
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let before = (world.account_state().await, world.view().await);
    world.delete(&path).await.refuses(403, "", "the last owner");
    world.set(&path, "active", json!(false)).await.refuses(403, "", "the last owner");
    assert_eq!((world.account_state().await, world.view().await), before);

    assert_eq!(world.get("/Groups").await.is(200)["totalResults"], 0);
    let member = world.user("ada@example.com").await;
    for system in account.groups().await.unwrap() {
        let path = format!("/Groups/{}", system.id);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
        assert_eq!(world.get(&path).await.status, 404);
        assert_eq!(world.patch(&path, add).await.status, 404);
        assert_eq!(world.send("PUT", &path, Some(group("Mine", &[]))).await.status, 404);
        assert_eq!(world.delete(&path).await.status, 404);
        let named = world.send("POST", "/Groups", Some(group(&system.name.to_uppercase(), &[]))).await;
        named.refuses(409, "uniqueness", &system.name.to_uppercase());
    }
    let mine = world.group("Mine", &[]).await;
    for alike in ["Owners ", "Ow\u{200b}ners", "\u{41e}wners"] {
        let named = world.send("POST", "/Groups", Some(group(alike, &[]))).await;
        named.refuses(409, "uniqueness", "looks like `Owners`");
        let renamed = world.set(&format!("/Groups/{mine}"), "displayName", json!(alike)).await;
        renamed.refuses(409, "uniqueness", "looks like `Owners`");
    }
    world.send("POST", "/Groups", Some(group(" mi\u{ad}ne", &[]))).await.refuses(409, "uniqueness", "");
    for (impossible, why) in [
        ("\u{200b}", "can be seen"),
        ("a\u{7}b", "control characters"),
        ("\u{202e}srenwO", "direction of writing"),
        ("\u{2067}Owners\u{2069}", "direction of writing"),
    ] {
        world.send("POST", "/Groups", Some(group(impossible, &[]))).await.refuses(400, "invalidValue", why);
    }
    world.set(&format!("/Groups/{mine}"), "displayName", json!("Owners")).await.refuses(
        409,
        "uniqueness",
        "`Owners`",
    );
    world.agrees().await;
}

/// Whoever writes the identity provider must not get hold of an owner; and a leaver must not keep access.
#[tokio::test]
async fn owners_are_adopted_as_they_are_and_only_suspended() {
    let world = World::new();
    let owner = world.setup.account.people().await.unwrap().remove(0);
    let ada = world.member("ada@x.org").await;
    let before = world.account_state().await;
    let mut body = user(&owner.email.to_uppercase(), "Eve");
    body["title"] = json!("CEO");
    let made = world.send("POST", "/Users", Some(body)).await.is(201);
    assert_eq!(world.account_state().await, before, "being adopted changes nothing in the account");
    assert_eq!((&made["displayName"], &made["title"]), (&json!(owner.name), &json!("CEO")));
    assert_eq!(made["id"], owner.id.as_str());
    world.agrees().await;

    let path = format!("/Users/{}", owner.id);
    let view = world.view().await;
    let named = |email: &str, name: &str| {
        let mut body = user(email, name);
        body["title"] = json!("CEO");
        body
    };
    world.set(&path, "displayName", json!("Eve")).await.refuses(
        403,
        "",
        "change the name of `owner@account.inv",
    );
    world.set(&path, "userName", json!("eve@x.org")).await.refuses(
        403,
        "",
        "e-mail address of `owner@account",
    );
    world.send("PUT", &path, Some(named("eve@x.org", &owner.name))).await.refuses(
        403,
        "",
        "out of the group",
    );
    world.send("PUT", &path, Some(named(&owner.email, "Eve"))).await.refuses(403, "", "in 1Password itself");
    assert_eq!((world.account_state().await, world.view().await), (before.clone(), view.clone()));

    // What repeats what is there is no change.
    let shown = world.get(&path).await.is(200);
    world.send("PUT", &path, Some(shown)).await.is(200);
    world.set(&path, "displayName", json!(owner.name)).await.is(200);
    world.set(&path, "userName", json!(made["userName"])).await.is(200);
    assert_eq!((world.account_state().await, world.view().await), (before, view));

    // Somebody else has become an owner: this one is no longer the last.
    world.setup.make_owner(&ada);
    assert_eq!(world.set(&path, "active", json!(false)).await.is(200)["active"], false);
    assert_eq!(world.set(&path, "active", json!(true)).await.is(200)["active"], true);
    assert_eq!(world.person(owner.id.as_str()).await.name, owner.name);
    // A PUT says everything, the name of the leaver too.
    let mut leaver = named(&owner.email, "Eve");
    leaver["active"] = json!(false);
    let left = world.send("PUT", &path, Some(leaver)).await.is(200);
    assert_eq!((&left["active"], &left["displayName"]), (&json!(false), &json!(owner.name)));
    world.agrees().await;
    world.delete(&format!("/Users/{ada}")).await.refuses(403, "", "make another person an owner");
    assert_eq!(world.delete(&path).await.status, 204);
    world.post_user(&owner.email, "Eve").await.is(201);
    assert_eq!(world.person(owner.id.as_str()).await.state.as_str(), "ACTIVE");
    world.agrees().await;
}

#[tokio::test]
async fn nothing_is_written_while_the_bridge_is_locked() {
    let mut world = World::new();
    let ada = world.user("ada@x.org").await;
    let view = world.view().await;
    world.setup.restart();
    let died = std::sync::Arc::new(tokio::sync::Notify::new());
    world.account =
        std::sync::Arc::new(crate::scripted::ScriptedAccount::new(world.setup.account.clone(), &died));
    world.restart().await;
    assert_eq!(world.view().await, view, "reading needs no token");
    world.post_user("bob@x.org", "Bob").await.refuses(503, "", "the bridge is locked");
    world.delete(&format!("/Users/{ada}")).await.refuses(503, "", "the bridge is locked");
    assert_eq!(world.view().await, view);
    world.setup.unlock();
    world.post_user("bob@x.org", "Bob").await.is(201);
}

#[tokio::test]
async fn addresses_and_names_that_mislead_are_refused() {
    let world = World::new();
    let id = world.user("ada@x.org").await;
    let before = (world.account_state().await, world.view().await);
    for email in ["a\u{200b}da@x.org", "ada@x.org\u{202e}", "\u{2066}eve@x.org", "eve@x\u{ad}.org"] {
        let by_emails = json!({"userName": "eve", "emails": [{"value": email}]});
        for body in [user(email, "Eve"), by_emails] {
            let (attribute, words) = match body["userName"] == "eve" {
                true => ("`emails`", "cannot be seen"),
                false => ("`userName`", "invisible characters"),
            };
            for (method, path) in [("POST", "/Users".to_owned()), ("PUT", format!("/Users/{id}"))] {
                let answer = world.send(method, &path, Some(body.clone())).await;
                let detail = answer.json["detail"].as_str().unwrap_or_default().to_owned();
                answer.refuses(400, "invalidValue", words);
                assert!(detail.contains(attribute), "{detail}");
            }
        }
    }
    world.post_user("eve@x.org", "\u{202e}adA").await.refuses(400, "invalidValue", "direction of writing");
    assert_eq!((world.account_state().await, world.view().await), before);
}
