//! From stored resources to the bytes of an answer.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use scim_core::{Object, Projection, TypeDefinition, Value, Version};

use crate::body::Body;
use crate::context::RequestContext;
use crate::error::{Error, SCIM_JSON};
use crate::store::{Record, StoreError, location};

/// Appends a resource as JSON: by copying what is stored where the projection shows all of it.
pub(crate) fn write_record(
    context: &RequestContext,
    definition: &TypeDefinition,
    record: &Record,
    projection: &Projection,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    if !projection.shows_all(definition) {
        let object = record.to_object(context, definition).map_err(StoreError::internal)?;
        projection.write(definition, &object, out);
        return Ok(());
    }
    let open = record.document.strip_suffix(b"}").ok_or_else(|| damaged(record))?;
    out.reserve(open.len() + 320);
    out.extend_from_slice(open);
    for related in &record.related {
        let values: Vec<Value> = related
            .references
            .iter()
            .flatten()
            .map(|reference| reference.to_value(context, definition, &related.attribute))
            .collect();
        let shown = definition
            .attribute(&related.attribute)
            .filter(|_| !values.is_empty())
            .and_then(|attribute| projection.apply_to(attribute, &Value::Array(values)));
        if let Some(shown) = shown {
            member(out, &related.attribute, &shown);
        }
    }
    member(out, "meta", &Value::Object(record.meta(context, definition)));
    out.push(b'}');
    Ok(())
}

fn member(out: &mut Vec<u8>, name: &str, value: &Value) {
    out.push(b',');
    Value::from(name).write(out);
    out.push(b':');
    value.write(out);
}

fn damaged(record: &Record) -> Error {
    Error::Internal(format!("the stored document of {} is damaged", record.id.as_str()))
}

/// The answer with one resource: its version in `ETag`, and in `Location` where it is new.
pub(crate) fn resource_response(
    context: &RequestContext,
    definition: &TypeDefinition,
    record: &Record,
    projection: &Projection,
    status: StatusCode,
) -> Result<Response<Body>, Error> {
    let mut bytes = Vec::new();
    write_record(context, definition, record, projection, &mut bytes)?;
    let mut response = json(status, bytes);
    insert_etag(&mut response, record.version);
    let uri = location(context, definition, &record.id);
    // RFC 7644 section 3.3 asks for Location on create; on others it says where the resource is.
    insert(&mut response, LOCATION, &uri);
    Ok(response)
}

/// The answer to a PATCH without a body: which version there is now, and where (RFC 7644 section 3.5.2.1).
pub(crate) fn changed_response(
    context: &RequestContext,
    definition: &TypeDefinition,
    record: &Record,
) -> Response<Body> {
    let mut response = empty_response(StatusCode::NO_CONTENT, Some(record.version));
    insert(&mut response, LOCATION, &location(context, definition, &record.id));
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
    let mut response = Response::new(Body::from(bytes));
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
    insert(response, ETAG, &version.etag());
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
