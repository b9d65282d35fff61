//! Bearer-token authentication (RFC 6750) as a layer: fixed tokens, access tokens of OAuth 2.0, or both.
//!
//! A token says who asks ([`Principal`](crate::Principal)), whether it may read and write ([`Scopes`]), and whose data it
//! is for ([`TenantAccess`]).
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_server::layer::auth::{Access, AuthLayer, Scopes, StaticTokens};
//! use scim_server::{Body, Principal};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reader = Access::new(Principal::new("auditor")).with_scopes(Scopes::READ);
//! let tokens = StaticTokens::new()
//!     .with("entra", "s3cret-token-of-entra")?
//!     .with_access(reader, "s3cret-token-of-auditor")?;
//! let service = ServiceBuilder::new().layer(AuthLayer::new(tokens)).service(service_fn(
//!     |request: Request<Body>| async move {
//!         assert!(request.extensions().get::<Principal>().is_some());
//!         Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
//!     },
//! ));
//! for (method, token, status) in [
//!     ("DELETE", "s3cret-token-of-entra", StatusCode::OK),
//!     ("GET", "s3cret-token-of-auditor", StatusCode::OK),
//!     ("DELETE", "s3cret-token-of-auditor", StatusCode::FORBIDDEN),
//!     ("GET", "guess", StatusCode::UNAUTHORIZED),
//! ] {
//!     let request = Request::builder().method(method).uri("/Users/1");
//!     let request = request.header("Authorization", format!("Bearer {token}")).body(Body::empty())?;
//!     assert_eq!(service.clone().oneshot(request).await?.status(), status);
//! }
//! # Ok(())
//! # }
//! ```

mod access;
mod any_of;
#[cfg(feature = "jwt")]
pub mod jwt;
mod layer;
mod service;
mod tokens;

pub use access::{Access, Scope, Scopes, TenantAccess};
pub use any_of::AnyOf;
pub use layer::AuthLayer;
pub use service::AuthService;
pub use tokens::{AuthError, StaticTokens, TokenError, VerifyToken};
