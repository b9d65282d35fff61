//! Strategies for property tests: JSON values, legal users and groups, PATCH documents; in [`types`] schemas of any
//! shape and what suits them.
//!
//! ```
//! use proptest::prelude::*;
//! use scim_core::validate::validate_new;
//! use scim_core::{Quirks, Registry, strategies};
//!
//! let registry = Registry::rfc7643();
//! let users = registry.by_name("User").ok_or("no User")?;
//! proptest!(|(body in strategies::user())| {
//!     prop_assert!(validate_new(users, body, &Quirks::strict()).is_ok());
//! });
//! # Ok::<(), &str>(())
//! ```

pub mod types;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::urn;
use crate::value::{Number, Object, Value};

/// Any JSON value: every kind of string and number, a few levels deep, no two members whose names differ only in case.
pub fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((any::<String>(), inner), 0..6).prop_map(|members| Value::Object(
                members.iter().map(|(n, v)| (n.as_str(), v.clone())).collect()
            )),
        ]
    })
}

/// Any JSON number, in every spelling: integers of any size, fractions, exponents.
pub fn number() -> impl Strategy<Value = Number> {
    let text = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ];
    text.prop_filter_map("a JSON number", |text| Number::from_json(&text).ok())
}

/// Text that any string attribute takes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[A-Za-z][A-Za-z ]{0,8}", 1 => "\\PC{1,8}"]
}

fn object(members: Vec<(&str, Option<Value>)>) -> Object {
    members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Values of a multi-valued attribute such as `emails`: of a few types, at most one of them primary.
pub fn multi_values(values: &'static [&'static str]) -> impl Strategy<Value = Vec<Value>> {
    let element = (select(values), option::of(select(vec!["work", "home", "Other"])), option::of(text()));
    (vec(element, 0..4), option::of(0..4_usize)).prop_map(|(elements, primary)| {
        let element = |(n, (value, kind, display)): (usize, (&str, Option<&str>, Option<String>))| {
            Value::Object(object(vec![
                ("value", Some(value.into())),
                ("type", kind.map(Value::from)),
                ("display", display.map(Value::String)),
                ("primary", (primary == Some(n)).then_some(Value::Bool(true))),
            ]))
        };
        elements.into_iter().enumerate().map(element).collect()
    })
}

const EMAILS: &[&str] = &["a@example.com", "B@example.com", "b@example.com", "c@example.com"];
const WORDS: &[&str] = &["admin", "Admin", "reader", "guest"];

/// A legal body of a User, with its enterprise extension now and then.
pub fn user() -> impl Strategy<Value = Object> {
    let name = (option::of(text()), option::of(text()), option::of(text())).prop_map(
        |(given, family, formatted)| {
            object(vec![
                ("givenName", given.map(Value::String)),
                ("familyName", family.map(Value::String)),
                ("formatted", formatted.map(Value::String)),
            ])
        },
    );
    let address = (option::of(text()), option::of("[A-Z]{2}"), option::of(select(vec!["work", "home"])));
    let address = address.prop_map(|(street, country, kind)| {
        Value::Object(object(vec![
            ("streetAddress", street.map(Value::String)),
            ("country", country.map(Value::String)),
            ("type", kind.map(Value::from)),
        ]))
    });
    let enterprise = (option::of(text()), option::of("[a-z0-9]{1,8}")).prop_map(|(department, manager)| {
        let manager = manager.map(|id| Value::Object(object(vec![("value", Some(Value::String(id)))])));
        object(vec![("department", department.map(Value::String)), ("manager", manager)])
    });
    let singular = (
        "[a-zA-Z]{1,6}(@[a-z]{1,4}\\.org)?",
        option::of(text()),
        option::of(text()),
        option::of("[a-z0-9-]{1,12}"),
        option::of(any::<bool>()),
        option::of("[!-~]{8,12}"),
        option::of(name),
    );
    let lists = (multi_values(EMAILS), multi_values(WORDS), vec(address, 0..3), option::of(enterprise));
    (singular, lists).prop_map(|(singular, (emails, roles, addresses, enterprise))| {
        let (user_name, title, display_name, external_id, active, password, name) = singular;
        let uris = [Some(urn::USER), enterprise.is_some().then_some(urn::ENTERPRISE_USER)];
        object(vec![
            ("schemas", Some(Value::Array(uris.into_iter().flatten().map(Value::from).collect()))),
            ("userName", Some(Value::String(user_name))),
            ("title", title.map(Value::String)),
            ("displayName", display_name.map(Value::String)),
            ("externalId", external_id.map(Value::String)),
            ("active", active.map(Value::Bool)),
            ("password", password.map(Value::String)),
            ("name", name.map(Value::Object)),
            ("emails", Some(Value::Array(emails))),
            ("roles", Some(Value::Array(roles))),
            ("addresses", Some(Value::Array(addresses))),
            (urn::ENTERPRISE_USER, enterprise.map(Value::Object)),
        ])
    })
}

/// A legal body of a Group whose members have ids of their own choice.
pub fn group() -> impl Strategy<Value = Object> {
    (text(), vec("[a-z0-9]{1,6}", 0..6), option::of("[a-z0-9-]{1,12}")).prop_map(
        |(name, members, external_id)| {
            let member = |id: String| Value::Object(object(vec![("value", Some(Value::String(id)))]));
            object(vec![
                ("schemas", Some(Value::Array(vec![urn::GROUP.into()]))),
                ("displayName", Some(Value::String(name))),
                ("externalId", external_id.map(Value::String)),
                ("members", Some(Value::Array(members.into_iter().map(member).collect()))),
            ])
        },
    )
}

/// A PATCH document that keeps to RFC 7644 in every operation, for any user that [`user`] makes.
pub fn legal_patch() -> impl Strategy<Value = Object> {
    vec(legal_operation(), 1..6).prop_map(patch_of)
}

/// A PATCH document for a User in which some operations are what identity providers send, or wrong.
pub fn patch() -> impl Strategy<Value = Object> {
    vec(prop_oneof![3 => legal_operation().boxed(), 1 => odd_operation().boxed()], 1..6).prop_map(patch_of)
}

fn patch_of(operations: Vec<Object>) -> Object {
    object(vec![
        ("schemas", Some(Value::Array(vec![urn::PATCH_OP.into()]))),
        ("Operations", Some(Value::Array(operations.into_iter().map(Value::Object).collect()))),
    ])
}

fn operation(op: &str, path: Option<&str>, value: Option<Value>) -> Object {
    object(vec![("op", Some(op.into())), ("path", path.map(Value::from)), ("value", value)])
}

fn legal_operation() -> impl Strategy<Value = Object> {
    let set = || select(vec!["add", "replace"]);
    let enterprise = |name: &str| format!("{}:{name}", urn::ENTERPRISE_USER);
    let texts = vec![
        "title".to_owned(),
        "nickName".to_owned(),
        "NAME.familyName".to_owned(),
        "name.givenName".to_owned(),
        enterprise("department"),
        enterprise("costCenter"),
        format!("{}:displayName", urn::USER),
    ];
    let filters = vec![
        "emails[type eq \"work\"]",
        "emails[value sw \"b\"]",
        "roles[not (type pr)]",
        "addresses[type pr]",
    ];
    prop_oneof![
        (set(), select(texts.clone()), text()).prop_map(|(op, path, text)| operation(
            op,
            Some(&path),
            Some(Value::String(text))
        )),
        select(texts).prop_map(|path| operation("remove", Some(&path), None)),
        (set(), any::<bool>()).prop_map(|(op, active)| operation(op, Some("active"), Some(active.into()))),
        (set(), multi_values(EMAILS)).prop_map(|(op, list)| operation(op, Some("emails"), Some(list.into()))),
        (set(), multi_values(WORDS)).prop_map(|(op, list)| operation(op, Some("roles"), Some(list.into()))),
        select(filters).prop_map(|path| operation("remove", Some(path), None)),
        select(vec!["emails", "roles", "name", "addresses", urn::ENTERPRISE_USER])
            .prop_map(|path| operation("remove", Some(path), None)),
        (set(), text(), text(), multi_values(EMAILS)).prop_map(|(op, title, given, emails)| {
            let name = object(vec![("givenName", Some(Value::String(given)))]);
            let value = object(vec![
                ("title", Some(Value::String(title))),
                ("name", Some(Value::Object(name))),
                ("emails", Some(Value::Array(emails))),
            ]);
            operation(op, None, Some(Value::Object(value)))
        }),
    ]
}

fn odd_operation() -> impl Strategy<Value = Object> {
    let ops = select(vec!["Add", "Replace", "remove", "move"]);
    let paths = select(vec![
        "emails[type eq \"fax\"].value",
        "phoneNumbers[type eq \"mobile\"].value",
        "roles[primary eq \"True\"].value",
        "emails.value",
        "emails[primary eq true].primary",
        "id",
        "meta.created",
        "schemas",
        "userName",
        "unheardOf",
        "name.unheardOf",
        "emails[type eq",
        "name[familyName pr].givenName",
        "password",
        urn::USER,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "",
    ]);
    let values = prop_oneof![
        json_value(),
        text().prop_map(Value::String),
        Just(Value::from("False")),
        multi_values(WORDS).prop_map(Value::Array),
        user().prop_map(Value::Object),
    ];
    (ops, option::of(paths), option::of(values)).prop_map(|(op, path, value)| operation(op, path, value))
}
