//! The stores of this crate keep the contract of stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use scim_server::store::{MemoryStore, ResourceStore, SqliteStore, conformance};
use tempfile::TempDir;

/// One test for each promise.
macro_rules! tests {
    ($open:path: $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store: Arc<dyn ResourceStore> = $open(&folder);
                conformance::$name(&store).await;
            }
        )*
    };
}

macro_rules! contract {
    ($store:ident) => {
        mod $store {
            use super::*;
            tests! {
                super::open::$store:
                create_assigns_meta
                get_missing_is_none
                wrong_type_is_none
                replace_checks_version
                apply_checks_version
                versions_never_repeat
                times_never_go_back
                noop_keeps_version
                failed_patch_changes_nothing
                hidden_is_kept_apart
                tenants_are_invisible_to_each_other
                ids_are_taken_once
                unique_user_name_ignores_case
                unique_value_is_free_after_delete_and_rename
                concurrent_creates_of_one_name_let_one_win
                concurrent_patch_loses_nothing
                relations_refer_to_what_exists
                adding_a_member_twice_changes_nothing
                replace_members_writes_the_difference
                delete_removes_memberships
                load_limits
                paging_is_stable
                count_zero_gives_total
                sort_order
                several_types_in_one_query
                filter_agrees_with_naive
            }
        }
    };
}

contract!(memory);
contract!(sqlite);
contract!(sqlite_in_memory);

mod open {
    use super::{Arc, MemoryStore, ResourceStore, SqliteStore, TempDir};

    pub(super) fn memory(_: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(MemoryStore::new())
    }

    pub(super) fn sqlite(folder: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(SqliteStore::open(folder.path().join("scim.db")).unwrap())
    }

    pub(super) fn sqlite_in_memory(_: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(SqliteStore::in_memory().unwrap())
    }
}

/// All of it on one store, behind two pointers.
#[tokio::test]
async fn the_suite_runs_on_one_store_and_through_pointers() {
    let inner: Arc<dyn ResourceStore> = Arc::new(MemoryStore::new());
    let store: Arc<dyn ResourceStore> = Arc::new(inner);
    conformance::run_all(&store).await;
}
