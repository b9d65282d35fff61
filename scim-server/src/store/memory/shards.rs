//! Hash tables that grow a little at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

/// A table of many small ones: when it grows, a fraction of it is moved at once, so that no write waits long.
#[derive(Debug)]
pub(super) struct Shards<V>(Vec<Shard<V>>);

type Shard<V> = HashMap<u64, V, BuildHasherDefault<Mixed>>;

/// A power of two. With a million entries a shard moves some 15,000 at once.
pub(super) const SHARDS: usize = 64;

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self(std::iter::repeat_with(Shard::default).take(SHARDS).collect())
    }
}

impl<V> Shards<V> {
    fn number(key: u64) -> usize {
        // Bits that the tables themselves do not look at first.
        usize::try_from(mixed(key) >> 40).unwrap_or(0) & (SHARDS - 1)
    }

    pub(super) fn get(&self, key: u64) -> Option<&V> {
        self.0.get(Self::number(key))?.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        self.0.get_mut(Self::number(key))?.get_mut(&key)
    }

    pub(super) fn insert(&mut self, key: u64, value: V) {
        if let Some(shard) = self.0.get_mut(Self::number(key)) {
            shard.insert(key, value);
        }
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        self.0.get_mut(Self::number(key))?.remove(&key)
    }

    pub(super) fn entry(&mut self, key: u64) -> Option<Entry<'_, u64, V>> {
        self.0.get_mut(Self::number(key)).map(|shard| shard.entry(key))
    }
}

/// Spreads keys that are numbers in a row. Those that come from outside are hashed with a secret before they get here.
#[derive(Debug, Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        mixed(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mixed(self.0 ^ u64::from(*byte));
        }
    }

    fn write_i64(&mut self, key: i64) {
        self.0 = key.cast_unsigned();
    }

    fn write_u32(&mut self, key: u32) {
        self.0 = key.into();
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

fn mixed(key: u64) -> u64 {
    let product = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}
