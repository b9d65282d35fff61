//! The grammar of RFC 7644, 3.4.2.2 (filters), 3.5.2 (PATCH paths) and 3.10 (attribute notation), one function per
//! production.
//!
//! Nothing backtracks: every choice is made on what stands next, an attribute path is parsed once and the branch taken
//! after it, and a fault ends parsing. So the work is linear in the input, however deep its brackets are.

mod filter;
mod path;
mod token;
mod value;

use std::cell::Cell;

use crate::ast::Filter;
use crate::error::{Fault, ParseError, ParseErrorKind, Subject};
use crate::limits::{Limits, ParseOptions};
use crate::path::{AttrPath, Path};

/// What a production gives: the rest of the input and its result.
type Parsed<'a, T> = nom::IResult<&'a str, T, Fault<'a>>;

/// Parses a whole input as a filter.
pub(crate) fn filter<'a>(input: &'a str, options: &ParseOptions) -> Result<Filter<'a>, ParseError> {
    let text = check(Subject::Filter, input, &options.limits)?;
    whole_filter(input, text, options)
}

/// Parses what `check` has let pass.
fn whole_filter<'a>(input: &'a str, text: &'a str, options: &ParseOptions) -> Result<Filter<'a>, ParseError> {
    let terms = Cell::new(options.limits.terms);
    // Made here, so that the tree is parsed to where it is returned.
    let mut result = Ok(Filter::EMPTY);
    if let Ok(filter) = &mut result {
        let parsed = filter::filter(&Context::new(options, &terms), text, filter);
        if let Err(error) = finish(Subject::Filter, input, &options.limits, parsed) {
            result = Err(error);
        }
    }
    result
}

/// Parses a whole input as a PATCH path.
pub(crate) fn path<'a>(input: &'a str, options: &ParseOptions) -> Result<Path<'a>, ParseError> {
    let text = check(Subject::Path, input, &options.limits)?;
    let terms = Cell::new(options.limits.terms);
    finish(Subject::Path, input, &options.limits, path::path(&Context::new(options, &terms), text))
}

/// Parses a whole input as an attribute path.
pub(crate) fn attribute<'a>(input: &'a str, limits: &Limits) -> Result<AttrPath<'a>, ParseError> {
    let text = check(Subject::Attribute, input, limits)?;
    finish(Subject::Attribute, input, limits, token::attr_path(text))
}

/// Refuses what need not be looked at. Spaces at either end of a filter carry no meaning.
#[inline]
fn check<'a>(subject: Subject, input: &'a str, limits: &Limits) -> Result<&'a str, ParseError> {
    // Offsets in an attribute path are 32 bits wide.
    let longest = limits.length.min(u32::MAX as usize);
    if input.len() > longest {
        return Err(ParseError::too_long(subject, input, &limits.with_length(longest)));
    }
    let text = if subject == Subject::Filter { trim(input) } else { input };
    if text.is_empty() {
        return Err(ParseError::new(subject, input, Fault::new(ParseErrorKind::Empty, text), limits));
    }
    Ok(text)
}

/// What follows the spaces that a text begins with.
#[inline]
fn trim(text: &str) -> &str {
    token::spaces(text).map_or(text, |(rest, _)| rest)
}

/// Demands that the whole input was consumed.
#[inline]
fn finish<'a, T>(
    subject: Subject,
    input: &'a str,
    limits: &Limits,
    parsed: Parsed<'a, T>,
) -> Result<T, ParseError> {
    let fault = match parsed {
        Ok((rest, value)) => {
            let rest = if subject == Subject::Filter { trim(rest) } else { rest };
            if rest.is_empty() {
                return Ok(value);
            }
            let control = token::at_control(rest);
            let kind = if control { ParseErrorKind::ControlCharacter } else { ParseErrorKind::TrailingInput };
            Fault { after_filter: true, ..Fault::new(kind, rest) }
        }
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => fault,
        Err(nom::Err::Incomplete(_)) => Fault::new(ParseErrorKind::TrailingInput, input),
    };
    Err(ParseError::new(subject, input, fault, limits))
}

/// Where in the input a production stands.
#[derive(Clone, Copy)]
struct Context<'c> {
    options: &'c ParseOptions,
    /// How many more comparisons there may be.
    terms: &'c Cell<usize>,
    /// How many brackets are open.
    depth: usize,
    /// Whether one of them is `[`.
    in_value_path: bool,
}

impl<'c> Context<'c> {
    fn new(options: &'c ParseOptions, terms: &'c Cell<usize>) -> Self {
        Self { options, terms, depth: 0, in_value_path: false }
    }

    /// The context after the bracket that `input` begins with.
    fn deeper<'a>(&self, input: &'a str) -> Result<Self, nom::Err<Fault<'a>>> {
        if self.depth >= self.options.limits.depth {
            return Fault::end(ParseErrorKind::TooDeep, input);
        }
        Ok(Self { depth: self.depth.saturating_add(1), ..*self })
    }

    /// Counts a comparison that begins at `input`.
    fn count_term<'a>(&self, input: &'a str) -> Result<(), nom::Err<Fault<'a>>> {
        match self.terms.get().checked_sub(1) {
            Some(left) => {
                self.terms.set(left);
                Ok(())
            }
            None => Fault::end(ParseErrorKind::TooManyTerms, input),
        }
    }
}
