use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

use super::{AuditEvent, AuditSink};

/// Writes each event as one line of JSON, from a thread of its own.
///
/// Events wait in a queue of limited length. Where it is full, as when a disk has become slow, events are dropped and
/// counted rather than answers held up; the same happens to events that cannot be written.
pub struct JsonLinesSink {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Event(Box<AuditEvent>),
    Flush(SyncSender<()>),
}

impl JsonLinesSink {
    /// Writes to a file, a pipe or anything else; `capacity` events may wait, at least one.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn new(writer: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let (queue, events) = sync_channel(capacity.max(1));
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        let thread = std::thread::Builder::new().name("scim-audit".to_owned());
        thread.spawn(move || write_all(&events, BufWriter::new(writer), &lost))?;
        Ok(Self { queue, dropped })
    }

    /// How many events were dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all events so far are written, as before a program ends. False when that has taken longer than
    /// `most`; this blocks the thread, so do not call it from async code.
    #[must_use]
    pub fn flush(&self, most: Duration) -> bool {
        let (done, wait) = sync_channel(1);
        self.queue.try_send(Message::Flush(done)).is_ok() && wait.recv_timeout(most).is_ok()
    }
}

impl AuditSink for JsonLinesSink {
    fn record(&self, event: AuditEvent) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(Message::Event(Box::new(event)))
        {
            drop_one(&self.dropped);
        }
    }
}

fn write_all(events: &Receiver<Message>, mut writer: BufWriter<impl Write>, dropped: &AtomicU64) {
    let mut next = events.recv().ok();
    while let Some(message) = next {
        match message {
            Message::Event(event) => {
                let line = serde_json::to_vec(&event).map_err(io::Error::from);
                let written = line.and_then(|mut line| {
                    line.push(b'\n');
                    writer.write_all(&line)
                });
                if written.is_err() {
                    drop_one(dropped);
                }
            }
            Message::Flush(done) => {
                let _ = writer.flush();
                let _ = done.try_send(());
            }
        }
        next = match events.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                if let Err(error) = writer.flush() {
                    tracing::error!(error = %error, "audit events cannot be written");
                }
                events.recv().ok()
            }
        };
    }
    let _ = writer.flush();
}

/// Counts a lost event, and says so ever more rarely.
fn drop_one(dropped: &AtomicU64) {
    let dropped = dropped.fetch_add(1, Ordering::Relaxed) + 1;
    if dropped.is_power_of_two() {
        tracing::error!(dropped, "audit events are lost");
    }
}

impl fmt::Debug for JsonLinesSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesSink").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}
