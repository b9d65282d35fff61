//! How strings compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

use crate::ast::CompareOp;
use crate::types::CaseRule;

/// The text that stands for `text` wherever strings are compared: two values are equal if their keys are, and they sort by
/// their keys (code point by code point). An index holds these keys.
///
/// ```
/// use scim_filter::{CaseRule, comparison_key};
///
/// assert_eq!(comparison_key("Straße", CaseRule::Exact), "Straße");
/// assert_eq!(comparison_key("Straße", CaseRule::Fold), "strasse");
/// assert_eq!(comparison_key("ＢＪＥＮＳＥＮ", CaseRule::UserName), "bjensen");
/// assert_eq!(comparison_key("Straße", CaseRule::UserName), "straße");
/// ```
pub fn comparison_key(text: &str, rule: CaseRule) -> Cow<'_, str> {
    match rule {
        CaseRule::Exact => Cow::Borrowed(text),
        _ if text.is_ascii() => {
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(text.to_ascii_lowercase())
            } else {
                Cow::Borrowed(text)
            }
        }
        CaseRule::Fold => Cow::Owned(text.chars().default_case_fold().collect()),
        // "mapped to lowercase using the Unicode toLowerCase() operation" (RFC 8264, 5.2.3), which looks at whole words:
        // a capital sigma at the end of one becomes a final sigma. Lower case keeps apart what folding makes one (ß and
        // ss), and those are the names of two people.
        CaseRule::UserName => {
            Cow::Owned(text.chars().map(map_width).collect::<String>().to_lowercase().nfc().collect())
        }
    }
}

/// Whether the operator holds between a resource's text and the key of a literal.
///
/// `ne` is not here, as it is about an attribute and not about one of its values.
pub(crate) fn text_holds(op: CompareOp, text: &str, key: &str, rule: CaseRule) -> bool {
    if rule == CaseRule::Exact {
        return key_holds(op, text, key);
    }
    if !text.is_ascii() {
        return key_holds(op, &comparison_key(text, rule), key);
    }
    // What follows folds ASCII while comparing, so that most values need no key of their own.
    let (bytes, key_bytes) = (text.as_bytes(), key.as_bytes());
    let spare = bytes.len().checked_sub(key_bytes.len());
    let part_is_key = |part: Option<&[u8]>| part.is_some_and(|part| part.eq_ignore_ascii_case(key_bytes));
    match op {
        CompareOp::Eq | CompareOp::Ne => bytes.eq_ignore_ascii_case(key_bytes),
        CompareOp::Sw => part_is_key(bytes.get(..key_bytes.len())),
        CompareOp::Ew => spare.is_some_and(|spare| part_is_key(bytes.get(spare..))),
        CompareOp::Co if spare.is_none() => false,
        CompareOp::Co => key_holds(op, &comparison_key(text, rule), key),
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => {
            order_holds(op, bytes.iter().map(u8::to_ascii_lowercase).cmp(key_bytes.iter().copied()))
        }
    }
}

/// Whether the operator holds between two keys.
fn key_holds(op: CompareOp, left: &str, right: &str) -> bool {
    match op {
        CompareOp::Co => left.contains(right),
        CompareOp::Sw => left.starts_with(right),
        CompareOp::Ew => left.ends_with(right),
        CompareOp::Eq | CompareOp::Ne => left == right,
        // The order of UTF-8 is that of code points.
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => order_holds(op, left.cmp(right)),
    }
}

/// Whether the operator holds between two values of which the first compares so to the second.
pub(crate) fn order_holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq | CompareOp::Ne => order.is_eq(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

/// Maps a wide or narrow character to its usual form (RFC 8264, 5.2.1; the `<wide>` and `<narrow>` decompositions of the
/// Unicode Character Database).
fn map_width(char: char) -> char {
    // From the block's code points to those of the usual forms, as distances: (first, last, usual form of the first).
    const RUNS: [(u32, u32, u32); 20] = [
        (0x3000, 0x3000, 0x0020),
        (0xff01, 0xff5e, 0x0021),
        (0xff5f, 0xff60, 0x2985),
        (0xff61, 0xff61, 0x3002),
        (0xff62, 0xff63, 0x300c),
        (0xff64, 0xff64, 0x3001),
        (0xff65, 0xff65, 0x30fb),
        (0xffa0, 0xffa0, 0x3164),
        (0xffa1, 0xffbe, 0x3131),
        (0xffc2, 0xffc7, 0x314f),
        (0xffca, 0xffcf, 0x3155),
        (0xffd2, 0xffd7, 0x315b),
        (0xffda, 0xffdc, 0x3161),
        (0xffe0, 0xffe1, 0x00a2),
        (0xffe2, 0xffe2, 0x00ac),
        (0xffe3, 0xffe3, 0x00af),
        (0xffe4, 0xffe4, 0x00a6),
        (0xffe5, 0xffe5, 0x00a5),
        (0xffe6, 0xffe6, 0x20a9),
        (0xffe8, 0xffe8, 0x2502),
    ];
    // Half-width katakana are in an order of their own.
    const KATAKANA: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u{3099}\u{309a}";

    let code = u32::from(char);
    match code {
        0x3000 | 0xff01..=0xffee => {}
        _ => return char,
    }
    let mapped = match code {
        0xff66..=0xff9f => KATAKANA.chars().nth(code.abs_diff(0xff66) as usize),
        0xffe9..=0xffec => char::from_u32(code.abs_diff(0xffe9).saturating_add(0x2190)),
        0xffed => Some('\u{25a0}'),
        0xffee => Some('\u{25cb}'),
        _ => RUNS
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&code))
            .and_then(|(first, _, usual)| char::from_u32(code.abs_diff(*first).saturating_add(*usual))),
    };
    mapped.unwrap_or(char)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::char::decompose_compatible;

    use super::*;

    #[test]
    fn maps_every_wide_and_narrow_character() {
        let mut mapped = 0;
        for code in (0x3000..=0x3000).chain(0xff00..=0xffef) {
            let char = char::from_u32(code).unwrap();
            let fully = |char| {
                let mut all = String::new();
                decompose_compatible(char, |char| all.push(char));
                all
            };
            // The usual form decomposes as the character does, and is one only if there is a decomposition at all.
            assert_eq!(fully(map_width(char)), fully(char), "{code:x}");
            assert_eq!(map_width(char) == char, fully(char) == char.to_string(), "{code:x}");
            mapped += usize::from(map_width(char) != char);
        }
        assert_eq!(mapped, 226);
    }

    #[test]
    fn keys_ignore_what_the_rule_ignores() {
        let same = |rule, left, right| comparison_key(left, rule) == comparison_key(right, rule);
        assert!(!same(CaseRule::Exact, "a", "A"));
        for rule in [CaseRule::Fold, CaseRule::UserName] {
            assert!(same(rule, "BJensen@Example.COM", "bjensen@example.com"));
            assert!(same(rule, "ÄRGER", "ärger"));
            assert!(same(rule, "ΣΊΣΥΦΟΣ", "σίσυφος"));
            assert!(!same(rule, "a", "ä"));
            assert!(!same(rule, "ı", "i"), "folding is that of no language");
        }
        assert!(!same(CaseRule::Fold, "e\u{301}", "é"));
        assert!(same(CaseRule::Fold, "STRASSE", "straße"));
    }

    #[test]
    fn user_names_are_one_where_rfc_8265_maps_them_to_one() {
        let table = [
            ("ＢＪｅｎｓｅｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "bjensen@example.com", true),
            ("ｶﾞ", "ガ", true),
            ("É", "e\u{301}", true),
            ("E\u{301}", "é", true),
            ("ᾼ", "α\u{345}", true),
            ("Α\u{345}", "ᾳ", true),
            ("straße", "STRASSE", false),
            ("straße", "strasse", false),
            ("STRAẞE", "straße", true),
            ("ﬁ", "fi", false),
            // What ends a word is not told from the letter that stands for the same sound elsewhere, unless by the capital.
            ("ΣΊΣΥΦΟΣ", "σίσυφος", true),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ", false),
            ("σίσυφος", "σίσυφοσ", false),
            ("I", "i", true),
            ("ı", "I", false),
            ("İ", "i\u{307}", true),
        ];
        for (left, right, same) in table {
            let keys = [left, right].map(|text| comparison_key(text, CaseRule::UserName));
            assert_eq!(keys[0] == keys[1], same, "{left} {right}");
        }
    }

    #[test]
    fn composed_and_decomposed_user_names_have_one_key() {
        for char in (0..=0x2_ffff).filter_map(char::from_u32) {
            let composed = format!("aΣ{char}\u{345}\u{323}");
            let decomposed: String = composed.nfd().collect();
            let keys = [&composed, &decomposed].map(|text| comparison_key(text, CaseRule::UserName));
            assert_eq!(keys[0], keys[1], "{:x}", u32::from(char));
        }
    }

    #[test]
    fn a_key_is_its_own_key() {
        for char in (0..=0x2_ffff).filter_map(char::from_u32) {
            for text in [format!("a{char}\u{345}"), format!("aΣ{char}"), format!("{char}Σ")] {
                for rule in [CaseRule::Fold, CaseRule::UserName] {
                    let key = comparison_key(&text, rule);
                    assert_eq!(comparison_key(&key, rule), key, "{:x}", u32::from(char));
                }
            }
        }
    }

    #[test]
    fn ascii_compares_as_its_key_does() {
        let texts = ["", "a", "A", "ab", "aB", "B", "ba", "bAb", "Zz", "z", "_", "é", "É", "aé"];
        for text in texts {
            for literal in texts {
                let key = comparison_key(literal, CaseRule::Fold);
                for op in CompareOp::ALL {
                    let expected = key_holds(op, &comparison_key(text, CaseRule::Fold), &key);
                    assert_eq!(text_holds(op, text, &key, CaseRule::Fold), expected, "{text} {op} {literal}");
                }
            }
        }
    }
}
