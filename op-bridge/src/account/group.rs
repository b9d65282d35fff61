//! Groups, and who is in them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::{GroupId, PersonId};

/// A group in the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// The group's id; it never changes.
    pub id: GroupId,
    /// The group's name.
    pub name: String,
    /// Whether the account made the group, or somebody in it.
    pub kind: GroupKind,
    /// Whether the bridge may see and change it: because it made it, or because an administrator said so.
    pub managed: bool,
    /// When the group was made.
    pub created_at: DateTime<Utc>,
    /// When its name, or whether it is managed, last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who made a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GroupKind {
    /// The account: Owners, Administrators and the like. Such a group carries rights over the whole account
    /// and is never written by the bridge.
    System,
    /// Somebody in the account, or the bridge.
    Custom,
}

/// One person in one group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Membership {
    /// The member.
    pub person: PersonId,
    /// Whether the member can use the group's key yet.
    pub state: MembershipState,
}

/// Whether a member can use the group's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MembershipState {
    /// The group's key is sealed to the member's key.
    Granted,
    /// The person is not confirmed and so has no trusted key; confirming them grants the membership.
    Pending,
}

impl Membership {
    /// A membership of `person`.
    pub fn new(person: PersonId, state: MembershipState) -> Self {
        Self { person, state }
    }
}
