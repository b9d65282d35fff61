//! Smoke test; the suite follows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::{Object, PatchLimits, PatchRequest, Quirks, Registry, Value, validate};
use scim_filter::{Filter, ResolveOptions};
use scim_server::RequestContext;
use scim_server::store::{
    Load, MemoryStore, NewResource, Precondition, Query, ResourceStore, Scope, SqliteStore, StoreError,
};

fn obj(t: &str) -> Object {
    match Value::from_slice(t.as_bytes()).unwrap() {
        Value::Object(o) => o,
        _ => panic!(),
    }
}

#[tokio::test]
async fn smoke_all() {
    let folder = tempfile::tempdir().unwrap();
    smoke(&MemoryStore::new()).await;
    smoke(&SqliteStore::in_memory().unwrap()).await;
    smoke(&SqliteStore::open(folder.path().join("x.db")).unwrap()).await;
}

async fn smoke(store: &dyn ResourceStore) {
    let registry = Registry::rfc7643();
    let user = registry.by_name("User").unwrap().clone();
    let group = registry.by_name("Group").unwrap().clone();
    let now: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    let context = RequestContext::new(Arc::clone(&registry), now).with_base_url("https://x/scim");
    let d = validate::validate_new(&user, obj(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Ann","emails":[{"value":"a@x","type":"work"}]}"#), &Quirks::interop()).unwrap();
    let new = NewResource::new("u1".parse().unwrap(), d.resource.clone(), d.relations);
    store.create(&context, &user, new, Load::All).await.unwrap();
    let new = NewResource::new("u2".parse().unwrap(), d.resource, vec![]);
    let e = store.create(&context, &user, new, Load::All).await.unwrap_err();
    assert!(matches!(e, StoreError::Uniqueness { .. }), "{e}");
    let d = validate::validate_new(&group, obj(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"G","members":[{"value":"u1"}]}"#), &Quirks::interop()).unwrap();
    let new = NewResource::new("g1".parse().unwrap(), d.resource, d.relations);
    let g = store.create(&context, &group, new, Load::All).await.unwrap();
    for (def, f) in [
        (&user, r#"emails[type eq "work" and value eq "A@X"]"#),
        (&user, r#"groups.value eq "g1""#),
        (&user, r#"groups.display eq "g""#),
        (&group, r#"members.value eq "u1""#),
        (&user, r#"userName eq "ａnn""#),
    ] {
        let f = Filter::parse(f).unwrap().resolve(&**def, &ResolveOptions::default()).unwrap();
        let query = Query::new(vec![Scope::all(def.clone()).with_filter(Some(f))], 10);
        let page = store.query(&context, &query).await.unwrap();
        assert_eq!((page.total_results, page.records.len()), (1, 1));
    }
    let changes = PatchRequest::from_object(obj(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"g1"}]}]}"#), &Quirks::interop(), &PatchLimits::default()).unwrap().resolve(&group, &Quirks::interop()).unwrap();
    for changed in [true, false] {
        let changes = changes.clone();
        let w = store.apply(&context, &group, &g.id, changes, Precondition::Any, Load::All).await.unwrap();
        let w = w.unwrap();
        assert_eq!(w.changed, changed);
        assert_eq!(w.record.related[0].references.as_ref().unwrap()[0].id.as_str(), "g1");
    }
    assert!(store.delete(&context, &group, &g.id, Precondition::Any).await.unwrap());
    assert!(store.get(&context, &group, &g.id, Load::All).await.unwrap().is_none());
}
