//! A new account: its owner, and the groups that every account has.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, TransactionBehavior, params};

use super::super::{AccountError, NewPerson, PersonState};
use super::device::Devices;
use super::groups::{self, OWNERS, SystemGroupOf};
use super::people;
use super::schema::MIGRATIONS;
use crate::random::Random;

/// The groups that an account has from its first day; the owner is in all of them.
const SYSTEM_GROUPS: [&str; 5] = [OWNERS, "Administrators", "Security", "Recovery", "Provision Managers"];

/// The owner's address: `.invalid` never receives mail (RFC 2606 section 2).
const OWNER_EMAIL: &str = "owner@account.invalid";
const OWNER_NAME: &str = "Account Owner";

/// Brings the tables up to date.
pub(super) fn migrate(database: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    MIGRATIONS.to_latest(database)
}

/// Makes the account if there is none.
pub(super) fn found(
    database: &mut Connection,
    devices: &Devices,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<(), AccountError> {
    // Another process may be doing the same; one of the two waits here and then finds the account.
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.prepare("SELECT 1 FROM account")?.exists([])? {
        groups::refresh_name_keys(&transaction)?;
        people::refresh_email_keys(&transaction)?;
        return Ok(transaction.commit()?);
    }
    transaction.execute("INSERT INTO account (only, created_at) VALUES (1, ?1)", [now.timestamp_millis()])?;
    let owner = NewPerson::new(OWNER_EMAIL, OWNER_NAME);
    let owner = people::insert(&transaction, &owner, PersonState::Active, false, now, random)?;
    let key = devices.key_or_new(&owner.id, random)?.public_key();
    transaction.execute(
        "UPDATE people SET public_key = ?2 WHERE id = ?1",
        params![owner.id.as_str(), key.as_bytes()],
    )?;
    for name in SYSTEM_GROUPS {
        groups::create_system(&transaction, name, SystemGroupOf::Owner(&owner.id, &key), now, random)?;
    }
    transaction.commit()?;
    Ok(())
}
