use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::{ResourceId, TypeDefinition};

use super::not_found;
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::empty_response;
use crate::service::{Incoming, Inner};
use crate::store::{ResourceStore, Target, Write};

/// DELETE on a resource (RFC 7644 section 3.6).
pub(crate) async fn delete<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    id: &ResourceId,
    request: &Incoming,
) -> Result<Response<Body>, Error> {
    let target = Target::new(definition, id).with_precondition(request.conditions.of_write());
    let deleted = inner.store.write(context, Write::delete(target)).await;
    if deleted.map_err(|error| request.conditions.write_error(error))?.into_deleted()? {
        Ok(empty_response(StatusCode::NO_CONTENT, None))
    } else {
        Err(not_found(definition, id.as_str()))
    }
}
