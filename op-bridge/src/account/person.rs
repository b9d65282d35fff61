//! People, and the states that 1Password knows for them.

use std::fmt;

use chrono::{DateTime, Utc};
use scim_filter::{CaseRule, comparison_key};
use serde::{Deserialize, Serialize};

use super::address;
use super::error::AccountError;
use super::id::PersonId;
use super::name::{is_unseen, is_visible, turns};

/// The most characters of a name.
pub const NAME_MAX: usize = 512;
/// The most characters of an e-mail address (RFC 5321 section 4.5.3.1.3, without the brackets).
pub const EMAIL_MAX: usize = 254;
/// The most characters of a language tag (RFC 5646 section 4.4.1).
pub const LANGUAGE_MAX: usize = 35;

/// A person in the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Person {
    /// The person's id; it never changes.
    pub id: PersonId,
    /// The address that the person signs in with.
    pub email: String,
    /// The address that the person is asked to change to, until they accept.
    pub pending_email: Option<String>,
    /// The display name.
    pub name: String,
    /// Where the person is between invitation and suspension.
    pub state: PersonState,
    /// The language of mail to the person, as a tag of RFC 5646.
    pub language: String,
    /// Whether the bridge invited the person. Nobody else is ever confirmed by it.
    pub provisioned_by_bridge: bool,
    /// Whether the identity provider manages the person ([`Account::set_person_managed`](super::Account)); `None` where
    /// the account has not been told. Somebody whom the bridge provisions is managed from the start.
    pub managed: Option<bool>,
    /// When the person came into the account.
    pub created_at: DateTime<Utc>,
    /// When the account last changed the person.
    pub updated_at: DateTime<Utc>,
}

impl Person {
    /// Whether an identity provider that has lost sight of the person is to see them again.
    pub fn belongs_in_view(&self) -> bool {
        let invited = || self.provisioned_by_bridge && self.state.is_active_for_scim();
        self.managed == Some(true) || invited()
    }

    /// The address that the person has, or is about to get.
    pub fn address(&self) -> &str {
        self.pending_email.as_deref().unwrap_or(&self.email)
    }
}

/// Where a person is in their life in the account, by 1Password's names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum PersonState {
    /// `ACTIVE`: a confirmed member.
    Active,
    /// `SUSPENDED`: a member who cannot sign in.
    Suspended,
    /// `TRANSFER_STARTED`: provisioned, has not accepted the invitation.
    TransferStarted,
    /// `TRANSFER_PENDING`: has accepted, waits to be confirmed.
    TransferPending,
    /// `TRANSFER_SUSPENDED`: suspended before being confirmed.
    TransferSuspended,
    /// `RECOVERY_STARTED`: an administrator has begun to recover the person's access.
    RecoveryStarted,
    /// `RECOVERY_ACCEPTED`: the person has accepted that recovery.
    RecoveryAccepted,
    /// Any other state, as the account wrote it.
    Other(String),
}

impl PersonState {
    /// The name that 1Password uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::TransferStarted => "TRANSFER_STARTED",
            Self::TransferPending => "TRANSFER_PENDING",
            Self::TransferSuspended => "TRANSFER_SUSPENDED",
            Self::RecoveryStarted => "RECOVERY_STARTED",
            Self::RecoveryAccepted => "RECOVERY_ACCEPTED",
            Self::Other(name) => name,
        }
    }

    /// What SCIM calls `active`: every state but the two suspended ones. A person who has only been invited
    /// is active.
    pub fn is_active_for_scim(&self) -> bool {
        !matches!(self, Self::Suspended | Self::TransferSuspended)
    }
}

impl From<&str> for PersonState {
    fn from(name: &str) -> Self {
        match name {
            "ACTIVE" => Self::Active,
            "SUSPENDED" => Self::Suspended,
            "TRANSFER_STARTED" => Self::TransferStarted,
            "TRANSFER_PENDING" => Self::TransferPending,
            "TRANSFER_SUSPENDED" => Self::TransferSuspended,
            "RECOVERY_STARTED" => Self::RecoveryStarted,
            "RECOVERY_ACCEPTED" => Self::RecoveryAccepted,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl From<String> for PersonState {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl From<PersonState> for String {
    fn from(state: PersonState) -> Self {
        state.as_str().to_owned()
    }
}

impl fmt::Display for PersonState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person to be invited.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPerson {
    /// The address that the invitation goes to.
    pub email: String,
    /// The display name.
    pub name: String,
    /// The language of the invitation, as a tag of RFC 5646.
    pub language: String,
}

impl NewPerson {
    /// A person with an address and a name, invited in English.
    pub fn new(email: impl Into<String>, name: impl Into<String>) -> Self {
        Self { email: email.into(), name: name.into(), language: "en".to_owned() }
    }

    /// The same person, invited in `language`.
    #[must_use]
    pub fn with_language(self, language: impl Into<String>) -> Self {
        Self { language: language.into(), ..self }
    }

    /// Checks what every account asks for.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`] for an address, name or language that no account takes.
    pub fn check(&self) -> Result<(), AccountError> {
        check_email(&self.email)?;
        check_name("name", &self.name)?;
        check_language(&self.language)
    }
}

/// Checks an address that somebody is to be given.
pub(crate) fn check_email(email: &str) -> Result<(), AccountError> {
    let invalid = |problem| Err(AccountError::Invalid { what: "e-mail address", problem });
    if email.chars().count() > EMAIL_MAX {
        return invalid("it has more than 254 characters");
    }
    if email.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return invalid("it has white space or control characters in it");
    }
    if email.chars().any(is_unseen) {
        return invalid("it has characters in it that cannot be seen");
    }
    address::problem(email).map_or(Ok(()), invalid)
}

pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), AccountError> {
    if name.trim().is_empty() {
        return Err(AccountError::Invalid { what, problem: "it is empty" });
    }
    if !is_visible(name) {
        return Err(AccountError::Invalid { what, problem: "nothing of it can be seen" });
    }
    if name.chars().count() > NAME_MAX {
        return Err(AccountError::Invalid { what, problem: "it has more than 512 characters" });
    }
    if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(AccountError::Invalid { what, problem: "it has control characters in it" });
    }
    if name.chars().any(turns) {
        return Err(AccountError::Invalid {
            what,
            problem: "it has characters in it that turn the direction of writing",
        });
    }
    Ok(())
}

fn check_language(language: &str) -> Result<(), AccountError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if language.is_empty() || language.len() > LANGUAGE_MAX || !language.chars().all(legal) {
        return Err(AccountError::Invalid {
            what: "language",
            problem: "it is not a language tag such as `en`",
        });
    }
    Ok(())
}

/// Two addresses are the same if these are: the account compares them as SCIM compares user names, so that nobody can be
/// in the account twice and in the view once.
pub(crate) fn email_key(email: &str) -> String {
    comparison_key(email, CaseRule::UserName).into_owned()
}

/// Whether two addresses are one.
pub(crate) fn is_same_email(one: &str, other: &str) -> bool {
    email_key(one) == email_key(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_keep_their_names_and_scim_sees_only_suspension() {
        let table = [
            ("ACTIVE", true),
            ("SUSPENDED", false),
            ("TRANSFER_STARTED", true),
            ("TRANSFER_PENDING", true),
            ("TRANSFER_SUSPENDED", false),
            ("RECOVERY_STARTED", true),
            ("RECOVERY_ACCEPTED", true),
            ("SOMETHING_NEW", true),
        ];
        for (name, active) in table {
            let state = PersonState::from(name);
            assert_eq!(state.to_string(), name);
            assert_eq!(state.is_active_for_scim(), active, "{name}");
        }
    }

    #[test]
    fn impossible_people_are_refused_with_a_reason() {
        let table = [
            ("", "A", "e-mail address: it needs a name, an `@` and a domain"),
            ("a@", "A", "e-mail address: it needs a name, an `@` and a domain"),
            ("a b@c.d", "A", "e-mail address: it has white space or control characters in it"),
            ("a\u{200b}@c.d", "A", "e-mail address: it has characters in it that cannot be seen"),
            ("a@c\u{202e}.d", "A", "e-mail address: it has characters in it that cannot be seen"),
            ("a\u{3164}@c.d", "A", "e-mail address: it has characters in it that cannot be seen"),
            ("a@c.d", "\u{202e}srenwO", "name: it has characters in it that turn the direction of writing"),
            (
                "a@c.d",
                "A \u{2067}B\u{2069}",
                "name: it has characters in it that turn the direction of writing",
            ),
            ("a@c.d", " ", "name: it is empty"),
            ("a@c.d", "A\nB", "name: it has control characters in it"),
            ("a@c.d", "A\u{2028}B", "name: it has control characters in it"),
            ("a@c.d", "\u{200b}\u{3164}", "name: nothing of it can be seen"),
        ];
        for (email, name, problem) in table {
            let refused = NewPerson::new(email, name).check().unwrap_err();
            assert_eq!(refused.to_string(), format!("the account cannot take this {problem}"));
        }
        assert!(NewPerson::new(format!("{}@c.d", "a".repeat(251)), "A").check().is_err());
        assert!(NewPerson::new("a@c.d", "A").with_language("en us").check().is_err());
        NewPerson::new("\"x@y\"@example.com", "Ä").with_language("zh-Hant").check().unwrap();
    }

    #[test]
    fn addresses_compare_as_user_names_do() {
        for (one, other) in [
            ("Ada@Example.com", "ada@example.COM"),
            ("jos\u{e9}@x.org", "jose\u{301}@x.org"),
            ("STRA\u{1e9e}E@x.org", "stra\u{df}e@x.org"),
            ("ａda@x.org", "ada@x.org"),
        ] {
            assert!(is_same_email(one, other), "{one} {other}");
        }
        for (one, other) in [("jose@x.org", "jos\u{e9}@x.org"), ("stra\u{df}e@x.org", "strasse@x.org")] {
            assert!(!is_same_email(one, other), "{one} {other}");
        }
    }
}
