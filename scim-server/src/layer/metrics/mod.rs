//! Counts and times of requests, for whatever recorder of the crate `metrics` a program has installed
//! (feature `metrics`).
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `scim_requests_total` | counter | `route`, `method`, `status` | requests that were answered |
//! | `scim_requests_cancelled_total` | counter | `method` | requests whose client has gone before the answer |
//! | `scim_request_duration_seconds` | histogram | `route`, `method`, `status` | from the request to its answer |
//! | `scim_requests_in_flight` | gauge | | requests under way |
//! | `scim_request_body_bytes` | histogram | `route`, `method` | length of bodies of requests, where it is declared |
//! | `scim_response_body_bytes` | histogram | `route`, `method` | length of bodies of answers |
//!
//! Labels have few values whatever clients send: `route` is the name of a route of the service without ids, such as
//! `/Users/{id}`, or `other`; `method` is one of those that HTTP and SCIM have, or `other`; `status` is the class, such as
//! `2xx`.
//!
//! ```
//! use http::Request;
//! use scim_server::layer::metrics::MetricsLayer;
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A program installs a recorder first, such as that of `metrics-exporter-prometheus`.
//! MetricsLayer::describe();
//! let service = ServiceBuilder::new()
//!     .layer(MetricsLayer::new())
//!     .service(ScimService::builder(MemoryStore::new()).build());
//! let response = service.oneshot(Request::get("/Users").body(Body::empty())?).await?;
//! assert!(response.status().is_success());
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use layer::MetricsLayer;
pub use service::MetricsService;
