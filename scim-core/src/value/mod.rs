//! JSON values as SCIM needs them: names without case, numbers to the last digit, duplicate members refused.

mod name;
mod number;
mod object;
mod plain;
mod read;
mod view;
mod write;

pub use name::AttrName;
pub(crate) use name::same_name;
pub use number::{Number, NumberError};
pub use object::{Object, Values};
pub use read::{JsonError, JsonErrorKind, JsonLimits, raw_members};
pub use write::write_json_string;

/// A JSON value before or after a schema has been applied to it.
///
/// A string stays a string: it becomes a dateTime or a binary only where the schema says so. The three ways in
/// which an attribute can have no value (absent, `null`, `[]`; RFC 7643 section 2.5) are kept apart here; see
/// [`Value::is_unassigned`].
///
/// Complete by definition: JSON has no other kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, kept as it was written.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object; its names are compared without case.
    Object(Object),
}

impl Value {
    /// Reads one JSON text with the default [`JsonLimits`].
    ///
    /// # Errors
    /// [`JsonError`] when the bytes are not exactly one JSON text (RFC 8259), are not UTF-8, nest too deeply, or
    /// hold an object with two members whose names differ only in case.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, JsonError> {
        read::read(bytes, &JsonLimits::default())
    }

    /// Reads one JSON text within the given limits.
    ///
    /// # Errors
    /// As [`Value::from_slice`].
    pub fn from_slice_with(bytes: &[u8], limits: &JsonLimits) -> Result<Self, JsonError> {
        read::read(bytes, limits)
    }

    /// Reads the JSON value that a text begins with; what follows it is not looked at.
    ///
    /// # Errors
    /// As [`Value::from_slice`].
    pub fn from_front(bytes: &[u8]) -> Result<Self, JsonError> {
        read::read_front(bytes)
    }

    /// Whether this is one of the forms of "no value": `null`, `[]` or `{}` (RFC 7643 section 2.5).
    #[must_use]
    pub fn is_unassigned(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(items) => items.iter().all(Self::is_unassigned),
            Self::Object(object) => object.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::String(_) => false,
        }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer, if this is a number written as one that fits 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The object, if this is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The object for changing, if this is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// What kind of JSON value this is, in words for error messages: `a string`, `an object`, ...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// A short piece of this value for an error message: escaped JSON, at most about 60 characters.
    #[must_use]
    pub fn excerpt(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => excerpt(&number.as_str()),
            Self::String(text) => excerpt(text),
            Self::Array(_) => "[...]".to_owned(),
            Self::Object(_) => "{...}".to_owned(),
        }
    }
}

/// A short, escaped piece of text that a client sent, fit for one line of an error message.
///
/// At most 60 characters come out, `...` aside; control characters, back-ticks and characters that cannot be seen or
/// that turn the direction of writing are escaped, so that they can neither break the line nor end the quotation.
#[must_use]
pub fn excerpt(text: &str) -> String {
    excerpt_of(text, 60)
}

/// As [`excerpt`] for a path, whose schema URI alone may be longer than what is shown of other input.
pub(crate) fn excerpt_path(path: &str) -> String {
    excerpt_of(path, 120)
}

fn excerpt_of(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut left = longest;
    for c in text.chars() {
        let escaped = (c == '`' || c.is_control() || is_unseen(c)).then(|| c.escape_unicode());
        let length = escaped.as_ref().map_or(1, ExactSizeIterator::len);
        let Some(rest) = left.checked_sub(length) else {
            out.push_str("...");
            break;
        };
        left = rest;
        match escaped {
            Some(escaped) => out.extend(escaped),
            None => out.push(c),
        }
    }
    out
}

/// Whether a character cannot be seen for what it is: it separates lines, turns the direction of writing, or has no form of
/// its own. Control characters (`char::is_control`) are not among these.
///
/// ```
/// assert!(scim_core::is_unseen('\u{202e}'));
/// assert!(!scim_core::is_unseen('é') && !scim_core::is_unseen('\n'));
/// ```
#[must_use]
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<Object> for Value {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(value: Vec<Self>) -> Self {
        Self::Array(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_keeps_to_its_line() {
        assert_eq!(excerpt("work"), "work");
        assert_eq!(excerpt("a`b\nc\u{202e}d"), "a\\u{60}b\\u{a}c\\u{202e}d");
        for text in ["x".repeat(1000), "\u{0}".repeat(1000), "\u{e0001}".repeat(61), "\u{e9}".repeat(61)] {
            let short = excerpt(&text);
            assert!(short.chars().count() <= 63 && short.ends_with("..."), "{short}");
        }
        assert_eq!(excerpt(&"x".repeat(60)), "x".repeat(60));
    }
}
