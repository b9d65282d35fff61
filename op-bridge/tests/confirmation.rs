//! The confirmation loop over a local account, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use op_bridge::account::{Account, NewPerson, Person, PersonState};
use op_bridge::clock::Clock;
use op_bridge::confirm;
use op_bridge::credentials::SessionGate;
use op_bridge::health::{Health, State};
use op_bridge::random::SystemRandom;
use support::Setup;
use tokio::time::Instant;

/// Follows tokio's clock, which the test runtime moves on whenever there is nothing else to do.
#[derive(Debug)]
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

struct Loop {
    setup: Setup,
    health: Health,
    task: tokio::task::JoinHandle<()>,
}

impl Loop {
    fn start() -> Self {
        let setup = Setup::locked();
        let clock = Arc::new(VirtualClock(Instant::now()));
        let health = Health::new(clock.clone());
        let account: Arc<dyn Account> = setup.account.clone();
        let interval = TimeDelta::seconds(300);
        let task = tokio::spawn(confirm::run(account, setup.gate.clone(), health.clone(), clock, interval));
        Self { setup, health, task }
    }

    async fn person(&self, email: &str) -> Person {
        self.setup.account.person_by_email(email).await.unwrap().unwrap()
    }

    /// Waits, in virtual time, for as long as it takes; a test that waits for ever is killed from outside.
    async fn until(&self, email: &str, state: PersonState) {
        while self.person(email).await.state != state {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }

    fn states(&self) -> Vec<(&'static str, State)> {
        self.health.snapshot().reports.iter().map(|report| (report.source, report.state)).collect()
    }

    async fn until_states(&self, expected: &[(&'static str, State)]) {
        while self.states() != expected {
            tokio::time::sleep(Duration::from_secs(10)).await;
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn people_are_confirmed_once_the_session_is_unlocked() {
    let confirming = Loop::start();
    let account = &confirming.setup.account;

    // Somebody whom an administrator invited: accepted, but never confirmed by the bridge.
    account.invite(NewPerson::new("eve@example.com", "Eve")).await.unwrap();
    account.accept("eve@example.com").await.unwrap();

    tokio::time::sleep(Duration::from_secs(86_400)).await;
    confirming.until_states(&[("StartProvisionWatcher", State::Healthy)]).await;

    confirming.setup.unlock();
    account.provision(NewPerson::new("ada@example.com", "Ada")).await.unwrap();
    account.provision(NewPerson::new("bob@example.com", "Bob")).await.unwrap();
    account.accept("ada@example.com").await.unwrap();
    confirming.until("ada@example.com", PersonState::Active).await;
    assert_eq!(confirming.person("bob@example.com").await.state, PersonState::TransferStarted);

    account.accept("bob@example.com").await.unwrap();
    confirming.until("bob@example.com", PersonState::Active).await;
    assert_eq!(confirming.person("eve@example.com").await.state, PersonState::TransferPending);
    confirming
        .until_states(&[
            ("Account", State::Healthy),
            ("ConfirmationWatcher", State::Healthy),
            ("StartProvisionWatcher", State::Healthy),
        ])
        .await;
    assert!(!confirming.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn one_person_who_cannot_be_confirmed_does_not_stop_the_others() {
    let confirming = Loop::start();
    let Setup { folder, clock, file, token, .. } = &confirming.setup;
    // Another process of the same bridge prepares the account, so that the loop still waits.
    let gate = Arc::new(SessionGate::new(file.clone(), &SystemRandom).unwrap());
    gate.authenticate(&token.expose()).unwrap();
    let account = support::open(folder.path(), &gate, clock);
    let group = account.create_group("Engineering").await.unwrap().group.id;
    let bad = account.provision(NewPerson::new("bad@example.com", "Bad")).await.unwrap().person.id;
    account.provision(NewPerson::new("good@example.com", "Good")).await.unwrap();
    account.grant(&group, &bad).await.unwrap();

    // A damaged database: the key that the group's key is to be sealed to has gone.
    account.accept("bad@example.com").await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join("account.sqlite3")).unwrap();
    let set_key = |key: Option<Vec<u8>>| {
        database.execute("UPDATE people SET public_key = ?2 WHERE id = ?1", (bad.as_str(), key)).unwrap()
    };
    let key: Vec<u8> = database
        .query_row("SELECT public_key FROM people WHERE id = ?1", [bad.as_str()], |row| row.get(0))
        .unwrap();
    set_key(None);

    account.accept("good@example.com").await.unwrap();
    confirming.setup.unlock();
    confirming.until("good@example.com", PersonState::Active).await;
    assert_eq!(confirming.person("bad@example.com").await.state, PersonState::TransferPending);
    confirming
        .until_states(&[
            ("Account", State::Healthy),
            ("ConfirmationWatcher", State::Unhealthy),
            ("StartProvisionWatcher", State::Healthy),
        ])
        .await;
    set_key(Some(key));
    confirming.until("bad@example.com", PersonState::Active).await;
    confirming
        .until_states(&[
            ("Account", State::Healthy),
            ("ConfirmationWatcher", State::Healthy),
            ("StartProvisionWatcher", State::Healthy),
        ])
        .await;
}
