//! The closed loop: so many connections, each with one request under way, until there is no more to ask or no time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::join_all;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::client::{Answer, Connection};
use crate::progress::Progress;
use crate::target::Target;

/// What is asked and what the answers must be.
pub(crate) trait Plan {
    /// Writes the request with this number; `false` ends the load.
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool;

    /// Looks at an answer.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()>;

    /// Takes note that a request had no answer.
    fn unanswered(&mut self, _number: u64) {}
}

/// How much load, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    pub(crate) connections: usize,
    /// At most so many requests.
    pub(crate) requests: u64,
    pub(crate) time: Duration,
    /// How many of the first requests are not measured.
    pub(crate) warm_up: u64,
}

impl Amount {
    pub(crate) fn requests(connections: usize, requests: u64) -> Self {
        Self { connections, requests, time: Duration::from_secs(3600), warm_up: 0 }
    }

    pub(crate) fn time(connections: usize, time: Duration) -> Self {
        Self { connections, requests: u64::MAX, time, warm_up: 0 }
    }

    pub(crate) fn up_to(self, requests: u64) -> Self {
        Self { requests: self.requests.min(requests), ..self }
    }

    pub(crate) fn on(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    pub(crate) fn after(self, warm_up: u64) -> Self {
        Self { warm_up, ..self }
    }
}

/// What a load came to. Times are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) connections: usize,
    /// How many answers came.
    pub(crate) answers: u64,
    pub(crate) seconds: f64,
    /// Answers per second.
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// How many answers had which status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// How many requests had no answer.
    pub(crate) unanswered: u64,
    /// How many answers were not what they must be.
    pub(crate) wrong: u64,
    /// What was wrong or missing, the first few.
    pub(crate) complaints: Vec<String>,
    /// Bytes of all answers' bodies.
    pub(crate) bytes: u64,
}

impl Measured {
    pub(crate) fn is_right(&self) -> bool {
        self.wrong == 0 && self.unanswered == 0 && self.answers > 0
    }

    pub(crate) fn complain(&mut self, about: impl ToString) {
        let about = about.to_string();
        if self.complaints.len() < MOST_COMPLAINTS && !self.complaints.contains(&about) {
            self.complaints.push(about);
        }
    }

    /// Counts something that reading back has shown to be wrong.
    pub(crate) fn wrong(&mut self, about: impl ToString) {
        self.wrong = self.wrong.saturating_add(1);
        self.complain(about);
    }
}

const MOST_COMPLAINTS: usize = 5;
/// Latencies are kept to three digits, up to this many nanoseconds (100 seconds).
const LONGEST: u64 = 100_000_000_000;

struct Shared<'a, P> {
    plan: &'a mut P,
    next: u64,
    measured: Measured,
    times: Histogram<u64>,
    /// When the first measured request began.
    began: Option<Instant>,
}

impl<P: Plan> Shared<'_, P> {
    fn note(&mut self, number: u64, amount: Amount, result: Result<Answer<'_>>, took: u64) {
        let Self { plan, measured, times, .. } = self;
        match result {
            Ok(answer) => {
                if number >= amount.warm_up {
                    measured.answers = measured.answers.saturating_add(1);
                    measured.bytes = measured.bytes.saturating_add(answer.body.len() as u64);
                    times.saturating_record(took);
                    let count = measured.statuses.entry(answer.status).or_default();
                    *count = count.saturating_add(1);
                }
                if let Err(error) = plan.check(number, answer) {
                    measured.wrong(format!("{error:#}"));
                }
            }
            Err(error) => {
                plan.unanswered(number);
                measured.unanswered = measured.unanswered.saturating_add(1);
                measured.complain(format!("{error:#}"));
            }
        }
    }
}

/// Runs a plan against a server.
pub(crate) async fn run<P: Plan>(
    target: &Target,
    amount: Amount,
    plan: &mut P,
    progress: &Progress,
) -> Result<Measured> {
    run_on(std::slice::from_ref(target), amount, plan, progress).await
}

/// Runs a plan against servers that have the same directory: connections are spread over them, and one that fails goes
/// on with the next server, as a load balancer would have it.
pub(crate) async fn run_on<P: Plan>(
    targets: &[Target],
    amount: Amount,
    plan: &mut P,
    progress: &Progress,
) -> Result<Measured> {
    let shared = RefCell::new(Shared {
        plan,
        next: 0,
        measured: Measured { connections: amount.connections, ..Measured::default() },
        times: Histogram::new_with_max(LONGEST, 3)?,
        began: None,
    });
    let end = Instant::now() + amount.time;
    join_all(
        (0..amount.connections.max(1)).map(|at| connection(targets, at, amount, end, &shared, progress)),
    )
    .await;
    let Shared { mut measured, times, began, .. } = shared.into_inner();
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    measured.seconds = began.map_or(0.0, |began| began.elapsed().as_secs_f64());
    measured.rate = if measured.seconds > 0.0 { measured.answers as f64 / measured.seconds } else { 0.0 };
    measured.p50 = micros(times.value_at_quantile(0.5));
    measured.p99 = micros(times.value_at_quantile(0.99));
    measured.p999 = micros(times.value_at_quantile(0.999));
    measured.max = micros(times.max());
    Ok(measured)
}

async fn connection<P: Plan>(
    targets: &[Target],
    at: usize,
    amount: Amount,
    end: Instant,
    shared: &RefCell<Shared<'_, P>>,
    progress: &Progress,
) {
    let mut targets = targets.iter().cycle().skip(at);
    let Some(mut target) = targets.next() else { return };
    let mut connection = Connection::new(target.address);
    let mut request = Vec::with_capacity(4096);
    let most = amount.requests.saturating_add(amount.warm_up);
    loop {
        let number = {
            let mut shared = shared.borrow_mut();
            let number = shared.next;
            request.clear();
            // However slow a server is, one request is measured.
            let is_over = number >= most || (number > amount.warm_up && Instant::now() >= end);
            if is_over || !shared.plan.write(number, target, &mut request) {
                return;
            }
            shared.next = number.saturating_add(1);
            if number == amount.warm_up {
                shared.began = Some(Instant::now());
            }
            number
        };
        let started = Instant::now();
        let result = connection.exchange(&request).await;
        let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let has_failed = result.is_err();
        shared.borrow_mut().note(number, amount, result, took);
        if has_failed {
            if let Some(next) = targets.next() {
                target = next;
                connection = Connection::new(target.address);
            }
            // A server that is away is not asked in a busy loop.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        progress.step();
    }
}
