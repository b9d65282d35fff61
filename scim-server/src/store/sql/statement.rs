//! Statements that find and count.

use scim_core::message::SortOrder;
use scim_core::{Registry, TypeDefinition};
use scim_filter::{ResolvedAttr, ResolvedFilter, SortKey};

use super::super::Start;
use super::super::view::{Row, Span};
use super::dialect::Dialect;
use super::document::Shape;
use super::lower::{Lowered, Lowering, TENANT, TYPE};
use super::order::SortColumn;

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Parameter {
    /// A text.
    Text(String),
    /// A 64-bit integer.
    Integer(i64),
}

/// A statement with what is bound to it, the first to the parameter 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Statement {
    /// The SQL text.
    pub text: String,
    /// The values.
    pub parameters: Vec<Parameter>,
}

/// Makes the statements about the resources of one type of one tenant.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Statements<'a, D> {
    /// The database.
    pub dialect: D,
    /// The tenant.
    pub tenant: &'a str,
    /// The types that relations may refer to.
    pub registry: &'a Registry,
    /// The type.
    pub definition: &'a TypeDefinition,
}

/// What a page is of.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Wanted<'a> {
    /// Which resources; all without a filter.
    pub filter: Option<&'a ResolvedFilter>,
    /// What they are sorted by; without it, they come in the order of creation.
    pub sort_by: Option<&'a ResolvedAttr>,
    /// The direction of the sort.
    pub order: SortOrder,
    /// From where on.
    pub start: &'a Start,
    /// How many to skip there.
    pub skip: u64,
    /// How many at most.
    pub take: usize,
    /// Whether each row has, in its last column, how many there are from the start on.
    pub counted: bool,
}

impl Wanted<'_> {
    /// The part of the order of creation that the page is in. Beside types that are sorted by a value, what has none is
    /// all before or all after a position with a value.
    fn span_without_key(&self) -> Span {
        match self.start {
            Start::After(position) if *position.key() == SortKey::Unassigned => Span::After(position.row()),
            Start::Before(position) if *position.key() == SortKey::Unassigned => Span::Before(position.row()),
            Start::Index(_) | Start::After(_) => Span::All,
            Start::Before(_) => Span::Before(Row::MAX),
        }
    }
}

impl<D: Dialect> Statements<'_, D> {
    /// How many resources that have a search document of today's shape match a filter. `None` if SQL cannot say it.
    pub(in super::super) fn count(&self, filter: &ResolvedFilter) -> Option<Statement> {
        let (mut parameters, within) = self.within();
        let condition = self.exactly(filter, &mut parameters)?;
        let tables = self.dialect.tables();
        Some(Statement {
            text: format!("SELECT count(*) FROM {tables} WHERE {within} AND {condition}"),
            parameters,
        })
    }

    /// The numbers of the resources of a page, among those that have a search document of today's shape, and what they
    /// are sorted by if they are. A page [before](Start::Before) a position comes from its end. `None` if SQL cannot say
    /// it.
    pub(in super::super) fn page(&self, wanted: &Wanted<'_>) -> Option<(Statement, Option<SortColumn>)> {
        let (mut parameters, mut within) = self.within();
        let tables = self.dialect.tables();
        let total = if wanted.counted { ", count(*) OVER ()" } else { "" };
        if let Some(filter) = wanted.filter {
            within = format!("{within} AND {}", self.exactly(filter, &mut parameters)?);
        }
        let (column, mut text) = match wanted.sort_by {
            None => {
                let (seek, by) = self.seek(wanted.span_without_key(), &mut parameters);
                (None, format!("SELECT r.seq{total} FROM {tables} WHERE {within}{seek} ORDER BY {by}"))
            }
            Some(attr) => {
                let column = SortColumn::new(&self.dialect, self.definition, attr)?;
                let (seek, by) = column.seek(&self.dialect, wanted.start, wanted.order, &mut parameters);
                let (k, once) = (&column.expression, self.dialect.once());
                let text = format!(
                    "SELECT seq, k{total} FROM (SELECT r.seq AS seq, {k} AS k FROM {tables} WHERE {within}{once}) q \
                     WHERE {seek} ORDER BY {by}"
                );
                (Some(column), text)
            }
        };
        let take = self.integer(i64::try_from(wanted.take).unwrap_or(i64::MAX), &mut parameters);
        text = format!("{text} LIMIT {take}");
        if wanted.skip > 0 {
            let skip = self.integer(i64::try_from(wanted.skip).unwrap_or(i64::MAX), &mut parameters);
            text = format!("{text} OFFSET {skip}");
        }
        Some((Statement { text, parameters }, column))
    }

    /// The resources, with these columns of `r`, that may match a filter: those that SQL cannot exclude, and those that
    /// have no search document of today's shape. `None` if these are all.
    pub(in super::super) fn candidates(
        &self,
        columns: &str,
        filter: &ResolvedFilter,
        span: Span,
    ) -> Option<Statement> {
        let (mut parameters, within) = self.within_all();
        let shape = self.integer(Shape::of(self.definition).number(), &mut parameters);
        let Lowered { condition, .. } = self.lower(filter, &mut parameters)?;
        let (seek, by) = self.seek(span, &mut parameters);
        let (tables, kept) = (self.dialect.tables_and_misfits(&shape), self.dialect.shape());
        let text = format!(
            "SELECT {columns} FROM {tables} \
             WHERE {within}{seek} AND ({kept} IS DISTINCT FROM {shape} OR {condition}) ORDER BY {by}"
        );
        Some(Statement { text, parameters })
    }

    fn exactly(&self, filter: &ResolvedFilter, parameters: &mut Vec<Parameter>) -> Option<String> {
        self.lower(filter, parameters).filter(|lowered| lowered.exact).map(|lowered| lowered.condition)
    }

    fn lower(&self, filter: &ResolvedFilter, parameters: &mut Vec<Parameter>) -> Option<Lowered> {
        Lowering::new(&self.dialect, self.registry, self.definition, parameters).filter(filter)
    }

    /// The resources that have a search document of today's shape.
    fn within(&self) -> (Vec<Parameter>, String) {
        let (mut parameters, all) = self.within_all();
        let shape = self.integer(Shape::of(self.definition).number(), &mut parameters);
        (parameters, format!("{all} AND {} = {shape}", self.dialect.shape()))
    }

    fn within_all(&self) -> (Vec<Parameter>, String) {
        let parameters =
            vec![Parameter::Text(self.tenant.to_owned()), Parameter::Text(self.definition.name().to_owned())];
        let (tenant, name) = (self.dialect.text_parameter(TENANT), self.dialect.text_parameter(TYPE));
        (parameters, format!("r.tenant = {tenant} AND r.type = {name}"))
    }

    fn seek(&self, span: Span, parameters: &mut Vec<Parameter>) -> (String, &'static str) {
        match span {
            Span::All => (String::new(), "r.seq"),
            Span::After(row) => (format!(" AND r.seq > {}", self.integer(row, parameters)), "r.seq"),
            Span::Before(row) => (format!(" AND r.seq < {}", self.integer(row, parameters)), "r.seq DESC"),
        }
    }

    fn integer(&self, number: i64, parameters: &mut Vec<Parameter>) -> String {
        parameters.push(Parameter::Integer(number));
        self.dialect.integer_parameter(parameters.len())
    }
}
