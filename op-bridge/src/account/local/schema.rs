//! The tables of the account.

use rusqlite_migration::{M, Migrations};

pub(super) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

const STEPS: &[M<'static>] = &[M::up(V1), M::up(V2)];

const V1: &str = "
CREATE TABLE account (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    created_at INTEGER NOT NULL,
    -- Empty until a session is unlocked for the first time.
    account_id TEXT,
    integration_id TEXT,
    integration_key BLOB,
    integration_since INTEGER
) STRICT;

CREATE TABLE people (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'ACTIVE', 'SUSPENDED', 'TRANSFER_STARTED', 'TRANSFER_PENDING', 'TRANSFER_SUSPENDED'
    )),
    state_before TEXT,
    provisioned_by_bridge INTEGER NOT NULL CHECK (provisioned_by_bridge IN (0, 1)),
    public_key BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((state IN ('SUSPENDED', 'TRANSFER_SUSPENDED')) = (state_before IS NOT NULL))
) STRICT;

CREATE INDEX people_by_state ON people (state);

CREATE TRIGGER people_are_never_deleted BEFORE DELETE ON people
BEGIN
    SELECT RAISE(ABORT, 'people are never deleted');
END;

-- One row for the present address, and one for the address to change to: both are reserved.
CREATE TABLE email_addresses (
    key TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES people (id),
    kind TEXT NOT NULL CHECK (kind IN ('current', 'pending')),
    UNIQUE (person_id, kind)
) STRICT;

CREATE TABLE groups (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('system', 'custom')),
    managed INTEGER NOT NULL CHECK (managed IN (0, 1)),
    public_key BLOB NOT NULL,
    -- The group's private key, sealed to the integration; absent for system groups.
    integration_sealed_key BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (kind = 'custom' OR managed = 0)
) STRICT;

CREATE UNIQUE INDEX managed_group_names ON groups (name_key) WHERE managed = 1;
CREATE INDEX group_names ON groups (name_key);

CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES people (id),
    -- The group's private key, sealed to the person; absent while the membership is pending.
    sealed_key BLOB,
    since INTEGER NOT NULL,
    PRIMARY KEY (group_id, person_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_person ON memberships (person_id);
";

/// Whether the identity provider manages a person; NULL where nobody has said so yet.
const V2: &str = "ALTER TABLE people ADD COLUMN managed INTEGER CHECK (managed IN (0, 1));";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_apply() {
        MIGRATIONS.validate().unwrap();
    }

    #[test]
    fn people_cannot_be_deleted_even_by_hand() {
        let mut database = rusqlite::Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut database).unwrap();
        database
            .execute("INSERT INTO people VALUES (1, 'X', 'n', 'en', 'ACTIVE', NULL, 1, NULL, 0, 0, NULL)", [])
            .unwrap();
        let refused = database.execute("DELETE FROM people", []).unwrap_err();
        assert_eq!(refused.to_string(), "people are never deleted");
    }
}
