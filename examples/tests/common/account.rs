//! The person's side of the local account, read through `op-scim-bridge account ...`.
//!
//! All knowledge of that command's output is in this file.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::server::{BRIDGE, bare, run, text};

/// Somebody in the account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    /// An address that the person has yet to accept.
    pub(crate) pending_email: Option<String>,
    pub(crate) name: String,
    pub(crate) state: State,
    /// The account's own word for the state.
    pub(crate) state_word: String,
    /// Whether the bridge manages this person.
    pub(crate) provisioned: bool,
}

impl Person {
    /// The address that the person has, or will have once they accept it: what the identity provider asked for.
    pub(crate) fn wanted_email(&self) -> &str {
        self.pending_email.as_deref().unwrap_or(&self.email)
    }

    pub(crate) fn answers_to(&self, email: &str) -> bool {
        self.wanted_email().eq_ignore_ascii_case(email)
    }
}

/// How far a person has come, in the four steps that an identity provider can see the effect of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Invited,
    /// Accepted, and waits for the bridge to confirm.
    Accepted,
    Active,
    Suspended,
}

impl State {
    fn from_word(word: &str) -> Self {
        let plain: String = word.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
        match plain.as_str() {
            "active" | "confirmed" => Self::Active,
            "invited" | "provisioned" | "transferstarted" | "pendingprovision" => Self::Invited,
            "accepted" | "transferpending" | "transferaccepted" | "unconfirmed" => Self::Accepted,
            _ if plain.contains("suspended") => Self::Suspended,
            _ => panic!("a state that the tests do not know: {word}"),
        }
    }
}

/// A group of the account.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) managed: bool,
    pub(crate) members: Vec<Member>,
}

/// A membership, by whichever of the two the account names.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) person_id: Option<String>,
    pub(crate) email: Option<String>,
}

impl Group {
    /// The members' addresses, sorted.
    pub(crate) fn emails(&self, people: &[Person]) -> Vec<String> {
        let mut emails: Vec<String> = self.members.iter().map(|member| member.email_among(people)).collect();
        emails.sort();
        emails
    }

    /// The members' ids, sorted.
    pub(crate) fn ids(&self, people: &[Person]) -> Vec<String> {
        let mut ids: Vec<String> = self.members.iter().map(|member| member.id_among(people)).collect();
        ids.sort();
        ids
    }
}

impl Member {
    fn email_among(&self, people: &[Person]) -> String {
        match &self.email {
            Some(email) => email.clone(),
            None => {
                let id = self.person_id.as_ref().unwrap();
                people
                    .iter()
                    .find(|person| &person.id == id)
                    .unwrap_or_else(|| panic!("no person {id}"))
                    .email
                    .clone()
            }
        }
    }

    fn id_among(&self, people: &[Person]) -> String {
        match &self.person_id {
            Some(id) => id.clone(),
            None => {
                let email = self.email.as_ref().unwrap();
                let person = people.iter().find(|person| person.answers_to(email));
                person.unwrap_or_else(|| panic!("no person with {email}")).id.clone()
            }
        }
    }
}

/// What a bridge did, as the account under its data folder shows it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) people: Vec<Person>,
    pub(crate) groups: Vec<Group>,
}

impl Account {
    pub(crate) fn read(data_dir: &Path) -> Self {
        Self { people: people(data_dir), groups: groups(data_dir) }
    }

    /// The people that the bridge manages.
    pub(crate) fn provisioned(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.provisioned)
    }

    /// The groups that the bridge manages.
    pub(crate) fn managed(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.managed)
    }

    /// The one person who answers to this address.
    pub(crate) fn person(&self, email: &str) -> &Person {
        let found: Vec<&Person> = self.people.iter().filter(|person| person.answers_to(email)).collect();
        assert_eq!(found.len(), 1, "people with {email}: {found:?} among {:?}", self.people);
        found[0]
    }
}

pub(crate) fn people(data_dir: &Path) -> Vec<Person> {
    let list = account_json(data_dir, "people");
    list.iter()
        .map(|person| {
            let state_word = required(person, "state");
            Person {
                id: required(person, "id"),
                email: required(person, "email"),
                pending_email: optional(person, "pendingEmail"),
                name: optional(person, "name").unwrap_or_default(),
                state: State::from_word(&state_word),
                state_word,
                provisioned: person["provisioned"].as_bool().unwrap_or(false),
            }
        })
        .collect()
}

pub(crate) fn groups(data_dir: &Path) -> Vec<Group> {
    let list = account_json(data_dir, "groups");
    list.iter()
        .map(|group| Group {
            id: required(group, "id"),
            name: required(group, "name"),
            managed: group["managed"].as_bool().unwrap_or(false),
            members: group["members"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .map(member)
                .collect(),
        })
        .collect()
}

/// What a person does who follows the link in the invitation or in the mail about a new address.
pub(crate) fn accept(data_dir: &Path, email: &str) {
    let output = try_accept(data_dir, email);
    assert!(output.status.success(), "account accept {email}: {}", text(&output));
}

/// Accepts a new address: the person follows the link that was sent to it.
pub(crate) fn accept_address(data_dir: &Path, old: &str, new: &str) {
    if !try_accept(data_dir, new).status.success() {
        accept(data_dir, old);
    }
}

pub(crate) fn try_accept(data_dir: &Path, email: &str) -> Output {
    run(bare(BRIDGE).args(["account", "accept", email]).env("OP_BRIDGE_DATA_DIR", data_dir))
}

fn account_json(data_dir: &Path, what: &str) -> Vec<Value> {
    let output = run(bare(BRIDGE).args(["account", what, "--json"]).env("OP_BRIDGE_DATA_DIR", data_dir));
    assert!(output.status.success(), "account {what}: {}", text(&output));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("account {what} --json ({error}): {}", text(&output)))
}

fn member(value: &Value) -> Member {
    let member = Member { person_id: optional(value, "personId"), email: optional(value, "email") };
    assert!(member.person_id.is_some() || member.email.is_some(), "a member without a name: {value}");
    member
}

fn required(value: &Value, key: &str) -> String {
    optional(value, key).unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn optional(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}
