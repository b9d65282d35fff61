//! How much one request may send, how long it may take, and how many there may be at once.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::layer::limits::LimitsLayer;
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use std::time::Duration;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limits = LimitsLayer::new().with_body(100).with_time(Duration::from_secs(10)).with_concurrency(64);
//! let service = ServiceBuilder::new().layer(limits).service(ScimService::builder(MemoryStore::new()).build());
//!
//! let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
//! let request = Request::post("/Users").body(Body::from(user.as_bytes().to_vec()))?;
//! assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::CREATED);
//!
//! let request = Request::post("/Users").body(Body::from(vec![b' '; 101]))?;
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::PAYLOAD_TOO_LARGE);
//! # Ok(())
//! # }
//! ```

mod body;
mod layer;
mod service;

pub use body::{LimitedBody, LimitedBodyError};
pub use layer::LimitsLayer;
pub use service::{LimitsFuture, LimitsService};
