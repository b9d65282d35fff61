//! When to look for people to confirm, and whom to confirm.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::{Person, PersonId, PersonState};
use crate::health::LEASE;

/// The shortest time between two looks.
pub const INTERVAL_MIN: TimeDelta = TimeDelta::seconds(30);

/// The longest time that somebody is left alone after failures.
const BACK_OFF_MAX: TimeDelta = TimeDelta::hours(24);
/// The longest time without a look after failures to look, unless the interval is longer.
const LOOK_BACK_OFF_MAX: TimeDelta = TimeDelta::hours(1);
/// How often the health report is renewed where looks are rarer.
const HEARTBEAT: TimeDelta = TimeDelta::minutes(5);
const _: () = assert!(HEARTBEAT.num_seconds() < LEASE.num_seconds());

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The session has been unlocked.
    Unlocked,
    /// The time from [`Machine::next_wake_up`] has come.
    WakeUp,
    /// The answer to [`Action::Look`].
    Found(Vec<Candidate>),
    /// [`Action::Look`] failed.
    LookFailed,
    /// [`Action::Confirm`] was done, or is no longer needed.
    Confirmed(PersonId),
    /// [`Action::Confirm`] failed.
    ConfirmFailed(PersonId),
}

/// Somebody who may have to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Who.
    pub id: PersonId,
    /// Their state in the account.
    pub state: PersonState,
    /// Whether the bridge invited them.
    pub provisioned_by_bridge: bool,
}

impl From<&Person> for Candidate {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.clone(),
            state: person.state.clone(),
            provisioned_by_bridge: person.provisioned_by_bridge,
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// List the people who wait to be confirmed; answer with [`Event::Found`] or [`Event::LookFailed`].
    Look,
    /// Confirm a person; answer with [`Event::Confirmed`] or [`Event::ConfirmFailed`].
    Confirm(PersonId),
    /// Report how the watcher is.
    Report {
        /// Whether the last look worked and nobody is left over from a failure.
        healthy: bool,
    },
}

/// Decides about confirmations: events and the time in, actions and the next wake-up out.
///
/// - Before [`Event::Unlocked`] it does nothing, for however long.
/// - Then it looks at once, and again after each interval.
/// - Of those found it confirms the people in state `TRANSFER_PENDING` whom the bridge invited.
/// - Somebody whose confirmation failed is left alone for one interval, then for two, four, and so on up to a
///   day. Others are not held up. A look that fails backs off in the same way, up to an hour.
/// - At least every five minutes it reports how it is, so that its lease does not run out.
/// - If the clock is set back, what is to come is moved with it; so [`Event::WakeUp`] may come too early, and does nothing.
///
/// # Examples
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use op_bridge::confirm::{Action, Event, Machine};
///
/// let (start, interval) = (DateTime::UNIX_EPOCH, TimeDelta::minutes(5));
/// let mut machine = Machine::new(interval);
/// assert_eq!(machine.next_wake_up(), None);
/// assert_eq!(machine.handle(Event::Unlocked, start), [Action::Look]);
/// assert_eq!(machine.handle(Event::Found(vec![]), start), [Action::Report { healthy: true }]);
/// assert_eq!(machine.next_wake_up(), Some(start + interval));
/// ```
#[derive(Clone, Debug)]
pub struct Machine {
    interval: TimeDelta,
    next_look: Option<DateTime<Utc>>,
    next_report: Option<DateTime<Utc>>,
    failed_looks: u32,
    failures: BTreeMap<PersonId, Failure>,
    /// Confirmations of the last look that are not answered yet.
    open: usize,
    /// The time of the last event.
    seen: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    attempts: u32,
    not_before: DateTime<Utc>,
}

impl Machine {
    /// A machine that looks every `interval`, which is raised to [`INTERVAL_MIN`] if it is shorter.
    pub fn new(interval: TimeDelta) -> Self {
        Self {
            interval: interval.max(INTERVAL_MIN),
            next_look: None,
            next_report: None,
            failed_looks: 0,
            failures: BTreeMap::new(),
            open: 0,
            seen: None,
        }
    }

    /// Takes in what has happened at `now` and says what to do, in order.
    pub fn handle(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Action> {
        if let Some(seen) = self.seen.replace(now).filter(|seen| *seen > now) {
            self.set_back(seen - now);
        }
        match event {
            Event::Unlocked if self.next_look.is_none() => self.look(now),
            Event::Unlocked => Vec::new(),
            Event::WakeUp => self.wake_up(now),
            Event::Found(candidates) => self.found(candidates, now),
            Event::LookFailed => {
                self.failed_looks = self.failed_looks.saturating_add(1);
                let limit = LOOK_BACK_OFF_MAX.max(self.interval);
                self.next_look = Some(after(now, self.back_off(self.failed_looks, limit)));
                self.report(now)
            }
            Event::Confirmed(id) => {
                self.failures.remove(&id);
                self.answered(now)
            }
            Event::ConfirmFailed(id) => {
                let attempts = self.failures.get(&id).map_or(0, |failure| failure.attempts).saturating_add(1);
                let not_before = after(now, self.back_off(attempts, BACK_OFF_MAX.max(self.interval)));
                self.failures.insert(id, Failure { attempts, not_before });
                self.answered(now)
            }
        }
    }

    /// When to call [`handle`](Self::handle) with [`Event::WakeUp`]; `None` while the session is locked.
    pub fn next_wake_up(&self) -> Option<DateTime<Utc>> {
        match (self.next_look, self.next_report) {
            (Some(look), Some(report)) => Some(look.min(report)),
            (look, report) => look.or(report),
        }
    }

    /// The clock has been set back: what was to come soon still is.
    fn set_back(&mut self, by: TimeDelta) {
        let of_failures = self.failures.values_mut().map(|failure| &mut failure.not_before);
        for time in self.next_look.iter_mut().chain(&mut self.next_report).chain(of_failures) {
            *time = time.checked_sub_signed(by).unwrap_or(*time);
        }
    }

    fn wake_up(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        if self.next_look.is_some_and(|look| look <= now) {
            self.look(now)
        } else if self.next_report.is_some_and(|report| report <= now) {
            self.report(now)
        } else {
            Vec::new()
        }
    }

    fn look(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        self.next_look = Some(after(now, self.interval));
        vec![Action::Look]
    }

    fn found(&mut self, candidates: Vec<Candidate>, now: DateTime<Utc>) -> Vec<Action> {
        self.failed_looks = 0;
        let mut waiting: Vec<PersonId> = candidates
            .into_iter()
            .filter(|candidate| {
                candidate.provisioned_by_bridge && candidate.state == PersonState::TransferPending
            })
            .map(|candidate| candidate.id)
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        // Somebody who no longer waits needs no memory of failures; so these stay as few as the people.
        self.failures.retain(|id, _| waiting.binary_search(id).is_ok());
        waiting.retain(|id| self.failures.get(id).is_none_or(|failure| failure.not_before <= now));
        self.open = waiting.len();
        if waiting.is_empty() {
            return self.report(now);
        }
        waiting.into_iter().map(Action::Confirm).collect()
    }

    /// Reports once the last confirmation of a look is answered.
    fn answered(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 { self.report(now) } else { Vec::new() }
    }

    fn report(&mut self, now: DateTime<Utc>) -> Vec<Action> {
        self.next_report = Some(after(now, HEARTBEAT));
        vec![Action::Report { healthy: self.failed_looks == 0 && self.failures.is_empty() }]
    }

    /// The interval, doubled with each attempt after the first, up to `limit`.
    fn back_off(&self, attempts: u32, limit: TimeDelta) -> TimeDelta {
        let factor = 1_i32.checked_shl(attempts.saturating_sub(1).min(30)).unwrap_or(i32::MAX);
        self.interval.checked_mul(factor).map_or(limit, |delay| delay.min(limit))
    }
}

fn after(now: DateTime<Utc>, delay: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(delay).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn person() -> PersonId {
        PersonId::generate(&SystemRandom).unwrap()
    }

    fn candidate(id: &PersonId, state: &str, provisioned_by_bridge: bool) -> Candidate {
        Candidate { id: id.clone(), state: state.into(), provisioned_by_bridge }
    }

    fn waiting(id: &PersonId) -> Candidate {
        candidate(id, "TRANSFER_PENDING", true)
    }

    fn unlocked(interval: i64) -> Machine {
        let mut machine = Machine::new(TimeDelta::seconds(interval));
        assert_eq!(machine.handle(Event::Unlocked, START), [Action::Look]);
        machine
    }

    #[test]
    fn a_locked_bridge_does_nothing_for_a_year() {
        let mut machine = Machine::new(TimeDelta::seconds(300));
        for day in 0..365 {
            assert_eq!(machine.handle(Event::WakeUp, START + TimeDelta::days(day)), []);
            assert_eq!(machine.next_wake_up(), None);
        }
    }

    #[test]
    fn only_people_whom_the_bridge_invited_and_who_accepted_are_confirmed() {
        let ids: Vec<_> = (0..8).map(|_| person()).collect();
        let found = vec![
            candidate(&ids[0], "TRANSFER_PENDING", true),
            candidate(&ids[1], "TRANSFER_PENDING", false),
            candidate(&ids[2], "TRANSFER_STARTED", true),
            candidate(&ids[3], "TRANSFER_SUSPENDED", true),
            candidate(&ids[4], "ACTIVE", true),
            candidate(&ids[5], "SUSPENDED", true),
            candidate(&ids[6], "RECOVERY_ACCEPTED", true),
            candidate(&ids[7], "SOMETHING_NEW", true),
            candidate(&ids[0], "TRANSFER_PENDING", true),
        ];
        let mut machine = unlocked(300);
        assert_eq!(machine.handle(Event::Found(found), START), [Action::Confirm(ids[0].clone())]);
        assert_eq!(
            machine.handle(Event::Confirmed(ids[0].clone()), START),
            [Action::Report { healthy: true }]
        );
    }

    #[test]
    fn one_failure_does_not_stop_others_and_backs_off() {
        let (mut ids, mut machine) = ([person(), person()], unlocked(300));
        ids.sort();
        let [bad, good] = ids;
        let found = || Event::Found(vec![waiting(&good), waiting(&bad)]);
        assert_eq!(
            machine.handle(found(), START),
            [Action::Confirm(bad.clone()), Action::Confirm(good.clone())]
        );
        assert_eq!(machine.handle(Event::ConfirmFailed(bad.clone()), START), []);
        assert_eq!(
            machine.handle(Event::Confirmed(good.clone()), START),
            [Action::Report { healthy: false }]
        );

        // Intervals after the first failure at which the person is tried again: 1, 1+2, 1+2+4, ...
        let mut tried = Vec::new();
        for tick in 1..=40 {
            let now = START + TimeDelta::seconds(300) * tick;
            assert_eq!(machine.handle(Event::WakeUp, now), [Action::Look]);
            let actions = machine.handle(Event::Found(vec![waiting(&bad)]), now);
            if actions == [Action::Confirm(bad.clone())] {
                tried.push(tick);
                machine.handle(Event::ConfirmFailed(bad.clone()), now);
            }
        }
        assert_eq!(tried, [1, 3, 7, 15, 31]);

        // Somebody who has gone leaves nothing behind.
        let now = START + TimeDelta::days(1);
        machine.handle(Event::WakeUp, now);
        assert_eq!(machine.handle(Event::Found(vec![]), now), [Action::Report { healthy: true }]);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let (id, mut machine) = (person(), unlocked(300));
        machine.handle(Event::Found(vec![waiting(&id)]), START);
        machine.handle(Event::ConfirmFailed(id.clone()), START);
        let set = START - TimeDelta::days(1);
        assert_eq!(machine.handle(Event::WakeUp, set), []);
        assert_eq!(machine.next_wake_up(), Some(set + TimeDelta::seconds(300)));
        let now = set + TimeDelta::seconds(300);
        assert_eq!(machine.handle(Event::WakeUp, now), [Action::Look]);
        assert_eq!(machine.handle(Event::Found(vec![waiting(&id)]), now), [Action::Confirm(id)]);
    }

    #[test]
    fn looks_that_fail_back_off_to_an_hour_and_recover() {
        let mut machine = unlocked(300);
        let mut now = START;
        let mut delays = Vec::new();
        for _ in 0..6 {
            assert_eq!(machine.handle(Event::LookFailed, now), [Action::Report { healthy: false }]);
            let look = machine.next_look.unwrap();
            delays.push((look - now).num_minutes());
            now = look;
            assert_eq!(machine.handle(Event::WakeUp, now), [Action::Look]);
        }
        assert_eq!(delays, [5, 10, 20, 40, 60, 60]);
        assert_eq!(machine.handle(Event::Found(vec![]), now), [Action::Report { healthy: true }]);
        assert_eq!(machine.next_look, Some(now + TimeDelta::minutes(5)));
    }

    #[test]
    fn a_year_passes_without_a_missed_look_or_a_lapsed_lease() {
        for interval in [30, 300, 3600, 86_400] {
            let mut machine = unlocked(interval);
            let end = START + TimeDelta::days(365);
            let id = person();
            let (mut now, mut looks, mut confirmed, mut last_report) = (START, 1_i64, 0, START);
            let mut actions = vec![Action::Look];
            while now < end {
                for action in std::mem::take(&mut actions) {
                    let event = match action {
                        Action::Look => Event::Found(vec![waiting(&id)]),
                        Action::Confirm(id) => {
                            confirmed += 1;
                            Event::Confirmed(id)
                        }
                        Action::Report { healthy } => {
                            assert!(healthy && now - last_report < LEASE);
                            last_report = now;
                            continue;
                        }
                    };
                    actions.extend(machine.handle(event, now));
                }
                if actions.is_empty() {
                    let next = machine.next_wake_up().unwrap();
                    assert!(next > now, "a wake-up lies ahead");
                    now = next;
                    actions = machine.handle(Event::WakeUp, now);
                    looks += i64::from(actions == [Action::Look]);
                }
            }
            assert_eq!(looks - 1, 365 * 86_400 / interval, "interval {interval}");
            assert!(confirmed >= looks - 1);
        }
    }

    #[test]
    fn too_short_an_interval_is_raised() {
        let machine = unlocked(1);
        assert_eq!(machine.next_wake_up(), Some(START + INTERVAL_MIN));
    }
}
