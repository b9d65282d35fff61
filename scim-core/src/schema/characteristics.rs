//! The closed sets of words in which RFC 7643 section 2.2 and section 7 describe an attribute.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::excerpt;

/// A word that is none of those the RFC lists for a characteristic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {what}; expected one of {expected}")]
pub struct CharacteristicError {
    what: &'static str,
    word: String,
    expected: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $all:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        ///
        /// Complete by definition (RFC 7643 section 7).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = CharacteristicError;

            fn from_str(word: &str) -> Result<Self, CharacteristicError> {
                $(if word.eq_ignore_ascii_case($word) { return Ok(Self::$variant); })+
                Err(CharacteristicError { what: $what, word: excerpt(word), expected: $all })
            }
        }

        impl TryFrom<String> for $name {
            type Error = CharacteristicError;

            fn try_from(word: String) -> Result<Self, CharacteristicError> {
                word.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self {
                value.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Who may change a value, and when.
    Mutability, "mutability", "readOnly, readWrite, immutable, writeOnly" {
        /// Only the server sets it.
        ReadOnly = "readOnly",
        /// Clients may change it at any time. The default.
        #[default]
        ReadWrite = "readWrite",
        /// Clients may set it while it has no value, and not change it after.
        Immutable = "immutable",
        /// Clients may set it, and never read it.
        WriteOnly = "writeOnly",
    }
}

words! {
    /// When a value is part of an answer.
    Returned, "returned", "always, never, default, request" {
        /// In every answer, whatever is asked for.
        Always = "always",
        /// In no answer.
        Never = "never",
        /// Unless the request leaves it out. The default.
        #[default]
        Default = "default",
        /// Only when the request names it, or has set it.
        Request = "request",
    }
}

words! {
    /// Whether two resources may share a value.
    Uniqueness, "uniqueness", "none, server, global" {
        /// They may. The default.
        #[default]
        None = "none",
        /// They may not, within one resource type of one tenant.
        Server = "server",
        /// They should not, anywhere. `scim-server` enforces it as [`Server`](Self::Server): to refuse what another tenant has
        /// would tell of it, and RFC 7643 section 7 has SHOULD.
        Global = "global",
    }
}
