//! Values that no two resources may share.

use std::sync::Arc;

use super::fixture::{Fixture, group_body, user_body};
use crate::store::{Load, Precondition, ResourceStore, StoreError};

/// An id is given out once in a tenant, whatever the type.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn ids_are_taken_once(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "ids-are-taken-once");
    let first = it.user("x", "Ann", "").await;
    let same_type = it.try_create(&it.user, "x", &user_body("Bob", "")).await;
    assert!(matches!(same_type, Err(StoreError::Uniqueness { .. })), "{same_type:?}");
    let other_type = it.try_create(&it.group, "x", &group_body("Bob", &[])).await;
    assert!(matches!(other_type, Err(StoreError::Uniqueness { .. })), "{other_type:?}");
    assert_eq!(it.get(&it.user, "x", Load::None).await.unwrap().document, first.document);
    // Ids are case exact.
    it.user("X", "Bob", "").await;
    assert_eq!(it.matching(&it.user, r#"id eq "X""#).await, ["X"]);
}

/// User names are one whatever their case, the width of their letters and the composition of their accents; create,
/// replace and PATCH all refuse one that is taken, and say which.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn unique_user_name_ignores_case(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "unique-user-name-ignores-case");
    it.user("u1", "Ren\u{e9}@Example.com", "").await;
    it.user("u2", "Bob", "").await;
    for taken in [
        "ren\u{e9}@example.com",
        "REN\u{c9}@EXAMPLE.COM",
        "rene\u{301}@example.com",
        "Ｒen\u{e9}@example．com",
    ] {
        let path = format!(r#"{{"op":"replace","path":"userName","value":"{taken}"}}"#);
        let failures = [
            it.try_create(&it.user, "u3", &user_body(taken, "")).await.map(drop),
            it.try_replace(&it.user, "u2", &user_body(taken, ""), Precondition::Any).await.map(drop),
            it.try_patch(&it.user, "u2", &path, Precondition::Any).await.map(drop),
        ];
        for failure in failures {
            match failure {
                Err(StoreError::Uniqueness { resource_type, attribute, value }) => {
                    assert_eq!((&*resource_type, &*attribute, &*value), ("User", "userName", taken));
                }
                other => panic!("`{taken}`: {other:?}"),
            }
        }
        assert_eq!(it.matching(&it.user, &format!(r#"userName eq "{taken}""#)).await, ["u1"]);
    }
    // The name that a user has is its own in any spelling.
    let own = it.patch(&it.user, "u2", r#"{"op":"replace","path":"userName","value":"BOB"}"#).await;
    assert!(own.changed);
    it.user("u3", "Rene@example.com", "").await;
}

/// A unique value can be used again once the resource that had it is gone or has another.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn unique_value_is_free_after_delete_and_rename(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "unique-value-is-free");
    it.user("u1", "Ann", "").await;
    assert!(it.delete(&it.user, "u1").await);
    it.user("u2", "ANN", "").await;
    it.patch(&it.user, "u2", r#"{"op":"replace","path":"userName","value":"Bea"}"#).await;
    it.user("u3", "Ann", "").await;
    it.try_replace(&it.user, "u3", &user_body("Cid", ""), Precondition::Any).await.unwrap().unwrap();
    it.user("u4", "ann", "").await;
    // A write that failed has taken no name.
    let both = format!(
        r#"{{"op":"replace","path":"userName","value":"Dan"}},{}"#,
        r#"{"op":"replace","path":"emails[value sw \"zzz\"].display","value":"y"}"#
    );
    assert!(it.try_patch(&it.user, "u4", &both, Precondition::Any).await.is_err());
    it.user("u5", "Dan", "").await;
    for (name, id) in [("Ann", "u4"), ("Bea", "u2"), ("Cid", "u3"), ("Dan", "u5")] {
        assert_eq!(it.matching(&it.user, &format!(r#"userName eq "{name}""#)).await, [id]);
    }
}
