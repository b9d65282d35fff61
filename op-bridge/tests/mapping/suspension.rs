//! Whoever is to go goes, and nobody comes back whom nobody asked for.

use op_bridge::account::{Account, PersonState};
use op_bridge::mapping::Settings;
use serde_json::{Value, json};

use crate::scripted::{Fault, away, broken};
use crate::world::{World, patch, user};

/// Every way to leave `active` without a value.
fn without_a_value() -> Vec<Value> {
    vec![
        json!([{"op": "replace", "path": "active", "value": null}]),
        json!([{"op": "replace", "path": "active", "value": ""}]),
        json!([{"op": "replace", "value": {"active": ""}}]),
        json!([{"op": "replace", "value": {"active": null}}]),
        json!([{"op": "add", "value": {"active": null}}]),
        json!([{"op": "remove", "path": "active"}]),
        json!([{"op": "replace", "path": "active", "value": true}, {"op": "remove", "path": "active"}]),
    ]
}

fn removes(operations: &Value) -> bool {
    operations.as_array().unwrap().last().unwrap()["op"] == "remove"
}

#[tokio::test]
async fn an_active_without_a_value_changes_no_state() {
    for state in [false, true] {
        for operations in without_a_value() {
            let world = World::new();
            let id = world.member("ada@x.org").await;
            let path = format!("/Users/{id}");
            world.set(&path, "active", json!(state)).await.is(200);
            let answer = world.patch(&path, operations.clone()).await;
            assert_eq!(world.person(&id).await.state.is_active_for_scim(), state, "{operations}");
            // What is removed is gone from the answer; all else shows the state. A null may be refused, too.
            let shown = if removes(&operations) { Value::Null } else { json!(state) };
            if answer.status == 200 {
                assert_eq!(answer.json["active"], shown, "{operations}");
            }
            assert_eq!(world.get(&path).await.is(200)["active"], shown, "{operations}");
            assert_eq!(
                world.set(&path, "title", json!("Cook")).await.is(200)["active"],
                state,
                "{operations}"
            );
        }
    }
}

#[tokio::test]
async fn a_false_stands_whatever_is_taken_away_after_it() {
    for last in without_a_value().into_iter().take(6) {
        let world = World::new();
        let id = world.member("ada@x.org").await;
        let path = format!("/Users/{id}");
        let mut operations = json!([{"op": "replace", "path": "active", "value": false}]);
        operations.as_array_mut().unwrap().extend(last.as_array().unwrap().iter().cloned());
        if world.patch(&path, operations.clone()).await.status == 200 {
            assert_eq!(world.person(&id).await.state, PersonState::Suspended, "{operations}");
            assert_eq!(world.get(&path).await.is(200)["active"], false, "{operations}");
        }
    }
}

#[tokio::test]
async fn the_deleted_do_not_come_back_by_an_active_without_a_value() {
    for operations in without_a_value() {
        let world = World::listed();
        let id = world.member("ada@x.org").await;
        let path = format!("/Users/{id}");
        assert_eq!(world.delete(&path).await.status, 204);
        world.patch(&path, operations.clone()).await;
        assert_eq!(world.person(&id).await.state, PersonState::Suspended, "{operations}");
        assert_ne!(world.get(&path).await.is(200)["active"], true, "{operations}");
        assert_eq!(world.post_user("ada@x.org", "Ada").await.is(201)["id"], id.as_str(), "still reclaimable");
    }
}

/// An administrator has suspended or reactivated somebody since; the view does not know it yet.
#[tokio::test]
async fn what_says_nothing_about_active_leaves_an_administrators_decision_alone() {
    for suspended in [true, false] {
        let world = World::new();
        let id = world.member("ada@x.org").await;
        let (path, person) = (format!("/Users/{id}"), id.parse().unwrap());
        world.set(&path, "active", json!(suspended)).await.is(200);
        if suspended {
            world.setup.account.suspend(&person).await.unwrap();
        } else {
            world.setup.account.reactivate(&person).await.unwrap();
        }
        let put = world.send("PUT", &path, Some(user("ada@x.org", "Ada L."))).await.is(200);
        assert_eq!(world.person(&id).await.state.is_active_for_scim(), !suspended);
        assert_eq!(put["active"], !suspended, "the answer says what is so");
        let titled = world.set(&path, "title", json!("Cook")).await.is(200);
        assert_eq!(titled["active"], !suspended);
        world.agrees().await;
    }
}

/// Each change that says `active: false` and something else that is refused.
fn leavers(other: &str) -> Vec<(&'static str, Value)> {
    let gone = |mut body: Value| {
        body["active"] = json!(false);
        body
    };
    let set = |value: Value| patch(json!([{"op": "replace", "value": gone(value)}]));
    vec![
        ("PUT", gone(user(other, "ada"))),
        ("PUT", gone(json!({"userName": "ada", "emails": [{"value": other}]}))),
        ("PUT", gone(user("a b@x.org", "ada"))),
        ("PUT", gone(user("ada@x.org", "A\u{7}"))),
        ("PATCH", set(json!({"userName": other}))),
        ("PATCH", set(json!({"displayName": "A\u{7}"}))),
        ("PATCH", set(json!({"userName": "a b@x.org", "displayName": "A\u{2028}"}))),
        (
            "PATCH",
            patch(json!([
                {"op": "replace", "path": "userName", "value": other},
                {"op": "replace", "path": "active", "value": "False"},
            ])),
        ),
    ]
}

#[tokio::test]
async fn a_suspension_happens_whatever_else_is_refused() {
    for (method, body) in leavers("bob@x.org") {
        let mut world = World::new();
        let (id, bob) = (world.member("ada@x.org").await, world.member("bob@x.org").await);
        let answer = world.send(method, &format!("/Users/{id}"), Some(body.clone())).await;
        let person = world.person(&id).await;
        assert_eq!(person.state, PersonState::Suspended, "{method} {body}: {answer:?}");
        assert_eq!((person.address(), person.name.as_str()), ("ada@x.org", "ada"), "{method} {body}");
        let shown = world.get(&format!("/Users/{id}")).await.is(200);
        assert_eq!(shown["active"], false, "{method} {body}");
        let answer = answer.is(200);
        assert_eq!(answer["active"], false, "{method} {body}");
        assert_eq!(answer["displayName"].as_str().unwrap_or("ada"), "ada", "{method} {body}");
        assert_eq!(world.person(&bob).await.state, PersonState::Active);
        assert_eq!(world.restart().await.passed_over, 0);
    }
}

/// All or nothing (RFC 7644 section 3.5.2): what SCIM itself refuses does nothing, not even the part that is right.
#[tokio::test]
async fn what_scim_refuses_suspends_nobody() {
    let world = World::new();
    let id = world.member("ada@x.org").await;
    let path = format!("/Users/{id}");
    let before = world.get(&path).await.is(200).clone();
    let off = json!({"op": "replace", "path": "active", "value": false});
    let email = |primary: bool, value: &str| json!({"value": value, "primary": primary});
    for (method, body) in [
        ("PATCH", patch(json!([off, {"op": "replace", "path": "urn:example:none:thing", "value": 1}]))),
        ("PATCH", patch(json!([off, {"op": "add", "path": "title"}]))),
        ("PATCH", patch(json!([off, {"op": "replace", "path": "groups", "value": []}]))),
        ("PATCH", patch(json!([off, {"op": "replace", "path": "userName", "value": ""}]))),
        ("PATCH", patch(json!([off, {"op": "remove", "path": "userName"}]))),
        (
            "PATCH",
            patch(
                json!([off, {"op": "replace", "path": "phoneNumbers[value co \"9\"].value", "value": "1"}]),
            ),
        ),
        ("PUT", json!({"active": false})),
        (
            "PUT",
            json!({"userName": "ada@x.org", "active": false, "emails": [email(true, "a@x"), email(true, "b@x")]}),
        ),
    ] {
        let answer = world.send(method, &path, Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{method} {body}: {answer:?}");
        assert_eq!(world.person(&id).await.state, PersonState::Active, "{method} {body}");
        assert_eq!(world.get(&path).await.is(200), before, "{method} {body}");
    }
}

/// An owner keeps name and address, and goes.
#[tokio::test]
async fn an_owner_who_leaves_is_suspended_whatever_else_is_said() {
    for (method, body) in leavers("new@x.org") {
        let world = World::new();
        let id = world.member("ada@x.org").await;
        world.setup.make_owner(&id);
        world.send(method, &format!("/Users/{id}"), Some(body.clone())).await.is(200);
        let person = world.person(&id).await;
        assert_eq!((person.address(), person.name.as_str()), ("ada@x.org", "ada"), "{method} {body}");
        assert_eq!(person.state, PersonState::Suspended, "{method} {body}");
    }
}

/// The address came from `emails`, which the identity provider does not repeat.
#[tokio::test]
async fn a_suspension_does_not_depend_on_the_address() {
    for domain in [None, Some("example.org")] {
        let mut settings = Settings::default();
        settings.email_domain = domain.map(str::to_owned);
        let mut world = World::with(settings);
        let body = json!({"userName": "jm", "displayName": "JM", "emails": [{"value": "j.m@x.org"}]});
        let made = world.send("POST", "/Users", Some(body)).await.is(201);
        let id = made["id"].as_str().unwrap();
        let path = format!("/Users/{id}");
        for (active, name) in [(json!(false), "JM"), (json!(true), "JM"), (Value::Null, "J. M.")] {
            let mut body = json!({"userName": "jm", "displayName": name, "active": active});
            if active.is_null() {
                body.as_object_mut().unwrap().remove("active");
            }
            let put = world.send("PUT", &path, Some(body)).await.is(200);
            let person = world.person(id).await;
            assert_eq!((person.address(), person.name.as_str()), ("j.m@x.org", name), "{domain:?}");
            assert_eq!(put["active"], person.state.is_active_for_scim());
            assert_eq!(put["emails"][0]["value"], "j.m@x.org", "the account is the truth for the address");
        }
        let removed = world.patch(&path, json!([{"op": "remove", "path": "emails"}])).await.is(200);
        assert_eq!((&removed["userName"], &removed["emails"]), (&json!("jm"), &Value::Null));
        assert_eq!(world.person(id).await.address(), "j.m@x.org");
        assert_eq!(world.restart().await.users_changed, 1);
        assert_eq!(world.get(&path).await.is(200)["emails"][0]["value"], "j.m@x.org");
    }
}

/// The entry that the bridge shows while the identity provider gives no address loses to the next one that is given.
#[tokio::test]
async fn an_address_that_was_shown_meanwhile_does_not_stay() {
    let work =
        |value: &str| json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": value}]);
    let removal = json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]);
    for domain in [None, Some("example.org")] {
        for (between, put, restart) in [
            (Some(work("nope")), false, false),
            (Some(removal.clone()), false, false),
            (Some(removal.clone()), false, true),
            (None, true, false),
        ] {
            let mut settings = Settings::default();
            settings.email_domain = domain.map(str::to_owned);
            let mut world = World::with(settings);
            let emails = json!([{"value": "e1@x.org", "type": "work"}]);
            let body = json!({"userName": "e1", "displayName": "E", "emails": emails});
            let made = world.send("POST", "/Users", Some(body)).await.is(201);
            let id = made["id"].as_str().unwrap().to_owned();
            let path = format!("/Users/{id}");
            if let Some(operations) = &between {
                world.patch(&path, operations.clone()).await.is(200);
            }
            if put {
                let body = json!({"userName": "e1", "displayName": "E"});
                world.send("PUT", &path, Some(body)).await.is(200);
            }
            if restart {
                world.restart().await;
            }
            assert_eq!(world.person(&id).await.address(), "e1@x.org", "{between:?}");
            let changed = world.patch(&path, work("e1new@x.org")).await.is(200);
            assert_eq!(world.person(&id).await.address(), "e1new@x.org", "{between:?} {put} {restart}");
            let shown: Vec<_> =
                changed["emails"].as_array().unwrap().iter().map(|e| e["value"].clone()).collect();
            assert_eq!(shown, ["e1new@x.org"], "{changed}");
            assert_eq!(world.restart().await, Default::default());
        }
    }
}

/// Who is looked for after a suspension is found under the name that they had.
#[tokio::test]
async fn a_user_name_that_no_account_takes_does_not_stand_in_for_the_one_there_was() {
    for user_name in ["a b@x.org", "bob@x.org", "e\u{fe0f}@x.org"] {
        let world = World::new();
        world.member("bob@x.org").await;
        let body =
            json!({"userName": "e9", "displayName": "E", "emails": [{"value": "e9@x.org", "type": "work"}]});
        let made = world.send("POST", "/Users", Some(body)).await.is(201);
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let operations = json!([
            {"op": "replace", "path": "active", "value": false},
            {"op": "replace", "path": "userName", "value": user_name},
        ]);
        let answer = world.patch(&path, operations).await;
        if answer.status != 200 {
            // SCIM itself may refuse it: then nothing has happened.
            assert_eq!(world.get(&path).await.is(200)["active"], true, "{user_name}");
            continue;
        }
        assert_eq!(
            (&answer.json["userName"], &answer.json["active"]),
            (&json!("e9"), &json!(false)),
            "{user_name}"
        );
        assert_eq!(answer.json["emails"], made["emails"], "{user_name}");
    }
}

#[tokio::test]
async fn a_completed_address_follows_the_user_name() {
    let mut settings = Settings::default();
    settings.email_domain = Some("example.org".to_owned());
    let world = World::with(settings);
    let made = world.send("POST", "/Users", Some(json!({"userName": "jm"}))).await.is(201);
    let id = made["id"].as_str().unwrap();
    world.set(&format!("/Users/{id}"), "userName", json!("jn")).await.is(200);
    assert_eq!(world.person(id).await.address(), "jn@example.org");
}

/// The bridge cannot finish what it was asked: the identity provider is told, and the leaver stays out.
#[tokio::test]
async fn a_failure_after_a_suspension_does_not_bring_anybody_back() {
    let body = patch(json!([{"op": "replace", "value": {"displayName": "New", "active": false}}]));
    let mut world = World::new();
    let id = world.member("ada@x.org").await;
    let path = format!("/Users/{id}");
    world.account.script.once("rename", 0, Fault::Refuse(away()));
    assert_eq!(world.send("PATCH", &path, Some(body.clone())).await.status, 503);
    assert_eq!(world.person(&id).await.state, PersonState::Suspended);
    world.agrees().await;
    world.set(&path, "active", json!(true)).await.is(200);

    world.store.script.plan(|call| ["apply", "replace"].contains(&call).then(|| Fault::Refuse(broken())));
    assert_eq!(world.send("PATCH", &path, Some(body)).await.status, 503);
    assert_eq!(world.person(&id).await.state, PersonState::Suspended);
    assert_eq!(world.person(&id).await.name, "ada", "the rest is taken back");
    world.restart().await;
    world.agrees().await;
}
