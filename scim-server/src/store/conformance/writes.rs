//! Several resources in one write, and several writes in one call.

use std::num::NonZeroUsize;
use std::sync::Arc;

use scim_core::TypeDefinition;

use super::fixture::{Fixture, changes, creation, group_body, ids, references, rid, second, user_body};
use crate::store::{
    Load, Outcome, Precondition, Query, Record, ResourceStore, Scope, StoreError, Target, Write,
};

/// Joins creations into one.
fn set(creations: impl IntoIterator<Item = Write>) -> Write {
    let each = creations.into_iter().flat_map(|creation| match creation {
        Write::Create { new, .. } => new,
        other => panic!("{other:?}"),
    });
    Write::create_set(each.collect())
}

async fn everything(it: &Fixture) -> Vec<Record> {
    let scope = |definition: &Arc<TypeDefinition>| Scope::all(Arc::clone(definition));
    it.query(&Query::new(vec![scope(&it.user), scope(&it.group)], 1_000)).await.records
}

/// Resources of one write may refer to each other and to themselves, whatever comes first, and the records that come
/// back show it from both sides, in the order of the write.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn new_resources_may_refer_to_each_other(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "new-resources-may-refer");
    it.user("old", "Old", "").await;
    let write = set([
        creation(&it.group, "a", &group_body("A", &["b", "u", "old"])),
        creation(&it.group, "b", &group_body("B", &["a", "b"])),
        creation(&it.user, "u", &user_body("Ann", "")),
    ]);
    let records = match it.store.write(&it.context, write).await.unwrap() {
        Outcome::Created(records) => records,
        other => panic!("{other:?}"),
    };
    assert_eq!(ids(&records), ["a", "b", "u"]);
    assert_eq!(references(&records[0], "members").unwrap(), ["b", "u", "old"]);
    assert_eq!(references(&records[1], "members").unwrap(), ["a", "b"]);
    assert_eq!(references(&records[2], "groups").unwrap(), ["a"]);
    for record in &records {
        let definition = if record.id.as_str() == "u" { &it.user } else { &it.group };
        let read = it.get(definition, record.id.as_str(), Load::All).await.unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }
    assert_eq!(ids(&everything(&it).await), ["old", "a", "b", "u"]);
    let empty = it.store.write(&it.context, Write::create_set(Vec::new())).await.unwrap();
    assert!(matches!(empty, Outcome::Created(records) if records.is_empty()));
}

/// If one resource of a write cannot be kept, none is.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn new_resources_are_kept_together_or_not_at_all(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "new-resources-together");
    it.user("old", "Old", "").await;
    let before = format!("{:?}", everything(&it).await);
    let good = || creation(&it.group, "g", &group_body("G", &["u", "old"]));
    let user = |id, name| creation(&it.user, id, &user_body(name, ""));
    let all = [
        (vec![good(), user("u", "OLD")], 1, "userName"),
        (vec![good(), user("u", "Ann"), user("v", "ANN")], 2, "userName"),
        (vec![good(), user("u", "Ann"), user("u", "Bea")], 2, "id"),
        (vec![good(), user("u", "Ann"), user("old", "Bea")], 2, "id"),
        (
            vec![good(), user("u", "Ann"), creation(&it.group, "h", &group_body("H", &["nobody"]))],
            2,
            "members",
        ),
        (vec![good(), user("w", "Ann")], 0, "members"),
    ];
    for (creations, culprit, reason) in all {
        let error = match it.store.write(&it.at(60).context, set(creations)).await {
            // A store need not say which it is.
            Err(StoreError::Member { nth, error }) => {
                assert_eq!(nth, culprit, "{reason}");
                *error
            }
            Err(error) => error,
            Ok(outcome) => panic!("{reason}: {outcome:?}"),
        };
        match error {
            StoreError::Uniqueness { attribute, .. } | StoreError::UnknownReference { attribute, .. } => {
                assert_eq!(attribute, reason);
            }
            other => panic!("{reason}: {other:?}"),
        }
        assert_eq!(format!("{:?}", everything(&it).await), before, "{reason}");
    }
    // What failed has taken neither ids nor names.
    it.store.write(&it.context, set([good(), user("u", "Ann")])).await.unwrap();
}

/// Each write finds what those before it have done; one that fails changes nothing, and leaves the others.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn write_all_keeps_order_and_what_succeeds(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "write-all-keeps-order");
    let target = |definition, id| Target::new(definition, &rid(id));
    let retitle = |id, title: &str| {
        let operation = format!(r#"{{"op":"replace","path":"title","value":"{title}"}}"#);
        Write::apply(target(&it.user, id), changes(&it.user, &operation))
    };
    let join = |id: &str| {
        let operation = format!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#);
        Write::apply(target(&it.group, "g"), changes(&it.group, &operation)).with_load(Load::None)
    };
    let stale = target(&it.user, "u").with_precondition(Precondition::IfVersion(vec![]));
    let writes = vec![
        creation(&it.user, "u", &user_body("Ann", "")),
        creation(&it.group, "g", &group_body("G", &["u"])),
        creation(&it.user, "v", &user_body("ANN", "")),
        join("v"),
        retitle("u", "Dr"),
        retitle("u", "Dr"),
        Write::delete(stale),
        Write::delete(target(&it.user, "nobody")),
        creation(&it.user, "v", &user_body("Bea", "")),
        join("v"),
        Write::delete(target(&it.user, "u")),
        retitle("u", "Prof"),
        creation(&it.user, "w", &user_body("ann", "")),
    ];
    let outcomes = it.at(5).store.write_all(&it.at(5).context, writes, None).await;
    let words: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(Outcome::Created(records)) => records[0].id.to_string(),
            Ok(Outcome::Written(written)) => if written.changed { "changed" } else { "same" }.to_owned(),
            Ok(Outcome::Deleted) => "deleted".to_owned(),
            Ok(Outcome::Missing) => "missing".to_owned(),
            Err(StoreError::Uniqueness { .. }) => "taken".to_owned(),
            Err(StoreError::UnknownReference { .. }) => "unknown".to_owned(),
            Err(StoreError::Precondition { .. }) => "stale".to_owned(),
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(words.join(" "), "u g taken unknown changed same stale missing v changed deleted missing w");
    let left = everything(&it).await;
    assert_eq!(ids(&left), ["g", "v", "w"]);
    assert_eq!(references(&left[0], "members").unwrap(), ["v"]);
    assert!(left.iter().all(|record| record.last_modified == second(5)));
    let mut versions: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Ok(Outcome::Created(records)) => Some(records[0].version),
            Ok(Outcome::Written(written)) if written.changed => Some(written.record.version),
            _ => None,
        })
        .collect();
    let count = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), count, "each write has a version of its own");
    assert!(it.store.write_all(&it.context, Vec::new(), None).await.is_empty());
}

/// Once as many writes have failed as were to be borne with, no other is carried out; what is missing counts.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn write_all_stops_after_failures(store: &Arc<dyn ResourceStore>) {
    let user = |it: &Fixture, id, name| creation(&it.user, id, &user_body(name, ""));
    for (stop_after, expected) in [(1, 2), (2, 4), (3, 5), (9, 5)] {
        let it = Fixture::new(store, &format!("write-all-stops-after-{stop_after}"));
        let writes = vec![
            user(&it, "u1", "Ann"),
            user(&it, "u2", "ann"),
            user(&it, "u3", "Bea"),
            Write::delete(Target::new(&it.user, &rid("nobody"))),
            user(&it, "u5", "Cid"),
        ];
        let outcomes = it.store.write_all(&it.context, writes, NonZeroUsize::new(stop_after)).await;
        assert_eq!(outcomes.len(), expected, "{stop_after}");
        let kept = ids(&everything(&it).await);
        let all = [("u1", 1), ("u3", 3), ("u5", 5)];
        let wanted: Vec<_> = all.iter().filter(|(_, nth)| *nth <= expected).map(|(id, _)| *id).collect();
        assert_eq!(kept, wanted, "{stop_after}");
    }
}
