//! Several writes that share transactions.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::slice;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::super::{Countdown, Outcome, StoreError, Write};
use super::error::Fate;
use super::known::{Known, portion};
use super::session::{Request, Session};
use super::write::{Counts, carry_out, count};
use crate::context::RequestContext;

pub(super) type Outcomes = Vec<Result<Outcome, StoreError>>;

/// The writes of a [`write_all`](super::super::ResourceStore::write_all) that are still to be carried out.
#[derive(Default)]
pub(super) struct Rest {
    writes: Vec<Write>,
    countdown: Countdown,
    /// For how long one transaction takes them in.
    time: Duration,
    /// Gone once nobody waits for them any more.
    caller: Weak<()>,
}

impl Rest {
    pub(super) fn new(
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
        time: Duration,
        caller: &Arc<()>,
    ) -> Self {
        Self { writes, countdown: Countdown::new(stop_after), time, caller: Arc::downgrade(caller) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many outcomes there are still to be, if all fail.
    pub(super) fn most(&self) -> usize {
        self.countdown.left().map_or(usize::MAX, NonZeroUsize::get).min(self.writes.len())
    }

    /// Carries out as many writes as one transaction has time for, at least one, and forgets them once they are
    /// committed. The transaction has begun.
    pub(super) fn carry_out_some(
        &mut self,
        session: &Session,
        context: &RequestContext,
        slot: i64,
    ) -> Result<Outcomes, StoreError> {
        let mut run = Run {
            session,
            context,
            caller: &self.caller,
            started: Instant::now(),
            time: self.time,
            done: Done { countdown: self.countdown, is_over: false, counts: Counts::new(), outcomes: 0 },
            outcomes: Vec::with_capacity(self.writes.len()),
        };
        let mut left = self.writes.as_mut_slice();
        while !left.is_empty() && !run.is_to_end() {
            let Some((portion, others)) = left.split_at_mut_checked(portion(left)) else { break };
            run.carry_out(portion)?;
            left = others;
        }
        let Run { done, outcomes, .. } = run;
        count(session, context, done.counts, slot);
        session.commit()?;
        self.countdown = done.countdown;
        let forgotten = if done.is_over { self.writes.len() } else { outcomes.len() };
        self.writes.drain(..forgotten);
        Ok(outcomes)
    }
}

/// One transaction.
struct Run<'r> {
    session: &'r Session,
    context: &'r RequestContext,
    caller: &'r Weak<()>,
    started: Instant,
    time: Duration,
    done: Done,
    outcomes: Outcomes,
}

/// How far it has come.
#[derive(Clone)]
struct Done {
    countdown: Countdown,
    /// Whether no further write is wanted.
    is_over: bool,
    counts: Counts,
    outcomes: usize,
}

impl Run<'_> {
    /// Whether the next write is left to another transaction, or to nobody.
    fn is_to_end(&self) -> bool {
        let is_late = !self.outcomes.is_empty() && self.started.elapsed() >= self.time;
        self.done.is_over || is_late || self.caller.strong_count() == 0
    }

    /// Carries out a portion of the writes: together, or apart if one of them fails half-way.
    fn carry_out(&mut self, writes: &mut [Write]) -> Result<(), StoreError> {
        let before = self.done.clone();
        self.session.later(Request::control("SAVEPOINT portion"));
        if !self.together(writes)? {
            self.session.undo("ROLLBACK TO SAVEPOINT portion")?;
            self.outcomes.truncate(before.outcomes);
            self.done = before;
            self.apart(writes)?;
        }
        self.session.later(Request::control("RELEASE SAVEPOINT portion"));
        Ok(())
    }

    /// Carries out writes with nothing between them: what they need to know is asked for once, and what they change is
    /// sent at once. Whether all of them have come to something: most that fail do so before they have changed
    /// anything, and then the others stay.
    fn together(&mut self, writes: &mut [Write]) -> Result<bool, StoreError> {
        let known = match Known::ask(self.session, self.context, writes) {
            Ok(known) => RefCell::new(known),
            Err(error) => return self.has_to_be_apart(error),
        };
        for write in writes {
            if self.is_to_end() {
                break;
            }
            let before = self.session.changes();
            let result = carry_out(self.session, self.context, &known, write, &mut self.done.counts);
            if let Err(error) = result {
                if self.session.fate() != Fate::Fine || self.session.changes() != before {
                    return self.has_to_be_apart(error);
                }
                self.note(Err(error));
            } else {
                self.note(result);
            }
        }
        match self.session.flush() {
            Ok(()) => Ok(true),
            Err(error) => self.has_to_be_apart(error),
        }
    }

    /// Carries out writes, each in a savepoint of its own.
    fn apart(&mut self, writes: &mut [Write]) -> Result<(), StoreError> {
        for write in writes {
            if self.is_to_end() {
                break;
            }
            let before = self.done.counts.clone();
            self.session.later(Request::control("SAVEPOINT part"));
            let result = self.alone(write);
            match result {
                Err(error) if matches!(self.session.fate(), Fate::Again | Fate::Lost) => return Err(error),
                Err(_) => {
                    self.session.undo("ROLLBACK TO SAVEPOINT part")?;
                    self.done.counts = before;
                }
                Ok(_) => {}
            }
            self.session.later(Request::control("RELEASE SAVEPOINT part"));
            self.note(result);
        }
        Ok(())
    }

    fn alone(&mut self, write: &mut Write) -> Result<Outcome, StoreError> {
        let known = Known::ask(self.session, self.context, slice::from_ref(write))?;
        let known = RefCell::new(known);
        let outcome = carry_out(self.session, self.context, &known, write, &mut self.done.counts)?;
        self.session.flush()?;
        Ok(outcome)
    }

    /// `Ok` if carrying the writes out apart may help.
    fn has_to_be_apart(&self, error: StoreError) -> Result<bool, StoreError> {
        if matches!(self.session.fate(), Fate::Again | Fate::Lost) { Err(error) } else { Ok(false) }
    }

    fn note(&mut self, result: Result<Outcome, StoreError>) {
        self.done.is_over = self.done.countdown.ends_with(&result);
        self.done.outcomes = self.done.outcomes.saturating_add(1);
        self.outcomes.push(result);
    }
}
