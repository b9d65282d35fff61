//! The running bridge: everything put together, and what it answers besides SCIM.
//!
//! | path | token | answer |
//! |---|---|---|
//! | `/ping` | no | `pong`: the process lives |
//! | `/` | no | 307 to `/app`, as the original product has it |
//! | `/app` | no | a line that says what runs here |
//! | `/health` | yes | the reports of [`health`](crate::health); 200 when all is well, else 503 |
//! | `/scim/v2/...`, `/scim/...`, `/...` | yes | SCIM 2.0 |

mod auth;
mod database;
mod door;
mod error;
mod in_place;
mod lock;
mod run;
mod service;
mod signal;
mod view;

pub use self::auth::{GateTokens, OwnTokens};
pub use self::error::StartError;
pub(crate) use self::error::session_message;
pub use self::run::{Bridge, Options};
pub use self::service::{Front, WithHealth};
pub use self::signal::shutdown_signal;
