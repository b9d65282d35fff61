//! Time and ids come from outside, so that tests choose them.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::ResourceId;

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present time.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that stands still: for tests.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub DateTime<Utc>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// Gives out ids of resources and of requests.
pub trait IdGenerator: Send + Sync + fmt::Debug {
    /// An id that no resource has had, not even one that is gone: an id "MUST NOT be reassigned" (RFC 7643
    /// section 3.1). A generator must never repeat one, also after a restart. No store remembers the ids of what was
    /// deleted, so that none can tell; one that is in use is refused.
    fn resource_id(&self) -> ResourceId;

    /// An id for a request.
    fn request_id(&self) -> String;
}

/// Random UUIDs (RFC 9562, version 4).
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdGenerator for RandomIds {
    #[expect(clippy::expect_used, reason = "a UUID has none of the characters that an id cannot have")]
    fn resource_id(&self) -> ResourceId {
        random().parse().expect("a UUID is an id")
    }

    fn request_id(&self) -> String {
        random()
    }
}

fn random() -> String {
    let bytes = POOL.with_borrow_mut(Pool::next);
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().encode_lower(&mut text).to_owned()
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_SIZE], left: 0 }) };
}

/// Random bytes of the operating system, fetched for many ids at once: each call costs more than an id.
struct Pool {
    bytes: [u8; POOL_SIZE],
    left: usize,
}

const POOL_SIZE: usize = 16 * 32;

impl Pool {
    fn next(&mut self) -> [u8; 16] {
        if self.left == 0 {
            if getrandom::fill(&mut self.bytes).is_err() {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this is the one place that makes random ids"
                )]
                return uuid::Uuid::new_v4().into_bytes();
            }
            self.left = POOL_SIZE / 16;
        }
        let (ids, _) = self.bytes.as_chunks_mut::<16>();
        self.left = self.left.saturating_sub(1);
        // Taken out, so that no id can come twice.
        ids.get_mut(self.left).map(std::mem::take).unwrap_or_default()
    }
}

/// The clock and the ids of a server.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) }
    }
}
