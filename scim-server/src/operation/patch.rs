use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::{ChangeSet, PatchRequest, Projection, ResourceId, TypeDefinition};

use super::{answer_to_write, check_relation_changes, forget_password_changes, load_for, not_found};
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::{changed_response, resource_response};
use crate::request::{parse_projection, read_object};
use crate::service::{Incoming, Inner};
use crate::store::{Load, ResourceStore, Target, Write};

/// PATCH on a resource (RFC 7644 section 3.5.2).
///
/// "200 OK with the entire resource" or "204": 200, unless relations have more values than the limit and the request
/// does not say what it wants to see.
pub(crate) async fn patch<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    id: &ResourceId,
    request: &Incoming,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let params = parse_projection(request.query.as_deref())?;
    let body = read_object(body, &inner.limits)?;
    let patch = PatchRequest::from_object(body, inner.quirks(), &inner.limits.patch)?;
    let projection = Projection::new(definition, &params, inner.quirks())?;
    let changes = changes(inner, definition, patch)?;
    let projection = projection.with_changed(definition, &changes);
    let projection = answer_to_write(context, definition, projection, inner.quirks())?;
    let load = match load_for(definition, &projection) {
        Load::All if !projection.is_explicit() => Load::AtMost(inner.limits.patch_answer_values),
        load => load,
    };
    let target = Target::new(definition, id).with_precondition(request.conditions.of_write());
    let written = inner.store.write(context, Write::apply(target, changes).with_load(load)).await;
    let written = written.map_err(|error| request.conditions.write_error(error))?.into_written()?;
    let record = written.ok_or_else(|| not_found(definition, id.as_str()))?.record;
    if record.related.iter().any(|related| related.references.is_none()) {
        return Ok(changed_response(context, definition, &record));
    }
    resource_response(context, definition, record, projection, StatusCode::OK)
}

/// The changes that a PATCH asks for, once the schemas have accepted them.
pub(super) fn changes<S>(
    inner: &Inner<S>,
    definition: &TypeDefinition,
    patch: PatchRequest,
) -> Result<ChangeSet, Error> {
    let mut changes = patch.resolve(definition, inner.quirks())?;
    check_relation_changes(&changes, &inner.limits)?;
    forget_password_changes(definition, &mut changes, inner.quirks())?;
    Ok(changes)
}
