//! Whose data a request is about: by path, by host name or by who asks.
//!
//! The layer puts [`TenantId`] on requests, and what else belongs to the tenant: its
//! [`Quirks`](scim_core::Quirks), its schemas, the base URL of its locations. A tenant that is not known is answered 404;
//! no request falls through to somebody else's data.
//!
//! | found by | the request | the service sees | locations begin with |
//! |---|---|---|---|
//! | [`by_path("/t", ..)`](TenantLayer::by_path) | `/t/acme/scim/v2/Users` | `/scim/v2/Users` | `http://example.com/t/acme/scim/v2` |
//! | [`by_subdomain("example.com", ..)`](TenantLayer::by_subdomain) | `Host: acme.example.com` | the same | `http://acme.example.com/scim/v2` |
//! | [`by_host(..)`](TenantLayer::by_host) | `Host: id.acme.example` | the same | `http://id.acme.example/scim/v2` |
//! | [`by_principal(..)`](TenantLayer::by_principal) | any | the same | `http://example.com/scim/v2` |
//!
//! The stores of this crate number the versions of all tenants by one counter, so that who writes now and then can tell from
//! `ETag` and `meta.version` how much is written in all tenants together, though not by whom or what; a store for each
//! tenant keeps that apart too.
//!
//! Tokens that are bound to a tenant need no layer but [`auth`](super::auth), which then sets the tenant itself.
//!
//! ```
//! use http::{Request, StatusCode};
//! use scim_core::Quirks;
//! use scim_server::layer::tenant::{Tenant, TenantLayer, Tenants};
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tenants = Tenants::new()
//!     .with("acme", Tenant::new("tenant-1".parse()?))
//!     .with("umbrella", Tenant::new("tenant-2".parse()?).with_quirks(Quirks::strict()));
//! let service = ServiceBuilder::new()
//!     .layer(TenantLayer::by_path("/t", tenants))
//!     .service(ScimService::builder(MemoryStore::new()).mounted_at(["/scim/v2"]).build());
//!
//! let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
//! let request = Request::post("/t/acme/scim/v2/Users").header("host", "example.com");
//! let created = service.clone().oneshot(request.body(Body::from(user.as_bytes().to_vec()))?).await?;
//! let location = created.headers()["location"].to_str()?.to_owned();
//! let path = location.strip_prefix("http://example.com").ok_or("a location here")?;
//! assert!(path.starts_with("/t/acme/scim/v2/Users/"));
//!
//! for (path, status) in [
//!     (path.to_owned(), StatusCode::OK),
//!     (path.replace("acme", "umbrella"), StatusCode::NOT_FOUND),
//!     ("/t/nobody/scim/v2/Users".to_owned(), StatusCode::NOT_FOUND),
//!     ("/scim/v2/Users".to_owned(), StatusCode::NOT_FOUND),
//! ] {
//!     let request = Request::get(&path).body(Body::empty())?;
//!     assert_eq!(service.clone().oneshot(request).await?.status(), status, "{path}");
//! }
//! # Ok(())
//! # }
//! ```

mod find;
mod layer;
mod service;

pub use find::{FindTenant, Tenant, Tenants};
pub use layer::TenantLayer;
pub use service::TenantService;

use scim_core::{ScimError, TenantId};

use super::auth::TenantAccess;

/// Whether a token may be used for the data that a request is about.
pub(crate) fn check(chosen: Option<&TenantId>, access: &TenantAccess) -> Result<(), ScimError> {
    match (chosen, access) {
        (None, _) | (Some(_), TenantAccess::Every) => Ok(()),
        (Some(chosen), TenantAccess::Only(tenant)) if chosen == tenant => Ok(()),
        // Whether others are there is nobody's business.
        (Some(_), TenantAccess::Only(_)) => Err(unknown()),
        (Some(_), TenantAccess::Unbound) => Err(ScimError::new(
            403,
            "the bearer token belongs to no tenant, and this server has several; bind the token to one of them",
        )),
    }
}

/// The one answer to tenants that are not there and to those that the client must not know of.
pub(crate) fn unknown() -> ScimError {
    ScimError::new(404, "there is no such tenant")
}
