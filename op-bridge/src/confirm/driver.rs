//! Carries out what the machine decides.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::machine::{Action, Candidate, Event, Machine};
use crate::account::{Account, AccountError};
use crate::clock::Clock;
use crate::credentials::SessionGate;
use crate::health::{Health, Source};

/// The longest sleep at a stretch, after which the machine is told the time again: the clock may have been set.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Confirms people for ever, every `interval`, once `gate` is unlocked. Stop it by dropping the future;
/// between two confirmations nothing is lost by that.
///
/// Reports to `health` as [`Source::StartProvisionWatcher`] while it waits for the session, and as
/// [`Source::ConfirmationWatcher`] and [`Source::Account`] afterwards.
pub async fn run(
    account: Arc<dyn Account>,
    gate: Arc<SessionGate>,
    health: Health,
    clock: Arc<dyn Clock>,
    interval: TimeDelta,
) {
    wait_until_unlocked(&gate, &health).await;
    tracing::info!("the session is unlocked: people who have accepted are confirmed from now on");
    let mut machine = Machine::new(interval);
    let mut events = VecDeque::from([Event::Unlocked]);
    loop {
        while let Some(event) = events.pop_front() {
            for action in machine.handle(event, clock.now()) {
                events.extend(perform(action, &*account, &health).await);
            }
        }
        let now = clock.now();
        if let Some(next) = machine.next_wake_up().filter(|next| *next > now) {
            tokio::time::sleep((next - now).to_std().unwrap_or_default().min(SLEEP_MAX)).await;
        }
        events.push_back(Event::WakeUp);
    }
}

async fn perform(action: Action, account: &dyn Account, health: &Health) -> Option<Event> {
    match action {
        Action::Look => match account.awaiting_confirmation().await {
            Ok(people) => {
                tracing::debug!(waiting = people.len(), "looked for people to confirm");
                Some(Event::Found(people.iter().map(Candidate::from).collect()))
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot list who waits for confirmation"
                );
                Some(Event::LookFailed)
            }
        },
        Action::Confirm(id) => match account.confirm(&id).await {
            Ok(_) => {
                tracing::info!(person = %id, "confirmed");
                Some(Event::Confirmed(id))
            }
            // Suspended since they were listed: nothing to do, and nothing is wrong.
            Err(AccountError::WrongState { .. } | AccountError::NotFound { .. }) => {
                Some(Event::Confirmed(id))
            }
            Err(error) => {
                tracing::warn!(person = %id, error = &error as &dyn std::error::Error, "cannot confirm; will try again");
                Some(Event::ConfirmFailed(id))
            }
        },
        Action::Report { healthy } => {
            health.report(Source::ConfirmationWatcher, healthy);
            health.report(Source::StartProvisionWatcher, true);
            let checked = account.check().await;
            if let Err(error) = &checked {
                tracing::warn!(error = error as &dyn std::error::Error, "the account cannot be used");
            }
            health.report(Source::Account, checked.is_ok());
            None
        }
    }
}

async fn wait_until_unlocked(gate: &SessionGate, health: &Health) {
    loop {
        health.report(Source::StartProvisionWatcher, true);
        if tokio::time::timeout(SLEEP_MAX, gate.unlocked()).await.is_ok() {
            return;
        }
    }
}
