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
///
/// What is parsed is put where it belongs at once: trees are large, and each move of one takes longer than a step of the
/// parser.
pub(super) fn filter<'a>(context: &Context<'_>, input: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    let (end, ()) = term(context, input, out)?;
    match joiner(end) {
        // A single term stays what it is, and costs nothing.
        None => Ok((end, ())),
        Some((rest, Joiner::Or)) => disjunction(context, rest, out),
        Some((rest, Joiner::And)) => {
            let (end, ()) = conjunction(context, rest, out)?;
            match joiner(end) {
                None => Ok((end, ())),
                Some((rest, _)) => disjunction(context, rest, out),
            }
        }
    }
}

/// The terms after the first one and an `or`.
fn disjunction<'a>(context: &Context<'_>, mut rest: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    let mut terms = Terms::one(out.take());
    loop {
        let next = terms.grow();
        let (mut end, ()) = term(context, rest, next)?;
        let mut between = joiner(end);
        if let Some((rest, Joiner::And)) = between {
            (end, ()) = conjunction(context, rest, next)?;
            between = joiner(end);
        }
        match between {
            Some((after, _)) => rest = after,
            None => return Ok((end, out.put(Filter::Or(terms)))),
        }
    }
}

/// The terms after the first one and an `and`, up to an `or`.
fn conjunction<'a>(context: &Context<'_>, mut rest: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    let mut terms = Terms::one(out.take());
    loop {
        let (end, ()) = term(context, rest, terms.grow())?;
        match joiner(end) {
            Some((after, Joiner::And)) => rest = after,
            Some((_, Joiner::Or)) | None => return Ok((end, out.put(Filter::And(terms)))),
        }
    }
}

/// What stands between two `and`: a group, a negation, a value path or a comparison.
fn term<'a>(context: &Context<'_>, input: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    if at(input, b'(') {
        return group(context, input, out);
    }
    let (end, attr) = attr_path(input)?;
    let (rest, spaced) = spaces(end)?;
    if at(rest, b'[') {
        return value_path(context, attr, rest, out);
    }
    if attr.as_str().eq_ignore_ascii_case("not") {
        if at(rest, b'(') {
            let mut filter = Box::new(Filter::EMPTY);
            let (rest, ()) = group(context, rest, &mut filter)?;
            out.put(Filter::Not(filter));
            return Ok((rest, ()));
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
    attr_exp(context, attr, rest, out)
}

/// `"(" FILTER ")"`
fn group<'a>(context: &Context<'_>, input: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    let inner = context.deeper(input)?;
    let (rest, _) = (char('('), spaces).parse(input)?;
    let (rest, ()) = filter(&inner, rest, out)?;
    close(rest, b')', ParseErrorKind::ExpectedClosingParenthesis)
}

/// `valuePath = attrPath "[" valFilter "]"`, and the sub-attribute that may follow it.
fn value_path<'a>(
    context: &Context<'_>,
    attr: AttrPath<'a>,
    input: &'a str,
    out: &mut Filter<'a>,
) -> Parsed<'a, ()> {
    let mut filter = Box::new(Filter::EMPTY);
    let (end, ()) = val_filter(context, input, &mut filter)?;
    let (mut rest, sub) = sub_attr(end)?;
    if let Some(sub) = sub {
        // NB: `a[f].sub op v` is not in the ABNF; it means the same as `a[(f) and sub op v]`, whose brackets count.
        if matches!(*filter, Filter::And(_) | Filter::Or(_)) {
            context.deeper(input)?.deeper(end)?;
        }
        context.count_term(end)?;
        if rest.is_empty() {
            return Fault::end(ParseErrorKind::ExpectedOperator, rest);
        }
        (rest, ()) = space(rest)?;
        let mut terms = Terms::one(filter.take());
        (rest, ()) = attr_exp(context, AttrPath::from_name(sub), rest, terms.grow())?;
        filter.put(Filter::And(terms));
    } else if !at_delimiter(rest) && !rest.starts_with(['a', 'A', 'o', 'O']) {
        return Fault::end(ParseErrorKind::ExpectedSpace, rest);
    }
    out.put(Filter::ValuePath(ValuePath { attr, filter }));
    Ok((rest, ()))
}

/// `"[" valFilter "]"`
///
/// NB: the ABNF of `valFilter` leads back to `FILTER` and so forbids nothing. Inside `[ ]` there is the whole grammar but
/// for another `[ ]`, as SCIM knows no complex sub-attributes.
pub(super) fn val_filter<'a>(context: &Context<'_>, input: &'a str, out: &mut Filter<'a>) -> Parsed<'a, ()> {
    if context.in_value_path {
        return Fault::end(ParseErrorKind::NestedBrackets, input);
    }
    let inner = Context { in_value_path: true, ..context.deeper(input)? };
    let (rest, _) = (char('['), spaces).parse(input)?;
    let (rest, ()) = filter(&inner, rest, out)?;
    close(rest, b']', ParseErrorKind::ExpectedClosingBracket)
}

/// `attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)`, after its attribute.
#[inline]
fn attr_exp<'a>(
    context: &Context<'_>,
    attr: AttrPath<'a>,
    input: &'a str,
    out: &mut Filter<'a>,
) -> Parsed<'a, ()> {
    let Some((rest, operator)) = operator(input) else {
        let (_, word) = word(input)?;
        let kind =
            if word.is_empty() { ParseErrorKind::ExpectedOperator } else { ParseErrorKind::UnknownOperator };
        return Fault::end(kind, input);
    };
    let Operator::Compare(op) = operator else {
        out.put(Filter::Present(attr));
        return Ok((rest, ()));
    };
    if rest.is_empty() {
        return Fault::end(ParseErrorKind::ExpectedValue, rest);
    }
    let (rest, ()) = space(rest)?;
    let (rest, value) = comp_value(context.options, rest)?;
    out.put(Filter::Compare(Comparison { attr, op, value }));
    Ok((rest, ()))
}

/// `compareOp`, or `pr`.
enum Operator {
    Compare(CompareOp),
    Present,
}

/// The operator that `input` begins with, in any case.
#[inline]
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
