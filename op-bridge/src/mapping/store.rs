use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::patch::Action;
use scim_core::{
    ChangeSet, Object, Registry, Resource, ResourceId, ScimError, TenantId, TypeDefinition, Value,
};
use scim_filter::{AttrPath, CompareOp, Literal, ResolveOptions, ResolvedComparison, ResolvedFilter};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Outcome, Page, Precondition, Query, Record, Replacement, ResourceStore, Scope, Start,
    StoreError, Target, Write, Written,
};
use tracing::Instrument as _;

use super::locks::AllLocks;
use super::person::Wanted;
use super::records::Records;
use crate::account::Account;
use crate::clock::Clock;
use crate::config::DeletedUsers;

/// A store whose users and groups are people and groups of an account.
///
/// A clone is another handle to the same bridge. A write is finished even if whoever asked for it has gone: a client
/// that hangs up leaves nothing half done. Therefore writes need a tokio runtime.
#[derive(Clone)]
pub struct BridgeStore {
    pub(super) inner: Records,
    pub(super) account: Arc<dyn Account>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) registry: Arc<Registry>,
    pub(super) settings: Settings,
    pub(super) locks: Arc<AllLocks>,
    pub(super) deleted: TenantId,
    pub(super) recovered: TenantId,
}

impl std::fmt::Debug for BridgeStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BridgeStore")
            .field("inner", &self.inner)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// What an administrator decides about the mapping.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What a DELETE of a user leaves to be seen.
    pub deleted_users: DeletedUsers,
    /// The domain that makes an address of a `userName` that is none, where there are no `emails` either.
    pub email_domain: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { deleted_users: DeletedUsers::Hidden, email_domain: None }
    }
}

/// How often a change is tried again when something else has changed the record in between.
pub(super) const TRIES: usize = 16;

impl BridgeStore {
    /// A bridge between `inner`, which keeps what the account does not, and `account`.
    ///
    /// Nothing but this bridge may write to `inner`. Call [`BridgeStore::reconcile`] before serving.
    pub fn new(
        inner: Arc<dyn ResourceStore>,
        account: Arc<dyn Account>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self {
            inner: Records::new(inner),
            account,
            clock,
            registry: super::registry(),
            settings,
            locks: Arc::default(),
            deleted: mark("op-bridge:deleted"),
            recovered: mark("op-bridge:recovered"),
        }
    }

    /// The account behind it.
    pub fn account(&self) -> &Arc<dyn Account> {
        &self.account
    }

    /// What a user asks of the account.
    pub(super) fn wanted(&self, user: &Resource) -> Result<Wanted, StoreError> {
        Wanted::of(user, self.settings.email_domain.as_deref())
    }

    /// The resource of a type whose attribute has this value, compared as the schema says.
    pub(super) async fn find(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Record>, StoreError> {
        let path = AttrPath::parse(attribute).map_err(StoreError::internal)?;
        let attribute = path.resolve_sort(&**definition).map_err(StoreError::internal)?;
        let literal = Literal::String(value.into());
        let comparison =
            ResolvedComparison::new(attribute, CompareOp::Eq, &literal, &ResolveOptions::default())
                .map_err(StoreError::internal)?;
        let filter = ResolvedFilter::Compare(comparison);
        let scope = Scope::all(Arc::clone(definition)).with_filter(Some(filter));
        let page = self.inner.query(context, &Query::new(vec![scope], 1).with_load(Load::None)).await?;
        Ok(page.records.into_iter().next())
    }

    /// Whether a record carries a mark.
    pub(super) async fn marked(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        mark: &TenantId,
    ) -> Result<bool, StoreError> {
        let context = context.clone().with_tenant(mark.clone());
        Ok(self.inner.get(&context, definition, id, Load::None).await?.is_some())
    }

    /// Marks a record; one that is marked already stays so.
    pub(super) async fn mark(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        mark: &TenantId,
    ) -> Result<(), StoreError> {
        let context = context.clone().with_tenant(mark.clone());
        // Nothing but the id, which no other mark has: what must be unique of a person is none of a mark's business.
        let mut attributes = Object::new();
        attributes.insert("userName", id.as_str());
        let new = NewResource::new(id.clone(), Resource::from_attributes(attributes), Vec::new());
        match self.inner.create(&context, definition, new, Load::None).await {
            Ok(_) | Err(StoreError::Uniqueness { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes a mark away, after a write that has been kept and so cannot fail any more. A mark that stays is taken
    /// away by the reconciler.
    pub(super) async fn unmark(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        mark: &TenantId,
    ) {
        let marked = self.marked(context, definition, id, mark).await;
        let context = context.clone().with_tenant(mark.clone());
        let done = match marked {
            // Marks are rare: looking costs less than a write that deletes nothing.
            Ok(false) => return,
            Ok(true) => self.inner.delete(&context, definition, id, Precondition::Any).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(id = id.as_str(), error = %error, "a mark could not be taken away");
        }
    }

    /// Reads a record again with as much of its relations as an answer needs.
    pub(super) async fn reload(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Record, StoreError> {
        let record = self.inner.get(context, definition, id, load).await?;
        record
            .ok_or_else(|| StoreError::internal(format!("{} has just been written and is gone", id.as_str())))
    }

    async fn create(
        &self,
        context: &RequestContext,
        new: Vec<(Arc<TypeDefinition>, NewResource)>,
        load: Load,
    ) -> Result<Outcome, StoreError> {
        let mut new = new.into_iter();
        let (Some((definition, first)), None) = (new.next(), new.next()) else {
            // The account has no transactions, and its groups do not contain each other.
            return Err(StoreError::Refused(ScimError::new(
                409,
                "resources that refer to each other cannot be created at once here; create them, then refer to them",
            )));
        };
        let record = if is_user(&definition) {
            self.create_user(context, &definition, first, load).await?
        } else {
            self.create_group(context, &definition, first, load).await?
        };
        Ok(Outcome::Created(vec![record]))
    }

    /// PUT and PATCH.
    async fn change(
        &self,
        context: &RequestContext,
        target: Target,
        change: Change,
        load: Load,
    ) -> Result<Outcome, StoreError> {
        let Target { definition, id, precondition, .. } = target;
        let written = if is_user(&definition) {
            self.change_user(context, &definition, &id, change, precondition, load).await?
        } else {
            self.change_group(context, &definition, &id, change, precondition, load).await?
        };
        Ok(written.map_or(Outcome::Missing, Outcome::Written))
    }

    async fn delete(&self, context: &RequestContext, target: Target) -> Result<Outcome, StoreError> {
        let Target { definition, id, precondition, .. } = target;
        let deleted = if is_user(&definition) {
            self.delete_user(context, &definition, &id, precondition).await?
        } else {
            self.delete_group(context, &definition, &id, precondition).await?
        };
        Ok(if deleted { Outcome::Deleted } else { Outcome::Missing })
    }

    /// All records of a type, by id.
    pub(super) async fn all(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        load: Load,
    ) -> Result<HashMap<String, Record>, StoreError> {
        const PAGE: usize = 1000;
        let mut all = HashMap::new();
        let mut query = Query::new(vec![Scope::all(Arc::clone(definition))], PAGE).with_load(load);
        loop {
            let page = self.inner.query(context, &query).await?;
            all.extend(page.records.into_iter().map(|record| (record.id.as_str().to_owned(), record)));
            let Some(next) = page.next else { return Ok(all) };
            query = query.with_start(Start::After(next));
        }
    }
}

/// Marks are kept beside the data, under tenants that no request can name.
pub(super) fn mark(name: &str) -> TenantId {
    name.parse().unwrap_or_default()
}

/// Sees a write through to its end, whether or not anybody still waits for it.
async fn finish<T: Send + 'static>(
    write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(write.in_current_span()).await.map_err(StoreError::internal)?
}

fn is_user(definition: &TypeDefinition) -> bool {
    definition.name() == "User"
}

#[async_trait]
impl ResourceStore for BridgeStore {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        self.inner.get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(context, query).await
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let (bridge, context) = (self.clone(), context.clone());
        finish(async move {
            match write {
                Write::Create { new, load } => bridge.create(&context, new, load).await,
                Write::Replace { target, replacement, load } => {
                    bridge.change(&context, target, Change::Replace(replacement), load).await
                }
                Write::Apply { target, changes, load } => {
                    bridge.change(&context, target, Change::Apply(changes), load).await
                }
                Write::Delete { target } => bridge.delete(&context, target).await,
            }
        })
        .await
    }
}

/// A PUT or a PATCH: the account is asked the same in both cases.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Replace(Replacement),
    Apply(ChangeSet),
}

impl Change {
    /// Whether it says anything about an attribute of the base schema.
    pub(super) fn touches(&self, attribute: &str) -> bool {
        match self {
            Self::Replace(_) => true,
            Self::Apply(changes) => changes.changes.iter().any(|change| is_about(&change.target, attribute)),
        }
    }

    /// What it says about whether somebody is active, if the resource is `after` it. Whoever takes the value away, or
    /// leaves it out, says nothing: not even after a `true` in the same request, but a `false` stands.
    pub(super) fn says_active(&self, after: &Resource) -> Option<bool> {
        let outcome = after.get(None, "active").and_then(Value::as_bool);
        match self {
            Self::Replace(_) => outcome,
            Self::Apply(_) => self.last_active().filter(|active| !active || outcome == Some(true)),
        }
    }

    /// Whether the last thing that it does to an attribute is to remove a value. A PUT that leaves it out says nothing.
    pub(super) fn takes_away(&self, attribute: &str) -> bool {
        let Self::Apply(changes) = self else { return false };
        let last = changes.changes.iter().rev().find(|change| is_about(&change.target, attribute));
        last.is_some_and(|change| matches!(change.action, Action::Remove | Action::RemoveListed(_)))
    }

    /// The last truth value that it gives for `active`.
    fn last_active(&self) -> Option<bool> {
        match self {
            Self::Replace(replacement) => replacement.resource.get(None, "active")?.as_bool(),
            Self::Apply(changes) => {
                let about = |change: &&scim_core::patch::Change| is_about(&change.target, "active");
                changes.changes.iter().rev().filter(about).find_map(|change| match &change.action {
                    Action::Add(value) | Action::Replace(Some(value)) => value.as_bool(),
                    _ => None,
                })
            }
        }
    }

    /// The attributes that the resource would have.
    pub(super) fn outcome(
        &self,
        definition: &TypeDefinition,
        had: &Resource,
    ) -> Result<Resource, StoreError> {
        match self {
            Self::Replace(replacement) => Ok(replacement.resource.clone()),
            Self::Apply(changes) => {
                let mut after = had.clone();
                changes.apply(definition, &mut after)?;
                Ok(after)
            }
        }
    }

    /// Keeps it, if the record still has this version.
    pub(super) async fn keep(
        self,
        inner: &dyn ResourceStore,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        current: &Record,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let unchanged = Precondition::IfVersion(vec![current.version]);
        let target = Target::new(definition, &current.id).with_precondition(unchanged);
        let write = match self {
            Self::Replace(replacement) => Write::replace(target, replacement),
            Self::Apply(changes) => Write::apply(target, changes),
        };
        inner.write(context, write.with_load(load)).await?.into_written()
    }
}

fn is_about(target: &scim_core::patch::Target, attribute: &str) -> bool {
    target.extension.is_none() && target.attribute.eq_ignore_ascii_case(attribute)
}

#[cfg(test)]
mod tests {
    #[test]
    fn marks_are_apart_from_the_data_and_from_each_other() {
        let default = scim_core::TenantId::default();
        let (deleted, recovered) = (super::mark("op-bridge:deleted"), super::mark("op-bridge:recovered"));
        assert!(deleted != default && recovered != default && deleted != recovered);
    }
}
