//! The contract of [`ResourceStore`], as test functions: one for each promise.
//!
//! Every function takes a store that is not in use by others, works in a tenant of its own that is named after it,
//! and panics where the store breaks the promise. [`run_all`] runs them all:
//!
//! ```
//! use std::sync::Arc;
//! # #[cfg(feature = "memory")]
//! # fn main() -> std::io::Result<()> {
//! use scim_server::store::{MemoryStore, ResourceStore, conformance};
//!
//! let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! let store: Arc<dyn ResourceStore> = Arc::new(MemoryStore::new());
//! runtime.block_on(conformance::several_types_in_one_query(&store));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```
//!
//! The functions run on any tokio runtime; those about concurrency find more on one with several threads. What
//! [`filter_agrees_with_naive`] tries is generated anew each time, from [`strategies`]; a failure prints it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod basics;
mod concurrency;
mod fixture;
mod positions;
mod queries;
mod relations;
pub mod strategies;
mod uniqueness;
mod writes;

use std::sync::Arc;

use super::ResourceStore;

pub use basics::{
    apply_checks_version, create_assigns_meta, failed_patch_changes_nothing, get_missing_is_none,
    hidden_is_kept_apart, noop_keeps_version, replace_checks_version, tenants_are_invisible_to_each_other,
    times_never_go_back, versions_never_repeat, wrong_type_is_none,
};
pub use concurrency::{concurrent_creates_of_one_name_let_one_win, concurrent_patch_loses_nothing};
pub use positions::positions_hold_while_others_write;
pub use queries::{
    count_zero_gives_total, filter_agrees_with_naive, paging_is_stable, several_types_in_one_query,
    sort_order,
};
pub use relations::{
    adding_a_member_twice_changes_nothing, delete_removes_memberships, load_limits,
    patch_meets_what_it_expects, relations_refer_to_what_exists, replace_members_writes_the_difference,
};
pub use uniqueness::{
    ids_are_taken_once, unique_user_name_ignores_case, unique_value_is_free_after_delete_and_rename,
};
pub use writes::{
    new_resources_are_kept_together_or_not_at_all, new_resources_may_refer_to_each_other,
    write_all_keeps_order_and_what_succeeds, write_all_stops_after_failures,
};

/// Runs every function of the suite on one store.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn run_all(store: &Arc<dyn ResourceStore>) {
    create_assigns_meta(store).await;
    get_missing_is_none(store).await;
    wrong_type_is_none(store).await;
    replace_checks_version(store).await;
    apply_checks_version(store).await;
    versions_never_repeat(store).await;
    times_never_go_back(store).await;
    noop_keeps_version(store).await;
    failed_patch_changes_nothing(store).await;
    hidden_is_kept_apart(store).await;
    tenants_are_invisible_to_each_other(store).await;
    ids_are_taken_once(store).await;
    unique_user_name_ignores_case(store).await;
    unique_value_is_free_after_delete_and_rename(store).await;
    concurrent_creates_of_one_name_let_one_win(store).await;
    concurrent_patch_loses_nothing(store).await;
    relations_refer_to_what_exists(store).await;
    adding_a_member_twice_changes_nothing(store).await;
    replace_members_writes_the_difference(store).await;
    delete_removes_memberships(store).await;
    load_limits(store).await;
    patch_meets_what_it_expects(store).await;
    new_resources_may_refer_to_each_other(store).await;
    new_resources_are_kept_together_or_not_at_all(store).await;
    write_all_keeps_order_and_what_succeeds(store).await;
    write_all_stops_after_failures(store).await;
    paging_is_stable(store).await;
    positions_hold_while_others_write(store).await;
    count_zero_gives_total(store).await;
    sort_order(store).await;
    several_types_in_one_query(store).await;
    filter_agrees_with_naive(store).await;
}
