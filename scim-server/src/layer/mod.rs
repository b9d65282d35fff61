//! Layers around the service, each of use without the others.
//!
//! Outermost first: [`trace`] (request id, one log line), [`auth`] (bearer tokens), then the service.

pub mod auth;
pub mod trace;
