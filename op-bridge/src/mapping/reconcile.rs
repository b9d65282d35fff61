//! After a start: the view is brought into line with the account, which is the truth.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scim_core::patch::RelationAction;
use scim_core::{Object, RelationValues, Resource, ResourceId, TenantId, TypeDefinition, Value};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Precondition, Query, Record, Replacement, ResourceStore, Scope, StoreError,
};

use super::error::{no_id, refusal};
use super::person::{followed, recovered};
use super::store::{BridgeStore, TRIES};
use super::users::set;
use crate::account::{Group, Person};
use crate::clock::Clock;
use crate::config::{DeletedUsers, ManagedGroups};

/// What a reconciliation has changed in the view. All zero when view and account agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciled {
    /// Users that only the account knew.
    pub users_recovered: usize,
    /// Users whose name, address or state the account had otherwise.
    pub users_changed: usize,
    /// Users whom the account no longer has.
    pub users_removed: usize,
    /// Groups that only the account knew.
    pub groups_recovered: usize,
    /// Groups whose name or members the account had otherwise.
    pub groups_changed: usize,
    /// Groups that the account no longer has, or that are no longer selected.
    pub groups_removed: usize,
    /// People and groups that could not be shown as the account has them; the log names each.
    pub passed_over: usize,
}

impl Reconciled {
    /// One record that cannot be shown keeps nobody else from being served: a bridge that is down suspends nobody. Only a
    /// store or an account that is away ends it all.
    fn pass_over<T>(&mut self, id: &str, done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            Err(error) => {
                tracing::error!(id, error = %error, "a record cannot be shown as the account has it");
                self.passed_over += 1;
                Ok(None)
            }
        }
    }
}

/// Whether a view may have been made of an account with these people: it has nobody, or one of them.
pub(crate) async fn view_is_of(
    view: &dyn ResourceStore,
    clock: &dyn Clock,
    people: &[Person],
) -> Result<bool, StoreError> {
    let registry = super::registry();
    let Some(users) = registry.by_name("User") else { return Ok(true) };
    let context = RequestContext::new(Arc::clone(&registry), clock.now());
    let anybody = Query::new(vec![Scope::all(Arc::clone(users))], 1).with_load(Load::None);
    if view.query(&context, &anybody).await?.records.is_empty() {
        return Ok(true);
    }
    for person in people {
        let id: ResourceId = person.id.as_str().parse().map_err(no_id)?;
        if view.get(&context, users, &id, Load::None).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl BridgeStore {
    /// Makes the view agree with the account: after a crash between the two, after the loss of the bridge's own
    /// store, after an administrator's work in the account.
    ///
    /// Changes the view only, never the account. Must not run while requests are served.
    ///
    /// # Errors
    ///
    /// When the account or the store cannot be read or written at all; what was done until then is right. One record that
    /// cannot be shown, such as that of a second person with the same address, is passed over and counted.
    pub async fn reconcile(&self) -> Result<Reconciled, StoreError> {
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now());
        let mut done = Reconciled::default();
        let (Some(users), Some(groups)) = (self.registry.by_name("User"), self.registry.by_name("Group"))
        else {
            return Ok(done);
        };
        self.reconcile_users(&context, users, &mut done).await?;
        self.reconcile_groups(&context, groups, users, &mut done).await?;
        Ok(done)
    }

    /// Lets the identity provider see and change the groups that an administrator has selected by name or id.
    /// May run while requests are served.
    ///
    /// # Errors
    ///
    /// When the account cannot be read. A group that cannot be selected is passed over, and the log says why.
    pub async fn select_groups(&self, selected: &ManagedGroups) -> Result<(), StoreError> {
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now());
        let Some(groups) = self.registry.by_name("Group") else { return Ok(()) };
        for group in self.account.groups().await.map_err(refusal)? {
            if group.managed || !selected.selects(group.id.as_str(), &group.name) {
                continue;
            }
            match self.select_group(&context, groups, &group).await {
                Ok(()) => tracing::info!(group = %group.id, "a selected group is managed from now on"),
                Err(error) => {
                    tracing::error!(group = %group.id, error = %error, "a group cannot be selected")
                }
            }
        }
        Ok(())
    }

    /// The selected names and ids that no group of the account has: nothing will be selected by them.
    ///
    /// # Errors
    ///
    /// When the account cannot be read.
    pub async fn unmatched_groups(&self, selected: &ManagedGroups) -> Result<Vec<String>, StoreError> {
        let groups = self.account.groups().await.map_err(refusal)?;
        let named: Vec<_> = groups.iter().map(|group| (group.id.as_str(), group.name.as_str())).collect();
        Ok(selected.unmatched(&named).into_iter().map(str::to_owned).collect())
    }

    async fn select_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        group: &Group,
    ) -> Result<(), StoreError> {
        let _held = self.locks.groups.hold(&[group.id.as_str()]).await;
        let group = self.account.set_managed(&group.id, true).await.map_err(refusal)?;
        for _ in 0..TRIES {
            let members = self.account.members(&group.id).await.map_err(refusal)?;
            let mut visible = Vec::new();
            for member in members {
                let id = member.person.as_str().parse().map_err(no_id)?;
                if self.is_visible(context, &id).await? {
                    visible.push(id);
                }
            }
            match self.show_group(context, definition, &group, visible).await {
                // Somebody has been deleted since.
                Err(StoreError::UnknownReference { .. }) => {}
                done => return done.map(|_| ()),
            }
        }
        Err(StoreError::Contended)
    }

    /// Puts a group of the account into the view.
    async fn show_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        group: &Group,
        members: Vec<ResourceId>,
    ) -> Result<Record, StoreError> {
        let id: ResourceId = group.id.as_str().parse().map_err(no_id)?;
        let mut attributes = Object::new();
        attributes.insert("schemas", Vec::<Value>::new());
        attributes.insert("displayName", group.name.as_str());
        let mut resource = Resource::from_attributes(attributes);
        resource.stamp_schemas(definition);
        let relations = vec![RelationValues { attribute: "members".into(), targets: members }];
        self.inner.create(context, definition, NewResource::new(id, resource, relations), Load::None).await
    }

    async fn reconcile_users(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        done: &mut Reconciled,
    ) -> Result<(), StoreError> {
        let mut view = self.all(context, definition, Load::None).await?;
        let people = self.account.people().await.map_err(refusal)?;
        let deleted = self.marks(context, definition, &self.deleted).await?;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for person in people {
            match view.remove(person.id.as_str()) {
                Some(record) => known.push((person, record)),
                None => unknown.push(person),
            }
        }
        // Those who are gone come first: somebody else may have their address by now.
        for record in view.into_values() {
            let gone = self.inner.delete(context, definition, &record.id, Precondition::Any).await;
            done.users_removed += usize::from(done.pass_over(record.id.as_str(), gone)?.is_some());
        }
        let mut differing = Vec::new();
        for (person, record) in &known {
            let active = person.state.is_active_for_scim();
            let is_deleted = deleted.contains(record.id.as_str());
            if is_deleted && !active && self.settings.deleted_users == DeletedUsers::Hidden {
                self.inner.delete(context, definition, &record.id, Precondition::Any).await?;
                done.users_removed += 1;
                continue;
            }
            if is_deleted && active {
                self.unmark(context, definition, &record.id, &self.deleted).await;
            }
            let user = record.to_resource().map_err(StoreError::internal);
            let Some(user) = done.pass_over(record.id.as_str(), user)? else { continue };
            if let Some(user) = followed(&user, person, self.settings.email_domain.as_deref()) {
                differing.push((record.id.clone(), user));
            }
        }
        done.users_changed += differing.len();
        self.follow_people(context, definition, differing, done).await?;
        for person in unknown.iter().filter(|person| person.belongs_in_view()) {
            let shown = self.recover(context, definition, person).await;
            done.users_recovered += usize::from(done.pass_over(person.id.as_str(), shown)?.is_some());
        }
        self.forget_stale_marks(context, definition).await
    }

    /// Shows a person whom only the account knows. Where somebody else is shown at their address they are shown under
    /// their id, so that they can be suspended.
    async fn recover(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        person: &Person,
    ) -> Result<(), StoreError> {
        let id: ResourceId = person.id.as_str().parse().map_err(no_id)?;
        self.mark(context, definition, &id, &self.recovered).await?;
        let user = recovered(definition, person);
        let new = NewResource::new(id.clone(), user.clone(), Vec::new());
        match self.inner.create(context, definition, new, Load::None).await {
            Err(error @ StoreError::Uniqueness { .. }) => {
                let new = NewResource::new(id.clone(), aside(user, &id), Vec::new());
                self.inner.create(context, definition, new, Load::None).await?;
                Err(error)
            }
            created => created.map(|_| ()),
        }
    }

    /// Writes users that differ from the account. Where people have exchanged their addresses, one of them waits
    /// under a user name that nobody has until the others are done; whoever has the address of somebody else stays so.
    async fn follow_people(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mut waiting: Vec<(ResourceId, Resource)>,
        done: &mut Reconciled,
    ) -> Result<(), StoreError> {
        let mut stepped_aside = false;
        while !waiting.is_empty() {
            let (mut taken, before) = (Vec::new(), waiting.len());
            for (id, user) in waiting {
                match self.overwrite(context, definition, &id, user.clone()).await {
                    Err(error @ StoreError::Uniqueness { .. }) if stepped_aside => {
                        done.pass_over(id.as_str(), Err::<(), _>(error))?;
                    }
                    Err(StoreError::Uniqueness { .. }) => taken.push((id, user)),
                    written => drop(done.pass_over(id.as_str(), written)?),
                }
            }
            stepped_aside = taken.len() == before;
            if stepped_aside {
                for (id, user) in &taken {
                    let aside = self.overwrite(context, definition, id, aside(user.clone(), id)).await;
                    done.pass_over(id.as_str(), aside)?;
                }
            }
            waiting = taken;
        }
        Ok(())
    }

    async fn overwrite(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        user: Resource,
    ) -> Result<(), StoreError> {
        let replacement = Replacement::new(user, Vec::new());
        let none = Precondition::Any;
        self.inner.replace(context, definition, id, replacement, none, Load::None).await.map(|_| ())
    }

    /// The ids that carry a mark.
    async fn marks(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mark: &TenantId,
    ) -> Result<BTreeSet<String>, StoreError> {
        let context = context.clone().with_tenant(mark.clone());
        Ok(self.all(&context, definition, Load::None).await?.into_keys().collect())
    }

    /// Takes marks away that were left behind by a crash.
    async fn forget_stale_marks(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
    ) -> Result<(), StoreError> {
        for mark in [&self.deleted, &self.recovered] {
            for id in self.marks(context, definition, mark).await? {
                let id: ResourceId = id.parse().map_err(no_id)?;
                if self.inner.get(context, definition, &id, Load::None).await?.is_none() {
                    self.unmark(context, definition, &id, mark).await;
                }
            }
        }
        Ok(())
    }

    async fn reconcile_groups(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        users: &Arc<TypeDefinition>,
        done: &mut Reconciled,
    ) -> Result<(), StoreError> {
        let mut view = self.all(context, definition, Load::All).await?;
        let people = self.all(context, users, Load::None).await?;
        let mut groups = self.account.groups().await.map_err(refusal)?;
        groups.retain(|group| group.managed);
        // Those that are gone come first: another one may have their name by now.
        let managed: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        for (id, record) in view.extract_if(|id, _| !managed.contains(id.as_str())) {
            let gone = self.inner.delete(context, definition, &record.id, Precondition::Any).await;
            done.groups_removed += usize::from(done.pass_over(&id, gone)?.is_some());
        }
        let mut waiting: Vec<(Group, Option<Record>)> = Vec::new();
        for group in groups {
            let record = view.remove(group.id.as_str());
            waiting.push((group, record));
        }
        // Twice, as groups may have exchanged their names: whoever is in the way waits under its id.
        for is_last in [false, true] {
            for (group, record) in std::mem::take(&mut waiting) {
                let shown = self.follow(context, definition, record.as_ref(), &group, &people).await;
                if !is_last && matches!(shown, Err(StoreError::Uniqueness { .. })) {
                    if let Some(record) = &record {
                        let aside = set(definition, "displayName", Value::from(group.id.as_str()))?;
                        let none = Precondition::Any;
                        self.inner.apply(context, definition, &record.id, aside, none, Load::None).await?;
                    }
                    waiting.push((group, record));
                    continue;
                }
                let changed = done.pass_over(group.id.as_str(), shown)? == Some(true);
                let count =
                    if record.is_some() { &mut done.groups_changed } else { &mut done.groups_recovered };
                *count += usize::from(changed);
            }
        }
        self.forget_stale_marks(context, definition).await
    }

    /// Shows a group as the account has it. Whether that was a change.
    async fn follow(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        record: Option<&Record>,
        group: &Group,
        people: &HashMap<String, Record>,
    ) -> Result<bool, StoreError> {
        let members = self.visible_members(group, people).await?;
        if let Some(record) = record {
            return self.follow_group(context, definition, record, group, members).await;
        }
        let id = group.id.as_str().parse().map_err(no_id)?;
        self.mark(context, definition, &id, &self.recovered).await?;
        self.show_group(context, definition, group, members).await.map(|_| true)
    }

    /// The members of a group whom the identity provider sees; others are not its business.
    async fn visible_members(
        &self,
        group: &Group,
        people: &HashMap<String, Record>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let members = self.account.members(&group.id).await.map_err(refusal)?;
        let visible = members.iter().filter_map(|member| people.get(member.person.as_str()));
        Ok(visible.map(|record| record.id.clone()).collect())
    }

    async fn follow_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        record: &Record,
        group: &Group,
        members: Vec<ResourceId>,
    ) -> Result<bool, StoreError> {
        let none = Precondition::Any;
        let mut changed = false;
        let resource = record.to_resource().map_err(StoreError::internal)?;
        if resource.text("displayName") != Some(group.name.as_str()) {
            let rename = set(definition, "displayName", Value::from(group.name.as_str()))?;
            self.inner.apply(context, definition, &record.id, rename, none.clone(), Load::None).await?;
            changed = true;
        }
        let there = record.related.iter().filter_map(|related| related.references.as_ref()).flatten();
        let there: BTreeSet<&ResourceId> = there.map(|reference| &reference.id).collect();
        if there != members.iter().collect() {
            let change = super::users::members(RelationAction::Replace(members));
            self.inner.apply(context, definition, &record.id, change, none, Load::None).await?;
            changed = true;
        }
        Ok(changed)
    }
}

/// A user under a name that nobody has.
fn aside(mut user: Resource, id: &ResourceId) -> Resource {
    user.attributes_mut().insert("userName", id.as_str());
    user.attributes_mut().remove("emails");
    user
}
