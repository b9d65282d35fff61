//! The tokens between values: spaces, words, brackets, names.

use super::Parsed;
use crate::error::{Fault, ParseErrorKind};
use crate::name::{PathByte, is_name_byte, is_name_start};
use crate::path::AttrPath;

/// `*SP`
///
/// NB: the ABNF has exactly one space between tokens and none at brackets; any number is taken.
#[inline]
pub(super) fn spaces(input: &str) -> Parsed<'_, &str> {
    // There is one, mostly.
    match input.as_bytes() {
        [b' ', next, ..] if *next != b' ' => {
            Ok(input.split_at_checked(1).map_or((input, ""), |(found, rest)| (rest, found)))
        }
        [next, ..] if *next != b' ' => Ok((input, "")),
        _ => Ok(split(input, |byte| byte != b' ')),
    }
}

/// `1*SP`
#[inline]
pub(super) fn space(input: &str) -> Parsed<'_, ()> {
    let (rest, found) = spaces(input)?;
    if found.is_empty() {
        let kind =
            if at_control(rest) { ParseErrorKind::ControlCharacter } else { ParseErrorKind::ExpectedSpace };
        return Fault::end(kind, rest);
    }
    Ok((rest, ()))
}

/// What stands between two terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joiner {
    And,
    Or,
}

/// `SP ("and" / "or") SP`, where brackets may stand for the spaces, if it is next.
#[inline]
pub(super) fn joiner(input: &str) -> Option<(&str, Joiner)> {
    if input.is_empty() {
        return None;
    }
    let (rest, _) = spaces(input).ok()?;
    let (length, joiner) = match rest.as_bytes() {
        [b'a' | b'A', b'n' | b'N', b'd' | b'D']
        | [b'a' | b'A', b'n' | b'N', b'd' | b'D', b' ' | b'(', ..] => (3, Joiner::And),
        [b'o' | b'O', b'r' | b'R'] | [b'o' | b'O', b'r' | b'R', b' ' | b'(', ..] => (2, Joiner::Or),
        _ => return None,
    };
    let (_, after) = rest.split_at_checked(length)?;
    let (rest, _) = spaces(after).ok()?;
    Some((rest, joiner))
}

/// A bracket that must be here.
#[inline]
pub(super) fn close(input: &str, bracket: u8, kind: ParseErrorKind) -> Parsed<'_, ()> {
    let (rest, _) = spaces(input)?;
    match rest.split_at_checked(1) {
        Some((_, after)) if at(rest, bracket) => Ok((after, ())),
        _ if at_control(rest) => Fault::end(ParseErrorKind::ControlCharacter, rest),
        _ => Fault::end(kind, rest),
    }
}

/// Whether an ASCII character is next.
#[inline]
pub(super) fn at(input: &str, byte: u8) -> bool {
    input.as_bytes().first() == Some(&byte)
}

/// A word: all up to a space, a bracket or the end.
#[inline]
pub(super) fn word(input: &str) -> Parsed<'_, &str> {
    Ok(split(input, is_delimiter_byte))
}

/// Whether a word, a number or a string ends before this: at a space, a bracket, a control character or the end.
#[inline]
pub(super) fn at_delimiter(input: &str) -> bool {
    input.bytes().next().is_none_or(is_delimiter_byte)
}

#[inline]
fn is_delimiter_byte(byte: u8) -> bool {
    PathByte::of(byte) == PathByte::Delimiter
}

/// Whether a control character is next.
pub(super) fn at_control(input: &str) -> bool {
    input.bytes().next().is_some_and(|byte| byte.is_ascii_control())
}

/// The rest of the input from the first byte of a kind, and what stands before it.
///
/// Either that byte or all before it have to be ASCII characters, so that the split is between characters.
#[inline]
pub(super) fn split(input: &str, end: impl Fn(u8) -> bool) -> (&str, &str) {
    let at = input.bytes().position(end).unwrap_or(input.len());
    input.split_at_checked(at).map_or((input, ""), |(found, rest)| (rest, found))
}

/// `attrPath = [URI ":"] ATTRNAME *1subAttr`
#[inline]
pub(super) fn attr_path(input: &str) -> Parsed<'_, AttrPath<'_>> {
    match AttrPath::split(input) {
        Ok((rest, path)) if !at_delimiter(rest) => {
            drop(path);
            Fault::end(ParseErrorKind::BadAttribute, input)
        }
        Ok(parsed) => Ok(parsed),
        Err((_, rest)) if at_control(rest) => Fault::end(ParseErrorKind::ControlCharacter, rest),
        Err((ParseErrorKind::ExpectedAttribute, rest)) if !at_delimiter(rest) => {
            Fault::end(ParseErrorKind::BadAttribute, rest)
        }
        Err((kind, rest)) => Fault::end(kind, rest),
    }
}

/// `subAttr = "." ATTRNAME`, if there is one.
pub(super) fn sub_attr(input: &str) -> Parsed<'_, Option<&str>> {
    let Some(after) = input.strip_prefix('.') else { return Ok((input, None)) };
    match split(after, |byte| !is_name_byte(byte)) {
        (rest, name) if name.bytes().next().is_some_and(is_name_start) && at_delimiter(rest) => {
            Ok((rest, Some(name)))
        }
        _ => Fault::end(ParseErrorKind::BadAttribute, after),
    }
}
