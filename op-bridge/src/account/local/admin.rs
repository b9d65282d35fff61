//! What happens in the account without the bridge: people accept, administrators invite and look.

use rusqlite::Connection;
use serde::Serialize;

use super::super::{AccountError, Group, GroupId, MembershipState, NewPerson, Person, PersonId, PersonState};
use super::account::LocalAccount;
use super::device::Devices;
use super::people::{self, parsed};
use super::{groups, seal};
use crate::credentials::PublicKey;

impl LocalAccount {
    /// The person's side: accepts the invitation, and the change of address if one is pending, for the person
    /// who has `email` or is about to get it. Nothing to accept is no error.
    ///
    /// Accepting an invitation makes the person's key pair; the private key is written to their device's
    /// file. Needs no session, because the bridge has no part in it.
    ///
    /// # Errors
    ///
    /// [`AccountError::NobodyAt`] if nobody has the address, [`AccountError::WrongState`] while the person is
    /// suspended.
    pub async fn accept(&self, email: &str) -> Result<Acceptance, AccountError> {
        let (email, now) = (email.to_owned(), self.now());
        let (devices, random) = (self.devices.clone(), self.random.clone());
        self.database
            .write(move |database| {
                let person = people::by_email(database, &email)?.ok_or(AccountError::NobodyAt(email))?;
                if !person.state.is_active_for_scim() {
                    return Err(AccountError::WrongState { action: "accept anything", state: person.state });
                }
                let invitation = person.state == PersonState::TransferStarted;
                if invitation {
                    let key = devices.key_or_new(&person.id, &*random)?.public_key();
                    people::accept(database, &person.id, &key, &PersonState::TransferPending, now)?;
                }
                if person.pending_email.is_some() {
                    people::take_pending_email(database, &person.id, now)?;
                }
                Ok(Acceptance {
                    invitation,
                    email_change: person.pending_email.is_some(),
                    person: people::required(database, &person.id)?,
                })
            })
            .await
    }

    /// The administrator's side: invites a person without the bridge, who is therefore never confirmed by it.
    /// If somebody has the address already, that person is returned.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`].
    pub async fn invite(&self, person: NewPerson) -> Result<Person, AccountError> {
        person.check()?;
        let (now, random) = (self.now(), self.random.clone());
        self.database
            .write(move |database| match people::by_email(database, &person.email)? {
                Some(existing) => Ok(existing),
                None => people::invite(database, &person, false, now, &*random),
            })
            .await
    }

    /// All groups with their members, for a table or as JSON.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    pub async fn groups_with_members(&self) -> Result<Vec<GroupListing>, AccountError> {
        self.database
            .read(|database| {
                let listing = |group: Group| {
                    let members = member_listings(database, &group.id)?;
                    Ok(GroupListing { group, members })
                };
                groups::all(database)?.into_iter().map(listing).collect()
            })
            .await
    }

    /// Opens the key of every granted membership whose device is on this machine, and compares it with the
    /// group's public key.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`]. Keys that do not open are in the result, not an error.
    pub async fn audit_keys(&self) -> Result<KeyAudit, AccountError> {
        let devices = self.devices.clone();
        self.database.read(move |database| audit(database, &devices)).await
    }
}

/// What [`LocalAccount::accept`] did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Acceptance {
    /// The person as they are now.
    pub person: Person,
    /// Whether an invitation was accepted.
    pub invitation: bool,
    /// Whether a change of address was accepted.
    pub email_change: bool,
}

/// A group and its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupListing {
    /// The group.
    #[serde(flatten)]
    pub group: Group,
    /// The members, by when they came into the account.
    pub members: Vec<MemberListing>,
}

/// A member, with what an administrator knows them by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemberListing {
    /// The person's id.
    pub id: PersonId,
    /// The address that the person signs in with.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The person's state.
    pub state: PersonState,
    /// Whether the person can use the group's key.
    pub membership: MembershipState,
}

/// What [`LocalAccount::audit_keys`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyAudit {
    /// Granted memberships whose key opened and is the group's.
    pub opened: Vec<(GroupId, PersonId)>,
    /// Granted memberships whose member's device is not on this machine.
    pub without_device: Vec<(GroupId, PersonId)>,
    /// Granted memberships whose key does not open, or is not the group's.
    pub broken: Vec<(GroupId, PersonId)>,
}

fn audit(database: &Connection, devices: &Devices) -> Result<KeyAudit, AccountError> {
    let mut statement = database.prepare_cached(
        "SELECT g.id AS \"group\", m.person_id AS person, g.public_key AS public, m.sealed_key AS sealed
         FROM memberships m JOIN groups g ON g.id = m.group_id
         WHERE m.sealed_key IS NOT NULL ORDER BY g.seq, m.person_id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = KeyAudit::default();
    while let Some(row) = rows.next()? {
        let (group, person): (GroupId, PersonId) = (parsed(row, "group")?, parsed(row, "person")?);
        let (public, sealed): (Vec<u8>, Vec<u8>) = (row.get("public")?, row.get("sealed")?);
        let list = match devices.key(&person)? {
            None => &mut found.without_device,
            Some(device) => {
                let key = seal::open(&sealed, &group, &device, person.as_str());
                let is_the_groups =
                    key.is_some_and(|key| Some(key.public_key()) == PublicKey::from_bytes(&public));
                if is_the_groups { &mut found.opened } else { &mut found.broken }
            }
        };
        list.push((group, person));
    }
    Ok(found)
}

fn member_listings(database: &Connection, group: &GroupId) -> Result<Vec<MemberListing>, AccountError> {
    let mut statement = database.prepare_cached(
        "SELECT p.id AS id, e.address, p.name, p.state, m.sealed_key IS NOT NULL AS granted
         FROM memberships m
         JOIN people p ON p.id = m.person_id
         JOIN email_addresses e ON e.person_id = p.id AND e.kind = 'current'
         WHERE m.group_id = ?1 ORDER BY p.seq",
    )?;
    let members = statement
        .query_map([group.as_str()], |row| {
            let state: String = row.get("state")?;
            Ok(MemberListing {
                id: parsed(row, "id")?,
                email: row.get("address")?,
                name: row.get("name")?,
                state: state.into(),
                membership: groups::state(row.get("granted")?),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(members)
}
