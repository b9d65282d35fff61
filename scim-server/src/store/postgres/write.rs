//! Writing what a change comes to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use scim_core::patch::RelationAction;
use scim_core::{ResourceId, TypeDefinition, Version, excerpt};
use scim_filter::{CaseRule, comparison_key};

use super::super::change::{Creation, Mutation, RelationDiff, Removal};
use super::super::encode::{Key, Keys};
use super::super::perform::{Transaction, perform};
use super::super::view::{Link, Row, Stored};
use super::super::{Outcome, Record, StoreError, Write};
use super::keys::{key, text};
use super::rows::{Rows, column, select_link, select_stored, version};
use super::session::{Params, Request, Session, params};
use crate::context::RequestContext;

/// How many ids are looked up at once.
const BATCH: usize = 1_000;

/// By how much transactions have changed the numbers of resources of types.
pub(super) type Counts = BTreeMap<String, i64>;

/// What a transaction knows of the one write that it carries out.
pub(super) struct Writing {
    /// The resource that is written, as it was when it was locked.
    locked: Option<(ResourceId, Option<Stored>)>,
    /// Numbers for new resources.
    numbers: RefCell<VecDeque<i64>>,
    version: Version,
    /// The ids that the write refers to.
    mentioned: Vec<ResourceId>,
    links: RefCell<HashMap<ResourceId, Option<Link>>>,
    /// The relations that have been looked at, with what of `known` they have.
    relations: RefCell<HashMap<(Row, String), Looked>>,
    /// How many values of relations have been added.
    places: Cell<i64>,
    counts: RefCell<Counts>,
}

/// Which values of a relation have been looked for, and which of them are there.
#[derive(Default)]
struct Looked {
    at: HashSet<Row>,
    there: HashSet<Row>,
}

/// Carries out one write of the transaction that a session has begun, but for what is left for later in it.
pub(super) fn carry_out(
    session: &Session,
    context: &RequestContext,
    write: &mut Write,
    counts: &mut Counts,
) -> Result<Outcome, StoreError> {
    let mut rows = Rows::begin(session, context, write)?;
    let version = rows.writing.as_ref().map(|writing| writing.version);
    let version = version.ok_or_else(|| StoreError::internal("a write without a version"))?;
    let outcome = perform(&mut rows, context, version, write)?;
    for (name, more) in rows.writing.into_iter().flat_map(|writing| writing.counts.into_inner()) {
        let count = counts.entry(name).or_default();
        *count = count.saturating_add(more);
    }
    Ok(outcome)
}

/// Adds to the numbers of resources, when nothing else is left to be done: whoever else adds to the same slot waits
/// until the transaction has ended.
pub(super) fn count(session: &Session, context: &RequestContext, counts: Counts, slot: i32) {
    const SQL: &str = "INSERT INTO scim_counts (tenant, type, slot, count) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (tenant, type, slot) DO UPDATE SET count = scim_counts.count + EXCLUDED.count";
    for (name, more) in counts {
        if more != 0 {
            let tenant = context.tenant.as_str().to_owned();
            session.change(Request::new(SQL, params![tenant, name, slot, more]));
        }
    }
}

impl<'s> Rows<'s> {
    /// Locks what a write changes and gets what it needs to know, all at once.
    ///
    /// The lock comes before the version, so that a later version of a resource is a greater one.
    fn begin(session: &'s Session, context: &'s RequestContext, write: &Write) -> Result<Self, StoreError> {
        const LOCK: &str = select_stored!("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE");
        const LOCK_TO_DELETE: &str = select_stored!("WHERE tenant = $1 AND id = $2 FOR UPDATE");
        const HOLDERS: &str = "SELECT DISTINCT source FROM scim_relations WHERE tenant = $1 AND target = \
            (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = $2) ORDER BY source";
        const LOCK_HOLDER: &str =
            "SELECT 1 FROM scim_resources WHERE tenant = $1 AND seq = $2 FOR NO KEY UPDATE";
        const NUMBERS: &str = "SELECT nextval('scim_numbers') FROM generate_series(1, $1::BIGINT)";
        let mut rows = Self::new(session, context);
        let locks = |sql, id: &ResourceId| Request::new(sql, params![rows.tenant(), id.to_string()]);
        let mut requests = Vec::new();
        let (locked, new) = match write {
            Write::Create { new, .. } => (None, new.len()),
            Write::Replace { target, .. } | Write::Apply { target, .. } => {
                requests.push(locks(LOCK, &target.id));
                (Some(&target.id), 0)
            }
            Write::Delete { target } => {
                // Those that refer to it first: whoever adds a value to a relation locks in this order too.
                for row in session.rows(HOLDERS, params![rows.tenant(), target.id.to_string()])? {
                    let holder: Row = column(&row, 0)?;
                    session.later(Request::new(LOCK_HOLDER, params![rows.tenant(), holder]));
                }
                requests.push(locks(LOCK_TO_DELETE, &target.id));
                (Some(&target.id), 0)
            }
        };
        let numbers = i64::try_from(new).unwrap_or(i64::MAX).saturating_add(1);
        requests.push(Request::new(NUMBERS, params![numbers]));
        let mentioned = mentioned(write);
        let eager = (mentioned.len() <= BATCH).then(|| mentioned.clone()).filter(|ids| !ids.is_empty());
        if let Some(ids) = &eager {
            requests.push(links_request(&rows, ids));
        }
        let mut answers = session.exchange(requests)?.into_iter();
        let found = match locked {
            None => None,
            Some(id) => {
                let stored = answers.next().unwrap_or_default();
                Some((id.clone(), stored.first().map(|row| rows.stored(row)).transpose()?))
            }
        };
        let mut numbers: VecDeque<i64> =
            answers.next().unwrap_or_default().iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
        let number = numbers.pop_front().ok_or_else(|| StoreError::internal("no number for a version"))?;
        let mut links = HashMap::new();
        if let (Some(ids), Some(answer)) = (eager, answers.next()) {
            add_links(&rows, &mut links, ids, &answer)?;
        }
        rows.writing = Some(Writing {
            locked: found,
            numbers: RefCell::new(numbers),
            version: version(number)?,
            mentioned,
            links: RefCell::new(links),
            relations: RefCell::default(),
            places: Cell::new(0),
            counts: RefCell::default(),
        });
        Ok(rows)
    }
}

/// The ids that a write refers to, those of what it creates among them, in order and each once.
fn mentioned(write: &Write) -> Vec<ResourceId> {
    let mut ids: Vec<&ResourceId> = Vec::new();
    match write {
        Write::Create { new, .. } => {
            for (_, new) in new {
                ids.push(&new.id);
                ids.extend(new.relations.iter().flat_map(|values| &values.targets));
            }
        }
        Write::Replace { replacement, .. } => {
            ids.extend(replacement.relations.iter().flat_map(|values| &values.targets));
        }
        Write::Apply { changes, .. } => {
            for change in &changes.relations {
                if let RelationAction::Add(more)
                | RelationAction::Remove(more)
                | RelationAction::Replace(more) = &change.action
                {
                    ids.extend(more);
                }
            }
        }
        Write::Delete { .. } => {}
    }
    let mut seen = HashSet::with_capacity(ids.len());
    ids.into_iter().filter(|id| seen.insert(*id)).cloned().collect()
}

fn links_request(rows: &Rows<'_>, ids: &[ResourceId]) -> Request {
    const ONE: &str = select_link!("scim_resources r WHERE r.tenant = $1 AND r.id = $2");
    const MANY: &str = select_link!(
        "unnest($2::TEXT[]) AS n (wanted) \
         JOIN LATERAL (SELECT seq, type, id, display FROM scim_resources \
          WHERE tenant = $1 AND id = n.wanted LIMIT 1) r ON TRUE"
    );
    match ids {
        [id] => Request::new(ONE, params![rows.tenant(), id.to_string()]),
        _ => {
            let ids: Vec<String> = ids.iter().map(ResourceId::to_string).collect();
            Request::new(MANY, params![rows.tenant(), ids])
        }
    }
}

fn add_links(
    rows: &Rows<'_>,
    links: &mut HashMap<ResourceId, Option<Link>>,
    asked: Vec<ResourceId>,
    answer: &[tokio_postgres::Row],
) -> Result<(), StoreError> {
    links.extend(asked.into_iter().map(|id| (id, None)));
    for row in answer {
        let link = rows.link_of(row)?;
        links.insert(link.reference.id.clone(), Some(link));
    }
    Ok(())
}

impl Writing {
    /// The resource with this id, if that is the one that is locked.
    pub(super) fn locked(&self, id: &ResourceId) -> Option<Option<Stored>> {
        self.locked.as_ref().filter(|(locked, _)| locked == id).map(|(_, stored)| stored.clone())
    }

    /// A resource that may be referred to: looked up along with those that the write will ask for next.
    pub(super) fn link(&self, rows: &Rows<'_>, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        if let Some(known) = self.links.borrow().get(id) {
            return Ok(known.clone());
        }
        let from = self.mentioned.iter().position(|mentioned| mentioned == id);
        let next = from.and_then(|from| self.mentioned.get(from..)).unwrap_or(std::slice::from_ref(id));
        let mut links = self.links.borrow_mut();
        let ids: Vec<_> = next.iter().filter(|id| !links.contains_key(*id)).take(BATCH).cloned().collect();
        let mut answers = rows.session.exchange(vec![links_request(rows, &ids)])?;
        add_links(rows, &mut links, ids, &answers.pop().unwrap_or_default())?;
        Ok(links.get(id).cloned().flatten())
    }

    /// Whether a relation has a value: looked up along with the other resources that the write refers to.
    pub(super) fn refers(
        &self,
        rows: &Rows<'_>,
        source: Row,
        relation: &str,
        target: Row,
    ) -> Result<bool, StoreError> {
        const ONE: &str = "SELECT target FROM scim_relations \
            WHERE tenant = $1 AND source = $2 AND attribute = $3 AND target = $4";
        const MANY: &str = "SELECT v.target FROM unnest($4::BIGINT[]) AS n (wanted) \
            JOIN LATERAL (SELECT target FROM scim_relations \
             WHERE tenant = $1 AND source = $2 AND attribute = $3 AND target = n.wanted LIMIT 1) v ON TRUE";
        let mut relations = self.relations.borrow_mut();
        let looked = relations.entry((source, relation.to_owned())).or_default();
        if !looked.at.contains(&target) {
            let links = self.links.borrow();
            let known = links.values().flatten().map(|link| link.row);
            let others = known.filter(|row| *row != target && !looked.at.contains(row));
            let targets: Vec<Row> = others.take(BATCH).chain([target]).collect();
            looked.at.extend(&targets);
            let mut params = params![rows.tenant(), source, relation.to_owned()];
            let sql = if targets.len() == 1 {
                params.extend(params![target]);
                ONE
            } else {
                params.extend(params![targets]);
                MANY
            };
            for row in rows.session.rows(sql, params)? {
                looked.there.insert(column(&row, 0)?);
            }
        }
        Ok(looked.there.contains(&target))
    }

    fn next_place(&self) -> i64 {
        let place = self.places.get();
        self.places.set(place.saturating_add(1));
        place
    }

    fn count(&self, type_name: &str, more: i64) {
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(type_name.to_owned()).or_default();
        *count = count.saturating_add(more);
    }
}

impl Transaction for Rows<'_> {
    /// Nothing: whatever cannot be kept shows when it is, and the transaction or savepoint is rolled back.
    fn check_new(&self, _: &[Creation]) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError> {
        const UPDATE: &str = "UPDATE scim_resources \
            SET last_modified = $3, version = $4, display = $5, document = $6, hidden = $7 \
            WHERE tenant = $1 AND seq = $2";
        let Mutation { row, record, display, keys, relations } = mutation;
        let is_new = row.is_none();
        let row = match row {
            None => self.insert(definition, &record, display.as_deref())?,
            Some(row) if keys.is_some() => {
                let params = params![
                    self.tenant(),
                    row,
                    record.last_modified.timestamp_millis(),
                    number(record.version)?,
                    display.as_deref().map(|name| text(name).into_owned()),
                    record.document.to_vec(),
                    record.hidden.as_deref().map(<[u8]>::to_vec),
                ];
                self.session.change(Request::new(UPDATE, params));
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
        for diff in relations {
            self.relate(row, &diff)?;
        }
        Ok(Stored { row, record, display })
    }

    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError> {
        const DELETE: &str = "DELETE FROM scim_relations \
            WHERE tenant = $1 AND source = $2 AND attribute = $3 AND target = $4";
        const INSERT: &str = "INSERT INTO scim_relations (tenant, source, attribute, target, added, place) \
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
        for part in diff.added.chunks(BATCH) {
            let places: Vec<i64> = part.iter().map(|_| writing.next_place()).collect();
            let added = number(writing.version)?;
            let params = params![self.tenant(), source, attribute.clone(), added, part.to_vec(), places];
            self.session.change(Request::new(INSERT, params));
        }
        Ok(())
    }

    /// Deletes a resource; its values and those that refer to it go with it.
    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM scim_resources WHERE tenant = $1 AND seq = $2";
        for (holder, last_modified) in &removal.holders {
            self.touch(*holder, last_modified.timestamp_millis(), version)?;
        }
        self.session.change(Request::new(SQL, params![self.tenant(), removal.row]));
        let writing = self.writing()?;
        if let Some((_, Some(stored))) = &writing.locked {
            writing.count(&stored.record.resource_type, -1);
        }
        Ok(())
    }
}

impl Rows<'_> {
    fn writing(&self) -> Result<&Writing, StoreError> {
        self.writing.as_ref().ok_or_else(|| StoreError::internal("a write in a transaction that reads"))
    }

    fn insert(
        &self,
        definition: &TypeDefinition,
        record: &Record,
        display: Option<&str>,
    ) -> Result<Row, StoreError> {
        const SQL: &str = "INSERT INTO scim_resources \
            (tenant, seq, type, id, folded_id, created, last_modified, version, display, document, hidden) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let writing = self.writing()?;
        let row = writing.numbers.borrow_mut().pop_front();
        let row = row.ok_or_else(|| StoreError::internal("no number for a new resource"))?;
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
        ];
        let taken = taken(definition, "id", excerpt(id));
        self.session.change(Request::new(SQL, params).or_taken(taken));
        writing.count(definition.name(), 1);
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
        const STORED_UNIQUE: &str =
            "SELECT attribute, value FROM scim_unique_values WHERE tenant = $1 AND resource = $2";
        const STORED_SHARED: &str =
            "SELECT attribute, value FROM scim_shared_values WHERE tenant = $1 AND resource = $2";
        const DROP_UNIQUE: &str = "DELETE FROM scim_unique_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4 AND resource = $5";
        const DROP_SHARED: &str = "DELETE FROM scim_shared_values \
            WHERE tenant = $1 AND type = $2 AND attribute = $3 AND value = $4 AND resource = $5";
        const ADD_UNIQUE: &str = "INSERT INTO scim_unique_values (tenant, type, attribute, value, resource) \
            VALUES ($1, $2, $3, $4, $5)";
        const ADD_SHARED: &str = "INSERT INTO scim_shared_values (tenant, type, attribute, value, resource) \
            VALUES ($1, $2, $3, $4, $5)";
        let (mut unique, mut shared) = (HashSet::new(), HashSet::new());
        if !is_new {
            let of = |sql| Request::new(sql, params![self.tenant(), row]);
            let answers = self.session.exchange(vec![of(STORED_UNIQUE), of(STORED_SHARED)])?;
            for (stored, answer) in [&mut unique, &mut shared].into_iter().zip(&answers) {
                for row in answer {
                    stored.insert((column::<String>(row, 0)?, column::<String>(row, 1)?));
                }
            }
        }
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
