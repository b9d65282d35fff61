//! The local account through its port: the life of people and groups, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use op_bridge::account::local::{LocalAccount, OpenError};
use op_bridge::account::{Account, AccountError, GroupKind, MembershipState, NewPerson, PersonState};
use op_bridge::clock::SystemClock;
use op_bridge::credentials::{SessionFile, SessionGate};
use op_bridge::random::SystemRandom;
use support::Setup;

fn ada() -> NewPerson {
    NewPerson::new("ada@example.com", "Ada Lovelace").with_language("fr")
}

#[tokio::test]
async fn a_person_is_invited_accepts_and_is_confirmed() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let provisioned = account.provision(ada()).await.unwrap();
    assert!(!provisioned.existed);
    let id = provisioned.person.id;
    assert_eq!(provisioned.person.state, PersonState::TransferStarted);
    assert!(provisioned.person.provisioned_by_bridge);
    assert_eq!(provisioned.person.language, "fr");

    let early = account.confirm(&id).await.unwrap_err();
    assert_eq!(early.to_string(), "a person in state TRANSFER_STARTED cannot be confirmed");

    let accepted = account.accept("ADA@example.com").await.unwrap();
    assert!(accepted.invitation && !accepted.email_change);
    assert_eq!(accepted.person.state, PersonState::TransferPending);
    assert!(!account.accept("ada@example.com").await.unwrap().invitation, "there is nothing more to accept");
    assert_eq!(account.awaiting_confirmation().await.unwrap()[0].id, id);

    assert_eq!(account.confirm(&id).await.unwrap().state, PersonState::Active);
    assert_eq!(account.confirm(&id).await.unwrap().state, PersonState::Active);
    assert!(account.awaiting_confirmation().await.unwrap().is_empty());
}

#[tokio::test]
async fn provisioning_an_address_again_finds_the_person() {
    let setup = Setup::unlocked();
    let first = setup.account.provision(ada()).await.unwrap().person;
    let again = setup.account.provision(NewPerson::new("Ada@Example.com", "Somebody Else")).await.unwrap();
    assert!(again.existed);
    assert_eq!(again.person, first);

    setup.account.change_email(&first.id, "ada@new.example.com").await.unwrap();
    let by_pending = setup.account.provision(NewPerson::new("ada@new.example.com", "X")).await.unwrap();
    assert!(by_pending.existed);
    assert_eq!(by_pending.person.id, first.id);
}

#[tokio::test]
async fn suspension_remembers_where_a_person_was() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    for (before, suspended) in [
        (PersonState::TransferStarted, PersonState::TransferSuspended),
        (PersonState::TransferPending, PersonState::TransferSuspended),
        (PersonState::Active, PersonState::Suspended),
    ] {
        assert_eq!(account.person(&id).await.unwrap().unwrap().state, before);
        for _ in 0..2 {
            assert_eq!(account.suspend(&id).await.unwrap().state, suspended);
        }
        assert!(matches!(account.accept("ada@example.com").await, Err(AccountError::WrongState { .. })));
        assert!(matches!(account.confirm(&id).await, Err(AccountError::WrongState { .. })));
        for _ in 0..2 {
            assert_eq!(account.reactivate(&id).await.unwrap().state, before);
        }
        account.accept("ada@example.com").await.unwrap();
        if before == PersonState::TransferPending {
            account.confirm(&id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_new_address_waits_for_the_person() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    let other = account.provision(NewPerson::new("bob@example.com", "Bob")).await.unwrap().person.id;
    account.accept("ada@example.com").await.unwrap();

    let pending = account.change_email(&id, "ada@new.example.com").await.unwrap();
    assert_eq!(pending.email, "ada@example.com");
    assert_eq!(pending.pending_email.as_deref(), Some("ada@new.example.com"));
    for email in ["ada@example.com", "ADA@NEW.example.com"] {
        assert_eq!(account.person_by_email(email).await.unwrap().unwrap().id, id);
        let taken = account.change_email(&other, email).await.unwrap_err();
        assert_eq!(
            taken.to_string(),
            format!("the e-mail address `{email}` belongs to another person in the account")
        );
    }
    let replaced = account.change_email(&id, "ada@third.example.com").await.unwrap();
    assert_eq!(replaced.pending_email.as_deref(), Some("ada@third.example.com"));
    assert!(account.person_by_email("ada@new.example.com").await.unwrap().is_none(), "it is free again");

    let cancelled = account.change_email(&id, "Ada@Example.com").await.unwrap();
    assert_eq!((cancelled.email.as_str(), cancelled.pending_email), ("ada@example.com", None));

    account.change_email(&id, "ada@new.example.com").await.unwrap();
    let accepted = account.accept("ada@new.example.com").await.unwrap();
    assert!(accepted.email_change && !accepted.invitation);
    assert_eq!(
        (accepted.person.email.as_str(), accepted.person.pending_email),
        ("ada@new.example.com", None)
    );
    assert!(account.person_by_email("ada@example.com").await.unwrap().is_none());
    account.change_email(&other, "ada@example.com").await.unwrap();
}

#[tokio::test]
async fn memberships_are_granted_when_a_person_is_confirmed() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let group = account.create_group("Engineering").await.unwrap().group;
    assert!(group.managed && group.kind == GroupKind::Custom);
    let again = account.create_group("ENGINEERING").await.unwrap();
    assert!(again.existed && again.group == group);

    let id = account.provision(ada()).await.unwrap().person.id;
    for _ in 0..2 {
        assert_eq!(account.grant(&group.id, &id).await.unwrap().state, MembershipState::Pending);
    }
    account.accept("ada@example.com").await.unwrap();
    assert_eq!(account.members(&group.id).await.unwrap()[0].state, MembershipState::Pending);
    account.confirm(&id).await.unwrap();
    assert_eq!(account.members(&group.id).await.unwrap()[0].state, MembershipState::Granted);

    let second = account.create_group("Design").await.unwrap().group;
    assert_eq!(account.grant(&second.id, &id).await.unwrap().state, MembershipState::Granted);
    let audit = account.audit_keys().await.unwrap();
    assert!(audit.opened.contains(&(group.id.clone(), id.clone())));
    assert!(audit.opened.contains(&(second.id.clone(), id.clone())));
    assert_eq!((audit.broken.len(), audit.without_device.len()), (0, 0));
    assert_eq!(account.groups_of(&id).await.unwrap(), [group.id.clone(), second.id.clone()]);

    account.suspend(&id).await.unwrap();
    assert_eq!(account.members(&group.id).await.unwrap().len(), 1, "suspension keeps memberships");
    for _ in 0..2 {
        account.revoke(&group.id, &id).await.unwrap();
        account.delete_group(&second.id).await.unwrap();
    }
    assert!(account.groups_of(&id).await.unwrap().is_empty());
    assert!(matches!(account.members(&second.id).await, Err(AccountError::NotFound { .. })));
    assert!(account.person(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn system_groups_unmanaged_groups_and_the_last_owner_are_protected() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    let system: Vec<_> =
        account.groups().await.unwrap().into_iter().filter(|group| group.kind == GroupKind::System).collect();
    let names: BTreeSet<_> = system.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(
        names,
        ["Administrators", "Owners", "Provision Managers", "Recovery", "SCIM Bridge", "Security"].into()
    );
    for group in &system {
        let refusals = [
            account.grant(&group.id, &id).await.map(drop),
            account.revoke(&group.id, &id).await,
            account.rename_group(&group.id, "Mine").await.map(drop),
            account.delete_group(&group.id).await,
            account.set_managed(&group.id, true).await.map(drop),
        ];
        for refusal in refusals {
            let text = refusal.unwrap_err().to_string();
            assert_eq!(text, format!("the bridge does not change the system group `{}`", group.name));
        }
        assert!(matches!(
            account.create_group(&group.name.to_uppercase()).await,
            Err(AccountError::NameTaken(_))
        ));
    }

    let group = account.create_group("Sales").await.unwrap().group;
    assert!(matches!(account.rename_group(&group.id, "owners").await, Err(AccountError::NameTaken(_))));
    account.set_managed(&group.id, false).await.unwrap();
    assert!(matches!(account.grant(&group.id, &id).await, Err(AccountError::Protected { .. })));
    let twin = account.create_group("Sales").await.unwrap();
    assert!(!twin.existed, "an unmanaged group does not stand in the way");
    assert!(matches!(account.set_managed(&group.id, true).await, Err(AccountError::NameTaken(_))));
    account.rename_group(&twin.group.id, "Sales 2").await.unwrap();
    account.set_managed(&group.id, true).await.unwrap();
    account.grant(&group.id, &id).await.unwrap();

    let owner =
        account.people().await.unwrap().into_iter().find(|person| person.name == "Account Owner").unwrap();
    let refused = account.suspend(&owner.id).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the bridge does not change the last owner of the account, `owner@account.invalid`, who therefore cannot be \
         suspended: make another person an owner in 1Password first, then suspend this one again"
    );
}

#[tokio::test]
async fn owners_keep_their_names_and_addresses_but_not_their_access() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    account.accept("ada@example.com").await.unwrap();
    account.confirm(&id).await.unwrap();
    setup.make_owner(id.as_str());
    let before = account.person(&id).await.unwrap().unwrap();
    for (what, refusal) in [
        ("name", account.rename(&id, "Eve").await),
        ("e-mail address", account.change_email(&id, "eve@example.com").await),
    ] {
        let refusal = refusal.unwrap_err();
        assert!(matches!(refusal, AccountError::Protected { .. }));
        assert_eq!(
            refusal.to_string(),
            format!(
                "the bridge does not change the {what} of `ada@example.com`, an owner of the account: change it in \
                 1Password itself, or take the person out of the group `Owners` there first"
            )
        );
    }
    account.rename(&id, "Ada Lovelace").await.unwrap();
    account.change_email(&id, "ADA@example.com").await.unwrap();
    assert_eq!(
        account.person(&id).await.unwrap().unwrap(),
        before,
        "what repeats what is there is no change"
    );

    assert_eq!(account.suspend(&id).await.unwrap().state, PersonState::Suspended);
    assert!(matches!(account.rename(&id, "Eve").await, Err(AccountError::Protected { .. })));
    assert_eq!(account.reactivate(&id).await.unwrap().state, PersonState::Active);
    let first = account.people().await.unwrap().remove(0);
    account.suspend(&first.id).await.unwrap();
    assert!(matches!(account.suspend(&id).await, Err(AccountError::Protected { .. })), "now she is the last");
}

#[tokio::test]
async fn names_are_compared_as_they_are_read() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let mine = account.create_group("Mine").await.unwrap().group.id;
    for name in [
        "Owners ",
        "  owners",
        "Ow\u{200b}ners",
        "Ｏｗｎｅｒｓ",
        "\u{a0}Owners",
        "\u{41e}wners",
        "SC1M Bridge",
    ] {
        for refused in
            [account.create_group(name).await.map(drop), account.rename_group(&mine, name).await.map(drop)]
        {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, AccountError::NameLooksAlike { .. }), "{name:?}: {refused}");
            let sentence = refused.to_string();
            assert!(
                sentence.ends_with("is one of the account's own groups: choose another name"),
                "{sentence}"
            );
            assert!(!sentence.contains('\u{200b}'), "what is not seen is written out: {sentence}");
        }
    }
    let sales = account.create_group("Sales  Team").await.unwrap().group;
    for same in ["sales team", " Sales\u{a0}Team", "Sa\u{200d}les Team", "Ｓales Team"] {
        let again = account.create_group(same).await.unwrap();
        assert!(again.existed && again.group == sales, "{same:?}");
        assert!(
            matches!(account.rename_group(&mine, same).await, Err(AccountError::NameTaken(_))),
            "{same:?}"
        );
    }
    for other in ["SalesTeam", "Sales Team 2", "S\u{430}les Team", "Product Owners"] {
        assert!(!account.create_group(other).await.unwrap().existed, "{other:?}");
    }
    account.rename_group(&sales.id, "SALES TEAM").await.unwrap();
    for (name, problem) in [
        ("", "it is empty"),
        (" \u{3000}", "it is empty"),
        ("\u{200b}", "nothing of it can be seen"),
        ("a\tb", "it has control characters in it"),
        ("a\u{2029}b", "it has control characters in it"),
    ] {
        let refused = account.create_group(name).await.unwrap_err().to_string();
        assert_eq!(refused, format!("the account cannot take this group name: {problem}"), "{name:?}");
    }
}

/// A folder that an earlier version has written compares names as this version does.
#[tokio::test]
async fn the_keys_of_names_follow_the_version() {
    let mut setup = Setup::unlocked();
    let sales = setup.account.create_group("Sales Team").await.unwrap().group;
    let database = rusqlite::Connection::open(setup.folder.path().join("account.sqlite3")).unwrap();
    for key in ["sales   team", "x"] {
        let changed =
            database.execute("UPDATE groups SET name_key = ?2 WHERE id = ?1", [sales.id.as_str(), key]);
        assert_eq!(changed.unwrap(), 1);
        setup.restart();
        setup.unlock();
        assert!(setup.account.create_group("Sales Team").await.unwrap().existed);
    }
    // Two that were different before.
    let twin =
        "INSERT INTO groups SELECT NULL, 'aaaaaaaaaaaaaaaaaaaaaaaaaa', 'Sales team ', 'sales team ', kind,
        managed, public_key, integration_sealed_key, 0, 0 FROM groups WHERE id = ?1";
    assert_eq!(database.execute(twin, [sales.id.as_str()]).unwrap(), 1);
    setup.restart();
    setup.unlock();
    assert_eq!(setup.account.create_group("Sales Team").await.unwrap().group.id, sales.id);
}

#[tokio::test]
async fn somebody_whom_an_administrator_invited_is_not_confirmed_by_the_bridge() {
    let setup = Setup::unlocked();
    let person = setup.account.invite(NewPerson::new("eve@example.com", "Eve")).await.unwrap();
    assert!(!person.provisioned_by_bridge);
    setup.account.accept("eve@example.com").await.unwrap();
    assert!(setup.account.provision(NewPerson::new("eve@example.com", "Eve")).await.unwrap().existed);
    assert!(matches!(setup.account.confirm(&person.id).await, Err(AccountError::Protected { .. })));
    assert_eq!(setup.account.person(&person.id).await.unwrap().unwrap().state, PersonState::TransferPending);
}

#[tokio::test]
async fn a_locked_bridge_reads_but_changes_nothing() {
    let mut setup = Setup::unlocked();
    let id = setup.account.provision(ada()).await.unwrap().person.id;
    let group = setup.account.create_group("Engineering").await.unwrap().group.id;
    setup.restart();
    let account = &setup.account;
    account.check().await.unwrap();
    assert_eq!(account.people().await.unwrap().len(), 2);
    assert_eq!(account.group(&group).await.unwrap().unwrap().name, "Engineering");
    let refusals = [
        account.provision(NewPerson::new("b@example.com", "B")).await.map(drop),
        account.confirm(&id).await.map(drop),
        account.suspend(&id).await.map(drop),
        account.reactivate(&id).await.map(drop),
        account.rename(&id, "B").await.map(drop),
        account.change_email(&id, "b@example.com").await.map(drop),
        account.create_group("B").await.map(drop),
        account.rename_group(&group, "B").await.map(drop),
        account.delete_group(&group).await,
        account.grant(&group, &id).await.map(drop),
        account.revoke(&group, &id).await,
        account.set_managed(&group, false).await.map(drop),
    ];
    for refusal in refusals {
        let refusal = refusal.unwrap_err();
        assert!(matches!(refusal, AccountError::Locked) && refusal.is_transient());
    }
    setup.unlock();
    account.grant(&group, &id).await.unwrap();
    account.accept("ada@example.com").await.unwrap();
    account.confirm(&id).await.unwrap();
    assert_eq!(account.members(&group).await.unwrap()[0].state, MembershipState::Granted);
}

#[tokio::test]
async fn another_session_is_refused() {
    let setup = Setup::unlocked();
    setup.account.provision(ada()).await.unwrap();
    let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    let gate = Arc::new(SessionGate::new(file, &SystemRandom).unwrap());
    let account = support::open(setup.folder.path(), &gate, &setup.clock);
    account.check().await.unwrap();
    gate.authenticate(&token.expose()).unwrap();
    let refused = account.provision(NewPerson::new("b@example.com", "B")).await.unwrap_err();
    assert!(matches!(refused, AccountError::OtherSession));
    assert!(refused.to_string().contains("use the session file it was set up with"));
    assert!(matches!(account.check().await, Err(AccountError::OtherSession)));
    assert_eq!(account.people().await.unwrap().len(), 2);
}

#[tokio::test]
async fn unknown_ids_and_bad_values_are_refused() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    let group = account.create_group("Engineering").await.unwrap().group.id;
    let nobody = "AAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let nowhere = "aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    for refusal in [
        account.confirm(&nobody).await.map(drop),
        account.suspend(&nobody).await.map(drop),
        account.reactivate(&nobody).await.map(drop),
        account.rename(&nobody, "B").await.map(drop),
        account.change_email(&nobody, "b@example.com").await.map(drop),
        account.grant(&group, &nobody).await.map(drop),
        account.groups_of(&nobody).await.map(drop),
    ] {
        assert!(refusal.unwrap_err().to_string().starts_with("the account has no person with the id `"));
    }
    let stranger = account.accept("nobody@example.com").await.unwrap_err();
    assert_eq!(stranger.to_string(), "nobody in the account has the e-mail address `nobody@example.com`");
    for refusal in [
        account.grant(&nowhere, &id).await.map(drop),
        account.revoke(&nowhere, &id).await,
        account.rename_group(&nowhere, "B").await.map(drop),
        account.members(&nowhere).await.map(drop),
        account.set_managed(&nowhere, true).await.map(drop),
    ] {
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "the account has no group with the id `aaaaaaaaaaaaaaaaaaaaaaaaaa`"
        );
    }
    assert!(
        account.person(&nobody).await.unwrap().is_none() && account.group(&nowhere).await.unwrap().is_none()
    );
    for refusal in [
        account.provision(NewPerson::new("no-address", "B")).await.map(drop),
        account.change_email(&id, "").await.map(drop),
        account.rename(&id, "").await.map(drop),
        account.create_group(" ").await.map(drop),
        account.rename_group(&group, "a\u{0}b").await.map(drop),
    ] {
        assert!(matches!(refusal, Err(AccountError::Invalid { .. })));
    }
}

#[tokio::test]
async fn files_are_private_and_device_keys_are_not_in_the_database() {
    let setup = Setup::unlocked();
    let id = setup.account.provision(ada()).await.unwrap().person.id;
    setup.account.accept("ada@example.com").await.unwrap();
    let device = setup.folder.path().join(format!("devices/{id}.key"));
    let key = fs::read_to_string(&device).unwrap();
    assert_eq!(key.trim().len(), 43);
    fn walk(path: &Path, seen: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() { walk(&entry, seen) } else { seen.push(entry) }
        }
    }
    let mut files = Vec::new();
    walk(setup.folder.path(), &mut files);
    for file in files {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
        if file != device {
            let content = fs::read(&file).unwrap();
            assert!(!content.windows(43).any(|window| window == key.trim().as_bytes()));
        }
    }
}

#[tokio::test]
async fn the_listing_shows_groups_with_their_members() {
    let setup = Setup::unlocked();
    let account = &setup.account;
    let id = account.provision(ada()).await.unwrap().person.id;
    let group = account.create_group("Engineering").await.unwrap().group.id;
    account.grant(&group, &id).await.unwrap();
    let listing = serde_json::to_value(account.groups_with_members().await.unwrap()).unwrap();
    let listing = listing.as_array().unwrap().iter().find(|group| group["name"] == "Engineering").unwrap();
    assert_eq!(listing["kind"], "custom");
    assert_eq!(
        listing["members"],
        serde_json::json!([{
            "id": id, "email": "ada@example.com", "name": "Ada Lovelace",
            "state": "TRANSFER_STARTED", "membership": "pending",
        }])
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let open = |path: &Path| {
        LocalAccount::open(
            path,
            Arc::new(SessionGate::closed()),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        )
        .unwrap_err()
    };
    let refused = open(&file.join("data"));
    assert!(matches!(refused, OpenError::Folder { .. }));
    assert!(refused.to_string().contains("`OP_BRIDGE_DATA_DIR` names another one"));
    fs::write(folder.path().join("account.sqlite3"), "this is not a database, and long enough").unwrap();
    assert!(matches!(open(folder.path()), OpenError::Database { .. }));
}

#[test]
fn an_account_of_a_newer_version_is_left_alone() {
    let setup = Setup::locked();
    let path = setup.folder.path().join("account.sqlite3");
    rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = LocalAccount::open(
        setup.folder.path(),
        Arc::new(SessionGate::closed()),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    assert!(matches!(refused, Err(OpenError::Newer(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_concurrent_provisions_are_all_there() {
    let mut setup = Setup::unlocked();
    let group = setup.account.create_group("Everybody").await.unwrap().group.id;
    let tasks: Vec<_> = (0..2000)
        .map(|n| {
            let (account, group) = (Arc::clone(&setup.account), group.clone());
            tokio::spawn(async move {
                // Every address twice, so that half of the calls find somebody.
                let email = format!("p{}@example.com", n % 1000);
                let provisioned = account.provision(NewPerson::new(email, "P")).await.unwrap();
                account.grant(&group, &provisioned.person.id).await.unwrap();
                provisioned
            })
        })
        .collect();
    let (mut ids, mut existed) = (BTreeSet::new(), 0);
    for task in tasks {
        let provisioned = task.await.unwrap();
        ids.insert(provisioned.person.id);
        existed += usize::from(provisioned.existed);
    }
    assert_eq!((ids.len(), existed), (1000, 1000));
    setup.restart();
    assert_eq!(setup.account.members(&group).await.unwrap().len(), 1000);
    assert_eq!(setup.account.people().await.unwrap().len(), 1001);
}

/// The part of the next test that runs in a process of its own, until it is killed.
#[test]
fn provisions_until_killed() {
    let Some(folder) = std::env::var_os("TEST_PROVISIONS_UNTIL_KILLED") else { return };
    let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    let gate = Arc::new(SessionGate::new(file, &SystemRandom).unwrap());
    gate.authenticate(&token.expose()).unwrap();
    let random = Arc::new(SystemRandom);
    let account =
        Arc::new(LocalAccount::open(Path::new(&folder), gate, Arc::new(SystemClock), random).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let group = account.create_group("Everybody").await.unwrap().group.id;
        let workers: Vec<_> = (0..20)
            .map(|worker| {
                let (account, group) = (Arc::clone(&account), group.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let person = NewPerson::new(format!("{worker}-{n}@example.com"), "P");
                        let id = account.provision(person).await.unwrap().person.id;
                        account.grant(&group, &id).await.unwrap();
                        println!("answered {id}");
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "provisions_until_killed", "--nocapture"])
        .env("TEST_PROVISIONS_UNTIL_KILLED", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered = BTreeSet::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some((_, id)) = line.unwrap().split_once("answered ") {
            answered.insert(id.to_owned());
        }
        if answered.len() == 200 {
            // Keep reading: what was printed before the end was answered, too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();

    let gate = Arc::new(SessionGate::closed());
    let account =
        LocalAccount::open(folder.path(), gate, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let groups = account.groups_with_members().await.unwrap();
    let everybody = groups.iter().find(|listing| listing.group.name == "Everybody").unwrap();
    let members: BTreeSet<_> = everybody.members.iter().map(|member| member.id.to_string()).collect();
    assert!(answered.len() >= 200);
    assert_eq!(answered.difference(&members).count(), 0, "of {} answers", answered.len());
}

/// A session that has only been unlocked owns the account, before it writes anything.
#[tokio::test]
async fn an_account_is_its_first_sessions_own_without_any_change() {
    let setup = Setup::unlocked();
    setup.account.own().await.unwrap();
    setup.account.own().await.unwrap();
    let other = Setup::unlocked();
    let account = support::open(setup.folder.path(), &other.gate, &setup.clock);
    assert!(matches!(account.check().await, Err(AccountError::OtherSession)));
    assert!(matches!(account.own().await, Err(AccountError::OtherSession)));
}
