//! How the bridge is: one report per component, each of which expires.
//!
//! The JSON has the shape that the original product answers `/health` with:
//!
//! ```json
//! {"build": "001001", "version": "0.1.0",
//!  "reports": [{"source": "SCIMServer", "time": "…Z", "expires": "…Z", "state": "healthy"}],
//!  "retrievedAt": "…Z"}
//! ```
//!
//! A report is a lease of ten minutes. A component that lives renews it; one that has died cannot, and after
//! that time its `state` is `stale`. The original documents only `healthy`; `unhealthy` and `stale` are ours.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use crate::clock::Clock;

/// How long a report holds.
pub const LEASE: TimeDelta = TimeDelta::minutes(10);

/// Counts builds of one version, the last figure of [`build`].
const BUILD_REVISION: u8 = 1;

/// A part of the bridge that reports how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The account that the bridge acts in.
    Account,
    /// What confirms people who have accepted.
    ConfirmationWatcher,
    /// What keeps the view in the database of `OP_BRIDGE_DATABASE_URL`. Without that it does not report.
    Database,
    /// What compares view and account at a start. It reports only if it could not show everybody; the log names them.
    Reconciliation,
    /// What answers identity providers.
    ScimServer,
    /// What waits for the first right bearer token.
    StartProvisionWatcher,
}

impl Source {
    /// The name in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::ConfirmationWatcher => "ConfirmationWatcher",
            Self::Database => "Database",
            Self::Reconciliation => "Reconciliation",
            Self::ScimServer => "SCIMServer",
            Self::StartProvisionWatcher => "StartProvisionWatcher",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// It does its work.
    Healthy,
    /// It cannot do its work, or a part of it.
    Unhealthy,
    /// It has not said anything for longer than its lease.
    Stale,
}

/// The latest report of every component. Clones share one set.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use chrono::{DateTime, TimeDelta};
/// use op_bridge::clock::ManualClock;
/// use op_bridge::health::{Health, Source, State};
///
/// let clock = ManualClock::new(DateTime::UNIX_EPOCH);
/// let health = Health::new(Arc::new(clock.clone()));
/// health.report(Source::ScimServer, true);
/// assert!(health.snapshot().is_healthy());
///
/// clock.advance(TimeDelta::minutes(11));
/// let snapshot = health.snapshot();
/// assert_eq!(snapshot.reports[0].state, State::Stale);
/// assert!(!snapshot.is_healthy());
/// ```
#[derive(Clone, Debug)]
pub struct Health {
    clock: Arc<dyn Clock>,
    latest: Arc<Mutex<Latest>>,
}

/// When each component reported last, and whether it was healthy; in the order of the report.
type Latest = BTreeMap<&'static str, (DateTime<Utc>, bool)>;

impl Health {
    /// No reports yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, latest: Arc::default() }
    }

    /// Records that `source` is healthy or not, from now for [`LEASE`].
    pub fn report(&self, source: Source, healthy: bool) {
        let report = (self.clock.now(), healthy);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.insert(source.as_str(), report);
    }

    /// All reports, sorted by source. A component that has not started yet has none.
    pub fn snapshot(&self) -> HealthReport {
        let now = self.clock.now();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = latest
            .iter()
            .map(|(&source, &(time, healthy))| {
                let expires = time.checked_add_signed(LEASE).unwrap_or(time);
                let state = match healthy {
                    // From the future, if the clock has been set back: then it says as little as an old one.
                    _ if (now - time).abs() > LEASE => State::Stale,
                    true => State::Healthy,
                    false => State::Unhealthy,
                };
                Report { source, time, expires, state }
            })
            .collect();
        HealthReport { build: build(), version: env!("CARGO_PKG_VERSION"), reports, retrieved_at: now }
    }
}

/// What `/health` answers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HealthReport {
    /// The number of the build; see [`build`].
    pub build: String,
    /// The version of the bridge.
    pub version: &'static str,
    /// One report for each component that has started, sorted by source.
    pub reports: Vec<Report>,
    /// When this was put together.
    #[serde(serialize_with = "seconds")]
    pub retrieved_at: DateTime<Utc>,
}

impl HealthReport {
    /// Whether there is a report, and all are healthy. The HTTP status follows from this.
    pub fn is_healthy(&self) -> bool {
        !self.reports.is_empty() && self.reports.iter().all(|report| report.state == State::Healthy)
    }
}

/// What one component said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The component, by [`Source::as_str`].
    pub source: &'static str,
    /// When it said so.
    #[serde(serialize_with = "seconds")]
    pub time: DateTime<Utc>,
    /// When it must have said something again.
    #[serde(serialize_with = "seconds")]
    pub expires: DateTime<Utc>,
    /// How it is.
    pub state: State,
}

/// The number of this build, in the original's pattern: major, minor and patch version with two figures each
/// for the last two, then a revision. Version 2.9.16 with revision 3 is `209163`.
pub fn build() -> String {
    let number = |text: &str| text.parse().unwrap_or(0);
    build_number(
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
        BUILD_REVISION,
    )
}

fn build_number(major: u32, minor: u32, patch: u32, revision: u8) -> String {
    format!("{major}{minor:02}{patch:02}{revision}")
}

fn seconds<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn build_numbers_follow_the_original() {
        assert_eq!(build_number(2, 9, 16, 3), "209163");
        assert_eq!(build_number(2, 7, 4, 1), "207041");
    }

    #[test]
    fn the_json_has_the_originals_shape() {
        let clock = ManualClock::new("2026-11-22T12:30:00.75Z".parse().unwrap());
        let health = Health::new(Arc::new(clock.clone()));
        assert!(!health.snapshot().is_healthy(), "nothing has started");
        health.report(Source::StartProvisionWatcher, true);
        health.report(Source::ScimServer, true);
        health.report(Source::Account, false);
        health.report(Source::ConfirmationWatcher, true);
        clock.advance(TimeDelta::seconds(5));
        let report = |source: &str, state: &str| {
            serde_json::json!({
                "source": source,
                "time": "2026-11-22T12:30:00Z",
                "expires": "2026-11-22T12:40:00Z",
                "state": state,
            })
        };
        assert_eq!(
            serde_json::to_value(health.snapshot()).unwrap(),
            serde_json::json!({
                "build": build(),
                "version": env!("CARGO_PKG_VERSION"),
                "reports": [
                    report("Account", "unhealthy"),
                    report("ConfirmationWatcher", "healthy"),
                    report("SCIMServer", "healthy"),
                    report("StartProvisionWatcher", "healthy"),
                ],
                "retrievedAt": "2026-11-22T12:30:05Z",
            })
        );
        assert!(!health.snapshot().is_healthy());
        health.report(Source::Account, true);
        assert!(health.snapshot().is_healthy());
    }

    #[test]
    fn a_lease_holds_until_it_has_passed_and_can_be_renewed() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let health = Health::new(Arc::new(clock.clone()));
        health.report(Source::ScimServer, true);
        clock.advance(LEASE);
        assert_eq!(health.snapshot().reports[0].state, State::Healthy);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(health.snapshot().reports[0].state, State::Stale);
        health.report(Source::ScimServer, true);
        assert_eq!(health.snapshot().reports[0].state, State::Healthy);
        clock.advance(-LEASE - TimeDelta::seconds(1));
        assert_eq!(health.snapshot().reports[0].state, State::Stale, "the clock has been set back");
    }
}
