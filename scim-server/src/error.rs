//! From everything that can go wrong to the one error body of RFC 7644 section 3.12.

use std::time::Duration;

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use scim_core::message::MessageError;
use scim_core::{
    JsonError, JsonErrorKind, PatchError, ScimError, ScimType, ValidationError, Version, excerpt,
};
use scim_filter::{ParseError, ResolveError};

use crate::body::Body;
use crate::context::{RequestContext, RequestId};
use crate::cursor::CursorError;
pub use crate::operation::BulkError;
use crate::render::json;
use crate::store::{StoreError, UnavailableError};

/// The media type of SCIM (RFC 7644 section 8.1).
pub(crate) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is served at this path.
    #[error("there is no endpoint `{path}`")]
    NoEndpoint {
        /// The path, shortened.
        path: String,
    },
    /// There is no resource, schema or resource type of this id.
    #[error("there is no {what} with the id `{id}`")]
    NotFound {
        /// What was looked for.
        what: String,
        /// The id, shortened.
        id: String,
    },
    /// The endpoint does not have this method.
    #[error("{method} is not possible here; this endpoint takes {allow}")]
    Method {
        /// The method of the request.
        method: String,
        /// The methods that it has.
        allow: &'static str,
    },
    /// A feature that this server declares not to have.
    #[error("{0} is not supported by this server; see ServiceProviderConfig for what is")]
    NotSupported(&'static str),
    /// The body is not declared as JSON.
    #[error("the content type `{0}` cannot be read; send application/scim+json")]
    MediaType(String),
    /// The body is declared to be in another charset than UTF-8.
    #[error("the charset `{0}` cannot be read; SCIM is UTF-8")]
    Charset(String),
    /// The body is encoded in a way that this server does not read.
    #[error("the content encoding `{0}` cannot be read; send the body without one")]
    ContentEncoding(String),
    /// The body is larger than the limit.
    #[error("the body is larger than the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The body ended early or could not be read.
    #[error("the body could not be read to its end")]
    BodyRead,
    /// The path cannot be decoded.
    #[error("{0}")]
    Path(String),
    /// The query string cannot be decoded, or has a parameter twice.
    #[error("{0}")]
    Query(String),
    /// There is more than one Host header.
    #[error("the header Host is given more than once")]
    Hosts,
    /// The Host header, or the authority of an absolute request target, is no name of a server.
    #[error("`{0}` is no host, with or without a port, that a request could be for")]
    Host(String),
    /// A policy refuses what the request is about to do.
    #[error("{}", .0.detail())]
    Policy(ScimError),
    /// A header of RFC 7644 section 3.14 is no list of entity tags.
    #[error(
        "the header {name} must be `*` or at most 100 versions in double quotes such as W/\"1\", got `{got}`"
    )]
    Tags {
        /// The header.
        name: &'static str,
        /// What it says, shortened.
        got: String,
    },
    /// The resource has a version that If-None-Match names.
    #[error(
        "the header If-None-Match rules this out: the resource exists, and its version is {}",
        current.etag()
    )]
    NoneMatch {
        /// The version that it has.
        current: Version,
    },
    /// The body is not JSON, or not JSON that is accepted.
    #[error("the body cannot be read: {0}")]
    Json(#[from] JsonError),
    /// The message does not have the form that it should.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The body is not an object.
    #[error("the body must be a JSON object, got {0}")]
    NotAnObject(&'static str),
    /// The resource does not keep to its schemas.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// The PATCH cannot be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The filter cannot be read.
    #[error("the filter cannot be read: {0}")]
    FilterSyntax(ParseError),
    /// The filter asks something that the schemas do not have.
    #[error("the filter cannot be used: {0}")]
    Filter(ResolveError),
    /// The filter of a URL is about a value that must not be in one.
    #[error("the filter cannot be used: {0}")]
    Sensitive(ResolveError),
    /// The attribute to sort by cannot be used.
    #[error("`sortBy` cannot be used: {0}")]
    SortBy(String),
    /// A request names more values of a relation than the limit.
    #[error("`{attribute}` has more than the limit of {limit} values in one request")]
    TooManyValues {
        /// The attribute.
        attribute: String,
        /// The limit.
        limit: usize,
    },
    /// Too many operations of one PATCH look at all values of a relation.
    #[error(
        "more than {limit} operations look at all values of `{attribute}`; name values with `{attribute}[value eq \"...\"]`, or send several requests"
    )]
    TooManySweeps {
        /// The attribute.
        attribute: String,
        /// The limit.
        limit: usize,
    },
    /// Discovery endpoints have no filter (RFC 7644 section 4).
    #[error("filters are not possible at this endpoint")]
    FilterForbidden,
    /// The cursor cannot be used.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The count is not that of the first page of a query by cursor.
    #[error("`count` must stay the same from page to page: {expected}, got {got}")]
    Count {
        /// The count of the first page.
        expected: usize,
        /// The count of the request.
        got: i64,
    },
    /// `/Me` was asked for by nobody.
    #[error("the request has no authenticated subject that `/Me` could stand for")]
    NoSubject,
    /// `/Me` stands for no resource, or for several.
    #[error("{0}")]
    NotMe(String),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store could not keep a change now.
    #[error(transparent)]
    NotSaved(UnavailableError),
    /// A bulk request, or one of its operations, cannot be carried out.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// Something that only the log should explain.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// The error as clients get it. Whatever is internal is replaced by a sentence with the request's id.
    #[must_use]
    pub fn to_scim(&self, request: &RequestId) -> ScimError {
        let typed = |scim_type| ScimError::new(400, self.to_string()).with_type(scim_type);
        let plain = |status| ScimError::new(status, self.to_string());
        match self {
            Self::NoEndpoint { .. } | Self::NotFound { .. } => plain(404),
            Self::Method { .. } => plain(405),
            Self::NotSupported(_) => plain(501),
            Self::MediaType(_) | Self::Charset(_) | Self::ContentEncoding(_) => plain(415),
            Self::BodyTooLarge { .. } => plain(413),
            // No scimType is about paths, headers and broken connections.
            Self::BodyRead | Self::Path(_) | Self::Hosts | Self::Host(_) | Self::Tags { .. } => plain(400),
            Self::Policy(refusal) => refusal.clone(),
            Self::NoneMatch { .. } => plain(412),
            Self::TooManySweeps { .. } => typed(ScimType::TooMany),
            Self::Query(_) | Self::TooManyValues { .. } | Self::SortBy(_) => typed(ScimType::InvalidValue),
            Self::Json(error) => match error.kind() {
                JsonErrorKind::Empty => ScimError::new(400, "the body is empty; a JSON object is expected")
                    .with_type(ScimType::InvalidSyntax),
                _ => typed(ScimType::InvalidSyntax),
            },
            Self::NotAnObject(_) => typed(ScimType::InvalidSyntax),
            Self::Message(error) => typed(error.scim_type()),
            Self::Validation(error) => typed(error.scim_type()),
            Self::Patch(error) => typed(error.scim_type()),
            Self::FilterSyntax(_) | Self::Filter(_) => typed(ScimType::InvalidFilter),
            Self::Sensitive(_) => plain(403).with_type(ScimType::Sensitive),
            Self::FilterForbidden => plain(403),
            Self::Cursor(CursorError::Invalid) => typed(ScimType::InvalidCursor),
            Self::Cursor(CursorError::Expired) => typed(ScimType::ExpiredCursor),
            Self::Count { .. } => typed(ScimType::InvalidCount),
            Self::NoSubject => plain(401),
            Self::NotMe(_) => plain(404),
            Self::Store(error) => store_error(error, request),
            Self::NotSaved(_) => not_saved(request),
            Self::Bulk(error) => error.to_scim(),
            Self::Internal(_) => internal(request),
        }
    }

    /// Whether the cause is this server's, for the log.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Internal(_)
                | Self::NotSaved(_)
                | Self::Store(StoreError::Internal(_) | StoreError::Unavailable(_))
        )
    }

    /// The error as it may be told to who asks: who may not read is not told what is kept.
    pub(crate) fn for_client(self, context: &RequestContext) -> Self {
        match self {
            Self::Store(error) if context.write_only => Self::Store(error.without_value().unwrap_or(error)),
            error => error,
        }
    }

    /// The error of a request that was to change something.
    pub(crate) fn of_write(self) -> Self {
        match self {
            Self::Store(StoreError::Unavailable(unavailable)) => Self::NotSaved(unavailable),
            error => error,
        }
    }

    /// The answer for a client.
    #[must_use]
    pub fn to_response(&self, request: &RequestId) -> Response<Body> {
        let mut response = error_response(&self.to_scim(request));
        if let Self::Method { allow, .. } = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Self::NoSubject = self {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"SCIM\""));
        }
        if let Self::Store(StoreError::Unavailable(unavailable)) | Self::NotSaved(unavailable) = self {
            insert_retry_after(&mut response, unavailable.retry_after);
        }
        response
    }
}

fn store_error(error: &StoreError, request: &RequestId) -> ScimError {
    match error {
        // "409 ... uniqueness" (RFC 7644 section 3.3)
        StoreError::Uniqueness { .. } => {
            ScimError::new(409, error.to_string()).with_type(ScimType::Uniqueness)
        }
        StoreError::Member { error, .. } => store_error(error, request),
        StoreError::TooLarge { .. } => ScimError::new(413, error.to_string()),
        StoreError::WorkSpent { .. } | StoreError::QueryWorkSpent => {
            ScimError::new(400, error.to_string()).with_type(ScimType::TooMany)
        }
        StoreError::Precondition { .. } => ScimError::new(412, error.to_string()),
        StoreError::UnknownReference { .. } => {
            ScimError::new(400, error.to_string()).with_type(ScimType::InvalidValue)
        }
        StoreError::Patch(patch) => ScimError::new(400, patch.to_string()).with_type(patch.scim_type()),
        StoreError::Refused(refusal) => refusal.clone(),
        StoreError::Contended => ScimError::new(409, error.to_string()),
        StoreError::Unavailable(_) => {
            ScimError::new(503, format!("the directory cannot be reached now; try again (request {request})"))
        }
        StoreError::Internal(_) => internal(request),
    }
}

/// The answer to a change that a store could not keep now.
pub(crate) fn not_saved(request: &RequestId) -> ScimError {
    ScimError::new(
        503,
        format!(
            "the change could not be saved; send it again, and if that does not help, the administrator of this \
             server should look what its log says and whether its disk is full (request {request})"
        ),
    )
}

fn internal(request: &RequestId) -> ScimError {
    ScimError::new(
        500,
        format!("something went wrong on this server; its log says more under request {request}"),
    )
}

/// The answer that carries an error: the one writer for this crate and for layers that refuse.
#[must_use]
pub fn error_response(error: &ScimError) -> Response<Body> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, error.to_object().to_vec())
}

/// The answer to something that only the log should explain.
pub(crate) fn internal_response(request: Option<&RequestId>) -> Response<Body> {
    let error = request.map_or_else(|| ScimError::new(500, "something went wrong on this server"), internal);
    error_response(&error)
}

/// Says when to try again, in whole seconds as identity providers read it; at least one.
pub(crate) fn insert_retry_after(response: &mut Response<Body>, after: Duration) {
    let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0)).max(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
}

/// A path that nothing is served at.
pub(crate) fn no_endpoint(path: &str) -> Error {
    Error::NoEndpoint { path: excerpt(path) }
}
