//! Inputs that are meant to hurt. All of these end at once; one that does not would hang or overflow the stack.

#![allow(clippy::unwrap_used)]

use scim_filter::simple::SimpleSchema;
use scim_filter::{Filter, Limits, ParseErrorKind, ParseOptions, Path, ResolveOptions, fuzzing};

const MEGABYTE: usize = 1 << 20;

fn wide() -> ParseOptions {
    Limits::default().with_length(4 * MEGABYTE).into()
}

#[test]
fn a_megabyte_of_brackets() {
    for bracket in [
        "(",
        "[",
        ")",
        "]",
        "not (",
        "not(",
        "a[",
        "a[(",
        "not ",
        "((a pr) and ",
        "a pr and (",
        "a pr or (",
        "((",
    ] {
        let text = bracket.repeat(MEGABYTE / bracket.len());
        assert_eq!(Filter::parse(&text).unwrap_err().kind(), ParseErrorKind::TooLong, "{bracket}");
        assert!(Filter::parse_with(&text, &wide()).unwrap_err().offset() < 1_000, "{bracket}");
        assert!(Path::parse_with(&text, &wide()).unwrap_err().offset() < 1_000, "{bracket}");
        assert!(Path::parse_with(&format!("a[{text}"), &wide()).unwrap_err().offset() < 1_000, "{bracket}");
    }
}

#[test]
fn nesting_at_the_limit_works_and_past_it_does_not() {
    for (open, close) in [
        ("(", ")"),
        ("not (", ")"),
        ("(a pr or ", ")"),
        ("(a pr and ", ")"),
        ("a pr and (b pr or not (", "))"),
    ] {
        let levels = 64 / open.matches('(').count();
        let nested = |levels: usize| format!("{}title pr{}", open.repeat(levels), close.repeat(levels));
        let text = nested(levels);
        let filter = Filter::parse(&text).unwrap();
        fuzzing::filter(text.as_bytes());
        let resolved = filter.into_owned().resolve(&SimpleSchema::user(), &ResolveOptions::default());
        drop(resolved);
        assert_eq!(Filter::parse(&nested(levels + 1)).unwrap_err().kind(), ParseErrorKind::TooDeep, "{open}");
    }
}

#[test]
fn long_chains_at_the_limit_work_and_past_it_do_not() {
    for word in [" and ", " or "] {
        let chain = |terms: usize| vec!["title eq \"x\""; terms].join(word);
        let text = chain(256);
        fuzzing::filter(text.as_bytes());
        let Ok(Filter::And(terms) | Filter::Or(terms)) = Filter::parse(&text) else { panic!("a chain") };
        assert_eq!(terms.as_slice().len(), 256);
        assert_eq!(Filter::parse(&chain(257)).unwrap_err().kind(), ParseErrorKind::TooManyTerms);
        assert_eq!(
            Filter::parse_with(&chain(100_000), &wide()).unwrap_err().kind(),
            ParseErrorKind::TooManyTerms
        );
    }
}

#[test]
fn long_tokens() {
    let long = |token: &str| token.repeat(MEGABYTE / token.len());
    for (text, ok) in [
        (format!("{} pr", long("a")), true),
        (format!("a.{} pr", long("b")), true),
        (format!("urn{}:a pr", long(":x")), true),
        (format!("a{} pr", long(".b")), false),
        (format!("a eq {}", long("1")), true),
        (format!("a eq 0.{}e-{}", long("0"), long("9")), true),
        (format!("a eq \"{}\"", long("\\u0041")), true),
        (format!("a eq \"{}\"", long("\\ud834\\udd1e")), true),
        (format!("a eq \"{}\"", long("\\ud834")), false),
        (format!("a eq \"{}", long("x")), false),
        (format!("a eq {}", long("x")), false),
        (format!("a {}", long("x")), false),
        (format!("a{}pr", long(" ")), true),
        (format!("{}a pr{}", long(" "), long(" ")), true),
        (format!("a pr {}", long("é")), false),
        (format!("a pr{}", long("\u{0}")), false),
    ] {
        let parsed = Filter::parse_with(&text, &wide());
        assert_eq!(parsed.is_ok(), ok);
        if let Err(error) = parsed {
            assert!(error.to_string().len() < 400);
        }
    }
}

#[test]
fn huge_exponents_cost_nothing() {
    let schema = SimpleSchema::user();
    for number in
        ["1e999999999", "-1e999999999", "1e-999999999", "1e99999999999999999999999999", "0e999999999"]
    {
        for attr in ["logins", "quota"] {
            let text = format!("urn:example:params:scim:schemas:extension:load:2.0:{attr} lt {number}");
            let filter = Filter::parse(&text).unwrap().resolve(&schema, &ResolveOptions::default()).unwrap();
            assert_eq!(filter.matches(&fuzzing::SAMPLE), number.starts_with("1e9"), "{text}");
        }
    }
}

#[test]
fn substring_search_is_linear() {
    let needle = format!("{}b", "a".repeat(60_000));
    let text = format!("userName co \"{needle}\"");
    let filter = Filter::parse_with(&text, &Limits::search().into()).unwrap();
    let filter = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
    let hay: &'static str = "Aa".repeat(MEGABYTE / 2).leak();
    let members: &'static [(&str, fuzzing::Json)] =
        Box::leak(Box::new([("userName", fuzzing::Json::String(hay))]));
    let user: &'static fuzzing::Json = Box::leak(Box::new(fuzzing::Json::Object(members)));
    assert!(!filter.matches(user));
}
