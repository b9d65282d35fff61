use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use scim_core::{Version, excerpt};

use crate::error::Error;
use crate::store::{Precondition, StoreError};

/// What `If-Match` and `If-None-Match` ask of a write (RFC 7644 section 3.14). Tags are compared weakly, as the
/// RFC's examples do.
///
/// # Errors
/// [`Error::Tags`] for a header that is no list of tags: what it asks for cannot be known, so nothing is written.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, Error> {
    Ok(match (tags(headers, &IF_MATCH)?, tags(headers, &IF_NONE_MATCH)?) {
        // No version of a resource that exists is none of all versions.
        (_, Some(Tags::Any)) => Precondition::IfVersion(Vec::new()),
        (Some(Tags::Listed(mut versions)), Some(Tags::Listed(others))) => {
            versions.retain(|version| !others.contains(version));
            Precondition::IfVersion(versions)
        }
        (Some(Tags::Any) | None, Some(Tags::Listed(versions))) => Precondition::UnlessVersion(versions),
        (Some(Tags::Listed(versions)), None) => Precondition::IfVersion(versions),
        (Some(Tags::Any) | None, None) => Precondition::Any,
    })
}

/// What the text of an `If-Match` asks of a write; `None` if it is no list of tags.
pub(crate) fn if_match(text: &str) -> Option<Precondition> {
    Some(match parse(text)? {
        Tags::Any => Precondition::Any,
        Tags::Listed(versions) => Precondition::IfVersion(versions),
    })
}

/// The error of a write, which says so where it is `If-None-Match` that does not hold.
pub(crate) fn write_error(headers: &HeaderMap, error: StoreError) -> Error {
    match error {
        StoreError::Precondition { current } if is_not_modified(headers, current) => {
            Error::NoneMatch { current }
        }
        error => error.into(),
    }
}

/// What `If-Match` asks of a read; `If-None-Match` makes it 304 rather than 412 (RFC 9110 section 13.2.2).
///
/// # Errors
/// As [`precondition`].
pub(crate) fn read_precondition(headers: &HeaderMap) -> Result<Precondition, Error> {
    Ok(match tags(headers, &IF_MATCH)? {
        Some(Tags::Listed(versions)) => Precondition::IfVersion(versions),
        Some(Tags::Any) | None => Precondition::Any,
    })
}

/// Whether `If-None-Match` says that the client already has this version.
pub(crate) fn is_not_modified(headers: &HeaderMap, version: Version) -> bool {
    match tags(headers, &IF_NONE_MATCH) {
        Ok(Some(Tags::Any)) => true,
        Ok(Some(Tags::Listed(versions))) => versions.contains(&version),
        // Who sends what cannot be read gets the resource.
        Ok(None) | Err(_) => false,
    }
}

enum Tags {
    Any,
    /// Those of the listed tags that can be ours; the others match nothing.
    Listed(Vec<Version>),
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Error> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    // Several lines of a header are one list (RFC 9110 section 5.3).
    let text = lines.join(", ");
    match parse(&text) {
        Some(tags) => Ok(Some(tags)),
        None => {
            let name = if *name == IF_MATCH { "If-Match" } else { "If-None-Match" };
            Err(Error::Tags { name, got: excerpt(&text) })
        }
    }
}

/// `"*" / #entity-tag`, where `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE` (RFC 9110 sections 8.8.3 and 13.1.1). A tag
/// may have a comma, and a list may have nothing between two.
fn parse(text: &str) -> Option<Tags> {
    let blanks: &[char] = &[' ', '\t'];
    if text.trim_matches(blanks) == "*" {
        return Some(Tags::Any);
    }
    let (mut rest, mut any, mut versions) = (text, false, Vec::new());
    loop {
        rest = rest.trim_start_matches(blanks);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return any.then_some(Tags::Listed(versions));
        }
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (opaque, after) = quoted.split_once('"')?;
        if opaque.contains(|c: char| c.is_control() || c == ' ') {
            return None;
        }
        rest = after.trim_start_matches(blanks);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
        any = true;
        versions.extend(Version::from_etag(&format!("\"{opaque}\"")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, http::HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn lists_and_stars_and_foreign_tags() {
        let version = |n| Version::new(n);
        let of = |value| precondition(&headers(IF_MATCH, value)).unwrap();
        assert_eq!(of("W/\"1\", \"2\" ,\"abc\""), Precondition::IfVersion(vec![version(1), version(2)]));
        assert_eq!(of("*"), Precondition::Any);
        assert_eq!(of("\"garbage\""), Precondition::IfVersion(vec![]));
        assert_eq!(precondition(&HeaderMap::new()).unwrap(), Precondition::Any);
        assert_eq!(precondition(&headers(IF_NONE_MATCH, "*")).unwrap(), Precondition::IfVersion(vec![]));
        assert!(is_not_modified(&headers(IF_NONE_MATCH, "W/\"9\""), version(9)));
        assert!(!is_not_modified(&headers(IF_NONE_MATCH, "W/\"8\""), version(9)));
    }
}
