//! Writing what a change comes to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use scim_core::{TypeDefinition, Version, excerpt};
use scim_filter::{CaseRule, comparison_key};

use super::super::change::{Ahead, Creation, Mutation, RelationDiff, Removal};
use super::super::encode::{Key, Keys};
use super::super::perform::{Transaction, perform};
use super::super::sql::SearchDocument;
use super::super::view::{Row, Stored};
use super::super::{Outcome, Record, StoreError, Write};
use super::keys::{key, text};
use super::known::{BATCH, KeptKeys, Known};
use super::rows::{Rows, version};
use super::session::{Params, Request, Session, params};
use crate::context::RequestContext;

/// By how much transactions have changed the numbers of resources of types, by the marks of their search documents.
pub(super) type Counts = BTreeMap<(String, i64), i64>;

/// Adds to a number.
pub(super) fn add(counts: &mut Counts, type_name: &str, mark: i64, more: i64) {
    let count = counts.entry((type_name.to_owned(), mark)).or_default();
    *count = count.saturating_add(more);
}

/// What is kept of the one write that is carried out.
pub(super) struct Writing<'s> {
    /// What the transaction knows.
    pub(super) known: &'s RefCell<Known>,
    version: Version,
    /// How many values of relations have been added.
    places: Cell<i64>,
    counts: RefCell<Counts>,
}

/// Carries out one write of the transaction that a session has begun, but for what is left for later in it.
pub(super) fn carry_out(
    session: &Session,
    context: &RequestContext,
    known: &RefCell<Known>,
    write: &mut Write,
    counts: &mut Counts,
) -> Result<Outcome, StoreError> {
    let version = version(known.borrow_mut().number()?)?;
    let mut rows = Rows::new(session, context);
    rows.writing = Some(Writing { known, version, places: Cell::new(0), counts: RefCell::default() });
    let outcome = perform(&mut rows, context, version, write, Ahead::Nothing)?;
    for ((name, mark), more) in rows.writing.into_iter().flat_map(|writing| writing.counts.into_inner()) {
        add(counts, &name, mark, more);
    }
    Ok(outcome)
}

/// Adds to the numbers of resources, when nothing else is left to be done: whoever else adds to the same slot waits
/// until the transaction has ended.
pub(super) fn count(session: &Session, context: &RequestContext, counts: Counts, slot: i64) {
    // NB: the slot goes as BIGINT, as that is what INTEGER is to CockroachDB.
    const SQL: &str = "INSERT INTO scim_counts (tenant, type, shape, slot, count) \
        VALUES ($1, $2, $3, CAST($4 AS BIGINT), $5) \
        ON CONFLICT (tenant, type, shape, slot) DO UPDATE SET count = scim_counts.count + EXCLUDED.count";
    for ((name, mark), more) in counts {
        if more != 0 {
            let tenant = context.tenant.as_str().to_owned();
            session.change(Request::new(SQL, params![tenant, name, mark, slot, more]));
        }
    }
}

impl Writing<'_> {
    fn next_place(&self) -> i64 {
        let place = self.places.get();
        self.places.set(place.saturating_add(1));
        place
    }

    fn count(&self, type_name: &str, mark: i64, more: i64) {
        add(&mut self.counts.borrow_mut(), type_name, mark, more);
    }
}

impl Transaction for Rows<'_> {
    /// Nothing: whatever cannot be kept shows when it is, and the transaction or savepoint is rolled back.
    fn check_new(&self, _: &[Creation]) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError> {
        const UPDATE: &str = "UPDATE scim_resources \
            SET last_modified = $3, version = $4, display = $5, document = $6, hidden = $7, shape = $8, \
            search = CAST($9::TEXT AS JSONB) WHERE tenant = $1 AND seq = $2";
        let Mutation { row, record, display, keys, relations } = mutation;
        let is_new = row.is_none();
        let search = keys.as_ref().and_then(|keys| keys.search.as_ref());
        let mark = search.map_or(0, SearchDocument::mark);
        let json = search.and_then(|search| search.json.clone());
        let row = match row {
            None => self.insert(definition, &record, display.as_deref(), mark, json)?,
            Some(row) if keys.is_some() => {
                let params = params![
                    self.tenant(),
                    row,
                    record.last_modified.timestamp_millis(),
                    number(record.version)?,
                    display.as_deref().map(|name| text(name).into_owned()),
                    record.document.to_vec(),
                    record.hidden.as_deref().map(<[u8]>::to_vec),
                    mark,
                    json,
                ];
                self.session.change(Request::new(UPDATE, params));
                let writing = self.writing()?;
                let before = writing.known.borrow_mut().keep_mark(row, mark);
                let before =
                    before.ok_or_else(|| StoreError::internal("a resource is changed that is not locked"))?;
                if before != mark {
                    writing.count(definition.name(), before, -1);
                    writing.count(definition.name(), mark, 1);
                }
                row
            }
            Some(row) => {
                self.touch(row, record.last_modified.timestamp_millis(), record.version)?;
                row
            }
        };
        if let Some(keys) = keys {
            self.index(definition, row, keys, is_new)?;
        }
        let stored = Stored { row, record, display };
        self.writing()?.known.borrow_mut().keep(&stored, is_new);
        for diff in relations {
            self.relate(row, &diff)?;
        }
        Ok(stored)
    }

    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError> {
        const DELETE: &str = "DELETE FROM scim_relations \
            WHERE tenant = $1 AND source = $2 AND attribute = $3 AND target = $4";
        // NB: Citus carries this out on the machine that has the row, and what a query yields in two phases.
        const INSERT: &str = "INSERT INTO scim_relations (tenant, source, attribute, target, added, place) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        const INSERT_MANY: &str = "INSERT INTO scim_relations (tenant, source, attribute, target, added, place) \
            SELECT $1::TEXT, $2::BIGINT, $3::TEXT, n.target, $4::BIGINT, n.place \
            FROM unnest($5::BIGINT[], $6::BIGINT[]) AS n (target, place)";
        let writing = self.writing()?;
        let attribute = diff.attribute.to_string();
        for part in diff.removed.chunks(BATCH) {
            for target in part {
                let params = params![self.tenant(), source, attribute.clone(), *target];
                self.session.change(Request::new(DELETE, params));
            }
            if part.len() == BATCH {
                self.session.flush()?;
            }
        }
        let added = number(writing.version)?;
        for part in diff.added.chunks(BATCH) {
            let mut params = params![self.tenant(), source, attribute.clone()];
            let sql = if let [target] = part {
                params.extend(params![*target, added, writing.next_place()]);
                INSERT
            } else {
                let places: Vec<i64> = part.iter().map(|_| writing.next_place()).collect();
                params.extend(params![added, part.to_vec(), places]);
                INSERT_MANY
            };
            self.session.change(Request::new(sql, params));
        }
        writing.known.borrow_mut().relate(source, diff);
        Ok(())
    }

    /// Deletes a resource; its values and those that refer to it go with it.
    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM scim_resources WHERE tenant = $1 AND seq = $2";
        for (holder, last_modified) in &removal.holders {
            self.touch(*holder, last_modified.timestamp_millis(), version)?;
            self.writing()?.known.borrow_mut().touch(*holder, *last_modified, version);
        }
        self.session.change(Request::new(SQL, params![self.tenant(), removal.row]));
        let writing = self.writing()?;
        if let Some((removed, mark)) = writing.known.borrow_mut().remove(removal.row) {
            writing.count(&removed.record.resource_type, mark, -1);
        }
        Ok(())
    }
}

impl Rows<'_> {
    fn writing(&self) -> Result<&Writing<'_>, StoreError> {
        self.writing.as_ref().ok_or_else(|| StoreError::internal("a write in a transaction that reads"))
    }

    fn insert(
        &self,
        definition: &TypeDefinition,
        record: &Record,
        display: Option<&str>,
        mark: i64,
        json: Option<String>,
    ) -> Result<Row, StoreError> {
        const SQL: &str = "INSERT INTO scim_resources (tenant, seq, type, id, folded_id, created, last_modified, version, \
            display, document, hidden, shape, search) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, CAST($13::TEXT AS JSONB))";
        let writing = self.writing()?;
        let row = writing.known.borrow_mut().number()?;
        let id = record.id.as_str();
        let folded = comparison_key(id, CaseRule::Fold);
        let params = params![
            self.tenant(),
            row,
            definition.name().to_owned(),
            id.to_owned(),
            (folded != id).then(|| key(&folded)),
            record.created.timestamp_millis(),
            record.last_modified.timestamp_millis(),
            number(record.version)?,
            display.map(|name| text(name).into_owned()),
            record.document.to_vec(),
            record.hidden.as_deref().map(<[u8]>::to_vec),
            mark,
            json,
        ];
        let taken = taken(definition, "id", excerpt(id));
        self.session.change(Request::new(SQL, params).or_taken(taken));
        writing.known.borrow_mut().keep_mark(row, mark);
        writing.count(definition.name(), mark, 1);
        Ok(row)
    }

    fn touch(&self, row: Row, last_modified: i64, version: Version) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE scim_resources SET last_modified = $3, version = $4 \
            WHERE tenant = $1 AND seq = $2";
        let params = params![self.tenant(), row, last_modified, number(version)?];
        self.session.change(Request::new(SQL, params));
        Ok(())
    }

    /// Puts keys in the place of those that a resource has; what stays is not written.
    fn index(
        &self,
        definition: &TypeDefinition,
        row: Row,
        keys: Keys,
        is_new: bool,
    ) -> Result<(), StoreError> {
        const DROP_UNIQUE: &str = "DELETE FROM scim_unique_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4 AND resource = $5";
        const DROP_SHARED: &str = "DELETE FROM scim_shared_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4 AND resource = $5";
        const ADD_UNIQUE: &str = "INSERT INTO scim_unique_values (tenant, type, attribute, value, resource) \
            VALUES ($1, $2, $3, $4, $5)";
        const ADD_SHARED: &str = "INSERT INTO scim_shared_values (tenant, type, attribute, value, resource) \
            VALUES ($1, $2, $3, $4, $5)";
        let known = self.writing()?.known;
        let before = if is_new { KeptKeys::default() } else { known.borrow_mut().keys(self, row)? };
        let KeptKeys { mut unique, mut shared } = before;
        let after = KeptKeys {
            unique: keys.unique.iter().map(|new| kept(&new.key)).collect(),
            shared: keys.shared.iter().map(kept).collect(),
        };
        known.borrow_mut().keep_keys(row, after);
        // In one order everywhere, so that two who want the same values wait for each other, not both.
        let mut new_unique: Vec<_> = keys.unique.into_iter().map(|new| (kept(&new.key), new)).collect();
        new_unique.retain(|(kept, _)| !unique.remove(kept));
        new_unique.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut new_shared: Vec<_> = keys.shared.iter().map(kept).collect();
        new_shared.retain(|kept| !shared.remove(kept));
        let values = |(attribute, value): (String, String)| -> Params {
            params![self.tenant(), definition.name().to_owned(), attribute, value, row]
        };
        for (sql, dropped) in [(DROP_UNIQUE, unique), (DROP_SHARED, shared)] {
            for kept in dropped {
                self.session.change(Request::new(sql, values(kept)));
            }
        }
        for (kept, new) in new_unique {
            let taken = taken(definition, &new.key.attribute, new.shown);
            self.session.change(Request::new(ADD_UNIQUE, values(kept)).or_taken(taken));
        }
        for kept in new_shared {
            self.session.change(Request::new(ADD_SHARED, values(kept)));
        }
        Ok(())
    }
}

/// A key as the tables have it.
fn kept(of: &Key) -> (String, String) {
    (key(&of.attribute), key(&of.value))
}

fn number(version: Version) -> Result<i64, StoreError> {
    i64::try_from(version.number()).map_err(StoreError::internal)
}

fn taken(definition: &TypeDefinition, attribute: &str, value: String) -> StoreError {
    StoreError::Uniqueness {
        resource_type: definition.name().to_owned(),
        attribute: attribute.to_owned(),
        value,
    }
}
