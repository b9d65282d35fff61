//! Filters: `or` of `and` of terms, so that precedence is in the structure.

use nom::Parser as _;
use nom::character::complete::char;

use super::token::{
    Joiner, at, at_control, at_delimiter, attr_path, close, joiner, space, spaces, sub_attr, word,
};
use super::value::comp_value;
use super::{Context, Parsed};
use crate::ast::{CompareOp, Comparison, Filter, Terms, ValuePath};
use crate::error::{Fault, ParseErrorKind};
use crate::path::AttrPath;

/// `FILTER = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"`, where `logExp = FILTER SP ("and" / "or") SP FILTER`
///
/// "Grouping operators ... Logical operators - where "not" takes precedence over "and", which takes precedence over "or""
/// (RFC 7644, 3.4.2.2).
pub(super) fn filter<'a>(context: Context<'_>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    let (end, first) = term(context, input)?;
    match joiner(end) {
        // A single term stays what it is, and costs nothing.
        None => Ok((end, first)),
        Some((rest, Joiner::Or)) => disjunction(context, first, rest),
        Some((rest, Joiner::And)) => {
            let (end, first) = conjunction(context, first, rest)?;
            match joiner(end) {
                None => Ok((end, first)),
                Some((rest, _)) => disjunction(context, first, rest),
            }
        }
    }
}

/// The terms after an `or`.
#[inline(never)]
fn disjunction<'a>(context: Context<'_>, first: Filter<'a>, mut rest: &'a str) -> Parsed<'a, Filter<'a>> {
    let mut terms = Terms::one(first);
    loop {
        let (mut end, mut next) = term(context, rest)?;
        let mut between = joiner(end);
        if let Some((rest, Joiner::And)) = between {
            (end, next) = conjunction(context, next, rest)?;
            between = joiner(end);
        }
        terms.push(next);
        match between {
            Some((after, _)) => rest = after,
            None => return Ok((end, Filter::Or(terms))),
        }
    }
}

/// The terms after an `and`, up to an `or`.
#[inline(never)]
fn conjunction<'a>(context: Context<'_>, first: Filter<'a>, mut rest: &'a str) -> Parsed<'a, Filter<'a>> {
    let mut terms = Terms::one(first);
    loop {
        let (end, next) = term(context, rest)?;
        terms.push(next);
        match joiner(end) {
            Some((after, Joiner::And)) => rest = after,
            Some((_, Joiner::Or)) | None => return Ok((end, Filter::And(terms))),
        }
    }
}

/// What stands between two `and`: a group, a negation, a value path or a comparison.
#[inline(always)]
fn term<'a>(context: Context<'_>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    if at(input, b'(') {
        return group(context, input);
    }
    let (end, attr) = attr_path(input)?;
    let (rest, spaced) = spaces(end)?;
    if at(rest, b'[') {
        return value_path(context, attr, rest);
    }
    if attr.as_str().eq_ignore_ascii_case("not") {
        if at(rest, b'(') {
            let (rest, filter) = group(context, rest)?;
            return Ok((rest, Filter::Not(Box::new(filter))));
        }
        // NB: an attribute may be named `not`, as `not pr` shows; `not title pr` is a negation without its brackets.
        if operator(rest).is_none() {
            return Fault::end(ParseErrorKind::NotWithoutBrackets, rest);
        }
    }
    context.count_term(input)?;
    if spaced.is_empty() && !rest.is_empty() {
        let kind = if at_control(rest) {
            ParseErrorKind::ControlCharacter
        } else {
            ParseErrorKind::ExpectedOperator
        };
        return Fault::end(kind, rest);
    }
    attr_exp(context, attr, rest)
}

/// `"(" FILTER ")"`
fn group<'a>(context: Context<'_>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    let inner = context.deeper(input)?;
    let (rest, _) = (char('('), spaces).parse(input)?;
    let (rest, filter) = filter(inner, rest)?;
    let (rest, ()) = close(rest, b')', ParseErrorKind::ExpectedClosingParenthesis)?;
    Ok((rest, filter))
}

/// `valuePath = attrPath "[" valFilter "]"`, and the sub-attribute that may follow it.
fn value_path<'a>(context: Context<'_>, attr: AttrPath<'a>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    let (end, filter) = val_filter(context, input)?;
    let (rest, sub) = sub_attr(end)?;
    let Some(sub) = sub else {
        if !at_delimiter(rest) && !rest.starts_with(['a', 'A', 'o', 'O']) {
            return Fault::end(ParseErrorKind::ExpectedSpace, rest);
        }
        return Ok((rest, Filter::ValuePath(ValuePath { attr, filter: Box::new(filter) })));
    };
    // NB: `a[f].sub op v` is not in the ABNF; it means the same as `a[(f) and sub op v]`, whose brackets count.
    if matches!(filter, Filter::And(_) | Filter::Or(_)) {
        context.deeper(input)?.deeper(end)?;
    }
    context.count_term(end)?;
    if rest.is_empty() {
        return Fault::end(ParseErrorKind::ExpectedOperator, rest);
    }
    let (rest, ()) = space(rest)?;
    let (rest, comparison) = attr_exp(context, AttrPath::from_name(sub), rest)?;
    let filter = Filter::And(Terms::pair(filter, comparison));
    Ok((rest, Filter::ValuePath(ValuePath { attr, filter: Box::new(filter) })))
}

/// `"[" valFilter "]"`
///
/// NB: the ABNF of `valFilter` leads back to `FILTER` and so forbids nothing. Inside `[ ]` there is the whole grammar but
/// for another `[ ]`, as SCIM knows no complex sub-attributes.
pub(super) fn val_filter<'a>(context: Context<'_>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    if context.in_value_path {
        return Fault::end(ParseErrorKind::NestedBrackets, input);
    }
    let inner = Context { in_value_path: true, ..context.deeper(input)? };
    let (rest, _) = (char('['), spaces).parse(input)?;
    let (rest, filter) = filter(inner, rest)?;
    let (rest, ()) = close(rest, b']', ParseErrorKind::ExpectedClosingBracket)?;
    Ok((rest, filter))
}

/// `attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)`, after its attribute.
#[inline(always)]
fn attr_exp<'a>(context: Context<'_>, attr: AttrPath<'a>, input: &'a str) -> Parsed<'a, Filter<'a>> {
    let Some((rest, operator)) = operator(input) else {
        let (_, word) = word(input)?;
        let kind =
            if word.is_empty() { ParseErrorKind::ExpectedOperator } else { ParseErrorKind::UnknownOperator };
        return Fault::end(kind, input);
    };
    let Operator::Compare(op) = operator else { return Ok((rest, Filter::Present(attr))) };
    if rest.is_empty() {
        return Fault::end(ParseErrorKind::ExpectedValue, rest);
    }
    let (rest, ()) = space(rest)?;
    let (rest, value) = comp_value(context.options, rest)?;
    Ok((rest, Filter::Compare(Comparison { attr, op, value })))
}

/// `compareOp`, or `pr`.
enum Operator {
    Compare(CompareOp),
    Present,
}

/// The operator that `input` begins with, in any case.
#[inline(always)]
fn operator(input: &str) -> Option<(&str, Operator)> {
    let (name, rest) = input.split_at_checked(2)?;
    if !at_delimiter(rest) && !at(rest, b'"') {
        return None;
    }
    let lower: [u8; 2] = name.as_bytes().try_into().ok()?;
    let op = match &lower.map(|byte| byte.to_ascii_lowercase()) {
        b"eq" => CompareOp::Eq,
        b"ne" => CompareOp::Ne,
        b"co" => CompareOp::Co,
        b"sw" => CompareOp::Sw,
        b"ew" => CompareOp::Ew,
        b"gt" => CompareOp::Gt,
        b"ge" => CompareOp::Ge,
        b"lt" => CompareOp::Lt,
        b"le" => CompareOp::Le,
        b"pr" => return Some((rest, Operator::Present)),
        _ => return None,
    };
    Some((rest, Operator::Compare(op)))
}
