//! From stored resources to the bytes of an answer.

mod resource;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use scim_core::message::ListResponse;
use scim_core::{Object, Projection, TypeDefinition, Version};

use crate::body::Body;
use crate::context::RequestContext;
use crate::error::{Error, SCIM_JSON};
use crate::store::{Record, StoreError, location};
use resource::Scribe;
pub(crate) use stream::Pieces;

/// Answers of which more than this is expected are written while they are sent.
const WHOLE: usize = 256 * 1024;

/// The resources of one type in an answer, and what is shown of them.
#[derive(Debug)]
pub(crate) struct Shown {
    definition: Arc<TypeDefinition>,
    projection: Projection,
    /// Whether all that is stored is shown, so that it can be copied.
    copies: bool,
}

impl Shown {
    pub(crate) fn new(definition: &Arc<TypeDefinition>, projection: Projection) -> Self {
        let copies = projection.shows_all(definition);
        Self { definition: Arc::clone(definition), projection, copies }
    }
}

/// The answer with one resource: its version in `ETag`, and in `Location` where it is new.
pub(crate) fn resource_response(
    context: &RequestContext,
    definition: &Arc<TypeDefinition>,
    record: Record,
    projection: Projection,
    status: StatusCode,
) -> Result<Response<Body>, Error> {
    let version = record.version;
    let location = location(context, definition, &record.id);
    let copies = projection.shows_all(definition);
    let body = if copies && estimate(std::slice::from_ref(&record)) > WHOLE {
        let shown = Shown::new(definition, projection);
        Pieces::new(context, vec![shown], vec![record], Vec::new(), b"")?.into()
    } else {
        let mut bytes = Vec::new();
        Scribe { context, definition, projection: &projection, copies }.write(&record, &mut bytes)?;
        Body::from(bytes)
    };
    let mut response = json_body(status, body);
    insert_etag(&mut response, version);
    // RFC 7644 section 3.3 asks for Location on create; on others it says where the resource is.
    insert(&mut response, LOCATION, location);
    Ok(response)
}

/// The answer with a page of resources.
pub(crate) fn list_response(
    context: &RequestContext,
    shown: Vec<Shown>,
    list: &ListResponse,
    records: Vec<Record>,
) -> Result<Response<Body>, Error> {
    let mut bytes = Vec::with_capacity(estimate(&records).min(WHOLE) + 512);
    list.open(records.len(), &mut bytes);
    if is_long(&shown, &records) {
        let pieces = Pieces::new(context, shown, records, bytes, ListResponse::CLOSE)?;
        return Ok(json_body(StatusCode::OK, pieces.into()));
    }
    for (n, record) in records.iter().enumerate() {
        if n > 0 {
            bytes.push(b',');
        }
        Scribe::new(context, of_type(&shown, record)?).write(record, &mut bytes)?;
    }
    bytes.extend_from_slice(ListResponse::CLOSE);
    Ok(json_body(StatusCode::OK, bytes.into()))
}

/// Whether an answer is better written while it is sent: it is long, and nothing can go wrong on the way.
fn is_long(shown: &[Shown], records: &[Record]) -> bool {
    estimate(records) > WHOLE && shown.iter().all(|shown| shown.copies)
}

/// About how many bytes resources come to.
fn estimate(records: &[Record]) -> usize {
    const REFERENCE: usize = 192;
    const META: usize = 320;
    let references = |record: &Record| {
        record.related.iter().flat_map(|related| &related.references).map(Vec::len).sum::<usize>()
    };
    let size = |record: &Record| record.document.len() + META + REFERENCE * references(record);
    records.iter().map(size).sum()
}

/// What is shown of a resource, by its type.
fn of_type<'s>(shown: &'s [Shown], record: &Record) -> Result<&'s Shown, Error> {
    let known = shown.iter().find(|shown| shown.definition.name() == &*record.resource_type);
    known.ok_or_else(|| {
        StoreError::internal(format!("the store returned a {} that was not asked for", record.resource_type))
            .into()
    })
}

/// The answer to a PATCH without a body: which version there is now, and where (RFC 7644 section 3.5.2.1).
pub(crate) fn changed_response(
    context: &RequestContext,
    definition: &TypeDefinition,
    record: &Record,
) -> Response<Body> {
    let mut response = empty_response(StatusCode::NO_CONTENT, Some(record.version));
    insert(&mut response, LOCATION, location(context, definition, &record.id));
    response
}

/// An answer without a body that still says which version there is now.
pub(crate) fn empty_response(status: StatusCode, version: Option<Version>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    protect(&mut response);
    if let Some(version) = version {
        insert_etag(&mut response, version);
    }
    response
}

/// An answer with an object that is no stored resource.
pub(crate) fn object_response(object: &Object) -> Response<Body> {
    json(StatusCode::OK, object.to_vec())
}

/// An answer with JSON text.
pub(crate) fn json(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    json_body(status, bytes.into())
}

fn json_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    protect(&mut response);
    response
}

/// The headers that every answer has. Answers are about people: no cache on the way may keep them, and no browser
/// may take them for anything but what they say they are.
pub(crate) fn protect(response: &mut Response<Body>) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn insert_etag(response: &mut Response<Body>, version: Version) {
    insert(response, ETAG, version.etag());
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: String) {
    // By its bytes, which are taken over as they are.
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
        response.headers_mut().insert(name, value);
    }
}
