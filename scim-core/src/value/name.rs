use std::fmt;
use std::hash::{Hash, Hasher};

use compact_str::CompactString;

/// The name of an attribute or of any member of a JSON object.
///
/// Compared and hashed without regard to ASCII case (RFC 7643 section 2.1: "attribute names are case
/// insensitive"), and shown as it was written.
#[derive(Clone)]
pub struct AttrName(CompactString);

impl AttrName {
    /// A name, as written.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(CompactString::new(name))
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the name, case aside.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        same_name(&self.0, name)
    }
}

/// Whether two names are one, case aside.
#[inline]
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Most that are not one differ in their lengths or first letters, and most that are have the same spelling.
    let first = |name: &[u8]| name.first().map(u8::to_ascii_lowercase);
    a.len() == b.len() && first(a) == first(b) && (a == b || a.eq_ignore_ascii_case(b))
}

impl PartialEq for AttrName {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for AttrName {}

impl Hash for AttrName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for chunk in self.0.as_bytes().chunks(32) {
            let mut lower = [0; 32];
            for (to, from) in lower.iter_mut().zip(chunk) {
                *to = from.to_ascii_lowercase();
            }
            state.write(lower.get(..chunk.len()).unwrap_or_default());
        }
        state.write_u8(0xff);
    }
}

impl PartialEq<str> for AttrName {
    fn eq(&self, other: &str) -> bool {
        self.is(other)
    }
}

impl PartialEq<&str> for AttrName {
    fn eq(&self, other: &&str) -> bool {
        self.is(other)
    }
}

impl From<&str> for AttrName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for AttrName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AttrName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_one_without_regard_to_case_and_keep_their_spelling() {
        let mut names = HashSet::from([AttrName::new("userName")]);
        assert!(!names.insert(AttrName::new("USERNAME")));
        assert!(names.insert(AttrName::new("userNames")));
        assert_eq!(AttrName::new("UserName").to_string(), "UserName");
    }

    #[test]
    fn only_ascii_letters_are_folded() {
        assert_ne!(AttrName::new("stra\u{df}e"), AttrName::new("STRASSE"));
        assert_ne!(AttrName::new("\u{e9}"), AttrName::new("\u{c9}"));
    }
}
