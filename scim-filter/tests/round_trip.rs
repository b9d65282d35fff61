//! What is printed parses into what was printed.

use proptest::prelude::*;
use scim_filter::{AttrPath, Filter, Limits, ParseOptions, Path, strategies};

/// Tokens of the grammar in any order, which is now and then a filter.
fn tokens() -> impl Strategy<Value = String> {
    let token = proptest::sample::select(vec![
        "a",
        "b.c",
        "urn:x:2.0:d",
        "not",
        "and",
        "or",
        "pr",
        "eq",
        "co",
        "gt",
        "\"x\"",
        "\"\\u00e9\"",
        "12",
        "-1.5e3",
        "null",
        "true",
        "(",
        ")",
        "[",
        "]",
        ".e",
        " ",
        " ",
        " ",
        " ",
        " ",
        "  ",
        "\t",
        "\"",
        "\\",
        "é",
    ]);
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_filter(filter in strategies::filter()) {
        let printed = filter.to_string();
        let parsed = Filter::parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", printed);
        // Paths are equal without regard to case; the printer keeps it.
        prop_assert_eq!(parsed.map(|parsed| parsed.to_string()), Ok(printed));
    }

    #[test]
    fn every_path(path in strategies::path()) {
        let printed = path.to_string();
        let parsed = Path::parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&path), "{}", printed);
        prop_assert_eq!(parsed.map(|parsed| parsed.to_string()), Ok(printed));
    }

    #[test]
    fn every_attribute_path(path in strategies::attr_path()) {
        prop_assert_eq!(AttrPath::parse(path.as_str()).map(|path| path.to_string()), Ok(path.to_string()));
    }

    #[test]
    fn any_case_and_any_spaces(filter in strategies::filter()) {
        // Outside strings, the words of the grammar may have any case and any number of spaces between them.
        let mut text = String::new();
        let mut in_string = false;
        let mut escaped = false;
        for char in filter.to_string().chars() {
            match char {
                '"' if !escaped => in_string = !in_string,
                ' ' | ')' | ']' if !in_string => text.push_str("  "),
                _ => {}
            }
            escaped = char == '\\' && !escaped;
            text.push(char);
        }
        let parsed = Filter::parse(&text);
        prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", text);
    }

    #[test]
    fn tokens_in_any_order(text in tokens()) {
        scim_filter::fuzzing::filter(text.as_bytes());
        scim_filter::fuzzing::path(text.as_bytes());
        scim_filter::fuzzing::path(format!("a[{text}].b").as_bytes());
    }

    #[test]
    fn any_text(text in any::<String>()) {
        scim_filter::fuzzing::filter(text.as_bytes());
        scim_filter::fuzzing::path(text.as_bytes());
    }

    #[test]
    fn a_broken_filter_is_refused_or_sound(filter in strategies::filter(), at in any::<prop::sample::Index>(), new in ".?") {
        let printed = filter.to_string();
        let chars: Vec<char> = printed.chars().collect();
        let at = at.index(chars.len());
        let broken: String = chars.iter().take(at).copied().chain(new.chars()).chain(chars.iter().skip(at + 1).copied()).collect();
        scim_filter::fuzzing::filter(broken.as_bytes());
    }

    #[test]
    fn the_limits_are_exact(filter in strategies::filter()) {
        let printed = filter.to_string();
        let mut terms = 0;
        filter.for_each_attr(|_, _| terms += 1);
        terms -= value_paths(&filter);
        let exact = Limits::default().with_length(printed.len()).with_terms(terms);
        prop_assert!(Filter::parse_with(&printed, &exact.into()).is_ok());
        let parse = |limits: Limits| Filter::parse_with(&printed, &ParseOptions::from(limits)).is_ok();
        prop_assert!(!parse(exact.with_length(printed.len() - 1)));
        prop_assert!(!parse(exact.with_terms(terms - 1)));
    }
}

fn value_paths(filter: &Filter<'_>) -> usize {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().map(value_paths).sum(),
        Filter::Not(filter) => value_paths(filter),
        Filter::ValuePath(path) => 1 + value_paths(&path.filter),
        Filter::Compare(_) | Filter::Present(_) => 0,
    }
}
