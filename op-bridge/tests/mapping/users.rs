//! People: invite, adopt, rename, change address, suspend, reactivate, delete.

use op_bridge::account::{Account, NewPerson, PersonState};
use op_bridge::mapping::Settings;
use serde_json::{Value, json};

use crate::world::{World, ids, user};

#[tokio::test]
async fn a_post_invites_and_reads_back_what_was_sent() {
    let world = World::new();
    let made = world.post_user("ada@example.com", "Ada Lovelace").await.is(201);
    let person = world.person(made["id"].as_str().unwrap()).await;
    assert_eq!((person.email.as_str(), person.name.as_str()), ("ada@example.com", "Ada Lovelace"));
    assert_eq!(person.state, PersonState::TransferStarted);
    assert_eq!(made["active"], true, "somebody who is invited is active for SCIM");
    world.agrees().await;

    let body = json!({"userName": "bob@example.com", "displayName": "Bob", "active": false,
        "preferredLanguage": "fr-CA, en;q=0.5", "title": "Cook", "externalId": "b-1"});
    let bob = world.send("POST", "/Users", Some(body)).await.is(201);
    assert_eq!(
        (&bob["title"], &bob["externalId"], &bob["active"]),
        (&json!("Cook"), &json!("b-1"), &json!(false))
    );
    let person = world.by_email("bob@example.com").await.unwrap();
    assert_eq!((person.state, person.language.as_str()), (PersonState::TransferSuspended, "fr-CA"));
    world.agrees().await;
}

#[tokio::test]
async fn somebody_the_owner_invited_is_adopted_once() {
    let world = World::new();
    let ada = world.setup.account.invite(NewPerson::new("ada@example.com", "Ada L.")).await.unwrap();
    assert_eq!(world.found("/Users", "userName eq \"ada@example.com\"").await, 0, "not managed yet");
    let made = world.post_user("Ada@Example.com", "Ada Lovelace").await.is(201);
    assert_eq!(made["id"], ada.id.as_str());
    assert_eq!(world.person(ada.id.as_str()).await.name, "Ada Lovelace");
    world.post_user("ada@example.com", "X").await.refuses(409, "uniqueness", "ada@example.com");
    assert_eq!(world.setup.account.people().await.unwrap().len(), 2, "the owner and Ada");
    world.agrees().await;
}

#[tokio::test]
async fn adopting_without_a_name_keeps_the_name_that_the_account_has() {
    let world = World::new();
    let ada = world.setup.account.invite(NewPerson::new("ada@example.com", "Ada Lovelace")).await.unwrap();
    world.send("POST", "/Users", Some(json!({"userName": "ada@example.com"}))).await.is(201);
    assert_eq!(world.person(ada.id.as_str()).await.name, "Ada Lovelace");

    let made = world.send("POST", "/Users", Some(json!({"userName": "b.ob@example.com"}))).await.is(201);
    assert_eq!(world.person(made["id"].as_str().unwrap()).await.name, "b.ob", "a new person needs some name");
}

#[tokio::test]
async fn a_duplicate_post_touches_nobody() {
    let world = World::new();
    let id = world.user("ada@example.com").await;
    world.set(&format!("/Users/{id}"), "active", json!(false)).await.is(200);
    let before = (world.account_state().await, world.view().await);
    world.post_user("ADA@example.com", "Other").await.refuses(409, "uniqueness", "ADA@example.com");
    // The same address under another user name.
    let body = json!({"userName": "ada", "emails": [{"value": "ada@example.com"}]});
    world.send("POST", "/Users", Some(body)).await.refuses(409, "uniqueness", "`ada@example.com`");
    assert_eq!((world.account_state().await, world.view().await), before);
}

#[tokio::test]
async fn the_same_user_name_with_another_address_invites_nobody() {
    let world = World::new();
    let body =
        |email: &str| Some(json!({"userName": "ada", "displayName": "A", "emails": [{"value": email}]}));
    world.send("POST", "/Users", body("ada@example.com")).await.is(201);
    world.send("POST", "/Users", body("new@example.com")).await.refuses(409, "uniqueness", "`ada`");
    assert!(world.by_email("new@example.com").await.is_none());
}

#[tokio::test]
async fn a_delete_suspends_and_hides_and_a_post_brings_back() {
    let world = World::new();
    let id = world.member("ada@example.com").await;
    let group = world.group("Engineering", &[&id]).await;
    let path = format!("/Users/{id}");
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.person(&id).await.state, PersonState::Suspended);
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.delete(&path).await.status, 404);
    assert_eq!(world.set(&path, "active", json!(true)).await.status, 404);
    assert_eq!(world.found("/Users", "userName eq \"ada@example.com\"").await, 0);
    assert_eq!(world.get("/Users").await.is(200)["totalResults"], 0);
    assert!(world.members(&group).await.is_empty(), "groups are left");
    world.agrees().await;

    let again = world.post_user("ada@example.com", "Ada L.").await.is(201);
    assert_eq!(again["id"], id.as_str());
    let person = world.person(&id).await;
    assert_eq!((person.state, person.name.as_str()), (PersonState::Active, "Ada L."));
    assert_eq!(again.get("groups"), None, "access is granted anew");
    world.agrees().await;
}

#[tokio::test]
async fn an_adopted_person_shows_the_memberships_that_the_account_has() {
    let world = World::new();
    let (first, second) = (world.group("First", &[]).await, world.group("Second", &[]).await);
    let ada = world.setup.account.invite(NewPerson::new("ada@example.com", "Ada")).await.unwrap();
    world.setup.account.grant(&second.parse().unwrap(), &ada.id).await.unwrap();
    let made = world.post_user("ada@example.com", "Ada").await.is(201);
    assert_eq!(ids(&made["groups"], "value"), [second.clone()].into());
    assert!(world.members(&first).await.is_empty());
    assert_eq!(world.members(&second).await, [ada.id.to_string()].into());
}

#[tokio::test]
async fn listed_mode_keeps_the_deleted_until_they_are_reclaimed() {
    let world = World::listed();
    for reclaim in ["POST", "PATCH"] {
        let email = format!("{}@example.com", reclaim.to_lowercase());
        let id = world.member(&email).await;
        let path = format!("/Users/{id}");
        assert_eq!(world.delete(&path).await.status, 204);
        assert_eq!(world.delete(&path).await.status, 204, "it may be repeated");
        assert_eq!(world.person(&id).await.state, PersonState::Suspended);
        assert_eq!(world.get(&path).await.is(200)["active"], false);
        assert_eq!(world.found("/Users", &format!("userName eq \"{email}\"")).await, 1);
        world.agrees().await;
        world.set(&path, "title", json!("Cook")).await.is(200);

        if reclaim == "POST" {
            let again = world.post_user(&email, "Back").await.is(201);
            assert_eq!((again["id"].as_str(), &again["active"]), (Some(id.as_str()), &json!(true)));
            assert_eq!(again.get("title"), None, "what was sent now counts");
        } else {
            assert_eq!(world.set(&path, "active", json!(true)).await.is(200)["active"], true);
        }
        assert_eq!(world.person(&id).await.state, PersonState::Active);
        world.post_user(&email, "X").await.refuses(409, "uniqueness", &email);
        world.agrees().await;
    }
}

#[tokio::test]
async fn a_listed_deleted_user_is_reclaimed_with_a_new_address() {
    let world = World::listed();
    let body =
        |email: &str| Some(json!({"userName": "ada", "displayName": "Ada", "emails": [{"value": email}]}));
    let made = world.send("POST", "/Users", body("ada@example.com")).await.is(201);
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    assert_eq!(world.delete(&path).await.status, 204);
    let again = world.send("POST", "/Users", body("ada@new.example.com")).await.is(201);
    assert_eq!(again["id"], made["id"]);
    let people = world.setup.account.people().await.unwrap();
    assert_eq!(people.iter().filter(|p| p.email.starts_with("ada")).count(), 1);
    assert_eq!(people.last().unwrap().email, "ada@new.example.com");
}

#[tokio::test]
async fn a_second_deleted_user_of_the_same_name_is_reclaimable_too() {
    let world = World::listed();
    let first = world.user("a@example.com").await;
    assert_eq!(world.delete(&format!("/Users/{first}")).await.status, 204);
    world.set(&format!("/Users/{first}"), "userName", json!("b@example.com")).await.is(200);
    let second = world.user("a@example.com").await;
    assert_ne!(first, second);
    assert_eq!(world.delete(&format!("/Users/{second}")).await.status, 204);
    for (email, id) in [("a@example.com", second), ("b@example.com", first)] {
        assert_eq!(world.post_user(email, "X").await.is(201)["id"], id.as_str(), "{email}");
    }
    world.agrees().await;
}

#[tokio::test]
async fn active_suspends_and_reactivates() {
    let world = World::new();
    let id = world.member("ada@example.com").await;
    let group = world.group("Engineering", &[&id]).await;
    let path = format!("/Users/{id}");
    for (active, state) in [(false, PersonState::Suspended), (true, PersonState::Active)] {
        for value in [json!(active), json!(if active { "True" } else { "False" })] {
            assert_eq!(world.set(&path, "active", value).await.is(200)["active"], active);
            assert_eq!(world.person(&id).await.state, state);
            assert_eq!(world.found("/Users", &format!("active eq {active}")).await, 1);
            assert_eq!(world.members(&group).await.len(), 1, "memberships stay");
        }
    }
    world.agrees().await;
}

#[tokio::test]
async fn names_follow_the_most_explicit_attribute() {
    let world = World::new();
    let id = world.user("ada@example.com").await;
    let path = format!("/Users/{id}");
    world.set(&path, "displayName", json!("Ada Lovelace")).await.is(200);
    assert_eq!(world.person(&id).await.name, "Ada Lovelace");
    let body = json!({"userName": "ada@example.com", "name": {"givenName": "Ada", "familyName": "Byron"}});
    world.send("PUT", &path, Some(body)).await.is(200);
    assert_eq!(world.person(&id).await.name, "Ada Byron");
    world.set(&path, "name.familyName", json!("King")).await.is(200);
    assert_eq!(world.person(&id).await.name, "Ada King");
    let body = user("ada@example.com", "Countess");
    world.send("PUT", &path, Some(body)).await.is(200);
    assert_eq!(world.person(&id).await.name, "Countess");
    let nameless = json!({"userName": "ada@example.com"});
    world.send("PUT", &path, Some(nameless)).await.is(200);
    assert_eq!(world.person(&id).await.name, "Countess", "nobody asked for another name");
}

#[tokio::test]
async fn a_new_address_waits_for_somebody_who_has_accepted() {
    let world = World::new();
    let id = world.member("ada@example.com").await;
    let path = format!("/Users/{id}");
    let shown = world.set(&path, "userName", json!("ada@new.example.com")).await.is(200);
    assert_eq!(shown["userName"], "ada@new.example.com", "the view is what was asked for");
    let person = world.person(&id).await;
    assert_eq!(person.email, "ada@example.com");
    assert_eq!(person.pending_email.as_deref(), Some("ada@new.example.com"));
    assert_eq!(world.found("/Users", "userName eq \"ada@example.com\"").await, 0);
    assert_eq!(world.found("/Users", "userName eq \"ada@new.example.com\"").await, 1);
    let before = world.account_state().await;
    world.post_user("ada@example.com", "Z").await.refuses(
        409,
        "uniqueness",
        "has yet to accept their new one",
    );
    world.post_user("ada@new.example.com", "Z").await.refuses(409, "uniqueness", "ada@new.example.com");
    assert_eq!(world.account_state().await, before);
    world.agrees().await;

    // Back again: the request is taken back.
    world.set(&path, "userName", json!("ada@example.com")).await.is(200);
    assert_eq!(world.person(&id).await.pending_email, None);
    world.set(&path, "userName", json!("ada@third.example.com")).await.is(200);
    world.setup.account.accept("ada@third.example.com").await.unwrap();
    let person = world.person(&id).await;
    assert_eq!((person.email.as_str(), person.pending_email), ("ada@third.example.com", None));
    world.post_user("ada@example.com", "Somebody new").await.is(201);
    world.agrees().await;
}

#[tokio::test]
async fn an_address_that_was_not_accepted_is_somebody_elses_after_a_delete() {
    for world in [World::new(), World::listed()] {
        let leaver = world.member("alice@example.com").await;
        let path = format!("/Users/{leaver}");
        world.set(&path, "userName", json!("bob@example.com")).await.is(200);
        assert_eq!(world.delete(&path).await.status, 204);
        assert_eq!(world.person(&leaver).await.pending_email, None, "the request is taken back");
        let bob = world.user("bob@example.com").await;
        assert_ne!(bob, leaver);
        let left = world.person(&leaver).await;
        assert!(!left.state.is_active_for_scim(), "{left:?}");
        assert_eq!(left.email, "alice@example.com");
        assert_eq!(world.person(&bob).await.email, "bob@example.com");
        world.agrees().await;
    }
}

#[tokio::test]
async fn who_was_suspended_in_the_account_is_not_who_gets_their_next_address() {
    let world = World::new();
    let account = &world.setup.account;
    let leaver = account.invite(NewPerson::new("alice@example.com", "Alice")).await.unwrap().id;
    account.accept("alice@example.com").await.unwrap();
    account.change_email(&leaver, "bob@example.com").await.unwrap();
    account.suspend(&leaver).await.unwrap();
    let bob = world.user("bob@example.com").await;
    assert_ne!(bob, leaver.to_string());
    assert!(!world.person(leaver.as_str()).await.state.is_active_for_scim());
    world.agrees().await;
}

#[tokio::test]
async fn an_invitation_goes_to_the_new_address_at_once() {
    let world = World::new();
    let id = world.user("ada@example.com").await;
    let body = user("ada@new.example.com", "Ada");
    world.send("PUT", &format!("/Users/{id}"), Some(body)).await.is(200);
    let person = world.person(&id).await;
    assert_eq!((person.email.as_str(), person.pending_email), ("ada@new.example.com", None));
    world.post_user("ada@example.com", "Another").await.is(201);
    world.agrees().await;
}

#[tokio::test]
async fn an_address_comes_from_emails_or_the_domain_where_the_user_name_is_none() {
    let world = World::new();
    let refused = world.post_user("ada", "Ada").await;
    // `user` gives the user name as the e-mail address as well.
    refused.refuses(400, "invalidValue", "`ada` is no e-mail address");
    let body = json!({"userName": "ada", "displayName": "Ada",
        "emails": [{"value": "x@example.com"}, {"value": "ada@example.com", "primary": true}]});
    let made = world.send("POST", "/Users", Some(body)).await.is(201);
    assert_eq!(made["userName"], "ada");
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.person(id).await.email, "ada@example.com");
    let change =
        json!([{"op": "replace", "path": "emails[primary eq true].value", "value": "new@example.com"}]);
    world.patch(&format!("/Users/{id}"), change).await.is(200);
    assert_eq!(world.person(id).await.email, "new@example.com");

    let mut settings = Settings::default();
    settings.email_domain = Some("example.org".to_owned());
    let world = World::with(settings);
    world.send("POST", "/Users", Some(json!({"userName": "bob", "displayName": "Bob"}))).await.is(201);
    assert!(world.by_email("bob@example.org").await.is_some());
}

#[tokio::test]
async fn what_concerns_the_bridge_only_does_not_trouble_the_account() {
    let world = World::new();
    let id = world.user("ada@example.com").await;
    let path = format!("/Users/{id}");
    world.account.script.take_calls();
    world.set(&path, "title", json!("Cook")).await.is(200);
    world.set(&path, "externalId", json!("42")).await.is(200);
    world.set(&path, "displayName", json!("ada")).await.is(200);
    world.set(&path, "active", json!(true)).await.is(200);
    assert_eq!(world.account.script.take_calls(), Vec::<&str>::new());
}

/// An administrator has renamed and suspended somebody since: a change of the title says nothing about that.
#[tokio::test]
async fn a_change_of_the_title_leaves_an_administrators_work_alone() {
    let world = World::new();
    let id = world.member("ada@example.com").await;
    let person = id.parse().unwrap();
    world.setup.account.rename(&person, "Ada, Countess of Lovelace").await.unwrap();
    world.setup.account.suspend(&person).await.unwrap();
    world.set(&format!("/Users/{id}"), "title", json!("Countess")).await.is(200);
    let now = world.person(&id).await;
    assert_eq!((now.name.as_str(), now.state), ("Ada, Countess of Lovelace", PersonState::Suspended));
    // Asked in so many words, it is done, although the view has said so all the time.
    world.set(&format!("/Users/{id}"), "active", json!(true)).await.is(200);
    assert_eq!(world.person(&id).await.state, PersonState::Active);
}

#[tokio::test]
async fn a_stale_version_touches_nothing() {
    let world = World::new();
    let id = world.member("ada@example.com").await;
    let path = format!("/Users/{id}");
    let stale = world.get(&path).await.etag.unwrap();
    world.set(&path, "title", json!("Cook")).await.is(200);
    let before = (world.account_state().await, world.view().await);
    let change = crate::world::patch(json!([{"op": "replace", "path": "active", "value": false}]));
    for (method, body) in
        [("PATCH", Some(change)), ("PUT", Some(user("new@example.com", "N"))), ("DELETE", None::<Value>)]
    {
        assert_eq!(world.send_if(method, &path, body, Some(&stale)).await.status, 412, "{method}");
    }
    assert_eq!((world.account_state().await, world.view().await), before);
}

#[tokio::test]
async fn somebody_whom_the_account_no_longer_has_is_gone_here_too() {
    let world = World::new();
    let id = world.user("ada@example.com").await;
    world.setup.remove_person(&id);
    let path = format!("/Users/{id}");
    assert_eq!(world.set(&path, "active", json!(false)).await.status, 404);
    assert_eq!(world.get(&path).await.status, 404);
    let again = world.post_user("ada@example.com", "Ada").await.is(201);
    assert_ne!(again["id"], id.as_str());
    world.agrees().await;

    let id = again["id"].as_str().unwrap();
    world.setup.remove_person(id);
    assert_eq!(world.delete(&format!("/Users/{id}")).await.status, 204, "they are gone, as was asked");
    world.agrees().await;
}

/// Whoever is not seen may hold an address all the same; the answer says so, and how to get at them.
#[tokio::test]
async fn an_address_of_somebody_who_is_not_seen_says_who_has_it() {
    let world = World::new();
    let ada = world.user("ada@x.org").await;
    let bob = world.user("bob@x.org").await;
    world.user("cleo@x.org").await;
    world.setup.account.invite(NewPerson::new("dan@x.org", "Dan")).await.unwrap();
    world.delete(&format!("/Users/{ada}")).await.is(204);
    assert_eq!(world.found("/Users", "userName eq \"ada@x.org\"").await, 0);
    let path = format!("/Users/{bob}");
    for (email, detail) in [
        (
            "ada@x.org",
            "`ada@x.org` belongs to a person in the account whom the identity provider does not manage and who is suspended: create a user",
        ),
        (
            "dan@x.org",
            "`dan@x.org` belongs to a person in the account whom the identity provider does not manage: create a user",
        ),
    ] {
        world.set(&path, "userName", json!(email)).await.refuses(409, "uniqueness", detail);
        let put = user(email, "Bob");
        world.send("PUT", &path, Some(put)).await.refuses(409, "uniqueness", detail);
    }
    world.set(&path, "userName", json!("cleo@x.org")).await.refuses(409, "uniqueness", "cleo@x.org");
    world.agrees().await;
    let again = world.post_user("ada@x.org", "Ada").await.is(201);
    assert_eq!(again["id"], ada.as_str(), "as the answer said");
    world.agrees().await;
}
