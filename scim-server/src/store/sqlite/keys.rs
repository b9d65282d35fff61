//! Keys that an earlier version of this program made by other rules.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use scim_core::{Object, Value, urn};
use scim_filter::{CaseRule, comparison_key};

/// The rules by which keys are made. Whoever changes them adds one, and to [`bring_up_to_date`] what it takes.
///
/// 1. User names by case folding.
/// 2. User names by mapping to lower case (RFC 8265 section 3.3), which keeps ß and ss apart.
const RULES: i64 = 2;

/// The attribute whose rule has changed.
const USER_NAME: &str = "userName";

/// Makes the keys of user names anew where other rules made them. All of them change, or none.
pub(super) fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    let version = |connection: &Connection| -> rusqlite::Result<i64> {
        connection.query_row("SELECT version FROM key_rules", [], |row| row.get(0))
    };
    if version(connection)? == RULES {
        return Ok(());
    }
    // Another process may be about to do the same.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? != RULES {
        for table in ["unique_values", "shared_values"] {
            let changed = changed_names(&transaction, table)?;
            replace(&transaction, table, &changed)?;
        }
        transaction.execute("UPDATE key_rules SET version = ?1", [RULES])?;
    }
    transaction.commit()
}

struct ChangedKey {
    tenant: String,
    type_name: String,
    resource: i64,
    old: String,
    new: String,
}

fn changed_names(transaction: &Transaction<'_>, table: &str) -> rusqlite::Result<Vec<ChangedKey>> {
    let mut statement = transaction.prepare(&format!(
        "SELECT k.tenant, k.type, k.resource, k.value, r.document \
         FROM {table} k JOIN resources r ON r.seq = k.resource WHERE k.attribute = ?1"
    ))?;
    let mut rows = statement.query([USER_NAME])?;
    let mut changed = Vec::new();
    while let Some(row) = rows.next()? {
        let old: String = row.get(3)?;
        if let Some(new) = user_name_key(row.get_ref(4)?.as_blob()?)
            && new != old
        {
            let (tenant, type_name, resource) = (row.get(0)?, row.get(1)?, row.get(2)?);
            changed.push(ChangedKey { tenant, type_name, resource, old, new });
        }
    }
    Ok(changed)
}

/// The key of the user name in a document. Only the User of the RFC has the rule by its name alone; a damaged document
/// keeps its key, and is an error when it is read.
fn user_name_key(document: &[u8]) -> Option<String> {
    let document = Value::from_slice(document).ok()?;
    let user: &Object = document.as_object()?;
    let is_user = |uri: &Value| uri.as_str().is_some_and(|uri| uri.eq_ignore_ascii_case(urn::USER));
    match user.get("schemas")? {
        Value::Array(uris) if uris.iter().any(is_user) => {}
        _ => return None,
    }
    Some(comparison_key(user.get(USER_NAME)?.as_str()?, CaseRule::UserName).into_owned())
}

fn replace(transaction: &Transaction<'_>, table: &str, changed: &[ChangedKey]) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare(&format!(
        "DELETE FROM {table} WHERE tenant = ?1 AND type = ?2 AND attribute = ?3 AND value = ?4 AND resource = ?5"
    ))?;
    for key in changed {
        delete.execute(params![key.tenant, key.type_name, USER_NAME, key.old, key.resource])?;
    }
    let mut insert = transaction.prepare(&format!(
        "INSERT INTO {table} (tenant, type, attribute, value, resource) VALUES (?1, ?2, ?3, ?4, ?5)"
    ))?;
    for key in changed {
        insert.execute(params![key.tenant, key.type_name, USER_NAME, key.new, key.resource])?;
    }
    Ok(())
}
