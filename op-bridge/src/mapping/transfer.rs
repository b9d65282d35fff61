//! From one place of the view to another.

use std::sync::Arc;

use scim_core::{RelationValues, ResourceId, TenantId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Precondition, Query, Record, ResourceStore, Scope, Start, StoreError,
};

use super::store::{BridgeStore, mark};

/// How many records are read at once.
const PAGE: usize = 256;

impl BridgeStore {
    /// Takes over all that another store has kept for the same account, if nothing is here yet or this was interrupted
    /// before: how many users and groups. `None` if something is here. Must not run while requests are served.
    ///
    /// Ids, attributes, members and the order of creation stay, and when each was changed last; when it was created does
    /// not.
    pub(crate) async fn take_over(&self, from: &dyn ResourceStore) -> Result<Option<usize>, StoreError> {
        let (Some(users), Some(groups)) = (self.registry.by_name("User"), self.registry.by_name("Group"))
        else {
            return Ok(None);
        };
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now());
        let (under_way, id) = (mark("op-bridge:transfer"), "transfer".parse().map_err(StoreError::internal)?);
        if self.marked(&context, users, &id, &under_way).await? {
            for tenant in self.tenants() {
                let context = context.clone().with_tenant(tenant);
                for definition in [groups, users] {
                    self.clear(&context, definition).await?;
                }
            }
        } else if !self.is_empty(&context, users).await? || !self.is_empty(&context, groups).await? {
            return Ok(None);
        }
        self.mark(&context, users, &id, &under_way).await?;
        let mut taken = 0_usize;
        for tenant in self.tenants() {
            let is_view = tenant == TenantId::default();
            let context = context.clone().with_tenant(tenant);
            for definition in [users, groups] {
                let copied = self.copy(from, &context, definition).await?;
                taken = taken.saturating_add(if is_view { copied } else { 0 });
            }
        }
        let context = context.with_tenant(under_way);
        self.inner.delete(&context, users, &id, Precondition::Any).await?;
        Ok(Some(taken))
    }

    /// Of the view, and of each mark that outlives a request.
    fn tenants(&self) -> [TenantId; 3] {
        [TenantId::default(), self.deleted.clone(), self.recovered.clone()]
    }

    async fn is_empty(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
    ) -> Result<bool, StoreError> {
        let anybody = Query::new(vec![Scope::all(Arc::clone(definition))], 1).with_load(Load::None);
        Ok(self.inner.query(context, &anybody).await?.records.is_empty())
    }

    async fn clear(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
    ) -> Result<(), StoreError> {
        for record in self.all(context, definition, Load::None).await?.into_values() {
            self.inner.delete(context, definition, &record.id, Precondition::Any).await?;
        }
        Ok(())
    }

    async fn copy(
        &self,
        from: &dyn ResourceStore,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
    ) -> Result<usize, StoreError> {
        // The groups of a user are those that have them as a member.
        let load = if definition.name() == "Group" { Load::All } else { Load::None };
        let mut query = Query::new(vec![Scope::all(Arc::clone(definition))], PAGE).with_load(load);
        let mut copied = 0_usize;
        loop {
            let page = from.query(context, &query).await?;
            for record in page.records {
                let mut at_its_time = context.clone();
                at_its_time.now = record.last_modified;
                self.inner.create(&at_its_time, definition, renewed(&record)?, Load::None).await?;
                copied = copied.saturating_add(1);
            }
            let Some(next) = page.next else { return Ok(copied) };
            query = query.with_start(Start::After(next));
        }
    }
}

/// A record as a new one.
fn renewed(record: &Record) -> Result<NewResource, StoreError> {
    let resource = record.to_resource().map_err(StoreError::internal)?;
    let relations = record.related.iter().filter_map(|related| {
        let targets: Vec<ResourceId> =
            related.references.as_ref()?.iter().map(|reference| reference.id.clone()).collect();
        Some(RelationValues { attribute: related.attribute.clone(), targets })
    });
    Ok(NewResource::new(record.id.clone(), resource, relations.collect()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use chrono::DateTime;
    use scim_core::{Object, Resource};
    use scim_server::store::{MemoryStore, Outcome, Page, Write};

    use super::*;
    use crate::account::local::LocalAccount;
    use crate::clock::{ManualClock, SystemClock};
    use crate::credentials::SessionGate;
    use crate::mapping::{Settings, registry};
    use crate::random::SystemRandom;

    /// Gives a few pages, then is away.
    #[derive(Debug)]
    struct Faltering {
        store: Arc<dyn ResourceStore>,
        pages: AtomicUsize,
    }

    #[async_trait]
    impl ResourceStore for Faltering {
        async fn get(
            &self,
            context: &RequestContext,
            definition: &Arc<TypeDefinition>,
            id: &ResourceId,
            load: Load,
        ) -> Result<Option<Record>, StoreError> {
            self.store.get(context, definition, id, load).await
        }

        async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
            if self.pages.fetch_sub(1, Ordering::Relaxed) == 0 {
                return Err(StoreError::Contended);
            }
            self.store.query(context, query).await
        }

        async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
            self.store.write(context, write).await
        }
    }

    fn user(name: &str) -> NewResource {
        let mut attributes = Object::new();
        attributes.insert("userName", name);
        attributes.insert("externalId", format!("external {name}"));
        NewResource::new(name.parse().unwrap(), Resource::from_attributes(attributes), Vec::new())
    }

    async fn everything(store: &dyn ResourceStore, context: &RequestContext, type_name: &str) -> Vec<String> {
        let definition = Arc::clone(context.registry.by_name(type_name).unwrap());
        let query = Query::new(vec![Scope::all(definition)], 10_000).with_load(Load::All);
        let page = store.query(context, &query).await.unwrap();
        let shown = |r: &Record| {
            format!("{} {} {:?} {:?}", r.id, String::from_utf8_lossy(&r.document), r.related, r.last_modified)
        };
        page.records.iter().map(shown).collect()
    }

    #[tokio::test]
    async fn everything_is_taken_over_once_even_if_that_is_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(SessionGate::closed());
        let account =
            LocalAccount::open(folder.path(), gate, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let (old, new) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
        let store = BridgeStore::new(new.clone(), Arc::new(account), clock, Settings::default());
        let context = RequestContext::new(registry(), DateTime::UNIX_EPOCH + chrono::TimeDelta::days(10_000));
        let definition = |name| Arc::clone(context.registry.by_name(name).unwrap());
        let (users, groups) = (definition("User"), definition("Group"));
        for n in 0..700 {
            old.write(&context, Write::create(&users, user(&format!("u{n}")))).await.unwrap();
        }
        let members: Vec<ResourceId> = (0..300).map(|n| format!("u{n}").parse().unwrap()).collect();
        let mut attributes = Object::new();
        attributes.insert("displayName", "Crew");
        let relations = vec![RelationValues { attribute: "members".into(), targets: members }];
        let crew =
            NewResource::new("crew".parse().unwrap(), Resource::from_attributes(attributes), relations);
        old.write(&context, Write::create(&groups, crew)).await.unwrap();
        let deleted = context.clone().with_tenant(store.deleted.clone());
        old.write(&deleted, Write::create(&users, user("u7"))).await.unwrap();

        for pages in 0..5 {
            let faltering = Faltering { store: old.clone(), pages: AtomicUsize::new(pages) };
            assert!(matches!(store.take_over(&faltering).await, Err(StoreError::Contended)), "{pages}");
        }
        assert_eq!(store.take_over(&*old).await.unwrap(), Some(701));
        for (context, type_name) in [(&context, "User"), (&context, "Group"), (&deleted, "User")] {
            let expected = everything(&*old, context, type_name).await;
            assert!(!expected.is_empty());
            assert_eq!(everything(&*new, context, type_name).await, expected);
        }
        assert_eq!(store.take_over(&*old).await.unwrap(), None, "once");
    }
}
