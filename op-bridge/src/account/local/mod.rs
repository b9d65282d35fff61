//! An account in the bridge's own data folder, so that a person's whole life can be seen on one machine.
//!
//! It behaves as a 1Password account does where the bridge can tell the difference:
//!
//! - Somebody who is provisioned is `TRANSFER_STARTED`, accepts ([`LocalAccount::accept`]) and is
//!   `TRANSFER_PENDING`, and is `ACTIVE` once an unlocked bridge has confirmed them.
//! - A group is a key pair. A person is a member if the group's private key is sealed to the person's public
//!   key, so only somebody who can open the group's key can grant a membership: the members, and the
//!   integration, whose key is in the encrypted part of the session file. Nothing in the folder opens a
//!   managed group's key without the bearer token.
//! - A person's private key is made when they accept, and stays "on their device": in a file of its own in
//!   `devices/`, never in the database.
//! - System groups are sealed to the owner only.
//!
//! Keys are X25519, sealed with HPKE (RFC 9180: base mode, DHKEM X25519, HKDF-SHA256, AES-256-GCM). The
//! associated data name the group and the recipient, so that a sealed key cannot be moved to another row.
//! Revoking deletes the sealed key. The group's key is not rotated then: a person who kept a copy of the key
//! itself, outside the account, still has it.
//!
//! # Files
//!
//! `account.sqlite3` (with `-wal` and `-shm`), and `devices/<person>.key`; all 0600, in folders of 0700.
//!
//! # Durability
//!
//! One thread writes. It commits what has queued up in one transaction, each write in a savepoint of its own,
//! and answers after the commit has reached the disk (WAL, `synchronous=FULL`).

mod account;
mod admin;
mod database;
mod device;
mod groups;
mod people;
mod registration;
mod schema;
mod seal;
mod setup;

pub use self::account::{LocalAccount, OpenError};
pub use self::admin::{Acceptance, GroupListing, KeyAudit, MemberListing};
