//! After a start: the view is brought into line with the account, which is the truth.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scim_core::{Object, RelationValues, Resource, ResourceId, TypeDefinition, Value};
use scim_server::RequestContext;
use scim_server::store::{Load, NewResource, Precondition, Record, StoreError};

use super::error::{no_id, refusal};
use super::groups::members_are;
use super::person::{Wanted, recovered};
use super::store::BridgeStore;
use super::users::set;
use crate::account::{Group, Person};
use crate::config::ManagedGroups;

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
}

impl BridgeStore {
    /// Makes the view agree with the account: after a crash between the two, after the loss of the bridge's own
    /// store, after an administrator's work in the account.
    ///
    /// Changes the view only, never the account. Must not run while requests are served.
    ///
    /// # Errors
    ///
    /// When the account or the store cannot be read or written; what was done until then is right.
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
    ///
    /// # Errors
    ///
    /// When the account cannot be read. A group that cannot be selected is passed over, and the log says why.
    pub async fn select_groups(&self, selected: &ManagedGroups) -> Result<(), StoreError> {
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now());
        let (Some(users), Some(groups)) = (self.registry.by_name("User"), self.registry.by_name("Group"))
        else {
            return Ok(());
        };
        for group in self.account.groups().await.map_err(refusal)? {
            if group.managed || !selected.selects(group.id.as_str(), &group.name) {
                continue;
            }
            let _held = self.locks.hold(&[group.id.as_str()]).await;
            match self.account.set_managed(&group.id, true).await {
                Ok(group) => {
                    let people = self.all(&context, users, Load::None).await?;
                    let members = self.visible_members(&group, &people).await?;
                    self.show_group(&context, groups, &group, members).await?;
                    tracing::info!(group = %group.id, "a selected group is managed from now on");
                }
                Err(error) => {
                    tracing::error!(group = %group.id, error = %error, "a group cannot be selected")
                }
            }
        }
        Ok(())
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
        let (known, unknown): (Vec<Person>, Vec<Person>) =
            people.into_iter().partition(|person| view.contains_key(person.id.as_str()));
        for person in &known {
            if let Some(record) = view.remove(person.id.as_str())
                && self.follow_person(context, definition, &record, person).await?
            {
                done.users_changed += 1;
            }
        }
        for record in view.into_values() {
            self.inner.delete(context, definition, &record.id, Precondition::Any).await?;
            done.users_removed += 1;
        }
        // A suspended person who is not in the view was deleted by the identity provider; a POST brings them back.
        let invited = |person: &&Person| person.provisioned_by_bridge && person.state.is_active_for_scim();
        for person in unknown.iter().filter(invited) {
            let id: ResourceId = person.id.as_str().parse().map_err(no_id)?;
            let new = NewResource::new(id, recovered(definition, person), Vec::new());
            let record = self.inner.create(context, definition, new, Load::None).await?;
            self.mark(context, definition, &record, &self.recovered).await?;
            done.users_recovered += 1;
        }
        Ok(())
    }

    /// Name, address and state as the account has them, where the view says something else.
    async fn follow_person(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        record: &Record,
        person: &Person,
    ) -> Result<bool, StoreError> {
        let user = record.to_resource().map_err(StoreError::internal)?;
        let mut changed = false;
        let email = person.pending_email.as_deref().unwrap_or(&person.email);
        let active = person.state.is_active_for_scim();
        let differs = |wanted: &Wanted, path: &str| match path {
            "userName" => wanted.email.to_lowercase() != email.to_lowercase(),
            "displayName" => wanted.name != person.name,
            _ => wanted.active != active,
        };
        let wanted = self.wanted(&user).ok();
        let values = [
            ("userName", Value::from(email)),
            ("displayName", Value::from(person.name.as_str())),
            ("active", Value::Bool(active)),
        ];
        for (path, value) in values {
            if wanted.as_ref().is_none_or(|wanted| differs(wanted, path)) {
                let change = set(definition, path, value)?;
                let none = Precondition::Any;
                self.inner.apply(context, definition, &record.id, change, none, Load::None).await?;
                changed = true;
            }
        }
        Ok(changed)
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
        let groups = self.account.groups().await.map_err(refusal)?;
        for group in groups.iter().filter(|group| group.managed) {
            let members = self.visible_members(group, &people).await?;
            match view.remove(group.id.as_str()) {
                Some(record) => {
                    if self.follow_group(context, definition, &record, group, members).await? {
                        done.groups_changed += 1;
                    }
                }
                None => {
                    let record = self.show_group(context, definition, group, members).await?;
                    self.mark(context, definition, &record, &self.recovered).await?;
                    done.groups_recovered += 1;
                }
            }
        }
        for record in view.into_values() {
            self.inner.delete(context, definition, &record.id, Precondition::Any).await?;
            done.groups_removed += 1;
        }
        Ok(())
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
            let change = members_are(members);
            self.inner.apply(context, definition, &record.id, change, none, Load::None).await?;
            changed = true;
        }
        Ok(changed)
    }
}
