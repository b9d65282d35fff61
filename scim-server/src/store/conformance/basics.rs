//! Single resources: creating, reading, replacing, patching, versions.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{Value, Version};

use super::fixture::{Fixture, group_body, object, second, text, user_body, whole};
use crate::store::{Load, Precondition, Query, ResourceStore, Scope, StoreError, Target, Write};

/// A new resource has the id that came with it, the time of the request, a version, and a document that begins with
/// `schemas` and `id`.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn create_assigns_meta(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "create-assigns-meta");
    let created = it.user("u1", "Ann", r#""title":"Dr","externalId":"x-1""#).await;
    assert_eq!((created.id.as_str(), &*created.resource_type), ("u1", "User"));
    assert_eq!((created.created, created.last_modified), (second(0), second(0)));
    assert!(created.hidden.is_none());
    let document = text(&created.document);
    assert!(
        document.starts_with(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","#),
        "{document}"
    );
    let shown = object(document);
    assert_eq!(shown.get("title"), Some(&Value::from("Dr")));
    assert!(!shown.contains("meta") && !shown.contains("groups"), "{document}");
    let read = it.at(9).get(&it.user, "u1", Load::All).await.unwrap();
    assert_eq!(whole(&read), whole(&created));
    let meta = read.to_object(&it.context, &it.user).unwrap();
    let meta = meta.get("meta").and_then(Value::as_object).unwrap();
    assert_eq!(meta.get("created"), Some(&Value::from("2023-11-14T22:13:20.000Z")));
    assert_eq!(meta.get("version"), Some(&Value::String(created.version.etag())));
}

/// What does not exist is `None`, or `false` for a deletion, and not an error.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn get_missing_is_none(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "get-missing-is-none");
    let never = Precondition::IfVersion(vec![]);
    for _ in ["in an empty tenant", "beside another"] {
        assert!(it.get(&it.user, "u1", Load::All).await.is_none());
        let replaced = it.try_replace(&it.user, "u1", &user_body("Ann", ""), never.clone()).await;
        assert!(replaced.unwrap().is_none());
        let title = r#"{"op":"add","path":"title","value":"x"}"#;
        assert!(it.try_patch(&it.user, "u1", title, never.clone()).await.unwrap().is_none());
        assert!(!it.delete(&it.user, "u1").await);
        it.at(1).user("other", "Bob", "").await;
        it.delete(&it.user, "other").await;
    }
}

/// A resource is only found under its own type.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn wrong_type_is_none(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "wrong-type-is-none");
    it.user("u1", "Ann", "").await;
    assert!(it.get(&it.group, "u1", Load::All).await.is_none());
    let replaced = it.try_replace(&it.group, "u1", &group_body("x", &[]), Precondition::Any).await;
    assert!(replaced.unwrap().is_none());
    let rename = r#"{"op":"replace","path":"displayName","value":"x"}"#;
    assert!(it.try_patch(&it.group, "u1", rename, Precondition::Any).await.unwrap().is_none());
    assert!(!it.delete(&it.group, "u1").await);
    assert!(it.matching(&it.group, r#"id eq "u1""#).await.is_empty());
    assert_eq!(it.matching(&it.user, r#"id eq "u1""#).await, ["u1"]);
}

/// A replacement happens only if its precondition holds, and the error has the present version.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn replace_checks_version(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "replace-checks-version");
    let first = it.user("u1", "Ann", "").await.version;
    let replace = async |name: &str, precondition| {
        it.try_replace(&it.user, "u1", &user_body(name, ""), precondition).await
    };
    let second = replace("Bea", Precondition::IfVersion(vec![first])).await.unwrap().unwrap();
    assert!(second.changed);
    let second = second.record.version;
    for refused in [
        Precondition::IfVersion(vec![first]),
        Precondition::IfVersion(vec![]),
        Precondition::UnlessVersion(vec![first, second]),
    ] {
        match replace("Cid", refused).await {
            Err(StoreError::Precondition { current }) => assert_eq!(current, second),
            other => panic!("{other:?}"),
        }
    }
    let read = it.get(&it.user, "u1", Load::All).await.unwrap();
    assert!(text(&read.document).contains("Bea"));
    for allowed in [Precondition::IfVersion(vec![first, second]), Precondition::UnlessVersion(vec![first])] {
        replace("Bea", allowed).await.unwrap().unwrap();
    }
}

/// A PATCH and a deletion happen only if their precondition holds; that is asked before the changes are looked at.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn apply_checks_version(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "apply-checks-version");
    let first = it.group("g1", &[]).await.version;
    let rename = r#"{"op":"replace","path":"displayName","value":"Other"}"#;
    let unknown = r#"{"op":"add","path":"members","value":[{"value":"nobody"}]}"#;
    let second = it.try_patch(&it.group, "g1", rename, Precondition::IfVersion(vec![first])).await;
    let second = second.unwrap().unwrap().record.version;
    for operations in [rename, unknown] {
        match it.try_patch(&it.group, "g1", operations, Precondition::IfVersion(vec![first])).await {
            Err(StoreError::Precondition { current }) => assert_eq!(current, second),
            other => panic!("{other:?}"),
        }
    }
    let delete = async |version| {
        let target = Target::new(&it.group, &"g1".parse().unwrap())
            .with_precondition(Precondition::IfVersion(vec![version]));
        it.store.write(&it.context, Write::delete(target)).await?.into_deleted()
    };
    assert!(matches!(delete(first).await, Err(StoreError::Precondition { current }) if current == second));
    assert!(it.get(&it.group, "g1", Load::None).await.is_some());
    assert!(delete(second).await.unwrap());
    assert!(it.get(&it.group, "g1", Load::None).await.is_none());
}

/// A resource never has a version twice, not even one that was deleted and came back.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn versions_never_repeat(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "versions-never-repeat");
    let mut seen: HashSet<Version> = HashSet::new();
    let mut note = |version| assert!(seen.insert(version), "{version:?} a second time");
    for round in 0..3 {
        note(it.user("u1", "Ann", "").await.version);
        for n in 0..3 {
            let title = format!(r#"{{"op":"replace","path":"title","value":"{round}-{n}"}}"#);
            note(it.patch(&it.user, "u1", &title).await.record.version);
            let nick = user_body("Ann", &format!(r#""nickName":"{round}-{n}""#));
            let replaced = it.try_replace(&it.user, "u1", &nick, Precondition::Any).await.unwrap().unwrap();
            note(replaced.record.version);
        }
        assert!(it.delete(&it.user, "u1").await);
    }
}

/// `last_modified` follows the time of the requests, but never goes back when their clocks do.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn times_never_go_back(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "times-never-go-back");
    it.user("u1", "Ann", "").await;
    let later = it.at(60).patch(&it.user, "u1", r#"{"op":"add","path":"title","value":"1"}"#).await.record;
    assert_eq!((later.created, later.last_modified), (second(0), second(60)));
    let earlier = it.at(30).patch(&it.user, "u1", r#"{"op":"add","path":"title","value":"2"}"#).await.record;
    assert_eq!((earlier.created, earlier.last_modified), (second(0), second(60)));
    assert_ne!(earlier.version, later.version);
    let replaced = it.at(90).try_replace(&it.user, "u1", &user_body("Ann", ""), Precondition::Any).await;
    let replaced = replaced.unwrap().unwrap().record;
    assert_eq!((replaced.created, replaced.last_modified), (second(0), second(90)));
}

/// A write that says what is already so keeps version, `last_modified` and every byte.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn noop_keeps_version(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "noop-keeps-version");
    let more = r#""emails":[{"value":"a@example.com","type":"work","primary":true}],"password":"hush","active":true"#;
    it.user("u1", "Ann", more).await;
    it.user("u2", "Bob", "").await;
    let group = it.group("g1", &["u1"]).await;
    let user = it.get(&it.user, "u1", Load::All).await.unwrap();
    let later = it.at(60);
    for operations in [
        r#"{"op":"replace","path":"active","value":true}"#,
        r#"{"op":"add","path":"emails","value":[{"value":"a@example.com","type":"work"}]}"#,
        r#"{"op":"replace","value":{"userName":"Ann","id":"u1"}}"#,
        r#"{"op":"remove","path":"title"}"#,
    ] {
        let written = later.patch(&it.user, "u1", operations).await;
        assert!(!written.changed, "{operations}");
        assert_eq!(whole(&written.record), whole(&user), "{operations}");
    }
    let reordered = r#"{"active":true,"password":"hush","userName":"Ann","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
        "emails":[{"type":"work","primary":true,"value":"a@example.com"}]}"#;
    let written = later.try_replace(&it.user, "u1", reordered, Precondition::Any).await.unwrap().unwrap();
    assert!(!written.changed);
    assert_eq!(whole(&written.record), whole(&user));
    for operations in [
        r#"{"op":"add","path":"members","value":[{"value":"u1"}]}"#,
        r#"{"op":"replace","path":"members","value":[{"value":"u1"}]}"#,
        r#"{"op":"remove","path":"members[value eq \"nobody\"]"}"#,
        r#"{"op":"remove","path":"members[value eq \"u2\"]"}"#,
        r#"{"op":"add","path":"members","value":[{"value":"u2"}]},{"op":"remove","path":"members[display eq \"Bob\"]"}"#,
        r#"{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u1"}]}"#,
    ] {
        let written = later.patch(&it.group, "g1", operations).await;
        assert!(!written.changed, "{operations}");
        assert_eq!(whole(&written.record), whole(&group), "{operations}");
    }
    let same = group_body("Group g1", &["u1"]);
    let written = later.try_replace(&it.group, "g1", &same, Precondition::Any).await.unwrap().unwrap();
    assert!(!written.changed);
    assert_eq!(whole(&later.get(&it.group, "g1", Load::All).await.unwrap()), whole(&group));
}

/// A write that fails, however late, leaves every byte as it was.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn failed_patch_changes_nothing(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "failed-patch-changes-nothing");
    it.user("u1", "Ann", "").await;
    it.user("u2", "Bob", r#""emails":[{"value":"b@example.com"}]"#).await;
    it.group("g1", &["u1"]).await;
    let before = async |definition, id| it.get(definition, id, Load::All).await;
    let (user, group) = (before(&it.user, "u2").await.unwrap(), before(&it.group, "g1").await.unwrap());
    let later = it.at(60);
    for operations in [
        r#"{"op":"add","path":"title","value":"x"},{"op":"replace","path":"userName","value":"ANN"}"#,
        r#"{"op":"add","path":"title","value":"x"},{"op":"remove","path":"emails[type eq \"work\"].display"},
           {"op":"replace","path":"emails[value sw \"zzz\"].display","value":"y"}"#,
    ] {
        let failed = later.try_patch(&it.user, "u2", operations, Precondition::Any).await;
        assert!(
            matches!(failed, Err(StoreError::Uniqueness { .. } | StoreError::Patch(_))),
            "{operations}: {failed:?}"
        );
        assert_eq!(whole(&before(&it.user, "u2").await.unwrap()), whole(&user), "{operations}");
    }
    let operations = r#"{"op":"replace","path":"displayName","value":"New"},
        {"op":"add","path":"members","value":[{"value":"u2"},{"value":"nobody"}]}"#;
    let failed = later.try_patch(&it.group, "g1", operations, Precondition::Any).await;
    assert!(matches!(failed, Err(StoreError::UnknownReference { .. })), "{failed:?}");
    let failed =
        later.try_replace(&it.group, "g1", &group_body("New", &["u2", "nobody"]), Precondition::Any).await;
    assert!(matches!(failed, Err(StoreError::UnknownReference { .. })), "{failed:?}");
    assert_eq!(whole(&before(&it.group, "g1").await.unwrap()), whole(&group));
    let failed = later.try_create(&it.group, "g2", &group_body("New", &["u2", "nobody"])).await;
    assert!(matches!(failed, Err(StoreError::UnknownReference { .. })), "{failed:?}");
    assert!(before(&it.group, "g2").await.is_none());
    assert_eq!(whole(&before(&it.user, "u2").await.unwrap()), whole(&user));
    let total = it.query(&Query::new(vec![Scope::all(Arc::clone(&it.group))], 0)).await.total_results;
    assert_eq!(total, Some(1));
}

/// What is never returned is not in the document, and comes back for changing the resource.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn hidden_is_kept_apart(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "hidden-is-kept-apart");
    let created = it.user("u1", "Ann", r#""password":"t0psecret""#).await;
    let assert_apart = |record: &crate::store::Record, secret: &str| {
        assert!(!text(&record.document).contains("password"), "{record:?}");
        assert_eq!(record.hidden.as_deref().map(text), Some(&*format!(r#"{{"password":"{secret}"}}"#)));
        assert_eq!(record.to_resource().unwrap().text("password"), Some(secret));
        assert!(!record.to_object(&it.context, &it.user).unwrap().contains("password"));
    };
    assert_apart(&created, "t0psecret");
    let titled = it.patch(&it.user, "u1", r#"{"op":"add","path":"title","value":"Dr"}"#).await.record;
    assert_apart(&titled, "t0psecret");
    let changed = it.patch(&it.user, "u1", r#"{"op":"replace","path":"password","value":"other"}"#).await;
    assert!(changed.changed);
    assert_apart(&changed.record, "other");
    assert_ne!(changed.record.version, titled.version);
    assert_apart(&it.get(&it.user, "u1", Load::All).await.unwrap(), "other");
}

/// Nothing of one tenant is seen, counted, matched, referred to or changed for another; both may use the same ids and
/// unique values.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn tenants_are_invisible_to_each_other(store: &Arc<dyn ResourceStore>) {
    let one = Fixture::new(store, "tenants-one");
    let two = Fixture::new(store, "tenants-two");
    one.user("u1", "Ann", r#""title":"one""#).await;
    one.user("only-one", "Bob", "").await;
    one.group("g1", &["u1"]).await;
    let theirs = one.get(&one.user, "u1", Load::All).await.unwrap();
    assert!(two.get(&two.user, "u1", Load::All).await.is_none());
    assert!(!two.delete(&two.user, "u1").await);
    let query = Query::new(vec![Scope::all(Arc::clone(&two.user))], 10);
    assert_eq!(two.query(&query).await.total_results, Some(0));
    two.user("u1", "Ann", r#""title":"two""#).await;
    let page = two.query(&query).await;
    assert_eq!((page.total_results, page.records.len()), (Some(1), 1));
    for filter in [r#"userName eq "ann""#, r#"id eq "u1""#, "title pr", r#"title eq "two""#] {
        assert_eq!(two.matching(&two.user, filter).await, ["u1"], "{filter}");
    }
    for filter in
        [r#"id eq "only-one""#, r#"userName eq "Bob""#, r#"title eq "one""#, r#"groups.value eq "g1""#]
    {
        assert!(two.matching(&two.user, filter).await.is_empty(), "{filter}");
    }
    let unknown = two.try_create(&two.group, "g2", &group_body("x", &["only-one"])).await;
    assert!(matches!(unknown, Err(StoreError::UnknownReference { .. })), "{unknown:?}");
    two.patch(&two.user, "u1", r#"{"op":"replace","path":"title","value":"changed"}"#).await;
    assert!(two.delete(&two.user, "u1").await);
    assert_eq!(whole(&one.get(&one.user, "u1", Load::All).await.unwrap()), whole(&theirs));
}
