//! A SCIM 2.0 server as a tower service over a storage trait (RFC 7644).

mod body;
mod builder;
mod clock;
pub mod context;
pub mod error;
pub mod layer;
mod limits;
mod operation;
mod render;
mod request;
mod route;
#[cfg(feature = "serve")]
pub mod serve;
mod service;
pub mod store;

pub use body::Body;
pub use builder::ScimServiceBuilder;
pub use clock::{Clock, FixedClock, IdGenerator, RandomIds, SystemClock};
pub use context::{Principal, RequestContext, RequestId};
pub use error::Error;
pub use limits::Limits;
pub use operation::AuthenticationScheme;
pub use route::RouteName;
pub use service::ScimService;
