//! What a transaction knows of the resources that its next writes are about: asked for all at once.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use scim_core::patch::RelationAction;
use scim_core::{ChangeSet, ResourceId, Version};
use tokio_postgres::Row as SqlRow;

use super::super::change::RelationDiff;
use super::super::view::{Link, Row, Stored};
use super::super::{StoreError, Write};
use super::rows::{MARK, Rows, column, select_link, select_stored};
use super::session::{Request, Session, params};
use crate::context::RequestContext;

/// How many ids are looked up at once.
pub(super) const BATCH: usize = 1_000;

/// How many writes a portion has at most, and how many resources it locks.
const WRITES: usize = 256;
const LOCKS: usize = 32;

/// What is known of the resources that a portion of writes is about. They are locked, so that it stays true; what the
/// writes themselves change is noted.
#[derive(Default)]
pub(super) struct Known {
    /// Numbers for versions and new resources. They were taken once all was locked, so that a later version of a
    /// resource is a greater one.
    numbers: VecDeque<i64>,
    /// The resources that are changed, where there are such.
    locked: HashMap<ResourceId, Option<Row>>,
    /// Those and the ones that refer to what is deleted, as they are by now.
    stored: HashMap<Row, Stored>,
    /// The marks of the search documents of what is changed.
    marks: HashMap<Row, i64>,
    /// The keys of those whose attributes change.
    keys: HashMap<Row, KeptKeys>,
    /// What the writes refer to.
    links: HashMap<ResourceId, Option<Link>>,
    /// All of what one write refers to, where that is too much for one look.
    mentioned: Vec<ResourceId>,
    /// The relations that have been looked at.
    relations: HashMap<(Row, String), Looked>,
    /// What these writes have created, and of it what neither refers to anything nor is referred to.
    new: HashSet<Row>,
    alone: HashSet<Row>,
    /// Who refers to what is deleted, and what has been deleted.
    holders: HashMap<Row, Vec<Row>>,
    removed: HashSet<Row>,
}

/// The keys that a resource is found by, as the tables have them.
#[derive(Default)]
pub(super) struct KeptKeys {
    pub(super) unique: HashSet<(String, String)>,
    pub(super) shared: HashSet<(String, String)>,
}

/// Which values of a relation have been looked for, and which of them are there.
#[derive(Default)]
struct Looked {
    at: HashSet<Row>,
    there: HashSet<Row>,
}

/// How many writes, from the first on, are asked about at once: only deletions or none, and not too many.
pub(super) fn portion(writes: &[Write]) -> usize {
    let is_deletion = |write: &Write| matches!(write, Write::Delete { .. });
    let deletes = writes.first().is_some_and(is_deletion);
    let (mut locks, mut ids) = (0_usize, Vec::new());
    for (n, write) in writes.iter().enumerate() {
        locks = locks.saturating_add(usize::from(target(write).is_some()));
        mention(write, &mut ids);
        let is_full = n >= WRITES || locks > LOCKS || ids.len() > BATCH;
        if n > 0 && (is_full || is_deletion(write) != deletes) {
            return n;
        }
    }
    writes.len()
}

/// The resource that a write changes or deletes.
fn target(write: &Write) -> Option<&ResourceId> {
    match write {
        Write::Create { .. } => None,
        Write::Replace { target, .. } | Write::Apply { target, .. } | Write::Delete { target } => {
            Some(&target.id)
        }
    }
}

/// The ids that a write refers to.
fn mention<'w>(write: &'w Write, ids: &mut Vec<&'w ResourceId>) {
    match write {
        Write::Create { new, .. } => {
            ids.extend(new.iter().flat_map(|(_, new)| &new.relations).flat_map(|values| &values.targets));
        }
        Write::Replace { replacement, .. } => {
            ids.extend(replacement.relations.iter().flat_map(|values| &values.targets));
        }
        Write::Apply { changes, .. } => ids.extend(related(changes).flat_map(|(_, ids)| ids)),
        Write::Delete { .. } => {}
    }
}

/// The relations that a PATCH changes, with the ids that it names.
fn related(changes: &ChangeSet) -> impl Iterator<Item = (&str, &[ResourceId])> {
    changes.relations.iter().filter_map(|change| match &change.action {
        RelationAction::Add(ids) | RelationAction::Remove(ids) | RelationAction::Replace(ids) => {
            Some((&*change.attribute, &**ids))
        }
        _ => None,
    })
}

impl Known {
    /// Locks what writes change and gets what they need to know, all at once: only deletions or none.
    pub(super) fn ask(
        session: &Session,
        context: &RequestContext,
        writes: &[Write],
    ) -> Result<Self, StoreError> {
        let rows = Rows::new(session, context);
        match writes.first() {
            Some(Write::Delete { .. }) => Self::ask_to_delete(&rows, writes),
            _ => Self::ask_to_change(&rows, writes),
        }
    }

    fn ask_to_change(rows: &Rows<'_>, writes: &[Write]) -> Result<Self, StoreError> {
        const LOCK: &str = select_stored!("WHERE tenant = $1 AND id = $2 FOR NO KEY UPDATE");
        let mut known = Self::default();
        // In one order everywhere, so that two who want the same wait for each other, not both.
        let targets: BTreeSet<&ResourceId> = writes.iter().filter_map(target).collect();
        let lock = |id: &&ResourceId| Request::new(LOCK, params![rows.tenant(), id.to_string()]);
        let mut requests: Vec<Request> = targets.iter().map(lock).collect();
        let new = writes.iter().map(|write| match write {
            Write::Create { new, .. } => new.len(),
            _ => 0,
        });
        requests.push(numbers(writes.len().saturating_add(new.sum())));
        let rewritten = writes.iter().filter(|write| match write {
            Write::Replace { .. } => true,
            Write::Apply { changes, .. } => !changes.changes.is_empty(),
            Write::Create { .. } | Write::Delete { .. } => false,
        });
        let rewritten: BTreeSet<&ResourceId> = rewritten.filter_map(target).collect();
        if !rewritten.is_empty() {
            let ids: Vec<String> = rewritten.iter().map(|id| id.to_string()).collect();
            requests.push(Request::new(UNIQUE_KEYS, params![rows.tenant(), ids.clone()]));
            requests.push(Request::new(SHARED_KEYS, params![rows.tenant(), ids]));
        }
        let mut ids = Vec::new();
        writes.iter().for_each(|write| mention(write, &mut ids));
        let mut seen = HashSet::with_capacity(ids.len());
        ids.retain(|id| seen.insert(*id));
        let mentioned: Vec<ResourceId> = ids.into_iter().cloned().collect();
        let pairs = if mentioned.len() <= BATCH { pairs(writes) } else { Vec::new() };
        let is_one_look = (1..=BATCH).contains(&mentioned.len());
        if is_one_look {
            requests.push(links_request(rows, &mentioned));
        }
        if !pairs.is_empty() {
            requests.push(relations_request(rows, &pairs));
        }

        let mut answers = rows.session.exchange(requests)?.into_iter();
        let mut answer = || answers.next().unwrap_or_default();
        for id in targets {
            known.lock(rows, id.clone(), answer().first())?;
        }
        known.add_numbers(&answer())?;
        if !rewritten.is_empty() {
            for id in rewritten {
                let row = known.locked.get(id).copied().flatten();
                known.keys.extend(row.map(|row| (row, KeptKeys::default())));
            }
            known.add_keys(&answer(), |keys| &mut keys.unique)?;
            known.add_keys(&answer(), |keys| &mut keys.shared)?;
        }
        if is_one_look {
            known.add_links(rows, mentioned, &answer())?;
        } else {
            known.mentioned = mentioned;
        }
        known.add_relations(&pairs, &answer())?;
        Ok(known)
    }

    fn ask_to_delete(rows: &Rows<'_>, writes: &[Write]) -> Result<Self, StoreError> {
        const LOCK: &str = select_stored!("WHERE tenant = $1 AND seq = $2 FOR NO KEY UPDATE");
        const LOCK_TO_DELETE: &str = select_stored!("WHERE tenant = $1 AND id = $2 FOR UPDATE");
        let mut known = Self::default();
        let targets: BTreeSet<&ResourceId> = writes.iter().filter_map(target).collect();
        let ids: Vec<String> = targets.iter().map(|id| id.to_string()).collect();
        // Those that refer to them first: whoever adds a value to a relation locks in this order too.
        let mut first = BTreeSet::new();
        for row in rows.session.rows(HOLDERS, params![rows.tenant(), ids.clone()])? {
            first.insert(column::<Row>(&row, 1)?);
        }
        let lock = |holder: &Row| Request::new(LOCK, params![rows.tenant(), *holder]);
        let mut requests: Vec<Request> = first.iter().map(lock).collect();
        requests
            .extend(ids.iter().map(|id| Request::new(LOCK_TO_DELETE, params![rows.tenant(), id.clone()])));
        requests.push(numbers(writes.len()));
        // Now that they are locked, nobody else comes to refer to them.
        requests.push(Request::new(HOLDERS, params![rows.tenant(), ids]));
        let mut answers = rows.session.exchange(requests)?.into_iter();
        let mut answer = || answers.next().unwrap_or_default();
        for _ in &first {
            if let Some(row) = answer().first() {
                let stored = rows.stored(row)?;
                known.stored.insert(stored.row, stored);
            }
        }
        for id in targets {
            known.lock(rows, id.clone(), answer().first())?;
        }
        known.add_numbers(&answer())?;
        for row in &answer() {
            known.holders.entry(column(row, 0)?).or_default().push(column(row, 1)?);
        }
        Ok(known)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<i64, StoreError> {
        self.numbers.pop_front().ok_or_else(|| StoreError::internal("no number for a version or a resource"))
    }

    /// The resource with this id, if that is one that is locked.
    pub(super) fn find(&self, id: &ResourceId) -> Option<Option<Stored>> {
        self.locked.get(id).map(|row| row.and_then(|row| self.stored.get(&row).cloned()))
    }

    /// Those that refer to a resource that is to be deleted.
    pub(super) fn holders(&self, target: Row) -> Holders {
        let all = self.holders.get(&target).into_iter().flatten();
        let mut holders = Holders::default();
        for row in all.filter(|row| !self.removed.contains(row)) {
            match self.stored.get(row) {
                Some(stored) => holders.known.push(stored.clone()),
                None => holders.unknown.push(*row),
            }
        }
        holders
    }

    /// Whether nothing is related to a resource, which these writes have created.
    pub(super) fn is_alone(&self, row: Row) -> bool {
        self.alone.contains(&row)
    }

    /// A resource that may be referred to: looked up along with those that will be asked for next.
    pub(super) fn link(&mut self, rows: &Rows<'_>, id: &ResourceId) -> Result<Option<Link>, StoreError> {
        if let Some(known) = self.links.get(id) {
            return Ok(known.clone());
        }
        let from = self.mentioned.iter().position(|mentioned| mentioned == id);
        let next = from.and_then(|from| self.mentioned.get(from..)).unwrap_or(std::slice::from_ref(id));
        let unknown = next.iter().filter(|id| !self.links.contains_key(*id));
        let ids: Vec<_> = unknown.take(BATCH).cloned().collect();
        let mut answers = rows.session.exchange(vec![links_request(rows, &ids)])?;
        self.add_links(rows, ids, &answers.pop().unwrap_or_default())?;
        Ok(self.links.get(id).cloned().flatten())
    }

    /// Whether a relation has a value: looked up along with the other resources that are referred to.
    pub(super) fn refers(
        &mut self,
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
        let looked = self.relations.entry((source, relation.to_owned())).or_default();
        if !self.new.contains(&source) && !looked.at.contains(&target) {
            let known = self.links.values().flatten().map(|link| link.row);
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

    /// The keys that a resource has.
    pub(super) fn keys(&mut self, rows: &Rows<'_>, row: Row) -> Result<KeptKeys, StoreError> {
        const UNIQUE: &str =
            "SELECT resource, attribute, value FROM scim_unique_values WHERE tenant = $1 AND resource = $2";
        const SHARED: &str =
            "SELECT resource, attribute, value FROM scim_shared_values WHERE tenant = $1 AND resource = $2";
        if let Some(keys) = self.keys.remove(&row) {
            return Ok(keys);
        }
        let of = |sql| Request::new(sql, params![rows.tenant(), row]);
        let mut answers = rows.session.exchange(vec![of(UNIQUE), of(SHARED)])?.into_iter();
        self.keys.insert(row, KeptKeys::default());
        self.add_keys(&answers.next().unwrap_or_default(), |keys| &mut keys.unique)?;
        self.add_keys(&answers.next().unwrap_or_default(), |keys| &mut keys.shared)?;
        Ok(self.keys.remove(&row).unwrap_or_default())
    }

    /// Notes the keys that a resource has from now on.
    pub(super) fn keep_keys(&mut self, row: Row, keys: KeptKeys) {
        self.keys.insert(row, keys);
    }

    /// Notes the mark of the search document that a resource has from now on; tells the one that it had.
    pub(super) fn keep_mark(&mut self, row: Row, mark: i64) -> Option<i64> {
        self.marks.insert(row, mark)
    }

    /// Notes what has become of a resource.
    pub(super) fn keep(&mut self, stored: &Stored, is_new: bool) {
        let id = &stored.record.id;
        if is_new {
            self.locked.insert(id.clone(), Some(stored.row));
            self.new.insert(stored.row);
            self.alone.insert(stored.row);
        }
        if is_new || self.links.contains_key(id) {
            self.links.insert(id.clone(), Some(stored.clone().into_link()));
        }
        self.stored.insert(stored.row, stored.clone());
    }

    /// Notes what a relation has from now on.
    pub(super) fn relate(&mut self, source: Row, diff: &RelationDiff) {
        self.alone.remove(&source);
        let looked = self.relations.entry((source, diff.attribute.to_string())).or_default();
        for target in &diff.removed {
            looked.at.insert(*target);
            looked.there.remove(target);
        }
        for target in &diff.added {
            looked.at.insert(*target);
            looked.there.insert(*target);
            self.alone.remove(target);
        }
    }

    /// Notes that a resource refers to one less.
    pub(super) fn touch(&mut self, row: Row, last_modified: DateTime<Utc>, version: Version) {
        if let Some(stored) = self.stored.get_mut(&row) {
            stored.record.last_modified = last_modified;
            stored.record.version = version;
        }
    }

    /// Notes that a resource is gone; tells what it was, and the mark of its search document.
    pub(super) fn remove(&mut self, row: Row) -> Option<(Stored, i64)> {
        self.removed.insert(row);
        self.stored.remove(&row).zip(self.marks.remove(&row))
    }

    fn lock(&mut self, rows: &Rows<'_>, id: ResourceId, answer: Option<&SqlRow>) -> Result<(), StoreError> {
        let Some(answer) = answer else {
            self.locked.insert(id, None);
            return Ok(());
        };
        let stored = rows.stored(answer)?;
        self.locked.insert(id, Some(stored.row));
        self.marks.insert(stored.row, column(answer, MARK)?);
        self.stored.insert(stored.row, stored);
        Ok(())
    }

    fn add_numbers(&mut self, answer: &[SqlRow]) -> Result<(), StoreError> {
        for row in answer {
            self.numbers.push_back(column(row, 0)?);
        }
        Ok(())
    }

    fn add_keys(
        &mut self,
        answer: &[SqlRow],
        kind: impl Fn(&mut KeptKeys) -> &mut HashSet<(String, String)>,
    ) -> Result<(), StoreError> {
        for row in answer {
            if let Some(keys) = self.keys.get_mut(&column::<Row>(row, 0)?) {
                kind(keys).insert((column(row, 1)?, column(row, 2)?));
            }
        }
        Ok(())
    }

    fn add_links(
        &mut self,
        rows: &Rows<'_>,
        asked: Vec<ResourceId>,
        answer: &[SqlRow],
    ) -> Result<(), StoreError> {
        self.links.extend(asked.into_iter().map(|id| (id, None)));
        for row in answer {
            let link = rows.link_of(row)?;
            self.links.insert(link.reference.id.clone(), Some(link));
        }
        Ok(())
    }

    fn add_relations(&mut self, asked: &[Pair<'_>], answer: &[SqlRow]) -> Result<(), StoreError> {
        for (source, attribute, target) in asked {
            let source = self.locked.get(*source).copied().flatten();
            let target = self.links.get(*target).and_then(|link| link.as_ref()).map(|link| link.row);
            if let (Some(source), Some(target)) = (source, target) {
                self.relations.entry((source, (*attribute).to_owned())).or_default().at.insert(target);
            }
        }
        for row in answer {
            let of = (column::<Row>(row, 0)?, column::<String>(row, 1)?);
            self.relations.entry(of).or_default().there.insert(column(row, 2)?);
        }
        Ok(())
    }
}

/// Those that refer to a resource: as they are, or where they have not been locked yet.
#[derive(Default)]
pub(super) struct Holders {
    pub(super) known: Vec<Stored>,
    pub(super) unknown: Vec<Row>,
}

/// A resource, a relation of it, and a resource that may be a value of that.
type Pair<'w> = (&'w ResourceId, &'w str, &'w ResourceId);

/// What PATCHes put into relations or take out, each once.
fn pairs(writes: &[Write]) -> Vec<Pair<'_>> {
    let mut pairs = HashSet::new();
    for write in writes {
        let Write::Apply { target, changes, .. } = write else { continue };
        for change in &changes.relations {
            if let RelationAction::Add(ids) | RelationAction::Remove(ids) = &change.action
                && let Some(relation) = target.definition.relation(&change.attribute)
            {
                pairs.extend(ids.iter().map(|id| (&target.id, &*relation.attribute, id)));
            }
        }
    }
    pairs.into_iter().collect()
}

/// NB: here and in what follows, `LATERAL` and `LIMIT` or `OFFSET` leave the database no way but to look each up by its
/// key, even where it does not know yet how large the tables have become.
const UNIQUE_KEYS: &str = "SELECT r.seq, v.attribute, v.value FROM unnest($2::TEXT[]) AS n (wanted) \
    JOIN LATERAL (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = n.wanted LIMIT 1) r ON TRUE \
    JOIN LATERAL (SELECT attribute, value FROM scim_unique_values \
     WHERE tenant = $1 AND resource = r.seq OFFSET 0) v ON TRUE";
const SHARED_KEYS: &str = "SELECT r.seq, v.attribute, v.value FROM unnest($2::TEXT[]) AS n (wanted) \
    JOIN LATERAL (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = n.wanted LIMIT 1) r ON TRUE \
    JOIN LATERAL (SELECT attribute, value FROM scim_shared_values \
     WHERE tenant = $1 AND resource = r.seq OFFSET 0) v ON TRUE";
const HOLDERS: &str = "SELECT DISTINCT r.seq, v.source FROM unnest($2::TEXT[]) AS n (wanted) \
    JOIN LATERAL (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = n.wanted LIMIT 1) r ON TRUE \
    JOIN LATERAL (SELECT source FROM scim_relations \
     WHERE tenant = $1 AND target = r.seq OFFSET 0) v ON TRUE ORDER BY r.seq, v.source";

fn numbers(count: usize) -> Request {
    const SQL: &str = "SELECT nextval('scim_numbers') FROM generate_series(1, $1::BIGINT)";
    Request::new(SQL, params![i64::try_from(count).unwrap_or(i64::MAX)])
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

fn relations_request(rows: &Rows<'_>, pairs: &[Pair<'_>]) -> Request {
    const SQL: &str = "SELECT s.seq, n.attribute, t.seq \
        FROM unnest($2::TEXT[], $3::TEXT[], $4::TEXT[]) AS n (source, attribute, target) \
        JOIN LATERAL (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = n.source LIMIT 1) s ON TRUE \
        JOIN LATERAL (SELECT seq FROM scim_resources WHERE tenant = $1 AND id = n.target LIMIT 1) t ON TRUE \
        JOIN LATERAL (SELECT target FROM scim_relations \
         WHERE tenant = $1 AND source = s.seq AND attribute = n.attribute AND target = t.seq LIMIT 1) v ON TRUE";
    let sources: Vec<String> = pairs.iter().map(|(source, _, _)| source.to_string()).collect();
    let attributes: Vec<String> = pairs.iter().map(|(_, attribute, _)| (*attribute).to_owned()).collect();
    let targets: Vec<String> = pairs.iter().map(|(_, _, target)| target.to_string()).collect();
    Request::new(SQL, params![rows.tenant(), sources, attributes, targets])
}
