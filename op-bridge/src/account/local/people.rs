//! People: rows, and what may happen to them.

use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::super::person::{check_email, check_name, email_key};
use super::super::{AccountError, NewPerson, Person, PersonId, PersonState};
use super::database::is_duplicate;
use super::groups;
use crate::credentials::PublicKey;
use crate::random::Random;
use crate::text::quote;

const SELECT: &str = "
SELECT p.id, p.name, p.language, p.state, p.provisioned_by_bridge, p.managed, p.created_at, p.updated_at,
       c.address AS email, n.address AS pending_email
FROM people p
JOIN email_addresses c ON c.person_id = p.id AND c.kind = 'current'
LEFT JOIN email_addresses n ON n.person_id = p.id AND n.kind = 'pending'
";

pub(super) fn all(database: &Connection) -> Result<Vec<Person>, AccountError> {
    let mut statement = database.prepare_cached(&format!("{SELECT} ORDER BY p.seq"))?;
    Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
}

pub(super) fn in_state(database: &Connection, state: &PersonState) -> Result<Vec<Person>, AccountError> {
    let mut statement = database.prepare_cached(&format!("{SELECT} WHERE p.state = ?1 ORDER BY p.seq"))?;
    Ok(statement.query_map([state.as_str()], from_row)?.collect::<Result<_, _>>()?)
}

pub(super) fn by_id(database: &Connection, id: &PersonId) -> Result<Option<Person>, AccountError> {
    let mut statement = database.prepare_cached(&format!("{SELECT} WHERE p.id = ?1"))?;
    Ok(statement.query_row([id.as_str()], from_row).optional()?)
}

/// Finds by the present address and by the one to change to.
pub(super) fn by_email(database: &Connection, email: &str) -> Result<Option<Person>, AccountError> {
    let mut statement = database.prepare_cached(&format!(
        "{SELECT} WHERE p.id = (SELECT person_id FROM email_addresses WHERE key = ?1)"
    ))?;
    Ok(statement.query_row([email_key(email)], from_row).optional()?)
}

pub(super) fn required(database: &Connection, id: &PersonId) -> Result<Person, AccountError> {
    by_id(database, id)?.ok_or_else(|| AccountError::no_person(id))
}

/// Adds a person who is invited; the caller has checked the values.
pub(super) fn invite(
    database: &Connection,
    person: &NewPerson,
    by_bridge: bool,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<Person, AccountError> {
    insert(database, person, PersonState::TransferStarted, by_bridge, now, random)
}

pub(super) fn insert(
    database: &Connection,
    person: &NewPerson,
    state: PersonState,
    by_bridge: bool,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<Person, AccountError> {
    let id = PersonId::generate(random)
        .map_err(|error| AccountError::unavailable("an id could not be made", error))?;
    database
        .prepare_cached(
            "INSERT INTO people
             (id, name, language, state, provisioned_by_bridge, managed, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?6)",
        )?
        .execute(params![
            id.as_str(),
            person.name,
            person.language,
            state.as_str(),
            by_bridge,
            now.timestamp_millis()
        ])?;
    reserve(database, &id, &person.email, "current")?;
    required(database, &id)
}

pub(super) fn suspend(
    database: &Connection,
    id: &PersonId,
    now: DateTime<Utc>,
) -> Result<Person, AccountError> {
    let person = required(database, id)?;
    let suspended = match person.state {
        PersonState::Suspended | PersonState::TransferSuspended => return Ok(person),
        PersonState::TransferStarted | PersonState::TransferPending => PersonState::TransferSuspended,
        _ => PersonState::Suspended,
    };
    if groups::is_last_owner(database, id)? {
        return Err(AccountError::protected(format!(
            "the last owner of the account, {}, who therefore cannot be suspended: make another person an owner \
             in 1Password first, then suspend this one again",
            quote(&person.email)
        )));
    }
    database
        .prepare_cached("UPDATE people SET state = ?2, state_before = state, updated_at = ?3 WHERE id = ?1")?
        .execute(params![id.as_str(), suspended.as_str(), now.timestamp_millis()])?;
    required(database, id)
}

pub(super) fn reactivate(
    database: &Connection,
    id: &PersonId,
    now: DateTime<Utc>,
) -> Result<Person, AccountError> {
    let updated = database
        .prepare_cached(
            "UPDATE people SET state = state_before, state_before = NULL, updated_at = ?2
             WHERE id = ?1 AND state_before IS NOT NULL",
        )?
        .execute(params![id.as_str(), now.timestamp_millis()])?;
    debug_assert!(updated <= 1, "ids are unique");
    required(database, id)
}

pub(super) fn rename(
    database: &Connection,
    id: &PersonId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Person, AccountError> {
    check_name("name", name)?;
    let person = required(database, id)?;
    if person.name == name {
        return Ok(person);
    }
    refuse_owner(database, &person, "name")?;
    database
        .prepare_cached("UPDATE people SET name = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute(params![id.as_str(), name, now.timestamp_millis()])?;
    required(database, id)
}

pub(super) fn change_email(
    database: &Connection,
    id: &PersonId,
    email: &str,
    now: DateTime<Utc>,
) -> Result<Person, AccountError> {
    let person = required(database, id)?;
    // An address that somebody has stays theirs, whatever was let in before.
    if email_key(&person.email) != email_key(email) {
        check_email(email)?;
    }
    if person.pending_email.as_deref() == Some(email)
        || (person.pending_email.is_none() && email_key(&person.email) == email_key(email))
    {
        return Ok(person);
    }
    refuse_owner(database, &person, "e-mail address")?;
    if public_key(database, id)?.is_none() {
        // Nobody has signed in with the old address yet: the invitation goes to the new one instead.
        database
            .prepare_cached("DELETE FROM email_addresses WHERE person_id = ?1")?
            .execute([id.as_str()])?;
        reserve(database, id, email, "current")?;
        touch(database, id, now)?;
        return required(database, id);
    }
    database
        .prepare_cached("DELETE FROM email_addresses WHERE person_id = ?1 AND kind = 'pending'")?
        .execute([id.as_str()])?;
    if email_key(&person.email) != email_key(email) {
        reserve(database, id, email, "pending")?;
    }
    touch(database, id, now)?;
    required(database, id)
}

/// Makes the pending address the present one.
pub(super) fn take_pending_email(
    database: &Connection,
    id: &PersonId,
    now: DateTime<Utc>,
) -> Result<(), AccountError> {
    database
        .prepare_cached("DELETE FROM email_addresses WHERE person_id = ?1 AND kind = 'current'")?
        .execute([id.as_str()])?;
    database
        .prepare_cached("UPDATE email_addresses SET kind = 'current' WHERE person_id = ?1")?
        .execute([id.as_str()])?;
    touch(database, id, now)
}

pub(super) fn public_key(database: &Connection, id: &PersonId) -> Result<Option<PublicKey>, AccountError> {
    let key: Option<Vec<u8>> = database
        .prepare_cached("SELECT public_key FROM people WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(key.as_deref().and_then(PublicKey::from_bytes))
}

/// Records the key that a person made when they accepted, and their new state.
pub(super) fn accept(
    database: &Connection,
    id: &PersonId,
    key: &PublicKey,
    state: &PersonState,
    now: DateTime<Utc>,
) -> Result<(), AccountError> {
    database
        .prepare_cached("UPDATE people SET public_key = ?2, state = ?3, updated_at = ?4 WHERE id = ?1")?
        .execute(params![id.as_str(), key.as_bytes(), state.as_str(), now.timestamp_millis()])?;
    Ok(())
}

pub(super) fn set_active(
    database: &Connection,
    id: &PersonId,
    now: DateTime<Utc>,
) -> Result<(), AccountError> {
    database
        .prepare_cached("UPDATE people SET state = 'ACTIVE', updated_at = ?2 WHERE id = ?1")?
        .execute(params![id.as_str(), now.timestamp_millis()])?;
    Ok(())
}

/// Records whether the identity provider manages a person. Nothing of the person's own changes.
pub(super) fn set_managed(
    database: &Connection,
    id: &PersonId,
    managed: bool,
) -> Result<Person, AccountError> {
    database
        .prepare_cached("UPDATE people SET managed = ?2 WHERE id = ?1")?
        .execute(params![id.as_str(), managed])?;
    required(database, id)
}

/// Whether the person's key is trusted: memberships are granted at once, not when they are confirmed.
pub(super) fn is_confirmed(state: &PersonState) -> bool {
    matches!(state, PersonState::Active | PersonState::Suspended)
}

/// Whoever writes the identity provider must not get hold of an owner: not by another address, and not by a name that
/// makes one look like somebody else.
fn refuse_owner(database: &Connection, person: &Person, what: &str) -> Result<(), AccountError> {
    if !groups::is_owner(database, &person.id)? {
        return Ok(());
    }
    Err(AccountError::protected(format!(
        "the {what} of {}, an owner of the account: change it in 1Password itself, or take the person out of the \
         group `{}` there first",
        quote(&person.email),
        groups::OWNERS
    )))
}

fn reserve(database: &Connection, id: &PersonId, email: &str, kind: &str) -> Result<(), AccountError> {
    let inserted = database
        .prepare_cached(
            "INSERT INTO email_addresses (key, address, person_id, kind) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![email_key(email), email, id.as_str(), kind]);
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(AccountError::EmailTaken(email.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Brings the keys of addresses into line with this build: its rules, and its Unicode, may be later than the database.
pub(super) fn refresh_email_keys(database: &Connection) -> Result<(), AccountError> {
    let addresses: Vec<(String, String, String)> = database
        .prepare("SELECT key, address, person_id FROM email_addresses")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (key, address, person) in addresses {
        let fresh = email_key(&address);
        if fresh == key {
            continue;
        }
        match database.execute("UPDATE email_addresses SET key = ?2 WHERE key = ?1", [&key, &fresh]) {
            Err(error) if is_duplicate(&error) => tracing::error!(
                person,
                "the account has two people whose e-mail addresses are the same by now: this one is found by id only, \
                 until they get another address"
            ),
            updated => drop(updated?),
        }
    }
    Ok(())
}

fn touch(database: &Connection, id: &PersonId, now: DateTime<Utc>) -> Result<(), AccountError> {
    database
        .prepare_cached("UPDATE people SET updated_at = :now WHERE id = :id")?
        .execute(named_params! { ":id": id.as_str(), ":now": now.timestamp_millis() })?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<Person, rusqlite::Error> {
    let state: String = row.get("state")?;
    Ok(Person {
        id: parsed(row, "id")?,
        email: row.get("email")?,
        pending_email: row.get("pending_email")?,
        name: row.get("name")?,
        state: state.into(),
        language: row.get("language")?,
        provisioned_by_bridge: row.get("provisioned_by_bridge")?,
        managed: row.get("managed")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

/// A text column whose text is an id.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> Result<T, rusqlite::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

/// A column of milliseconds since 1970.
pub(super) fn instant(row: &Row<'_>, column: &str) -> Result<DateTime<Utc>, rusqlite::Error> {
    let milliseconds = row.get(column)?;
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, milliseconds))
}
