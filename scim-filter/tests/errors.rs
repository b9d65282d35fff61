//! What is refused, with what words.

#![allow(clippy::unwrap_used)]

use scim_filter::ParseErrorKind as Kind;
use scim_filter::{AttrPath, Filter, Limits, ParseOptions, Path};

#[test]
fn filters() {
    for (input, kind, offset, message) in FILTERS {
        let error = Filter::parse(input).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset(), error.to_string().as_str()),
            (*kind, *offset, *message),
            "{input}"
        );
        assert!(!error.is_in_filter(), "{input}");
    }
}

#[test]
fn paths() {
    for (input, kind, offset, in_filter, message) in PATHS {
        let error = Path::parse(input).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset(), error.is_in_filter(), error.to_string().as_str()),
            (*kind, *offset, *in_filter, *message),
            "{input}"
        );
    }
}

#[test]
fn limits() {
    let tight = ParseOptions::from(Limits::default().with_length(20).with_depth(2).with_terms(2));
    for (input, kind, offset, message) in [
        ("a eq \"0123456789abc\"x", Kind::TooLong, 20, "the filter is longer than 20 bytes"),
        ("a eq \"0123456789012é\"", Kind::TooLong, 19, "the filter is longer than 20 bytes"),
        ("(((a pr)))", Kind::TooDeep, 2, "brackets are nested more than 2 deep at position 3"),
        ("((a[b pr]))", Kind::TooDeep, 3, "brackets are nested more than 2 deep at position 4"),
        ("(a[b pr or c pr].d pr)", Kind::TooLong, 20, "the filter is longer than 20 bytes"),
        ("(a[b pr or c pr].d p", Kind::TooDeep, 16, "brackets are nested more than 2 deep at position 17"),
        (
            "a pr or b pr or c pr",
            Kind::TooManyTerms,
            16,
            "the filter has more than 2 comparisons at position 17",
        ),
        (
            "a[b pr or c pr].d pr",
            Kind::TooManyTerms,
            15,
            "the filter has more than 2 comparisons at position 16",
        ),
    ] {
        let error = Filter::parse_with(input, &tight).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset(), error.to_string().as_str()),
            (kind, offset, message),
            "{input}"
        );
    }
    for input in ["a eq \"0123456789abc\"", "((a pr))", "(a[b pr])", "a pr or b pr", "(a[b pr].c pr)"] {
        assert!(Filter::parse_with(input, &tight).is_ok(), "{input}");
    }
    assert!(Filter::parse_with("a pr", &Limits::default().with_terms(0).into()).is_err());
    assert_eq!(
        Path::parse_with("a[(((b pr)))]", &tight).unwrap_err().to_string(),
        "brackets are nested more than 2 deep at position 4"
    );
    assert_eq!(AttrPath::parse(&"a".repeat(9_000)).unwrap_err().kind(), Kind::TooLong);
    assert_eq!((Limits::default().length, Limits::search().length), (8 * 1024, 64 * 1024));
}

#[test]
fn messages_show_little_of_the_input() {
    let long = format!("a eq 1 {}", "x".repeat(1_000));
    assert_eq!(
        Filter::parse(&long).unwrap_err().to_string(),
        "expected `and`, `or` or the end of the filter but found `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...` at position 8"
    );
    let hidden = "a eq 1 \u{202e}x\u{2028}";
    assert_eq!(
        Filter::parse(hidden).unwrap_err().to_string(),
        "expected `and`, `or` or the end of the filter but found `\\u{202e}x\\u{2028}` at position 8"
    );
}

const FILTERS: &[(&str, Kind, usize, &str)] = &[
    ("", Kind::Empty, 0, "the filter is empty"),
    ("   ", Kind::Empty, 3, "the filter is empty"),
    (
        "a",
        Kind::ExpectedOperator,
        1,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but the filter ends at position 2",
    ),
    (
        "a ",
        Kind::ExpectedOperator,
        2,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but the filter ends at position 3",
    ),
    (
        "a b",
        Kind::UnknownOperator,
        2,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `b` at position 3",
    ),
    (
        "a eq",
        Kind::ExpectedValue,
        4,
        "expected a value (a string in double quotes, a number, true, false or null) but the filter ends at position 5",
    ),
    (
        "a eq ",
        Kind::ExpectedValue,
        5,
        "expected a value (a string in double quotes, a number, true, false or null) but the filter ends at position 6",
    ),
    (
        "a eq x",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `x` at position 6",
    ),
    (
        "userName eq 'x'",
        Kind::SingleQuotes,
        12,
        "expected a string in double quotes but found `'x'` at position 13",
    ),
    (
        "userName regex \"x\"",
        Kind::UnknownOperator,
        9,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `regex` at position 10",
    ),
    (
        "userName equals \"x\"",
        Kind::UnknownOperator,
        9,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `equals` at position 10",
    ),
    (
        "userName = \"x\"",
        Kind::UnknownOperator,
        9,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `=` at position 10",
    ),
    ("title eq\"x\"", Kind::ExpectedSpace, 8, "expected a space but found `\"x\"` at position 9"),
    (
        "title pr\"x\"",
        Kind::TrailingInput,
        8,
        "expected `and`, `or` or the end of the filter but found `\"x\"` at position 9",
    ),
    (
        "a eq \"x",
        Kind::UnterminatedString,
        5,
        "expected a double quote at the end of the string but found `\"x` at position 6",
    ),
    (
        "a eq \"x\\\"",
        Kind::UnterminatedString,
        5,
        "expected a double quote at the end of the string but found `\"x\\\"` at position 6",
    ),
    (
        "a eq \"\\x\"",
        Kind::BadEscape,
        6,
        "expected a JSON escape such as `\\\"`, `\\\\` or `\\u0041` but found `\\x` at position 7",
    ),
    (
        "a eq \"\\u12g4\"",
        Kind::BadEscape,
        6,
        "expected a JSON escape such as `\\\"`, `\\\\` or `\\u0041` but found `\\u12g4` at position 7",
    ),
    (
        "a eq \"\\u12\"",
        Kind::BadEscape,
        6,
        "expected a JSON escape such as `\\\"`, `\\\\` or `\\u0041` but found `\\u12` at position 7",
    ),
    (
        "a eq \"\\u+123\"",
        Kind::BadEscape,
        6,
        "expected a JSON escape such as `\\\"`, `\\\\` or `\\u0041` but found `\\u+123` at position 7",
    ),
    (
        "a eq \"\\ud834\"",
        Kind::LoneSurrogate,
        6,
        "expected both halves of a surrogate pair but found `\\ud834` at position 7",
    ),
    (
        "a eq \"\\udd1e\\ud834\"",
        Kind::LoneSurrogate,
        6,
        "expected both halves of a surrogate pair but found `\\udd1e\\ud834` at position 7",
    ),
    (
        "a eq \"\\ud834\\u0041\"",
        Kind::LoneSurrogate,
        6,
        "expected both halves of a surrogate pair but found `\\ud834\\u0041` at position 7",
    ),
    (
        "a eq \"x\ty\"",
        Kind::ControlCharacter,
        7,
        "expected no control character but found `\\u{9}` at position 8",
    ),
    (
        "a eq \"\\n\n\"",
        Kind::ControlCharacter,
        8,
        "expected no control character but found `\\u{a}` at position 9",
    ),
    ("a eq 01", Kind::BadNumber, 5, "expected a number as JSON writes it but found `01` at position 6"),
    ("a eq 1.", Kind::BadNumber, 5, "expected a number as JSON writes it but found `1.` at position 6"),
    ("a eq -", Kind::BadNumber, 5, "expected a number as JSON writes it but found `-` at position 6"),
    (
        "a eq .5",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `.5` at position 6",
    ),
    (
        "a eq +1",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `+1` at position 6",
    ),
    ("a eq 1e", Kind::BadNumber, 5, "expected a number as JSON writes it but found `1e` at position 6"),
    ("a eq 0x1F", Kind::BadNumber, 5, "expected a number as JSON writes it but found `0x1F` at position 6"),
    (
        "a eq True",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `True` at position 6",
    ),
    (
        "a eq NaN",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `NaN` at position 6",
    ),
    ("a eq 1x", Kind::BadNumber, 5, "expected a number as JSON writes it but found `1x` at position 6"),
    ("a eq \"x\"y", Kind::ExpectedSpace, 8, "expected a space but found `y` at position 9"),
    ("a eq \"x\"and b pr", Kind::ExpectedSpace, 8, "expected a space but found `and` at position 9"),
    ("a eq 1(b pr)", Kind::ExpectedSpace, 6, "expected a space but found `(` at position 7"),
    ("a eq \"x\"[", Kind::ExpectedSpace, 8, "expected a space but found `[` at position 9"),
    ("a pr and", Kind::ExpectedAttribute, 8, "expected an attribute but the filter ends at position 9"),
    ("a pr and ", Kind::ExpectedAttribute, 9, "expected an attribute but the filter ends at position 10"),
    (
        "a pr or or b pr",
        Kind::UnknownOperator,
        11,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `b` at position 12",
    ),
    (
        "a pr xor b pr",
        Kind::TrailingInput,
        5,
        "expected `and`, `or` or the end of the filter but found `xor` at position 6",
    ),
    (
        "a pr b pr",
        Kind::TrailingInput,
        5,
        "expected `and`, `or` or the end of the filter but found `b` at position 6",
    ),
    (
        "a pr andb pr",
        Kind::TrailingInput,
        5,
        "expected `and`, `or` or the end of the filter but found `andb` at position 6",
    ),
    (
        "and a pr",
        Kind::UnknownOperator,
        4,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `a` at position 5",
    ),
    (
        "(a pr",
        Kind::ExpectedClosingParenthesis,
        5,
        "expected `)`, `and` or `or` but the filter ends at position 6",
    ),
    (
        "(a pr]",
        Kind::ExpectedClosingParenthesis,
        5,
        "expected `)`, `and` or `or` but found `]` at position 6",
    ),
    (
        "a pr)",
        Kind::TrailingInput,
        4,
        "expected `and`, `or` or the end of the filter but found `)` at position 5",
    ),
    ("()", Kind::ExpectedAttribute, 1, "expected an attribute but found `)` at position 2"),
    ("(", Kind::ExpectedAttribute, 1, "expected an attribute but the filter ends at position 2"),
    ("not a pr", Kind::NotWithoutBrackets, 4, "expected `(` after `not` but found `a` at position 5"),
    ("not", Kind::NotWithoutBrackets, 3, "expected `(` after `not` but the filter ends at position 4"),
    (
        "not (a pr",
        Kind::ExpectedClosingParenthesis,
        9,
        "expected `)`, `and` or `or` but the filter ends at position 10",
    ),
    ("not not (a pr)", Kind::NotWithoutBrackets, 4, "expected `(` after `not` but found `not` at position 5"),
    (
        "a[b pr",
        Kind::ExpectedClosingBracket,
        6,
        "expected `]`, `and` or `or` but the filter ends at position 7",
    ),
    ("a[b pr)", Kind::ExpectedClosingBracket, 6, "expected `]`, `and` or `or` but found `)` at position 7"),
    ("a[]", Kind::ExpectedAttribute, 2, "expected an attribute but found `]` at position 3"),
    ("a[", Kind::ExpectedAttribute, 2, "expected an attribute but the filter ends at position 3"),
    ("a[b[c pr]]", Kind::NestedBrackets, 3, "expected no `[` inside `[ ]` but found `[` at position 4"),
    (
        "a[b pr and c[d pr]]",
        Kind::NestedBrackets,
        12,
        "expected no `[` inside `[ ]` but found `[` at position 13",
    ),
    (
        "a[b pr].",
        Kind::BadAttribute,
        8,
        "expected an attribute path such as `userName` or `name.familyName` but the filter ends at position 9",
    ),
    (
        "a[b pr].c",
        Kind::ExpectedOperator,
        9,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but the filter ends at position 10",
    ),
    (
        "a[b pr].1 pr",
        Kind::BadAttribute,
        8,
        "expected an attribute path such as `userName` or `name.familyName` but found `1` at position 9",
    ),
    (
        "a[b pr].c.d pr",
        Kind::BadAttribute,
        8,
        "expected an attribute path such as `userName` or `name.familyName` but found `c.d` at position 9",
    ),
    ("a[b pr]x", Kind::ExpectedSpace, 7, "expected a space but found `x` at position 8"),
    ("a[b pr]pr", Kind::ExpectedSpace, 7, "expected a space but found `pr` at position 8"),
    (
        "a[b pr] pr",
        Kind::TrailingInput,
        8,
        "expected `and`, `or` or the end of the filter but found `pr` at position 9",
    ),
    (
        "a[b pr].c eq",
        Kind::ExpectedValue,
        12,
        "expected a value (a string in double quotes, a number, true, false or null) but the filter ends at position 13",
    ),
    ("[b pr]", Kind::ExpectedAttribute, 0, "expected an attribute but found `[` at position 1"),
    (
        "a.b.c pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `a.b.c` at position 1",
    ),
    (
        "a..b pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `a..b` at position 1",
    ),
    (
        ".a pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `.a` at position 1",
    ),
    (
        "1a pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `1a` at position 1",
    ),
    (
        "a,b pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `a,b` at position 1",
    ),
    (
        ":a pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `:a` at position 1",
    ),
    (
        "urn: pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `urn:` at position 1",
    ),
    (
        "ä pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `ä` at position 1",
    ),
    (
        "usär pr",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `usär` at position 1",
    ),
    ("a\tpr", Kind::ControlCharacter, 1, "expected no control character but found `\\u{9}` at position 2"),
    ("a pr\t", Kind::ControlCharacter, 4, "expected no control character but found `\\u{9}` at position 5"),
    ("a\0 pr", Kind::ControlCharacter, 1, "expected no control character but found `\\u{0}` at position 2"),
    (
        "a pr\nand b pr",
        Kind::ControlCharacter,
        4,
        "expected no control character but found `\\u{a}` at position 5",
    ),
    ("a eq\t1", Kind::ControlCharacter, 4, "expected no control character but found `\\u{9}` at position 5"),
    ("\ta pr", Kind::ControlCharacter, 0, "expected no control character but found `\\u{9}` at position 1"),
    (
        "a(b) pr",
        Kind::ExpectedOperator,
        1,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `(` at position 2",
    ),
    (
        "\"a\" eq 1",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `\"a\"` at position 1",
    ),
    (
        "a eq 1 2",
        Kind::TrailingInput,
        7,
        "expected `and`, `or` or the end of the filter but found `2` at position 8",
    ),
    (
        "a eq [1]",
        Kind::ExpectedValue,
        5,
        "expected a value (a string in double quotes, a number, true, false or null) but found `[` at position 6",
    ),
    (
        "a eq {\"x\":1}",
        Kind::BareWord,
        5,
        "expected a value (a string needs double quotes) but found `{\"x\":1}` at position 6",
    ),
    (
        "a eq (1)",
        Kind::ExpectedValue,
        5,
        "expected a value (a string in double quotes, a number, true, false or null) but found `(` at position 6",
    ),
    (
        "a eq )",
        Kind::ExpectedValue,
        5,
        "expected a value (a string in double quotes, a number, true, false or null) but found `)` at position 6",
    ),
    (
        "a pr 1",
        Kind::TrailingInput,
        5,
        "expected `and`, `or` or the end of the filter but found `1` at position 6",
    ),
    (
        "ää eq 1 x",
        Kind::BadAttribute,
        0,
        "expected an attribute path such as `userName` or `name.familyName` but found `ää` at position 1",
    ),
    (
        "a eq \"ä\" x",
        Kind::TrailingInput,
        10,
        "expected `and`, `or` or the end of the filter but found `x` at position 10",
    ),
    (
        "userName eq \"x\" and (title pr or (active eq true)",
        Kind::ExpectedClosingParenthesis,
        49,
        "expected `)`, `and` or `or` but the filter ends at position 50",
    ),
];

const PATHS: &[(&str, Kind, usize, bool, &str)] = &[
    ("", Kind::Empty, 0, false, "the path is empty"),
    (" ", Kind::ExpectedAttribute, 0, false, "expected an attribute but found ` ` at position 1"),
    ("a b", Kind::TrailingInput, 1, false, "expected the end of the path but found ` ` at position 2"),
    (" a", Kind::ExpectedAttribute, 0, false, "expected an attribute but found ` ` at position 1"),
    ("a ", Kind::TrailingInput, 1, false, "expected the end of the path but found ` ` at position 2"),
    ("emails[", Kind::ExpectedAttribute, 7, false, "expected an attribute but the path ends at position 8"),
    (
        "emails[type eq",
        Kind::ExpectedValue,
        14,
        false,
        "expected a value (a string in double quotes, a number, true, false or null) but the path ends at position 15",
    ),
    (
        "emails[type eq \"work\"",
        Kind::ExpectedClosingBracket,
        21,
        false,
        "expected `]`, `and` or `or` but the path ends at position 22",
    ),
    (
        "emails[type eq \"work",
        Kind::UnterminatedString,
        15,
        false,
        "expected a double quote at the end of the string but found `\"work` at position 16",
    ),
    (
        "emails[type eq \"work]",
        Kind::UnterminatedString,
        15,
        true,
        "expected a double quote at the end of the string but found `\"work]` at position 16",
    ),
    ("emails]", Kind::TrailingInput, 6, false, "expected the end of the path but found `]` at position 7"),
    ("emails[]", Kind::ExpectedAttribute, 7, true, "expected an attribute but found `]` at position 8"),
    (
        "emails[type]",
        Kind::ExpectedOperator,
        11,
        true,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `]` at position 12",
    ),
    (
        "emails[type regex 1]",
        Kind::UnknownOperator,
        12,
        true,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `regex` at position 13",
    ),
    (
        "emails[type regex 1].value",
        Kind::UnknownOperator,
        12,
        true,
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) but found `regex` at position 13",
    ),
    (
        "emails[type eq work].value",
        Kind::BareWord,
        15,
        true,
        "expected a value (a string needs double quotes) but found `work` at position 16",
    ),
    (
        "emails[type eq 'work']",
        Kind::SingleQuotes,
        15,
        true,
        "expected a string in double quotes but found `'work']` at position 16",
    ),
    (
        "emails[a[b pr]]",
        Kind::NestedBrackets,
        8,
        true,
        "expected no `[` inside `[ ]` but found `[` at position 9",
    ),
    (
        "emails[(type pr]",
        Kind::ExpectedClosingParenthesis,
        15,
        true,
        "expected `)`, `and` or `or` but found `]` at position 16",
    ),
    (
        "emails[type pr)]",
        Kind::ExpectedClosingBracket,
        14,
        true,
        "expected `]`, `and` or `or` but found `)` at position 15",
    ),
    (
        "emails[type pr]value",
        Kind::TrailingInput,
        15,
        false,
        "expected the end of the path but found `value` at position 16",
    ),
    (
        "emails[type pr].",
        Kind::BadAttribute,
        16,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but the path ends at position 17",
    ),
    (
        "emails[type pr].1",
        Kind::BadAttribute,
        16,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but found `1` at position 17",
    ),
    (
        "emails[type pr].a.b",
        Kind::BadAttribute,
        16,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but found `a.b` at position 17",
    ),
    (
        "emails[type pr] ",
        Kind::TrailingInput,
        15,
        false,
        "expected the end of the path but found ` ` at position 16",
    ),
    (
        "emails[type pr][value pr]",
        Kind::TrailingInput,
        15,
        false,
        "expected the end of the path but found `[` at position 16",
    ),
    (
        "emails[type pr].a[b pr]",
        Kind::TrailingInput,
        17,
        false,
        "expected the end of the path but found `[` at position 18",
    ),
    (
        "emails.",
        Kind::BadAttribute,
        0,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but found `emails.` at position 1",
    ),
    (
        "a.b.c",
        Kind::BadAttribute,
        0,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but found `a.b.c` at position 1",
    ),
    (
        "name.familyName eq 1",
        Kind::TrailingInput,
        15,
        false,
        "expected the end of the path but found ` ` at position 16",
    ),
    (
        "emails[type pr] and b pr",
        Kind::TrailingInput,
        15,
        false,
        "expected the end of the path but found ` ` at position 16",
    ),
    (
        "a\0",
        Kind::ControlCharacter,
        1,
        false,
        "expected no control character but found `\\u{0}` at position 2",
    ),
    (
        "bad name[x regex]",
        Kind::TrailingInput,
        3,
        false,
        "expected the end of the path but found ` ` at position 4",
    ),
    (
        "emails[type pr].a]",
        Kind::TrailingInput,
        17,
        false,
        "expected the end of the path but found `]` at position 18",
    ),
    (
        "1[a pr]",
        Kind::BadAttribute,
        0,
        false,
        "expected an attribute path such as `userName` or `name.familyName` but found `1` at position 1",
    ),
];
