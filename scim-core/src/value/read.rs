use std::collections::HashSet;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::object::SMALL;
use super::{AttrName, Number, Object, Value, excerpt, plain};

/// How much JSON is read before giving up.
///
/// The number of bytes is the caller's to limit: whoever holds them has already accepted their size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonLimits {
    /// How deep arrays and objects may nest. Default 64; more than 256 counts as 256.
    pub depth: usize,
    /// How many values (scalars, arrays and objects together) one text may hold. Default 1,000,000.
    pub values: usize,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth: 64, values: 1_000_000 }
    }
}

impl JsonLimits {
    /// Sets the greatest depth.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Sets the greatest number of values.
    #[must_use]
    pub fn with_values(mut self, values: usize) -> Self {
        self.values = values;
        self
    }
}

/// Why a text is not acceptable JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    kind: JsonErrorKind,
    offset: usize,
}

impl JsonError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &JsonErrorKind {
        &self.kind
    }

    /// The byte at which it shows, counted from 0.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// What is wrong with a JSON text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// There is nothing but white space.
    #[error("no JSON value")]
    Empty,
    /// The grammar of RFC 8259 is broken; the text says how.
    #[error("malformed JSON: {0}")]
    Syntax(String),
    /// The bytes are not UTF-8.
    #[error("malformed JSON: not valid UTF-8")]
    NotUtf8,
    /// The text begins with U+FEFF, which senders "MUST NOT add" (RFC 8259 section 8.1).
    #[error("malformed JSON: a byte order mark (BOM), which has to be left out,")]
    ByteOrderMark,
    /// An escape such as `\ud800` stands for no character without the other half of the pair.
    #[error("malformed JSON: a \\u escape with half of a surrogate pair, without the other half,")]
    LoneSurrogate,
    /// Arrays and objects nest deeper than the limit.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit that was set.
        limit: usize,
    },
    /// There are more values than the limit.
    #[error("more than {limit} values")]
    TooManyValues {
        /// The limit that was set.
        limit: usize,
    },
    /// Two members of one object have the same name, or names that differ only in case.
    #[error("the member `{name}` occurs twice in one object (names are compared without case)")]
    DuplicateName {
        /// A short piece of the name.
        name: String,
    },
}

/// The greatest depth that can be asked for: reading, writing and dropping go down one call per level.
pub(super) const DEEPEST: usize = 256;

pub(super) fn read(bytes: &[u8], limits: &JsonLimits) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError { kind: JsonErrorKind::NotUtf8, offset: error.valid_up_to() })?;
    if let Some(value) = plain::read(text, limits) {
        return Ok(value);
    }
    read_or_tell(bytes, limits)
}

/// Reads what is not plain, and says what is wrong with it.
#[cold]
pub(super) fn read_or_tell(bytes: &[u8], limits: &JsonLimits) -> Result<Value, JsonError> {
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return Err(JsonError { kind: JsonErrorKind::ByteOrderMark, offset: 0 });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(JsonError { kind: JsonErrorKind::Empty, offset: 0 });
    }
    let mut reader = Reader { json: Jiter::new(bytes), limits, values: 0 };
    let first = reader.json.peek().map_err(syntax)?;
    let value = reader.value(first, 0)?;
    reader.json.finish().map_err(syntax)?;
    Ok(value)
}

pub(super) fn read_front(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut reader = Reader { json: Jiter::new(bytes), limits: &JsonLimits::default(), values: 0 };
    let first = reader.json.peek().map_err(syntax)?;
    reader.value(first, 0)
}

/// Passes over the JSON object that a text begins with, and hands out the members that are wanted, each with the bytes of its
/// value.
///
/// What follows the object is not looked at. `wanted` gets every name in turn; where it answers with something, `found` gets that together with the value. What
/// is passed over is not held against [`JsonLimits`], nor looked through for names that occur twice: this is for text
/// that [`Object::write`] has written.
///
/// ```
/// use scim_core::{Value, raw_members};
///
/// let mut titles = Vec::new();
/// let wanted = |name: &str| (name == "title").then_some(());
/// raw_members(br#"{"id":"1","title":"Dr","emails":[{}]}"#, wanted, |(), title| titles.push(title))?;
/// assert_eq!(titles, [br#""Dr""#]);
/// # Ok::<(), scim_core::JsonError>(())
/// ```
///
/// # Errors
/// [`JsonError`] when the bytes do not begin with a JSON object.
pub fn raw_members<'j, T>(
    bytes: &'j [u8],
    mut wanted: impl FnMut(&str) -> Option<T>,
    mut found: impl FnMut(T, &'j [u8]),
) -> Result<(), JsonError> {
    let mut json = Jiter::new(bytes);
    let mut next = json.next_object().map_err(syntax)?.map(&mut wanted);
    while let Some(wish) = next {
        let peek = json.peek().map_err(syntax)?;
        let start = json.current_index();
        json.known_skip(peek).map_err(syntax)?;
        if let Some(wish) = wish {
            found(wish, json.slice_to_current(start));
        }
        next = json.next_key().map_err(syntax)?.map(&mut wanted);
    }
    Ok(())
}

struct Reader<'j, 'l> {
    json: Jiter<'j>,
    limits: &'l JsonLimits,
    values: usize,
}

impl Reader<'_, '_> {
    fn value(&mut self, peek: Peek, depth: usize) -> Result<Value, JsonError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.error(JsonErrorKind::TooManyValues { limit: self.limits.values }));
        }
        match peek {
            Peek::Null => self.json.known_null().map(|()| Value::Null).map_err(syntax),
            Peek::True | Peek::False => self.json.known_bool(peek).map(Value::Bool).map_err(syntax),
            Peek::String => self.json.known_str().map(|text| Value::String(text.to_owned())).map_err(syntax),
            Peek::Array => self.array(self.deeper(depth)?),
            Peek::Object => self.object(self.deeper(depth)?),
            _ => self.number(peek),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        let limit = self.limits.depth.min(DEEPEST);
        if depth < limit { Ok(depth + 1) } else { Err(self.error(JsonErrorKind::TooDeep { limit })) }
    }

    fn number(&mut self, peek: Peek) -> Result<Value, JsonError> {
        let offset = self.json.current_index();
        let bytes = self.json.known_number_bytes(peek).map_err(syntax)?;
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| Number::from_json(text).ok())
            .map(Value::Number)
            .ok_or_else(|| JsonError { kind: JsonErrorKind::Syntax("invalid number".to_owned()), offset })
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        let mut next = self.json.known_array().map_err(syntax)?;
        while let Some(peek) = next {
            items.push(self.value(peek, depth)?);
            next = self.json.array_step().map_err(syntax)?;
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut members: Vec<(AttrName, Value)> = Vec::with_capacity(if depth == 1 { 16 } else { 4 });
        let mut names = Distinct::default();
        let mut next = self.json.known_object().map_err(syntax)?.map(AttrName::new);
        while let Some(name) = next {
            if !names.add(&members, name.as_str()) {
                return Err(self.error(JsonErrorKind::DuplicateName { name: excerpt(name.as_str()) }));
            }
            let peek = self.json.peek().map_err(syntax)?;
            let value = self.value(peek, depth)?;
            members.push((name, value));
            next = self.json.next_key().map_err(syntax)?.map(AttrName::new);
        }
        Ok(Value::Object(Object::from_distinct(members)))
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { kind, offset: self.json.current_index() }
    }
}

/// The names of the members of one object.
#[derive(Default)]
pub(super) struct Distinct {
    /// The marks of the names by now: one whose mark is not among them is new.
    marks: u64,
    /// All names, where there are many.
    many: Option<HashSet<AttrName>>,
}

impl Distinct {
    /// Takes note of the name that comes after these members; whether none of them has it.
    #[inline]
    pub(super) fn add(&mut self, members: &[(AttrName, Value)], name: &str) -> bool {
        let mark = mark(name);
        let is_marked = self.marks & mark != 0;
        self.marks |= mark;
        (members.len() < SMALL && !is_marked) || self.add_marked(members, name)
    }

    fn add_marked(&mut self, members: &[(AttrName, Value)], name: &str) -> bool {
        if members.len() < SMALL {
            return !members.iter().any(|(known, _)| known.is(name));
        }
        let known = || members.iter().map(|(known, _)| known.clone()).collect();
        self.many.get_or_insert_with(known).insert(AttrName::new(name))
    }
}

/// One bit of 64, the same for all spellings of a name.
#[inline]
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    // Makes the two cases of a letter one.
    let lower = |byte: Option<&u8>| u64::from(byte.copied().unwrap_or_default() | 0x20);
    let sum = lower(bytes.first()) + 7 * lower(bytes.last()) + 11 * (bytes.len() as u64);
    1 << (sum % 64)
}

fn syntax(error: JiterError) -> JsonError {
    use JsonErrorType::{LoneLeadingSurrogateInHexEscape, UnexpectedEndOfHexEscape};
    let kind = match error.error_type {
        // The second is said of what follows the first half of a pair.
        JiterErrorType::JsonError(LoneLeadingSurrogateInHexEscape | UnexpectedEndOfHexEscape) => {
            JsonErrorKind::LoneSurrogate
        }
        JiterErrorType::JsonError(kind) => JsonErrorKind::Syntax(kind.to_string()),
        JiterErrorType::WrongType { .. } => JsonErrorKind::Syntax("unexpected value".to_owned()),
    };
    JsonError { kind, offset: error.index }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> JsonErrorKind {
        Value::from_slice(text.as_bytes()).unwrap_err().kind().clone()
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in [
            "null",
            "[true,false]",
            r#"{"a":[1,2.50,-3e7,18446744073709551616],"b":{"C":"x\"\\\n\u20ac"}}"#,
            r#""\ud83d\ude00""#,
            "[[],{},\"\"]",
        ] {
            let value = Value::from_slice(text.as_bytes()).unwrap();
            let again = Value::from_slice(&value.to_vec()).unwrap();
            assert_eq!(value, again, "{text}");
        }
    }

    #[test]
    fn members_that_differ_only_in_case_are_refused_in_small_and_large_objects() {
        assert_eq!(kind(r#"{"a":1,"A":2}"#), JsonErrorKind::DuplicateName { name: "A".to_owned() });
        let mut text = String::from("{");
        for n in 0..100 {
            text.push_str(&format!("\"k{n}\":1,"));
        }
        text.push_str("\"K7\":1}");
        assert_eq!(kind(&text), JsonErrorKind::DuplicateName { name: "K7".to_owned() });
    }

    #[test]
    fn depth_is_bounded_and_the_bound_is_exact() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Value::from_slice(nested(64).as_bytes()).is_ok());
        assert_eq!(kind(&nested(65)), JsonErrorKind::TooDeep { limit: 64 });
        assert_eq!(kind(&"[".repeat(1_000_000)), JsonErrorKind::TooDeep { limit: 64 });
        let deepest = JsonLimits::default().with_depth(usize::MAX);
        assert!(Value::from_slice_with("[".repeat(1_000_000).as_bytes(), &deepest).is_err());
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let limits = JsonLimits::default().with_values(3);
        assert!(Value::from_slice_with(b"[1,2]", &limits).is_ok());
        assert!(Value::from_slice_with(b"[1,2,3]", &limits).is_err());
    }

    #[test]
    fn members_are_found_without_reading_the_others() {
        let text = br#" {"a":[1,{"b":"]}\"" }],"Title" : "x\u0041","b":{"c":{}},"n":-1.5e3 }"#;
        let mut all = Vec::new();
        raw_members(text, |name| Some(name.to_owned()), |name, raw| all.push((name, raw))).unwrap();
        let Value::Object(object) = Value::from_slice(text).unwrap() else { panic!() };
        assert_eq!(all.len(), object.len());
        for ((name, raw), (known, value)) in all.iter().zip(object.iter()) {
            assert_eq!((name.as_str(), &Value::from_slice(raw).unwrap()), (known.as_str(), value));
            let from = raw.as_ptr() as usize - text.as_ptr() as usize;
            assert_eq!(&Value::from_front(&text[from..]).unwrap(), value);
        }
        for text in ["", "[]", "{", "{\"a\":}", "{\"a\":1", "x{}"] {
            assert!(raw_members(text.as_bytes(), |_| Some(()), |(), _| {}).is_err(), "{text}");
        }
    }

    #[test]
    fn malformed_texts_are_refused_with_their_position() {
        assert_eq!(kind("  \n"), JsonErrorKind::Empty);
        for text in [
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "nul",
            "01",
            "1.",
            "\"\u{1}\"",
            "\"abc",
            "{} x",
            "[1 2]",
            "{1:2}",
            "NaN",
            "Infinity",
            "-Infinity",
            "'a'",
        ] {
            assert!(matches!(kind(text), JsonErrorKind::Syntax(_)), "{text}: {:?}", kind(text));
        }
        for text in [
            r#""\ud800""#,
            r#"["\ud800x"]"#,
            r#"["\uD83D\n"]"#,
            r#"["\ude00"]"#,
            r#"["\ud83d\ud83d"]"#,
            r#"{"\ud800":1}"#,
        ] {
            assert_eq!(kind(text), JsonErrorKind::LoneSurrogate, "{text}");
        }
        assert_eq!(
            Value::from_slice(br#"["a\ud800"]"#).unwrap_err().to_string(),
            "malformed JSON: a \\u escape with half of a surrogate pair, without the other half, at byte 9"
        );
        let marked = Value::from_slice(b"\xef\xbb\xbf{}").unwrap_err();
        assert_eq!(
            marked.to_string(),
            "malformed JSON: a byte order mark (BOM), which has to be left out, at byte 0"
        );
        assert_eq!(Value::from_slice(b"\xef\xbb\xbf").unwrap_err().kind(), &JsonErrorKind::ByteOrderMark);
        let error = Value::from_slice(b"{\"a\": tru}").unwrap_err();
        assert!(error.offset() >= 6, "{error}");
        assert_eq!(Value::from_slice(b"\"\xff\"").unwrap_err().kind(), &JsonErrorKind::NotUtf8);
    }
}
