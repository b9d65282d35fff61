//! Orders in SQL.

use scim_core::TypeDefinition;
use scim_core::message::SortOrder;
use scim_filter::{DataType, ResolvedAttr, SortKey};

use super::super::{Position, Start};
use super::dialect::{Column, Dialect, Step};
use super::lower::{find, id_column, is_kept};
use super::statement::Parameter;
use super::value::{FALSE, TRUE, instant_key, instant_of, number_key, number_of};

/// What resources are sorted by, as an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct SortColumn {
    /// A text or an integer; `NULL` for what has no value.
    pub expression: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The key of a value of this type.
    Key(DataType),
    /// Milliseconds since 1970.
    Millis,
}

/// What a page begins or ends at, seen from what is sorted by a column.
enum Seen {
    /// At a key.
    At(Parameter),
    /// At what has none.
    Unassigned,
    /// Before all keys.
    Below,
    /// After all keys, before what has none.
    Above,
}

impl SortColumn {
    /// `None` if what resources are sorted by is nothing that SQL sees.
    pub(in super::super) fn new(
        dialect: &impl Dialect,
        definition: &TypeDefinition,
        attr: &ResolvedAttr,
    ) -> Option<Self> {
        let is_base = attr.extension().is_none();
        if is_base && definition.is_kept_apart(attr.name()) {
            return None;
        }
        let (text, kind) = match (attr.name(), attr.sub()) {
            ("id", None) if is_base => (id_column("r", attr.case_rule())?, Kind::Key(DataType::String)),
            ("meta", sub) if is_base => {
                let column = match sub? {
                    "created" => Column::Created,
                    "lastModified" => Column::LastModified,
                    _ => return None,
                };
                return Some(Self { expression: dialect.column(column).to_owned(), kind: Kind::Millis });
            }
            _ => {
                if !is_kept(attr.data_type()) {
                    return None;
                }
                let (names, chain) = find(definition, attr)?;
                let prefix = names.len().saturating_sub(1);
                let mut path: Vec<Step<'_>> = names.into_iter().take(prefix).collect();
                for attribute in chain {
                    path.push(Step::Name(attribute.name()));
                    if attribute.is_multi_valued() {
                        path.push(Step::First);
                    }
                }
                (dialect.text_member(dialect.search_document(), &path), Kind::Key(attr.data_type()))
            }
        };
        let text = match kind {
            // A position has no more of it.
            Kind::Key(DataType::String | DataType::Reference) => {
                format!("substr({text}, 1, {})", Position::KEY_LENGTH)
            }
            _ => text,
        };
        Some(Self { expression: dialect.by_code_points(&text), kind })
    }

    /// Whether the column has integers, not texts.
    pub(in super::super) fn is_integer(&self) -> bool {
        self.kind == Kind::Millis
    }

    /// What a text of the column stands for.
    pub(in super::super) fn key_of_text(&self, text: Option<&str>) -> SortKey {
        let Some(text) = text else { return SortKey::Unassigned };
        match self.kind {
            Kind::Key(DataType::Boolean) => SortKey::Bool(text == TRUE),
            Kind::Key(DataType::Integer | DataType::Decimal) => {
                number_of(text).map_or(SortKey::Unassigned, SortKey::Number)
            }
            Kind::Key(DataType::DateTime) => instant_of(text).map_or(SortKey::Unassigned, SortKey::Instant),
            Kind::Key(_) | Kind::Millis => SortKey::Text(text.to_owned()),
        }
    }

    /// What an integer of the column stands for.
    pub(in super::super) fn key_of_integer(&self, number: i64) -> SortKey {
        chrono::DateTime::from_timestamp_millis(number).map_or(SortKey::Unassigned, SortKey::Instant)
    }

    fn see(&self, key: &SortKey) -> Seen {
        let kind = match self.kind {
            Kind::Key(DataType::Boolean) => 0,
            Kind::Key(DataType::Integer | DataType::Decimal) => 1,
            Kind::Key(DataType::DateTime) | Kind::Millis => 2,
            Kind::Key(_) => 3,
        };
        let (other, parameter) = match key {
            SortKey::Bool(value) => (0, Parameter::Text(if *value { TRUE } else { FALSE }.to_owned())),
            SortKey::Number(number) => (1, Parameter::Text(number_key(number.as_str()).0)),
            SortKey::Instant(instant) if self.kind == Kind::Millis => {
                (2, Parameter::Integer(instant.timestamp_millis()))
            }
            SortKey::Instant(instant) => (2, Parameter::Text(instant_key(*instant))),
            SortKey::Text(text) => (3, Parameter::Text(text.clone())),
            SortKey::Unassigned => return Seen::Unassigned,
        };
        match other.cmp(&kind) {
            std::cmp::Ordering::Less => Seen::Below,
            std::cmp::Ordering::Equal => Seen::At(parameter),
            std::cmp::Ordering::Greater => Seen::Above,
        }
    }

    /// The condition for what is on the side of a position that the page is on, where `k` is the column and `seq` the
    /// number of the resource; and what to sort by from there on.
    pub(in super::super) fn seek(
        &self,
        dialect: &impl Dialect,
        start: &Start,
        order: SortOrder,
        parameters: &mut Vec<Parameter>,
    ) -> (String, &'static str) {
        let ascending = matches!(order, SortOrder::Ascending);
        let (position, forth) = match start {
            Start::Index(_) => (None, true),
            Start::After(position) => (Some(position), true),
            Start::Before(position) => (Some(position), false),
        };
        // Among equal keys what was created first comes first, whatever the order.
        let by = match (ascending, forth) {
            (true, true) => "k ASC NULLS LAST, seq ASC",
            (true, false) => "k DESC NULLS FIRST, seq DESC",
            (false, true) => "k DESC NULLS FIRST, seq ASC",
            (false, false) => "k ASC NULLS LAST, seq DESC",
        };
        let Some(position) = position else { return ("TRUE".to_owned(), by) };
        // Whether greater keys are on the side that is wanted.
        let greater = ascending == forth;
        let beyond = if forth { ">" } else { "<" };
        let row = |parameters: &mut Vec<Parameter>| {
            parameters.push(Parameter::Integer(position.row()));
            dialect.integer_parameter(parameters.len())
        };
        let condition = match (self.see(position.key()), greater) {
            (Seen::At(key), _) => {
                let is_integer = matches!(key, Parameter::Integer(_));
                parameters.push(key);
                let key = if is_integer {
                    dialect.integer_parameter(parameters.len())
                } else {
                    dialect.text_parameter(parameters.len())
                };
                let row = row(parameters);
                let (operator, unassigned) = if greater { (">", " OR k IS NULL") } else { ("<", "") };
                format!("(k {operator} {key} OR (k = {key} AND seq {beyond} {row}){unassigned})")
            }
            (Seen::Unassigned, true) => format!("(k IS NULL AND seq {beyond} {})", row(parameters)),
            (Seen::Unassigned, false) => format!("(k IS NOT NULL OR seq {beyond} {})", row(parameters)),
            (Seen::Below, true) => "TRUE".to_owned(),
            (Seen::Below, false) => "FALSE".to_owned(),
            (Seen::Above, true) => "k IS NULL".to_owned(),
            (Seen::Above, false) => "k IS NOT NULL".to_owned(),
        };
        (condition, by)
    }
}
