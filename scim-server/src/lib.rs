//! A SCIM 2.0 server as a tower service over a storage trait (RFC 7644).
//!
//! [`ScimService`] takes HTTP requests of any body type and answers every one of them. What it leaves to others: the
//! schemas, validation and PATCH (`scim-core`), filters (`scim-filter`), where resources are kept
//! ([`ResourceStore`](store::ResourceStore), with stores of its own to choose from), who may ask
//! ([`AuthLayer`](layer::auth::AuthLayer) or a layer of yours), and TLS.
//!
//! ```
//! use http::{Request, StatusCode};
//! use http_body_util::BodyExt;
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ScimService::builder(MemoryStore::new())
//!     .base_url("https://example.com/scim/v2")
//!     .mounted_at(["/scim/v2"])
//!     .build();
//!
//! let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
//! let request = Request::post("/scim/v2/Users")
//!     .header("content-type", "application/scim+json")
//!     .body(Body::from(user.as_bytes().to_vec()))?;
//! let created = service.clone().oneshot(request).await?;
//! assert_eq!(created.status(), StatusCode::CREATED);
//! assert!(created.headers()["location"].to_str()?.starts_with("https://example.com/scim/v2/Users/"));
//!
//! let request = Request::get("/scim/v2/Users?filter=userName+eq+%22ADA%22").body(Body::empty())?;
//! let found = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
//! assert!(std::str::from_utf8(&found)?.contains(r#""totalResults":1"#));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to find what
//!
//! - [`ScimService`] and [`ScimServiceBuilder`]: the service, and everything that can be set.
//! - [`store::ResourceStore`]: the trait that a directory of your own implements; [`store`] says what it promises.
//! - [`layer`]: tokens, tenants, limits, audit, metrics and more, each of use without the others; see below.
//! - [`RequestContext`]: what a store learns of the request it works for. Layers set [`Principal`],
//!   [`TenantId`](scim_core::TenantId) and [`RequestId`] as extensions of the request; the service reads them, and
//!   sets [`RouteName`] on the answer, and [`BulkOutcomes`] on that to a bulk request. By the extensions [`Quirks`](scim_core::Quirks) and
//!   `Arc<`[`Registry`](scim_core::Registry)`>` a layer chooses for one request what else the builder sets, by
//!   [`BaseUrl`](context::BaseUrl) and [`PathPrefix`](context::PathPrefix) where its locations lead, and by
//!   [`WriteOnly`](context::WriteOnly) that the answers to its writes show next to nothing.
//! - [`RegistryHandle`]: exchanges the schemas and resource types while the service runs.
//! - [`Error`]: everything that can go wrong, and its answer. [`error::error_response`] writes the same body for
//!   layers that refuse.
//! - `serve` (feature `serve`): HTTP/1.1 with limits, time-outs and a graceful end, for programs that have no server
//!   of their own.
//!
//! # In a server that you have
//!
//! `ScimService` is a [`tower_service::Service`] whose error is [`Infallible`](std::convert::Infallible), so that it
//! goes wherever tower services go. Under axum, hand it to `Router::nest_service("/scim/v2", service)`: axum takes the
//! prefix away before the service sees the path, so leave [`mounted_at`](ScimServiceBuilder::mounted_at) alone and give
//! the whole URL to [`base_url`](ScimServiceBuilder::base_url), because locations cannot be made from a path that is
//! gone. With `fallback_service` the path stays as it is, and `mounted_at` is what says where the service is. On hyper,
//! wrap it in `hyper_util::service::TowerToHyperService`.
//!
//! # Layers
//!
//! They go around the service in this order, outermost first; leave out what you have no need of.
//!
//! | layer | what it does |
//! |---|---|
//! | [`forwarded`](layer::forwarded) | host, scheme and client as told by proxies that are trusted |
//! | [`trace`](layer::trace) | request id, one log line without personal data |
//! | `metrics` (feature `metrics`) | counts and times by route |
//! | [`panic_guard`](layer::panic_guard) | 500 instead of a connection that breaks off |
//! | [`limits`](layer::limits) | bytes, time and number of requests |
//! | `rate_limit` (feature `rate-limit`) | 429 with `Retry-After`; by client here, by principal or tenant after those |
//! | [`auth`](layer::auth) | bearer tokens with scopes; access tokens of OAuth 2.0 (feature `jwt`) |
//! | [`tenant`](layer::tenant) | whose data, by path, host or principal |
//! | [`audit`](layer::audit) | one event for each request that writes |
//! | [`conditional`](layer::conditional) | `If-Match` that is malformed or missing |
//!
//! ```
//! use scim_server::layer::audit::{AuditLayer, TracingSink};
//! use scim_server::layer::auth::{AuthLayer, StaticTokens};
//! use scim_server::layer::limits::LimitsLayer;
//! use scim_server::layer::panic_guard::PanicGuardLayer;
//! use scim_server::layer::trace::TraceLayer;
//! use scim_server::store::MemoryStore;
//! use scim_server::ScimService;
//! use tower::ServiceBuilder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mounts = ["/scim/v2"];
//! let tokens = StaticTokens::new().with("entra", "a-long-and-random-token")?;
//! let service = ServiceBuilder::new()
//!     .layer(TraceLayer::new())
//!     .layer(PanicGuardLayer::new())
//!     .layer(LimitsLayer::new())
//!     .layer(AuthLayer::new(tokens).with_open_discovery(mounts))
//!     .layer(AuditLayer::new(TracingSink))
//!     .service(ScimService::builder(MemoryStore::new()).mounted_at(mounts).build());
//! # let _ = service;
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! What goes past a limit is refused with a sentence that names it; [`Limits`] has all of them.
//!
//! | what | default | answer |
//! |---|---|---|
//! | body | 1 MiB | 413 |
//! | depth of JSON | 64 | 400 invalidSyntax |
//! | filter in a URL, in a `.search`: length | 8 KiB, 64 KiB | 400 invalidFilter |
//! | filter: depth, terms | 64, 256 | 400 invalidFilter |
//! | operations of a PATCH | 1,000 | 400 invalidSyntax |
//! | operations of a bulk request, its body | 1,000, 4 MiB | 413 |
//! | bytes of one resource as it is kept, relations not counted | 1 MiB | 413 |
//! | bytes of resources that all operations of a bulk request read and write | 64 MiB | 400 tooMany for each that is left |
//! | PATCH work of all operations of a bulk request | ten times that of one PATCH, in even shares | 400 tooMany |
//! | bytes of a value that a PATCH sets in several elements | 1 MiB | 400 tooMany |
//! | values of a relation such as `members` in one request, bulk requests too | 100,000 | 400 invalidValue |
//! | resources on a page | 1,000 | a page of that many |
//! | age of a cursor | 1 hour | 400 expiredCursor |
//! | characters of a text (digits of a number) that sorting looks at | 256 | a tie, in the order of creation |
//! | characters of `display` in `members` and `groups` | 256 | the beginning of the name |
//! | values of relations in the answer to a PATCH | 100 | 204 without a body |
//!
//! # Paging
//!
//! By index (RFC 7644 section 3.4.2.4) unless the request has `cursor`, then by cursor (RFC 9865). An index counts
//! anew for each page, so that what others create and delete in between shifts it; a cursor marks a place in the order,
//! so that pages neither repeat nor leave out what stays there. A page by cursor costs what the first page costs, and
//! the server keeps nothing for it.
//!
//! A cursor is encrypted and good for one query: for the tenant, the principal, the types, `filter`, `sortBy` and
//! `sortOrder` that it was given out for, with the count of the first page. What each request shows of the resources
//! (`attributes`) is its own matter. Servers with the same [`CursorKey`] accept each other's. `totalResults` is there on
//! every page; where counting would cost more than the page, it is that of the first.
//!
//! # `/Me`
//!
//! Answered 501 until [`ScimServiceBuilder::me`] says which resource belongs to a [`Principal`]:
//!
//! ```
//! use http::Request;
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, MeBy, Principal, ScimService};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ScimService::builder(MemoryStore::new()).me("User", MeBy::UserName).build();
//! let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
//! let request = Request::post("/Users").body(Body::from(user.as_bytes().to_vec()))?;
//! let created = service.clone().oneshot(request).await?;
//!
//! // A layer for authentication sets the principal.
//! let request = Request::get("/Me").extension(Principal::new("Ada")).body(Body::empty())?;
//! let me = service.oneshot(request).await?;
//! assert_eq!(me.headers()["location"], created.headers()["location"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `memory` | `store::MemoryStore` | yes |
//! | `precis` | user names are held to RFC 8265 where the quirk `any_user_name` is off | yes |
//! | `sqlite` | `store::SqliteStore`: one file, SQLite built in | no |
//! | `postgres` | `store::PostgresStore`: a PostgreSQL database, for several processes at once; it builds C code (AWS-LC) | no |
//! | `conformance` | `store::conformance`: the contract of a store as test functions | no |
//! | `serve` | the module `serve` | no |
//! | `jwt` | `layer::auth::jwt`: access tokens of OAuth 2.0, signed as JWTs; it builds C code (AWS-LC) | no |
//! | `jwks-http` | `layer::auth::jwt::HttpKeys`: their keys, fetched over HTTPS | no |
//! | `rate-limit` | `layer::rate_limit` | no |
//! | `metrics` | `layer::metrics` | no |
//!
//! # Standard
//!
//! RFC 7644: 3.1 to 3.14, 4, 6, and bearer tokens of 2; RFC 9865; RFC 7643 through `scim-core`.
//! `POST /.search` and GET on the base URL query all types at once. Bulk requests (3.7) resolve `bulkId:x` in paths and where
//! data refers to a resource, forward and in circles; writes that need nothing of each other go to the store together
//! ([`write_all`](store::ResourceStore::write_all)); results have no bodies but those of errors. Tolerated deviations are
//! flags of [`Quirks`](scim_core::Quirks), set for the service or, as an extension of the request, for one tenant or
//! request; [`ScimService::quirk_uses`] counts which were needed.
//!
//! Not there, and declared so in ServiceProviderConfig or answered 501: POST at `/Me`, changing passwords.
//! A `password` that a client sends is checked and thrown away: this server signs nobody in, and what is not kept
//! cannot leak.

mod body;
mod builder;
mod clock;
pub mod context;
mod cursor;
pub mod error;
pub mod layer;
mod limits;
mod operation;
mod pause;
pub mod policy;
mod registry;
mod render;
mod request;
mod route;
#[cfg(feature = "serve")]
pub mod serve;
mod service;
pub mod store;
mod trail;
mod within;

pub use body::Body;
pub use builder::ScimServiceBuilder;
pub use clock::{Clock, FixedClock, IdGenerator, RandomIds, SystemClock};
pub use context::{PeerAddr, Principal, RequestContext, RequestId};
pub use cursor::{CursorError, CursorKey};
pub use error::Error;
pub use limits::Limits;
pub use operation::{AuthenticationScheme, BulkOutcome, BulkOutcomes, MeBy, SubjectResolver};
pub use registry::RegistryHandle;
pub use route::RouteName;
pub use service::ScimService;

#[doc = include_str!("../README.md")]
#[cfg(all(doctest, feature = "memory"))]
struct Readme;
