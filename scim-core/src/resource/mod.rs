//! Resources: the dynamic one that every operation works on, and typed views of the RFC's own types.

mod dynamic;
mod typed;

pub use dynamic::Resource;
pub use typed::{
    Address, EnterpriseUser, Group, GroupRef, Manager, Member, MultiValued, Name, TypedError, User,
};
