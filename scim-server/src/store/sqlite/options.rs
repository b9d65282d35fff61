use std::time::Duration;

/// How a [`SqliteStore`](super::SqliteStore) uses its database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// How many reads run at once, each on a connection of its own; at least 1. Default 4.
    pub readers: u32,
    /// How long to wait for another process that uses the file, and for a free reader. Default 5 seconds.
    pub busy_timeout: Duration,
    /// When a write counts as done. Default [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// After how long a read is given up: it would look at too much. Default 10 seconds.
    pub read_time: Duration,
    /// The page cache of each connection, in KiB. Default 4,096.
    pub cache_kib: u32,
    /// How many writes may wait in line; further ones wait to get into it. At least 1. Default 4,096.
    pub queue: usize,
    /// How many waiting writes share one transaction at most; at least 1. Default 512.
    pub batch: usize,
    /// After how long a transaction takes in no further write; those that wait behind it want an answer too. The writes
    /// of one [`write_all`](super::ResourceStore::write_all) that are left then wait in line again, so that it holds
    /// others up for little longer than this. Default 100 milliseconds.
    pub batch_time: Duration,
}

/// When a write counts as done.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on disk: it survives a loss of power.
    #[default]
    Full,
    /// When the operating system has it: it survives a crash of this program, not a loss of power. The database stays
    /// sound in any case.
    Normal,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            synchronous: Synchronous::Full,
            read_time: Duration::from_secs(10),
            cache_kib: 4_096,
            queue: 4_096,
            batch: 512,
            batch_time: Duration::from_millis(100),
        }
    }
}

impl SqliteOptions {
    /// Sets how many reads run at once.
    #[must_use]
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Sets how long to wait for another process and for a free reader.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets when a write counts as done.
    #[must_use]
    pub fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets after how long a read is given up.
    #[must_use]
    pub fn with_read_time(mut self, time: Duration) -> Self {
        self.read_time = time;
        self
    }

    /// Sets the page cache of each connection, in KiB.
    #[must_use]
    pub fn with_cache_kib(mut self, kib: u32) -> Self {
        self.cache_kib = kib;
        self
    }

    /// Sets how many writes may wait in line.
    #[must_use]
    pub fn with_queue(mut self, writes: usize) -> Self {
        self.queue = writes.max(1);
        self
    }

    /// Sets how many waiting writes share one transaction at most.
    #[must_use]
    pub fn with_batch(mut self, writes: usize) -> Self {
        self.batch = writes.max(1);
        self
    }

    /// Sets after how long a transaction takes in no further write.
    #[must_use]
    pub fn with_batch_time(mut self, time: Duration) -> Self {
        self.batch_time = time;
        self
    }
}

impl Synchronous {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}
