use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::keys::{FetchError, FetchKeys, Key, KeySet};

/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(10);
/// How soon after a failure keys are asked for again where there are none.
const RETRY: Duration = Duration::from_secs(5);

/// Keys that are read again from time to time.
pub(super) struct KeyCache {
    source: Arc<Source>,
    pub(super) times: Times,
    /// Held by the one task that fetches.
    fetching: Arc<Mutex<()>>,
}

struct Source {
    fetch: Arc<dyn FetchKeys>,
    state: StdMutex<State>,
}

/// When keys are read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Keys of this age are read again.
    pub(super) refresh_after: Duration,
    /// The least time between two fetches.
    pub(super) apart: Duration,
    /// Keys of this age are used no more.
    pub(super) keep: Duration,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<(KeySet, Instant)>,
    attempted: Option<Instant>,
}

/// What to do about a token's key.
enum Next {
    Use(Key),
    /// There is no such key, and it was looked for.
    Refuse,
    /// There are no keys, and it is too early to look for them.
    Wait(Duration),
    /// Ask the issuer; meanwhile others may use this.
    Fetch(Option<Key>),
}

/// No keys could be read so far.
#[derive(Debug)]
pub(super) struct NoKeys {
    pub(super) retry_after: Duration,
}

impl State {
    fn next(&self, times: &Times, id: &str, algorithm: Algorithm, now: Instant) -> Next {
        let age = |since: Instant| now.saturating_duration_since(since);
        let keys = self.usable(times, now);
        let apart = if keys.is_some() { times.apart } else { times.apart.min(RETRY) };
        let wait = self.attempted.map_or(Duration::ZERO, |attempted| apart.saturating_sub(age(attempted)));
        let Some((keys, loaded)) = keys else {
            return if wait.is_zero() { Next::Fetch(None) } else { Next::Wait(wait) };
        };
        let fresh_for = keys.fresh_for.unwrap_or(times.refresh_after).min(times.refresh_after);
        let key = keys.find(id, algorithm);
        match key {
            Some(key) if age(*loaded) < fresh_for || !wait.is_zero() => Next::Use(key.clone()),
            Some(key) => Next::Fetch(Some(key.clone())),
            // The key is there, and is not for this algorithm: asking again would not help.
            None if keys.has(id) || !wait.is_zero() => Next::Refuse,
            None => Next::Fetch(None),
        }
    }

    /// The same for a request that has just fetched: what is not there now is not asked for once more, however little
    /// time there has to be between two fetches.
    fn settled(&self, times: &Times, id: &str, algorithm: Algorithm, now: Instant) -> Next {
        match self.next(times, id, algorithm, now) {
            Next::Fetch(None) if self.usable(times, now).is_some() => Next::Refuse,
            next => next,
        }
    }

    fn usable(&self, times: &Times, now: Instant) -> Option<&(KeySet, Instant)> {
        self.keys.as_ref().filter(|(_, loaded)| now.saturating_duration_since(*loaded) < times.keep)
    }
}

impl KeyCache {
    pub(super) fn new(fetch: Arc<dyn FetchKeys>) -> Self {
        let times = Times {
            refresh_after: Duration::from_secs(60 * 60),
            apart: Duration::from_secs(60),
            keep: Duration::from_secs(24 * 60 * 60),
        };
        let source = Source { fetch, state: StdMutex::default() };
        Self { source: Arc::new(source), times, fetching: Arc::default() }
    }

    /// The key of an id for an algorithm; none where the issuer has none.
    pub(super) async fn find(&self, id: &str, algorithm: Algorithm) -> Result<Option<Key>, NoKeys> {
        let next = || self.source.lock().next(&self.times, id, algorithm, Instant::now());
        let fetching = match next() {
            Next::Fetch(Some(key)) => match Arc::clone(&self.fetching).try_lock_owned() {
                Ok(fetching) => fetching,
                // Another request fetches. This one does with the key that is there.
                Err(_) => return Ok(Some(key)),
            },
            Next::Use(key) => return Ok(Some(key)),
            // What is missing may be on its way already; where nothing is, this does not wait.
            Next::Fetch(None) | Next::Refuse | Next::Wait(_) => Arc::clone(&self.fetching).lock_owned().await,
        };
        // Another request may have fetched while this one has waited.
        match next() {
            Next::Fetch(_) => {
                let source = Arc::clone(&self.source);
                // A task of its own: whoever sends a forged token and goes away at once must not break a fetch off
                // that others wait for.
                let fetch = tokio::spawn(async move {
                    source.refresh().await;
                    drop(fetching);
                });
                let _ = fetch.await;
            }
            next => return done(next),
        }
        done(self.source.lock().settled(&self.times, id, algorithm, Instant::now()))
    }
}

impl Source {
    async fn refresh(&self) {
        self.lock().attempted = Some(Instant::now());
        let fetched = timeout(FETCH, self.fetch.fetch()).await;
        match fetched.unwrap_or_else(|_| Err(FetchError::new("it took too long"))) {
            Ok(keys) => self.lock().keys = Some((keys, Instant::now())),
            Err(error) => {
                let kept = self.lock().keys.is_some();
                tracing::error!(error = %error, kept, "the keys of access tokens cannot be read");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn done(next: Next) -> Result<Option<Key>, NoKeys> {
    match next {
        Next::Use(key) | Next::Fetch(Some(key)) => Ok(Some(key)),
        Next::Refuse => Ok(None),
        Next::Wait(retry_after) => Err(NoKeys { retry_after }),
        // A least time of zero lets every request fetch.
        Next::Fetch(None) => Err(NoKeys { retry_after: RETRY }),
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache")
            .field("fetch", &self.source.fetch)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
