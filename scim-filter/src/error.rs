//! Why an input is no filter or path.

use std::fmt;

use crate::limits::Limits;

/// An input is not a filter, a path or an attribute path.
///
/// The message is written for the person who wrote the input: what was expected, what stands there, and where.
///
/// ```
/// use scim_filter::{Filter, ParseErrorKind};
///
/// let error = Filter::parse(r#"userName regex "x""#).unwrap_err();
/// assert_eq!((error.kind(), error.offset()), (ParseErrorKind::UnknownOperator, 9));
/// assert_eq!(
///     error.to_string(),
///     "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `regex` at position 10"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    subject: Subject,
    offset: usize,
    position: usize,
    found: Option<Box<str>>,
    limit: usize,
    in_filter: bool,
}

/// What is wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but spaces.
    Empty,
    /// More bytes than [`Limits::length`].
    TooLong,
    /// Brackets nested deeper than [`Limits::depth`].
    TooDeep,
    /// More comparisons than [`Limits::terms`].
    TooManyTerms,
    /// An attribute, `not (` or `(` should stand here.
    ExpectedAttribute,
    /// This is not an attribute path: a name, perhaps after a schema URN and a colon, perhaps before a dot and a second name.
    BadAttribute,
    /// An operator should stand here.
    ExpectedOperator,
    /// This word is not an operator.
    UnknownOperator,
    /// A value should stand here.
    ExpectedValue,
    /// A word stands where a value should: a string without its quotes.
    BareWord,
    /// A string in single quotes.
    SingleQuotes,
    /// A string has no end.
    UnterminatedString,
    /// A backslash in a string with something after it that JSON does not know.
    BadEscape,
    /// A `\u` escape of one half of a surrogate pair.
    LoneSurrogate,
    /// A control character.
    ControlCharacter,
    /// This is not a JSON number.
    BadNumber,
    /// A space is missing between two tokens.
    ExpectedSpace,
    /// A `)` is missing.
    ExpectedClosingParenthesis,
    /// A `]` is missing.
    ExpectedClosingBracket,
    /// `not` without `( )` around what it negates.
    NotWithoutBrackets,
    /// `[` inside `[ ]`.
    NestedBrackets,
    /// Something stands after the end.
    TrailingInput,
}

impl ParseError {
    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where it is wrong: the number of bytes before it. At most the length of the input.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the input is a PATCH path whose fault is in the filter inside its brackets.
    ///
    /// RFC 7644, table 9 has `invalidFilter` for such a path and `invalidPath` for any other. A path that ends before the
    /// `]` is no filter in brackets but a bad path.
    pub fn is_in_filter(&self) -> bool {
        self.in_filter
    }

    pub(crate) fn new(subject: Subject, input: &str, fault: Fault<'_>, limits: &Limits) -> Self {
        let offset = input.len().saturating_sub(fault.rest.len());
        let before = input.get(..offset).unwrap_or(input);
        let in_filter = subject == Subject::Path
            && before.contains('[')
            && fault.rest.contains(']')
            && !fault.after_filter;
        Self {
            kind: fault.kind,
            subject,
            offset,
            position: before.chars().count().saturating_add(1),
            found: found(fault),
            limit: match fault.kind {
                ParseErrorKind::TooLong => limits.length,
                ParseErrorKind::TooDeep => limits.depth,
                _ => limits.terms,
            },
            in_filter,
        }
    }

    /// The error of an input that is too long to be looked at.
    pub(crate) fn too_long(subject: Subject, input: &str, limits: &Limits) -> Self {
        Self {
            kind: ParseErrorKind::TooLong,
            subject,
            offset: input.floor_char_boundary(limits.length),
            position: limits.length.saturating_add(1),
            found: None,
            limit: limits.length,
            in_filter: false,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ParseErrorKind as Kind;

        let Self { subject, position, limit, .. } = self;
        let expected = match self.kind {
            Kind::Empty => return write!(f, "the {subject} is empty"),
            Kind::TooLong => return write!(f, "the {subject} is longer than {limit} bytes"),
            Kind::TooDeep => {
                return write!(f, "brackets are nested more than {limit} deep at position {position}");
            }
            Kind::TooManyTerms => {
                return write!(f, "the {subject} has more than {limit} comparisons at position {position}");
            }
            Kind::ExpectedAttribute => "an attribute",
            Kind::BadAttribute => "an attribute path such as `userName` or `name.familyName`",
            Kind::ExpectedOperator | Kind::UnknownOperator => {
                "an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)"
            }
            Kind::ExpectedValue => "a value (a string in double quotes, a number, true, false or null)",
            Kind::BareWord => "a value (a string needs double quotes)",
            Kind::SingleQuotes => "a string in double quotes",
            Kind::UnterminatedString => "a double quote at the end of the string",
            Kind::BadEscape => "a JSON escape such as `\\\"`, `\\\\` or `\\u0041`",
            Kind::LoneSurrogate => "both halves of a surrogate pair",
            Kind::ControlCharacter => "no control character",
            Kind::BadNumber => "a number as JSON writes it",
            Kind::ExpectedSpace => "a space",
            Kind::ExpectedClosingParenthesis => "`)`, `and` or `or`",
            Kind::ExpectedClosingBracket => "`]`, `and` or `or`",
            Kind::NotWithoutBrackets => "`(` after `not`",
            Kind::NestedBrackets => "no `[` inside `[ ]`",
            Kind::TrailingInput => match subject {
                Subject::Filter => "`and`, `or` or the end of the filter",
                Subject::Path => "the end of the path",
                Subject::Attribute => "the end of the attribute",
            },
        };
        match &self.found {
            Some(found) => write!(f, "expected {expected} but found `{found}` at position {position}"),
            None => write!(f, "expected {expected} but the {subject} ends at position {position}"),
        }
    }
}

impl std::error::Error for ParseError {}

/// What the whole input was meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Filter,
    Path,
    Attribute,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Filter => "filter",
            Self::Path => "path",
            Self::Attribute => "attribute",
        })
    }
}

/// What the productions of the grammar fail with: small, borrowed, and made into a [`ParseError`] once, at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault<'a> {
    /// The input from where it is wrong.
    pub(crate) rest: &'a str,
    pub(crate) kind: ParseErrorKind,
    /// Whether this is past the `]` of a path.
    pub(crate) after_filter: bool,
}

impl<'a> Fault<'a> {
    pub(crate) fn new(kind: ParseErrorKind, rest: &'a str) -> Self {
        Self { rest, kind, after_filter: false }
    }

    /// Ends parsing with this: no alternative is tried.
    pub(crate) fn end<T>(kind: ParseErrorKind, rest: &'a str) -> Result<T, nom::Err<Self>> {
        Err(nom::Err::Failure(Self::new(kind, rest)))
    }
}

impl<'a> nom::error::ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(rest: &'a str, _: nom::error::ErrorKind) -> Self {
        Self::new(ParseErrorKind::TrailingInput, rest)
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// The token to show for a fault, if there is one.
fn found(fault: Fault<'_>) -> Option<Box<str>> {
    let first = fault.rest.chars().next()?;
    let shown = match fault.kind {
        ParseErrorKind::ControlCharacter | ParseErrorKind::NestedBrackets => {
            echo(first.encode_utf8(&mut [0; 4]))
        }
        ParseErrorKind::UnterminatedString | ParseErrorKind::SingleQuotes => echo(fault.rest),
        ParseErrorKind::BadEscape | ParseErrorKind::LoneSurrogate => {
            echo(fault.rest.split(['"', ' ']).next().unwrap_or(fault.rest))
        }
        _ if matches!(first, '(' | ')' | '[' | ']' | ' ') => echo(first.encode_utf8(&mut [0; 4])),
        _ => echo(fault.rest.split([' ', '(', ')', '[', ']']).next().unwrap_or(fault.rest)),
    };
    Some(shown.into())
}

/// The part of an input that a message shows: at most 32 characters, nothing that moves the cursor or breaks the line.
pub(crate) fn echo(text: &str) -> String {
    const SHOWN: usize = 32;

    let mut shown = String::new();
    for (index, char) in text.chars().enumerate() {
        if index == SHOWN {
            shown.push_str("...");
            break;
        }
        // A single control character may take ten characters here, so count what is shown, too.
        if shown.len() > 4 * SHOWN {
            shown.push_str("...");
            break;
        }
        if char.is_control()
            || matches!(char, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
    }
    shown
}
