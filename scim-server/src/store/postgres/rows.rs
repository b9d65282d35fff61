//! Reading one tenant's rows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use scim_core::{Object, ResourceId, TypeDefinition, Version};
use scim_filter::ResolvedFilter;
use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::FromSql;

use super::super::encode::Index;
use super::super::plan::IdKey;
use super::super::view::{Answer, Ask, Link, Needs, Row, Span, Stored, View, seen};
use super::super::{Record, Reference, StoreError};
use super::keys::{from_text, key};
use super::known::Holders;
use super::session::{Params, Request, Session, params};
use super::write::Writing;
use crate::context::RequestContext;

/// The rows of one tenant, as one connection sees them within a transaction.
pub(super) struct Rows<'s> {
    pub(super) session: &'s Session,
    pub(super) context: &'s RequestContext,
    /// What a transaction that writes knows besides.
    pub(super) writing: Option<Writing<'s>>,
    /// The types of which resources were met whose search documents are to be made anew.
    pub(super) outdated: RefCell<Vec<Arc<TypeDefinition>>>,
    /// The resources that were read last, which may be asked for their relations next.
    recent: RefCell<Vec<Row>>,
    /// What has been found of those.
    ahead: RefCell<HashMap<Question, Option<Vec<Link>>>>,
}

/// One resource's values of a relation, or who has it as a value of one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    row: Row,
    relation: String,
    /// The type of the resources that are looked for; `None` for values.
    source_type: Option<String>,
    limit: Option<usize>,
}

/// The columns of [`Rows::stored`], and [`MARK`].
macro_rules! select_stored {
    ($rest:literal) => {
        concat!(
            "SELECT seq, type, id, created, last_modified, version, display, document, hidden, shape ",
            "FROM scim_resources ",
            $rest
        )
    };
}
pub(super) use select_stored;

/// The columns of [`Rows::link_of`].
macro_rules! select_link {
    ($rest:literal) => {
        concat!("SELECT r.seq, r.type, r.id, r.display FROM ", $rest)
    };
}
pub(super) use select_link;

/// The values of a relation that are of one type, in the order of creation.
macro_rules! held {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM scim_relations v \
              JOIN LATERAL (SELECT seq FROM scim_resources \
               WHERE tenant = $1 AND type = $4 AND seq = v.target LIMIT 1) r ON TRUE \
             WHERE v.tenant = $1 AND v.source = $2 AND v.attribute = $3",
            $rest
        )
    };
}

/// Resources of a type from a place on, or back.
const AFTER: &str = select_stored!("WHERE tenant = $1 AND type = $2 AND seq > $3 ORDER BY seq LIMIT $4");
const BEFORE: &str =
    select_stored!("WHERE tenant = $1 AND type = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4");

/// How many resources have their relations looked up at once.
const AHEAD: usize = 127;

/// How many resources a scan has in memory at once, at first and later.
pub(super) const FEW: i64 = 64;
pub(super) const MANY: i64 = 512;

/// The number of the column that has the mark of a search document.
pub(super) const MARK: usize = 9;

impl<'s> Rows<'s> {
    /// The columns of [`Rows::stored`], of the table `r`.
    pub(super) const STORED: &'static str =
        "r.seq, r.type, r.id, r.created, r.last_modified, r.version, r.display, r.document, r.hidden";

    pub(super) fn new(session: &'s Session, context: &'s RequestContext) -> Self {
        Self {
            session,
            context,
            writing: None,
            outdated: RefCell::default(),
            recent: RefCell::default(),
            ahead: RefCell::default(),
        }
    }

    pub(super) fn tenant(&self) -> String {
        self.context.tenant.as_str().to_owned()
    }

    fn stored_rows(&self, sql: &'static str, params: Params) -> Result<Vec<Stored>, StoreError> {
        self.session.rows(sql, params)?.iter().map(|row| self.stored(row)).collect()
    }

    fn links(&self, sql: &'static str, params: Params) -> Result<Vec<Link>, StoreError> {
        self.session.rows(sql, params)?.iter().map(|row| self.link_of(row)).collect()
    }

    /// The name of a type, shared with the registry where that knows it.
    fn type_name(&self, name: &str) -> Arc<str> {
        self.context
            .registry
            .by_name(name)
            .map_or_else(|| name.into(), |known| Arc::clone(known.shared_name()))
    }

    pub(super) fn stored(&self, row: &SqlRow) -> Result<Stored, StoreError> {
        Ok(Stored {
            row: column(row, 0)?,
            record: Record {
                resource_type: self.type_name(column(row, 1)?),
                id: id(row, 2)?,
                created: time(row, 3)?,
                last_modified: time(row, 4)?,
                version: version(column(row, 5)?)?,
                document: Bytes::copy_from_slice(column(row, 7)?),
                hidden: column::<Option<&[u8]>>(row, 8)?.map(Bytes::copy_from_slice),
                related: Vec::new(),
            },
            display: display(row, 6)?,
        })
    }

    pub(super) fn link_of(&self, row: &SqlRow) -> Result<Link, StoreError> {
        let resource_type = self.type_name(column(row, 1)?);
        let reference = Reference::new(id(row, 2)?, resource_type, display(row, 3)?);
        Ok(Link { row: column(row, 0)?, reference })
    }

    /// The answer to a question, and with it the answers to the same about the other resources that were read last.
    fn related(&self, question: Question) -> Result<Option<Vec<Link>>, StoreError> {
        if self.writing.as_ref().is_some_and(|writing| writing.known.borrow().is_alone(question.row)) {
            return Ok(Some(Vec::new()));
        }
        if let Some(known) = self.ahead.borrow_mut().remove(&question) {
            return Ok(known);
        }
        let mut asked = vec![question.row];
        let recent = self.recent.borrow();
        // All values of a relation may be many, and are kept in memory of one resource at a time.
        let is_small = question.limit.is_some() || question.source_type.is_some();
        if let (Some(at), true) = (recent.iter().position(|row| *row == question.row), is_small) {
            asked.extend(recent.iter().skip(at.saturating_add(1)).take(AHEAD));
        }
        let found = self.session.exchange(vec![self.request(&question, &asked)])?;
        let mut of: HashMap<Row, Vec<SqlRow>> = HashMap::with_capacity(asked.len());
        for row in found.into_iter().flatten() {
            of.entry(column(&row, 6)?).or_default().push(row);
        }
        let mut ahead = self.ahead.borrow_mut();
        // What was not asked for until now is not going to be.
        ahead.retain(|known, _| {
            known.relation != question.relation || known.source_type != question.source_type
        });
        for row in asked {
            let links = self.links_in_order(&of.remove(&row).unwrap_or_default(), question.limit)?;
            ahead.insert(Question { row, ..question.clone() }, links);
        }
        Ok(ahead.remove(&question).flatten())
    }

    /// NB: `LATERAL` and `LIMIT 1` leave the database no way but to look each resource up by its key, even where it
    /// does not know yet how large the tables have become.
    fn request(&self, question: &Question, rows: &[Row]) -> Request {
        const TARGETS: &str = "SELECT r.seq, r.type, r.id, r.display, v.added, v.place, n.wanted \
            FROM unnest($2::BIGINT[]) AS n (wanted) \
            JOIN LATERAL (SELECT target, added, place FROM scim_relations \
             WHERE tenant = $1 AND source = n.wanted AND attribute = $3 LIMIT $4) v ON TRUE \
            JOIN LATERAL (SELECT seq, type, id, display FROM scim_resources \
             WHERE tenant = $1 AND seq = v.target LIMIT 1) r ON TRUE";
        const SOURCES: &str = "SELECT s.seq, s.type, s.id, s.display, s.added, s.place, n.wanted \
            FROM unnest($2::BIGINT[]) AS n (wanted) \
            JOIN LATERAL (SELECT r.seq, r.type, r.id, r.display, v.added, v.place FROM scim_relations v \
             JOIN LATERAL (SELECT seq, type, id, display FROM scim_resources \
              WHERE tenant = $1 AND seq = v.source LIMIT 1) r ON TRUE \
             WHERE v.tenant = $1 AND v.target = n.wanted AND v.attribute = $3 AND r.type = $5 LIMIT $4) s ON TRUE";
        let Question { relation, source_type, limit, .. } = question;
        let mut params = params![self.tenant(), rows.to_vec(), relation.clone(), most(*limit)];
        match source_type {
            None => Request::new(TARGETS, params),
            Some(name) => {
                params.extend(params![name.clone()]);
                Request::new(SOURCES, params)
            }
        }
    }

    /// Links that come with numbers to sort by in the columns after theirs; `None` if there are more than `limit`.
    ///
    /// NB: sorting is left to us, so that no more rows than the limit are read to find that there are too many.
    fn links_in_order(&self, rows: &[SqlRow], limit: Option<usize>) -> Result<Option<Vec<Link>>, StoreError> {
        if limit.is_some_and(|limit| rows.len() > limit) {
            return Ok(None);
        }
        let mut links = Vec::with_capacity(rows.len());
        for row in rows {
            links.push((column::<i64>(row, 4)?, column::<i64>(row, 5)?, self.link_of(row)?));
        }
        links.sort_unstable_by_key(|(added, place, _)| (*added, *place));
        Ok(Some(links.into_iter().map(|(_, _, link)| link).collect()))
    }

    /// Resources that may be asked for their relations next.
    pub(super) fn remember(&self, stored: Vec<Stored>) -> Vec<Stored> {
        *self.recent.borrow_mut() = stored.iter().map(|stored| stored.row).collect();
        stored
    }
}

impl View for Rows<'_> {
    const SEARCHES: bool = true;

    fn find(&self, id: &ResourceId) -> Result<Option<Stored>, StoreError> {
        const SQL: &str = select_stored!("WHERE tenant = $1 AND id = $2");
        if let Some(locked) = self.writing.as_ref().and_then(|writing| writing.known.borrow().find(id)) {
            return Ok(locked);
        }
        Ok(self.stored_rows(SQL, params![self.tenant(), id.to_string()])?.pop())
    }

    fn link(&self, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        const SQL: &str = select_link!("scim_resources r WHERE r.tenant = $1 AND r.id = $2");
        if let Some(writing) = &self.writing {
            return writing.known.borrow_mut().link(self, id);
        }
        Ok(self.links(SQL, params![self.tenant(), id.to_string()])?.pop())
    }

    fn links_by_key(&self, id: &IdKey) -> Result<Vec<Link>, StoreError> {
        const SAME: &str = select_link!("scim_resources r WHERE r.tenant = $1 AND r.id = $2");
        const FOLDED: &str = select_link!("scim_resources r WHERE r.tenant = $1 AND r.folded_id = $2");
        let mut requests = vec![Request::new(SAME, params![self.tenant(), key(&id.key)])];
        if !id.exact {
            requests.push(Request::new(FOLDED, params![self.tenant(), key(&id.key)]));
        }
        let answers = self.session.exchange(requests)?;
        answers.iter().flatten().map(|row| self.link_of(row)).collect()
    }

    fn row(&self, row: Row) -> Result<Option<Stored>, StoreError> {
        const SQL: &str = select_stored!("WHERE tenant = $1 AND seq = $2");
        Ok(self.stored_rows(SQL, params![self.tenant(), row])?.pop())
    }

    fn rows(&self, rows: &[Row]) -> Result<Vec<Stored>, StoreError> {
        const SQL: &str = "SELECT r.seq, r.type, r.id, r.created, r.last_modified, r.version, r.display, \
            r.document, r.hidden FROM unnest($2::BIGINT[]) AS n (wanted) \
            JOIN LATERAL (SELECT seq, type, id, created, last_modified, version, display, document, hidden \
             FROM scim_resources WHERE tenant = $1 AND seq = n.wanted LIMIT 1) r ON TRUE";
        let mut found = match rows {
            [] => Vec::new(),
            [row] => self.row(*row)?.into_iter().collect(),
            _ => self.stored_rows(SQL, params![self.tenant(), rows.to_vec()])?,
        };
        let place: HashMap<Row, usize> = rows.iter().enumerate().map(|(place, row)| (*row, place)).collect();
        found.sort_unstable_by_key(|stored| place.get(&stored.row).copied());
        Ok(self.remember(found))
    }

    fn count(&self, type_name: &Arc<str>) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM scim_counts \
            WHERE tenant = $1 AND type = $2";
        let rows = self.session.rows(SQL, params![self.tenant(), type_name.to_string()])?;
        let count: i64 = rows.first().map_or(Ok(0), |row| column(row, 0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn page(
        &self,
        types: &[Arc<str>],
        span: Span,
        skip: u64,
        take: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        let (within, order, place) = bounds(span);
        let (skip, take) = (i64::try_from(skip).unwrap_or(i64::MAX), i64::try_from(take).unwrap_or(i64::MAX));
        if let ([name], 0) = (types, skip) {
            let sql = if matches!(span, Span::Before(_)) { BEFORE } else { AFTER };
            let found = self.stored_rows(sql, params![self.tenant(), name.to_string(), place, take])?;
            return Ok(self.remember(found));
        }
        // One part for each type, which the index by type yields in order, no more of each than the page may need.
        let parts: Vec<String> = (0..types.len())
            .map(|n| {
                format!(
                    "(SELECT seq FROM scim_resources WHERE tenant = $1 AND type = ${} AND seq {within} $2 \
                     ORDER BY seq{order} LIMIT $3)",
                    n.saturating_add(6)
                )
            })
            .collect();
        let sql = format!(
            "SELECT seq FROM ({}) AS page ORDER BY seq{order} LIMIT $4 OFFSET $5",
            parts.join(" UNION ALL ")
        );
        let mut params = params![self.tenant(), place, skip.saturating_add(take), take, skip];
        for name in types {
            params.extend(params![name.to_string()]);
        }
        let rows = self.session.rows(sql, params)?;
        let numbers: Vec<Row> = rows.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
        self.rows(&numbers)
    }

    /// In portions: each begins where the last one ended, in the one state that the transaction sees.
    fn scan(
        &self,
        type_name: &Arc<str>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let sql = if matches!(span, Span::Before(_)) { BEFORE } else { AFTER };
        let (_, _, mut place) = bounds(span);
        let mut portion = FEW;
        loop {
            let params = params![self.tenant(), type_name.to_string(), place, portion];
            let found = self.remember(self.stored_rows(sql, params)?);
            let is_last = i64::try_from(found.len()).is_ok_and(|found| found < portion);
            for stored in found {
                place = stored.row;
                if visit(stored)?.is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
            portion = MANY;
        }
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Option<Answer>, StoreError> {
        self.answer_by_search(ask)
    }

    fn scan_unanswered(
        &self,
        definition: &Arc<TypeDefinition>,
        span: Span,
        visit: &mut dyn FnMut(Stored) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.scan_unsearchable(definition, span, visit)
    }

    fn scan_seen(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        filter: Option<&ResolvedFilter>,
        span: Span,
        needs: &Needs<'_>,
        visit: &mut dyn FnMut(Row, Object) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut visit = |stored: Stored| visit(stored.row, seen(self, context, definition, &stored, needs)?);
        if let Some(filter) = filter
            && self.scan_candidates(definition, filter, span, &mut visit)?
        {
            return Ok(());
        }
        self.scan(definition.shared_name(), span, &mut visit)
    }

    fn indexed(
        &self,
        index: Index,
        type_name: &Arc<str>,
        attribute: &str,
        value: &str,
    ) -> Result<Vec<Row>, StoreError> {
        const UNIQUE: &str = "SELECT resource FROM scim_unique_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4";
        const SHARED: &str = "SELECT resource FROM scim_shared_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4";
        let sql = match index {
            Index::Unique => UNIQUE,
            Index::Shared => SHARED,
        };
        let params = params![self.tenant(), type_name.to_string(), key(attribute), key(value)];
        self.session.rows(sql, params)?.iter().map(|row| column(row, 0)).collect()
    }

    fn refers(&self, source: Row, relation: &str, target: Row) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT 1 FROM scim_relations \
            WHERE tenant = $1 AND source = $2 AND attribute = $3 AND target = $4";
        if let Some(writing) = &self.writing {
            return writing.known.borrow_mut().refers(self, source, relation, target);
        }
        let params = params![self.tenant(), source, relation.to_owned(), target];
        Ok(!self.session.rows(SQL, params)?.is_empty())
    }

    fn targets(
        &self,
        source: Row,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        self.related(Question { row: source, relation: relation.to_owned(), source_type: None, limit })
    }

    fn sources(
        &self,
        target: Row,
        source_type: &str,
        relation: &str,
        limit: Option<usize>,
    ) -> Result<Option<Vec<Link>>, StoreError> {
        let source_type = Some(source_type.to_owned());
        self.related(Question { row: target, relation: relation.to_owned(), source_type, limit })
    }

    fn held(
        &self,
        source: Row,
        relation: &str,
        target_type: &str,
        span: Span,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        const AFTER: &str = held!("SELECT v.target", " AND v.target > $5 ORDER BY v.target LIMIT $6");
        const BEFORE: &str = held!("SELECT v.target", " AND v.target < $5 ORDER BY v.target DESC LIMIT $6");
        let (_, _, place) = bounds(span);
        let sql = if matches!(span, Span::Before(_)) { BEFORE } else { AFTER };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut params = params![self.tenant(), source, relation.to_owned(), target_type.to_owned()];
        params.extend(params![place, most]);
        self.session.rows(sql, params)?.iter().map(|row| column(row, 0)).collect()
    }

    fn count_held(&self, source: Row, relation: &str, target_type: &str) -> Result<u64, StoreError> {
        const SQL: &str = held!("SELECT COUNT(*)", "");
        let params = params![self.tenant(), source, relation.to_owned(), target_type.to_owned()];
        let rows = self.session.rows(SQL, params)?;
        let count: i64 = rows.first().map_or(Ok(0), |row| column(row, 0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn holders(&self, target: Row) -> Result<Vec<Stored>, StoreError> {
        const SQL: &str =
            "SELECT DISTINCT source FROM scim_relations WHERE tenant = $1 AND target = $2 ORDER BY source";
        const LOCK: &str = select_stored!("WHERE tenant = $1 AND seq = $2 FOR NO KEY UPDATE");
        let Some(writing) = &self.writing else {
            let answer = self.session.rows(SQL, params![self.tenant(), target])?;
            let rows: Vec<Row> = answer.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
            return self.rows(&rows);
        };
        let Holders { known: mut holders, unknown } = writing.known.borrow().holders(target);
        if !unknown.is_empty() {
            let lock = |row| Request::new(LOCK, params![self.tenant(), row]);
            let answers = self.session.exchange(unknown.into_iter().map(lock).collect())?;
            for row in answers.iter().flatten() {
                holders.push(self.stored(row)?);
            }
        }
        Ok(holders)
    }
}

/// How the numbers in a span compare with its end, their order from there, and the end.
fn bounds(span: Span) -> (&'static str, &'static str, Row) {
    match span {
        Span::All => (">", "", Row::MIN),
        Span::After(row) => (">", "", row),
        Span::Before(row) => ("<", " DESC", row),
    }
}

/// One row more than the limit shows that there are more.
fn most(limit: Option<usize>) -> i64 {
    limit.and_then(|limit| i64::try_from(limit).ok()).map_or(i64::MAX, |limit| limit.saturating_add(1))
}

pub(super) fn column<'r, T: FromSql<'r>>(row: &'r SqlRow, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(StoreError::internal)
}

pub(super) fn version(number: i64) -> Result<Version, StoreError> {
    u64::try_from(number).map(Version::new).map_err(StoreError::internal)
}

fn id(row: &SqlRow, at: usize) -> Result<ResourceId, StoreError> {
    column::<&str>(row, at)?.parse().map_err(StoreError::internal)
}

fn time(row: &SqlRow, at: usize) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(column(row, at)?)
        .ok_or_else(|| StoreError::internal("a time past all bounds"))
}

fn display(row: &SqlRow, at: usize) -> Result<Option<Arc<str>>, StoreError> {
    Ok(column::<Option<&str>>(row, at)?.map(|kept| from_text(kept).into()))
}
