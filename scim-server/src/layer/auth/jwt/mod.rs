//! Access tokens of OAuth 2.0: signed JWTs, in the way of RFC 9068 (feature `jwt`).
//!
//! Checked are the signature, with a key that the issuer has published; issuer and audience; the times `exp` and `nbf`;
//! and the scopes, which become read and write access. Refused are tokens that are not signed, that name an algorithm
//! which is not allowed or which the key is not for, that name no key (`kid`), that ask for extensions (`crit`), and
//! those of more than 16 KiB.
//!
//! Keys come from a [`FetchKeys`]: a fixed [`KeySet`], or `HttpKeys` (feature `jwks-http`), which reads the document that
//! the issuer calls `jwks_uri`. They are read again from time to time, and when a token names a key that is not there yet,
//! though not more often than a least time apart: forged tokens make no storm. When the issuer cannot be reached, the
//! keys that are there go on for a day; where none were ever read, requests are answered 503 with `Retry-After`.
//!
//! ```
//! use scim_server::layer::auth::AuthLayer;
//! use scim_server::layer::auth::jwt::{JwtVerifier, KeySet};
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeySet::from_json(
//!     r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
//! )?;
//! let tokens = JwtVerifier::new("https://login.example.com/", "https://scim.example.com/", keys);
//! let service = ServiceBuilder::new()
//!     .layer(AuthLayer::new(tokens))
//!     .service(ScimService::builder(MemoryStore::new()).build());
//!
//! // {"alg": "none"}
//! let forged = "Bearer eyJhbGciOiJub25lIiwia2lkIjoiMjAyNiJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tLyJ9.";
//! let request = http::Request::get("/Users").header("Authorization", forged).body(Body::empty())?;
//! assert_eq!(service.oneshot(request).await?.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # Microsoft Entra ID
//!
//! Where the administrator leaves the field "Secret Token" empty, Entra's provisioning service sends tokens of its own:
//! issuer `https://sts.windows.net/<tenant id>/`, keys at
//! `https://login.microsoftonline.com/<tenant id>/discovery/v2.0/keys`, a GUID as audience, and no scopes at all:
//!
//! ```
//! # use scim_server::layer::auth::Scopes;
//! # use scim_server::layer::auth::jwt::{JwtAlgorithm, JwtVerifier, KeySet};
//! # fn verifier(keys: KeySet) -> JwtVerifier {
//! JwtVerifier::new(
//!     "https://sts.windows.net/6d4f8e2c-0000-0000-0000-000000000000/",
//!     "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
//!     keys,
//! )
//! .with_algorithms([JwtAlgorithm::RS256])
//! .with_principal_claims(["appid", "azp", "sub"])
//! .with_default_scopes(Scopes::READ_WRITE)
//! # }
//! ```

mod cache;
mod claims;
#[cfg(feature = "jwks-http")]
mod http;
mod keys;
mod verifier;

#[cfg(feature = "jwks-http")]
pub use http::{HttpKeys, HttpKeysError};
pub use keys::{FetchError, FetchKeys, JwtAlgorithm, KeySet, KeySetError};
pub use verifier::JwtVerifier;
