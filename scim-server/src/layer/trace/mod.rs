//! Request ids and one log line per request, as a layer.
//!
//! The line has method, route (without ids), status, duration and request id. Query strings, bodies and the header
//! Authorization are never logged: filters and bodies are about people.
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
//!         assert_eq!(request.extensions().get::<RequestId>().map(RequestId::as_str), Some("from-the-proxy-1"));
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//!     },
//! ));
//! let request = Request::get("/Users").header("X-Request-Id", "from-the-proxy-1").body(Body::empty())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()["x-request-id"], "from-the-proxy-1");
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use layer::TraceLayer;
pub use service::TraceService;
