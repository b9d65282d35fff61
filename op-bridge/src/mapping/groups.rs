//! Groups: create, rename, delete, grant, revoke. Only groups in the view can be reached: those that the bridge made
//! and those that an administrator selected.

use std::sync::Arc;

use scim_core::patch::{RelationAction, RelationChange};
use scim_core::{ChangeSet, ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{Load, NewResource, Precondition, Record, Replacement, StoreError, Written};

use super::error::{no_id, refusal, taken};
use super::store::{BridgeStore, Change, TRIES};
use crate::account::{AccountError, GroupId, PersonId};

/// Who is to be put into a group and who is to be taken out; nobody is in both.
#[derive(Debug, Default)]
struct Memberships {
    grant: Vec<ResourceId>,
    revoke: Vec<ResourceId>,
}

impl Memberships {
    fn grant(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            self.revoke.retain(|other| *other != id);
            if !self.grant.contains(&id) {
                self.grant.push(id);
            }
        }
    }

    fn revoke(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            self.grant.retain(|other| *other != id);
            if !self.revoke.contains(&id) {
                self.revoke.push(id);
            }
        }
    }
}

impl BridgeStore {
    /// POST: makes a managed group and puts its members in.
    pub(super) async fn create_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mut new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        let name = new.resource.text("displayName").unwrap_or_default().to_owned();
        let _held = self.locks.hold(&[format!("group {}", name.to_lowercase()).as_str()]).await;
        let known = self.find(context, definition, "displayName", &name).await?;
        let reclaimed = match &known {
            Some(record) => {
                if !self.marked(context, definition, &record.id, &self.recovered, false).await? {
                    return Err(taken("Group", "displayName", &name));
                }
                true
            }
            None => false,
        };
        let wanted: Vec<ResourceId> =
            new.relations.iter().flat_map(|relation| relation.targets.iter().cloned()).collect();
        self.check_people(context, &wanted).await?;
        let created = self.account.create_group(&name).await.map_err(refusal)?;
        let group = created.group.id;
        new.id = group.as_str().parse().map_err(no_id)?;
        let mut memberships = Memberships::default();
        memberships.grant(wanted.iter().cloned());
        if created.existed {
            let members = self.account.members(&group).await.map_err(refusal)?;
            let there = members.iter().map(|member| member.person.as_str().parse().map_err(no_id));
            let there: Vec<ResourceId> = there.collect::<Result<_, _>>()?;
            memberships.revoke(there.into_iter().filter(|id| !wanted.contains(id)));
        }
        let done = match self.carry_out(&group, &memberships).await {
            Ok(()) if reclaimed => self.take_over_group(context, definition, new, load).await,
            Ok(()) => self.inner.create(context, definition, new, load).await,
            Err(error) => Err(error),
        };
        if done.is_err()
            && !created.existed
            && let Err(error) = self.account.delete_group(&group).await
        {
            tracing::warn!(group = %group, error = %error, "a group that was not wanted could not be deleted");
        }
        done
    }

    async fn take_over_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        let replacement = Replacement::new(new.resource, new.relations);
        let written =
            self.inner.replace(context, definition, &new.id, replacement, Precondition::Any, load).await?;
        self.marked(context, definition, &new.id, &self.recovered, true).await?;
        written.map(|written| written.record).ok_or(StoreError::Contended)
    }

    /// PUT and PATCH: the account first, then the view.
    pub(super) async fn change_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        change: Change,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let _held = self.locks.hold(&[id.as_str()]).await;
        let Ok(group) = id.as_str().parse::<GroupId>() else { return Ok(None) };
        for _ in 0..TRIES {
            let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
                return Ok(None);
            };
            precondition.check(current.version)?;
            let had = current.to_resource().map_err(StoreError::internal)?;
            let after = change.outcome(definition, &had)?;
            let name = after.text("displayName").unwrap_or_default().to_owned();
            let memberships = self.memberships(context, definition, id, &change).await?;
            self.check_people(context, &memberships.grant).await?;
            let Some(known) =
                self.account.group(&group).await.map_err(refusal)?.filter(|group| group.managed)
            else {
                // Deleted, or no longer selected, by an administrator.
                self.inner.delete(context, definition, id, Precondition::Any).await?;
                return Ok(None);
            };
            if known.name != name {
                self.account.rename_group(&group, &name).await.map_err(refusal)?;
            }
            let done = match self.carry_out(&group, &memberships).await {
                Ok(()) => change.clone().keep(&*self.inner, context, definition, &current, load).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(written) => {
                    self.marked(context, definition, id, &self.recovered, true).await?;
                    return Ok(written);
                }
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => {
                    self.take_back(context, definition, &group, id, &known.name, &name, &memberships).await;
                    return Err(error);
                }
            }
        }
        Err(StoreError::Contended)
    }

    /// DELETE: the group goes, its members stay in the account.
    pub(super) async fn delete_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let _held = self.locks.hold(&[id.as_str()]).await;
        let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
            return Ok(false);
        };
        precondition.check(current.version)?;
        let group = id.as_str().parse::<GroupId>().map_err(no_id)?;
        match self.account.delete_group(&group).await {
            Ok(()) | Err(AccountError::NotFound { .. }) => {}
            Err(error) => return Err(refusal(error)),
        }
        self.marked(context, definition, id, &self.recovered, true).await?;
        self.inner.delete(context, definition, id, Precondition::Any).await
    }

    /// The groups of a person that the identity provider sees.
    pub(super) async fn visible_groups_of(
        &self,
        context: &RequestContext,
        person: &PersonId,
    ) -> Result<Vec<GroupId>, StoreError> {
        let Some(definition) = self.registry.by_name("Group") else { return Ok(Vec::new()) };
        let groups = match self.account.groups_of(person).await {
            Ok(groups) => groups,
            Err(AccountError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(refusal(error)),
        };
        let mut visible = Vec::new();
        for group in groups {
            let id: ResourceId = group.as_str().parse().map_err(no_id)?;
            if self.inner.get(context, definition, &id, Load::None).await?.is_some() {
                visible.push(group);
            }
        }
        Ok(visible)
    }

    /// Every member must be a user that the identity provider sees, before anything is granted.
    async fn check_people(&self, context: &RequestContext, ids: &[ResourceId]) -> Result<(), StoreError> {
        let Some(users) = self.registry.by_name("User") else { return Ok(()) };
        for id in ids {
            if self.inner.get(context, users, id, Load::None).await?.is_none() {
                return Err(StoreError::UnknownReference { attribute: "members".to_owned(), id: id.clone() });
            }
        }
        Ok(())
    }

    /// What the changes of `members` come to. The present members are read only where a change is about all of them.
    async fn memberships(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        change: &Change,
    ) -> Result<Memberships, StoreError> {
        let actions: Vec<RelationAction> = match change {
            Change::Replace(replacement) => {
                let targets = replacement.relations.iter().map(|relation| relation.targets.clone());
                targets.map(RelationAction::Replace).collect()
            }
            Change::Apply(changes) => changes.relations.iter().map(|change| change.action.clone()).collect(),
        };
        let mut memberships = Memberships::default();
        for action in actions {
            match action {
                RelationAction::Add(ids) => memberships.grant(ids),
                RelationAction::Remove(ids) => memberships.revoke(ids),
                RelationAction::Replace(ids) => {
                    let there = self.members(context, definition, id).await?;
                    let earlier = std::mem::take(&mut memberships.grant);
                    memberships.revoke(there.into_iter().chain(earlier));
                    memberships.grant(ids);
                }
                RelationAction::RemoveMatching(filter) => {
                    let record = self.reload(context, definition, id, Load::All).await?;
                    let group = record.to_object(context, definition).map_err(StoreError::internal)?;
                    let members =
                        group.get("members").and_then(scim_core::Value::as_array).unwrap_or_default();
                    let matching = members.iter().filter(|member| filter.matches_value(*member));
                    let ids = matching
                        .filter_map(|member| member.as_object()?.get("value")?.as_str()?.parse().ok());
                    memberships.revoke(ids);
                }
                _ => {
                    return Err(StoreError::internal(
                        "a kind of membership change that the bridge does not know",
                    ));
                }
            }
        }
        Ok(memberships)
    }

    async fn members(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let record = self.reload(context, definition, id, Load::All).await?;
        let references = record.related.into_iter().filter_map(|related| related.references).flatten();
        Ok(references.map(|reference| reference.id).collect())
    }

    async fn carry_out(&self, group: &GroupId, memberships: &Memberships) -> Result<(), StoreError> {
        for id in &memberships.revoke {
            // An id that is no person's is in no group.
            let Ok(person) = id.as_str().parse::<PersonId>() else { continue };
            match self.account.revoke(group, &person).await {
                Ok(()) | Err(AccountError::NotFound { what: "person", .. }) => {}
                Err(error) => return Err(refusal(error)),
            }
        }
        for id in &memberships.grant {
            let person = id.as_str().parse::<PersonId>().map_err(no_id)?;
            self.account.grant(group, &person).await.map_err(refusal)?;
        }
        Ok(())
    }

    /// Brings the account back to what the view still says. What cannot be taken back is left to the reconciler.
    #[expect(clippy::too_many_arguments, reason = "one call, right after the failure")]
    async fn take_back(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        group: &GroupId,
        id: &ResourceId,
        old_name: &str,
        new_name: &str,
        memberships: &Memberships,
    ) {
        let Ok(there) = self.members(context, definition, id).await else { return };
        let mut back = Memberships::default();
        back.revoke(memberships.grant.iter().filter(|id| !there.contains(id)).cloned());
        back.grant(memberships.revoke.iter().filter(|id| there.contains(id)).cloned());
        if let Err(error) = self.carry_out(group, &back).await {
            tracing::warn!(group = %group, error = %error, "memberships could not be taken back");
        }
        if old_name != new_name
            && let Err(error) = self.account.rename_group(group, old_name).await
        {
            tracing::warn!(group = %group, error = %error, "a new name could not be taken back");
        }
    }
}

/// The change that makes these people the only members.
pub(super) fn members_are(ids: Vec<ResourceId>) -> ChangeSet {
    let mut changes = ChangeSet::default();
    changes.relations.push(RelationChange::new("members", RelationAction::Replace(ids)));
    changes
}
