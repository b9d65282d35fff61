//! POST on `/Bulk` (RFC 7644 section 3.7): read, order, run, answer.

mod answer;
mod budget;
mod error;
mod order;
mod outcome;
mod reference;
mod request;
mod run;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as HttpBody;

use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::json;
use crate::request::{read_body, read_object};
use crate::service::Inner;
use crate::store::ResourceStore;

pub use error::BulkError;
pub use outcome::{BulkOutcome, BulkOutcomes};

/// How much deeper the data of an operation lies than the body of a request of its own: in an operation, in a list, in
/// the message.
const DEPTH: usize = 3;

/// Reads a body as far as `maxPayloadSize`.
pub(crate) async fn read_bulk_body<S, B: HttpBody>(
    inner: &Inner<S>,
    headers: &HeaderMap,
    body: B,
) -> Result<Bytes, Error> {
    let limits = inner.limits.clone().with_body(inner.limits.bulk_payload);
    read_body(headers, body, &limits).await.map_err(|error| match error {
        Error::BodyTooLarge { limit } => BulkError::TooLarge { limit }.into(),
        other => other,
    })
}

/// Carries out the operations of a BulkRequest.
pub(crate) async fn bulk<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let mut limits = inner.limits.clone();
    limits.json.depth = limits.json.depth.saturating_add(DEPTH);
    let object = read_object(body, &limits)?;
    let request = request::BulkRequest::read(inner, object)?;
    let budget = context.budget.clone().with_work(inner.limits.bulk_work);
    let context = context.clone().with_budget(budget);
    let results = run::run(inner, &context, request).await;
    let mut response = json(StatusCode::OK, answer::write(&results));
    response.extensions_mut().insert(BulkOutcomes::new(results.into_iter().map(|result| result.outcome)));
    Ok(response)
}
