use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::account::local::{GroupListing, LocalAccount};
use crate::account::{Account, AccountError, Person};
use crate::text;

/// Everybody in the account: a table, or JSON.
///
/// # Errors
///
/// [`AccountError::Unavailable`].
pub async fn people(account: &LocalAccount, json: bool) -> Result<String, AccountError> {
    let people = account.people().await?;
    if json {
        let rows: Vec<serde_json::Value> = people.iter().map(person_json).collect();
        return Ok(pretty(&rows));
    }
    let rows = people.iter().map(|person| {
        let email = match &person.pending_email {
            Some(pending) => format!("{} (becomes {pending})", person.email),
            None => person.email.clone(),
        };
        let by = if person.provisioned_by_bridge { "bridge" } else { "-" };
        [email, person.name.clone(), person.state.to_string(), by.to_owned(), person.id.to_string()]
    });
    Ok(table(["EMAIL", "NAME", "STATE", "INVITED BY", "ID"], rows))
}

/// Every group with its members: a table, or JSON.
///
/// # Errors
///
/// [`AccountError::Unavailable`].
pub async fn groups(account: &LocalAccount, json: bool) -> Result<String, AccountError> {
    let groups = account.groups_with_members().await?;
    if json {
        let rows: Vec<serde_json::Value> = groups.iter().map(group_json).collect();
        return Ok(pretty(&rows));
    }
    let rows = groups.iter().map(|listing| {
        let members: Vec<&str> = listing.members.iter().map(|member| member.email.as_str()).collect();
        let managed = if listing.group.managed { "yes" } else { "no" };
        let members = if members.is_empty() { "-".to_owned() } else { members.join(", ") };
        [listing.group.name.clone(), managed.to_owned(), listing.group.id.to_string(), members]
    });
    Ok(table(["GROUP", "MANAGED", "ID", "MEMBERS"], rows))
}

/// The person's side: accepts what is waiting for the person with this address. The text says what that was.
///
/// # Errors
///
/// As [`LocalAccount::accept`].
pub async fn accept(account: &LocalAccount, email: &str) -> Result<String, AccountError> {
    let acceptance = account.accept(email).await?;
    let email = &acceptance.person.email;
    Ok(match (acceptance.invitation, acceptance.email_change) {
        (true, true) => format!(
            "{email} has accepted the invitation and the new address; the bridge confirms them next\n"
        ),
        (true, false) => format!("{email} has accepted the invitation; the bridge confirms them next\n"),
        (false, true) => format!("{email} has accepted the new address\n"),
        (false, false) => format!("nothing is waiting for {email}\n"),
    })
}

fn person_json(person: &Person) -> serde_json::Value {
    serde_json::json!({
        "id": person.id,
        "email": person.email,
        "pendingEmail": person.pending_email,
        "name": person.name,
        "state": person.state,
        "provisioned": person.provisioned_by_bridge,
    })
}

fn group_json(listing: &GroupListing) -> serde_json::Value {
    let members: Vec<serde_json::Value> = listing
        .members
        .iter()
        .map(|member| {
            serde_json::json!({
                "id": member.id,
                "email": member.email,
                "name": member.name,
                "state": member.state,
                "membership": member.membership,
            })
        })
        .collect();
    serde_json::json!({
        "id": listing.group.id,
        "name": listing.group.name,
        "kind": listing.group.kind,
        "managed": listing.group.managed,
        "members": members,
    })
}

fn pretty(rows: &[serde_json::Value]) -> String {
    let mut text = serde_json::to_string_pretty(rows).unwrap_or_default();
    text.push('\n');
    text
}

/// The most columns of a cell that is not the last one.
const CELL_MAX: usize = 48;

/// Columns as wide as their widest cell on a terminal, two blanks between; the last one as long as it is.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let shown = |row: [String; N]| {
        let mut row = row.map(|cell| visible(&cell));
        for cell in row.iter_mut().rev().skip(1) {
            *cell = shortened(cell);
        }
        row
    };
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows.map(shown)).collect();
    let mut widths = [0_usize; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Without anything that moves the cursor or turns the direction of writing: names come from outside.
fn visible(cell: &str) -> String {
    cell.chars().map(|c| if text::steers(c) { '\u{fffd}' } else { c }).collect()
}

fn shortened(cell: &str) -> String {
    if cell.width() <= CELL_MAX {
        return cell.to_owned();
    }
    let mut short = String::new();
    for c in cell.chars() {
        if short.width() + c.width().unwrap_or_default() >= CELL_MAX {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(rows: &[[&str; N]]) -> std::vec::IntoIter<[String; N]> {
        rows.iter().map(|row| row.map(str::to_owned)).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let text = table(["X", "Y"], rows(&[["a", "b"], ["long one", "c"]]));
        assert_eq!(text, "X         Y\na         b\nlong one  c\n");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let text = table(["NAME", "Y"], rows(&[["山田太郎", "b"], ["Ada", "c"]]));
        assert_eq!(text, "NAME      Y\n山田太郎  b\nAda       c\n");
    }

    #[test]
    fn names_cannot_steer_the_terminal_or_push_everything_away() {
        let long = "x".repeat(512);
        let text = table(["NAME", "Y"], rows(&[["a\u{1b}[2J\nb\u{202e}c", "d"], [&long, &long]]));
        assert_eq!(text.lines().count(), 3);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
        let last = text.lines().last().unwrap();
        assert_eq!(last.find("  x"), Some(CELL_MAX - 1 + '…'.len_utf8()), "{last}");
        assert!(last.ends_with(&long), "the last column is whole");
    }
}
