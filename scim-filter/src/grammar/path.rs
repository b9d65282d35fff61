//! PATCH paths.

use super::filter::val_filter;
use super::token::{attr_path, spaces, sub_attr};
use super::{Context, Parsed};
use crate::ast::Filter;
use crate::error::Fault;
use crate::path::Path;

/// `PATH = attrPath / valuePath [subAttr]` (RFC 7644, 3.5.2)
pub(super) fn path<'a>(context: &Context<'_>, input: &'a str) -> Parsed<'a, Path<'a>> {
    let (end, attr) = attr_path(input)?;
    let (rest, _) = spaces(end)?;
    if !rest.starts_with('[') {
        return Ok((end, Path::from(attr)));
    }
    let mut filter = Filter::EMPTY;
    let (rest, ()) = val_filter(context, rest, &mut filter)?;
    let (rest, sub) =
        sub_attr(rest).map_err(|error| error.map(|fault| Fault { after_filter: true, ..fault }))?;
    Ok((rest, Path { attr, filter: Some(filter), sub: sub.map(Into::into) }))
}
