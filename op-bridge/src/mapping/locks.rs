//! One change at a time for each person, address and group.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

/// How many locks there are; two keys rarely share one.
const STRIPES: usize = 256;

/// All locks of a bridge. Whoever needs several kinds takes them in the order of the fields; groups never wait for
/// people.
#[derive(Debug, Default)]
pub(super) struct AllLocks {
    /// By the id of a person.
    pub(super) people: Locks,
    /// By what must be unique: addresses and user names of people, names of groups.
    pub(super) names: Locks,
    /// By the id of a group.
    pub(super) groups: Locks,
}

/// Locks by key. Whoever needs several takes them at once, in one order, so that nobody waits in a circle.
#[derive(Debug)]
pub(super) struct Locks {
    stripes: Vec<Mutex<()>>,
}

impl Default for Locks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }
}

impl Locks {
    /// Waits until nobody else holds any of the keys.
    pub(super) async fn hold(&self, keys: &[&str]) -> Vec<MutexGuard<'_, ()>> {
        let mut wanted: Vec<usize> = keys.iter().map(|key| stripe(key)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut guards = Vec::with_capacity(wanted.len());
        for mutex in wanted.into_iter().filter_map(|n| self.stripes.get(n)) {
            guards.push(mutex.lock().await);
        }
        guards
    }
}

fn stripe(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default()
}
