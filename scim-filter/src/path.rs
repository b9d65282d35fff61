//! Attribute paths and PATCH paths, as written.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use crate::ast::Filter;
use crate::error::{ParseError, ParseErrorKind};
use crate::grammar;
use crate::limits::{Limits, ParseOptions};
use crate::name::{PathByte, is_name_start};

/// An attribute path as written: `attrPath = [URI ":"] ATTRNAME *1subAttr` (RFC 7644, 3.4.2.2 and 3.10).
///
/// What stands before the last colon is the schema's URI, whatever dots and digits it has; only what stands after it is
/// split at a dot. A text whose part after the last colon is no `name` or `name.sub`, such as `urn:example:ext:2.0`, can
/// only be a URI as a whole. A text such as `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User` can be either, and
/// which of them it is only a schema can tell: [`resolve`](Self::resolve) tries the longest URI first.
///
/// Two paths are equal if they are spelled alike without regard to case (3.10).
///
/// ```
/// use scim_filter::AttrPath;
///
/// # fn main() -> Result<(), scim_filter::ParseError> {
/// let path = AttrPath::parse("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName")?;
/// assert_eq!(path.schema(), Some("urn:ietf:params:scim:schemas:core:2.0:User"));
/// assert_eq!((path.name(), path.sub()), ("name", Some("givenName")));
/// assert_eq!(AttrPath::parse("userName")?, AttrPath::parse("USERNAME")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AttrPath<'a> {
    text: Cow<'a, str>,
    // INVARIANT: both are offsets of ASCII characters in `text`, or its length.
    /// Where the name begins; the length of the text if it has none.
    name_at: u32,
    /// Where the dot before the sub-attribute is; the length of the text if it has none.
    dot_at: u32,
}

impl<'a> AttrPath<'a> {
    /// Parses an attribute path of at most 8 KiB, with no spaces around it.
    ///
    /// # Errors
    ///
    /// If the text is neither a name, with or without a schema and a sub-attribute, nor a URI.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        grammar::attribute(text, &Limits::default())
    }

    /// The whole path as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The schema's URI: what stands before the last colon, or all of a text that can only be a URI.
    pub fn schema(&self) -> Option<&str> {
        if self.is_uri() {
            return Some(&self.text);
        }
        self.text.get(..(self.name_at as usize).checked_sub(1)?)
    }

    /// The attribute's name; empty if the text [can only be a URI](Self::is_uri).
    pub fn name(&self) -> &str {
        self.text.get(self.name_at as usize..self.dot_at as usize).unwrap_or_default()
    }

    /// The sub-attribute's name.
    pub fn sub(&self) -> Option<&str> {
        self.text.get((self.dot_at as usize).checked_add(1)?..)
    }

    /// Whether the text can only be a URI, as what stands after its last colon is no name.
    pub fn is_uri(&self) -> bool {
        self.name_at as usize >= self.text.len()
    }

    /// A path that does not borrow from the input.
    pub fn into_owned(self) -> AttrPath<'static> {
        AttrPath { text: Cow::Owned(self.text.into_owned()), name_at: self.name_at, dot_at: self.dot_at }
    }

    /// No path at all.
    pub(crate) const EMPTY: Self = Self { text: Cow::Borrowed(""), name_at: 0, dot_at: 0 };

    /// A path of one name, which the caller has checked.
    pub(crate) fn from_name(name: &'a str) -> Self {
        Self { text: Cow::Borrowed(name), name_at: 0, dot_at: length(name) }
    }

    /// Splits off the path that `input` begins with, and says where else it went wrong.
    #[inline]
    pub(crate) fn split(input: &'a str) -> Result<(&'a str, Self), (ParseErrorKind, &'a str)> {
        // Most paths are `name` or `name.sub`, and nothing else.
        let (dot_at, mut after) = name_at(input.as_bytes(), 0);
        let mut end = dot_at;
        if after == Some(b'.') {
            (end, after) = name_at(input.as_bytes(), dot_at.saturating_add(1));
        }
        match input.split_at_checked(end) {
            Some((text, rest))
                if after.is_none_or(|byte| PathByte::of(byte) == PathByte::Delimiter) && !text.is_empty() =>
            {
                Ok((rest, Self { text: Cow::Borrowed(text), name_at: 0, dot_at: offset(dot_at) }))
            }
            _ => Self::split_any(input),
        }
    }

    /// As [`split`](Self::split), for any path.
    #[inline(never)]
    fn split_any(input: &'a str) -> Result<(&'a str, Self), (ParseErrorKind, &'a str)> {
        let mut colon = None;
        let mut dot = None;
        // Whether what stands since the last colon has nothing but names and at most one dot.
        let mut plain = true;
        let mut end = input.len();
        for (at, byte) in input.bytes().enumerate() {
            match PathByte::of(byte) {
                PathByte::Name => {}
                PathByte::Dot => {
                    plain &= dot.is_none();
                    dot = Some(at);
                }
                PathByte::Colon => {
                    colon = Some(at);
                    dot = None;
                    plain = true;
                }
                PathByte::Uri => plain = false,
                PathByte::Delimiter | PathByte::None => {
                    end = at;
                    break;
                }
            }
        }
        let Some((text, rest)) = input.split_at_checked(end) else {
            return Err((ParseErrorKind::BadAttribute, input));
        };
        if text.is_empty() {
            return Err((ParseErrorKind::ExpectedAttribute, input));
        }

        let name_at = colon.map_or(0, |at| at.saturating_add(1));
        let begins = |at: usize| text.as_bytes().get(at).is_some_and(|byte| is_name_start(*byte));
        let named = plain && begins(name_at) && dot.is_none_or(|at| begins(at.saturating_add(1)));
        let path = if named {
            Self {
                text: Cow::Borrowed(text),
                name_at: offset(name_at),
                dot_at: dot.map_or(length(text), offset),
            }
        } else {
            Self { text: Cow::Borrowed(text), name_at: length(text), dot_at: length(text) }
        };
        let is_uri = || colon.is_some_and(|at| is_scheme(text) && at.saturating_add(1) < text.len());
        let legal = match colon {
            None => named,
            Some(_) => is_uri(),
        };
        if legal { Ok((rest, path)) } else { Err((ParseErrorKind::BadAttribute, input)) }
    }
}

impl PartialEq for AttrPath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for AttrPath<'_> {}

impl Hash for AttrPath<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.text.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

/// The target of a PATCH operation as written: `PATH = attrPath / valuePath [subAttr]` (RFC 7644, 3.5.2).
///
/// ```
/// use scim_filter::Path;
///
/// # fn main() -> Result<(), scim_filter::ParseError> {
/// let path = Path::parse(r#"addresses[type eq "work"].streetAddress"#)?;
/// assert_eq!(path.attr().name(), "addresses");
/// assert_eq!(path.filter().map(ToString::to_string).as_deref(), Some(r#"type eq "work""#));
/// assert_eq!(path.sub(), Some("streetAddress"));
///
/// assert!(Path::parse("emails[type regex 1]").unwrap_err().is_in_filter());
/// assert!(!Path::parse("emails type").unwrap_err().is_in_filter());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path<'a> {
    pub(crate) attr: AttrPath<'a>,
    pub(crate) filter: Option<Filter<'a>>,
    pub(crate) sub: Option<Cow<'a, str>>,
}

impl<'a> Path<'a> {
    /// Parses a path within the default [`Limits`].
    ///
    /// # Errors
    ///
    /// If the text is not a path. [`ParseError::is_in_filter`] tells `invalidFilter` from `invalidPath`.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        Self::parse_with(text, &ParseOptions::default())
    }

    /// Parses a path.
    ///
    /// # Errors
    ///
    /// If the text is not a path, or not within the limits.
    pub fn parse_with(text: &'a str, options: &ParseOptions) -> Result<Self, ParseError> {
        grammar::path(text, options)
    }

    /// The attribute, which without a filter may itself name a sub-attribute: `name.familyName`.
    pub fn attr(&self) -> &AttrPath<'a> {
        &self.attr
    }

    /// The filter inside the brackets, which selects values of the attribute.
    pub fn filter(&self) -> Option<&Filter<'a>> {
        self.filter.as_ref()
    }

    /// The sub-attribute: that after the brackets, or without brackets that of [`attr`](Self::attr).
    pub fn sub(&self) -> Option<&str> {
        match (&self.sub, &self.filter) {
            (Some(sub), _) => Some(sub),
            (None, None) => self.attr.sub(),
            (None, Some(_)) => None,
        }
    }

    /// A path that does not borrow from the input.
    pub fn into_owned(self) -> Path<'static> {
        Path {
            attr: self.attr.into_owned(),
            filter: self.filter.map(Filter::into_owned),
            sub: self.sub.map(|sub| Cow::Owned(sub.into_owned())),
        }
    }
}

impl<'a> From<AttrPath<'a>> for Path<'a> {
    fn from(attr: AttrPath<'a>) -> Self {
        Self { attr, filter: None, sub: None }
    }
}

/// Where the name ends that begins at `from`, and what byte comes then; 0 where none begins.
#[inline]
fn name_at(bytes: &[u8], from: usize) -> (usize, Option<u8>) {
    let name = bytes.get(from..).unwrap_or_default();
    if !name.first().is_some_and(|byte| is_name_start(*byte)) {
        return (0, Some(b':'));
    }
    match name.iter().position(|byte| PathByte::of(*byte) != PathByte::Name) {
        Some(length) => (from.saturating_add(length), name.get(length).copied()),
        None => (bytes.len(), None),
    }
}

/// Whether the text begins as a URI does: `scheme ":"` (RFC 3986, 3.1).
fn is_scheme(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn length(text: &str) -> u32 {
    offset(text.len())
}

/// An offset in an input, which no limit lets grow past 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
