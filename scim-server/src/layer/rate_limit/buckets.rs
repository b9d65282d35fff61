//! A limiter of `governor` that keeps a limited number of keys.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// Keys of any length, in the same room.
type Hashed = [u8; 32];

/// How often full memory is searched for keys that are at rest.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) struct Limiter {
    limiter: RateLimiter<Hashed, Buckets, Ticks, NoOpMiddleware<Nanos>>,
    most_keys: usize,
    /// When memory may be swept again, in milliseconds of the clock.
    next_sweep: AtomicU64,
}

impl Limiter {
    pub(super) fn new(requests: u32, per: Duration, burst: u32, most_keys: usize) -> Self {
        let each = (per / requests.max(1)).max(Duration::from_nanos(1));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // INVARIANT: `each` is not zero, which is all that `with_period` asks.
        let quota = Quota::with_period(each).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let buckets = Buckets { most: most_keys, all: Mutex::default() };
        Self {
            limiter: RateLimiter::new(quota, buckets, Ticks(Instant::now())),
            most_keys,
            next_sweep: AtomicU64::new(0),
        }
    }

    /// Counts a request, or says how long to wait.
    pub(super) fn check(&self, key: &str) -> Result<(), Duration> {
        if self.limiter.len() >= self.most_keys {
            self.sweep();
        }
        let key = Sha256::digest(key.as_bytes()).into();
        self.limiter.check_key(&key).map_err(|not_until| not_until.wait_time_from(self.limiter.clock().now()))
    }

    fn sweep(&self) {
        let now = self.limiter.clock().now().as_u64() / 1_000_000;
        let due = self.next_sweep.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let next = now.saturating_add(u64::try_from(SWEEP.as_millis()).unwrap_or(u64::MAX));
        // One of those who come at the same time does it.
        if self.next_sweep.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.limiter.retain_recent();
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("keys", &self.limiter.len()).finish_non_exhaustive()
    }
}

/// Time since the start, by the clock that tests can stop.
#[derive(Clone, Debug)]
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        // NB: one more than passed, because `governor` takes zero for a bucket that was never used.
        Nanos::new(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1))
    }
}

/// The state of each key, and one for all keys beyond the greatest number.
#[derive(Debug)]
struct Buckets {
    most: usize,
    all: Mutex<(HashMap<Hashed, Nanos>, Option<Nanos>)>,
}

impl Buckets {
    fn lock(&self) -> MutexGuard<'_, (HashMap<Hashed, Nanos>, Option<Nanos>)> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Buckets {
    type Key = Hashed;

    fn measure_and_replace<T, F, E>(&self, key: &Hashed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut all = self.lock();
        let (buckets, overflow) = &mut *all;
        if let Some(state) = buckets.get_mut(key) {
            let (outcome, next) = f(Some(*state))?;
            *state = next;
            Ok(outcome)
        } else if buckets.len() < self.most {
            let (outcome, next) = f(None)?;
            buckets.insert(*key, next);
            Ok(outcome)
        } else {
            let (outcome, next) = f(*overflow)?;
            *overflow = Some(next);
            Ok(outcome)
        }
    }
}

impl ShrinkableKeyedStateStore<Hashed> for Buckets {
    fn retain_recent(&self, drop_below: Nanos) {
        self.lock().0.retain(|_, state| *state > drop_below);
    }

    fn len(&self) -> usize {
        self.lock().0.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
