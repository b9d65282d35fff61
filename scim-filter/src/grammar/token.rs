//! The tokens between values: spaces, words, brackets, names.

use nom::Parser as _;
use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while};
use nom::character::complete::char;
use nom::combinator::{eof, peek, value};
use nom::sequence::delimited;

use super::Parsed;
use crate::error::{Fault, ParseErrorKind};
use crate::name::{is_name_byte, is_name_start};
use crate::path::AttrPath;

/// `*SP`
///
/// NB: the ABNF has exactly one space between tokens and none at brackets; any number is taken.
pub(super) fn spaces(input: &str) -> Parsed<'_, &str> {
    take_while(|char| char == ' ').parse(input)
}

/// `1*SP`
pub(super) fn space(input: &str) -> Parsed<'_, ()> {
    let (rest, found) = spaces(input)?;
    if found.is_empty() {
        return match rest.chars().next() {
            Some(char) if char.is_control() => Fault::end(ParseErrorKind::ControlCharacter, rest),
            _ => Fault::end(ParseErrorKind::ExpectedSpace, rest),
        };
    }
    Ok((rest, ()))
}

/// `SP ("and" / "or") SP`, where brackets may stand for the spaces.
pub(super) fn joiner<'a>(word: &'static str) -> impl FnMut(&'a str) -> Parsed<'a, ()> {
    move |input| {
        let end = alt((value((), char(' ')), peek(value((), char('('))), value((), eof)));
        value((), delimited(spaces, tag_no_case(word), (end, spaces))).parse(input)
    }
}

/// A bracket that must be here.
pub(super) fn close<'a>(bracket: char, kind: ParseErrorKind) -> impl FnMut(&'a str) -> Parsed<'a, ()> {
    move |input| {
        let (rest, _) = spaces(input)?;
        match rest.strip_prefix(bracket) {
            Some(rest) => Ok((rest, ())),
            None if rest.starts_with(|char: char| char.is_control()) => {
                Fault::end(ParseErrorKind::ControlCharacter, rest)
            }
            None => Fault::end(kind, rest),
        }
    }
}

/// A word: all up to a space, a bracket or the end.
pub(super) fn word(input: &str) -> Parsed<'_, &str> {
    take_while(|char| !is_delimiter(char)).parse(input)
}

/// Whether a word, a number or a string may end before this.
pub(super) fn is_delimiter(char: char) -> bool {
    matches!(char, ' ' | '(' | ')' | '[' | ']') || char.is_control()
}

/// `attrPath = [URI ":"] ATTRNAME *1subAttr`
pub(super) fn attr_path(input: &str) -> Parsed<'_, AttrPath<'_>> {
    match AttrPath::split(input) {
        Ok((rest, path)) if rest.starts_with(|char: char| !is_delimiter(char)) => {
            drop(path);
            Fault::end(ParseErrorKind::BadAttribute, input)
        }
        Ok(parsed) => Ok(parsed),
        Err((_, rest)) if rest.starts_with(|char: char| char.is_control()) => {
            Fault::end(ParseErrorKind::ControlCharacter, rest)
        }
        Err((ParseErrorKind::ExpectedAttribute, rest))
            if rest.starts_with(|char: char| !is_delimiter(char)) =>
        {
            Fault::end(ParseErrorKind::BadAttribute, rest)
        }
        Err((kind, rest)) => Fault::end(kind, rest),
    }
}

/// `subAttr = "." ATTRNAME`, if there is one.
pub(super) fn sub_attr(input: &str) -> Parsed<'_, Option<&str>> {
    let Some(after) = input.strip_prefix('.') else { return Ok((input, None)) };
    let end = after.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(after.len());
    match after.split_at_checked(end) {
        Some((name, rest))
            if name.bytes().next().is_some_and(is_name_start)
                && !rest.starts_with(|char| !is_delimiter(char)) =>
        {
            Ok((rest, Some(name)))
        }
        _ => Fault::end(ParseErrorKind::BadAttribute, after),
    }
}
