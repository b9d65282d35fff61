//! Carrying out a write, for all stores that come with this crate.

use scim_core::{TypeDefinition, Version};

use super::change::{self, Ahead, Creation, Effect, Mutation, RelationDiff, Removal, Writer};
use super::view::{Row, Stored, View, loaded};
use super::{Load, Outcome, StoreError, Target, Write, Written};
use crate::context::RequestContext;

/// One tenant's data within a transaction.
pub(super) trait Transaction: View + Sized {
    /// Whether new resources can be kept, whose ids differ from each other. Where nothing can be undone, this finds all
    /// that [`Transaction::commit`] could find.
    fn check_new(&self, new: &[Creation]) -> Result<(), StoreError>;

    /// Carries out a change, or fails; whether it is undone then is the store's affair.
    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError>;

    /// Carries out the change of a relation.
    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError>;

    /// Takes a resource out of all tables.
    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError>;
}

/// Carries out a write; whatever it changes gets this version.
///
/// The write itself is only [normalized](super::encode::normalize): it comes to the same when it is carried out again,
/// though nothing is ahead then.
pub(super) fn perform<T: Transaction>(
    data: &mut T,
    context: &RequestContext,
    version: Version,
    write: &mut Write,
    ahead: Ahead,
) -> Result<Outcome, StoreError> {
    context.budget.check_work()?;
    match write {
        Write::Create { new, load } => {
            let new = change::create(data, context, version, new, ahead.into_new())?;
            create(data, new, *load)
        }
        Write::Replace { target, replacement, load } => {
            let effect = writer(data, context, target, version).replace(
                &target.id,
                replacement,
                &target.precondition,
            )?;
            finish(data, &target.definition, effect, *load)
        }
        Write::Apply { target, changes, load } => {
            let writer = writer(data, context, target, version);
            let effect = writer.apply(&target.id, changes, &target.precondition, ahead.into_changes())?;
            finish(data, &target.definition, effect, *load)
        }
        Write::Delete { target } => {
            let removal = writer(data, context, target, version).delete(&target.id, &target.precondition)?;
            let Some(removal) = removal else { return Ok(Outcome::Missing) };
            data.remove(&removal, version)?;
            Ok(Outcome::Deleted)
        }
    }
}

fn writer<'a, T: Transaction>(
    view: &'a T,
    context: &'a RequestContext,
    target: &'a Target,
    version: Version,
) -> Writer<'a, T> {
    Writer { view, context, definition: &target.definition, version, coming: None }
}

/// Keeps all resources before any of them refers to another.
fn create<T: Transaction>(data: &mut T, new: Vec<Creation>, load: Load) -> Result<Outcome, StoreError> {
    data.check_new(&new)?;
    let count = new.len();
    let mut kept = Vec::with_capacity(count);
    let mut rows = Vec::with_capacity(count);
    for (nth, Creation { definition, mut mutation }) in new.into_iter().enumerate() {
        let relations = std::mem::take(&mut mutation.relations);
        let stored = data.commit(&definition, mutation).map_err(|error| blame(error, nth, count))?;
        rows.push(stored.row);
        kept.push((definition, stored, relations));
    }
    for (_, stored, relations) in &mut kept {
        for diff in relations {
            diff.place(&rows);
            data.relate(stored.row, diff)?;
        }
    }
    let records = kept.into_iter().map(|(definition, stored, _)| loaded(data, &definition, stored, load));
    records.collect::<Result<_, _>>().map(Outcome::Created)
}

/// Says which of several new resources cannot be kept, where that is what is wrong.
pub(super) fn blame(error: StoreError, nth: usize, count: usize) -> StoreError {
    match error {
        StoreError::Uniqueness { .. } | StoreError::UnknownReference { .. } | StoreError::TooLarge { .. }
            if count > 1 =>
        {
            StoreError::Member { nth, error: Box::new(error) }
        }
        error => error,
    }
}

fn finish<T: Transaction>(
    data: &mut T,
    definition: &TypeDefinition,
    effect: Effect,
    load: Load,
) -> Result<Outcome, StoreError> {
    let (stored, changed) = match effect {
        Effect::Missing => return Ok(Outcome::Missing),
        Effect::Unchanged(stored) => (stored, false),
        Effect::Changed(mutation) => (data.commit(definition, mutation)?, true),
    };
    Ok(Outcome::Written(Written::new(loaded(data, definition, stored, load)?, changed)))
}
