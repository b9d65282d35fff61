//! Several writes that share transactions.

use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::super::{Countdown, Outcome, StoreError, Write};
use super::WRITE;
use super::error::Fate;
use super::session::{Request, Session};
use super::write::{Counts, carry_out, count};
use crate::context::RequestContext;

pub(super) type Outcomes = Vec<Result<Outcome, StoreError>>;

/// After how long a transaction takes in no further write: others wait for the resources that it has locked.
const TIME: Duration = Duration::from_millis(250);

/// The writes of a [`write_all`](super::super::ResourceStore::write_all) that are still to be carried out.
#[derive(Default)]
pub(super) struct Rest {
    writes: Vec<Write>,
    countdown: Countdown,
    /// Whether they are carried out apart from each other, as one has failed half-way.
    apart: bool,
    /// Gone once nobody waits for them any more.
    caller: Weak<()>,
}

/// How far a transaction has come.
struct Progress {
    outcomes: Outcomes,
    countdown: Countdown,
    /// Whether there is nothing left to be done.
    is_over: bool,
}

impl Rest {
    pub(super) fn new(writes: Vec<Write>, stop_after: Option<NonZeroUsize>, caller: &Arc<()>) -> Self {
        Self { writes, countdown: Countdown::new(stop_after), apart: false, caller: Arc::downgrade(caller) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many outcomes there are still to be, if all fail.
    pub(super) fn most(&self) -> usize {
        self.countdown.left().map_or(usize::MAX, NonZeroUsize::get).min(self.writes.len())
    }

    /// Carries out as many writes as one transaction has time for, at least one, and forgets them once they are
    /// committed.
    pub(super) fn carry_out_some(
        &mut self,
        session: &Session,
        context: &RequestContext,
        slot: i32,
    ) -> Result<Outcomes, StoreError> {
        session.begin(WRITE);
        let mut counts = Counts::new();
        let together = if self.apart { None } else { self.together(session, context, &mut counts)? };
        let progress = match together {
            Some(progress) => progress,
            None => {
                if !self.apart {
                    self.apart = true;
                    session.undo("ROLLBACK")?;
                    session.begin(WRITE);
                    counts.clear();
                }
                self.each_apart(session, context, &mut counts)?
            }
        };
        count(session, context, counts, slot);
        session.commit()?;
        let Progress { outcomes, countdown, is_over } = progress;
        self.countdown = countdown;
        let done = if is_over { self.writes.len() } else { outcomes.len() };
        self.writes.drain(..done);
        Ok(outcomes)
    }

    /// Carries out writes with no savepoints between them, which cost much of the whole; `None` if one of them has
    /// failed half-way. Most that fail do so before they have changed anything.
    fn together(
        &mut self,
        session: &Session,
        context: &RequestContext,
        counts: &mut Counts,
    ) -> Result<Option<Progress>, StoreError> {
        self.each(|write| {
            let before = session.changes();
            let result = carry_out(session, context, write, counts).and_then(|outcome| {
                session.flush()?;
                Ok(outcome)
            });
            match (session.fate(), result) {
                (Fate::Fine, result) if result.is_ok() || session.changes() == before => Ok(Some(result)),
                (Fate::Again | Fate::Lost, Err(error)) => Err(error),
                _ => Ok(None),
            }
        })
    }

    /// Carries out writes, each in a savepoint of its own.
    fn each_apart(
        &mut self,
        session: &Session,
        context: &RequestContext,
        counts: &mut Counts,
    ) -> Result<Progress, StoreError> {
        let progress = self.each(|write| {
            session.later(Request::control("SAVEPOINT part"));
            let before = counts.clone();
            let result = carry_out(session, context, write, counts).and_then(|outcome| {
                session.flush()?;
                Ok(outcome)
            });
            match result {
                Err(error) if matches!(session.fate(), Fate::Again | Fate::Lost) => return Err(error),
                Err(_) => {
                    session.undo("ROLLBACK TO SAVEPOINT part")?;
                    *counts = before;
                }
                Ok(_) => {}
            }
            session.later(Request::control("RELEASE SAVEPOINT part"));
            Ok(Some(result))
        })?;
        progress.ok_or_else(|| StoreError::internal("a write has no outcome"))
    }

    /// Carries out one write after the other until it is time to let others go on, or one has no outcome.
    fn each(
        &mut self,
        mut carry_out: impl FnMut(&mut Write) -> Result<Option<Result<Outcome, StoreError>>, StoreError>,
    ) -> Result<Option<Progress>, StoreError> {
        let started = Instant::now();
        let mut countdown = self.countdown;
        let mut is_over = false;
        let mut outcomes = Vec::with_capacity(self.writes.len());
        for write in &mut self.writes {
            let Some(outcome) = carry_out(write)? else { return Ok(None) };
            is_over = countdown.ends_with(&outcome);
            outcomes.push(outcome);
            if is_over || started.elapsed() >= TIME || self.caller.strong_count() == 0 {
                break;
            }
        }
        Ok(Some(Progress { outcomes, countdown, is_over }))
    }
}
