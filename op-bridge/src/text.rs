//! Pieces of somebody's input, made fit to be shown in a message.

use std::fmt::Write as _;

/// The most characters of an input that a message shows.
pub(crate) const ECHO_MAX: usize = 64;

/// `input` in backticks: control characters, invisible ones and backticks escaped, cut after [`ECHO_MAX`] characters.
pub(crate) fn quote(input: &str) -> String {
    let mut quoted = String::from("`");
    for c in input.chars().take(ECHO_MAX) {
        if steers(c) || c == '`' || c == '\\' {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "{}", c.escape_unicode());
        } else {
            quoted.push(c);
        }
    }
    if input.chars().nth(ECHO_MAX).is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}

/// Whether a character moves the cursor, or cannot be seen for what it is.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || scim_core::is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_escaped_and_cut() {
        assert_eq!(quote("a@example.com"), "`a@example.com`");
        assert_eq!(quote("a\nb`"), "`a\\u{a}b\\u{60}`");
        assert_eq!(quote("Ow\u{200b}ners\u{202e}"), "`Ow\\u{200b}ners\\u{202e}`");
        assert_eq!(quote(&"é".repeat(65)), format!("`{}…`", "é".repeat(64)));
    }
}
