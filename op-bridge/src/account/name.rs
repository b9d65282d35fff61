//! When two names of groups are the same to whoever reads them.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// Two groups have the same name if these are equal: without what is not seen (default-ignorable characters, such as
/// zero-width ones and those that turn the direction of writing), in NFKC, without case, with single blanks.
pub(crate) fn name_key(name: &str) -> String {
    let folded: String = seen(name).nfkc().default_case_fold().nfkc().collect();
    single_blanks(&folded)
}

/// Whether a reader could take `name` for `protected`: they have the same key, or differ only in characters that
/// look alike (Unicode Technical Standard 39 section 4), or in punctuation around the name.
///
/// Too strict for two ordinary groups, where it would keep legitimate names of one script out because of another's.
pub(crate) fn looks_like(name: &str, protected: &str) -> bool {
    // A capital I looks like a small l and a capital O like a zero, so that case is folded before or after.
    let folded_first = |name: &str| fold(skeleton(bare(&name_key(name))));
    let folded_last =
        |name: &str| fold(skeleton(bare(&single_blanks(&seen(name).nfkc().collect::<String>()))));
    folded_first(name) == folded_first(protected) || folded_last(name) == folded_last(protected)
}

/// Whether anything of a name can be seen.
pub(crate) fn is_visible(name: &str) -> bool {
    seen(name).any(|c| !c.is_whitespace())
}

fn seen(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|c| !is_unseen(*c))
}

/// Whether a character takes no room, or only looks like a blank. White space itself is seen.
pub(crate) fn is_unseen(c: char) -> bool {
    !c.is_whitespace() && (c.is_control() || c == BRAILLE_BLANK || is_ignorable(c))
}

/// Whether a character begins or ends an embedding, an override or an isolate (Unicode Standard Annex 9 section 2): with
/// one of them a name reads in another order than it is compared in.
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether Unicode calls a character default-ignorable: the skeleton of such a one is empty.
fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && skeleton(c.encode_utf8(&mut [0; 4])).next().is_none()
}

/// A name without the punctuation that it begins and ends with.
fn bare(name: &str) -> &str {
    let surrounds = |c: char| {
        c == ' ' || c.is_ascii_punctuation() || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
    };
    name.trim_matches(surrounds)
}

fn fold(chars: impl Iterator<Item = char>) -> String {
    chars.default_case_fold().collect()
}

fn single_blanks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Looks like a blank, and is neither white space nor default-ignorable.
const BRAILLE_BLANK: char = '\u{2800}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_the_same_are_the_same() {
        for same in [
            "sales & design",
            " SALES  &\tDesign ",
            "Sales\u{a0}&\u{3000}Design",
            "S\u{200b}ales &\u{2060} De\u{ad}sign\u{feff}",
            "\u{202e}Sales & Design\u{202c}",
            "Ｓａｌｅｓ ＆ Ｄｅｓｉｇｎ",
            "Sale\u{17f} & Design\u{2800}",
            "Sales\u{2028}& Design\u{3164}",
        ] {
            assert_eq!(name_key(same), "sales & design", "{same:?}");
        }
        assert_eq!(name_key("Straße"), name_key("STRASSE"));
        assert_eq!(name_key("Cafe\u{301}"), name_key("CAFÉ"));
    }

    #[test]
    fn names_that_are_legitimately_different_stay_so() {
        for (one, other) in [
            ("Sales", "Sale s"),
            ("Cafe", "Café"),
            ("Team 1", "Team l"),
            ("Team 0", "Team O"),
            ("Полка", "Полка 2"),
            ("оса", "oca"),
            ("営業", "営業部"),
            ("🚀", "🛰"),
        ] {
            assert_ne!(name_key(one), name_key(other));
        }
    }

    #[test]
    fn lookalikes_of_a_protected_name_are_found() {
        for (name, protected) in [
            ("\u{41e}wners", "Owners"),
            ("\u{39f}WNERS", "Owners"),
            ("0wners", "Owners"),
            ("Own\u{435}r\u{455}", "Owners"),
            ("Ow\u{200b}ners ", "Owners"),
            ("\u{1d40e}\u{1d430}ners", "Owners"),
            ("SClM Bridge", "SCIM Bridge"),
            ("Adrninistrators", "Administrators"),
            ("Owners.", "Owners"),
            (" -Owners-", "Owners"),
            ("\"Owners\"", "Owners"),
            ("\u{201e}Owners\u{201c}", "Owners"),
            ("Owners\u{2026}", "Owners"),
            ("#\u{41e}wners !", "Owners"),
        ] {
            assert!(looks_like(name, protected), "{name:?}");
        }
        for name in [
            "Owner",
            "Co-Owners",
            "Product Owners",
            "Ówners",
            "Own ers",
            "Own.ers",
            "Owners (EU)",
            "Owners 2",
            "Владельцы",
            "",
            "...",
        ] {
            assert!(!looks_like(name, "Owners"), "{name}");
        }
    }

    #[test]
    fn what_is_not_seen_is_no_name() {
        for name in ["", " ", "\u{200b}", "\u{a0}\u{2800}\u{3164}\u{feff}"] {
            assert!(!is_visible(name), "{name:?}");
        }
        assert!(is_visible("\u{200b}a") && is_visible("🚀"));
    }
}
