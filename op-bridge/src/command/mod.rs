//! The sub-commands of the binary that do not serve: each a function from arguments to a text or an error.

mod account;
mod dev;
mod hint;
mod output;
mod session;

pub use self::account::{accept, groups, people};
pub use self::dev::{DEV_DIR, Dev, DevError};
pub use self::hint::{explain, hint};
pub use self::output::{PrintError, print, say};
pub use self::session::{NewSessionError, new_session, show_session};
