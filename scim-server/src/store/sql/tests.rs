use scim_core::message::SortOrder;
use scim_core::{Object, Registry, TypeDefinition, Value};
use scim_filter::{AttrPath, Filter, ResolveOptions, ResolvedFilter};

use super::dialect::{Dialect, Postgres};
use super::*;
use crate::store::view::Span;
use crate::store::{Position, Start};

fn resolved(definition: &TypeDefinition, filter: &str) -> ResolvedFilter {
    Filter::parse(filter).unwrap().resolve(definition, &ResolveOptions::default()).unwrap()
}

/// How much SQL says of a filter.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    All,
    Some,
    Nothing,
}

fn said(dialect: impl Dialect, type_name: &str, filter: &str) -> Said {
    let registry = Registry::rfc7643();
    let definition = &**registry.by_name(type_name).unwrap();
    let statements = Statements { dialect, tenant: "t", registry: &registry, definition };
    let filter = resolved(definition, filter);
    match (statements.count(&filter), statements.candidates("r.seq", &filter, Span::All)) {
        (Some(_), Some(_)) => Said::All,
        (None, Some(_)) => Said::Some,
        (None, None) => Said::Nothing,
        (Some(_), None) => panic!("what is said exactly is said"),
    }
}

#[test]
fn what_is_said_in_sql_and_what_is_not() {
    let table = [
        ("User", r#"userName sw "a""#, Said::All),
        ("User", r#"not (name.familyName co "a" or title pr)"#, Said::All),
        ("User", r#"emails[type eq "work" and not (value ew "x")]"#, Said::All),
        ("User", r#"emails.type ne "work" and active eq true"#, Said::All),
        ("User", r#"emails eq null or name pr"#, Said::All),
        ("User", r#"emails.primary ne true and emails[primary eq false and value pr]"#, Said::All),
        ("User", r#"schemas[value co "enterprise"]"#, Said::All),
        (
            "User",
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName le "x""#,
            Said::All,
        ),
        ("User", r#"meta.created gt "2020-01-01T00:00:00Z" and meta.resourceType eq "User""#, Said::All),
        ("User", r#"meta.version eq "W/\"1\"" and id co "x""#, Said::All),
        ("User", r#"groups pr and not (groups.value eq "g")"#, Said::All),
        ("User", r#"x509Certificates pr"#, Said::All),
        ("Group", r#"members[value sw "a" and type eq "User"]"#, Said::All),
        ("Group", r#"members[type eq "Group" and display co "x"]"#, Said::Some),
        ("User", r#"title pr and meta.location co "x""#, Said::Some),
        ("User", r#"not (title pr or x509Certificates.value co "x")"#, Said::Some),
        ("User", r#"x509Certificates[value co "x"]"#, Said::Some),
        ("User", r#"title pr or meta.location co "x""#, Said::Nothing),
        ("User", r#"not (title pr and meta.location co "x")"#, Said::Nothing),
        ("User", r#"not (x509Certificates[value co "x"])"#, Said::Nothing),
        ("User", r#"x509Certificates.value eq "YQ==""#, Said::Nothing),
        ("Group", r#"members.display eq "x""#, Said::Nothing),
        ("Group", r#"members.$ref pr"#, Said::Nothing),
        ("User", r#"meta.version sw "W""#, Said::Nothing),
        ("User", r#"title co "a\u0000""#, Said::Nothing),
    ];
    for (type_name, filter, expected) in table {
        assert_eq!(said(Sqlite, type_name, filter), expected, "{filter}");
        assert_eq!(said(Postgres, type_name, filter), expected, "{filter}");
    }
}

#[test]
fn the_end_of_a_prefix_comes_after_all_that_begin_with_it() {
    for (prefix, end) in [
        ("a", Some("b")),
        ("ab\u{10ffff}\u{10ffff}", Some("ac")),
        ("\u{d7ff}", Some("\u{e000}")),
        ("\u{10ffff}", None),
        ("", None),
    ] {
        assert_eq!(super::lower::end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
    }
}

/// What clients send is bound, never part of the text.
#[test]
fn values_are_parameters() {
    let registry = Registry::rfc7643();
    let definition = &**registry.by_name("User").unwrap();
    let filter = resolved(
        definition,
        concat!(
            r#"title eq "sesame'" or userName sw "sesame'" or emails[value sw "sesame"] or emails[value co "sesame\"" and type sw "sesame"] or "#,
            r#"meta.created gt "2020-01-01T00:00:00Z" or id ew "sesame;" or groups[value lt "sesame"] or "#,
            r#"meta.version eq "W/\"123456789\"""#
        ),
    );
    let sort = AttrPath::parse("emails").unwrap().resolve_sort(definition).unwrap();
    let key = scim_filter::SortKey::Text("sesame".to_owned());
    for start in [
        Start::Index(1),
        Start::After(Position::new(key.clone(), 123_456_789)),
        Start::Before(Position::new(key, 7)),
    ] {
        let wanted = Wanted {
            filter: Some(&filter),
            sort_by: Some(&sort),
            order: SortOrder::Descending,
            start: &start,
            skip: 123_456_789,
            take: 123_456_789,
            counted: false,
        };
        let sqlite = Statements { dialect: Sqlite, tenant: "sesame", registry: &registry, definition };
        let postgres = Statements { dialect: Postgres, tenant: "sesame", registry: &registry, definition };
        for (statement, mark) in
            [(sqlite.page(&wanted).unwrap().0, '?'), (postgres.page(&wanted).unwrap().0, '$')]
        {
            assert!(
                !statement.text.contains("sesame") && !statement.text.contains("123456789"),
                "{}",
                statement.text
            );
            let numbers: std::collections::BTreeSet<usize> = statement
                .text
                .split(mark)
                .skip(1)
                .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
                .collect();
            let all: Vec<usize> = (1..=statement.parameters.len()).collect();
            assert_eq!(numbers.into_iter().collect::<Vec<_>>(), all, "{}", statement.text);
        }
    }
}

fn search_document(body: &str) -> SearchDocument {
    let registry = Registry::rfc7643();
    let Value::Object(body) = Value::from_slice(body.as_bytes()).unwrap() else { panic!() };
    let body: Object = body;
    SearchDocument::new(registry.by_name("User").unwrap(), &body)
}

#[test]
fn a_search_document_has_keys_instead_of_values() {
    let document = search_document(
        r#"{"id":"1","USERNAME":"Ｂjensen","externalId":"Ex","name":{"familyName":"STRASSE","honorificPrefix":null},
            "active":true,"title":"","emails":[{"value":"B@x"},null,{},{"value":"A@x","primary":true}],"ims":[],
            "addresses":[{"country":""}],"x509Certificates":[{"value":"YWJj"}],"meta":{"version":"1"},"groups":[],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user":{"department":"D"},"unknown":1}"#,
    );
    assert_eq!(
        document.json.as_deref(),
        Some(concat!(
            r#"{"externalId":"Ex","userName":"bjensen","name":{"familyName":"strasse"},"title":"","active":"t","#,
            r#""emails":[{"value":"a@x","primary":"t"},{"value":"b@x"}],"addresses":[{"-":"","country":""}],"#,
            r#""x509Certificates":[{"value":"t"}],"#,
            r#""urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"d"}}"#
        ))
    );
    assert_eq!(document.mark(), document.shape.number());
    for misfit in [
        r#"{"userName":"a\u0000b"}"#,
        r#"{"active":"true"}"#,
        r#"{"title":["a"]}"#,
        r#"{"emails":["a@x"]}"#,
        r#"{"name":"x"}"#,
    ] {
        let document = search_document(misfit);
        assert_eq!((document.json.as_deref(), document.mark()), (None, document.shape.misfit()), "{misfit}");
    }
}

#[test]
fn a_shape_stands_for_all_that_decides_what_is_in_a_search_document() {
    use scim_core::schema::Attribute;
    use scim_core::{Relation, ResourceType, Schema};
    use scim_filter::DataType;

    let shape = |attribute: Attribute, relation: bool| {
        let members =
            Attribute::complex("members", [Attribute::new("value", DataType::String)]).multi_valued();
        let uri: scim_core::SchemaUri = "urn:example:Thing".parse().unwrap();
        let schema = Schema::new(uri.clone(), "Thing", "", [attribute, members]).unwrap();
        let mut thing = ResourceType::new("Thing", uri);
        if relation {
            thing = thing.with_relation(Relation::new("members", ["Thing"]));
        }
        let registry = Registry::new([std::sync::Arc::new(schema)], [thing]).unwrap();
        Shape::of(registry.by_name("Thing").unwrap()).number()
    };
    let plain = || Attribute::new("label", DataType::String);
    let shapes = [
        shape(plain(), false),
        shape(plain(), true),
        shape(plain().case_exact(), false),
        shape(plain().multi_valued(), false),
        shape(plain().with_returned(scim_core::schema::Returned::Never), false),
        shape(Attribute::new("label", DataType::Binary), false),
        shape(Attribute::new("Label", DataType::String), false),
        shape(Attribute::complex("label", [plain()]), false),
    ];
    assert!(shapes.iter().all(|shape| *shape > 0));
    for (n, one) in shapes.iter().enumerate() {
        assert!(!shapes[n + 1..].contains(one), "{n}");
    }
    assert_eq!(shape(plain().with_description("other words").required(), false), shapes[0]);
}
