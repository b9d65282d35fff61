//! The trait that every way of reaching an account implements.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::error::AccountError;
use super::group::{Group, Membership};
use super::id::{GroupId, PersonId};
use super::person::{NewPerson, Person, PersonState};

/// What a 1Password account offers to a bridge.
///
/// # Contract
///
/// - Every method that changes something may be repeated: asking for what is already so is not an error. A
///   crash between a change here and the bridge's own records is healed by asking again.
/// - A change that was answered is durable.
/// - Every method that changes something needs an unlocked session, else [`AccountError::Locked`]. Reading
///   does not.
/// - Nobody is ever deleted: there is no method for it.
/// - System groups ([`GroupKind::System`](super::GroupKind)) and groups that are not managed are never
///   changed: [`AccountError::Protected`].
/// - Owners (the members of the system group of that name) keep their name and their address, and the last
///   owner who can sign in is never suspended: [`AccountError::Protected`], with a text that says who is
///   protected and what to do instead. Other owners are suspended and reactivated as everybody is, so that a
///   leaver keeps no access.
/// - Lists are ordered by creation, then by id.
#[async_trait]
pub trait Account: fmt::Debug + Send + Sync {
    /// What this kind of account can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether the account can be reached and, if a session is open, whether the session belongs to it.
    ///
    /// # Errors
    ///
    /// What an operation would fail with now.
    async fn check(&self) -> Result<(), AccountError>;

    /// Everybody in the account, suspended people too.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn people(&self) -> Result<Vec<Person>, AccountError>;

    /// The person with an id; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, AccountError>;

    /// The person who has an address, or is about to get it. Addresses are compared as SCIM compares user names
    /// (RFC 8265 section 3.3): without case, width and the way in which accents are written.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, AccountError>;

    /// The people who have accepted and wait to be confirmed, whoever invited them.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn awaiting_confirmation(&self) -> Result<Vec<Person>, AccountError> {
        let mut people = self.people().await?;
        people.retain(|person| person.state == PersonState::TransferPending);
        Ok(people)
    }

    /// Invites a person. If somebody has the address already, or is about to get it, nothing is changed and
    /// that person is returned, in whatever state they are.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::DomainNotAllowed`], and the errors of every change.
    async fn provision(&self, person: NewPerson) -> Result<ProvisionedPerson, AccountError>;

    /// Confirms a person whom the bridge invited and who has accepted, which grants their memberships.
    ///
    /// # Errors
    ///
    /// [`AccountError::WrongState`] if the person has not accepted or is suspended;
    /// [`AccountError::Protected`] if somebody else invited the person.
    async fn confirm(&self, id: &PersonId) -> Result<Person, AccountError>;

    /// Suspends a person: they can no longer sign in. Memberships stay.
    ///
    /// # Errors
    ///
    /// [`AccountError::Protected`] for the last owner who can sign in.
    async fn suspend(&self, id: &PersonId) -> Result<Person, AccountError>;

    /// Brings a suspended person back to the state they were in.
    ///
    /// # Errors
    ///
    /// Those of every change.
    async fn reactivate(&self, id: &PersonId) -> Result<Person, AccountError>;

    /// Changes a person's display name.
    ///
    /// # Errors
    ///
    /// [`AccountError::Protected`] for another name of an owner; [`AccountError::Invalid`].
    async fn rename(&self, id: &PersonId, name: &str) -> Result<Person, AccountError>;

    /// Asks a person to change their address. It stays pending until they accept; another call replaces the
    /// pending address, and the present address (in any case) takes the request back. Somebody who has not
    /// accepted their invitation yet has the new address at once: they are invited there instead.
    ///
    /// # Errors
    ///
    /// [`AccountError::Protected`] for another address of an owner; [`AccountError::EmailTaken`],
    /// [`AccountError::Invalid`], [`AccountError::DomainNotAllowed`].
    async fn change_email(&self, id: &PersonId, email: &str) -> Result<Person, AccountError>;

    /// Remembers whether the identity provider manages a person: it has created or adopted them, and not deleted them
    /// since. This survives the loss of what the bridge keeps beside the account; it changes nothing of the person's.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    async fn set_person_managed(&self, id: &PersonId, managed: bool) -> Result<Person, AccountError>;

    /// All groups, system groups and unmanaged ones too.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn groups(&self) -> Result<Vec<Group>, AccountError>;

    /// The group with an id; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unavailable`].
    async fn group(&self, id: &GroupId) -> Result<Option<Group>, AccountError>;

    /// Makes a managed group. If a managed group has the name already, nothing is changed and that group is
    /// returned. A group that is not managed may have the same name.
    ///
    /// Names are compared as they are read: without case, invisible characters and superfluous white space,
    /// in Unicode's compatibility form (NFKC).
    ///
    /// # Errors
    ///
    /// [`AccountError::NameTaken`] for the name of a system group, [`AccountError::NameLooksAlike`] for one that
    /// could be taken for it; [`AccountError::Invalid`] for one that is empty, invisible, too long or has control
    /// characters in it.
    async fn create_group(&self, name: &str) -> Result<CreatedGroup, AccountError>;

    /// Changes a group's name.
    ///
    /// # Errors
    ///
    /// [`AccountError::NameTaken`] for the name of another managed group, and otherwise as
    /// [`create_group`](Self::create_group).
    async fn rename_group(&self, id: &GroupId, name: &str) -> Result<Group, AccountError>;

    /// Deletes a group and its memberships; its members stay in the account. A group that does not exist is
    /// deleted already.
    ///
    /// # Errors
    ///
    /// Those of every change.
    async fn delete_group(&self, id: &GroupId) -> Result<(), AccountError>;

    /// The members of a group.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    async fn members(&self, group: &GroupId) -> Result<Vec<Membership>, AccountError>;

    /// The groups of a person, system groups and unmanaged ones too.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    async fn groups_of(&self, person: &PersonId) -> Result<Vec<GroupId>, AccountError>;

    /// Puts a person into a group.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`] for the group or the person.
    async fn grant(&self, group: &GroupId, person: &PersonId) -> Result<Membership, AccountError>;

    /// Takes a person out of a group. Somebody who is not a member is out already.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`] for the group.
    async fn revoke(&self, group: &GroupId, person: &PersonId) -> Result<(), AccountError>;

    /// Says whether the bridge may see and change a group: an administrator's choice.
    ///
    /// # Errors
    ///
    /// [`AccountError::Protected`] for a system group, or one whose key the integration does not hold;
    /// [`AccountError::NameTaken`] if another managed group has the name, [`AccountError::NameLooksAlike`] if it
    /// could be taken for that of a system group.
    async fn set_managed(&self, group: &GroupId, managed: bool) -> Result<Group, AccountError>;
}

/// What [`Account::provision`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvisionedPerson {
    /// The person, new or not.
    pub person: Person,
    /// Whether the person was in the account before.
    pub existed: bool,
}

impl ProvisionedPerson {
    /// A person, and whether they were in the account before.
    pub fn new(person: Person, existed: bool) -> Self {
        Self { person, existed }
    }
}

/// What [`Account::create_group`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedGroup {
    /// The group, new or not.
    pub group: Group,
    /// Whether the group was in the account before.
    pub existed: bool,
}

impl CreatedGroup {
    /// A group, and whether it was in the account before.
    pub fn new(group: Group, existed: bool) -> Self {
        Self { group, existed }
    }
}

/// Something that an account may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Listing and finding people.
    ListPeople,
    /// Inviting people.
    Provision,
    /// Confirming people.
    Confirm,
    /// Suspending and reactivating people.
    Suspend,
    /// Changing names of people.
    Rename,
    /// Changing addresses of people.
    ChangeEmail,
    /// Listing groups and their members.
    ListGroups,
    /// Making, renaming and deleting groups.
    EditGroups,
    /// Putting people into groups and taking them out.
    EditMemberships,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 9] = [
        Self::ListPeople,
        Self::Provision,
        Self::Confirm,
        Self::Suspend,
        Self::Rename,
        Self::ChangeEmail,
        Self::ListGroups,
        Self::EditGroups,
        Self::EditMemberships,
    ];
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ListPeople => "listing people",
            Self::Provision => "inviting people",
            Self::Confirm => "confirming people",
            Self::Suspend => "suspending and reactivating people",
            Self::Rename => "changing names of people",
            Self::ChangeEmail => "changing e-mail addresses of people",
            Self::ListGroups => "listing groups",
            Self::EditGroups => "making, renaming and deleting groups",
            Self::EditMemberships => "changing who is in a group",
        })
    }
}

/// The set of things that an account can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// Everything.
    pub fn all() -> Self {
        Capability::ALL.into_iter().collect()
    }

    /// Whether `capability` is in the set.
    pub fn has(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    /// Each capability once.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }

    /// Checks that `capability` is in the set.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unsupported`] if it is not.
    pub fn require(&self, capability: Capability) -> Result<(), AccountError> {
        if self.has(capability) { Ok(()) } else { Err(AccountError::Unsupported(capability)) }
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        let mut all: Vec<_> = capabilities.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }
}

#[async_trait]
impl<A: Account + ?Sized> Account for Arc<A> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    async fn check(&self) -> Result<(), AccountError> {
        (**self).check().await
    }

    async fn people(&self) -> Result<Vec<Person>, AccountError> {
        (**self).people().await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, AccountError> {
        (**self).person(id).await
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, AccountError> {
        (**self).person_by_email(email).await
    }

    async fn awaiting_confirmation(&self) -> Result<Vec<Person>, AccountError> {
        (**self).awaiting_confirmation().await
    }

    async fn provision(&self, person: NewPerson) -> Result<ProvisionedPerson, AccountError> {
        (**self).provision(person).await
    }

    async fn confirm(&self, id: &PersonId) -> Result<Person, AccountError> {
        (**self).confirm(id).await
    }

    async fn suspend(&self, id: &PersonId) -> Result<Person, AccountError> {
        (**self).suspend(id).await
    }

    async fn reactivate(&self, id: &PersonId) -> Result<Person, AccountError> {
        (**self).reactivate(id).await
    }

    async fn rename(&self, id: &PersonId, name: &str) -> Result<Person, AccountError> {
        (**self).rename(id, name).await
    }

    async fn change_email(&self, id: &PersonId, email: &str) -> Result<Person, AccountError> {
        (**self).change_email(id, email).await
    }

    async fn set_person_managed(&self, id: &PersonId, managed: bool) -> Result<Person, AccountError> {
        (**self).set_person_managed(id, managed).await
    }

    async fn groups(&self) -> Result<Vec<Group>, AccountError> {
        (**self).groups().await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Group>, AccountError> {
        (**self).group(id).await
    }

    async fn create_group(&self, name: &str) -> Result<CreatedGroup, AccountError> {
        (**self).create_group(name).await
    }

    async fn rename_group(&self, id: &GroupId, name: &str) -> Result<Group, AccountError> {
        (**self).rename_group(id, name).await
    }

    async fn delete_group(&self, id: &GroupId) -> Result<(), AccountError> {
        (**self).delete_group(id).await
    }

    async fn members(&self, group: &GroupId) -> Result<Vec<Membership>, AccountError> {
        (**self).members(group).await
    }

    async fn groups_of(&self, person: &PersonId) -> Result<Vec<GroupId>, AccountError> {
        (**self).groups_of(person).await
    }

    async fn grant(&self, group: &GroupId, person: &PersonId) -> Result<Membership, AccountError> {
        (**self).grant(group, person).await
    }

    async fn revoke(&self, group: &GroupId, person: &PersonId) -> Result<(), AccountError> {
        (**self).revoke(group, person).await
    }

    async fn set_managed(&self, group: &GroupId, managed: bool) -> Result<Group, AccountError> {
        (**self).set_managed(group, managed).await
    }
}
