//! Counting what a query looks at.

use std::cell::Cell;
use std::sync::Weak;

use scim_filter::{Node, ValueRef};

use super::StoreError;

/// How much more a query may look at.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<u64>,
    /// Gone once nobody waits for the answer any more.
    caller: Option<Weak<()>>,
}

/// What a resource costs before any value of it is looked at.
const RESOURCE: u64 = 4;

impl Meter {
    /// So many values.
    pub(super) fn new(values: u64) -> Self {
        Self { left: Cell::new(values), caller: None }
    }

    /// The query is given up as soon as this is gone.
    #[cfg(feature = "memory")]
    pub(super) fn for_caller(self, caller: Weak<()>) -> Self {
        Self { caller: Some(caller), ..self }
    }

    /// Pays for a resource that is about to be looked at.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn begin_resource(&self) -> Result<(), StoreError> {
        self.left.set(self.left.get().saturating_sub(RESOURCE));
        self.check()
    }

    /// Whether what was found out counts.
    ///
    /// # Errors
    /// [`StoreError::QueryWorkSpent`] if there was more to look at than may be, any error if nobody waits.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.caller.as_ref().is_some_and(|caller| caller.strong_count() == 0) {
            return Err(StoreError::internal("nobody waits for the answer to a query any more"));
        }
        if self.left.get() == 0 { Err(StoreError::QueryWorkSpent) } else { Ok(()) }
    }

    /// A value whose parts are counted when they are looked at. Once nothing is left there are none.
    pub(super) fn watch<V>(&self, value: V) -> Metered<'_, V> {
        Metered { value, left: &self.left }
    }
}

/// A value that counts what is looked at of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metered<'m, V> {
    value: V,
    left: &'m Cell<u64>,
}

impl<V> Metered<'_, V> {
    /// Whether one more may be looked at.
    fn pay(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() > 0
    }
}

impl<'v, 'm, V: ValueRef<'v>> ValueRef<'v> for Metered<'m, V> {
    type Items = Each<'m, V::Items>;
    type Members = Each<'m, V::Members>;

    fn node(self) -> Node<'v> {
        self.value.node()
    }

    fn items(self) -> Self::Items {
        Each { values: self.value.items(), left: self.left }
    }

    fn members(self) -> Self::Members {
        Each { values: self.value.members(), left: self.left }
    }

    fn member(self, name: &str) -> Option<Self> {
        if !self.pay() {
            return None;
        }
        self.value.member(name).map(|value| Self { value, ..self })
    }
}

/// Values one after the other, each of which counts.
pub(super) struct Each<'m, I> {
    values: I,
    left: &'m Cell<u64>,
}

impl<'m, I: Iterator> Iterator for Each<'m, I> {
    type Item = Metered<'m, I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = Metered { value: self.values.next()?, left: self.left };
        value.pay().then_some(value)
    }
}
