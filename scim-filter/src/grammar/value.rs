//! `compValue = false / null / true / number / string`, by the rules of JSON (RFC 8259).

use std::borrow::Cow;

use super::Parsed;
use super::token::{at, at_control, at_delimiter, split, word};
use crate::ast::{Literal, NumberText};
use crate::error::{Fault, ParseErrorKind};
use crate::limits::ParseOptions;

/// `compValue`
#[inline]
pub(super) fn comp_value<'a>(options: &ParseOptions, input: &'a str) -> Parsed<'a, Literal<'a>> {
    if at(input, b'"') {
        let (rest, text) = string(input)?;
        if !at_delimiter(rest) || at_opening(rest) {
            return Fault::end(ParseErrorKind::ExpectedSpace, rest);
        }
        return Ok((rest, Literal::String(text)));
    }
    word_value(options, input)
}

/// `false / null / true / number`
fn word_value<'a>(options: &ParseOptions, input: &'a str) -> Parsed<'a, Literal<'a>> {
    let Some(first) = input.chars().next() else { return Fault::end(ParseErrorKind::ExpectedValue, input) };
    let (rest, word) = word(input)?;
    let literal = match word {
        "" if at_control(input) => return Fault::end(ParseErrorKind::ControlCharacter, input),
        "" => return Fault::end(ParseErrorKind::ExpectedValue, input),
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        "null" => Literal::Null,
        _ => match NumberText::new(word) {
            Some(number) => Literal::Number(number),
            None if first == '\'' => return Fault::end(ParseErrorKind::SingleQuotes, input),
            None if options.bare_words && !word.contains('"') => Literal::String(Cow::Borrowed(word)),
            None if first.is_ascii_digit() || first == '-' => {
                return Fault::end(ParseErrorKind::BadNumber, input);
            }
            None => return Fault::end(ParseErrorKind::BareWord, input),
        },
    };
    if at_opening(rest) {
        return Fault::end(ParseErrorKind::ExpectedSpace, rest);
    }
    Ok((rest, literal))
}

/// Whether an opening bracket is next.
fn at_opening(input: &str) -> bool {
    at(input, b'(') || at(input, b'[')
}

/// `string = quotation-mark *char quotation-mark`
#[inline]
fn string(input: &str) -> Parsed<'_, Cow<'_, str>> {
    let body = input.strip_prefix('"').unwrap_or(input);
    let (rest, plain) = plain(body);
    if let Some(rest) = rest.strip_prefix('"') {
        return Ok((rest, Cow::Borrowed(plain)));
    }
    unescape(input, plain, rest)
}

/// The rest of a string with an escape, after its plain beginning.
#[cold]
fn unescape<'a>(input: &'a str, beginning: &str, mut rest: &'a str) -> Parsed<'a, Cow<'a, str>> {
    let mut text = String::from(beginning);
    loop {
        if let Some(rest) = rest.strip_prefix('"') {
            return Ok((rest, Cow::Owned(text)));
        }
        if rest.is_empty() {
            return Fault::end(ParseErrorKind::UnterminatedString, input);
        }
        let (after, char) = escape(rest)?;
        text.push(char);
        let (after, more) = self::plain(after);
        text.push_str(more);
        rest = after;
    }
}

/// The characters before the next quote, backslash or control character.
fn plain(input: &str) -> (&str, &str) {
    split(input, |byte| SPECIAL.get(usize::from(byte)).copied().unwrap_or_default())
}

/// The bytes that cannot stand for themselves in a string: the quote, the backslash and the control characters.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "checked while compiling")]
        {
            special[byte as usize] = byte < b' ' || byte == b'"' || byte == b'\\';
        }
        byte += 1;
    }
    special
};

/// `char = escape (%x22 / %x5C / %x2F / %x62 / %x66 / %x6E / %x72 / %x74 / %x75 4HEXDIG)`
fn escape(input: &str) -> Parsed<'_, char> {
    let Some(escaped) = input.strip_prefix('\\') else {
        return Fault::end(ParseErrorKind::ControlCharacter, input);
    };
    let mut chars = escaped.chars();
    let char = match chars.next() {
        Some(char @ ('"' | '\\' | '/')) => char,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unicode(input, chars.as_str()),
        _ => return Fault::end(ParseErrorKind::BadEscape, input),
    };
    Ok((chars.as_str(), char))
}

/// `%x75 4HEXDIG`, after its `\u`, and the second half of a surrogate pair.
///
/// NB: JSON lets a half stand alone, but no Unicode text can hold it: it is refused.
fn unicode<'a>(input: &'a str, after: &'a str) -> Parsed<'a, char> {
    let Some((first, rest)) = code_unit(after) else { return Fault::end(ParseErrorKind::BadEscape, input) };
    if let Some(char) = char::from_u32(u32::from(first)) {
        return Ok((rest, char));
    }
    let second = rest.strip_prefix("\\u").and_then(code_unit);
    let pair = second.and_then(|(second, rest)| {
        let char = char::decode_utf16([first, second]).next()?.ok()?;
        Some((rest, char))
    });
    match pair {
        Some(pair) => Ok(pair),
        None => Fault::end(ParseErrorKind::LoneSurrogate, input),
    }
}

/// `4HEXDIG`
fn code_unit(input: &str) -> Option<(u16, &str)> {
    let (digits, rest) = input.split_at_checked(4)?;
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}
