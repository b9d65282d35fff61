//! Identities: newtypes for what must never be mixed up or be a bare string.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::{excerpt, same_name};

/// The greatest length of an id, in bytes.
const LONGEST_ID: usize = 512;
/// The greatest length of a schema URI, in bytes.
const LONGEST_URI: usize = 1024;

/// A text that cannot be the id, URI or name it was to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {why}")]
pub struct IdError {
    what: &'static str,
    why: &'static str,
    text: String,
}

impl IdError {
    fn new(what: &'static str, why: &'static str, text: &str) -> Self {
        Self { what, why, text: excerpt(text) }
    }
}

fn has_control(text: &str) -> bool {
    // Hardly any text has one of these bytes, and all of them are looked at together.
    let suspect = text.bytes().fold(false, |suspect, byte| suspect | !(b' '..0x7f).contains(&byte));
    suspect && text.chars().any(char::is_control)
}

/// The `id` of a resource: issued by the server, stable, never reassigned, case exact (RFC 7643 section 3.1).
///
/// 1 to 512 bytes without control characters; never contains the reserved word `bulkId`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(Arc<str>);

impl ResourceId {
    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResourceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let no = |why| Err(IdError::new("resource id", why, text));
        if text.is_empty() {
            no("it is empty")
        } else if text.len() > LONGEST_ID {
            no("it is longer than 512 bytes")
        } else if has_control(text) {
            no("it has a control character")
        } else if text.contains('k') && text.contains("bulkId") {
            no("the word `bulkId` is reserved")
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tenant (provisioning domain) that a request belongs to. Data of two tenants never mix.
///
/// 1 to 512 bytes without control characters. [`TenantId::default`] is the only tenant of a server that has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for TenantId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let no = |why| Err(IdError::new("tenant id", why, text));
        if text.is_empty() {
            no("it is empty")
        } else if text.len() > LONGEST_ID {
            no("it is longer than 512 bytes")
        } else if has_control(text) {
            no("it has a control character")
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URI of a schema, such as `urn:ietf:params:scim:schemas:core:2.0:User`.
///
/// Compared without case (RFC 7644 section 3.10), shown as registered. Printable ASCII without blanks, quotes and
/// brackets, at most 1024 bytes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SchemaUri(Arc<str>);

impl SchemaUri {
    /// The URI as it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI for sharing without a copy.
    #[must_use]
    pub fn shared(&self) -> &Arc<str> {
        &self.0
    }

    /// Whether this is the URI, case aside.
    #[must_use]
    pub fn is(&self, uri: &str) -> bool {
        same_name(&self.0, uri)
    }
}

impl FromStr for SchemaUri {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let no = |why| Err(IdError::new("schema URI", why, text));
        if text.is_empty() {
            no("it is empty")
        } else if text.len() > LONGEST_URI {
            no("it is longer than 1024 bytes")
        } else if !text.contains(':') {
            no("it has no scheme, such as `urn:`")
        } else if !text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'[]{}<>\\`".contains(&b)) {
            no("it has a character that a URI cannot have")
        } else {
            Ok(Self(text.into()))
        }
    }
}

impl TryFrom<String> for SchemaUri {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<SchemaUri> for String {
    fn from(uri: SchemaUri) -> Self {
        uri.0.as_ref().to_owned()
    }
}

impl PartialEq for SchemaUri {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for SchemaUri {}

impl Hash for SchemaUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl fmt::Display for SchemaUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SchemaUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The version of a resource: a number that grows with every change and is never used twice for one id.
///
/// On the wire it is the weak entity tag `W/"<number>"` (RFC 7644 section 3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u64);

impl Version {
    /// A version from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version as an entity tag: `W/"<number>"`.
    #[must_use]
    pub fn etag(self) -> String {
        ["W/\"", &self.0.to_string(), "\""].concat()
    }

    /// The version that an entity tag stands for, if it is one of ours. Weak comparison: `"7"` is `W/"7"`.
    #[must_use]
    pub fn from_etag(tag: &str) -> Option<Self> {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
        let number = opaque.parse().ok()?;
        // Only the one canonical spelling is a tag that this server has given out.
        (opaque.bytes().all(|b| b.is_ascii_digit()) && (opaque == "0" || !opaque.starts_with('0')))
            .then_some(Self(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_to_their_rules() {
        assert!("2819c223-7f76".parse::<ResourceId>().is_ok());
        for bad in ["", "a\0b", "bulkId:1", "x\n", &"a".repeat(513)] {
            assert!(bad.parse::<ResourceId>().is_err(), "{bad:?}");
        }
        let error = "a\u{7}".parse::<ResourceId>().unwrap_err();
        assert_eq!(error.to_string(), "`a\\u{7}` is no resource id: it has a control character");
    }

    #[test]
    fn schema_uris_are_one_without_case() {
        let a: SchemaUri = "urn:ietf:params:scim:schemas:core:2.0:User".parse().unwrap();
        let b: SchemaUri = "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER".parse().unwrap();
        assert_eq!(a, b);
        for bad in ["", "User", "urn:a b", "urn:a\"", "urn:\u{fc}"] {
            assert!(bad.parse::<SchemaUri>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn versions_and_tags_say_the_same() {
        assert_eq!(Version::new(7).etag(), "W/\"7\"");
        assert_eq!(Version::from_etag("W/\"7\""), Some(Version::new(7)));
        assert_eq!(Version::from_etag("\"7\""), Some(Version::new(7)));
        for other in ["7", "W/7", "W/\"07\"", "\"+7\"", "\"\"", "w/\"7\"", "*"] {
            assert_eq!(Version::from_etag(other), None, "{other}");
        }
    }
}
