//! After a start: what an administrator has done, and what was lost.

use op_bridge::account::{Account, NewPerson};
use op_bridge::config::{DeletedUsers, ManagedGroups};
use op_bridge::mapping::Reconciled;
use serde_json::json;

use crate::world::{World, ids, user};

#[tokio::test]
async fn nothing_changes_where_view_and_account_agree() {
    let mut world = World::new();
    let ada = world.member("ada@x.org").await;
    let body = json!({"userName": "bob", "emails": [{"value": "bob@x.org"}]});
    world.send("POST", "/Users", Some(body)).await.is(201);
    let body = json!({"userName": "carl@x.org", "name": {"givenName": "Carl", "familyName": "C"}});
    world.send("POST", "/Users", Some(body)).await.is(201);
    world.set(&format!("/Users/{ada}"), "userName", json!("ada@new.org")).await.is(200);
    world.group("G", &[&ada]).await;
    let before = world.view().await;
    assert_eq!(world.restart().await, Reconciled::default());
    assert_eq!(world.view().await, before);
}

#[tokio::test]
async fn an_administrators_work_is_followed() {
    let mut world = World::new();
    let ada = world.member("ada@x.org").await;
    let bob = world.member("bob@x.org").await;
    let id = world.group("G", &[&ada]).await;
    let account = &world.setup.account;
    account.rename(&ada.parse().unwrap(), "Ada, Countess").await.unwrap();
    account.change_email(&ada.parse().unwrap(), "countess@x.org").await.unwrap();
    account.suspend(&bob.parse().unwrap()).await.unwrap();
    account.grant(&id.parse().unwrap(), &bob.parse().unwrap()).await.unwrap();
    account.rename_group(&id.parse().unwrap(), "Gee").await.unwrap();
    let done = world.restart().await;
    assert_eq!((done.users_changed, done.groups_changed), (2, 1));
    world.agrees().await;
    let shown = world.get(&format!("/Users/{ada}")).await.is(200);
    assert_eq!(shown["emails"][0]["value"], "countess@x.org", "the same address everywhere");
    assert_eq!(shown["emails"][0]["type"], "work");
    assert_eq!(world.restart().await, Reconciled::default());
}

/// What an identity provider calls somebody is not the account's to change, where it is no address.
#[tokio::test]
async fn user_names_that_are_no_addresses_stay() {
    let mut world = World::new();
    let body = json!({"userName": "ada", "displayName": "Ada", "emails": [{"value": "ada@x.org"}]});
    let made = world.send("POST", "/Users", Some(body)).await.is(201);
    let id = made["id"].as_str().unwrap();
    world.setup.account.change_email(&id.parse().unwrap(), "new@x.org").await.unwrap();
    assert_eq!(world.restart().await.users_changed, 1);
    let shown = world.get(&format!("/Users/{id}")).await.is(200);
    assert_eq!(
        (shown["userName"].as_str(), shown["emails"][0]["value"].as_str()),
        (Some("ada"), Some("new@x.org"))
    );
    assert_eq!(world.restart().await, Reconciled::default());
}

#[tokio::test]
async fn a_rename_in_the_account_does_not_silence_the_parts_of_a_name() {
    let mut world = World::new();
    let body = json!({"userName": "ada@x.org", "name": {"givenName": "Ada", "familyName": "Byron"}});
    let made = world.send("POST", "/Users", Some(body)).await.is(201);
    let id = made["id"].as_str().unwrap();
    world.setup.account.rename(&id.parse().unwrap(), "Augusta Ada King").await.unwrap();
    assert_eq!(world.restart().await.users_changed, 1);
    let shown = world.get(&format!("/Users/{id}")).await.is(200);
    assert_eq!(shown["name"], json!({"givenName": "Augusta", "familyName": "Ada King"}));
    world.set(&format!("/Users/{id}"), "name.familyName", json!("Lovelace")).await.is(200);
    assert_eq!(world.person(id).await.name, "Augusta Lovelace");
}

#[tokio::test]
async fn addresses_that_were_exchanged_are_followed() {
    let mut world = World::new();
    let (ada, bob) = (world.user("ada@x.org").await, world.user("bob@x.org").await);
    let gone = world.user("gone@x.org").await;
    for (id, email) in [(&ada, "c@x.org"), (&bob, "ada@x.org"), (&ada, "bob@x.org")] {
        world.setup.account.change_email(&id.parse().unwrap(), email).await.unwrap();
    }
    // A third one's address is free again, and somebody new has it.
    world.setup.remove_person(&gone);
    let newer = world.setup.account.provision(NewPerson::new("gone@x.org", "Newer")).await.unwrap().person;
    let done = world.restart().await;
    assert_eq!((done.users_changed, done.users_removed, done.users_recovered), (2, 1, 1));
    world.agrees().await;
    assert_eq!(world.get(&format!("/Users/{}", newer.id)).await.is(200)["displayName"], "Newer");
    assert_eq!(world.restart().await, Reconciled::default());
}

#[tokio::test]
async fn a_lost_store_is_rebuilt_and_the_next_sync_takes_everybody_over() {
    let mut world = World::new();
    let (ada, bob) = (world.member("ada@x.org").await, world.user("bob@x.org").await);
    let gone = world.member("gone@x.org").await;
    let id = world.group("G", &[&ada, &bob]).await;
    assert_eq!(world.delete(&format!("/Users/{gone}")).await.status, 204);
    let done = world.lose_store().await;
    assert_eq!((done.users_recovered, done.groups_recovered), (2, 1));
    world.agrees().await;
    assert_eq!(world.get(&format!("/Users/{gone}")).await.status, 404, "the deleted stay deleted");
    for (email, expected) in [("ada@x.org", &ada), ("bob@x.org", &bob), ("gone@x.org", &gone)] {
        let made = world.post_user(email, email.split('@').next().unwrap()).await.is(201);
        assert_eq!(made["id"], expected.as_str());
        world.post_user(email, "X").await.refuses(409, "uniqueness", email);
    }
    let again = world.group("G", &[&bob]).await;
    assert_eq!(again, id);
    assert_eq!(world.members(&id).await, [bob].into());
    world.agrees().await;
}

#[tokio::test]
async fn a_recovered_user_becomes_the_identity_providers_with_its_first_change() {
    let mut world = World::new();
    let ada = world.user("ada@x.org").await;
    world.lose_store().await;
    world.set(&format!("/Users/{ada}"), "title", json!("Cook")).await.is(200);
    world.post_user("ada@x.org", "Ada").await.refuses(409, "uniqueness", "ada@x.org");
}

#[tokio::test]
async fn the_deleted_are_listed_or_hidden_as_the_setting_says_now() {
    let mut world = World::listed();
    let (ada, bob) = (world.member("ada@x.org").await, world.member("bob@x.org").await);
    assert_eq!(world.delete(&format!("/Users/{ada}")).await.status, 204);
    world.set(&format!("/Users/{bob}"), "active", json!(false)).await.is(200);
    assert_eq!(world.restart().await, Reconciled::default());
    assert_eq!(world.get("/Users").await.is(200)["totalResults"], 2);
    world.settings.deleted_users = DeletedUsers::Hidden;
    assert_eq!(world.restart().await.users_removed, 1);
    let left = world.get("/Users").await.is(200);
    assert_eq!(ids(&left["Resources"], "id"), [bob].into(), "suspended, not deleted");
    assert_eq!(world.post_user("ada@x.org", "Ada").await.is(201)["id"], ada.as_str());
}

#[tokio::test]
async fn selected_groups_are_shown_with_the_members_that_are_visible() {
    let mut world = World::new();
    let ada = world.member("ada@x.org").await;
    let account = world.setup.account.clone();
    let guest = account.invite(NewPerson::new("guest@x.org", "Guest")).await.unwrap();
    let group = account.create_group("Finance").await.unwrap().group.id;
    account.grant(&group, &ada.parse().unwrap()).await.unwrap();
    account.grant(&group, &guest.id).await.unwrap();
    account.set_managed(&group, false).await.unwrap();
    assert_eq!(world.restart().await, Reconciled::default());
    assert_eq!(world.get(&format!("/Groups/{group}")).await.status, 404);

    let selected: ManagedGroups = selection("finance, Owners, nonsense");
    world.bridge.select_groups(&selected).await.unwrap();
    let shown = world.get(&format!("/Groups/{group}")).await.is(200);
    assert_eq!(ids(&shown["members"], "value"), [ada.clone()].into());
    assert_eq!(world.get("/Groups").await.is(200)["totalResults"], 1, "Owners cannot be selected");
    world.bridge.select_groups(&selected).await.unwrap();
    world.agrees().await;
    assert_eq!(world.restart().await, Reconciled::default());

    account.set_managed(&group, false).await.unwrap();
    assert_eq!(world.restart().await.groups_removed, 1);
    assert_eq!(world.get(&format!("/Users/{ada}")).await.is(200).get("groups"), None);
}

fn selection(text: &str) -> ManagedGroups {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        config: op_bridge::config::Config,
    }
    let cli: Cli = clap::Parser::parse_from(["bridge", "--bridge-managed-groups", text]);
    cli.config.bridge_managed_groups
}

#[tokio::test]
async fn somebody_reactivated_by_an_administrator_is_seen_again() {
    let mut world = World::new();
    let ada = world.member("ada@x.org").await;
    assert_eq!(world.delete(&format!("/Users/{ada}")).await.status, 204);
    world.setup.account.reactivate(&ada.parse().unwrap()).await.unwrap();
    assert_eq!(world.restart().await.users_recovered, 1);
    world.agrees().await;
    assert_eq!(world.send("POST", "/Users", Some(user("ada@x.org", "A"))).await.is(201)["id"], ada.as_str());
}

/// From the time when the account told addresses apart that the view takes for one.
#[tokio::test]
async fn two_people_with_one_address_keep_nobody_from_being_served() {
    let mut world = World::new();
    let first = world.member("jos\u{e9}@x.org").await;
    let second = world.member("other@x.org").await;
    let ada = world.member("ada@x.org").await;
    world.setup.overwrite_address("other@x.org", "jose\u{301}@x.org");
    for lost in [false, true, false] {
        let done = if lost { world.lose_store().await } else { world.restart().await };
        assert_eq!(done.passed_over, 1, "{done:?}");
        assert_eq!(world.get("/Users").await.is(200)["totalResults"], 3);
        for id in [&first, &second, &ada] {
            world.set(&format!("/Users/{id}"), "active", json!(false)).await.is(200);
            assert!(!world.person(id).await.state.is_active_for_scim(), "{id}");
            world.set(&format!("/Users/{id}"), "active", json!(true)).await.is(200);
        }
    }
    // The account opens, too, and gives the address to nobody else.
    world.setup.restart();
    assert_eq!(world.by_email("JOSE\u{301}@x.org").await.unwrap().id.as_str(), first);
}

#[tokio::test]
async fn an_address_is_one_however_it_is_written() {
    let world = World::new();
    let id = world.user("stra\u{df}e@x.org").await;
    for same in ["STRA\u{1e9e}E@x.org", "stra\u{df}e@x.org", "Ｓtraße@x.org"] {
        world.post_user(same, "X").await.refuses(409, "uniqueness", "");
        assert_eq!(world.by_email(same).await.unwrap().id.as_str(), id);
    }
    // RFC 8265 keeps the sharp s apart: this is somebody else.
    world.user("strasse@x.org").await;
    assert_eq!(world.setup.account.people().await.unwrap().len(), 3, "the owner and two more");
}

/// Nobody who can be suspended through the view before the loss of the store keeps access because of it.
#[tokio::test]
async fn whoever_was_managed_is_so_after_the_store_is_lost() {
    let mut world = World::new();
    let account = world.setup.account.clone();
    let (ada, bob) = (world.member("ada@x.org").await, world.member("bob@x.org").await);
    let adopted = account.invite(NewPerson::new("guest@x.org", "Guest")).await.unwrap().id.to_string();
    let stranger = account.invite(NewPerson::new("stranger@x.org", "S")).await.unwrap().id.to_string();
    let gone = account.invite(NewPerson::new("gone@x.org", "Gone")).await.unwrap().id.to_string();
    for email in ["guest@x.org", "gone@x.org"] {
        world.post_user(email, "G").await.is(201);
    }
    assert_eq!(world.delete(&format!("/Users/{gone}")).await.status, 204);
    let id = world.group("G", &[&ada, &bob, &adopted]).await;
    world.set(&format!("/Users/{bob}"), "active", json!(false)).await.is(200);

    let done = world.lose_store().await;
    assert_eq!((done.users_recovered, done.groups_recovered), (3, 1));
    world.agrees().await;
    assert_eq!(world.get(&format!("/Users/{bob}")).await.is(200)["active"], false);
    for nobody in [&stranger, &gone] {
        assert_eq!(world.get(&format!("/Users/{nobody}")).await.status, 404);
    }
    world.set(&format!("/Users/{adopted}"), "active", json!(false)).await.is(200);
    assert!(!world.person(&adopted).await.state.is_active_for_scim());
    let empty = json!({"displayName": "G", "members": []});
    world.send("PUT", &format!("/Groups/{id}"), Some(empty)).await.is(200);
    assert!(world.members(&id).await.is_empty(), "the suspended leave as well");
    assert_eq!(world.delete(&format!("/Users/{adopted}")).await.status, 204);

    let done = world.lose_store().await;
    assert_eq!(done.users_recovered, 2, "whoever was deleted stays so");
    assert_eq!(world.found("/Users", "userName eq \"guest@x.org\"").await, 0);
    assert_eq!(world.post_user("guest@x.org", "Guest").await.is(201)["id"], adopted.as_str());
}

#[tokio::test]
async fn the_listed_deleted_are_not_brought_back_by_a_restart() {
    let mut world = World::listed();
    let ada = world.member("ada@x.org").await;
    assert_eq!(world.delete(&format!("/Users/{ada}")).await.status, 204);
    world.settings.deleted_users = DeletedUsers::Hidden;
    assert_eq!(world.restart().await.users_removed, 1);
    assert_eq!(world.restart().await, Reconciled::default());
    assert_eq!(world.get("/Users").await.is(200)["totalResults"], 0);
}

#[tokio::test]
async fn group_names_that_were_exchanged_are_followed() {
    let mut world = World::new();
    let (one, two) = (world.group("One", &[]).await, world.group("Two", &[]).await);
    for (id, name) in [(&one, "Three"), (&two, "One"), (&one, "Two")] {
        world.setup.account.rename_group(&id.parse().unwrap(), name).await.unwrap();
    }
    let done = world.restart().await;
    assert_eq!((done.groups_changed, done.passed_over), (2, 0));
    world.agrees().await;
    assert_eq!(world.restart().await, Reconciled::default());
}

#[tokio::test]
async fn the_schema_says_that_group_names_are_unique() {
    let world = World::new();
    let path = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group";
    let schema = world.get(path).await.is(200);
    let attributes = schema["attributes"].as_array().unwrap();
    let name = attributes.iter().find(|attribute| attribute["name"] == "displayName").unwrap();
    assert_eq!(name["uniqueness"], "server");
}
