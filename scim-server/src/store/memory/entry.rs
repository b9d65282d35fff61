//! What is kept of one resource.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use scim_core::{AttrName, ResourceId, Version};

use super::super::encode::{Index, Keys};
use super::super::view::{Link, Row, Stored};
use super::super::{Record, Reference, StoreError};
use super::shape::{Found, Known, Shape, Shapes, Values, push};

/// A resource in one of its versions. A change makes another one of it.
///
/// NB: each byte here counts once for each resource, and so does each piece of memory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) row: Row,
    pub(super) created: DateTime<Utc>,
    pub(super) last_modified: DateTime<Utc>,
    pub(super) version: Version,
    shape: Arc<Shape>,
    /// Boxed, as hardly any resource has it.
    hidden: Option<Box<Bytes>>,
    /// The values of the document, then the texts that are not among them, then the keys.
    data: Box<[u8]>,
    id: At,
    display: Option<At>,
    keys: At,
    /// How many bytes the document has.
    length: u32,
}

/// A place in the data. NB: no document has 4 GiB.
type At = u32;

impl Entry {
    /// Keeps what is given, under these keys, or under those of the version before.
    pub(super) fn new(
        stored: &Stored,
        keys: &Keys,
        before: Option<&Self>,
        shapes: &mut Shapes,
        names: &mut Arc<Names>,
    ) -> Self {
        let Stored { row, record, display } = stored;
        let mut data = Vec::with_capacity(1_024);
        let shape = shapes.take(&record.document, names, &mut data);
        let mut texts = Texts { values: data.len(), data, last: 0 };
        let id = texts.exact(record.id.as_str());
        let display = display.as_deref().map(|display| texts.exact(display));
        let mut parts = Vec::with_capacity(8);
        for part in before.into_iter().filter(|_| keys.stay).flat_map(Self::key_parts) {
            let value = before.map_or(b"".as_slice(), |before| before.bytes(part.at));
            parts.push(KeyPart { at: texts.find(value, false).0, ..part });
        }
        let unique = keys.unique.iter().map(|unique| (Index::Unique, &unique.key));
        for (index, key) in unique.chain(keys.shared.iter().map(|key| (Index::Shared, key))) {
            let (at, is_folded) = texts.find(key.value.as_bytes(), true);
            parts.push(KeyPart { attribute: Names::number_of(names, &key.attribute), index, is_folded, at });
        }
        let mut data = texts.data;
        let keys = place(data.len());
        parts.iter().for_each(|part| part.write(&mut data));
        Self {
            row: *row,
            created: record.created,
            last_modified: record.last_modified,
            version: record.version,
            shape,
            hidden: record.hidden.clone().map(Box::new),
            data: data.into(),
            id,
            display,
            keys,
            length: place(record.document.len()),
        }
    }

    pub(super) fn resource_type(&self) -> &Arc<str> {
        self.shape.resource_type()
    }

    pub(super) fn id(&self) -> &str {
        self.text(self.id)
    }

    pub(super) fn stored(&self) -> Result<Stored, StoreError> {
        Ok(Stored { row: self.row, record: self.record(self.resource_id()?), display: self.display() })
    }

    /// The resource without the name to show, which answers do not take.
    pub(super) fn shown(&self) -> Result<Stored, StoreError> {
        Ok(Stored { row: self.row, record: self.record(self.resource_id()?), display: None })
    }

    /// The record of the resource, whose id is known.
    pub(super) fn record(&self, id: ResourceId) -> Record {
        let document = self.shape.document(&self.data, self.length());
        Record { document: document.into(), ..self.head(id) }
    }

    /// The resource, and where in its document the values of the members are, if that is known.
    pub(super) fn stored_with_members(&self, id: ResourceId) -> (Stored, Option<Vec<Found>>) {
        let (document, members) = self.shape.document_with_members(&self.data, self.length());
        let record = Record { document: document.into(), ..self.head(id) };
        (Stored { row: self.row, record, display: self.display() }, members)
    }

    /// The record without its document.
    pub(super) fn head(&self, id: ResourceId) -> Record {
        Record {
            id,
            resource_type: Arc::clone(self.resource_type()),
            created: self.created,
            last_modified: self.last_modified,
            version: self.version,
            document: Bytes::new(),
            hidden: self.hidden.as_deref().cloned(),
            related: Vec::new(),
        }
    }

    pub(super) fn link(&self) -> Result<Link, StoreError> {
        let resource_type = Arc::clone(self.resource_type());
        let reference = Reference::new(self.resource_id()?, resource_type, self.display());
        Ok(Link { row: self.row, reference })
    }

    pub(super) fn resource_id(&self) -> Result<ResourceId, StoreError> {
        self.id().parse().map_err(StoreError::internal)
    }

    fn display(&self) -> Option<Arc<str>> {
        self.display.map(|at| self.text(at).into())
    }

    /// The JSON of the member with this number, with the help of a buffer. No member has a name without a number.
    pub(super) fn member<'b>(&self, number: Option<u32>, buffer: &'b mut Vec<u8>) -> Member<'b> {
        match self.shape.member(number) {
            Known::At(place) => {
                let length = self.shape.write_member(place, &self.data, self.length(), buffer);
                Member::Here(buffer.get(..length).unwrap_or_default())
            }
            Known::Absent => Member::Absent,
            Known::Unknown => Member::Unknown,
        }
    }

    fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(0)
    }

    fn text(&self, at: At) -> &str {
        std::str::from_utf8(self.bytes(at)).unwrap_or_default()
    }

    fn bytes(&self, at: At) -> &[u8] {
        let data = usize::try_from(at).ok().and_then(|at| self.data.get(at..));
        data.and_then(|data| Values(data).next()).unwrap_or_default()
    }

    /// The values by which the resource is found, and another one, if there is one, is not.
    pub(super) fn keys_beside(&self, other: Option<&Self>) -> impl Iterator<Item = Key<'_>> {
        let keys = self.key_parts().map(|part| {
            let value = self.bytes(part.at);
            let value = if part.is_folded { value.to_ascii_lowercase().into() } else { value.into() };
            Key { index: part.index, attribute: part.attribute, value }
        });
        keys.filter(move |key| other.is_none_or(|other| !other.has_key(key)))
    }

    pub(super) fn has_key(&self, key: &Key<'_>) -> bool {
        self.key_parts().any(|part| {
            let value = self.bytes(part.at);
            part.index == key.index
                && part.attribute == key.attribute
                && if part.is_folded { is_folded(value, &key.value) } else { *value == *key.value }
        })
    }

    fn key_parts(&self) -> impl Iterator<Item = KeyPart> {
        let parts = usize::try_from(self.keys).ok().and_then(|keys| self.data.get(keys..));
        parts.unwrap_or_default().as_chunks().0.iter().map(KeyPart::read)
    }

    #[cfg(test)]
    pub(super) fn for_tests(row: Row) -> Self {
        let record = Record {
            id: format!("{row}").parse().unwrap(),
            resource_type: "User".into(),
            created: DateTime::UNIX_EPOCH,
            last_modified: DateTime::UNIX_EPOCH,
            version: Version::new(1),
            document: Bytes::new(),
            hidden: None,
            related: Vec::new(),
        };
        let mut shapes = Shapes::new(&record.resource_type);
        let stored = Stored { row, record, display: None };
        Self::new(&stored, &Keys::default(), None, &mut shapes, &mut Arc::default())
    }
}

/// Whether a document has a member.
pub(super) enum Member<'b> {
    Here(&'b [u8]),
    Absent,
    /// It has to be searched for.
    Unknown,
}

/// One value by which a resource is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key<'k> {
    pub(super) index: Index,
    /// The number of the path of the attribute.
    pub(super) attribute: u32,
    pub(super) value: Cow<'k, [u8]>,
}

/// A key as it is kept.
#[derive(Clone, Copy, Debug)]
struct KeyPart {
    attribute: u32,
    index: Index,
    /// Whether the value is what stands there in small letters.
    is_folded: bool,
    at: At,
}

impl KeyPart {
    /// Attributes have no numbers with these bits: there are no more than the schemas have.
    const SHARED: u32 = 1 << 31;
    const FOLDED: u32 = 1 << 30;

    fn write(self, out: &mut Vec<u8>) {
        let shared = if self.index == Index::Shared { Self::SHARED } else { 0 };
        let folded = if self.is_folded { Self::FOLDED } else { 0 };
        out.extend_from_slice(&(self.attribute | shared | folded).to_le_bytes());
        out.extend_from_slice(&self.at.to_le_bytes());
    }

    fn read(bytes: &[u8; 8]) -> Self {
        let [a, b, c, d, at @ ..] = *bytes;
        let first = u32::from_le_bytes([a, b, c, d]);
        Self {
            attribute: first & !(Self::SHARED | Self::FOLDED),
            index: if first & Self::SHARED == 0 { Index::Unique } else { Index::Shared },
            is_folded: first & Self::FOLDED != 0,
            at: u32::from_le_bytes(at),
        }
    }
}

/// Whether one text is another in small letters.
fn is_folded(text: &[u8], folded: &[u8]) -> bool {
    text.len() == folded.len() && text.iter().zip(folded).all(|(a, b)| a.to_ascii_lowercase() == *b)
}

fn place(at: usize) -> At {
    At::try_from(at).unwrap_or(At::MAX)
}

/// Texts that mostly are among the values of a document already, and are added where they are not.
struct Texts {
    data: Vec<u8>,
    /// Where the values of the document end.
    values: usize,
    /// Where the last text was found.
    last: usize,
}

impl Texts {
    /// So many values are looked at, from the last one that was found and from the first: what is looked for comes in the
    /// order of the document.
    const FAR: usize = 24;

    fn exact(&mut self, text: &str) -> At {
        self.find(text.as_bytes(), false).0
    }

    /// Where a text is, and whether there it is in other letters.
    fn find(&mut self, text: &[u8], folds: bool) -> (At, bool) {
        for begin in [self.last, 0] {
            let mut values = Values(self.data.get(begin..self.values).unwrap_or_default());
            let mut at = begin;
            for _ in 0..Self::FAR {
                let Some(value) = values.next() else { break };
                if value == text || (folds && is_folded(value, text)) {
                    self.last = at;
                    return (place(at), value != text);
                }
                at = self.values.saturating_sub(values.0.len());
            }
        }
        let at = place(self.data.len());
        push(&mut self.data, text);
        (at, false)
    }
}

/// Names of members and paths of attributes, numbered. There are no more than the schemas have.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<AttrName, u32>,
    names: Vec<AttrName>,
}

impl Names {
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        // Most resources have what the first one had.
        const FIRST: usize = 16;
        match self.names.iter().take(FIRST).position(|known| known.as_str() == name) {
            Some(number) => u32::try_from(number).ok(),
            None => self.numbers.get(&AttrName::new(name)).copied(),
        }
    }

    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(usize::try_from(number).ok()?).map(AttrName::as_str)
    }

    /// The number of a name, which it gets if it has none.
    pub(super) fn number_of(names: &mut Arc<Self>, name: &str) -> u32 {
        names.number(name).unwrap_or_else(|| {
            let number = u32::try_from(names.names.len()).unwrap_or(u32::MAX);
            let names = Arc::make_mut(names);
            names.numbers.insert(AttrName::new(name), number);
            names.names.push(AttrName::new(name));
            number
        })
    }
}
