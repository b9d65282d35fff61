//! Confirms the people whom the bridge invited and who have accepted; nobody else, ever.
//!
//! [`Machine`] decides what to do and when, without a clock or an account; [`run`] does it.

mod driver;
mod machine;

pub use self::driver::run;
pub use self::machine::{Action, Candidate, Event, INTERVAL_MIN, Machine};
