//! Users: provision, adopt, rename, suspend, reactivate.

use std::sync::Arc;

use scim_core::patch::{RelationAction, RelationChange};
use scim_core::{
    ChangeSet, PatchLimits, PatchRequest, Quirks, ResourceId, ScimError, ScimType, TypeDefinition, Value, urn,
};
use scim_server::RequestContext;
use scim_server::store::{Load, NewResource, Precondition, Record, Replacement, StoreError, Written};

use super::error::{no_id, refusal, taken};
use super::person::bring_into_line;
use super::store::{BridgeStore, Change, TRIES};
use crate::account::{AccountError, Person, PersonId};
use crate::config::DeletedUsers;

impl BridgeStore {
    /// POST: invites the person, or adopts one whom the account has and the identity provider does not manage yet.
    pub(super) async fn create_user(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mut new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        if new.resource.get(None, "active").is_none() {
            new.resource.attributes_mut().insert("active", true);
        }
        let wanted = self.wanted(&new.resource)?;
        let user_name = new.resource.text("userName").unwrap_or_default().to_owned();
        for _ in 0..TRIES {
            let known = self.account.person_by_email(&wanted.email).await.map_err(refusal)?;
            let id = known.as_ref().map_or("", |person| person.id.as_str());
            let email = wanted.email.to_lowercase();
            let _held = self.locks.hold(&[email.as_str(), id]).await;

            // Somebody who is managed already must not be touched by a second POST, not even reactivated.
            let by_name = self.find(context, definition, "userName", &user_name).await?;
            if let Some(record) = &by_name
                && !self.is_reclaimable(context, definition, &record.id).await?
            {
                return Err(taken("User", "userName", &user_name));
            }
            let provisioned = self.account.provision(wanted.new_person()).await.map_err(refusal)?;
            let person = provisioned.person;
            if provisioned.existed && person.id.as_str() != id {
                // Came into being since the lock was chosen.
                continue;
            }
            new.id = person.id.as_str().parse().map_err(no_id)?;
            let kept = self.inner.get(context, definition, &new.id, Load::None).await?;
            if let Some(record) = by_name.as_ref().filter(|record| record.id != new.id) {
                return Err(taken("User", "userName", record.id.as_str()));
            }
            if kept.is_some() && !self.is_reclaimable(context, definition, &new.id).await? {
                // The address still belongs to a person with a new one that they have not accepted yet.
                let detail = format!(
                    "the e-mail address `{}` still belongs to a person who has yet to accept their new one",
                    scim_core::excerpt(&wanted.email)
                );
                return Err(StoreError::Refused(ScimError::new(409, detail).with_type(ScimType::Uniqueness)));
            }
            let undo = bring_into_line(&*self.account, &person, &wanted).await?;
            let done = match kept {
                Some(_) => self.reclaim(context, definition, new.clone(), load).await,
                None => self.inner.create(context, definition, new.clone(), load).await,
            };
            let record = match done {
                Ok(record) => record,
                Err(error) => {
                    if provisioned.existed {
                        undo.run(&*self.account, &person.id).await;
                    }
                    return Err(error);
                }
            };
            if provisioned.existed && self.show_memberships(context, &person).await? {
                return self.reload(context, definition, &record.id, load).await;
            }
            return Ok(record);
        }
        Err(StoreError::Contended)
    }

    /// PUT and PATCH: the account first, then the view.
    pub(super) async fn change_user(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        change: Change,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let _held = self.locks.hold(&[id.as_str()]).await;
        let Ok(person_id) = id.as_str().parse::<PersonId>() else { return Ok(None) };
        for _ in 0..TRIES {
            let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
                return Ok(None);
            };
            precondition.check(current.version)?;
            let had = current.to_resource().map_err(StoreError::internal)?;
            let after = change.outcome(definition, &had)?;
            let wanted = self.wanted(&after)?;
            let user_name = after.text("userName").unwrap_or_default();
            if let Some(other) = self.find(context, definition, "userName", user_name).await?
                && other.id != *id
            {
                return Err(taken("User", "userName", user_name));
            }
            let Some(person) = self.account.person(&person_id).await.map_err(refusal)? else {
                // Deleted by an administrator: gone for the identity provider too, which then creates them anew.
                self.inner.delete(context, definition, id, Precondition::Any).await?;
                return Ok(None);
            };
            let undo = bring_into_line(&*self.account, &person, &wanted).await?;
            match change.clone().keep(&*self.inner, context, definition, &current, load).await {
                Ok(written) => {
                    // From now on the identity provider knows them.
                    self.marked(context, definition, id, &self.recovered, true).await?;
                    if wanted.active {
                        self.marked(context, definition, id, &self.deleted, true).await?;
                    }
                    return Ok(written);
                }
                // A change of a group's members gives the person a new version; nothing of theirs is at stake.
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => {
                    undo.run(&*self.account, &person_id).await;
                    return Err(error);
                }
            }
        }
        Err(StoreError::Contended)
    }

    /// DELETE: suspends the person, and takes them out of the view. Nobody is ever deleted.
    ///
    /// They leave their managed groups, so that whoever adopts them again grants access anew; where deleted users
    /// stay listed, they stay members, as with the original product.
    pub(super) async fn delete_user(
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
        let person_id = id.as_str().parse::<PersonId>().map_err(no_id)?;
        match self.account.suspend(&person_id).await {
            Ok(_) | Err(AccountError::NotFound { .. }) => {}
            Err(error) => return Err(refusal(error)),
        }
        if self.settings.deleted_users == DeletedUsers::Listed {
            self.mark(context, definition, &current, &self.deleted).await?;
            let inactive = set_active(definition, false)?;
            self.inner.apply(context, definition, id, inactive, Precondition::Any, Load::None).await?;
            return Ok(true);
        }
        for group in self.visible_groups_of(context, &person_id).await? {
            self.account.revoke(&group, &person_id).await.map_err(refusal)?;
        }
        self.marked(context, definition, id, &self.recovered, true).await?;
        self.inner.delete(context, definition, id, Precondition::Any).await
    }

    /// Whether a POST may take a record over: it stands for a deleted user that is still listed, or was recovered
    /// after a crash and never answered.
    async fn is_reclaimable(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        Ok(self.marked(context, definition, id, &self.deleted, false).await?
            || self.marked(context, definition, id, &self.recovered, false).await?)
    }

    async fn reclaim(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        let id = new.id;
        let replacement = Replacement::new(new.resource, Vec::new());
        let written =
            self.inner.replace(context, definition, &id, replacement, Precondition::Any, load).await?;
        self.marked(context, definition, &id, &self.deleted, true).await?;
        self.marked(context, definition, &id, &self.recovered, true).await?;
        written.map(|written| written.record).ok_or(StoreError::Contended)
    }

    /// Shows an adopted person in the visible groups that they are in already. Whether there were any.
    async fn show_memberships(&self, context: &RequestContext, person: &Person) -> Result<bool, StoreError> {
        let Some(groups) = self.registry.by_name("Group") else { return Ok(false) };
        let id: ResourceId = person.id.as_str().parse().map_err(no_id)?;
        let mut any = false;
        for group in self.visible_groups_of(context, &person.id).await? {
            let group: ResourceId = group.as_str().parse().map_err(no_id)?;
            let mut changes = ChangeSet::default();
            changes.relations.push(RelationChange::new("members", RelationAction::Add(vec![id.clone()])));
            self.inner.apply(context, groups, &group, changes, Precondition::Any, Load::None).await?;
            any = true;
        }
        Ok(any)
    }
}

/// The change that a PATCH of `active` comes to.
pub(super) fn set_active(definition: &TypeDefinition, active: bool) -> Result<ChangeSet, StoreError> {
    set(definition, "active", Value::Bool(active))
}

/// The change that a PATCH of one attribute comes to.
pub(super) fn set(definition: &TypeDefinition, path: &str, value: Value) -> Result<ChangeSet, StoreError> {
    let operation = [("op", Value::from("replace")), ("path", Value::from(path)), ("value", value)];
    let body = [
        ("schemas", Value::Array(vec![Value::from(urn::PATCH_OP)])),
        ("Operations", Value::Array(vec![Value::Object(operation.into_iter().collect())])),
    ];
    let quirks = Quirks::strict();
    let patch = PatchRequest::from_object(body.into_iter().collect(), &quirks, &PatchLimits::default())?;
    Ok(patch.resolve(definition, &quirks)?)
}
