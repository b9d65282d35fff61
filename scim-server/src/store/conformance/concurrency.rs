//! Several writers at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::fixture::{Fixture, references, text, user_body};
use crate::store::{Load, ResourceStore, StoreError};

/// Of several concurrent creations with one user name, exactly one succeeds and the others are told why not.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn concurrent_creates_of_one_name_let_one_win(store: &Arc<dyn ResourceStore>) {
    const WRITERS: usize = 32;
    let it = Fixture::new(store, "concurrent-creates");
    let mut tasks = JoinSet::new();
    for n in 0..WRITERS {
        let it = it.clone();
        let name = if n % 2 == 0 { "Ann@example.com" } else { "ANN@EXAMPLE.COM" };
        tasks.spawn(async move { it.try_create(&it.user, &format!("u{n}"), &user_body(name, "")).await });
    }
    let outcomes = tasks.join_all().await;
    let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(lost, StoreError::Uniqueness { .. }), "{lost:?}");
    }
    assert_eq!(it.matching(&it.user, r#"userName eq "ann@example.com""#).await, [won[0].id.to_string()]);
    assert_eq!(it.matching(&it.user, "userName pr").await.len(), 1);
}

/// Many PATCH requests to one resource at once, of members and of attributes, all have their effect, each with a
/// version of its own.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn concurrent_patch_loses_nothing(store: &Arc<dyn ResourceStore>) {
    const WRITERS: usize = 48;
    let it = Fixture::new(store, "concurrent-patch");
    for n in 0..WRITERS {
        it.user(&format!("u{n}"), &format!("user {n}"), "").await;
    }
    it.group("g1", &[]).await;
    let mut tasks = JoinSet::new();
    for n in 0..WRITERS {
        let writer = it.clone();
        tasks.spawn(async move {
            let member = format!(r#"{{"op":"add","path":"members","value":[{{"value":"u{n}"}}]}}"#);
            writer.patch(&writer.group, "g1", &member).await.record.version
        });
        let writer = it.clone();
        tasks.spawn(async move {
            let email = format!(r#"{{"op":"add","path":"emails","value":[{{"value":"{n}@example.com"}}]}}"#);
            writer.patch(&writer.user, "u0", &email).await.record.version
        });
    }
    let versions: Vec<_> = tasks.join_all().await;
    let distinct: BTreeSet<_> = versions.iter().collect();
    // The two resources may share a number, two states of one may not.
    assert!(distinct.len() >= WRITERS, "{versions:?}");
    let group = it.get(&it.group, "g1", Load::All).await.unwrap();
    let members: BTreeSet<_> = references(&group, "members").unwrap().into_iter().collect();
    assert_eq!(members, (0..WRITERS).map(|n| format!("u{n}")).collect());
    let user = it.get(&it.user, "u0", Load::None).await.unwrap();
    for n in 0..WRITERS {
        assert!(text(&user.document).contains(&format!(r#""{n}@example.com""#)), "{n}");
    }
    assert_eq!(versions.iter().max(), [group.version, user.version].iter().max());
}
