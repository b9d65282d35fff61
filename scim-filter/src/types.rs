//! What a schema says about the values of an attribute, as far as filters care.

use std::fmt;
use std::str::FromStr;

/// The data type of an attribute (RFC 7643, 2.3).
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// A sequence of Unicode characters.
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number.
    Integer,
    /// A point in time, an `xsd:dateTime`.
    DateTime,
    /// Bytes, in base64.
    Binary,
    /// A URI, or the id of another resource.
    Reference,
    /// A set of sub-attributes.
    Complex,
}

impl DataType {
    /// Every data type, in the order of RFC 7643, 2.3.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::Boolean,
        Self::Decimal,
        Self::Integer,
        Self::DateTime,
        Self::Binary,
        Self::Reference,
        Self::Complex,
    ];

    /// The spelling in a schema (RFC 7643, 7): `string`, `dateTime` and so on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the name of a data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a data type is one of string, boolean, decimal, integer, dateTime, binary, reference and complex")]
pub struct UnknownDataType;

impl FromStr for DataType {
    type Err = UnknownDataType;

    /// Reads the spelling of RFC 7643, in any case.
    ///
    /// # Errors
    ///
    /// If the text is none of the eight names.
    fn from_str(text: &str) -> Result<Self, UnknownDataType> {
        Self::ALL
            .into_iter()
            .find(|data_type| data_type.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownDataType)
    }
}

/// How the strings of an attribute compare (`caseExact`, RFC 7643, 2.2).
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaseRule {
    /// Character by character: `caseExact` is true.
    Exact,
    /// Without regard to case, by full Unicode case folding: `caseExact` is false.
    Fold,
    /// As user names do: wide and narrow forms are mapped, then capitals are mapped to lower case, then the text is
    /// composed (NFC).
    ///
    /// RFC 7643, 4.1.1 has `userName` compared without regard to case by the profile of RFC 8265, 3.3. Lower case is
    /// less than [folding](Self::Fold): `straße` and `strasse` are two names. It looks at whole words, so that a capital
    /// sigma at the end of one becomes ς, also where the word is the literal of `sw`, `ew` or `co`.
    UserName,
}
