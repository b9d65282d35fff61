//! Reads well-formed JSON in one pass over the text.
//!
//! What is not well-formed, or not within the limits, is left to the reader that can say what is wrong with it. So this one
//! need not know any errors, and may give up on whatever it likes.

use std::borrow::Cow;

use jiter::Jiter;

use super::read::{DEEPEST, Distinct, JsonLimits};
use super::{AttrName, Number, Object, Value};

/// The value that a text consists of, if this reader can tell.
pub(super) fn read(text: &str, limits: &JsonLimits) -> Option<Value> {
    let mut plain =
        Plain { text, at: 0, depth: limits.depth.min(DEEPEST), values: limits.values, is_outermost: true };
    let value = plain.value()?;
    plain.next().is_none().then_some(value)
}

struct Plain<'t> {
    text: &'t str,
    /// INVARIANT: the offset of a character, or the length of the text.
    at: usize,
    /// How many levels deeper it may go.
    depth: usize,
    /// How many more values there may be.
    values: usize,
    /// Whether no object has been begun.
    is_outermost: bool,
}

/// Room for the members of an object, where it is a resource, and where it is a part of one.
const MANY: usize = 24;
const FEW: usize = 4;

impl<'t> Plain<'t> {
    fn value(&mut self) -> Option<Value> {
        self.values = self.values.checked_sub(1)?;
        match self.next()? {
            b'"' => self.string().map(|text| Value::String(text.into_owned())),
            b'{' => self.deeper(Self::object),
            b'[' => self.deeper(Self::array),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    #[inline]
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth = self.depth.checked_sub(1)?;
        self.at += 1;
        let value = read(self);
        self.depth += 1;
        value
    }

    /// The members after a brace.
    fn object(&mut self) -> Option<Value> {
        if self.next()? == b'}' {
            self.at += 1;
            return Some(Value::Object(Object::new()));
        }
        let mut members = Vec::with_capacity(if self.is_outermost { MANY } else { FEW });
        self.is_outermost = false;
        let mut names = Distinct::default();
        loop {
            if self.next()? != b'"' {
                return None;
            }
            let name = self.string()?;
            if !names.add(&members, &name) {
                return None;
            }
            let name = AttrName::new(&name);
            self.take(b':')?;
            members.push((name, self.value()?));
            match self.next()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(Value::Object(Object::from_distinct(members)))
    }

    /// The elements after a bracket.
    fn array(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        if self.next()? == b']' {
            self.at += 1;
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            match self.next()? {
                b',' => self.at += 1,
                b']' => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(Value::Array(items))
    }

    /// The string whose quote is next.
    #[inline]
    fn string(&mut self) -> Option<Cow<'t, str>> {
        let quote = self.at;
        let from = quote + 1;
        let end = from + plain_length(self.rest(from))?;
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                self.text.get(from..end).map(Cow::Borrowed)
            }
            Some(b'\\') => self.escaped(quote),
            _ => None,
        }
    }

    /// As [`string`](Self::string), of one with escapes.
    #[cold]
    fn escaped(&mut self, quote: usize) -> Option<Cow<'t, str>> {
        let mut json = Jiter::new(self.rest(quote));
        let text = json.next_str().ok()?.to_owned();
        self.at = quote + json.current_index();
        Some(Cow::Owned(text))
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest(self.at).iter().take_while(|byte| is_part(byte)).count();
        let end = self.at + length;
        let number = Number::from_json(self.text.get(self.at..end)?).ok()?;
        self.at = end;
        Some(Value::Number(number))
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.rest(self.at).starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then(|| self.at += 1)
    }

    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.after_blanks(),
        }
    }

    fn after_blanks(&mut self) -> Option<u8> {
        let blanks =
            self.rest(self.at).iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += blanks.count();
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn rest(&self, from: usize) -> &'t [u8] {
        self.text.as_bytes().get(from..).unwrap_or_default()
    }
}

/// How many bytes come before the first that cannot stand for itself in a string: a quote, a backslash or a control
/// character.
#[inline]
fn plain_length(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let special = special_bytes(u64::from_le_bytes(*bytes));
        if special != 0 {
            return Some(at + (special.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?.iter().position(|byte| matches!(byte, ..0x20 | b'"' | b'\\'))?;
    Some(at + rest)
}

/// The highest bits of the special ones among eight bytes. Only the lowest of these bits is sure, as a borrow may set those
/// above it.
#[inline]
fn special_bytes(bytes: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
    let quote = below(bytes ^ (ONES * 0x22), 1);
    let backslash = below(bytes ^ (ONES * 0x5c), 1);
    (below(bytes, 0x20) | quote | backslash) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::read::read_or_tell;
    use super::*;

    /// Both readers take the same texts for the same values.
    fn check(text: &str, limits: &JsonLimits) {
        assert_eq!(read(text, limits), read_or_tell(text.as_bytes(), limits).ok(), "{text:?}");
    }

    const PIECES: [&str; 44] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\":",
        "\"A\":",
        "\"bc\":1,",
        " ",
        "\n",
        "\t\r",
        "\u{b}",
        "\u{a0}",
        "\"\"",
        "\"x\"",
        "\"longer than eight bytes\"",
        "\"seven b\"",
        "\"\\n\"",
        "\"eight by\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\u{7f}\"",
        "\"\u{1f}\"",
        "\"a\u{0}\"",
        "\"é€😀\"",
        "\"",
        "\\",
        "'",
        "0",
        "-0",
        "01",
        "-1.50e+7",
        "1.",
        "-",
        "1e",
        "12345678901234567890",
        "true",
        "false",
        "null",
        "nul",
        "NaN",
        "\u{feff}",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn any_text_is_read_as_the_full_reader_does(
            pieces in proptest::collection::vec(select(&PIECES[..]), 0..12),
            depth in 0_usize..4,
            values in 0_usize..12,
        ) {
            let text = pieces.concat();
            check(&text, &JsonLimits::default());
            check(&text, &JsonLimits::default().with_depth(depth).with_values(values));
        }

        #[test]
        fn legal_text_and_what_is_near_it_is_read_as_the_full_reader_does(
            value in crate::strategies::json_value(),
            piece in select(&PIECES[..]),
            at in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut text = String::from_utf8(value.to_vec()).unwrap();
            check(&text, &JsonLimits::default());
            prop_assert_eq!(read(&text, &JsonLimits::default()), Some(value), "nothing legal is left to the other");
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            let at = *at.get(&places);
            if cut { text.truncate(at) } else { text.insert_str(at, piece) }
            check(&text, &JsonLimits::default());
        }
    }

    #[test]
    fn a_string_ends_at_each_place_of_a_word() {
        for length in 0..40 {
            for last in ["\"", "\\n\"", "\u{1}\"", "é\"", "\u{80}\u{ff}\"", ""] {
                check(&format!("\"{}{last}", "x".repeat(length)), &JsonLimits::default());
            }
        }
    }

    #[test]
    fn names_are_told_apart_in_small_and_large_objects() {
        for count in [1, 20, 47, 48, 49, 200] {
            let members: Vec<_> = (0..count).map(|n| format!("\"n{n}\":{n}")).collect();
            check(&format!("{{{}}}", members.join(",")), &JsonLimits::default());
            for twice in ["N0", "n0", "m"] {
                check(&format!("{{{},\"{twice}\":0}}", members.join(",")), &JsonLimits::default());
            }
        }
    }
}
