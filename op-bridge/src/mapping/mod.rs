//! SCIM on one side, the account on the other: a [`ResourceStore`](scim_server::store::ResourceStore) that carries
//! every write into the account before it keeps it.
//!
//! - The account is the truth for address, name, state, groups and who is in them. Everything else that an identity
//!   provider sends (`externalId`, `title`, enterprise attributes, ...) is kept in the store behind this one, under
//!   the account's ids.
//! - What an identity provider reads is what it asked for and the account accepted: a new address at once, although
//!   the person has yet to accept it; a member at once, although the person has yet to be confirmed.
//! - Order of writes: first the account, then the store. Each step may be repeated, so that a crash in between is
//!   healed by the identity provider's next try or by [`BridgeStore::reconcile`].
//! - Where the account refuses, the identity provider reads why, and nothing has changed in either place.

mod error;
mod groups;
mod locks;
mod person;
mod reconcile;
mod records;
mod registry;
mod store;
mod transfer;
mod users;

pub use self::reconcile::Reconciled;
pub(crate) use self::reconcile::view_is_of;
pub use self::registry::registry;
pub use self::store::{BridgeStore, Settings};
