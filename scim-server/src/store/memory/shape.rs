//! What documents have in common.
//!
//! The documents of people who came from one place differ in little but their strings and numbers. So these are kept with
//! each resource, and all else once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Weak};

use memchr::{memchr_iter, memchr2};

use super::entry::Names;

/// The JSON of documents of one type, with [holes](HOLE) where each has values of its own.
#[derive(Debug)]
pub(super) struct Shape {
    resource_type: Arc<str>,
    text: Box<[u8]>,
    /// Where in the text the holes are.
    holes: Box<[usize]>,
    /// The members of the documents, in their order; none if they have to be searched for.
    members: Option<Box<[Place]>>,
}

/// Stands for a number, or for what is between the quotes of a string. JSON does not have it anywhere.
const HOLE: u8 = 0;

/// Where the value of a member is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of its name.
    name: u32,
    from: usize,
    to: usize,
    /// How many holes are before it.
    holes: usize,
}

/// What a shape says of a member.
pub(super) enum Known {
    /// Where it is.
    At(Place),
    /// Documents of this shape do not have it.
    Absent,
    /// It has to be searched for.
    Unknown,
}

impl Shape {
    /// The shape of what has nothing in common with others.
    fn plain(resource_type: &Arc<str>) -> Self {
        let resource_type = Arc::clone(resource_type);
        Self { resource_type, text: [HOLE].into(), holes: [0].into(), members: None }
    }

    fn new(resource_type: &Arc<str>, text: Vec<u8>, names: &mut Arc<Names>) -> Self {
        let holes: Box<[usize]> = memchr_iter(HOLE, &text).collect();
        let members = members(&text, &holes, names);
        Self { resource_type: Arc::clone(resource_type), text: text.into(), holes, members }
    }

    pub(super) fn resource_type(&self) -> &Arc<str> {
        &self.resource_type
    }

    /// Appends the values of a document, and says whether it has this shape; only then they count.
    fn take(&self, document: &[u8], data: &mut Vec<u8>) -> bool {
        let (mut rest, mut from) = (document, 0);
        for hole in &self.holes {
            let Some(before) = self.text.get(from..*hole) else { return false };
            let Some(behind) = rest.strip_prefix(before) else { return false };
            let length = if before.ends_with(b"\"") { string_end(behind) } else { Some(number_end(behind)) };
            let Some((value, behind)) = length.and_then(|length| behind.split_at_checked(length)) else {
                return false;
            };
            push(data, value);
            (rest, from) = (behind, hole.saturating_add(1));
        }
        self.text.get(from..) == Some(rest)
    }

    /// The member with this number.
    pub(super) fn member(&self, number: Option<u32>) -> Known {
        let Some(members) = &self.members else { return Known::Unknown };
        let Some(number) = number else { return Known::Absent };
        members.iter().find(|place| place.name == number).copied().map_or(Known::Absent, Known::At)
    }

    /// A document, which has so many bytes.
    pub(super) fn document(&self, data: &[u8], length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        self.writer(data).write_to(self.text.len(), &mut out, 0);
        out
    }

    /// Writes the value of a member of a document, which has so many bytes, and says how long it is.
    pub(super) fn write_member(&self, place: Place, data: &[u8], length: usize, out: &mut Vec<u8>) -> usize {
        if out.len() < length {
            out.resize(length, 0);
        }
        let mut values = Values(data);
        for _ in 0..place.holes {
            values.next_from();
        }
        let holes = self.holes.get(place.holes..).unwrap_or_default();
        Writer { text: &self.text, holes, values, at: place.from }.write_to(place.to, out, 0)
    }

    /// A document, which has so many bytes, and where in it the values of the members are, if that is known.
    pub(super) fn document_with_members(&self, data: &[u8], length: usize) -> (Vec<u8>, Option<Vec<Found>>) {
        let Some(members) = &self.members else { return (self.document(data, length), None) };
        let mut out = vec![0; length];
        let mut writer = self.writer(data);
        let mut found = Vec::with_capacity(members.len());
        let mut end = 0;
        for place in members {
            let from = writer.write_to(place.from, &mut out, end);
            end = writer.write_to(place.to, &mut out, from);
            found.push((place.name, from..end));
        }
        writer.write_to(self.text.len(), &mut out, end);
        (out, Some(found))
    }

    fn writer<'s>(&'s self, data: &'s [u8]) -> Writer<'s> {
        Writer { text: &self.text, holes: &self.holes, values: Values(data), at: 0 }
    }
}

/// The number of the name of a member, and where its value is.
pub(super) type Found = (u32, Range<usize>);

/// A document that is being written.
struct Writer<'s> {
    text: &'s [u8],
    /// Those that are ahead.
    holes: &'s [usize],
    values: Values<'s>,
    /// How much of the text is written.
    at: usize,
}

impl Writer<'_> {
    /// Goes on to this place in the text; `end` is where the output is to go on, and then where it ends.
    fn write_to(&mut self, to: usize, out: &mut [u8], mut end: usize) -> usize {
        while let Some((hole, ahead)) = self.holes.split_first()
            && *hole < to
        {
            end = copy(self.text.get(self.at..).unwrap_or_default(), hole.wrapping_sub(self.at), out, end);
            let (length, value) = self.values.next_from().unwrap_or_default();
            end = copy(value, length, out, end);
            self.at = hole.wrapping_add(1);
            self.holes = ahead;
        }
        end = copy(self.text.get(self.at..).unwrap_or_default(), to.wrapping_sub(self.at), out, end);
        self.at = to;
        end
    }
}

/// How much is copied at once: most pieces are shorter, and a copy of known length takes a few instructions.
const STEP: usize = 32;

/// Copies the beginning of one text to a place in another, and says where that ends. What comes after it may be overwritten.
#[inline]
fn copy(from: &[u8], length: usize, out: &mut [u8], at: usize) -> usize {
    let Some(room) = out.get_mut(at..) else { return at };
    if length <= STEP
        && let (Some(from), Some(room)) = (from.first_chunk::<STEP>(), room.first_chunk_mut())
    {
        *room = *from;
    } else if let (Some(from), Some(room)) = (from.get(..length), room.get_mut(..length)) {
        room.copy_from_slice(from);
    }
    at.wrapping_add(length)
}

/// Values one after the other, each with its length ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'d>(pub(super) &'d [u8]);

impl<'d> Iterator for Values<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        let (length, value) = self.next_from()?;
        value.get(..length)
    }
}

impl<'d> Values<'d> {
    /// The length of the next value, and all from there on.
    #[inline]
    fn next_from(&mut self) -> Option<(usize, &'d [u8])> {
        let (first, mut rest) = self.0.split_first()?;
        let mut length = usize::from(*first);
        if *first == LONG {
            let (long, behind) = rest.split_first_chunk()?;
            (length, rest) = (usize::try_from(u32::from_le_bytes(*long)).ok()?, behind);
        }
        self.0 = rest.get(length..)?;
        Some((length, rest))
    }
}

/// The length of values whose length takes more than a byte.
const LONG: u8 = u8::MAX;

/// Appends a value.
pub(super) fn push(data: &mut Vec<u8>, value: &[u8]) {
    match u8::try_from(value.len()) {
        Ok(length) if length != LONG => data.push(length),
        _ => {
            data.push(LONG);
            data.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    data.extend_from_slice(value);
}

/// How long a string is that begins behind a quote.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let at = from.saturating_add(memchr2(b'"', b'\\', text.get(from..)?)?);
        match text.get(at) {
            Some(b'"') => return Some(at),
            _ => from = at.saturating_add(2),
        }
    }
}

fn number_end(text: &[u8]) -> usize {
    let in_number = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    text.iter().position(|b| !in_number(b)).unwrap_or(text.len())
}

/// A document without its values. Those stay that many have: the URIs of schemas, and kinds such as `work`.
fn outline(document: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(document.len());
    let mut rest = document;
    let mut name: &[u8] = b"";
    while let Some((first, behind)) = rest.split_first() {
        match first {
            b'"' => {
                let end = string_end(behind).unwrap_or(behind.len());
                let (content, behind) = behind.split_at_checked(end).unwrap_or((behind, b""));
                let behind = behind.strip_prefix(b"\"").unwrap_or(behind);
                text.push(b'"');
                if behind.first() == Some(&b':') {
                    name = content;
                    text.extend_from_slice(content);
                } else if content.starts_with(b"urn:") || name == b"type" {
                    text.extend_from_slice(content);
                } else {
                    text.push(HOLE);
                }
                text.push(b'"');
                rest = behind;
            }
            b'-' | b'0'..=b'9' => {
                text.push(HOLE);
                rest = rest.get(number_end(rest)..).unwrap_or_default();
            }
            _ => {
                text.push(*first);
                rest = behind;
            }
        }
    }
    text
}

/// Where the members of an object are; none if their names are not simply what stands there.
fn members(text: &[u8], holes: &[usize], names: &mut Arc<Names>) -> Option<Box<[Place]>> {
    let mut places: Vec<Place> = Vec::new();
    let mut open: Option<(u32, usize)> = None;
    let (mut depth, mut at) = (0_usize, 0_usize);
    while let Some(byte) = text.get(at) {
        let next = at.saturating_add(1);
        match byte {
            b'"' => {
                let end = next.saturating_add(string_end(text.get(next..)?)?);
                let behind = end.saturating_add(1);
                at = behind;
                if depth == 1 && text.get(behind) == Some(&b':') {
                    let name = std::str::from_utf8(text.get(next..end)?).ok()?;
                    if name.contains('\\') {
                        return None;
                    }
                    at = behind.saturating_add(1);
                    open = Some((Names::number_of(names, name), at));
                }
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' | b',' => {
                if depth == 1
                    && let Some((name, from)) = open.take()
                {
                    let holes = holes.partition_point(|hole| *hole < from);
                    places.push(Place { name, from, to: at, holes });
                }
                if *byte != b',' {
                    depth = depth.checked_sub(1)?;
                }
            }
            _ => {}
        }
        at = next;
    }
    Some(places.into())
}

/// The shapes of the resources of one type.
#[derive(Debug)]
pub(super) struct Shapes {
    plain: Arc<Shape>,
    known: HashMap<Box<[u8]>, Weak<Shape>>,
    /// Those that came last, the last one first.
    recent: Vec<Arc<Shape>>,
    /// How many resources have come since it was last seen which shapes nobody has any more.
    since: usize,
}

impl Shapes {
    /// How many shapes there are at most, beside the plain one.
    const MOST: usize = 1_024;
    /// How many bytes a shape has at most.
    const LONGEST: usize = 16 * 1_024;
    const RECENT: usize = 4;

    pub(super) fn new(resource_type: &Arc<str>) -> Self {
        let plain = Arc::new(Shape::plain(resource_type));
        Self { plain, known: HashMap::new(), recent: Vec::new(), since: 0 }
    }

    /// The shape of a document, whose values are appended.
    pub(super) fn take(&mut self, document: &[u8], names: &mut Arc<Names>, data: &mut Vec<u8>) -> Arc<Shape> {
        let begin = data.len();
        self.since = self.since.saturating_add(1);
        for (at, shape) in self.recent.iter().enumerate() {
            if shape.take(document, data) {
                let shape = Arc::clone(shape);
                self.recent.get_mut(..=at).unwrap_or_default().rotate_right(1);
                return shape;
            }
            data.truncate(begin);
        }
        let text = outline(document);
        if let Some(shape) = self.of_text(text, names) {
            if shape.take(document, data) {
                self.recent.truncate(Self::RECENT.saturating_sub(1));
                self.recent.insert(0, Arc::clone(&shape));
                return shape;
            }
            data.truncate(begin);
        }
        push(data, document);
        Arc::clone(&self.plain)
    }

    fn of_text(&mut self, text: Vec<u8>, names: &mut Arc<Names>) -> Option<Arc<Shape>> {
        if let Some(known) = self.known.get(&*text).and_then(Weak::upgrade) {
            return Some(known);
        }
        if self.known.len() >= Self::MOST && self.since >= Self::MOST {
            self.known.retain(|_, shape| shape.strong_count() > 0);
            self.since = 0;
        }
        if text.len() > Self::LONGEST || self.known.len() >= Self::MOST {
            return None;
        }
        let key = text.clone().into_boxed_slice();
        let shape = Arc::new(Shape::new(&self.plain.resource_type, text, names));
        self.known.insert(key, Arc::downgrade(&shape));
        Some(shape)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scim_core::{Object, Value};

    use super::*;

    /// Texts as they are in documents, with all that may be taken for something else.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            r#"(urn:)?[a-z"\\\x00 \u{e9},:{}\[\]1-]{0,6}"#.prop_map(Value::from),
            "[a-z]{250,260}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                object(inner).prop_map(Value::Object),
            ]
        })
    }

    fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
        let name = prop_oneof!["type|value|id|[a-d]", r#"[a-c"\\\x00:-]{1,3}"#];
        prop::collection::vec((name, value), 0..5).prop_map(|members| {
            members.iter().map(|(name, value): &(String, Value)| (name.as_str(), value.clone())).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// A document comes back as it was, whatever shapes there are already, and so does each member.
        #[test]
        fn documents_come_back(documents in prop::collection::vec(object(value()), 1..6)) {
            let mut shapes = Shapes::new(&"User".into());
            let mut names = Arc::default();
            // Each twice: the second time its shape is known.
            for document in documents.iter().chain(&documents) {
                let json = document.to_vec();
                let mut data = Vec::new();
                let shape = shapes.take(&json, &mut names, &mut data);
                prop_assert_eq!(&shape.document(&data, json.len()), &json);
                let (again, members) = shape.document_with_members(&data, json.len());
                prop_assert_eq!(&again, &json);
                for (number, place) in members.into_iter().flatten() {
                    let value = Value::from_slice(&again[place]).unwrap();
                    prop_assert_eq!(Some(&value), document.get(names.name(number).unwrap()));
                }
                let mut again = Vec::new();
                for name in ["type", "value", "id", "a", "b", "c", "d"] {
                    match shape.member(names.number(name)) {
                        Known::At(place) => {
                            let length = shape.write_member(place, &data, json.len(), &mut again);
                            let value = Value::from_slice(&again[..length]).unwrap();
                            prop_assert_eq!(Some(&value), document.get(name));
                        }
                        Known::Absent => prop_assert!(document.get(name).is_none()),
                        Known::Unknown => {}
                    }
                }
            }
        }
    }

    #[test]
    fn what_differs_in_values_has_one_shape() {
        let mut shapes = Shapes::new(&"User".into());
        let mut names = Arc::default();
        let mut take = |json: &str| {
            let mut data = Vec::new();
            (shapes.take(json.as_bytes(), &mut names, &mut data), data)
        };
        let (first, data) =
            take(r#"{"schemas":["urn:x"],"id":"1","n":5,"mails":[{"value":"a","type":"work"}]}"#);
        assert_eq!(data, b"\x011\x015\x01a");
        let (same, data) =
            take(r#"{"schemas":["urn:x"],"id":"23","n":-6e1,"mails":[{"value":"\"","type":"work"}]}"#);
        assert_eq!(data, b"\x0223\x04-6e1\x02\\\"");
        assert!(Arc::ptr_eq(&first, &same));
        let (other, _) =
            take(r#"{"schemas":["urn:x"],"id":"1","n":5,"mails":[{"value":"a","type":"home"}]}"#);
        assert!(!Arc::ptr_eq(&first, &other));
        let (plain, data) = take(&format!(r#"{{"id":"1",{:20000}"a":"b"}}"#, ""));
        assert_eq!((plain.text.len(), data.len()), (1, 20_023));
    }

    /// However many shapes come, only so many are kept, and those that nobody has make room.
    #[test]
    fn shapes_are_bounded() {
        let mut shapes = Shapes::new(&"User".into());
        let mut names = Arc::default();
        let mut kept = Vec::new();
        for n in 0..3 * Shapes::MOST {
            let mut data = Vec::new();
            let json = format!(r#"{{"schemas":["urn:{n}"],"id":"{n}"}}"#);
            kept.push(shapes.take(json.as_bytes(), &mut names, &mut data));
        }
        assert_eq!(shapes.known.len(), Shapes::MOST);
        assert_eq!(kept.last().unwrap().text.len(), 1);
        kept.clear();
        for n in 0..=Shapes::MOST {
            shapes.take(format!(r#"{{"a":["urn:{n}"]}}"#).as_bytes(), &mut names, &mut Vec::new());
        }
        assert!(shapes.known.len() < Shapes::MOST);
        let shape = shapes.take(br#"{"b":"c"}"#, &mut names, &mut Vec::new());
        assert_ne!(shape.text.len(), 1);
    }
}
