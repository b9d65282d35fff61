//! Attribute names.

/// Whether `text` is the name of an attribute or of a sub-attribute.
///
/// A name begins with a letter or `$` and goes on with letters, digits, `$`, `-` and `_`.
///
/// NB: this joins two grammars. RFC 7644, 3.4.2.2 (`ATTRNAME = ALPHA *(nameChar)`) knows no `$`; RFC 7643, 2.1 has it after
/// the first letter; and the standard's own `$ref` begins with it.
///
/// ```
/// use scim_filter::is_attribute_name;
///
/// assert!(is_attribute_name("userName") && is_attribute_name("$ref") && is_attribute_name("x-2_b"));
/// assert!(!is_attribute_name("2nd") && !is_attribute_name("a.b") && !is_attribute_name(""));
/// ```
pub fn is_attribute_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(is_name_start) && bytes.all(is_name_byte)
}

/// The first byte of a name.
pub(crate) const fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'$'
}

/// Any further byte of a name.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'-' | b'_')
}

/// What a byte is in an attribute path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathByte {
    /// A byte of a name.
    Name,
    Dot,
    Colon,
    /// What else a URI may have.
    ///
    /// NB: a URI may have brackets too (RFC 3986, `gen-delims` and `sub-delims`); in a filter they are the grammar's.
    Uri,
    /// Where a path, a word, a number or a string ends: a space, a bracket or a control character.
    Delimiter,
    /// Not part of a path.
    None,
}

impl PathByte {
    #[inline]
    pub(crate) fn of(byte: u8) -> Self {
        CLASSES.get(usize::from(byte)).copied().unwrap_or(Self::None)
    }

    const fn classify(byte: u8) -> Self {
        match byte {
            _ if is_name_byte(byte) => Self::Name,
            b'.' => Self::Dot,
            b':' => Self::Colon,
            b'/' | b'?' | b'#' | b'@' | b'!' | b'&' | b'\'' | b'*' | b'+' | b',' | b';' | b'=' | b'%'
            | b'~' => Self::Uri,
            b' ' | b'(' | b')' | b'[' | b']' => Self::Delimiter,
            _ if byte.is_ascii_control() => Self::Delimiter,
            _ => Self::None,
        }
    }
}

static CLASSES: [PathByte; 256] = {
    let mut classes = [PathByte::None; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        #[expect(clippy::indexing_slicing, reason = "checked while compiling")]
        {
            classes[byte as usize] = PathByte::classify(byte);
        }
        byte += 1;
    }
    classes
};
