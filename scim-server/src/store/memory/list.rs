//! The resources of one type in the order of their creation.

use std::sync::Arc;

use super::super::view::{Row, Span};
use super::entry::Entry;

/// A sorted list in blocks: taking a resource out moves no more than a block, and a copy shares them all.
///
/// INVARIANT: `starts` has the first row of each block, no block is empty, and rows ascend from block to block.
#[derive(Clone, Default)]
pub(super) struct List {
    starts: Vec<Row>,
    blocks: Vec<Arc<Block>>,
    length: usize,
}

#[derive(Clone, Default)]
struct Block {
    rows: Vec<Row>,
    entries: Vec<Arc<Entry>>,
}

/// How many resources a block has at most.
const FULL: usize = 512;

/// A place in the list: block and index in it.
type Place = (usize, usize);

impl List {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds a resource that was created after all others.
    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        self.length = self.length.saturating_add(1);
        match self.blocks.last_mut() {
            Some(block) if block.rows.len() < FULL => Arc::make_mut(block).push(entry),
            _ => {
                self.starts.push(entry.row);
                let mut block = Block::default();
                block.push(entry);
                self.blocks.push(Arc::new(block));
            }
        }
    }

    /// Puts a new state of a resource in the place of the old one.
    pub(super) fn replace(&mut self, entry: Arc<Entry>) {
        if let Some((block, at)) = self.find(entry.row)
            && let Some(block) = self.blocks.get_mut(block)
            && let Some(old) = Arc::make_mut(block).entries.get_mut(at)
        {
            *old = entry;
        }
    }

    pub(super) fn get(&self, row: Row) -> Option<&Arc<Entry>> {
        let (block, at) = self.find(row)?;
        self.blocks.get(block)?.entries.get(at)
    }

    pub(super) fn remove(&mut self, row: Row) {
        let Some((number, at)) = self.find(row) else { return };
        let Some(block) = self.blocks.get_mut(number).map(Arc::make_mut) else { return };
        block.rows.remove(at);
        block.entries.remove(at);
        self.length = self.length.saturating_sub(1);
        match block.rows.first().copied() {
            None => {
                self.blocks.remove(number);
                self.starts.remove(number);
            }
            Some(first) => {
                if let Some(start) = self.starts.get_mut(number) {
                    *start = first;
                }
                self.merge(number);
            }
        }
    }

    /// Joins a block with the next one where both have become small.
    fn merge(&mut self, number: usize) {
        let next = number.saturating_add(1);
        let rows = |number: usize| self.blocks.get(number).map(|block| block.rows.len());
        let (Some(here), Some(there)) = (rows(number), rows(next)) else { return };
        if here.saturating_add(there) > FULL / 2 {
            return;
        }
        let moved = self.blocks.remove(next);
        self.starts.remove(next);
        if let Some(block) = self.blocks.get_mut(number).map(Arc::make_mut) {
            block.rows.extend(&moved.rows);
            block.entries.extend(moved.entries.iter().cloned());
        }
    }

    fn find(&self, row: Row) -> Option<Place> {
        let number = self.starts.partition_point(|start| *start <= row).checked_sub(1)?;
        let at = self.blocks.get(number)?.rows.binary_search(&row).ok()?;
        Some((number, at))
    }

    /// The resources of a span, past the first `skip`, in the order in which it is looked at.
    pub(super) fn span(&self, span: Span, skip: usize) -> Entries<'_> {
        match span {
            Span::All => Entries { list: self, place: self.nth(skip), backwards: false },
            Span::After(row) => {
                let mut entries =
                    Entries { list: self, place: self.first_past(row.saturating_add(1)), backwards: false };
                entries.pass(skip);
                entries
            }
            Span::Before(row) => {
                let place = self.before(self.first_past(row));
                let mut entries = Entries { list: self, place, backwards: true };
                entries.pass(skip);
                entries
            }
        }
    }

    /// The place of the first resource with this row or a greater one; behind the last block if there is none.
    fn first_past(&self, row: Row) -> Option<Place> {
        let number = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let block = self.blocks.get(number)?;
        let at = block.rows.partition_point(|known| *known < row);
        Some(if at < block.rows.len() { (number, at) } else { (number.saturating_add(1), 0) })
    }

    fn before(&self, place: Option<Place>) -> Option<Place> {
        let (number, at) = place?;
        match at.checked_sub(1) {
            Some(at) => Some((number, at)),
            None => {
                let number = number.checked_sub(1)?;
                Some((number, self.blocks.get(number)?.rows.len().checked_sub(1)?))
            }
        }
    }

    fn nth(&self, mut index: usize) -> Option<Place> {
        for (number, block) in self.blocks.iter().enumerate() {
            match index.checked_sub(block.rows.len()) {
                Some(rest) => index = rest,
                None => return Some((number, index)),
            }
        }
        None
    }
}

impl Block {
    fn push(&mut self, entry: Arc<Entry>) {
        self.rows.push(entry.row);
        self.entries.push(entry);
    }
}

/// Resources one after the other.
#[derive(Clone)]
pub(super) struct Entries<'l> {
    list: &'l List,
    place: Option<Place>,
    backwards: bool,
}

impl Entries<'_> {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.next().is_none() {
                break;
            }
        }
    }
}

impl<'l> Iterator for Entries<'l> {
    type Item = &'l Arc<Entry>;

    fn next(&mut self) -> Option<&'l Arc<Entry>> {
        let (number, at) = self.place?;
        let block = self.list.blocks.get(number)?;
        let entry = block.entries.get(at)?;
        self.place = if self.backwards {
            self.list.before(self.place)
        } else if at.saturating_add(1) < block.entries.len() {
            Some((number, at.saturating_add(1)))
        } else {
            Some((number.saturating_add(1), 0))
        };
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(entries: Entries<'_>) -> Vec<Row> {
        entries.map(|entry| entry.row).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever comes and goes, the list is the one that a plain vector would be, and a copy stays as it was.
        #[test]
        fn a_list_is_a_sorted_vector(
            count in 0..2_000_i64,
            removed in prop::collection::vec(0..2_000_i64, 0..1_500),
            (place, skip) in (-1..2_002_i64, 0..2_100_usize),
        ) {
            let mut list = List::default();
            for row in 0..count {
                list.push(Arc::new(Entry::for_tests(row * 2)));
            }
            let copy = list.clone();
            let mut model: Vec<Row> = (0..count).map(|row| row * 2).collect();
            for row in removed {
                list.remove(row * 2);
                model.retain(|known| *known != row * 2);
            }
            prop_assert_eq!(copy.len(), usize::try_from(count).unwrap());
            prop_assert_eq!(rows(copy.span(Span::All, 0)).len(), copy.len());
            prop_assert_eq!(list.len(), model.len());
            prop_assert_eq!(rows(list.span(Span::All, skip)), model.get(skip..).unwrap_or_default());
            let after: Vec<Row> = model.iter().copied().filter(|row| *row > place).collect();
            prop_assert_eq!(rows(list.span(Span::After(place), 3)), after.get(3..).unwrap_or_default());
            let before: Vec<Row> = model.iter().rev().copied().filter(|row| *row < place).collect();
            prop_assert_eq!(rows(list.span(Span::Before(place), 0)), before);
            for row in model {
                prop_assert_eq!(list.get(row).map(|entry| entry.row), Some(row));
            }
            prop_assert!(list.get(1).is_none());
        }
    }
}
