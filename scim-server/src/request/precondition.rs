use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use scim_core::Version;

use super::Tags;
use crate::error::Error;
use crate::store::{Precondition, StoreError};

/// What `If-Match` and `If-None-Match` ask of a request (RFC 7644 section 3.14). Tags are compared weakly, as the RFC's
/// examples do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl Conditions {
    /// Reads both headers.
    ///
    /// # Errors
    /// [`Error::Tags`] for a header that is no list of tags.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Error> {
        Ok(Self {
            if_match: Tags::read(headers, &IF_MATCH)?,
            if_none_match: Tags::read(headers, &IF_NONE_MATCH)?,
        })
    }

    /// What they ask of a write.
    pub(crate) fn of_write(&self) -> Precondition {
        let Some(none) = &self.if_none_match else { return self.of_read() };
        let expected = self.if_match.as_ref().and_then(Tags::versions);
        match (expected, none.versions()) {
            // No version of a resource that exists is none of all versions.
            (_, None) => Precondition::IfVersion(Vec::new()),
            (Some(mut versions), Some(others)) => {
                versions.retain(|version| !others.contains(version));
                Precondition::IfVersion(versions)
            }
            (None, Some(others)) => Precondition::UnlessVersion(others),
        }
    }

    /// What `If-Match` asks of a read; `If-None-Match` makes it 304 rather than 412 (RFC 9110 section 13.2.2).
    pub(crate) fn of_read(&self) -> Precondition {
        match self.if_match.as_ref().and_then(Tags::versions) {
            Some(versions) => Precondition::IfVersion(versions),
            None => Precondition::Any,
        }
    }

    /// Whether `If-None-Match` says that the client already has this version.
    pub(crate) fn is_known(&self, version: Version) -> bool {
        self.if_none_match
            .as_ref()
            .is_some_and(|tags| tags.versions().is_none_or(|versions| versions.contains(&version)))
    }

    /// The error of a write, which says so where it is `If-None-Match` that does not hold.
    pub(crate) fn write_error(&self, error: StoreError) -> Error {
        match error {
            StoreError::Precondition { current } if self.is_known(current) => Error::NoneMatch { current },
            error => error.into(),
        }
    }
}

/// What the text of an `If-Match` asks of a write; `None` if it is no list of tags.
pub(crate) fn if_match(text: &str) -> Option<Precondition> {
    let tags = Tags::of_text(text)?;
    Some(tags.versions().map_or(Precondition::Any, Precondition::IfVersion))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn conditions(headers: &[(HeaderName, &'static str)]) -> Conditions {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Conditions::read(&headers).unwrap()
    }

    #[test]
    fn lists_and_stars_and_foreign_tags() {
        let version = |n| Version::new(n);
        let of = |value| conditions(&[(IF_MATCH, value)]).of_write();
        assert_eq!(of("W/\"1\", \"2\" ,\"abc\""), Precondition::IfVersion(vec![version(1), version(2)]));
        assert_eq!(of("*"), Precondition::Any);
        assert_eq!(of("\"garbage\""), Precondition::IfVersion(vec![]));
        assert_eq!(conditions(&[]).of_write(), Precondition::Any);
        let none = |value| conditions(&[(IF_NONE_MATCH, value)]);
        assert_eq!(none("*").of_write(), Precondition::IfVersion(vec![]));
        assert_eq!(none("\"1\"").of_write(), Precondition::UnlessVersion(vec![version(1)]));
        let both = conditions(&[(IF_MATCH, "\"1\", \"2\""), (IF_NONE_MATCH, "\"2\"")]);
        assert_eq!(both.of_write(), Precondition::IfVersion(vec![version(1)]));
        assert!(none("W/\"9\"").is_known(version(9)) && none("*").is_known(version(9)));
        assert!(!none("W/\"8\"").is_known(version(9)) && !conditions(&[]).is_known(version(9)));
    }
}
