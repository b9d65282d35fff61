//! Layers around the service, each of use without the others.
//!
//! Outermost first, which is also the order in `tower::ServiceBuilder`:
//!
//! | layer | what it does | answers of its own | feature |
//! |---|---|---|---|
//! | [`forwarded`] | believes proxies that are trusted, and nobody else, about host, scheme and client | 400 | |
//! | [`trace`] | request id, one log line | | |
//! | `metrics` | counts and times by route | | `metrics` |
//! | [`panic_guard`] | makes an answer of a panic | 500 | |
//! | [`limits`] | bytes and time of one request, number of requests at once | 408, 413, 503 | |
//! | `rate_limit` | requests per time and client, principal or tenant | 429 | `rate-limit` |
//! | [`auth`] | bearer tokens and what they are good for; access tokens of OAuth 2.0 | 400, 401, 403, 404, 503 | `jwt`, `jwks-http` |
//! | [`tenant`] | whose data the request is about | 400, 403, 404 | |
//! | [`audit`] | one event for each request that writes, and for each operation of a Bulk | | |
//! | [`conditional`] | `If-Match` and `If-None-Match` | 304, 400, 428 | |
//!
//! A rate limit by client goes outside [`auth`], so that guessing tokens is slow; one by principal or tenant goes inside.
//!
//! [`tenant`] and [`auth`] may change places: whichever comes second refuses a token that is for another tenant. With
//! [`auth`] outside, nobody without a token learns which tenants there are. With [`tenant`] outside, the prefixes of
//! [`with_open_discovery`](auth::AuthLayer::with_open_discovery) are those that are left once a tenant's path is taken
//! away, and each tenant's tokens can be looked up in its own place.
//!
//! What is in a request, as the operations of a Bulk are, no layer sees. Those that decide about it put a
//! [`Policy`](crate::policy::Policy) on the request, and the service asks that.
//!
//! [`audit`] outside [`auth`] also reports the writes that were refused there.

pub mod audit;
pub mod auth;
pub mod conditional;
pub mod forwarded;
mod future;
pub mod limits;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod panic_guard;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
pub mod tenant;
pub mod trace;

pub use future::ResponseFuture;

use http::Method;

use crate::route::{decode, is_search};

/// Whether a request only reads: GET, HEAD, OPTIONS, and POST to a `.search` (RFC 7644 section 3.4.3), however it is
/// written.
pub(crate) fn only_reads(method: &Method, path: &str) -> bool {
    let last = || path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => true,
        Method::POST => decode(last()).is_ok_and(|last| is_search(&last)),
        _ => false,
    }
}
