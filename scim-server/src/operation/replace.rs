use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::validate::validate_replacement;
use scim_core::{Object, Projection, ResourceId, TypeDefinition};

use super::{answer_to_write, check_relation_values, forget_password, load_for, not_found};
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::resource_response;
use crate::request::{parse_projection, read_object};
use crate::service::{Incoming, Inner};
use crate::store::{Load, Precondition, Replacement, ResourceStore, StoreError, Target, Write, Written};

/// How often a PUT without If-Match is tried again when others change the resource in between.
const TRIES: usize = 128;

/// PUT on a resource (RFC 7644 section 3.5.1).
pub(crate) async fn replace<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    id: &ResourceId,
    request: &Incoming,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let params = parse_projection(request.query.as_deref())?;
    let body = read_object(body, &inner.limits)?;
    let projection = Projection::new(definition, &params, inner.quirks())?.with_set_by(definition, &body);
    let projection = answer_to_write(context, definition, projection, inner.quirks())?;
    let load = load_for(definition, &projection);
    let target = Target::new(definition, id).with_precondition(request.conditions.of_write());
    let written = put(inner, context, &target, &body, load, |_| Ok(())).await;
    let written = written.map_err(|error| match error {
        Error::Store(error) => request.conditions.write_error(error),
        other => other,
    })?;
    resource_response(context, definition, written.record, projection, StatusCode::OK)
}

/// Replaces a resource by what the schemas and `check` accept as a successor of its present version.
pub(super) async fn put<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    target: &Target,
    body: &Object,
    load: Load,
    mut check: impl FnMut(&Replacement) -> Result<(), Error>,
) -> Result<Written, Error> {
    let Target { definition, id, precondition: asked, .. } = target;
    for _ in 0..TRIES {
        let current = inner.store.get(context, definition, id, Load::None).await?;
        let current = current.ok_or_else(|| not_found(definition, id.as_str()))?;
        asked.check(current.version)?;
        context.budget.pay(current.document.len())?;
        // Immutable and hidden values are judged against this version, so it must still be there when writing.
        let had = current.to_resource().map_err(StoreError::internal)?;
        let mut draft = validate_replacement(definition, body.clone(), &had, inner.quirks())?;
        check_relation_values(&draft, &inner.limits)?;
        forget_password(definition, &mut draft);
        let sets_hidden = !draft.hidden.is_empty();
        let replacement = Replacement::new(draft.resource, draft.relations).always_a_change(sets_hidden);
        check(&replacement)?;
        let unchanged = Precondition::IfVersion(vec![current.version]);
        let target = Target::new(definition, id).with_precondition(unchanged);
        match inner.store.write(context, Write::replace(target, replacement).with_load(load)).await {
            Ok(outcome) => {
                return outcome.into_written()?.ok_or_else(|| not_found(definition, id.as_str()));
            }
            Err(StoreError::Precondition { current }) => asked.check(current)?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Contended.into())
}
