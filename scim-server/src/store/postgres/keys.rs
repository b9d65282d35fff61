//! Texts as PostgreSQL can keep them in its indexes.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::super::sql::LONGEST_KEY as LONGEST;

/// A text without the one character that PostgreSQL does not keep. Different texts stay different, in the same order.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return text.into();
    }
    let mut kept = String::with_capacity(text.len().saturating_add(2));
    for c in text.chars() {
        match c {
            '\0' => kept.push_str("\u{1}\u{1}"),
            '\u{1}' => kept.push_str("\u{1}\u{2}"),
            other => kept.push(other),
        }
    }
    kept.into()
}

/// What [`text`] was made of.
pub(super) fn from_text(kept: &str) -> Cow<'_, str> {
    if !kept.contains('\u{1}') {
        return kept.into();
    }
    kept.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}").into()
}

/// A text for an index: a long one is cut, and told apart from others by its hash.
pub(super) fn key(value: &str) -> String {
    let kept = text(value);
    if kept.len() <= LONGEST {
        return kept.into_owned();
    }
    let mut end = LONGEST;
    while !kept.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let mut key = kept.get(..end).unwrap_or_default().to_owned();
    // No text has this in it.
    key.push_str("\u{1}\u{3}");
    for byte in Sha256::digest(value.as_bytes()) {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_back_and_keep_their_order(a in "[\\x00\\x01\\x02a]{0,5}", b in "[\\x00\\x01\\x02a]{0,5}") {
            let (kept_a, kept_b) = (text(&a), text(&b));
            prop_assert!(!kept_a.contains('\0'));
            prop_assert_eq!(&*from_text(&kept_a), &a);
            prop_assert_eq!(kept_a.cmp(&kept_b), a.cmp(&b));
        }

        #[test]
        fn different_texts_have_different_keys(
            (a, b) in ("[\\x00\\x01é]{0,3}", "[\\x00\\x01é]{0,3}"),
            common in 795..802_usize,
        ) {
            let long = |end: &str| key(&format!("{}{end}", "x".repeat(common)));
            prop_assert_eq!(long(&a) == long(&b), a == b);
            prop_assert!(long(&a).len() <= LONGEST + 70);
        }
    }
}
