use std::borrow::Cow;

use scim_core::message::QueryParams;
use scim_core::{Quirk, Quirks, TypeDefinition, excerpt};
use scim_filter::{
    AttrPath, Filter, Limits, ParseOptions, ResolveError, ResolveOptions, ResolvedAttr, ResolvedFilter,
    UnknownAttributes,
};

use crate::error::Error;
use crate::route::decode;

/// The parameters that may stand in a query once only.
const ONCE: [&str; 6] = ["filter", "sortby", "sortorder", "startindex", "count", "cursor"];

/// Reads the query string of a request for a list. `+` is a blank, as HTML forms and Microsoft Entra ID write it.
pub(crate) fn parse_query(query: Option<&str>) -> Result<QueryParams, Error> {
    let mut params = QueryParams::default();
    let mut seen = [false; ONCE.len()];
    let mut decoded = Vec::new();
    for (name, value) in pairs(query) {
        let (name, value) = (decode_form(name)?, decode_form(value)?);
        let mut known = ONCE.iter().zip(&mut seen);
        if let Some((_, seen)) = known.find(|(known, _)| known.eq_ignore_ascii_case(&name))
            && std::mem::replace(seen, true)
        {
            return Err(Error::Query(format!("the parameter `{}` is given twice", excerpt(&name))));
        }
        decoded.push((name, value));
    }
    // What is wrong with a count depends on whether there is a cursor, wherever that stands.
    decoded.sort_by_key(|(name, _)| !name.eq_ignore_ascii_case("cursor"));
    for (name, value) in decoded {
        params.set(&name, &value)?;
    }
    Ok(params)
}

/// Reads the query string of a request about one resource: what it wants to see. Parameters for lists are ignored.
pub(crate) fn parse_projection(query: Option<&str>) -> Result<QueryParams, Error> {
    let mut params = QueryParams::default();
    for (name, value) in pairs(query) {
        let (name, value) = (decode_form(name)?, decode_form(value)?);
        if ["attributes", "excludedAttributes"].iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            params.set(&name, &value)?;
        }
    }
    Ok(params)
}

/// Whether a query string has a filter, however little sense the rest of it makes.
pub(crate) fn has_filter(query: Option<&str>) -> bool {
    pairs(query).any(|(name, _)| decode_form(name).is_ok_and(|name| name.eq_ignore_ascii_case("filter")))
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decode_form(text: &str) -> Result<Cow<'_, str>, Error> {
    if !text.contains('+') {
        return decode(text).map_err(Error::Query);
    }
    Ok(decode(&text.replace('+', " ")).map_err(Error::Query)?.into_owned().into())
}

/// Reads a filter and checks it against the schemas of a resource type.
pub(crate) fn resolve_filter(
    definition: &TypeDefinition,
    text: Option<&str>,
    limits: Limits,
    quirks: &Quirks,
    unknown: UnknownAttributes,
) -> Result<Option<ResolvedFilter>, Error> {
    let Some(text) = text else { return Ok(None) };
    // Read strictly first, so that only what needs a quirk counts as a use of it.
    let strict = ParseOptions::default().with_limits(limits);
    let filter = match Filter::parse_with(text, &strict) {
        Err(error) if quirks.is_on(Quirk::BareWordLiterals) => {
            let filter = Filter::parse_with(text, &strict.with_bare_words(true));
            if filter.is_ok() && !quirks.tolerate(Quirk::BareWordLiterals) { Err(error) } else { filter }
        }
        filter => filter,
    };
    let filter = filter.map_err(Error::FilterSyntax)?;
    let strict = ResolveOptions::default().with_unknown(unknown);
    let resolved = match filter.resolve(definition, &strict) {
        Err(error) if quirks.is_on(Quirk::StringBooleans) => {
            let resolved = filter.resolve(definition, &strict.with_string_booleans(true));
            if resolved.is_ok() && !quirks.tolerate(Quirk::StringBooleans) { Err(error) } else { resolved }
        }
        resolved => resolved,
    };
    resolved.map(Some).map_err(Error::Filter)
}

/// The attribute to sort by. A type of several that does not have it is as if it had no value.
pub(crate) fn resolve_sort(
    definition: &TypeDefinition,
    text: Option<&str>,
    unknown: UnknownAttributes,
) -> Result<Option<ResolvedAttr>, Error> {
    let Some(text) = text else { return Ok(None) };
    let fail = |problem: String| Error::SortBy(problem);
    let path = AttrPath::parse(text).map_err(|error| fail(error.to_string()))?;
    match path.resolve_sort(definition) {
        Ok(attribute) => Ok(Some(attribute)),
        Err(
            ResolveError::UnknownAttribute { .. }
            | ResolveError::UnknownSubAttribute { .. }
            | ResolveError::UnknownSchema { .. },
        ) if unknown == UnknownAttributes::NoValue => Ok(None),
        Err(error) => Err(fail(error.to_string())),
    }
}
