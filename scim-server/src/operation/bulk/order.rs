//! In which order operations can be carried out.

/// Groups of operations that refer to each other, each group after those that it refers to, and otherwise in the order
/// of the request: an operation that others refer to is carried out no later than the first of them.
///
/// `needs` has, for each operation, those that it refers to. This is Tarjan's algorithm, which yields strongly
/// connected components in just this order, without recursion: a request may be one long chain.
pub(super) fn order(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        needs,
        places: vec![None; needs.len()],
        lowest: vec![0; needs.len()],
        is_open: vec![false; needs.len()],
        open: Vec::new(),
        next: 0,
        groups: Vec::new(),
    };
    for operation in 0..needs.len() {
        search.from(operation);
    }
    search.groups
}

struct Search<'a> {
    needs: &'a [Vec<usize>],
    /// When each operation was reached first.
    places: Vec<Option<usize>>,
    /// The earliest place that each operation leads to.
    lowest: Vec<usize>,
    /// The operations whose group is not known yet.
    open: Vec<usize>,
    is_open: Vec<bool>,
    next: usize,
    groups: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        if self.place(start).is_some() {
            return;
        }
        // Each operation with how many of those that it needs have been looked at.
        let mut path = vec![(start, 0_usize)];
        self.reach(start);
        while let Some((operation, at)) = path.last_mut() {
            let operation = *operation;
            match self.needs.get(operation).and_then(|needs| needs.get(*at)) {
                Some(&needed) => {
                    *at = at.saturating_add(1);
                    match self.place(needed) {
                        None => {
                            self.reach(needed);
                            path.push((needed, 0));
                        }
                        Some(place) if self.is_open.get(needed).is_some_and(|open| *open) => {
                            self.lower(operation, place);
                        }
                        Some(_) => {}
                    }
                }
                None => {
                    path.pop();
                    let lowest = self.lowest.get(operation).copied().unwrap_or_default();
                    if let Some((before, _)) = path.last() {
                        self.lower(*before, lowest);
                    }
                    if self.place(operation) == Some(lowest) {
                        self.close(operation);
                    }
                }
            }
        }
    }

    fn place(&self, operation: usize) -> Option<usize> {
        self.places.get(operation).copied().flatten()
    }

    fn reach(&mut self, operation: usize) {
        let place = self.next;
        self.next = place.saturating_add(1);
        set(&mut self.places, operation, Some(place));
        set(&mut self.lowest, operation, place);
        set(&mut self.is_open, operation, true);
        self.open.push(operation);
    }

    fn lower(&mut self, operation: usize, place: usize) {
        if let Some(lowest) = self.lowest.get_mut(operation) {
            *lowest = place.min(*lowest);
        }
    }

    fn close(&mut self, first: usize) {
        let mut group = Vec::new();
        while let Some(operation) = self.open.pop() {
            set(&mut self.is_open, operation, false);
            group.push(operation);
            if operation == first {
                break;
            }
        }
        group.sort_unstable();
        self.groups.push(group);
    }
}

fn set<T>(all: &mut [T], at: usize, value: T) {
    if let Some(one) = all.get_mut(at) {
        *one = value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_needed_goes_first_and_the_rest_keeps_its_order() {
        type Lists = &'static [&'static [usize]];
        let all: [(Lists, Lists); 6] = [
            (&[&[], &[], &[]], &[&[0], &[1], &[2]]),
            (&[&[2], &[], &[]], &[&[2], &[0], &[1]]),
            (&[&[1], &[0], &[]], &[&[0, 1], &[2]]),
            (&[&[], &[1], &[]], &[&[0], &[1], &[2]]),
            (&[&[], &[3], &[1], &[2, 4], &[]], &[&[0], &[4], &[1, 2, 3]]),
            (&[&[1, 2], &[3], &[3], &[]], &[&[3], &[1], &[2], &[0]]),
        ];
        for (needs, expected) in all {
            let needs: Vec<Vec<usize>> = needs.iter().map(|needs| needs.to_vec()).collect();
            assert_eq!(order(&needs), expected, "{needs:?}");
        }
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let last = 200_000;
        let needs: Vec<Vec<usize>> =
            (0..=last).map(|n| if n < last { vec![n + 1] } else { vec![] }).collect();
        assert_eq!(order(&needs).first(), Some(&vec![last]));
    }

    proptest! {
        /// Every operation comes once, after what it needs; who shares a group leads to each other.
        #[test]
        fn groups_are_sound(needs in prop::collection::vec(prop::collection::vec(0..8_usize, 0..3), 8)) {
            let leads = |from: usize| {
                let (mut seen, mut todo) = (vec![false; 8], needs[from].clone());
                while let Some(next) = todo.pop() {
                    if !std::mem::replace(&mut seen[next], true) {
                        todo.extend(&needs[next]);
                    }
                }
                seen
            };
            let groups = order(&needs);
            let group_of = |n: usize| groups.iter().position(|group| group.contains(&n)).unwrap();
            prop_assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 8);
            for n in 0..8 {
                for m in 0..8 {
                    let same = n == m || (leads(n)[m] && leads(m)[n]);
                    prop_assert_eq!(group_of(n) == group_of(m), same);
                    prop_assert!(!leads(n)[m] || group_of(m) <= group_of(n));
                }
            }
        }
    }
}
