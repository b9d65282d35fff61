//! Bearer-token authentication (RFC 6750) as a layer.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::layer::auth::{AuthLayer, StaticTokens};
//! use scim_server::{Body, Principal};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = StaticTokens::new().with("entra", "s3cret-token-of-entra")?;
//! let service = ServiceBuilder::new().layer(AuthLayer::new(tokens)).service(service_fn(
//!     |request: Request<Body>| async move {
//!         assert_eq!(request.extensions().get::<Principal>().map(Principal::as_str), Some("entra"));
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//!     },
//! ));
//!
//! let right = Request::get("/Users").header("Authorization", "Bearer s3cret-token-of-entra").body(Body::empty())?;
//! assert_eq!(service.clone().oneshot(right).await?.status(), StatusCode::OK);
//!
//! let wrong = Request::get("/Users").header("Authorization", "Bearer guess").body(Body::empty())?;
//! let refused = service.oneshot(wrong).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! assert!(refused.headers().contains_key("www-authenticate"));
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;
mod tokens;

pub use layer::AuthLayer;
pub use service::AuthService;
pub use tokens::{AuthError, StaticTokens, TokenError, VerifyToken};
