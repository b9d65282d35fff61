//! What parses into what, and how it is printed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use scim_filter::{
    AttrPath, CompareOp, Comparison, Filter, Literal, NumberText, ParseOptions, Path, Terms, ValuePath,
};

/// `name op "v"`
fn compare<'a>(attr: &'a str, op: CompareOp, value: Literal<'a>) -> Filter<'a> {
    Filter::Compare(Comparison { attr: AttrPath::parse(attr).unwrap(), op, value })
}

fn present(attr: &str) -> Filter<'_> {
    Filter::Present(AttrPath::parse(attr).unwrap())
}

fn and<const N: usize>(terms: [Filter<'_>; N]) -> Filter<'_> {
    Filter::And(Terms::from_vec(terms.into()).unwrap())
}

fn or<const N: usize>(terms: [Filter<'_>; N]) -> Filter<'_> {
    Filter::Or(Terms::from_vec(terms.into()).unwrap())
}

fn not(filter: Filter<'_>) -> Filter<'_> {
    Filter::Not(Box::new(filter))
}

fn within<'a>(attr: &'a str, filter: Filter<'a>) -> Filter<'a> {
    Filter::ValuePath(ValuePath { attr: AttrPath::parse(attr).unwrap(), filter: Box::new(filter) })
}

fn text(value: &str) -> Literal<'_> {
    Literal::String(value.into())
}

#[track_caller]
fn assert_parses(input: &str, tree: &Filter<'_>, printed: &str) {
    assert_eq!(Filter::parse(input).as_ref(), Ok(tree), "{input}");
    assert_eq!(tree.to_string(), printed, "{input}");
    assert_eq!(Filter::parse(printed).as_ref(), Ok(tree), "{printed}");
}

#[test]
fn every_operator_in_any_case() {
    for op in CompareOp::ALL {
        let tree = compare("title", op, text("x"));
        for spelling in [op.as_str().to_owned(), op.as_str().to_uppercase(), capitalised(op.as_str())] {
            assert_parses(&format!("title {spelling} \"x\""), &tree, &format!("title {op} \"x\""));
        }
    }
    for spelling in ["pr", "PR", "Pr", "pR"] {
        assert_parses(&format!("title {spelling}"), &present("title"), "title pr");
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().unwrap().to_uppercase().collect::<String>() + chars.as_str()
}

#[test]
fn every_literal() {
    let number = |text| Literal::Number(NumberText::new(text).unwrap());
    let same = [
        ("true", Literal::Bool(true)),
        ("false", Literal::Bool(false)),
        ("null", Literal::Null),
        ("0", number("0")),
        ("-0", number("-0")),
        ("12", number("12")),
        ("-12.50", number("-12.50")),
        ("1e9", number("1e9")),
        ("1E+9", number("1E+9")),
        ("1.5e-300", number("1.5e-300")),
        ("123456789012345678901234567890", number("123456789012345678901234567890")),
        ("\"\"", text("")),
        ("\"true\"", text("true")),
        ("\"a b\"", text("a b")),
        ("\"(a) and [b] or not\"", text("(a) and [b] or not")),
        ("\"it's\"", text("it's")),
        ("\"Bärbel 𝄞 \u{7f}\u{2028}\"", text("Bärbel 𝄞 \u{7f}\u{2028}")),
        (r#""a\"b""#, text("a\"b")),
        (r#""a\\b""#, text("a\\b")),
        (r#""\n\r\t""#, text("\n\r\t")),
        (r#""\u0000\u001f""#, text("\u{0}\u{1f}")),
    ];
    for (spelling, literal) in same {
        let tree = compare("a", CompareOp::Eq, literal);
        assert_parses(&format!("a eq {spelling}"), &tree, &format!("a eq {spelling}"));
        assert_parses(&format!("(a eq {spelling})"), &tree, &format!("a eq {spelling}"));
        assert_parses(&format!("b[a eq {spelling}]"), &within("b", tree), &format!("b[a eq {spelling}]"));
    }
}

#[test]
fn every_escape() {
    for (spelling, value) in [
        (r"\u0041", "A"),
        (r"\u00e9\u00E9", "éé"),
        (r"\uFFFF", "\u{ffff}"),
        (r"\ud834\udd1e", "𝄞"),
        (r"\uD834\uDD1E", "𝄞"),
        (r"\uDBFF\uDFFF", "\u{10ffff}"),
        (r"a\/b", "a/b"),
        (r"\b\f", "\u{8}\u{c}"),
        (r"\\u0041", r"\u0041"),
        (r"x\u0022y", "x\"y"),
        (r"\\", "\\"),
        (r#"\\\""#, "\\\""),
    ] {
        let input = format!("a eq \"{spelling}\"");
        assert_eq!(Filter::parse(&input), Ok(compare("a", CompareOp::Eq, text(value))), "{input}");
    }
}

#[test]
fn a_string_without_escapes_is_borrowed() {
    let Ok(Filter::Compare(Comparison { value: Literal::String(value), .. })) =
        Filter::parse("a eq \"plain\"")
    else {
        panic!("a comparison")
    };
    assert!(matches!(value, std::borrow::Cow::Borrowed("plain")));
}

#[test]
fn precedence_and_grouping() {
    let (a, b, c, d) = (|| present("a"), || present("b"), || present("c"), || present("d"));
    for (input, tree, printed) in [
        ("a pr and b pr and c pr", and([a(), b(), c()]), "a pr and b pr and c pr"),
        ("a pr or b pr or c pr", or([a(), b(), c()]), "a pr or b pr or c pr"),
        ("a pr or b pr and c pr", or([a(), and([b(), c()])]), "a pr or b pr and c pr"),
        ("a pr and b pr or c pr", or([and([a(), b()]), c()]), "a pr and b pr or c pr"),
        (
            "a pr and b pr or c pr and d pr",
            or([and([a(), b()]), and([c(), d()])]),
            "a pr and b pr or c pr and d pr",
        ),
        ("(a pr or b pr) and c pr", and([or([a(), b()]), c()]), "(a pr or b pr) and c pr"),
        ("a pr and (b pr or c pr)", and([a(), or([b(), c()])]), "a pr and (b pr or c pr)"),
        ("a pr and (b pr and c pr)", and([a(), and([b(), c()])]), "a pr and (b pr and c pr)"),
        ("(a pr and b pr) and c pr", and([and([a(), b()]), c()]), "(a pr and b pr) and c pr"),
        ("(a pr or b pr) or c pr", or([or([a(), b()]), c()]), "(a pr or b pr) or c pr"),
        ("(a pr and b pr) or c pr", or([and([a(), b()]), c()]), "a pr and b pr or c pr"),
        ("not (a pr) and b pr", and([not(a()), b()]), "not (a pr) and b pr"),
        ("not (a pr and b pr)", not(and([a(), b()])), "not (a pr and b pr)"),
        ("not (not (a pr))", not(not(a())), "not (not (a pr))"),
        ("a pr and not (b pr) or c pr", or([and([a(), not(b())]), c()]), "a pr and not (b pr) or c pr"),
        ("((((a pr))))", a(), "a pr"),
        ("NOT (a pr) AND b pr Or c pr", or([and([not(a()), b()]), c()]), "not (a pr) and b pr or c pr"),
    ] {
        assert_parses(input, &tree, printed);
    }
}

#[test]
fn value_paths() {
    let work = || compare("type", CompareOp::Eq, text("work"));
    let home = || compare("type", CompareOp::Eq, text("home"));
    let value = || compare("value", CompareOp::Co, text("@"));
    for (input, tree, printed) in [
        ("emails[type eq \"work\"]", within("emails", work()), "emails[type eq \"work\"]"),
        (
            "emails[type eq \"work\" and value co \"@\"]",
            within("emails", and([work(), value()])),
            "emails[type eq \"work\" and value co \"@\"]",
        ),
        (
            "emails[not (type eq \"work\") and (value co \"@\" or type eq \"home\")]",
            within("emails", and([not(work()), or([value(), home()])])),
            "emails[not (type eq \"work\") and (value co \"@\" or type eq \"home\")]",
        ),
        (
            "a pr and emails[type eq \"work\"] or not (emails[value co \"@\"])",
            or([and([present("a"), within("emails", work())]), not(within("emails", value()))]),
            "a pr and emails[type eq \"work\"] or not (emails[value co \"@\"])",
        ),
        // A sub-attribute after the brackets.
        (
            "emails[type eq \"work\"].value co \"@\"",
            within("emails", and([work(), value()])),
            "emails[type eq \"work\" and value co \"@\"]",
        ),
        (
            "emails[type eq \"work\" or type eq \"home\"].value pr",
            within("emails", and([or([work(), home()]), present("value")])),
            "emails[(type eq \"work\" or type eq \"home\") and value pr]",
        ),
        (
            "emails[type eq \"work\" and value co \"@\"].$ref pr and a pr",
            and([within("emails", and([and([work(), value()]), present("$ref")])), present("a")]),
            "emails[(type eq \"work\" and value co \"@\") and $ref pr] and a pr",
        ),
        (
            "urn:example:x:2.0:User:emails[type eq \"work\"]",
            within("urn:example:x:2.0:User:emails", work()),
            "urn:example:x:2.0:User:emails[type eq \"work\"]",
        ),
    ] {
        assert_parses(input, &tree, printed);
    }
}

#[test]
fn spaces() {
    let tree =
        or([and([present("a"), not(present("b"))]), within("c", compare("d", CompareOp::Eq, text("x")))]);
    let printed = "a pr and not (b pr) or c[d eq \"x\"]";
    for input in [
        printed,
        "a pr and not(b pr)or c[d eq \"x\"]",
        "  a   pr   and   not   (  b   pr  )   or   c  [  d   eq   \"x\"  ]  ",
        "(a pr)and(not(b pr))or(c[d eq \"x\"])",
        "(a pr and(not (b pr)))or(c[d eq \"x\"])",
    ] {
        assert_parses(input, &tree, printed);
    }
}

#[test]
fn words_of_the_grammar_can_be_names() {
    for input in [
        "not pr",
        "not eq \"x\"",
        "not.sub pr",
        "not[not pr]",
        "not (not pr)",
        "and pr and or pr or pr pr",
        "eq eq \"eq\" and pr pr",
        "null eq null or true eq true",
        "android eq 1 or oracle eq 2 and notes eq 3",
    ] {
        assert_eq!(Filter::parse(input).map(|filter| filter.to_string()).as_deref(), Ok(input));
    }
}

#[test]
fn bare_words_are_strings_only_if_asked_for() {
    let lenient = ParseOptions::default().with_bare_words(true);
    for (input, printed) in [
        ("meta.resourceType eq User", "meta.resourceType eq \"User\""),
        ("(a eq User)", "a eq \"User\""),
        ("a[b eq x@y.z or b eq True]", "a[b eq \"x@y.z\" or b eq \"True\"]"),
        ("id eq 00u1abc", "id eq \"00u1abc\""),
        ("a eq true and b eq 12", "a eq true and b eq 12"),
    ] {
        assert_eq!(
            Filter::parse_with(input, &lenient).map(|filter| filter.to_string()).as_deref(),
            Ok(printed)
        );
        assert_eq!(Filter::parse(input).is_ok(), !printed.contains('"'), "{input}");
    }
    for input in ["a eq 'x'", "a eq x\"y\"", "a eq", "a eq "] {
        assert!(Filter::parse_with(input, &lenient).is_err(), "{input}");
    }
}

#[test]
fn attribute_paths() {
    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (input, schema, name, sub) in [
        ("userName", None, "userName", None),
        ("name.givenName", None, "name", Some("givenName")),
        ("$ref", None, "$ref", None),
        ("groups.$ref", None, "groups", Some("$ref")),
        ("x-y_z$2", None, "x-y_z$2", None),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", Some(USER), "userName", None),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", Some(USER), "name", Some("givenName")),
        ("urn:example:2.0:attr.sub", Some("urn:example:2.0"), "attr", Some("sub")),
        ("urn:example.com:v1.2.3:a", Some("urn:example.com:v1.2.3"), "a", None),
        ("urn:example:a+b(", None, "", None),
        ("https://example.com/scim?v=2#x:attr", Some("https://example.com/scim?v=2#x"), "attr", None),
        ("a:b", Some("a"), "b", None),
    ] {
        if input.ends_with('(') {
            assert!(AttrPath::parse(input).is_err(), "{input}");
            continue;
        }
        let path = AttrPath::parse(input).unwrap();
        assert_eq!(
            (path.schema(), path.name(), path.sub(), path.is_uri()),
            (schema, name, sub, false),
            "{input}"
        );
        assert_eq!(path.to_string(), input);
        assert_eq!(Filter::parse(&format!("{input} pr")), Ok(Filter::Present(path.clone())), "{input}");
        assert_eq!(AttrPath::parse(&input.to_uppercase()), Ok(path), "names and URIs ignore case");
    }
    for uri in [
        "urn:example:2.0",
        "urn:example:ext:2.0",
        "urn:example:a.b.c",
        "urn:example:1",
        "https://example.com/schema",
        "urn:example:-",
    ] {
        let path = AttrPath::parse(uri).unwrap();
        assert_eq!(
            (path.schema(), path.name(), path.sub(), path.is_uri()),
            (Some(uri), "", None, true),
            "{uri}"
        );
        assert_eq!(Path::parse(uri).unwrap().to_string(), uri);
    }
    for bad in [
        "", ".", "a.", ".a", "a.b.c", "a..b", "1a", "-a", "a.1", ":a", "urn:", "urn:x:", "1:a", "a b", " a",
        "a ", "ä", "a[b pr]", "a,b",
    ] {
        assert!(AttrPath::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn patch_paths() {
    for (input, attr, filter, sub) in [
        ("members", "members", None, None),
        ("name.familyName", "name.familyName", None, Some("familyName")),
        ("addresses[type eq \"work\"]", "addresses", Some("type eq \"work\""), None),
        (
            "members[value eq \"2819c223-7f76-453a-919d-413861904646\"].displayName",
            "members",
            Some("value eq \"2819c223-7f76-453a-919d-413861904646\""),
            Some("displayName"),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            None,
            Some("value"),
        ),
        (
            "urn:example:2.0:a[b eq 1 and not (c pr)].$ref",
            "urn:example:2.0:a",
            Some("b eq 1 and not (c pr)"),
            Some("$ref"),
        ),
    ] {
        let path = Path::parse(input).unwrap();
        assert_eq!(path.attr().as_str(), attr);
        assert_eq!(path.filter().map(ToString::to_string).as_deref(), filter);
        assert_eq!(path.sub(), sub);
        assert_eq!(path.to_string(), input);
    }
    assert_eq!(Path::parse("a [  b pr  ].c").unwrap().to_string(), "a[b pr].c");
}

#[test]
fn terms_are_two_at_least() {
    assert!(Terms::from_vec(vec![]).is_err());
    assert_eq!(Terms::from_vec(vec![present("a")]), Err(vec![present("a")]));
    let terms = Terms::new(present("a"), present("b"), [present("c")]);
    assert_eq!(terms.iter().count(), 3);
    assert_eq!(terms.clone().into_vec(), terms.as_slice());
}

#[test]
fn examples_of_the_standard() {
    // RFC 7644, 3.4.2.2, figure 1. The unquoted `User` of one of them is in `bare_words_are_strings_only_if_asked_for`.
    for input in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "J""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified lt "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and (emails.type eq "work")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        let printed = Filter::parse(input).unwrap().to_string();
        assert_eq!(
            printed.replace("(emails.type eq \"work\")", "emails.type eq \"work\""),
            input.replace("(emails.type eq \"work\")", "emails.type eq \"work\"")
        );
    }
}
