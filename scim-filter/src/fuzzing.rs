//! Bodies of the fuzz targets: what holds for every input. Not part of the public API.

use crate::ast::Filter;
use crate::error::ParseError;
use crate::eval::{Node, ValueRef};
use crate::limits::{Limits, ParseOptions};
use crate::number::NumberRef;
use crate::path::{AttrPath, Path};
use crate::resolve::{ResolveOptions, ResolvedFilter, ResolvedPath, UnknownAttributes};
use crate::simple::SimpleSchema;

/// Takes any bytes as a filter: it is refused with a useful error, or prints, parses again, resolves and evaluates.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for options in [ParseOptions::default(), ParseOptions::default().with_bare_words(true)] {
        match Filter::parse_with(text, &options) {
            Ok(filter) => check_filter(&filter),
            Err(error) => check_error(text, &error),
        }
    }
}

/// Takes any bytes as a PATCH path, likewise.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match AttrPath::parse(text) {
        Ok(path) => {
            let spelled = match (path.is_uri(), path.schema(), path.sub()) {
                (true, schema, _) => schema.unwrap_or_default().to_owned(),
                (false, None, None) => path.name().to_owned(),
                (false, None, Some(sub)) => format!("{}.{sub}", path.name()),
                (false, Some(schema), None) => format!("{schema}:{}", path.name()),
                (false, Some(schema), Some(sub)) => format!("{schema}:{}.{sub}", path.name()),
            };
            assert_eq!(spelled, text, "the parts of a path make it up");
            assert!(Path::parse(text).is_ok(), "an attribute path is a path");
        }
        Err(error) => check_error(text, &error),
    }
    let path = match Path::parse(text) {
        Ok(path) => path,
        Err(error) => return check_error(text, &error),
    };
    let printed = path.to_string();
    assert_eq!(
        Path::parse_with(&printed, &wide()).as_ref(),
        Ok(&path),
        "what is printed parses into the same"
    );
    assert_eq!(path.clone().into_owned(), path);
    if let Some(filter) = path.filter() {
        check_filter(filter);
    }
    let schema = SimpleSchema::user();
    match path.resolve(&schema, &ResolveOptions::default()) {
        Ok(resolved) => {
            let printed = resolved.to_string();
            if let ResolvedPath::Attribute { filter: Some(filter), .. } = &resolved {
                for element in [&SAMPLE, &SAMPLE_EMAIL, &Json::Null, &Json::String("x")] {
                    filter.matches_value(element);
                }
            }
            let again = Path::parse_with(&printed, &wide())
                .map(|path| path.resolve(&schema, &ResolveOptions::default()));
            assert!(
                resolved == ResolvedPath::Resource || again == Ok(Ok(resolved)),
                "{printed} resolves into the same"
            );
        }
        Err(error) => check_message(&error.to_string()),
    }
}

fn check_filter(filter: &Filter<'_>) {
    let printed = filter.to_string();
    let again = Filter::parse_with(&printed, &wide());
    assert_eq!(again.as_ref(), Ok(filter), "what is printed parses into the same tree");
    assert_eq!(again.map(|again| again.to_string()), Ok(printed), "what is printed stays the same");
    assert_eq!(&filter.clone().into_owned(), filter);
    filter.for_each_attr(|attr, _| {
        check_attr(attr);
    });

    let schema = SimpleSchema::user();
    let strict = ResolveOptions::default();
    let lenient = strict.with_unknown(UnknownAttributes::NoValue).with_string_booleans(true);
    let resolved = filter.resolve(&schema, &strict);
    match &resolved {
        Ok(resolved) => check_resolved(resolved, &schema),
        Err(error) => check_message(&error.to_string()),
    }
    if let (Ok(resolved), Ok(lenient)) = (&resolved, filter.resolve(&schema, &lenient)) {
        assert_eq!(resolved, &lenient, "leniency changes nothing about what is right");
    }
}

fn check_attr(attr: &AttrPath<'_>) {
    assert_eq!(AttrPath::parse(attr.as_str()).as_ref(), Ok(attr));
}

fn check_resolved(resolved: &ResolvedFilter, schema: &SimpleSchema) {
    let matches = resolved.matches(&SAMPLE);
    assert_eq!(ResolvedFilter::Not(Box::new(resolved.clone())).matches(&SAMPLE), !matches, "`not` negates");
    assert_eq!(
        resolved.conjuncts().iter().all(|term| term.matches(&SAMPLE)),
        matches,
        "an `and` is its terms"
    );
    resolved.matches(&Json::Object(&[]));
    resolved.matches(&Json::Null);
    resolved.for_each_attr(|attr, parent| {
        if parent.is_none() {
            attr.sort_key(&SAMPLE);
        }
    });
    if !resolved.equalities().is_empty() {
        assert!(!resolved.matches(&Json::Object(&[])), "nothing equals a value that is not there");
    }

    let printed = resolved.to_string();
    let again =
        Filter::parse_with(&printed, &wide()).map(|again| again.resolve(schema, &ResolveOptions::default()));
    assert_eq!(again, Ok(Ok(resolved.clone())), "what is printed resolves into the same");
}

fn check_error(text: &str, error: &ParseError) {
    assert!(text.is_char_boundary(error.offset()), "an error is at a character, or at the end");
    check_message(&error.to_string());
}

fn check_message(message: &str) {
    assert!(!message.is_empty() && message.len() < 1024, "a message is short");
    assert!(!message.contains(char::is_control), "a message is one line");
}

/// The canonical form may be longer than what was written, and `a eq null` becomes `not (a pr)`.
fn wide() -> ParseOptions {
    let limits = Limits::default();
    Limits::default()
        .with_length(limits.length.saturating_mul(8))
        .with_depth(limits.depth.saturating_mul(2))
        .into()
}

/// A JSON value that needs no memory.
#[derive(Debug)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's text.
    Number(&'static str),
    /// A string.
    String(&'static str),
    /// An array.
    Array(&'static [Self]),
    /// An object.
    Object(&'static [(&'static str, Self)]),
}

impl ValueRef<'static> for &'static Json {
    type Items = std::slice::Iter<'static, Json>;
    type Members = std::iter::Map<
        std::slice::Iter<'static, (&'static str, Json)>,
        fn(&'static (&'static str, Json)) -> &'static Json,
    >;

    fn node(self) -> Node<'static> {
        match self {
            Json::Null => Node::Null,
            Json::Bool(value) => Node::Bool(*value),
            Json::Number(text) => Node::Number(NumberRef::Text(text)),
            Json::String(text) => Node::String(text),
            Json::Array(_) => Node::Array,
            Json::Object(_) => Node::Object,
        }
    }

    fn items(self) -> Self::Items {
        match self {
            Json::Array(items) => items.iter(),
            _ => [].iter(),
        }
    }

    fn members(self) -> Self::Members {
        let members: &'static [(&'static str, Json)] = match self {
            Json::Object(members) => members,
            _ => &[],
        };
        members.iter().map(|(_, value)| value)
    }

    fn member(self, name: &str) -> Option<Self> {
        match self {
            Json::Object(members) => {
                members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// A user of [`SimpleSchema::user`].
pub static SAMPLE: Json = Json::Object(&[
    ("schemas", Json::Array(&[Json::String("urn:ietf:params:scim:schemas:core:2.0:User")])),
    ("id", Json::String("2819c223-7f76-453a-919d-413861904646")),
    ("userName", Json::String("bjensen@example.com")),
    ("name", Json::Object(&[("familyName", Json::String("Jensen")), ("givenName", Json::String("Bärbel"))])),
    ("title", Json::String("")),
    ("active", Json::Bool(true)),
    ("nickName", Json::Null),
    (
        "emails",
        Json::Array(&[
            Json::Object(&[("value", Json::String("b@example.com")), ("type", Json::String("work"))]),
            Json::Object(&[("value", Json::String("b@example.org")), ("primary", Json::Bool(true))]),
            Json::Object(&[]),
        ]),
    ),
    (
        "meta",
        Json::Object(&[
            ("resourceType", Json::String("User")),
            ("created", Json::String("2010-01-23T04:56:22Z")),
            ("lastModified", Json::String("2011-05-13T04:42:34.123+02:00")),
        ]),
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        Json::Object(&[("department", Json::String("Tour Operations"))]),
    ),
    (
        "urn:example:params:scim:schemas:extension:load:2.0",
        Json::Object(&[
            ("logins", Json::Number("17")),
            ("quota", Json::Number("1.50e3")),
            ("tags", Json::Array(&[Json::String("a"), Json::String("B"), Json::Null])),
        ]),
    ),
]);

/// An e-mail of a user.
pub static SAMPLE_EMAIL: Json = Json::Object(&[
    ("value", Json::String("b@example.com")),
    ("type", Json::String("work")),
    ("primary", Json::Bool(true)),
]);
