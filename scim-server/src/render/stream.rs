//! Answers that are written while they are sent.

use std::fmt;

use bytes::Bytes;

use super::resource::{Progress, Scribe, open};
use super::{Shown, of_type};
use crate::context::RequestContext;
use crate::error::Error;
use crate::store::Record;

/// A list or a resource, of which a piece at a time is in memory.
///
/// INVARIANT: every record is shown as it is stored, is of a type that is shown and has been looked over, so that none
/// of them can fail once the head of the answer is on its way.
pub(crate) struct Pieces {
    context: RequestContext,
    shown: Vec<Shown>,
    records: std::vec::IntoIter<Record>,
    /// The record that is being written, and how far that has come.
    current: Option<(Record, Progress)>,
    /// What comes before the first record, until that is sent.
    head: Vec<u8>,
    close: &'static [u8],
    is_first: bool,
    is_closed: bool,
}

/// How many bytes a piece has, and less than one document more.
const PIECE: usize = 64 * 1024;

impl Pieces {
    pub(super) fn new(
        context: &RequestContext,
        shown: Vec<Shown>,
        records: Vec<Record>,
        head: Vec<u8>,
        close: &'static [u8],
    ) -> Result<Self, Error> {
        for record in &records {
            of_type(&shown, record)?;
            open(record)?;
        }
        Ok(Self {
            context: context.clone(),
            shown,
            records: records.into_iter(),
            current: None,
            head,
            close,
            is_first: true,
            is_closed: false,
        })
    }

    /// The next piece; none after the last one.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        if self.is_closed {
            return None;
        }
        let mut out = std::mem::take(&mut self.head);
        out.reserve(PIECE.saturating_add(4096).saturating_sub(out.len()));
        while out.len() < PIECE {
            let Some((record, mut progress)) = self.take() else {
                out.extend_from_slice(self.close);
                self.is_closed = true;
                break;
            };
            if progress.is_start() && !std::mem::take(&mut self.is_first) {
                out.push(b',');
            }
            let written = of_type(&self.shown, &record).and_then(|shown| {
                Scribe::new(&self.context, shown).write_some(&record, &mut progress, PIECE, &mut out)
            });
            match written {
                Ok(false) => self.current = Some((record, progress)),
                Ok(true) => {}
                Err(error) => {
                    tracing::error!(error = %error, request_id = %self.context.request_id, "an answer breaks off");
                    self.is_closed = true;
                    break;
                }
            }
        }
        Some(out.into())
    }

    fn take(&mut self) -> Option<(Record, Progress)> {
        self.current.take().or_else(|| Some((self.records.next()?, Progress::default())))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("left", &self.records.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use scim_core::{Projection, Registry, Version};

    use super::*;
    use crate::store::{Reference, Related};

    #[test]
    fn pieces_make_up_the_whole_answer() {
        let registry = Registry::rfc7643();
        let group = registry.by_name("Group").unwrap();
        let context =
            RequestContext::new(Arc::clone(&registry), DateTime::UNIX_EPOCH).with_base_url("https://x");
        let record = |n: usize, members: usize| {
            let reference = |m: usize| {
                let display = m.is_multiple_of(2).then(|| "\"quoted\"".into());
                Reference::new(format!("a/{m}").parse().unwrap(), "User".into(), display)
            };
            let document = format!("{{\"id\":\"{n}\",\"displayName\":\"{}\"}}", "x".repeat(100 * n));
            Record {
                id: n.to_string().parse().unwrap(),
                resource_type: Arc::clone(group.shared_name()),
                created: DateTime::UNIX_EPOCH,
                last_modified: DateTime::UNIX_EPOCH,
                version: Version::new(7),
                document: document.into(),
                hidden: None,
                related: vec![Related::new("members".into(), Some((0..members).map(reference).collect()))],
            }
        };
        let records = vec![record(1, 3_000), record(2, 0), record(900, 1), record(3, 2_000)];
        let shown = || vec![Shown::new(group, Projection::default_set())];
        let mut whole = b"[".to_vec();
        let mut read = Vec::new();
        for record in &records {
            if whole.len() > 1 {
                whole.push(b',');
            }
            Scribe::new(&context, &shown()[0]).write(record, &mut whole).unwrap();
            let object = record.to_object(&context, group).unwrap();
            read.push(scim_core::Value::Object(Projection::default_set().apply(group, &object)));
        }
        whole.push(b']');
        assert!(scim_core::Value::from_slice(&whole).unwrap() == scim_core::Value::Array(read));
        let mut pieces = Pieces::new(&context, shown(), records, b"[".to_vec(), b"]").unwrap();
        let mut sent = Vec::new();
        while let Some(piece) = pieces.next() {
            assert!(piece.len() < 2 * PIECE + 90_000, "{}", piece.len());
            sent.extend_from_slice(&piece);
        }
        assert!(pieces.is_closed() && sent == whole);
    }
}
