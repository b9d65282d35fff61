use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::validate::validate_new;
use scim_core::{Projection, TypeDefinition};

use super::{check_relation_values, forget_password, load_for};
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::resource_response;
use crate::request::{parse_projection, read_object};
use crate::service::{Incoming, Inner};
use crate::store::{NewResource, ResourceStore};

/// POST on a collection (RFC 7644 section 3.3).
pub(crate) async fn create<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    request: &Incoming,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let params = parse_projection(request.query.as_deref())?;
    let body = read_object(body, &inner.limits)?;
    let projection = Projection::new(definition, &params, &inner.quirks)?.with_set_by(definition, &body);
    let mut draft = validate_new(definition, body, &inner.quirks)?;
    check_relation_values(&draft, &inner.limits)?;
    forget_password(definition, &mut draft.resource);
    let new = NewResource::new(inner.sources.ids.resource_id(), draft.resource, draft.relations);
    let load = load_for(definition, &projection);
    let record = inner.store.create(context, definition, new, load).await?;
    resource_response(context, definition, &record, &projection, StatusCode::CREATED)
}
