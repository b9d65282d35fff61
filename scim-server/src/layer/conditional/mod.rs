//! Conditional requests (RFC 7644 section 3.14, RFC 9110 section 13) in front of a service.
//!
//! [`ScimService`](crate::ScimService) itself compares versions, inside the store's transaction, and answers 304 and 412.
//! This layer is for what stands around that: it refuses `If-Match` and `If-None-Match` that cannot be read before any
//! work is done, can ask every change, those of a Bulk as well, to say which version it is of, and gives 304 on behalf of services that do not.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::layer::conditional::ConditionalLayer;
//! use scim_server::Body;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = ConditionalLayer::new().require_if_match();
//! let service = ServiceBuilder::new().layer(layer).service(service_fn(|_: Request<Body>| async {
//!     let mut response = http::Response::new(Body::from(b"{}".to_vec()));
//!     response.headers_mut().insert("etag", http::HeaderValue::from_static("W/\"3\""));
//!     Ok::<_, std::convert::Infallible>(response)
//! }));
//! let send = |method, name, value| {
//!     let request = Request::builder().method(method).uri("/Users/1").header(name, value).body(Body::empty());
//!     let service = service.clone();
//!     async move { Ok::<_, Box<dyn std::error::Error>>(service.oneshot(request?).await?.status()) }
//! };
//! assert_eq!(send("GET", "if-none-match", "W/\"3\"").await?, StatusCode::NOT_MODIFIED);
//! assert_eq!(send("GET", "if-none-match", "W/\"2\"").await?, StatusCode::OK);
//! assert_eq!(send("GET", "if-none-match", "three").await?, StatusCode::BAD_REQUEST);
//! assert_eq!(send("PUT", "if-match", "W/\"3\"").await?, StatusCode::OK);
//! assert_eq!(send("PUT", "accept", "*/*").await?, StatusCode::PRECONDITION_REQUIRED);
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use layer::ConditionalLayer;
pub use service::{ConditionalFuture, ConditionalService};
