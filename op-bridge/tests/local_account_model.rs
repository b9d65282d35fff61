//! Any sequence of port operations, on the local account and on a naive model beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use op_bridge::account::{Account, AccountError, GroupId, GroupKind, MembershipState, NewPerson, PersonId};
use proptest::prelude::*;
use support::Setup;

#[derive(Clone, Debug)]
enum Operation {
    Provision(Email, u8),
    Invite(Email),
    Accept(Email),
    /// Provisions, accepts and confirms: without it, few people would ever become active.
    Onboard(Email),
    Confirm(Who),
    ConfirmAt(usize),
    Suspend(Who),
    Reactivate(Who),
    Rename(Who, u8),
    ChangeEmail(Who, Email),
    CreateGroup(u8),
    RenameGroup(Which, u8),
    DeleteGroup(Which),
    Grant(Which, Who),
    Revoke(Which, Who),
    SetManaged(Which, bool),
    Restart,
}

/// One of few addresses, in one of two spellings that are the same address.
type Email = (u8, bool);
/// One of those known so far.
type Who = prop::sample::Index;
type Which = prop::sample::Index;

fn operation() -> impl Strategy<Value = Operation> {
    let email = || (0..4_u8, any::<bool>());
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (email(), 0..3_u8).prop_map(|(e, n)| Operation::Provision(e, n)),
        1 => email().prop_map(Operation::Invite),
        3 => email().prop_map(Operation::Accept),
        3 => email().prop_map(Operation::Onboard),
        3 => index().prop_map(Operation::Confirm),
        4 => index().prop_map(Operation::Suspend),
        3 => index().prop_map(Operation::Reactivate),
        1 => (index(), 0..3_u8).prop_map(|(p, n)| Operation::Rename(p, n)),
        3 => (index(), email()).prop_map(|(p, e)| Operation::ChangeEmail(p, e)),
        3 => (0..3_u8).prop_map(Operation::CreateGroup),
        1 => (index(), 0..3_u8).prop_map(|(g, n)| Operation::RenameGroup(g, n)),
        1 => index().prop_map(Operation::DeleteGroup),
        5 => (index(), index()).prop_map(|(g, p)| Operation::Grant(g, p)),
        2 => (index(), index()).prop_map(|(g, p)| Operation::Revoke(g, p)),
        1 => (index(), any::<bool>()).prop_map(|(g, m)| Operation::SetManaged(g, m)),
        1 => Just(Operation::Restart),
    ]
}

fn email((n, upper): Email) -> String {
    let email = format!("p{n}@example.com");
    if upper { email.to_uppercase() } else { email }
}

#[derive(Debug, Default)]
struct Model {
    people: Vec<Person>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug, PartialEq)]
struct Person {
    id: PersonId,
    email: String,
    pending: Option<String>,
    name: String,
    state: &'static str,
    before: &'static str,
    by_bridge: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Group {
    id: GroupId,
    name: String,
    managed: bool,
    deleted: bool,
    /// Whether each member's membership is granted.
    members: BTreeMap<PersonId, bool>,
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl Model {
    fn owner_of(&self, email: &str) -> Option<usize> {
        self.people.iter().position(|person| {
            same(&person.email, email)
                || person.pending.as_deref().is_some_and(|pending| same(pending, email))
        })
    }

    fn writable(&mut self, group: usize) -> Result<&mut Group, &'static str> {
        let group = &mut self.groups[group];
        match (group.deleted, group.managed) {
            (true, _) => Err("NotFound"),
            (_, false) => Err("Protected"),
            _ => Ok(group),
        }
    }

    fn name_is_taken(&self, name: &str, except: usize) -> bool {
        let mut others = self.groups.iter().enumerate().filter(|(at, _)| *at != except);
        others.any(|(_, group)| !group.deleted && group.managed && same(&group.name, name))
    }

    fn accept(&mut self, email: &str) -> Result<(), &'static str> {
        let at = self.owner_of(email).ok_or("NotFound")?;
        let person = &mut self.people[at];
        if person.state.ends_with("SUSPENDED") {
            return Err("WrongState");
        }
        if person.state == "TRANSFER_STARTED" {
            person.state = "TRANSFER_PENDING";
        }
        if let Some(pending) = person.pending.take() {
            person.email = pending;
        }
        Ok(())
    }

    fn confirm(&mut self, at: usize) -> Result<(), &'static str> {
        let person = &mut self.people[at];
        match person.state {
            "ACTIVE" => return Ok(()),
            "TRANSFER_PENDING" if person.by_bridge => person.state = "ACTIVE",
            "TRANSFER_PENDING" => return Err("Protected"),
            _ => return Err("WrongState"),
        }
        for group in &mut self.groups {
            if let Some(granted) = group.members.get_mut(&person.id) {
                *granted = true;
            }
        }
        Ok(())
    }

    fn suspend(&mut self, at: usize) -> Result<(), &'static str> {
        // The first person is the only owner.
        if at == 0 {
            return Err("Protected");
        }
        let person = &mut self.people[at];
        if !person.state.ends_with("SUSPENDED") {
            person.before = person.state;
            person.state = if person.state == "ACTIVE" { "SUSPENDED" } else { "TRANSFER_SUSPENDED" };
        }
        Ok(())
    }

    fn rename(&mut self, at: usize, name: String) -> Result<(), &'static str> {
        // The first person is the only owner; none of the names is theirs.
        if at == 0 {
            return Err("Protected");
        }
        self.people[at].name = name;
        Ok(())
    }

    fn change_email(&mut self, at: usize, email: String) -> Result<(), &'static str> {
        if at == 0 {
            return Err("Protected");
        }
        if self.owner_of(&email).is_some_and(|owner| owner != at) {
            return Err("EmailTaken");
        }
        let person = &mut self.people[at];
        let invited = "TRANSFER_STARTED";
        if person.state == invited || (person.state == "TRANSFER_SUSPENDED" && person.before == invited) {
            if !same(&person.email, &email) {
                person.email = email;
            }
        } else {
            person.pending = if same(&person.email, &email) { None } else { Some(email) };
        }
        Ok(())
    }
}

fn kind<T>(result: Result<T, AccountError>) -> Result<T, &'static str> {
    result.map_err(|error| match error {
        AccountError::EmailTaken(_) => "EmailTaken",
        AccountError::NameTaken(_) | AccountError::NameLooksAlike { .. } => "NameTaken",
        AccountError::NotFound { .. } | AccountError::NobodyAt(_) => "NotFound",
        AccountError::Protected { .. } => "Protected",
        AccountError::WrongState { .. } => "WrongState",
        other => panic!("{other:?}"),
    })
}

/// The operations that one stands for. People are confirmed by their place in the list.
fn simple(operation: Operation, model: &Model) -> Vec<Operation> {
    let Operation::Onboard(address) = operation else { return vec![operation] };
    let at = model.owner_of(&email(address)).unwrap_or(model.people.len());
    vec![Operation::Provision(address, 0), Operation::Accept(address), Operation::ConfirmAt(at)]
}

/// Does one operation on both, and compares what they answer.
async fn step(setup: &mut Setup, model: &mut Model, operation: Operation) {
    let account = std::sync::Arc::clone(&setup.account);
    let person = |who: Who, model: &Model| who.index(model.people.len());
    if model.groups.is_empty()
        && matches!(
            operation,
            Operation::RenameGroup(..)
                | Operation::DeleteGroup(..)
                | Operation::Grant(..)
                | Operation::Revoke(..)
                | Operation::SetManaged(..)
        )
    {
        return;
    }
    match operation {
        Operation::Provision(address, name) => {
            let name = format!("Name {name}");
            let answer = account.provision(NewPerson::new(email(address), &name)).await.unwrap();
            let known = model.owner_of(&email(address));
            assert_eq!(answer.existed, known.is_some());
            match known {
                Some(at) => assert_eq!(answer.person.id, model.people[at].id),
                None => model.people.push(new_person(answer.person.id, email(address), name, true)),
            }
        }
        Operation::Invite(address) => {
            let answer = account.invite(NewPerson::new(email(address), "Invited")).await.unwrap();
            if model.owner_of(&email(address)).is_none() {
                model.people.push(new_person(answer.id, email(address), "Invited".to_owned(), false));
            }
        }
        Operation::Accept(address) => {
            assert_eq!(kind(account.accept(&email(address)).await).map(drop), model.accept(&email(address)));
        }
        Operation::Onboard(_) => unreachable!("is taken apart before"),
        Operation::ConfirmAt(at) => {
            assert_eq!(kind(account.confirm(&model.people[at].id).await).map(drop), model.confirm(at));
        }
        Operation::Confirm(who) => {
            let at = person(who, model);
            assert_eq!(kind(account.confirm(&model.people[at].id).await).map(drop), model.confirm(at));
        }
        Operation::Suspend(who) => {
            let at = person(who, model);
            assert_eq!(kind(account.suspend(&model.people[at].id).await).map(drop), model.suspend(at));
        }
        Operation::Reactivate(who) => {
            let at = person(who, model);
            let person = &mut model.people[at];
            account.reactivate(&person.id).await.unwrap();
            if person.state.ends_with("SUSPENDED") {
                person.state = person.before;
            }
        }
        Operation::Rename(who, name) => {
            let at = person(who, model);
            let name = format!("Name {name}");
            let answer = kind(account.rename(&model.people[at].id, &name).await);
            assert_eq!(answer.map(drop), model.rename(at, name));
        }
        Operation::ChangeEmail(who, address) => {
            let at = person(who, model);
            let answer = kind(account.change_email(&model.people[at].id, &email(address)).await);
            assert_eq!(answer.map(drop), model.change_email(at, email(address)));
        }
        Operation::CreateGroup(name) => {
            let name = format!("Group {name}");
            let answer = account.create_group(&name).await.unwrap();
            assert_eq!(answer.existed, model.name_is_taken(&name, usize::MAX));
            if !answer.existed {
                let (id, members) = (answer.group.id, BTreeMap::new());
                model.groups.push(Group { id, name, managed: true, deleted: false, members });
            }
        }
        Operation::RenameGroup(which, name) => {
            let (at, name) = (which.index(model.groups.len()), format!("Group {name}"));
            let taken = model.name_is_taken(&name, at);
            let expected = model.writable(at).and_then(|group| {
                if taken {
                    return Err("NameTaken");
                }
                group.name.clone_from(&name);
                Ok(())
            });
            let answer = account.rename_group(&model.groups[at].id, &name).await;
            assert_eq!(kind(answer).map(drop), expected);
        }
        Operation::DeleteGroup(which) => {
            let at = which.index(model.groups.len());
            let expected = match model.writable(at) {
                Ok(group) => {
                    group.deleted = true;
                    group.members.clear();
                    Ok(())
                }
                Err("NotFound") => Ok(()),
                Err(other) => Err(other),
            };
            assert_eq!(kind(account.delete_group(&model.groups[at].id).await), expected);
        }
        Operation::Grant(which, who) => {
            let (at, person) = (which.index(model.groups.len()), model.people[person(who, model)].clone());
            let confirmed = ["ACTIVE", "SUSPENDED"].contains(&person.state);
            let expected =
                model.writable(at).map(|group| *group.members.entry(person.id.clone()).or_insert(confirmed));
            let answer = kind(account.grant(&model.groups[at].id, &person.id).await);
            assert_eq!(answer.map(|membership| membership.state == MembershipState::Granted), expected);
        }
        Operation::Revoke(which, who) => {
            let (at, person) = (which.index(model.groups.len()), model.people[person(who, model)].id.clone());
            let expected = model.writable(at).map(|group| {
                group.members.remove(&person);
            });
            assert_eq!(kind(account.revoke(&model.groups[at].id, &person).await), expected);
        }
        Operation::SetManaged(which, managed) => {
            let at = which.index(model.groups.len());
            let taken = managed && model.name_is_taken(&model.groups[at].name, at);
            let group = &mut model.groups[at];
            let expected = match (group.deleted, group.managed != managed && taken) {
                (true, _) => Err("NotFound"),
                (_, true) => Err("NameTaken"),
                _ => {
                    group.managed = managed;
                    Ok(())
                }
            };
            assert_eq!(kind(account.set_managed(&model.groups[at].id, managed).await).map(drop), expected);
        }
        Operation::Restart => {
            setup.restart();
            setup.unlock();
        }
    }
}

fn new_person(id: PersonId, email: String, name: String, by_bridge: bool) -> Person {
    Person { id, email, pending: None, name, state: "TRANSFER_STARTED", before: "", by_bridge }
}

/// Everything that the account shows is what the model says.
async fn compare(setup: &Setup, model: &Model) {
    let people = setup.account.people().await.unwrap();
    assert_eq!(people.len(), model.people.len(), "nobody is ever deleted");
    let mut addresses = BTreeSet::new();
    for (shown, expected) in people.iter().zip(&model.people) {
        assert_eq!(
            (&shown.id, &shown.email, &shown.pending_email, &shown.name, shown.state.as_str()),
            (&expected.id, &expected.email, &expected.pending, &expected.name, expected.state)
        );
        assert_eq!(shown.provisioned_by_bridge, expected.by_bridge);
        for address in [Some(&shown.email), shown.pending_email.as_ref()].into_iter().flatten() {
            assert!(addresses.insert(address.to_lowercase()), "{address} is there twice");
        }
    }

    let groups = setup.account.groups().await.unwrap();
    let custom: Vec<_> = groups.iter().filter(|group| group.kind == GroupKind::Custom).collect();
    let expected: Vec<_> = model.groups.iter().filter(|group| !group.deleted).collect();
    assert_eq!(custom.len(), expected.len());
    let mut granted = BTreeSet::new();
    for (shown, expected) in custom.into_iter().zip(expected) {
        assert_eq!((&shown.id, &shown.name, shown.managed), (&expected.id, &expected.name, expected.managed));
        let members = setup.account.members(&shown.id).await.unwrap();
        let shown_members: BTreeMap<_, _> = members
            .into_iter()
            .map(|member| (member.person, member.state == MembershipState::Granted))
            .collect();
        assert_eq!(shown_members, expected.members);
        let of_group = shown_members.into_iter().filter(|(_, granted)| *granted);
        granted.extend(of_group.map(|(person, _)| (shown.id.clone(), person)));
    }

    let audit = setup.account.audit_keys().await.unwrap();
    assert_eq!((audit.broken, audit.without_device), (vec![], vec![]));
    let opened: BTreeSet<_> = audit
        .opened
        .into_iter()
        .filter(|(group, _)| model.groups.iter().any(|known| known.id == *group))
        .collect();
    assert_eq!(opened, granted, "a key is sealed to exactly those whose membership is granted");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_account_does_what_the_model_does(operations in prop::collection::vec(operation(), 1..100)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let mut setup = Setup::unlocked();
            let owner = setup.account.people().await.unwrap().remove(0);
            let mut model = Model::default();
            model.people.push(Person {
                state: "ACTIVE",
                ..new_person(owner.id, owner.email, owner.name, false)
            });
            for operation in operations {
                for operation in simple(operation, &model) {
                    step(&mut setup, &mut model, operation).await;
                }
            }
            compare(&setup, &model).await;
        });
    }
}
