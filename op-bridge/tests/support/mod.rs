//! An account in a temporary folder, with a session that is unlocked or not.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use op_bridge::account::local::LocalAccount;
use op_bridge::clock::{ManualClock, SystemClock};
use op_bridge::credentials::{SessionFile, SessionGate, Token};
use op_bridge::random::SystemRandom;
use tempfile::TempDir;

pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    pub(crate) clock: ManualClock,
    pub(crate) file: SessionFile,
    pub(crate) token: Token,
    pub(crate) gate: Arc<SessionGate>,
    pub(crate) account: Arc<LocalAccount>,
}

impl Setup {
    pub(crate) fn locked() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
        let gate = Arc::new(SessionGate::new(file.clone(), &SystemRandom).unwrap());
        let account = Arc::new(open(folder.path(), &gate, &clock));
        Self { folder, clock, file, token, gate, account }
    }

    pub(crate) fn unlocked() -> Self {
        let setup = Self::locked();
        setup.unlock();
        setup
    }

    pub(crate) fn unlock(&self) {
        self.gate.authenticate(&self.token.expose()).unwrap();
    }

    /// What no bridge and no local account ever does, but an administrator of another kind of account can.
    pub(crate) fn remove_person(&self, id: &str) {
        let database = rusqlite::Connection::open(self.folder.path().join("account.sqlite3")).unwrap();
        database.execute_batch("DROP TRIGGER IF EXISTS people_are_never_deleted").unwrap();
        for table in ["memberships WHERE person_id", "email_addresses WHERE person_id", "people WHERE id"] {
            database.execute(&format!("DELETE FROM {table} = ?1"), [id]).unwrap();
        }
    }

    /// Gives somebody an address in a way that an earlier version of the account would have: without regard to anybody
    /// whose address is the same by the rules of now.
    pub(crate) fn overwrite_address(&self, from: &str, to: &str) {
        let database = rusqlite::Connection::open(self.folder.path().join("account.sqlite3")).unwrap();
        let change = "UPDATE email_addresses SET address = ?2, key = lower(?2) WHERE address = ?1";
        assert_eq!(database.execute(change, [from, to]).unwrap(), 1);
    }

    /// Puts somebody among the owners, which only an owner can do, in 1Password.
    pub(crate) fn make_owner(&self, id: &str) {
        let database = rusqlite::Connection::open(self.folder.path().join("account.sqlite3")).unwrap();
        let owners = "SELECT id, ?1, 0 FROM groups WHERE name = 'Owners' AND kind = 'system'";
        let join = format!("INSERT INTO memberships (group_id, person_id, since) {owners}");
        assert_eq!(database.execute(&join, [id]).unwrap(), 1);
    }

    /// As after a restart: a gate that is locked again, and the same folder.
    pub(crate) fn restart(&mut self) {
        self.gate = Arc::new(SessionGate::new(self.file.clone(), &SystemRandom).unwrap());
        self.account = Arc::new(open(self.folder.path(), &self.gate, &self.clock));
    }
}

pub(crate) fn open(folder: &Path, gate: &Arc<SessionGate>, clock: &ManualClock) -> LocalAccount {
    LocalAccount::open(folder, Arc::clone(gate), Arc::new(clock.clone()), Arc::new(SystemRandom)).unwrap()
}
