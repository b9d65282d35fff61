//! Carrying out a write, for all stores that come with this crate.

use std::sync::Arc;

use scim_core::{ChangeSet, TypeDefinition, Version};

use super::change::{self, Ahead, Creation, Effect, Encoding, Mutation, RelationDiff, Removal, Writer};
use super::view::{Row, Stored, View, loaded};
use super::{Load, NewResource, Outcome, StoreError, Target, Write, Written};
use crate::context::RequestContext;

/// One tenant's data within a transaction.
pub(super) trait Transaction: View + Sized {
    /// Whether new resources can be kept. Where nothing can be undone, this finds all that [`Transaction::commit`]
    /// could find.
    fn check_new(&self, new: &[Creation]) -> Result<(), StoreError>;

    /// Carries out a change, or fails; whether it is undone then is the store's affair.
    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError>;

    /// Carries out the change of a relation.
    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError>;

    /// Takes a resource out of all tables.
    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError>;
}

/// A write of which all is worked out that takes no data, so that nobody waits for it.
#[derive(Debug)]
pub(super) enum Prepared {
    /// New resources, encoded.
    Create(Vec<(Arc<TypeDefinition>, Encoding)>, Load),
    /// A PATCH, with what it comes to if nothing comes in between.
    Apply(Target, ChangeSet, Load, Option<Ahead>),
    /// Anything else.
    Other(Write),
}

impl Prepared {
    /// Works out what it can.
    pub(super) fn new(write: Write) -> Self {
        match write {
            Write::Create { new, load } => {
                let encode = |(definition, new): (Arc<TypeDefinition>, NewResource)| {
                    let encoding = Encoding::new(&definition, new);
                    (definition, encoding)
                };
                Self::Create(new.into_iter().map(encode).collect(), load)
            }
            Write::Apply { target, changes, load } => Self::Apply(target, changes, load, None),
            other => Self::Other(other),
        }
    }
}

/// Carries out a write; whatever it changes gets this version.
#[cfg(feature = "sqlite")]
pub(super) fn perform<T: Transaction>(
    data: &mut T,
    context: &RequestContext,
    version: Version,
    write: Write,
) -> Result<Outcome, StoreError> {
    carry_out(data, context, version, Prepared::new(write))
}

/// Carries out a write that is prepared; whatever it changes gets this version.
pub(super) fn carry_out<T: Transaction>(
    data: &mut T,
    context: &RequestContext,
    version: Version,
    write: Prepared,
) -> Result<Outcome, StoreError> {
    match write {
        Prepared::Create(new, load) => {
            let new = change::create(data, context, version, new)?;
            create(data, new, load)
        }
        Prepared::Apply(target, changes, load, ahead) => {
            let writer = writer(data, context, &target, version);
            let effect = writer.apply(&target.id, &changes, &target.precondition, ahead)?;
            finish(data, &target.definition, effect, load)
        }
        Prepared::Other(Write::Replace { target, replacement, load }) => {
            let writer = writer(data, context, &target, version);
            let effect = writer.replace(&target.id, replacement, &target.precondition)?;
            finish(data, &target.definition, effect, load)
        }
        Prepared::Other(Write::Delete { target }) => {
            let removal = writer(data, context, &target, version).delete(&target.id, &target.precondition)?;
            let Some(removal) = removal else { return Ok(Outcome::Missing) };
            data.remove(&removal, version)?;
            Ok(Outcome::Deleted)
        }
        Prepared::Other(write) => carry_out(data, context, version, Prepared::new(write)),
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
    let mut kept = Vec::with_capacity(new.len());
    let mut rows = Vec::with_capacity(new.len());
    for Creation { definition, mut mutation } in new {
        let relations = std::mem::take(&mut mutation.relations);
        let stored = data.commit(&definition, mutation)?;
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
