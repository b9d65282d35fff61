use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use scim_core::Version;

use crate::store::Precondition;

/// What `If-Match` and `If-None-Match` ask of a write (RFC 7644 section 3.14). Tags are compared weakly, as the
/// RFC's examples do.
pub(crate) fn precondition(headers: &HeaderMap) -> Precondition {
    match (tags(headers, &IF_MATCH), tags(headers, &IF_NONE_MATCH)) {
        // No version of a resource that exists is none of all versions.
        (_, Some(Tags::Any)) => Precondition::IfVersion(Vec::new()),
        (Some(Tags::Listed(mut versions)), Some(Tags::Listed(others))) => {
            versions.retain(|version| !others.contains(version));
            Precondition::IfVersion(versions)
        }
        (Some(Tags::Any) | None, Some(Tags::Listed(versions))) => Precondition::UnlessVersion(versions),
        (Some(Tags::Listed(versions)), None) => Precondition::IfVersion(versions),
        (Some(Tags::Any) | None, None) => Precondition::Any,
    }
}

/// What `If-Match` asks of a read; `If-None-Match` makes it 304 rather than 412 (RFC 9110 section 13.2.2).
pub(crate) fn read_precondition(headers: &HeaderMap) -> Precondition {
    match tags(headers, &IF_MATCH) {
        Some(Tags::Listed(versions)) => Precondition::IfVersion(versions),
        Some(Tags::Any) | None => Precondition::Any,
    }
}

/// Whether `If-None-Match` says that the client already has this version.
pub(crate) fn is_not_modified(headers: &HeaderMap, version: Version) -> bool {
    match tags(headers, &IF_NONE_MATCH) {
        Some(Tags::Any) => true,
        Some(Tags::Listed(versions)) => versions.contains(&version),
        None => false,
    }
}

enum Tags {
    Any,
    /// Those of the listed tags that can be ours; the others match nothing.
    Listed(Vec<Version>),
}

fn tags(headers: &HeaderMap, name: &http::HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let mut versions = Vec::new();
    for value in values {
        // Our tags have no comma, so a list can be split at each.
        for tag in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim) {
            if tag == "*" {
                return Some(Tags::Any);
            }
            versions.extend(Version::from_etag(tag));
        }
    }
    Some(Tags::Listed(versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        [(name, http::HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn lists_and_stars_and_foreign_tags() {
        let version = |n| Version::new(n);
        let of = |value| precondition(&headers(IF_MATCH, value));
        assert_eq!(of("W/\"1\", \"2\" ,\"abc\""), Precondition::IfVersion(vec![version(1), version(2)]));
        assert_eq!(of("*"), Precondition::Any);
        assert_eq!(of("garbage"), Precondition::IfVersion(vec![]));
        assert_eq!(precondition(&HeaderMap::new()), Precondition::Any);
        assert_eq!(precondition(&headers(IF_NONE_MATCH, "*")), Precondition::IfVersion(vec![]));
        assert!(is_not_modified(&headers(IF_NONE_MATCH, "W/\"9\""), version(9)));
        assert!(!is_not_modified(&headers(IF_NONE_MATCH, "W/\"8\""), version(9)));
    }
}
