//! Groups and memberships: rows, keys, and what may happen to them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::name::{looks_like, name_key};
use super::super::person::check_name;
use super::super::{
    AccountError, CreatedGroup, Group, GroupId, GroupKind, Membership, MembershipState, Person, PersonId,
};
use super::database::is_duplicate;
use super::people::{self, instant, parsed};
use super::seal;
use crate::credentials::{Credentials, PrivateKey, PublicKey};
use crate::random::{Random, RandomError};

/// The group whose last active member is never suspended.
pub(super) const OWNERS: &str = "Owners";

const SELECT: &str = "SELECT id, name, kind, managed, created_at, updated_at FROM groups";

/// Private keys of groups that the integration has opened. A group's key never changes.
#[derive(Debug, Default)]
pub(super) struct GroupKeys(Mutex<HashMap<GroupId, PrivateKey>>);

impl GroupKeys {
    /// The private key of `group`, opened with the integration's key; `None` if it is not sealed to it.
    fn open(
        &self,
        database: &Connection,
        group: &GroupId,
        credentials: &Credentials,
    ) -> Result<Option<PrivateKey>, AccountError> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(group) {
            return Ok(Some(key.clone()));
        }
        let sealed: Option<Vec<u8>> = database
            .prepare_cached("SELECT integration_sealed_key FROM groups WHERE id = ?1")?
            .query_row([group.as_str()], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(sealed) = sealed else { return Ok(None) };
        let integration = credentials.integration().as_str();
        let key = seal::open(&sealed, group, credentials.private_key(), integration).ok_or(
            AccountError::Unavailable {
                reason: "the key of a group does not open: it was changed",
                source: None,
            },
        )?;
        keys.insert(group.clone(), key.clone());
        Ok(Some(key))
    }
}

pub(super) fn all(database: &Connection) -> Result<Vec<Group>, AccountError> {
    let mut statement = database.prepare_cached(&format!("{SELECT} ORDER BY seq"))?;
    Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
}

pub(super) fn by_id(database: &Connection, id: &GroupId) -> Result<Option<Group>, AccountError> {
    let mut statement = database.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    Ok(statement.query_row([id.as_str()], from_row).optional()?)
}

pub(super) fn required(database: &Connection, id: &GroupId) -> Result<Group, AccountError> {
    by_id(database, id)?.ok_or_else(|| AccountError::no_group(id))
}

/// The group, if the bridge may change it.
fn writable(database: &Connection, id: &GroupId) -> Result<Group, AccountError> {
    let group = required(database, id)?;
    match group.kind {
        GroupKind::System => Err(protected_system(&group)),
        GroupKind::Custom if !group.managed => Err(AccountError::protected(format!(
            "the group {}, which it does not manage: an administrator can select it as a managed group",
            crate::text::quote(&group.name)
        ))),
        GroupKind::Custom => Ok(group),
    }
}

pub(super) fn create(
    database: &Connection,
    name: &str,
    credentials: &Credentials,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<CreatedGroup, AccountError> {
    check_name("group name", name)?;
    refuse_system_name(database, name)?;
    let existing = database
        .prepare_cached(&format!("{SELECT} WHERE name_key = ?1 AND managed = 1"))?
        .query_row([name_key(name)], from_row)
        .optional()?;
    if let Some(group) = existing {
        return Ok(CreatedGroup::new(group, true));
    }
    let (id, key) = new_key(random)?;
    let sealed = seal::seal(&key, &id, credentials.public_key(), credentials.integration().as_str())?;
    insert(database, &id, name, GroupKind::Custom, &key, Some(&sealed), now)?;
    Ok(CreatedGroup::new(required(database, &id)?, false))
}

/// Adds a system group, whose key is sealed to `owner`, or to the integration, and to nobody else.
pub(super) fn create_system(
    database: &Connection,
    name: &str,
    recipient: SystemGroupOf<'_>,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<(), AccountError> {
    let (id, key) = new_key(random)?;
    match recipient {
        SystemGroupOf::Owner(owner, public) => {
            insert(database, &id, name, GroupKind::System, &key, None, now)?;
            let sealed = seal::seal(&key, &id, public, owner.as_str())?;
            add_member(database, &id, owner, Some(&sealed), now)
        }
        SystemGroupOf::Integration(credentials) => {
            let sealed = seal::seal(&key, &id, credentials.public_key(), credentials.integration().as_str())?;
            insert(database, &id, name, GroupKind::System, &key, Some(&sealed), now)
        }
    }
}

/// Whose system group it is.
pub(super) enum SystemGroupOf<'a> {
    Owner(&'a PersonId, &'a PublicKey),
    Integration(&'a Credentials),
}

pub(super) fn rename(
    database: &Connection,
    id: &GroupId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Group, AccountError> {
    check_name("group name", name)?;
    let group = writable(database, id)?;
    if group.name == name {
        return Ok(group);
    }
    refuse_system_name(database, name)?;
    let updated = database
        .prepare_cached("UPDATE groups SET name = ?2, name_key = ?3, updated_at = ?4 WHERE id = ?1")?
        .execute(params![id.as_str(), name, name_key(name), now.timestamp_millis()]);
    unique_name(updated, name)?;
    required(database, id)
}

pub(super) fn delete(database: &Connection, id: &GroupId) -> Result<(), AccountError> {
    match writable(database, id) {
        Ok(_) => {}
        Err(AccountError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    database.prepare_cached("DELETE FROM groups WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(())
}

pub(super) fn set_managed(
    database: &Connection,
    id: &GroupId,
    managed: bool,
    credentials: &Credentials,
    keys: &GroupKeys,
    now: DateTime<Utc>,
) -> Result<Group, AccountError> {
    let group = required(database, id)?;
    if group.kind == GroupKind::System {
        return Err(protected_system(&group));
    }
    if group.managed == managed {
        return Ok(group);
    }
    if managed {
        refuse_system_name(database, &group.name)?;
        if keys.open(database, id, credentials)?.is_none() {
            return Err(AccountError::protected(format!(
                "the group {}, whose key it does not hold",
                crate::text::quote(&group.name)
            )));
        }
    }
    let updated = database
        .prepare_cached("UPDATE groups SET managed = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute(params![id.as_str(), managed, now.timestamp_millis()]);
    unique_name(updated, &group.name)?;
    required(database, id)
}

pub(super) fn members(database: &Connection, group: &GroupId) -> Result<Vec<Membership>, AccountError> {
    let mut statement = database.prepare_cached(
        "SELECT m.person_id AS person, m.sealed_key IS NOT NULL AS granted
         FROM memberships m JOIN people p ON p.id = m.person_id
         WHERE m.group_id = ?1 ORDER BY p.seq",
    )?;
    let memberships = statement
        .query_map([group.as_str()], |row| {
            Ok(Membership::new(parsed(row, "person")?, state(row.get("granted")?)))
        })?
        .collect::<Result<_, _>>()?;
    Ok(memberships)
}

pub(super) fn groups_of(database: &Connection, person: &PersonId) -> Result<Vec<GroupId>, AccountError> {
    let mut statement = database.prepare_cached(
        "SELECT g.id AS id FROM memberships m JOIN groups g ON g.id = m.group_id
         WHERE m.person_id = ?1 ORDER BY g.seq",
    )?;
    Ok(statement.query_map([person.as_str()], |row| parsed(row, "id"))?.collect::<Result<_, _>>()?)
}

pub(super) fn grant(
    database: &Connection,
    group: &GroupId,
    person: &PersonId,
    credentials: &Credentials,
    keys: &GroupKeys,
    now: DateTime<Utc>,
) -> Result<Membership, AccountError> {
    writable(database, group)?;
    let person = people::required(database, person)?;
    let granted: Option<bool> = database
        .prepare_cached(
            "SELECT sealed_key IS NOT NULL FROM memberships WHERE group_id = ?1 AND person_id = ?2",
        )?
        .query_row(params![group.as_str(), person.id.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(granted) = granted {
        return Ok(Membership::new(person.id, state(granted)));
    }
    let sealed = if people::is_confirmed(&person.state) {
        Some(sealed_for(database, group, &person, credentials, keys)?)
    } else {
        None
    };
    add_member(database, group, &person.id, sealed.as_deref(), now)?;
    Ok(Membership::new(person.id, state(sealed.is_some())))
}

pub(super) fn revoke(database: &Connection, group: &GroupId, person: &PersonId) -> Result<(), AccountError> {
    writable(database, group)?;
    database
        .prepare_cached("DELETE FROM memberships WHERE group_id = ?1 AND person_id = ?2")?
        .execute([group.as_str(), person.as_str()])?;
    Ok(())
}

/// Seals the keys of all groups that a person waits for, now that their own key is trusted.
pub(super) fn grant_pending(
    database: &Connection,
    person: &Person,
    credentials: &Credentials,
    keys: &GroupKeys,
) -> Result<(), AccountError> {
    let waiting: Vec<GroupId> = database
        .prepare_cached("SELECT group_id AS id FROM memberships WHERE person_id = ?1 AND sealed_key IS NULL")?
        .query_map([person.id.as_str()], |row| parsed(row, "id"))?
        .collect::<Result<_, _>>()?;
    for group in waiting {
        let sealed = sealed_for(database, &group, person, credentials, keys)?;
        database
            .prepare_cached("UPDATE memberships SET sealed_key = ?3 WHERE group_id = ?1 AND person_id = ?2")?
            .execute(params![group.as_str(), person.id.as_str(), sealed])?;
    }
    Ok(())
}

/// Whether a person is an owner, in whatever state.
pub(super) fn is_owner(database: &Connection, person: &PersonId) -> Result<bool, AccountError> {
    let mut statement = database.prepare_cached(
        "SELECT 1 FROM memberships m JOIN groups g ON g.id = m.group_id
         WHERE m.person_id = ?2 AND g.name_key = ?1 AND g.kind = 'system'",
    )?;
    Ok(statement.exists([name_key(OWNERS).as_str(), person.as_str()])?)
}

/// Whether no other owner could sign in if this person could not.
pub(super) fn is_last_owner(database: &Connection, person: &PersonId) -> Result<bool, AccountError> {
    // The order of the joins keeps this to the few owners, however many people there are.
    let mut statement = database.prepare_cached(
        "SELECT m.person_id = ?2 FROM groups g
         CROSS JOIN memberships m ON m.group_id = g.id
         CROSS JOIN people p ON p.id = m.person_id AND p.state = 'ACTIVE'
         WHERE g.name_key = ?1 AND g.kind = 'system'",
    )?;
    let owners: Vec<bool> = statement
        .query_map([name_key(OWNERS).as_str(), person.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(owners == [true])
}

fn sealed_for(
    database: &Connection,
    group: &GroupId,
    person: &Person,
    credentials: &Credentials,
    keys: &GroupKeys,
) -> Result<Vec<u8>, AccountError> {
    let missing = |reason| AccountError::Unavailable { reason, source: None };
    let key = keys
        .open(database, group, credentials)?
        .ok_or_else(|| missing("the key of a group is not sealed to the bridge"))?;
    let public = people::public_key(database, &person.id)?
        .ok_or_else(|| missing("a confirmed person has no public key"))?;
    seal::seal(&key, group, &public, person.id.as_str())
}

fn insert(
    database: &Connection,
    id: &GroupId,
    name: &str,
    kind: GroupKind,
    key: &PrivateKey,
    integration_sealed_key: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<(), AccountError> {
    let custom = kind == GroupKind::Custom;
    let inserted = database
        .prepare_cached(
            "INSERT INTO groups
             (id, name, name_key, kind, managed, public_key, integration_sealed_key, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )?
        .execute(params![
            id.as_str(),
            name,
            name_key(name),
            if custom { "custom" } else { "system" },
            custom,
            key.public_key().as_bytes(),
            integration_sealed_key,
            now.timestamp_millis(),
        ]);
    unique_name(inserted, name)
}

fn add_member(
    database: &Connection,
    group: &GroupId,
    person: &PersonId,
    sealed_key: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<(), AccountError> {
    database
        .prepare_cached(
            "INSERT INTO memberships (group_id, person_id, sealed_key, since) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![group.as_str(), person.as_str(), sealed_key, now.timestamp_millis()])?;
    Ok(())
}

/// A second group called Owners would mislead everybody.
fn refuse_system_name(database: &Connection, name: &str) -> Result<(), AccountError> {
    let system: Vec<String> = database
        .prepare_cached("SELECT name FROM groups WHERE kind = 'system'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    match system.into_iter().find(|system| looks_like(name, system)) {
        None => Ok(()),
        Some(system) if system.to_lowercase() == name.to_lowercase() => {
            Err(AccountError::NameTaken(name.to_owned()))
        }
        Some(group) => Err(AccountError::NameLooksAlike { name: name.to_owned(), group }),
    }
}

/// Brings the keys of names into line with this build: its rules, and its Unicode, may be later than the database.
pub(super) fn refresh_name_keys(database: &Connection) -> Result<(), AccountError> {
    let groups: Vec<(String, String, String)> = database
        .prepare("SELECT id, name, name_key FROM groups")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, name, key) in groups {
        let fresh = name_key(&name);
        if fresh == key {
            continue;
        }
        match database.execute("UPDATE groups SET name_key = ?2 WHERE id = ?1", [&id, &fresh]) {
            // Two groups from before whose names are the same by now: this one keeps its key until it is renamed.
            Err(error) if is_duplicate(&error) => {}
            updated => drop(updated?),
        }
    }
    Ok(())
}

fn unique_name(result: Result<usize, rusqlite::Error>, name: &str) -> Result<(), AccountError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(AccountError::NameTaken(name.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn new_key(random: &dyn Random) -> Result<(GroupId, PrivateKey), AccountError> {
    let failed = |error: RandomError| AccountError::unavailable("a group key could not be made", error);
    Ok((GroupId::generate(random).map_err(failed)?, PrivateKey::generate(random).map_err(failed)?))
}

fn protected_system(group: &Group) -> AccountError {
    AccountError::protected(format!("the system group {}", crate::text::quote(&group.name)))
}

pub(super) fn state(granted: bool) -> MembershipState {
    if granted { MembershipState::Granted } else { MembershipState::Pending }
}

fn from_row(row: &Row<'_>) -> Result<Group, rusqlite::Error> {
    let kind: String = row.get("kind")?;
    Ok(Group {
        id: parsed(row, "id")?,
        name: row.get("name")?,
        kind: if kind == "custom" { GroupKind::Custom } else { GroupKind::System },
        managed: row.get("managed")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}
