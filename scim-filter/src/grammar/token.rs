//! The tokens between values: spaces, words, brackets, names.

use super::Parsed;
use crate::error::{Fault, ParseErrorKind};
use crate::name::{is_name_byte, is_name_start};
use crate::path::AttrPath;

/// `*SP`
///
/// NB: the ABNF has exactly one space between tokens and none at brackets; any number is taken.
pub(super) fn spaces(input: &str) -> Parsed<'_, &str> {
    Ok(split(input, |byte| byte != b' '))
}

/// `1*SP`
pub(super) fn space(input: &str) -> Parsed<'_, ()> {
    let (rest, found) = spaces(input)?;
    if found.is_empty() {
        let kind =
            if at_control(rest) { ParseErrorKind::ControlCharacter } else { ParseErrorKind::ExpectedSpace };
        return Fault::end(kind, rest);
    }
    Ok((rest, ()))
}

/// `SP ("and" / "or") SP`, where brackets may stand for the spaces.
pub(super) fn joiner<'a>(word: &'static str) -> impl FnMut(&'a str) -> Parsed<'a, ()> {
    move |input| {
        let (rest, _) = spaces(input)?;
        match rest.split_at_checked(word.len()) {
            Some((found, after))
                if found.eq_ignore_ascii_case(word) && matches!(after.as_bytes(), [] | [b' ' | b'(', ..]) =>
            {
                let (rest, _) = spaces(after)?;
                Ok((rest, ()))
            }
            _ => Err(nom::Err::Error(Fault::new(ParseErrorKind::TrailingInput, rest))),
        }
    }
}

/// A bracket that must be here.
pub(super) fn close<'a>(bracket: char, kind: ParseErrorKind) -> impl FnMut(&'a str) -> Parsed<'a, ()> {
    move |input| {
        let (rest, _) = spaces(input)?;
        match rest.strip_prefix(bracket) {
            Some(rest) => Ok((rest, ())),
            None if at_control(rest) => Fault::end(ParseErrorKind::ControlCharacter, rest),
            None => Fault::end(kind, rest),
        }
    }
}

/// A word: all up to a space, a bracket or the end.
pub(super) fn word(input: &str) -> Parsed<'_, &str> {
    Ok(split(input, is_delimiter_byte))
}

/// Whether a word, a number or a string ends before this: at a space, a bracket, a control character or the end.
pub(super) fn at_delimiter(input: &str) -> bool {
    input.bytes().next().is_none_or(is_delimiter_byte)
}

fn is_delimiter_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'(' | b')' | b'[' | b']') || byte.is_ascii_control()
}

/// Whether a control character is next.
pub(super) fn at_control(input: &str) -> bool {
    input.bytes().next().is_some_and(|byte| byte.is_ascii_control())
}

/// The rest of the input from the first byte of a kind, and what stands before it.
///
/// Either that byte or all before it have to be ASCII characters, so that the split is between characters.
pub(super) fn split(input: &str, end: impl Fn(u8) -> bool) -> (&str, &str) {
    let at = input.bytes().position(end).unwrap_or(input.len());
    input.split_at_checked(at).map_or((input, ""), |(found, rest)| (rest, found))
}

/// `attrPath = [URI ":"] ATTRNAME *1subAttr`
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
