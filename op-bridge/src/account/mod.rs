//! The account port: what a 1Password account offers to a bridge, in 1Password's words.
//!
//! [`Account`] is implemented by each way of reaching an account. This version has one, the
//! [`local`] account in the bridge's own data folder. What a backend cannot do it does not list in its
//! [`Capabilities`], and refuses with [`AccountError::Unsupported`].

mod address;
mod error;
mod group;
mod id;
pub mod local;
mod name;
mod person;
mod port;

pub(crate) use self::address::is_domain;
pub use self::error::AccountError;
pub use self::group::{Group, GroupKind, Membership, MembershipState};
pub use self::id::{AccountId, GroupId, IdError, IntegrationId, PersonId};
pub(crate) use self::name::{is_unseen, name_key};
pub use self::person::{EMAIL_MAX, LANGUAGE_MAX, NAME_MAX, NewPerson, Person, PersonState};
pub(crate) use self::person::{check_email, check_name, email_key, is_same_email};
pub use self::port::{Account, Capabilities, Capability, CreatedGroup, ProvisionedPerson};
