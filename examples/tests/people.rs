//! What an identity provider asked for is what the account shows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::account::{self, Account, Person, State};
use common::http::Client;
use common::replay::{Env, scenarios};
use common::server::{Kind, PATIENCE, Server, text};
use common::{poll, postgres};
use serde::Deserialize;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// What the account holds after a scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    people: Vec<WantedPerson>,
    /// Name to the members' userNames.
    groups: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WantedPerson {
    user_name: String,
    /// The primary e-mail address where it is another one: a bridge may invite at either.
    email: Option<String>,
    name: Option<String>,
    suspended: bool,
}

#[test]
fn after_the_traces_the_account_holds_what_was_asked_for() {
    the_account_holds_what_was_asked_for(Kind::Bridge);
}

#[test]
fn after_the_traces_the_account_beside_a_database_holds_what_was_asked_for() {
    if postgres::is_there() {
        the_account_holds_what_was_asked_for(Kind::BridgePostgres);
    }
}

fn the_account_holds_what_was_asked_for(kind: Kind) {
    let server = Server::start(kind);
    let client = server.client();
    assert_eq!(client.get("/Users?count=0").status, 200, "the token opens the session");
    let before = Account::read(&server.data_dir());
    assert_eq!(before.provisioned().count(), 0, "{:?}", before.people);

    let outcomes: BTreeMap<String, Outcome> =
        serde_json::from_str(include_str!("data/idp-outcomes.json")).unwrap();
    let mut everybody = ids(&before.people);
    let mut wanted_people = Vec::new();
    let mut wanted_groups = BTreeMap::new();
    for (n, scenario) in scenarios().iter().enumerate() {
        let run = format!("r{n}x");
        scenario
            .replay(&mut client.clone(), server.token(), &run)
            .unwrap_or_else(|failure| panic!("{failure}"));

        let now = ids(&account::people(&server.data_dir()));
        assert!(everybody.is_subset(&now), "{}: somebody was deleted", scenario.title());
        everybody = now;

        let outcome =
            outcomes.get(&scenario.title()).unwrap_or_else(|| panic!("no outcome of {}", scenario.title()));
        let env = Env::new(&run);
        let fill = |text: &str| env.fill_text(text, false).unwrap();
        wanted_people.extend(outcome.people.iter().map(|person| WantedPerson {
            user_name: fill(&person.user_name),
            email: person.email.as_deref().map(fill),
            name: person.name.clone(),
            suspended: person.suspended,
        }));
        wanted_groups.extend(
            outcome
                .groups
                .iter()
                .map(|(name, members)| (fill(name), members.iter().map(|m| fill(m)).collect())),
        );
    }

    let after = Account::read(&server.data_dir());
    let mut found = BTreeSet::new();
    for wanted in &wanted_people {
        let person = after
            .provisioned()
            .find(|person| {
                person.answers_to(&wanted.user_name)
                    || wanted.email.as_ref().is_some_and(|email| person.answers_to(email))
            })
            .unwrap_or_else(|| panic!("{wanted:?} is not in the account"));
        assert!(found.insert(person.id.clone()), "{wanted:?} shares an entry with somebody");
        // Nobody in the traces accepts an invitation.
        let state = if wanted.suspended { State::Suspended } else { State::Invited };
        assert_eq!(person.state, state, "{wanted:?}: {person:?}");
        if let Some(name) = &wanted.name {
            assert_eq!(&person.name, name, "{wanted:?}");
        }
    }
    let others: Vec<&Person> = after.provisioned().filter(|person| !found.contains(&person.id)).collect();
    assert!(others.is_empty(), "nobody asked for {others:?}");
    let unmanaged = |account: &Account| -> Vec<_> {
        account
            .people
            .iter()
            .filter(|p| !p.provisioned)
            .map(|p| (p.id.clone(), p.state_word.clone()))
            .collect()
    };
    assert_eq!(unmanaged(&after), unmanaged(&before), "the account's own people are not touched");

    let groups: BTreeMap<String, Vec<String>> =
        after.managed().map(|group| (group.name.clone(), group.emails(&after.people))).collect();
    assert_eq!(groups, wanted_groups);
}

/// One person's way from the invitation to a second one, and what happens to the others meanwhile.
#[test]
fn people_are_invited_confirmed_renamed_suspended_and_grouped() {
    let server = Server::start(Kind::Bridge);
    let client = server.client();
    let data = server.data_dir();

    // Invited.
    let wanda = create(&client, "wanda@example.com", "Wanda Maas");
    let tomas = create(&client, "tomas@example.com", "Tomas Brandt");
    let ulla = create(&client, "ulla@example.com", "Ulla Lind");
    let members = json!([{"value": wanda}, {"value": tomas}]);
    let body = json!({"schemas": [GROUP], "displayName": "Crane Crew", "members": members});
    let crew = id_of(&client.post("/Groups", &body).expect(201));
    let account = Account::read(&data);
    for (email, name) in [
        ("wanda@example.com", "Wanda Maas"),
        ("tomas@example.com", "Tomas Brandt"),
        ("ulla@example.com", "Ulla Lind"),
    ] {
        let person = account.person(email);
        assert_eq!((person.name.as_str(), person.state), (name, State::Invited), "{person:?}");
    }
    assert_eq!(group_emails(&account, "Crane Crew"), ["tomas@example.com", "wanda@example.com"]);

    // Renamed, suspended before ever accepting.
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Wanda Maas-Berg"}]);
    client.patch(&format!("/Users/{wanda}"), &rename).expect(200);
    set_active(&client, &tomas, false);
    let account = Account::read(&data);
    assert_eq!(account.person("wanda@example.com").name, "Wanda Maas-Berg");
    assert_eq!(account.person("tomas@example.com").state, State::Suspended);
    assert_eq!(group_emails(&account, "Crane Crew").len(), 2, "a suspended person stays in the group");

    // Accepted, and confirmed at the next round; nobody else is.
    account::accept(&data, "wanda@example.com");
    let state = |email: &str| Account::read(&data).person(email).state;
    assert!(matches!(state("wanda@example.com"), State::Accepted | State::Active));
    // The round comes every 30 seconds here; the rest is patience with a busy machine.
    poll("the confirmation", Duration::from_secs(30) + PATIENCE, || match state("wanda@example.com") {
        State::Active => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(state("ulla@example.com"), State::Invited);
    assert_eq!(state("tomas@example.com"), State::Suspended);

    // Suspended and reactivated: active again at once, without another invitation.
    set_active(&client, &wanda, false);
    assert_eq!(state("wanda@example.com"), State::Suspended);
    set_active(&client, &wanda, true);
    assert_eq!(state("wanda@example.com"), State::Active);

    // A new address: at once for the identity provider, pending for the person.
    let address = json!([{"op": "replace", "path": "userName", "value": "wanda.berg@example.com"}]);
    let changed = client.patch(&format!("/Users/{wanda}"), &address).expect(200);
    assert_eq!(changed["userName"], "wanda.berg@example.com");
    assert_eq!(find(&client, "wanda.berg@example.com"), std::slice::from_ref(&wanda));
    assert_eq!(find(&client, "wanda@example.com"), Vec::<String>::new());
    let person = Account::read(&data).person("wanda.berg@example.com").clone();
    assert_eq!(person.email, "wanda@example.com", "the person has not agreed yet");
    assert_eq!(person.pending_email.as_deref(), Some("wanda.berg@example.com"));
    account::accept_address(&data, "wanda@example.com", "wanda.berg@example.com");
    let person = Account::read(&data).person("wanda.berg@example.com").clone();
    assert_eq!((person.email.as_str(), person.pending_email), ("wanda.berg@example.com", None));
    assert_eq!(person.state, State::Active);

    // Deleted at the identity provider: suspended here, and the same person when they come back.
    assert_eq!(client.delete(&format!("/Users/{ulla}")).status, 204);
    assert_eq!(client.get(&format!("/Users/{ulla}")).status, 404);
    assert_eq!(find(&client, "ulla@example.com"), Vec::<String>::new());
    assert_eq!(state("ulla@example.com"), State::Suspended);
    assert_eq!(create(&client, "ulla@example.com", "Ulla Lind"), ulla);
    assert_eq!(state("ulla@example.com"), State::Invited);

    // Groups change their members and their name, and go.
    let path = format!("/Groups/{crew}");
    let change = json!([
        {"op": "remove", "path": format!("members[value eq \"{tomas}\"]")},
        {"op": "add", "path": "members", "value": [{"value": ulla}]},
        {"op": "replace", "path": "displayName", "value": "Crane Crew North"},
    ]);
    let status = client.patch(&path, &change).status;
    assert!(matches!(status, 200 | 204), "{status}");
    let account = Account::read(&data);
    assert_eq!(group_emails(&account, "Crane Crew North"), ["ulla@example.com", "wanda.berg@example.com"]);
    assert!(account.managed().all(|group| group.name != "Crane Crew"));
    assert_eq!(client.delete(&path).status, 204);
    let account = Account::read(&data);
    assert_eq!(account.managed().count(), 0, "{:?}", account.groups);
    assert_eq!(account.provisioned().count(), 3, "nobody is deleted: {:?}", account.people);
}

#[test]
fn accepting_for_nobody_says_so() {
    let server = Server::start(Kind::Bridge);
    create(&server.client(), "wanda@example.com", "Wanda Maas");
    let output = account::try_accept(&server.data_dir(), "nobody@example.com");
    assert!(!output.status.success());
    assert!(text(&output).contains("nobody@example.com"), "{}", text(&output));
}

/// What a person in a terminal reads.
#[test]
fn the_account_is_readable_without_json() {
    let server = Server::start(Kind::Bridge);
    let client = server.client();
    let wanda = create(&client, "wanda@example.com", "Wanda Maas");
    let body = json!({"schemas": [GROUP], "displayName": "Crane Crew", "members": [{"value": wanda}]});
    client.post("/Groups", &body).expect(201);
    for (what, words) in [
        ("people", vec!["wanda@example.com", "Wanda Maas"]),
        ("groups", vec!["Crane Crew", "wanda@example.com"]),
    ] {
        let mut command = common::server::bare(common::server::BRIDGE);
        let output =
            common::server::run(command.args(["account", what, "--data-dir"]).arg(server.data_dir()));
        assert!(output.status.success(), "{}", text(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "", "a folder that was named need not be said");
        for word in words {
            assert!(printed.contains(word), "{what}: {printed}");
        }
    }
}

/// The groups that run the account are out of reach, whatever they are called at the identity provider.
#[test]
fn the_accounts_own_groups_are_neither_shown_nor_touched() {
    let server = Server::start(Kind::Bridge);
    let client = server.client();
    let wanda = create(&client, "wanda@example.com", "Wanda Maas");
    let before = Account::read(&server.data_dir());
    let own: Vec<_> = before.groups.iter().filter(|group| !group.managed).cloned().collect();
    assert!(!own.is_empty(), "an account has at least its owners and administrators");
    assert!(client.all("/Groups").is_empty());
    for group in &own {
        let path = format!("/Groups/{}", group.id);
        let join = json!([{"op": "add", "path": "members", "value": [{"value": wanda}]}]);
        for status in
            [client.get(&path).status, client.patch(&path, &join).status, client.delete(&path).status]
        {
            assert!((400..500).contains(&status), "{}: {status}", group.name);
        }
        let members = json!([{"value": wanda}]);
        let namesake = json!({"schemas": [GROUP], "displayName": group.name, "members": members});
        let status = client.post("/Groups", &namesake).status;
        assert!((400..500).contains(&status) || status == 201, "{}: {status}", group.name);
    }
    let after = Account::read(&server.data_dir());
    for group in &own {
        let now = after.groups.iter().find(|now| now.id == group.id).unwrap();
        assert_eq!(now.name, group.name);
        assert_eq!(now.ids(&after.people), group.ids(&before.people), "{}", group.name);
    }
}

fn create(client: &Client, email: &str, name: &str) -> String {
    let body = json!({
        "schemas": [USER], "userName": email, "displayName": name, "active": true,
        "emails": [{"value": email, "type": "work", "primary": true}],
    });
    id_of(&client.post("/Users", &body).expect(201))
}

fn set_active(client: &Client, id: &str, active: bool) {
    let change = json!([{"op": "replace", "path": "active", "value": active}]);
    let person = client.patch(&format!("/Users/{id}"), &change).expect(200);
    assert_eq!(person["active"], json!(active));
}

/// The ids of whom a look-up by userName finds.
fn find(client: &Client, user_name: &str) -> Vec<String> {
    let list = client.get(&format!("/Users?filter=userName%20eq%20%22{user_name}%22")).expect(200);
    list["Resources"].as_array().unwrap().iter().map(id_of).collect()
}

fn id_of(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

fn ids(people: &[Person]) -> BTreeSet<String> {
    people.iter().map(|person| person.id.clone()).collect()
}

fn group_emails(account: &Account, name: &str) -> Vec<String> {
    let found: Vec<_> = account.managed().filter(|group| group.name == name).collect();
    assert_eq!(found.len(), 1, "groups called {name}: {:?}", account.groups);
    found[0].emails(&account.people)
}
