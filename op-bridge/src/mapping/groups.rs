//! Groups: create, rename, delete, grant, revoke. Only groups in the view can be reached: those that the bridge made
//! and those that an administrator selected.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_core::patch::RelationAction;
use scim_core::{ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{Load, NewResource, Precondition, Record, Replacement, StoreError, Written};

use super::error::{no_id, refusal, taken};
use super::person::invalid;
use super::store::{BridgeStore, Change, TRIES};
use crate::account::{AccountError, GroupId, PersonId, check_name, name_key};

/// Who is to be put into a group and who is to be taken out; nobody is in both.
#[derive(Clone, Debug, Default)]
struct Memberships {
    grant: BTreeSet<ResourceId>,
    revoke: BTreeSet<ResourceId>,
}

impl Memberships {
    fn grant(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            self.revoke.remove(&id);
            self.grant.insert(id);
        }
    }

    fn revoke(&mut self, ids: impl IntoIterator<Item = ResourceId>) {
        for id in ids {
            self.grant.remove(&id);
            self.revoke.insert(id);
        }
    }

    fn is_empty(&self) -> bool {
        self.grant.is_empty() && self.revoke.is_empty()
    }

    /// What brings these people's memberships back to what they were when `there` were the members.
    fn back_to(&self, there: &BTreeSet<ResourceId>) -> Self {
        Self {
            grant: self.revoke.intersection(there).cloned().collect(),
            revoke: self.grant.difference(there).cloned().collect(),
        }
    }
}

/// What a change has tried in the account, for taking it back.
#[derive(Debug, Default)]
struct Tried {
    old_name: Option<String>,
    memberships: Memberships,
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
        check_name("group name", &name).map_err(|error| invalid("displayName", &name, &error))?;
        let _name = self.locks.names.hold(&[format!("group {}", name_key(&name)).as_str()]).await;
        let named = self.find(context, definition, "displayName", &name).await?.map(|record| record.id);
        if let Some(id) = &named
            && !self.marked(context, definition, id, &self.recovered).await?
        {
            return Err(taken("Group", "displayName", &name));
        }
        let wanted: BTreeSet<ResourceId> =
            new.relations.iter().flat_map(|relation| relation.targets.iter().cloned()).collect();
        self.check_people(context, &wanted).await?;
        let created = self.account.create_group(&name).await.map_err(refusal)?;
        let group = &created.group;
        new.id = group.id.as_str().parse().map_err(no_id)?;
        let _group = self.locks.groups.hold(&[group.id.as_str()]).await;
        let kept = self.inner.get(context, definition, &new.id, Load::None).await?.is_some();
        if kept && !self.marked(context, definition, &new.id, &self.recovered).await? {
            // An administrator has given this name to a group that the view has under another.
            return Err(taken("Group", "displayName", &name));
        }
        let there = if created.existed { self.account_members(&group.id).await? } else { BTreeSet::new() };
        let mut tried = Tried::default();
        tried.memberships.revoke(self.visible(context, there.difference(&wanted)).await?);
        tried.memberships.grant(wanted.difference(&there).cloned());
        let done = async {
            if group.name != name {
                self.account.rename_group(&group.id, &name).await.map_err(refusal)?;
                tried.old_name = Some(group.name.clone());
            }
            self.carry_out(&group.id, &tried.memberships).await?;
            if let Some(stale) = named.filter(|named| *named != new.id) {
                self.inner.delete(context, definition, &stale, Precondition::Any).await?;
            }
            if kept {
                self.take_over_group(context, definition, new, load).await
            } else {
                self.inner.create(context, definition, new, load).await
            }
        }
        .await;
        if done.is_err() {
            if created.existed {
                self.take_back(&group.id, &tried, &there).await;
            } else if let Err(error) = self.account.delete_group(&group.id).await {
                tracing::warn!(group = %group.id, error = %error, "a group that was not wanted could not be deleted");
            }
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
        self.unmark(context, definition, &new.id, &self.recovered).await;
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
        let _held = self.locks.groups.hold(&[id.as_str()]).await;
        let Ok(group) = id.as_str().parse::<GroupId>() else { return Ok(None) };
        let mut tried = Tried::default();
        let done = self
            .try_change_group(context, definition, id, &group, change, precondition, load, &mut tried)
            .await;
        if done.is_err()
            && (tried.old_name.is_some() || !tried.memberships.is_empty())
            && let Ok(there) = self.members(context, definition, id).await
        {
            self.take_back(&group, &tried, &there).await;
        }
        done
    }

    #[expect(clippy::too_many_arguments, reason = "the second half of one function")]
    async fn try_change_group(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        group: &GroupId,
        change: Change,
        precondition: Precondition,
        load: Load,
        tried: &mut Tried,
    ) -> Result<Option<Written>, StoreError> {
        for _ in 0..TRIES {
            let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
                return Ok(None);
            };
            precondition.check(current.version)?;
            let had = current.to_resource().map_err(StoreError::internal)?;
            let after = change.outcome(definition, &had)?;
            let memberships = self.memberships(context, definition, id, group, &change).await?;
            self.check_people(context, &memberships.grant).await?;
            let Some(known) = self.account.group(group).await.map_err(refusal)?.filter(|group| group.managed)
            else {
                // Deleted, or no longer selected, by an administrator.
                self.inner.delete(context, definition, id, Precondition::Any).await?;
                return Ok(None);
            };
            let name = after.text("displayName").unwrap_or_default();
            if change.touches("displayName") && known.name != name {
                check_name("group name", name).map_err(|error| invalid("displayName", name, &error))?;
                self.account.rename_group(group, name).await.map_err(refusal)?;
                tried.old_name.get_or_insert(known.name);
            }
            tried.memberships.revoke(memberships.revoke.iter().cloned());
            tried.memberships.grant(memberships.grant.iter().cloned());
            self.carry_out(group, &memberships).await?;
            match change.clone().keep(&*self.inner, context, definition, &current, load).await {
                Ok(written) => {
                    self.unmark(context, definition, id, &self.recovered).await;
                    return Ok(written);
                }
                // A member's deletion gives the group a new version.
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error),
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
        let _held = self.locks.groups.hold(&[id.as_str()]).await;
        let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
            return Ok(false);
        };
        precondition.check(current.version)?;
        let group = id.as_str().parse::<GroupId>().map_err(no_id)?;
        let known = self.account.group(&group).await.map_err(refusal)?;
        let unmanaged = known.as_ref().is_some_and(|group| !group.managed);
        if known.is_some() && !unmanaged {
            self.account.delete_group(&group).await.map_err(refusal)?;
        }
        let deleted = self.inner.delete(context, definition, id, Precondition::Any).await?;
        self.unmark(context, definition, id, &self.recovered).await;
        // A group that an administrator has taken out of the bridge's hands is none of its own: there is none.
        Ok(deleted && !unmanaged)
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
    async fn check_people(
        &self,
        context: &RequestContext,
        ids: &BTreeSet<ResourceId>,
    ) -> Result<(), StoreError> {
        for id in ids {
            if !self.is_visible(context, id).await? {
                return Err(StoreError::UnknownReference { attribute: "members".to_owned(), id: id.clone() });
            }
        }
        Ok(())
    }

    /// Whether the identity provider sees this person.
    pub(super) async fn is_visible(
        &self,
        context: &RequestContext,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        let Some(users) = self.registry.by_name("User") else { return Ok(false) };
        Ok(self.inner.get(context, users, id, Load::None).await?.is_some())
    }

    async fn visible(
        &self,
        context: &RequestContext,
        ids: impl IntoIterator<Item = &ResourceId>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let mut visible = Vec::new();
        for id in ids {
            if self.is_visible(context, id).await? {
                visible.push(id.clone());
            }
        }
        Ok(visible)
    }

    /// What the changes of `members` come to. The present members are read only where a change is about all of them.
    /// People whom the identity provider does not see stay where they are.
    async fn memberships(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        group: &GroupId,
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
        let mut there = None;
        for action in actions {
            match action {
                RelationAction::Add(ids) => memberships.grant(ids),
                RelationAction::Remove(ids) => memberships.revoke(ids),
                RelationAction::Replace(ids) => {
                    let members = self.account_members(group).await?;
                    let shown = self.members(context, definition, id).await?;
                    let earlier = std::mem::take(&mut memberships.grant);
                    memberships.revoke(shown.into_iter().chain(members.iter().cloned()).chain(earlier));
                    memberships.grant(ids);
                    there = Some(members);
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
        if let Some(there) = there {
            // Only those who come and those who go.
            memberships.grant.retain(|id| !there.contains(id));
            memberships.revoke.retain(|id| there.contains(id));
        }
        memberships.revoke = self.visible(context, &memberships.revoke).await?.into_iter().collect();
        Ok(memberships)
    }

    /// The members that the identity provider sees.
    async fn members(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
    ) -> Result<BTreeSet<ResourceId>, StoreError> {
        let record = self.reload(context, definition, id, Load::All).await?;
        let references = record.related.into_iter().filter_map(|related| related.references).flatten();
        Ok(references.map(|reference| reference.id).collect())
    }

    /// The members that the account has.
    async fn account_members(&self, group: &GroupId) -> Result<BTreeSet<ResourceId>, StoreError> {
        let members = self.account.members(group).await.map_err(refusal)?;
        members.iter().map(|member| member.person.as_str().parse().map_err(no_id)).collect()
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

    /// Brings the account back to what it was. What cannot be taken back is left to the reconciler.
    async fn take_back(&self, group: &GroupId, tried: &Tried, there: &BTreeSet<ResourceId>) {
        if let Err(error) = self.carry_out(group, &tried.memberships.back_to(there)).await {
            tracing::warn!(group = %group, error = %error, "memberships could not be taken back");
        }
        if let Some(name) = &tried.old_name
            && let Err(error) = self.account.rename_group(group, name).await
        {
            tracing::warn!(group = %group, error = %error, "a new name could not be taken back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u32>) -> impl Iterator<Item = ResourceId> {
        range.map(|n| format!("person-{n:06}").parse().unwrap())
    }

    #[test]
    fn the_last_word_about_a_member_counts_and_can_be_taken_back() {
        let mut memberships = Memberships::default();
        memberships.grant(ids(0..100_000));
        memberships.revoke(ids(50_000..150_000));
        memberships.grant(ids(149_999..150_000));
        assert_eq!((memberships.grant.len(), memberships.revoke.len()), (50_001, 99_999));
        let there: BTreeSet<_> = ids(0..60_000).collect();
        let back = memberships.back_to(&there);
        assert!(back.grant.iter().cloned().eq(ids(50_000..60_000)));
        assert!(back.revoke.iter().cloned().eq(ids(149_999..150_000)));
    }
}
