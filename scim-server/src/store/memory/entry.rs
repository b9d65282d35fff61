//! What is kept of one resource.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use scim_core::{AttrName, ResourceId, Version};

use super::super::Record;
use super::super::Reference;
use super::super::encode::{Index, Keys};
use super::super::view::{Link, Row, Stored};

/// A resource in one of its versions. A change makes another one of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) row: Row,
    pub(super) id: ResourceId,
    pub(super) resource_type: Arc<str>,
    pub(super) created: DateTime<Utc>,
    pub(super) last_modified: DateTime<Utc>,
    pub(super) version: Version,
    pub(super) document: Bytes,
    /// Boxed, as hardly any resource has it.
    pub(super) hidden: Option<Box<Bytes>>,
    pub(super) display: Option<Arc<str>>,
    pub(super) keys: KeySet,
    pub(super) layout: Layout,
}

impl Entry {
    pub(super) fn new(stored: Stored, keys: KeySet, layout: Layout) -> Self {
        let Stored { row, record, display } = stored;
        let Record { id, resource_type, created, last_modified, version, document, hidden, .. } = record;
        let hidden = hidden.map(Box::new);
        Self {
            row,
            id,
            resource_type,
            created,
            last_modified,
            version,
            document,
            hidden,
            display,
            keys,
            layout,
        }
    }

    pub(super) fn stored(&self) -> Stored {
        let record = Record {
            id: self.id.clone(),
            resource_type: Arc::clone(&self.resource_type),
            created: self.created,
            last_modified: self.last_modified,
            version: self.version,
            document: self.document.clone(),
            hidden: self.hidden.as_deref().cloned(),
            related: Vec::new(),
        };
        Stored { row: self.row, record, display: self.display.clone() }
    }

    pub(super) fn link(&self) -> Link {
        let reference =
            Reference::new(self.id.clone(), Arc::clone(&self.resource_type), self.display.clone());
        Link { row: self.row, reference }
    }

    /// The JSON from the value of the member with this number on. No member has a name without a number.
    pub(super) fn member(&self, number: Option<u32>) -> Member<'_> {
        let Some(places) = &self.layout.0 else { return Member::Unknown };
        let Some(number) = number else { return Member::Absent };
        let place = places.iter().find(|place| **place >> OFFSET_BITS == number);
        let Some(place) = place else { return Member::Absent };
        let from = usize::try_from(place & LAST_OFFSET).unwrap_or(usize::MAX);
        self.document.get(from..).map_or(Member::Unknown, Member::Here)
    }

    #[cfg(test)]
    pub(super) fn for_tests(row: Row) -> Self {
        Self {
            row,
            id: format!("{row}").parse().unwrap(),
            resource_type: "User".into(),
            created: DateTime::UNIX_EPOCH,
            last_modified: DateTime::UNIX_EPOCH,
            version: Version::new(1),
            document: Bytes::new(),
            hidden: None,
            display: None,
            keys: KeySet::default(),
            layout: Layout::default(),
        }
    }
}

/// Where a member of a document is.
pub(super) enum Member<'e> {
    /// Its value is at the beginning of this.
    Here(&'e [u8]),
    /// The document does not have it.
    Absent,
    /// It has to be searched for.
    Unknown,
}

/// The values by which one resource is found, in as few pieces of memory as possible.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet {
    parts: Box<[Part]>,
    text: Box<str>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    attribute: u32,
    /// Where the value ends; it begins where the one before ends.
    end: u32,
    index: Index,
}

/// One value by which a resource is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'k> {
    pub(super) index: Index,
    /// The number of the path of the attribute.
    pub(super) attribute: u32,
    pub(super) value: &'k str,
}

impl KeySet {
    pub(super) fn new(keys: &Keys, names: &mut Arc<Names>) -> Self {
        let unique = keys.unique.iter().map(|unique| (Index::Unique, &unique.key));
        let all = unique.chain(keys.shared.iter().map(|key| (Index::Shared, key)));
        let (mut parts, mut text, mut before) = (Vec::new(), String::new(), None);
        for (index, key) in all {
            text.push_str(&key.value);
            let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
            parts.push(Part { attribute: Names::add(names, &key.attribute, &mut before), end, index });
        }
        Self { parts: parts.into(), text: text.into() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Key<'_>> {
        let mut from = 0;
        self.parts.iter().map(move |part| {
            let end = usize::try_from(part.end).unwrap_or(usize::MAX);
            let value = self.text.get(from..end).unwrap_or_default();
            from = end;
            Key { index: part.index, attribute: part.attribute, value }
        })
    }

    pub(super) fn has(&self, key: Key<'_>) -> bool {
        self.iter().any(|known| known == key)
    }
}

/// Where the values of the members of a document begin, with the numbers of their names: so many bits for the place, the
/// others for the number. None where that does not fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout(Option<Box<[u32]>>);

const OFFSET_BITS: u32 = 22;
const LAST_OFFSET: u32 = (1 << OFFSET_BITS) - 1;

impl Layout {
    pub(super) fn new(members: &[(AttrName, usize)], names: &mut Arc<Names>) -> Self {
        let mut before = None;
        let place = |(name, offset): &(AttrName, usize)| {
            let number = Names::add(names, name.as_str(), &mut before);
            let offset = u32::try_from(*offset).ok().filter(|offset| *offset <= LAST_OFFSET)?;
            (number < 1 << (32 - OFFSET_BITS)).then_some(number << OFFSET_BITS | offset)
        };
        Self(members.iter().map(place).collect::<Option<Vec<u32>>>().map(Vec::into_boxed_slice))
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
        self.numbers.get(&AttrName::new(name)).copied()
    }

    /// The number of a name, which is looked for first after the one that came before it: resources of one type mostly
    /// have their attributes in the same order.
    fn add(names: &mut Arc<Self>, name: &str, before: &mut Option<u32>) -> u32 {
        let next = before.map_or(0, |before| before.saturating_add(1));
        let guess = usize::try_from(next).ok().and_then(|next| names.names.get(next));
        let number = if guess.is_some_and(|guess| guess.is(name)) { Some(next) } else { names.number(name) };
        let number = number.unwrap_or_else(|| {
            let number = u32::try_from(names.names.len()).unwrap_or(u32::MAX);
            let names = Arc::make_mut(names);
            names.numbers.insert(AttrName::new(name), number);
            names.names.push(AttrName::new(name));
            number
        });
        *before = Some(number);
        number
    }
}
