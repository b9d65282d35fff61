//! Ids of people, groups, accounts and integrations: 26 characters of base32, as 1Password writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::{self, Random, RandomError};

const LEN: usize = 26;
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A text is not an id of the kind that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of {kind} has 26 characters from `{first}` to `{last}` and `2` to `7`")]
pub struct IdError {
    kind: &'static str,
    first: char,
    last: char,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $alphabet:ident, $first:literal, $last:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// A new random id: 130 bits.
            ///
            /// # Errors
            ///
            /// [`RandomError`] when there is no randomness.
            pub fn generate(random: &dyn Random) -> Result<Self, RandomError> {
                Ok(Self(random::characters::<LEN>(random, $alphabet)?.into()))
            }

            /// The 26 characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() == LEN && text.bytes().all(|byte| $alphabet.contains(&byte)) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { kind: $kind, first: $first, last: $last })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A person in the account: 26 upper-case base32 characters.
    PersonId, "a person", UPPER, 'A', 'Z'
}
id! {
    /// A group in the account: 26 lower-case base32 characters.
    GroupId, "a group", LOWER, 'a', 'z'
}
id! {
    /// An account: 26 upper-case base32 characters.
    AccountId, "an account", UPPER, 'A', 'Z'
}
id! {
    /// An integration, the party that acts in the account for the bridge: 26 upper-case base32 characters.
    IntegrationId, "an integration", UPPER, 'A', 'Z'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn ids_have_26_characters_of_one_case() {
        let person = PersonId::generate(&SystemRandom).unwrap();
        assert_eq!(person.as_str().parse::<PersonId>().unwrap(), person);
        assert!(person.as_str().parse::<GroupId>().is_err());
        let group = GroupId::generate(&SystemRandom).unwrap();
        assert!(group.as_str().parse::<PersonId>().is_err());
        assert_eq!(serde_json::to_value(&group).unwrap(), group.as_str());
        for bad in
            ["", "TUUWOM3BINHPRMYTZOI3H224D", "TUUWOM3BINHPRMYTZOI3H224DMM", "TUUWOM3BINHPRMYTZOI3H224D1"]
        {
            assert_eq!(
                bad.parse::<PersonId>().unwrap_err().to_string(),
                "an id of a person has 26 characters from `A` to `Z` and `2` to `7`",
            );
        }
    }
}
