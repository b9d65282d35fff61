//! Why an account refuses, in words for the administrator of an identity provider.

use super::person::PersonState;
use super::port::Capability;
use crate::text;

/// Why an account did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Another person has the address, or is about to get it.
    #[error("the e-mail address {} belongs to another person in the account", text::quote(.0))]
    EmailTaken(String),
    /// Another group has the name.
    #[error("the group name {} belongs to another group in the account", text::quote(.0))]
    NameTaken(String),
    /// The name could be taken for that of a group that the account made itself.
    #[error(
        "the group name {} looks like {}, which is one of the account's own groups: choose another name",
        text::quote(name),
        text::quote(group)
    )]
    NameLooksAlike {
        /// The name that was asked for.
        name: String,
        /// The system group.
        group: String,
    },
    /// A value that no account takes.
    #[error("the account cannot take this {what}: {problem}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no such person or group.
    #[error("the account has no {what} with the id {}", text::quote(.id))]
    NotFound {
        /// `person` or `group`.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Nobody has the address, and nobody is about to get it.
    #[error("nobody in the account has the e-mail address {}", text::quote(.0))]
    NobodyAt(String),
    /// The account's own protection: the bridge never does this, whoever asks.
    #[error("the bridge does not change {what}")]
    Protected {
        /// What is protected, so that the message makes a sentence.
        what: String,
    },
    /// The person's state does not allow it.
    #[error("a person in state {state} cannot {action}")]
    WrongState {
        /// What was asked for, as a verb: `be confirmed`.
        action: &'static str,
        /// The state.
        state: PersonState,
    },
    /// No right token has been seen since the bridge started.
    #[error(
        "the bridge is locked: it can act in the account only after it has received its bearer token once since it started"
    )]
    Locked,
    /// The session does not belong to the account.
    #[error(
        "the account in the data folder was set up with another session: use the session file it was set up with, or an empty data folder for a new account"
    )]
    OtherSession,
    /// The address is in a domain that the account does not let in.
    #[error(
        "the account does not allow addresses in the domain {}: add it to the account's allowed domains",
        text::quote(.0)
    )]
    DomainNotAllowed(String),
    /// This way of reaching an account cannot do it.
    #[error("this kind of account does not support {0}")]
    Unsupported(Capability),
    /// The account could not be reached, or failed. Trying again later may help.
    #[error("the account is not available: {reason}")]
    Unavailable {
        /// What was tried, without internals.
        reason: &'static str,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl AccountError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Locked | Self::Unavailable { .. })
    }

    pub(crate) fn unavailable(
        reason: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { reason, source: Some(source.into()) }
    }

    pub(crate) fn protected(what: impl Into<String>) -> Self {
        Self::Protected { what: what.into() }
    }

    pub(crate) fn no_person(id: &super::PersonId) -> Self {
        Self::NotFound { what: "person", id: id.to_string() }
    }

    pub(crate) fn no_group(id: &super::GroupId) -> Self {
        Self::NotFound { what: "group", id: id.to_string() }
    }
}
