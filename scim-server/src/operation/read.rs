use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::{Projection, ResourceId, TypeDefinition};

use super::{load_for, not_found};
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::{empty_response, resource_response};
use crate::request::parse_projection;
use crate::service::{Incoming, Inner};
use crate::store::ResourceStore;

/// GET on a resource (RFC 7644 section 3.4.1).
pub(crate) async fn read<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    id: &ResourceId,
    request: &Incoming,
) -> Result<Response<Body>, Error> {
    let params = parse_projection(request.query.as_deref())?;
    let projection = Projection::new(definition, &params, inner.quirks())?;
    let load = load_for(definition, &projection);
    let record = inner.store.get(context, definition, id, load).await?;
    let record = record.ok_or_else(|| not_found(definition, id.as_str()))?;
    request.conditions.of_read().check(record.version)?;
    if request.conditions.is_known(record.version) {
        return Ok(empty_response(StatusCode::NOT_MODIFIED, Some(record.version)));
    }
    resource_response(context, definition, record, projection, StatusCode::OK)
}
