//! Which integration acts in the account: the first one that unlocks, and no other after it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::super::AccountError;
use super::groups::{self, SystemGroupOf};
use crate::credentials::Credentials;
use crate::random::Random;

/// The integration's own group.
const GROUP: &str = "SCIM Bridge";

/// Checks that the account belongs to `credentials`; an account that belongs to nobody yet is given to them. Whether that was so.
pub(super) fn ensure(
    database: &Connection,
    credentials: &Credentials,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<bool, AccountError> {
    if is_registered(database, credentials)? {
        return Ok(false);
    }
    database.execute(
        "UPDATE account SET account_id = ?1, integration_id = ?2, integration_key = ?3, integration_since = ?4",
        params![
            credentials.account().as_str(),
            credentials.integration().as_str(),
            credentials.public_key().as_bytes(),
            now.timestamp_millis(),
        ],
    )?;
    groups::create_system(database, GROUP, SystemGroupOf::Integration(credentials), now, random)?;
    Ok(true)
}

/// To be said once, when it has been saved.
pub(super) fn log(credentials: &Credentials) {
    tracing::info!(
        account = %credentials.account(),
        integration = %credentials.integration(),
        "the account now belongs to this session"
    );
}

/// Whether `credentials` are the account's; `false` if it has none yet.
pub(super) fn is_registered(database: &Connection, credentials: &Credentials) -> Result<bool, AccountError> {
    let registered: (Option<String>, Option<Vec<u8>>) = database
        .prepare_cached("SELECT integration_id, integration_key FROM account")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match registered {
        (None, _) | (_, None) => Ok(false),
        (Some(integration), Some(key))
            if integration == credentials.integration().as_str()
                && key == credentials.public_key().as_bytes() =>
        {
            Ok(true)
        }
        _ => Err(AccountError::OtherSession),
    }
}
