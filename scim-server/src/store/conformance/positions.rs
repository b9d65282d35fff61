//! Pages at positions.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use scim_core::message::SortOrder;
use scim_filter::SortKey;

use super::fixture::{Fixture, filter, ids, sort_by};
use crate::store::{Page, Position, Query, ResourceStore, Scope, Start};

/// Pages at positions neither repeat nor leave out what stays in its place, while resources are created, deleted and
/// changed between one page and the next: each page is what sorting the whole directory anew would give.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn positions_hold_while_others_write(store: &Arc<dyn ResourceStore>) {
    let mut runner = TestRunner::default();
    let orders = [None, Some(SortOrder::Ascending), Some(SortOrder::Descending)];
    let kinds = FILTERS.iter().flat_map(|wanted| orders.map(|order| (wanted, order)));
    for (round, (wanted, order)) in kinds.enumerate() {
        let it = Fixture::new(store, &format!("positions-hold-{round}"));
        let mut directory = Directory { it, entries: Vec::new(), created: 0 };
        for _ in 0..24 {
            directory.create(&mut runner).await;
        }
        for count in [1, 2, 5, 11] {
            directory.walk(wanted, order, count, &mut runner).await;
        }
    }
}

/// A filter: for users, for groups, and as the model has it.
struct Wanted {
    users: Option<&'static str>,
    groups: Option<&'static str>,
    matches: fn(&Entry) -> bool,
    /// Whether groups have what is sorted by.
    groups_sort: bool,
}

/// Without a filter, by an index, by an index and then the rest of the filter, by looking at all; also one type in one
/// way and the other in another.
const FILTERS: [Wanted; 6] = [
    Wanted { users: None, groups: None, matches: |_| true, groups_sort: true },
    Wanted { users: None, groups: None, matches: |_| true, groups_sort: false },
    Wanted {
        users: Some(r#"displayName eq "b" or displayName eq "a""#),
        groups: Some(r#"displayName eq "b" or displayName eq "a""#),
        matches: |entry| entry.is_named("a") || entry.is_named("b"),
        groups_sort: true,
    },
    Wanted {
        users: Some(r#"displayName eq "b" and title pr"#),
        groups: None,
        matches: |entry| entry.group || entry.is_named("b") && entry.title.is_some(),
        groups_sort: true,
    },
    Wanted {
        users: Some(r#"title sw "t""#),
        groups: Some(r#"displayName eq "nobody""#),
        matches: |entry| entry.title.is_some(),
        groups_sort: true,
    },
    Wanted {
        users: Some(r#"title eq "t1" or displayName eq "b""#),
        groups: Some(r#"displayName sw "b""#),
        matches: |entry| entry.title == Some("t1") || entry.is_named("b"),
        groups_sort: true,
    },
];

impl Entry {
    fn is_named(&self, name: &str) -> bool {
        self.display_name.is_some_and(|known| known.eq_ignore_ascii_case(name))
    }
}

/// A naive model of a store beside the store.
struct Directory {
    it: Fixture,
    entries: Vec<Entry>,
    created: i64,
}

#[derive(Clone, Debug)]
struct Entry {
    id: String,
    group: bool,
    display_name: Option<&'static str>,
    title: Option<&'static str>,
    number: i64,
}

impl Directory {
    async fn create(&mut self, runner: &mut TestRunner) {
        self.created += 1;
        let (number, id) = (self.created, format!("n{}", self.created));
        let display_name = [None, Some("a"), Some("B"), Some("b"), Some("c")][pick(runner, 5)];
        let title = [None, Some("t1"), Some("t2")][pick(runner, 3)];
        let group = pick(runner, 4) == 0;
        let mut entry = Entry { id, group, display_name, title, number };
        if group {
            (entry.display_name, entry.title) = (display_name.or(Some("d")), None);
            let body = super::fixture::group_body(entry.display_name.unwrap(), &[]);
            self.it.try_create(&self.it.group, &entry.id, &body).await.unwrap();
        } else {
            let more: Vec<String> = [("displayName", display_name), ("title", title)]
                .into_iter()
                .filter_map(|(name, value)| Some(format!(r#""{name}":"{}""#, value?)))
                .collect();
            self.it.user(&entry.id, &entry.id, &more.join(",")).await;
        }
        self.entries.push(entry);
    }

    /// Something that another client does.
    async fn disturb(&mut self, runner: &mut TestRunner) {
        let at = pick(runner, self.entries.len());
        let entry = self.entries[at].clone();
        let definition = if entry.group { &self.it.group } else { &self.it.user };
        match pick(runner, 4) {
            0 if self.entries.len() > 5 => {
                assert!(self.it.delete(definition, &entry.id).await);
                self.entries.remove(at);
            }
            1 => {
                let change =
                    format!(r#"{{"op":"replace","path":"externalId","value":"x{}"}}"#, pick(runner, 1_000));
                self.it.patch(definition, &entry.id, &change).await;
            }
            _ => self.create(runner).await,
        }
    }

    /// What matches, in order.
    fn sorted(&self, wanted: &Wanted, order: Option<SortOrder>) -> Vec<(Position, String)> {
        let key = |entry: &Entry| match (order, entry.display_name) {
            (Some(_), Some(name)) if wanted.groups_sort || !entry.group => SortKey::Text(name.to_lowercase()),
            _ => SortKey::Unassigned,
        };
        let mut all: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| (wanted.matches)(entry))
            .map(|entry| (Position::new(key(entry), entry.number), entry.id.clone()))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.compare(b, order.unwrap_or_default()));
        all
    }

    /// Goes through the list, now and then a page back, and compares each page with the model.
    async fn walk(
        &mut self,
        wanted: &Wanted,
        order: Option<SortOrder>,
        count: usize,
        runner: &mut TestRunner,
    ) {
        let query = self.query(wanted, order, count);
        let direction = order.unwrap_or_default();
        let there_from_the_start: HashSet<String> =
            self.sorted(wanted, order).into_iter().map(|(_, id)| id).collect();
        let mut page = self.it.query(&query).await;
        let all = self.sorted(wanted, order);
        assert_eq!(page.total_results, Some(all.len() as u64));
        assert_eq!(page.previous, None, "the first page");
        let mut here: Vec<_> = all.iter().take(count).cloned().collect();
        self.check(&page, &here, all.len() > count, &query);
        let mut seen: Vec<String> = ids(&page.records);
        let mut place = here.last().map(|(place, _)| place.clone());
        while let Some(next) = page.next {
            for _ in 0..pick(runner, 4) {
                self.disturb(runner).await;
            }
            let all = self.sorted(wanted, order);
            let previous = page.previous.filter(|_| pick(runner, 3) == 0);
            if let (Some(previous), Some((first, _))) = (previous, here.first()) {
                let before: Vec<_> =
                    all.iter().filter(|(p, _)| p.compare(first, direction).is_lt()).collect();
                let from = before.len().saturating_sub(count);
                let back = self.it.query(&query.clone().with_start(Start::Before(previous))).await;
                let expected: Vec<_> = before[from..].iter().map(|(_, id)| id.clone()).collect();
                assert_eq!(ids(&back.records), expected, "back: {query:?}");
                assert_eq!(back.previous.is_some(), from > 0, "back: {query:?}");
                assert!(back.next.is_some(), "a page before another is not the last: {query:?}");
            }
            page = self.it.query(&query.clone().with_start(Start::After(next))).await;
            let rest: Vec<_> = all
                .into_iter()
                .filter(|(p, _)| place.as_ref().is_none_or(|place| p.compare(place, direction).is_gt()))
                .collect();
            here = rest.iter().take(count).cloned().collect();
            self.check(&page, &here, rest.len() > count, &query);
            assert!(page.previous.is_some(), "a page after another is not the first: {query:?}");
            seen.extend(ids(&page.records));
            place = here.last().map(|(place, _)| place.clone()).or(place);
        }
        let once: HashSet<&String> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "nothing comes twice: {seen:?}");
        let left: HashSet<String> = self.sorted(wanted, order).into_iter().map(|(_, id)| id).collect();
        for id in there_from_the_start.intersection(&left) {
            assert!(once.contains(id), "{id} is left out: {seen:?}");
        }
    }

    fn check(&self, page: &Page, expected: &[(Position, String)], more: bool, query: &Query) {
        let expected: Vec<_> = expected.iter().map(|(_, id)| id.clone()).collect();
        assert_eq!(ids(&page.records), expected, "{query:?}");
        assert_eq!(page.next.is_some(), more, "{query:?}");
    }

    fn query(&self, wanted: &Wanted, order: Option<SortOrder>, count: usize) -> Query {
        let mut scopes = Vec::new();
        for definition in [&self.it.user, &self.it.group] {
            let text = if definition.name() == "Group" { wanted.groups } else { wanted.users };
            let sorts = wanted.groups_sort || definition.name() == "User";
            let scope = Scope::all(Arc::clone(definition))
                .with_filter(text.map(|text| filter(definition, text)))
                .with_sort_by(order.filter(|_| sorts).map(|_| sort_by(definition, "displayName")));
            scopes.push(scope);
        }
        Query::new(scopes, count).with_order(order.unwrap_or_default())
    }
}

fn pick(runner: &mut TestRunner, of: usize) -> usize {
    (0..of).new_tree(runner).unwrap().current()
}
