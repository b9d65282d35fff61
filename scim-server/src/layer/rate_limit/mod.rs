//! Requests per time, for each client, principal or tenant (feature `rate-limit`).
//!
//! What goes past the limit is answered 429 with `Retry-After`, which identity providers heed. The counting is that of the
//! crate `governor`: a bucket that fills up evenly, so that there are no windows to wait for.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::Body;
//! use scim_server::context::PeerAddr;
//! use scim_server::layer::rate_limit::RateLimitLayer;
//! use std::time::Duration;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = RateLimitLayer::new(60, Duration::from_secs(60)).with_burst(2);
//! let service = ServiceBuilder::new().layer(layer).service(service_fn(|_: Request<Body>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//! }));
//! for (peer, status) in [
//!     ("192.0.2.1:1000", StatusCode::OK),
//!     ("192.0.2.1:1001", StatusCode::OK),
//!     ("192.0.2.1:1002", StatusCode::TOO_MANY_REQUESTS),
//!     ("192.0.2.2:1000", StatusCode::OK),
//! ] {
//!     let request = Request::get("/Users").extension(PeerAddr(peer.parse()?)).body(Body::empty())?;
//!     let response = service.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status);
//!     assert_eq!(response.headers().contains_key("retry-after"), status == StatusCode::TOO_MANY_REQUESTS);
//! }
//! # Ok(())
//! # }
//! ```

mod buckets;
mod layer;
mod service;

pub use layer::RateLimitLayer;
pub use service::RateLimitService;
