//! One event for each request that writes: who did what to which resource, and how it ended.
//!
//! An event has no bodies, no filters and no secrets. It is made of every POST that is no search, PUT, PATCH and DELETE,
//! also where it was refused, and also where it was given up before the answer was there; then it has no status, and its
//! [`Outcome`] says why. A Bulk request has one event for itself, and one for each of its operations, refused ones included, but for those
//! that `failOnErrors` left out. Where it was given up, those are told that had ended; of the one or the few that the
//! store was carrying out together just then, nobody knows.
//!
//! ```
//! use http::Request;
//! use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink};
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use std::sync::{Arc, Mutex};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! #[derive(Clone, Debug, Default)]
//! struct Kept(Arc<Mutex<Vec<AuditEvent>>>);
//!
//! impl AuditSink for Kept {
//!     fn record(&self, event: AuditEvent) {
//!         self.0.lock().map(|mut events| events.push(event)).unwrap_or_default();
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kept = Kept::default();
//! let service = ServiceBuilder::new()
//!     .layer(AuditLayer::new(kept.clone()))
//!     .service(ScimService::builder(MemoryStore::new()).build());
//! let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
//! service.clone().oneshot(Request::post("/Users").body(Body::from(user.as_bytes().to_vec()))?).await?;
//! service.oneshot(Request::get("/Users").body(Body::empty())?).await?;
//!
//! let events = kept.0.lock().map_err(|_| "poisoned")?;
//! let [event] = &events[..] else { return Err("one event, for the one request that writes".into()) };
//! assert_eq!((event.method.as_str(), event.status), ("POST", Some(201)));
//! assert!(event.resource_id.is_some() && event.version.is_some());
//! # Ok(())
//! # }
//! ```

mod event;
mod json_lines;
mod layer;
mod service;
mod sink;

pub use event::{AuditEvent, Outcome};
pub use json_lines::JsonLinesSink;
pub use layer::AuditLayer;
pub use service::{AuditFuture, AuditService};
pub use sink::{AuditSink, TracingSink};
