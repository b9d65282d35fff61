//! The operations of RFC 7644 sections 3 and 4, one file each: from a request that has been read to an answer.

mod bulk;
mod create;
mod delete;
mod discovery;
mod list;
mod me;
mod patch;
mod read;
mod replace;

pub use bulk::{BulkError, BulkOutcome, BulkOutcomes};
pub(crate) use bulk::{bulk, read_bulk_body};
pub(crate) use create::create;
pub(crate) use delete::delete;
pub use discovery::AuthenticationScheme;
pub(crate) use discovery::{resource_types, schemas, service_provider_config};
pub(crate) use list::{list, search};
pub(crate) use me::{Me, me, takes_body};
pub use me::{MeBy, SubjectResolver};
pub(crate) use patch::patch;
pub(crate) use read::read;
pub(crate) use replace::replace;
use scim_core::patch::{Action, RelationAction};
use scim_core::validate::{Issue, IssueKind};
use scim_core::{
    ChangeSet, Draft, Projection, QueryParams, Quirk, Quirks, TypeDefinition, ValidationError, excerpt, urn,
};

use crate::context::RequestContext;
use crate::error::Error;
use crate::limits::Limits;
use crate::store::Load;

/// The answer to an id that no resource of the type has.
pub(crate) fn not_found(definition: &TypeDefinition, id: &str) -> Error {
    Error::NotFound { what: definition.name().to_owned(), id: excerpt(id) }
}

/// What the answer to a write shows, where this is what the request asks for.
///
/// # Errors
/// None in practice: those of a projection that asks for too much at once.
fn answer_to_write(
    context: &RequestContext,
    definition: &TypeDefinition,
    asked: Projection,
    quirks: &Quirks,
) -> Result<Projection, Error> {
    if !context.write_only {
        return Ok(asked);
    }
    // What is always returned, `id` among it, comes by itself.
    let mut shown = QueryParams::default();
    shown.attributes = ["schemas", "meta"].map(str::to_owned).into();
    Ok(Projection::new(definition, &shown, quirks)?)
}

/// Whether relations are to be loaded for what a projection shows.
fn load_for(definition: &TypeDefinition, projection: &Projection) -> Load {
    let relations = definition.relations().iter().map(|relation| &*relation.attribute);
    let derived = definition.derived().iter().map(|derived| &*derived.attribute);
    let shown = relations
        .chain(derived)
        .filter_map(|name| definition.attribute(name))
        .any(|attribute| projection.shows(attribute));
    if shown { Load::All } else { Load::None }
}

/// Passwords are taken and thrown away: this server signs nobody in, says so in ServiceProviderConfig
/// (`changePassword`), and what is not kept cannot leak (RFC 7643 section 9).
///
/// One that comes with a whole user is part of what identity providers send with every user, and passed over.
fn forget_password(definition: &TypeDefinition, draft: &mut Draft) {
    if definition.base().id().is(urn::USER) {
        draft.hidden.retain(|path| path != PASSWORD);
        draft.resource.attributes_mut().remove(PASSWORD);
    }
}

/// As [`forget_password`], for the changes of a PATCH.
///
/// # Errors
/// That a password cannot be set, where that is not tolerated: who asks for nothing else is told that it was done, and
/// people would try to sign in with it.
fn forget_password_changes(
    definition: &TypeDefinition,
    changes: &mut ChangeSet,
    quirks: &Quirks,
) -> Result<(), Error> {
    if !definition.base().id().is(urn::USER) {
        return Ok(());
    }
    let mut given = false;
    changes.changes.retain(|change| {
        let is_password = change.target.extension.is_none() && &*change.target.attribute == PASSWORD;
        given |= is_password && matches!(change.action, Action::Add(_) | Action::Replace(Some(_)));
        !is_password
    });
    if !given || quirks.tolerate(Quirk::ForgetPasswords) {
        return Ok(());
    }
    let why = "this server signs nobody in and keeps no passwords, as `changePassword` of ServiceProviderConfig says";
    Err(ValidationError::from(Issue::new(PASSWORD, IssueKind::NotChangeable { why })).into())
}

fn check_relation_values(draft: &Draft, limits: &Limits) -> Result<(), Error> {
    count_values(draft.relations.iter().map(|values| (&*values.attribute, values.targets.len())), limits)
}

/// As [`check_relation_values`], for a PATCH: all its operations together.
fn check_relation_changes(changes: &ChangeSet, limits: &Limits) -> Result<(), Error> {
    let named = changes.relations.iter().map(|change| (&*change.attribute, relation_values(&change.action)));
    count_values(named, limits)?;
    // Each of these looks at all values that there are, inside the store's transaction.
    let limit = limits.relation_sweeps;
    match changes.relations.iter().filter(|change| change.is_sweep()).nth(limit) {
        Some(change) => Err(Error::TooManySweeps { attribute: change.attribute.as_ref().to_owned(), limit }),
        None => Ok(()),
    }
}

/// How many values of a relation a change names.
fn relation_values(action: &RelationAction) -> usize {
    match action {
        RelationAction::Add(ids) | RelationAction::Remove(ids) | RelationAction::Replace(ids) => ids.len(),
        _ => 1,
    }
}

fn count_values<'a>(named: impl Iterator<Item = (&'a str, usize)>, limits: &Limits) -> Result<(), Error> {
    let limit = limits.relation_values;
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (attribute, values) in named {
        let total = match counts.iter_mut().find(|(known, _)| *known == attribute) {
            Some((_, total)) => {
                *total = total.saturating_add(values);
                *total
            }
            None => {
                counts.push((attribute, values));
                values
            }
        };
        if total > limit {
            return Err(Error::TooManyValues { attribute: attribute.to_owned(), limit });
        }
    }
    Ok(())
}

const PASSWORD: &str = "password";
