//! Time and ids come from outside, so that tests choose them.

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
    /// An id that no resource has had.
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

#[expect(clippy::disallowed_methods, reason = "this is the one place that makes random ids")]
fn random() -> String {
    uuid::Uuid::new_v4().to_string()
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
