//! Members of groups, and groups of members.

use std::sync::Arc;

use scim_core::{Quirks, ScimType, TypeDefinition, Value};

use super::fixture::{Fixture, group_body, ids, references, second, whole};
use crate::store::{Load, Precondition, Query, Record, ResourceStore, Scope, StoreError, Target, Write};

/// A relation takes only resources that exist and that it may refer to; both sides show it.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn relations_refer_to_what_exists(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "relations-refer-to-what-exists");
    it.user("u1", "Ann", r#""displayName":"Ann A.""#).await;
    it.group("inner", &["u1"]).await;
    let outer = it.group("outer", &["inner", "u1"]).await;
    assert_eq!(references(&outer, "members").unwrap(), ["inner", "u1"]);
    let shown = outer.to_object(&it.context, &it.group).unwrap();
    let members = shown.get("members").and_then(Value::as_array).unwrap();
    let expected = super::fixture::object(
        r#"{"value":"u1","$ref":"https://example.com/scim/Users/u1","display":"Ann A.","type":"User"}"#,
    );
    assert_eq!(members[1], Value::Object(expected));
    let user = it.get(&it.user, "u1", Load::All).await.unwrap();
    assert_eq!(references(&user, "groups").unwrap(), ["inner", "outer"]);
    for id in ["nobody", "U1"] {
        let add = format!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#);
        match it.try_patch(&it.group, "outer", &add, Precondition::Any).await {
            Err(StoreError::UnknownReference { attribute, id: named }) => {
                assert_eq!((&*attribute, named.as_str()), ("members", id));
            }
            other => panic!("{other:?}"),
        }
    }
    // What is not there can be taken out without harm.
    let gone = r#"{"op":"remove","path":"members[value eq \"nobody\"]"}"#;
    assert!(!it.patch(&it.group, "outer", gone).await.changed);
    for (definition, filter, expected) in [
        (&it.group, r#"members.value eq "u1""#, &["inner", "outer"] as &[&str]),
        (&it.group, r#"members.value eq "inner""#, &["outer"]),
        (&it.group, r#"members[type eq "Group"]"#, &["outer"]),
        (&it.group, r#"members.display eq "ann a.""#, &["inner", "outer"]),
        (&it.group, r#"members.value eq "nobody""#, &[]),
        (&it.group, "not (members pr)", &[]),
        (&it.user, r#"groups.value eq "outer""#, &["u1"]),
        (&it.user, r#"groups.display co "inner""#, &["u1"]),
        (&it.user, r#"groups.value eq "u1""#, &[]),
    ] {
        assert_eq!(it.matching(definition, filter).await, expected, "{filter}");
    }
    // The name that is shown is the one that the member has now; the group itself has not changed.
    it.patch(&it.user, "u1", r#"{"op":"replace","path":"displayName","value":"Ann B."}"#).await;
    assert_eq!(it.matching(&it.group, r#"members.display eq "Ann B.""#).await, ["inner", "outer"]);
    assert_eq!(it.get(&it.group, "outer", Load::None).await.unwrap().version, outer.version);
}

/// A member that is there already is not added again, and nothing changes.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn adding_a_member_twice_changes_nothing(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "adding-a-member-twice");
    for n in 1..=3 {
        it.user(&format!("u{n}"), &format!("user {n}"), "").await;
    }
    let before = it.group("g1", &["u1", "u2", "u1"]).await;
    assert_eq!(references(&before, "members").unwrap(), ["u1", "u2"]);
    let again = r#"{"op":"add","path":"members","value":[{"value":"u2"},{"value":"u1"}]}"#;
    let written = it.at(60).patch(&it.group, "g1", again).await;
    assert!(!written.changed);
    assert_eq!(whole(&written.record), whole(&before));
    let more = r#"{"op":"add","path":"members","value":[{"value":"u1"},{"value":"u3"},{"value":"u3"}]}"#;
    let written = it.at(60).patch(&it.group, "g1", more).await;
    assert!(written.changed);
    assert_eq!(references(&written.record, "members").unwrap(), ["u1", "u2", "u3"]);
    assert_eq!((written.record.last_modified, &written.record.document), (second(60), &before.document));
    assert_ne!(written.record.version, before.version);
}

/// Replacing members takes out those that are not named, adds the new ones at the end, and leaves the others.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn replace_members_writes_the_difference(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "replace-members");
    for n in 1..=6 {
        it.user(&format!("u{n}"), &format!("user {n}"), r#""userType":"staff""#).await;
    }
    it.group("g1", &["u1", "u2", "u3"]).await;
    let members =
        async |id: &str| references(&it.get(&it.group, id, Load::All).await.unwrap(), "members").unwrap();
    it.patch(
        &it.group,
        "g1",
        r#"{"op":"replace","path":"members","value":[{"value":"u4"},{"value":"u3"},{"value":"u1"}]}"#,
    )
    .await;
    assert_eq!(members("g1").await, ["u1", "u3", "u4"]);
    let put = group_body("Group g1", &["u5", "u1"]);
    let written = it.try_replace(&it.group, "g1", &put, Precondition::Any).await.unwrap().unwrap();
    assert!(written.changed);
    assert_eq!(references(&written.record, "members").unwrap(), ["u1", "u5"]);
    // One operation after the other, on what the ones before have left.
    it.patch(
        &it.group,
        "g1",
        r#"{"op":"add","path":"members","value":[{"value":"u2"},{"value":"u6"}]},
           {"op":"remove","path":"members[value eq \"u1\" or value eq \"u6\"]"},
           {"op":"remove","path":"members[display eq \"USER 5\"]"},
           {"op":"add","path":"members","value":[{"value":"u3"}]}"#,
    )
    .await;
    assert_eq!(members("g1").await, ["u2", "u3"]);
    it.patch(
        &it.group,
        "g1",
        r#"{"op":"remove","path":"members[type eq \"User\" and not (value eq \"u3\")]"}"#,
    )
    .await;
    assert_eq!(members("g1").await, ["u3"]);
    let emptied = it.patch(&it.group, "g1", r#"{"op":"remove","path":"members"}"#).await;
    assert!(emptied.changed);
    assert!(members("g1").await.is_empty());
    assert!(!it.patch(&it.group, "g1", r#"{"op":"remove","path":"members"}"#).await.changed);
}

/// What a PATCH expects to be there is looked for where it is applied: values that a filter selects, and what only the
/// server sets.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn patch_meets_what_it_expects(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "patch-meets-what-it-expects");
    it.user("u1", "Ann", "").await;
    it.user("u2", "Bob", "").await;
    let before = it.group("g1", &["u1"]).await;
    let strictly = async |definition: &Arc<TypeDefinition>, id: &str, operations: &str| {
        let changes = super::fixture::changes_with(definition, operations, &Quirks::strict());
        let id = id.parse().unwrap();
        let write = Write::apply(Target::new(definition, &id), changes);
        it.store.write(&it.at(60).context, write).await?.into_written()
    };
    let shown = |record: &Record, definition: &TypeDefinition| {
        let object = record.to_object(&it.context, definition).unwrap();
        let value = Value::Object(object);
        format!(r#"{{"op":"replace","value":{}}}"#, String::from_utf8(value.to_vec()).unwrap())
    };
    let ann = it.get(&it.user, "u1", Load::All).await.unwrap();
    for (definition, id, operation) in [
        (
            &it.group,
            "g1",
            r#"{"op":"replace","path":"members[value eq \"u1\"].value","value":"u1"}"#.to_owned(),
        ),
        (
            &it.group,
            "g1",
            r#"{"op":"add","path":"members[type eq \"User\"]","value":{"value":"u1"}}"#.to_owned(),
        ),
        (&it.group, "g1", shown(&before, &it.group)),
        (&it.user, "u1", shown(&ann, &it.user)),
    ] {
        let written = strictly(definition, id, &operation).await.unwrap().unwrap();
        assert!(!written.changed, "{operation}");
    }
    for (definition, id, operation, expected) in [
        (
            &it.group,
            "g1",
            r#"{"op":"add","path":"members[value eq \"u2\"]","value":{"value":"u2"}}"#,
            ScimType::NoTarget,
        ),
        (
            &it.group,
            "g1",
            r#"{"op":"replace","path":"members[type eq \"Group\"].display","value":"x"}"#,
            ScimType::NoTarget,
        ),
        (
            &it.group,
            "g1",
            r#"{"op":"replace","path":"members[value eq \"u1\"].value","value":"u2"}"#,
            ScimType::Mutability,
        ),
        (&it.group, "g1", r#"{"op":"add","value":{"id":"g2"}}"#, ScimType::Mutability),
        (&it.user, "u1", r#"{"op":"add","value":{"meta":{"resourceType":"Group"}}}"#, ScimType::Mutability),
        (&it.user, "u1", r#"{"op":"add","value":{"groups":[]}}"#, ScimType::Mutability),
    ] {
        match strictly(definition, id, operation).await {
            Err(StoreError::Patch(error)) => assert_eq!(error.scim_type(), expected, "{operation}: {error}"),
            other => panic!("{operation}: {other:?}"),
        }
    }
    assert_eq!(whole(&it.get(&it.group, "g1", Load::All).await.unwrap()), whole(&before));
}

/// A resource that is deleted is no member of anything any more; what held it has a new version, nothing else has.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn delete_removes_memberships(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "delete-removes-memberships");
    it.user("u1", "Ann", "").await;
    it.user("u2", "Bob", "").await;
    let both = it.group("both", &["u1", "u2"]).await;
    let other = it.group("other", &["u2"]).await;
    assert!(it.at(60).delete(&it.user, "u1").await);
    let after = it.get(&it.group, "both", Load::All).await.unwrap();
    assert_eq!(references(&after, "members").unwrap(), ["u2"]);
    assert_eq!((after.last_modified, after.created), (second(60), second(0)));
    assert_ne!(after.version, both.version);
    assert_eq!(whole(&it.get(&it.group, "other", Load::All).await.unwrap()), whole(&other));
    // One that comes back under the same id is nobody's member.
    it.user("u1", "Ann", "").await;
    assert_eq!(references(&it.get(&it.user, "u1", Load::All).await.unwrap(), "groups").unwrap(), [""; 0]);
    // A group that is deleted leaves its members as they are, without it.
    let member = it.get(&it.user, "u2", Load::All).await.unwrap();
    it.group("outer", &["both"]).await;
    assert!(it.delete(&it.group, "both").await);
    let left = it.get(&it.user, "u2", Load::All).await.unwrap();
    assert_eq!(references(&left, "groups").unwrap(), ["other"]);
    assert_eq!((left.version, left.last_modified), (member.version, member.last_modified));
    assert_eq!(
        references(&it.get(&it.group, "outer", Load::All).await.unwrap(), "members").unwrap(),
        [""; 0]
    );
    assert!(it.matching(&it.user, r#"groups.value eq "both""#).await.is_empty());
    // A group may be a member of itself, and can still be deleted.
    it.patch(&it.group, "outer", r#"{"op":"add","path":"members","value":[{"value":"outer"}]}"#).await;
    assert!(it.delete(&it.group, "outer").await);
    assert_eq!(it.matching(&it.group, "id pr").await, ["other"]);
}

/// As much of the relations is loaded as was asked for, by every call.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn load_limits(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "load-limits");
    for n in 1..=3 {
        it.user(&format!("u{n}"), &format!("user {n}"), "").await;
    }
    it.group("g1", &["u3", "u1", "u2"]).await;
    it.group("g2", &["u3"]).await;
    assert!(it.get(&it.group, "g1", Load::None).await.unwrap().related.is_empty());
    for (limit, expected) in [(0, None), (2, None), (3, Some(3)), (4, Some(3))] {
        let group = it.get(&it.group, "g1", Load::AtMost(limit)).await.unwrap();
        assert_eq!(references(&group, "members").map(|all| all.len()), expected, "{limit}");
    }
    for (limit, expected) in [(1, None), (2, Some(2))] {
        let user = it.get(&it.user, "u3", Load::AtMost(limit)).await.unwrap();
        assert_eq!(references(&user, "groups").map(|all| all.len()), expected, "{limit}");
    }
    let scope = || vec![Scope::all(Arc::clone(&it.group))];
    let page = it.query(&Query::new(scope(), 10).with_load(Load::AtMost(1))).await;
    assert_eq!(ids(&page.records), ["g1", "g2"]);
    assert_eq!(references(&page.records[0], "members"), None);
    assert_eq!(references(&page.records[1], "members").unwrap(), ["u3"]);
    let page = it.query(&Query::new(scope(), 10).with_load(Load::None)).await;
    assert!(page.records.iter().all(|record| record.related.is_empty()));
    let changes =
        super::fixture::changes(&it.group, r#"{"op":"add","path":"members","value":[{"value":"u2"}]}"#);
    let apply = async |load| {
        let target = Target::new(&it.group, &"g1".parse().unwrap());
        let write = Write::apply(target, changes.clone()).with_load(load);
        it.store.write(&it.context, write).await.unwrap().into_written().unwrap().unwrap().record
    };
    assert!(apply(Load::None).await.related.is_empty());
    assert_eq!(references(&apply(Load::AtMost(2)).await, "members"), None);
    assert_eq!(references(&apply(Load::All).await, "members").unwrap(), ["u3", "u1", "u2"]);
}
