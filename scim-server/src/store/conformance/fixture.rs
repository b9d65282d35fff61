//! What all tests of the suite need: a tenant, resources from JSON, changes from JSON.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use scim_core::{
    ChangeSet, Draft, Object, PatchLimits, PatchRequest, Quirks, Registry, ResourceId, TypeDefinition, Value,
    validate,
};
use scim_filter::{AttrPath, Filter, ResolveOptions, ResolvedAttr, ResolvedFilter};

use crate::context::RequestContext;
use crate::store::{
    Load, NewResource, Page, Precondition, Query, Record, Replacement, ResourceStore, Scope, StoreError,
    Target, Write, Written,
};

/// One tenant of a store under test.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) store: Arc<dyn ResourceStore>,
    pub(super) context: RequestContext,
    pub(super) user: Arc<TypeDefinition>,
    pub(super) group: Arc<TypeDefinition>,
}

impl Fixture {
    pub(super) fn new(store: &Arc<dyn ResourceStore>, tenant: &str) -> Self {
        let registry = Registry::rfc7643();
        let definition = |name| Arc::clone(registry.by_name(name).unwrap());
        let (user, group) = (definition("User"), definition("Group"));
        let context = RequestContext::new(Arc::clone(&registry), second(0))
            .with_tenant(tenant.parse().unwrap())
            .with_base_url("https://example.com/scim");
        Self { store: Arc::clone(store), context, user, group }
    }

    /// The same, so many seconds after the beginning.
    pub(super) fn at(&self, seconds: i64) -> Self {
        let context = self.context.clone().with_now(second(seconds));
        Self { context, ..self.clone() }
    }

    pub(super) async fn try_create(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        body: &str,
    ) -> Result<Record, StoreError> {
        self.store.write(&self.context, creation(definition, id, body)).await?.into_created()
    }

    /// A user with this name, and further attributes as the inside of a JSON object.
    pub(super) async fn user(&self, id: &str, name: &str, more: &str) -> Record {
        self.try_create(&self.user, id, &user_body(name, more)).await.unwrap()
    }

    /// A group with these members.
    pub(super) async fn group(&self, id: &str, members: &[&str]) -> Record {
        self.try_create(&self.group, id, &group_body(&format!("Group {id}"), members)).await.unwrap()
    }

    pub(super) async fn get(&self, definition: &Arc<TypeDefinition>, id: &str, load: Load) -> Option<Record> {
        self.store.get(&self.context, definition, &rid(id), load).await.unwrap()
    }

    pub(super) async fn try_replace(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        body: &str,
        precondition: Precondition,
    ) -> Result<Option<Written>, StoreError> {
        let Draft { resource, relations, .. } = draft(definition, body);
        let target = Target::new(definition, &rid(id)).with_precondition(precondition);
        let write = Write::replace(target, Replacement::new(resource, relations));
        self.store.write(&self.context, write).await?.into_written()
    }

    /// Applies a PATCH whose operations are the inside of a JSON array.
    pub(super) async fn try_patch(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        operations: &str,
        precondition: Precondition,
    ) -> Result<Option<Written>, StoreError> {
        let target = Target::new(definition, &rid(id)).with_precondition(precondition);
        let write = Write::apply(target, changes(definition, operations));
        self.store.write(&self.context, write).await?.into_written()
    }

    pub(super) async fn patch(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        operations: &str,
    ) -> Written {
        self.try_patch(definition, id, operations, Precondition::Any).await.unwrap().unwrap()
    }

    pub(super) async fn delete(&self, definition: &Arc<TypeDefinition>, id: &str) -> bool {
        let write = Write::delete(Target::new(definition, &rid(id)));
        self.store.write(&self.context, write).await.unwrap().into_deleted().unwrap()
    }

    pub(super) async fn query(&self, query: &Query) -> Page {
        self.store.query(&self.context, query).await.unwrap()
    }

    /// The ids of the resources that match, in order.
    pub(super) async fn matching(&self, definition: &Arc<TypeDefinition>, text: &str) -> Vec<String> {
        let scope = Scope::all(Arc::clone(definition)).with_filter(Some(filter(definition, text)));
        let page = self.query(&Query::new(vec![scope], 1_000)).await;
        assert_eq!(page.total_results, Some(u64::try_from(page.records.len()).unwrap()), "{text}");
        ids(&page.records)
    }
}

pub(super) fn second(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub(super) fn rid(id: &str) -> ResourceId {
    id.parse().unwrap()
}

pub(super) fn object(json: &str) -> Object {
    match Value::from_slice(json.as_bytes()) {
        Ok(Value::Object(object)) => object,
        other => panic!("{other:?}: {json}"),
    }
}

pub(super) fn user_body(name: &str, more: &str) -> String {
    let separator = if more.is_empty() { "" } else { "," };
    let name = Value::from(name).to_vec();
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":{}{separator}{more}}}"#,
        String::from_utf8(name).unwrap()
    )
}

pub(super) fn group_body(name: &str, members: &[&str]) -> String {
    let members: Vec<String> = members.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{name}","members":[{}]}}"#,
        members.join(",")
    )
}

pub(super) fn draft(definition: &TypeDefinition, body: &str) -> Draft {
    validate::validate_new(definition, object(body), &Quirks::interop()).unwrap()
}

pub(super) fn creation(definition: &Arc<TypeDefinition>, id: &str, body: &str) -> Write {
    let Draft { resource, relations, .. } = draft(definition, body);
    Write::create(definition, NewResource::new(rid(id), resource, relations))
}

pub(super) fn changes(definition: &TypeDefinition, operations: &str) -> ChangeSet {
    changes_with(definition, operations, &Quirks::interop())
}

pub(super) fn changes_with(definition: &TypeDefinition, operations: &str, quirks: &Quirks) -> ChangeSet {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#
    );
    PatchRequest::from_object(object(&body), quirks, &PatchLimits::default())
        .unwrap()
        .resolve(definition, quirks)
        .unwrap()
}

pub(super) fn filter(definition: &TypeDefinition, text: &str) -> ResolvedFilter {
    Filter::parse(text).unwrap().resolve(definition, &ResolveOptions::default()).unwrap()
}

pub(super) fn sort_by(definition: &TypeDefinition, path: &str) -> ResolvedAttr {
    AttrPath::parse(path).unwrap().resolve_sort(definition).unwrap()
}

pub(super) fn ids(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.id.to_string()).collect()
}

/// The ids that one attribute refers to; `None` if they were too many to load.
pub(super) fn references(record: &Record, attribute: &str) -> Option<Vec<String>> {
    let related = record.related.iter().find(|related| &*related.attribute == attribute);
    let related = related.unwrap_or_else(|| panic!("`{attribute}` was not loaded"));
    related.references.as_ref().map(|all| all.iter().map(|reference| reference.id.to_string()).collect())
}

/// Everything of a record that a client can see, and what it cannot.
pub(super) fn whole(record: &Record) -> String {
    format!("{record:?}")
}

pub(super) fn text(document: &[u8]) -> &str {
    std::str::from_utf8(document).unwrap()
}
