//! Strategies for property tests: arbitrary legal filters and paths, and filters that suit given attributes.
//!
//! ```
//! use proptest::prelude::*;
//! use scim_filter::{Filter, strategies};
//!
//! proptest!(|(filter in strategies::filter())| {
//!     let text = filter.to_string();
//!     prop_assert_eq!(Filter::parse(&text), Ok(filter));
//! });
//! ```

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::ast::{CompareOp, Comparison, Filter, Literal, NumberText, Terms, ValuePath};
use crate::path::{AttrPath, Path};
use crate::types::DataType;

/// Any name of an attribute, those of the grammar's words among them.
pub fn attr_name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["userName", "emails", "value", "type", "$ref", "meta", "name", "not", "and", "or", "pr", "eq", "null", "true"])
            .prop_map(str::to_owned),
        2 => "[A-Za-z$][A-Za-z0-9$_-]{0,8}",
    ]
}

/// Any attribute path: a name, perhaps with a schema's URI before it and a sub-attribute's name after it, or only a URI.
pub fn attr_path() -> impl Strategy<Value = AttrPath<'static>> {
    let uri = prop_oneof![
        Just("urn:ietf:params:scim:schemas:core:2.0:User".to_owned()),
        Just("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".to_owned()),
        "urn:[a-z]{1,5}(:[A-Za-z0-9._-]{1,6}){0,3}(:[0-9]\\.[0-9])?",
        "https://[a-z]{1,5}\\.example/[a-z0-9/?#=&%~._-]{0,8}",
    ]
    .boxed();
    let name = (attr_name(), proptest::option::of(attr_name()))
        .prop_map(|(name, sub)| sub.map_or_else(|| name.clone(), |sub| format!("{name}.{sub}")))
        .boxed();
    let text = prop_oneof![
        6 => name.clone(),
        2 => (uri.clone(), name).prop_map(|(uri, name)| format!("{uri}:{name}")),
        1 => uri,
    ];
    text.prop_filter_map("a legal attribute path", |text| {
        AttrPath::parse(&text).ok().map(AttrPath::into_owned)
    })
}

/// Any JSON literal. Strings have every kind of character, numbers every form.
pub fn literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        1 => Just(Literal::Null),
        1 => any::<bool>().prop_map(Literal::Bool),
        2 => number(),
        2 => any::<String>().prop_map(string),
        2 => "[ -~]{0,12}".prop_map(string),
        1 => "[\u{0}-\u{24}\\\\é\u{1f600}]{0,8}".prop_map(string),
    ]
}

/// Any filter, with value paths but, as the grammar has it, none inside another.
///
/// At most a few levels deep and some dozens of terms long, and so within the default [`Limits`](crate::Limits).
pub fn filter() -> impl Strategy<Value = Filter<'static>> {
    let value_path = (attr_path(), tree(leaf(attr_path()).boxed(), 2))
        .prop_map(|(attr, filter)| Filter::ValuePath(ValuePath { attr, filter: Box::new(filter) }));
    tree(prop_oneof![4 => leaf(attr_path()), 1 => value_path].boxed(), 4)
}

/// Any PATCH path.
pub fn path() -> impl Strategy<Value = Path<'static>> {
    let filter =
        proptest::option::of((tree(leaf(attr_path()).boxed(), 2), proptest::option::of(attr_name())));
    (attr_path(), filter).prop_map(|(attr, filter)| match filter {
        None => Path::from(attr),
        Some((filter, sub)) => Path { attr, filter: Some(filter), sub: sub.map(Cow::Owned) },
    })
}

/// An attribute that generated filters may use.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its path: `userName`, `name.familyName`, and inside a [`Group`] only a sub-attribute's name.
    pub path: String,
    /// Its type, which is not complex.
    pub data_type: DataType,
    /// Texts to compare with; worth taking from the data that will be filtered. For numbers, JSON numbers.
    pub values: Vec<String>,
}

impl Field {
    /// An attribute, its type, and texts to compare with.
    pub fn new(path: &str, data_type: DataType, values: &[&str]) -> Self {
        Self { path: path.into(), data_type, values: values.iter().map(|text| (*text).to_owned()).collect() }
    }
}

/// A complex attribute that generated filters may use with `[ ]`.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its path.
    pub path: String,
    /// Its sub-attributes. At least one.
    pub fields: Vec<Field>,
}

/// Filters over given attributes: every operator that suits an attribute's type, with values of that type and `null`.
///
/// Neither list may be empty.
pub fn filter_over(fields: Vec<Field>, groups: Vec<Group>) -> impl Strategy<Value = Filter<'static>> {
    let value_path = select(groups).prop_flat_map(|Group { path, fields }| {
        let inner = tree(typed_leaf(fields).boxed(), 2);
        (attr(path), inner)
            .prop_map(|(attr, filter)| Filter::ValuePath(ValuePath { attr, filter: Box::new(filter) }))
    });
    tree(prop_oneof![3 => typed_leaf(fields), 1 => value_path].boxed(), 3)
}

/// Joins leaves by `and`, `or` and `not`.
fn tree(leaf: BoxedStrategy<Filter<'static>>, depth: u32) -> impl Strategy<Value = Filter<'static>> + Clone {
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let terms = (inner.clone(), inner.clone(), vec(inner.clone(), 0..3))
            .prop_map(|(first, second, others)| Terms::new(first, second, others));
        prop_oneof![
            2 => terms.clone().prop_map(Filter::And),
            2 => terms.prop_map(Filter::Or),
            1 => inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// A comparison or `pr`.
fn leaf(attr: impl Strategy<Value = AttrPath<'static>>) -> impl Strategy<Value = Filter<'static>> {
    let operation = proptest::option::of((select(&CompareOp::ALL), literal()));
    (attr, operation).prop_map(|(attr, operation)| match operation {
        Some((op, value)) => Filter::Compare(Comparison { attr, op, value }),
        None => Filter::Present(attr),
    })
}

/// A comparison or `pr` that suits the attribute's type.
fn typed_leaf(fields: Vec<Field>) -> impl Strategy<Value = Filter<'static>> {
    select(fields).prop_flat_map(|field| {
        let ops: Vec<_> = CompareOp::ALL
            .into_iter()
            .filter(|op| match field.data_type {
                DataType::String | DataType::Reference => true,
                DataType::Boolean | DataType::Complex => !op.is_order() && !op.is_substring(),
                DataType::Decimal | DataType::Integer | DataType::DateTime => !op.is_substring(),
                DataType::Binary => !op.is_order(),
            })
            .collect();
        let data_type = field.data_type;
        let given = select(if field.values.is_empty() { vec![String::new()] } else { field.values });
        let value = match data_type {
            DataType::Boolean | DataType::Complex => any::<bool>().prop_map(Literal::Bool).boxed(),
            DataType::Decimal | DataType::Integer => {
                prop_oneof![given.prop_map(number_literal), number()].boxed()
            }
            DataType::DateTime | DataType::Binary => given.prop_map(string).boxed(),
            // A part of a text finds more than all of it.
            DataType::String | DataType::Reference => {
                (given, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>())
                    .prop_map(|(text, from, to, upper)| {
                        let count = text.chars().count().saturating_add(1);
                        let (from, to) = (from.index(count), to.index(count));
                        let part: String =
                            if from < to { text.chars().take(to).skip(from).collect() } else { text };
                        string(if upper { part.to_uppercase() } else { part })
                    })
                    .boxed()
            }
        };
        let compare = (attr(field.path.clone()), select(ops), value)
            .prop_map(|(attr, op, value)| Filter::Compare(Comparison { attr, op, value }));
        let null = (attr(field.path.clone()), select(vec![CompareOp::Eq, CompareOp::Ne]))
            .prop_map(|(attr, op)| Filter::Compare(Comparison { attr, op, value: Literal::Null }));
        let present = attr(field.path).prop_map(Filter::Present);
        prop_oneof![8 => compare, 1 => null, 1 => present]
    })
}

/// A given attribute path.
fn attr(path: String) -> impl Strategy<Value = AttrPath<'static>> {
    Just(path).prop_filter_map("a legal attribute path", |path| {
        AttrPath::parse(&path).ok().map(AttrPath::into_owned)
    })
}

fn number() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-20_i64..20).prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
    ]
    .prop_map(number_literal)
}

fn number_literal(text: String) -> Literal<'static> {
    NumberText::new(&text).map_or(Literal::Null, |number| Literal::Number(number.into_owned()))
}

fn string(text: String) -> Literal<'static> {
    Literal::String(Cow::Owned(text))
}
