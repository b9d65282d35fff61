//! A panic becomes an answer, and the server goes on.
//!
//! The answer is 500 with the error body of SCIM and the request's id. The log says under which id there was a panic; its
//! text is left to the panic hook of the program, because it may tell about people. A hook of the program's own keeps it
//! out of the log altogether.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::layer::panic_guard::PanicGuardLayer;
//! use scim_server::Body;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new().layer(PanicGuardLayer::new()).service(service_fn(
//!     |request: Request<Body>| async move {
//!         assert_eq!(request.uri(), "/Users", "only users are implemented");
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//!     },
//! ));
//! let request = Request::get("/Groups").body(Body::empty())?;
//! assert_eq!(service.clone().oneshot(request).await?.status(), StatusCode::INTERNAL_SERVER_ERROR);
//! let request = Request::get("/Users").body(Body::empty())?;
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use layer::PanicGuardLayer;
pub use service::{PanicGuardFuture, PanicGuardService};
