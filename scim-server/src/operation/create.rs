use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::validate::validate_new;
use scim_core::{Object, Projection, ResourceId, TypeDefinition};

use super::{answer_to_write, check_relation_values, forget_password, load_for};
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::resource_response;
use crate::request::{parse_projection, read_object};
use crate::service::{Incoming, Inner};
use crate::store::{NewResource, ResourceStore, Write};

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
    let projection = Projection::new(definition, &params, inner.quirks())?.with_set_by(definition, &body);
    let projection = answer_to_write(context, definition, projection, inner.quirks())?;
    let new = new_resource(inner, definition, inner.sources.ids.resource_id(), body)?;
    let write = Write::create(definition, new).with_load(load_for(definition, &projection));
    let record = inner.store.write(context, write).await?.into_created()?;
    resource_response(context, definition, record, projection, StatusCode::CREATED)
}

/// What a POST asks to be kept, once the schemas have accepted it.
pub(super) fn new_resource<S>(
    inner: &Inner<S>,
    definition: &TypeDefinition,
    id: ResourceId,
    body: Object,
) -> Result<NewResource, Error> {
    let mut draft = validate_new(definition, body, inner.quirks())?;
    check_relation_values(&draft, &inner.limits)?;
    forget_password(definition, &mut draft);
    Ok(NewResource::new(id, draft.resource, draft.relations))
}
