use http::header::IF_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue};
use scim_core::{Version, excerpt};

use crate::error::Error;

/// How many tags a header may list.
const MOST: usize = 100;

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`
    Any,
    /// The opaque parts of the tags; whether they are weak does not matter for SCIM, whose examples compare weakly.
    Listed(Vec<Box<[u8]>>),
}

impl Tags {
    /// Reads a header. Several lines of it are one list (RFC 9110 section 5.3).
    ///
    /// # Errors
    /// [`Error::Tags`] for a header that is no list of tags: what it asks for cannot be known.
    pub(crate) fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Error> {
        let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes).peekable();
        if values.peek().is_none() {
            return Ok(None);
        }
        Self::parse(values).map(Some).map_err(|Malformed| {
            let lines: Vec<_> =
                headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            let name = if *name == IF_MATCH { "If-Match" } else { "If-None-Match" };
            Error::Tags { name, got: excerpt(&lines.join(", ")) }
        })
    }

    /// `"*" / #entity-tag` (RFC 9110 section 13.1.1), where a list may have nothing between two commas (section 5.6.1).
    fn parse<'h>(lines: impl Iterator<Item = &'h [u8]>) -> Result<Self, Malformed> {
        let mut tags = Vec::new();
        let mut any = 0_usize;
        for line in lines {
            let mut rest = line.trim_ascii();
            while !rest.is_empty() {
                if let Some(after) = rest.strip_prefix(b",") {
                    rest = after.trim_ascii_start();
                    continue;
                }
                rest = match rest.strip_prefix(b"*") {
                    Some(after) => {
                        any += 1;
                        after
                    }
                    None => {
                        let (tag, after) = entity_tag(rest).ok_or(Malformed)?;
                        tags.push(tag.into());
                        after
                    }
                };
                rest = rest.trim_ascii_start();
                match rest.strip_prefix(b",") {
                    Some(after) => rest = after.trim_ascii_start(),
                    None if rest.is_empty() => {}
                    None => return Err(Malformed),
                }
            }
        }
        match (any, tags.len()) {
            (1, 0) => Ok(Self::Any),
            (0, 1..=MOST) => Ok(Self::Listed(tags)),
            _ => Err(Malformed),
        }
    }

    /// Reads the text that such a header would have.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        Self::parse([text.as_bytes()].into_iter()).ok()
    }

    /// Those of the listed tags that can be ours; the others match nothing. None stands for all there can be.
    pub(crate) fn versions(&self) -> Option<Vec<Version>> {
        let version = |tag: &[u8]| Version::from_etag(&format!("\"{}\"", std::str::from_utf8(tag).ok()?));
        match self {
            Self::Any => None,
            Self::Listed(tags) => Some(tags.iter().filter_map(|tag| version(tag)).collect()),
        }
    }

    /// Whether an `ETag` is one of them, compared weakly.
    pub(crate) fn has(&self, etag: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => {
                entity_tag(etag).is_some_and(|(tag, _)| tags.iter().any(|listed| **listed == *tag))
            }
        }
    }
}

/// A header that is not a list of entity tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Malformed;

/// `[ "W/" ] DQUOTE *etagc DQUOTE` at the beginning of a text: what is between the quotes, and what comes after.
fn entity_tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = text.strip_prefix(b"W/").unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let (tag, rest) = quoted.split_at_checked(end)?;
    let legal = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    tag.iter().all(legal).then(|| (tag, rest.strip_prefix(b"\"").unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Tags, Malformed> {
        Tags::parse(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn lists_of_tags() {
        let listed = |tags: &[&str]| Ok(Tags::Listed(tags.iter().map(|tag| tag.as_bytes().into()).collect()));
        assert_eq!(Tags::read(&HeaderMap::new(), &IF_MATCH).unwrap(), None);
        assert_eq!(read(&["*"]), Ok(Tags::Any));
        assert_eq!(read(&["W/\"a\", \"b,c\" , \"\""]), listed(&["a", "b,c", ""]));
        assert_eq!(read(&["\"a\"", "\"b\","]), listed(&["a", "b"]));
        assert_eq!(read(&[",, \"a\",,\t\"b\" ,", ""]), listed(&["a", "b"]));
        for bad in
            ["", " ", ",", "a", "W/a", "w/\"a\"", "\"a", "\"a\" \"b\"", "\"a b\"", "*, \"a\"", "**", "'a'"]
        {
            assert_eq!(read(&[bad]), Err(Malformed), "{bad}");
        }
        assert_eq!(read(&["*", "*"]), Err(Malformed));
        assert_eq!(read(&vec!["\"a\""; 101]), Err(Malformed));
    }
}
