//! Request ids and one log line per request, as a layer.
//!
//! The line has method, route (without ids), status, duration, principal and request id. A request that gets no answer has
//! an outcome in the place of the status: `abandoned` where the client has gone, `timed out`, or `failed` after a panic. Query strings, bodies and the header
//! Authorization are not logged: filters and bodies are about people. [`TraceLayer::with_uri`] adds path and query.
//!
//! ```
//! use http::Request;
//! use scim_server::layer::trace::TraceLayer;
//! use scim_server::{Body, RequestId};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new().layer(TraceLayer::new()).service(service_fn(
//!     |request: Request<Body>| async move {
//!         assert!(request.extensions().get::<RequestId>().is_some());
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//!     },
//! ));
//! let request = Request::get("/Users").header("X-Request-Id", "from-the-proxy-1").body(Body::empty())?;
//! let response = service.clone().oneshot(request).await?;
//! assert_eq!(response.headers()["x-request-id"], "from-the-proxy-1");
//!
//! // An id that could not stand in a log line is not taken; the request gets one of its own.
//! let request = Request::get("/Users").header("X-Request-Id", "\"><script>").body(Body::empty())?;
//! let response = service.oneshot(request).await?;
//! assert_ne!(response.headers()["x-request-id"], "\"><script>");
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use layer::TraceLayer;
pub use service::{TraceFuture, TraceService};
