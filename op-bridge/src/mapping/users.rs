//! Users: provision, adopt, rename, suspend, reactivate.

use std::sync::Arc;

use scim_core::patch::{RelationAction, RelationChange};
use scim_core::{
    ChangeSet, PatchLimits, PatchRequest, Quirks, Resource, ResourceId, ScimError, ScimType, TypeDefinition,
    Value, urn,
};
use scim_server::RequestContext;
use scim_server::store::{Load, NewResource, Precondition, Record, Replacement, StoreError, Written};

use super::error::{no_id, refusal, taken};
use super::person::{Asked, Undo, Wanted, bring_into_line, followed, forget_from_account};
use super::store::{BridgeStore, Change, TRIES};
use crate::account::{AccountError, GroupId, Person, PersonId, email_key, is_same_email};
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
        if new.resource.get(None, "active").and_then(Value::as_bool).is_none() {
            new.resource.attributes_mut().insert("active", true);
        }
        let wanted = self.wanted(&new.resource)?;
        let user_name = new.resource.text("userName").unwrap_or_default().to_owned();
        let names = [email_key(&wanted.email), email_key(&user_name)];
        for _ in 0..TRIES {
            let known = self.account.person_by_email(&wanted.email).await.map_err(refusal)?;
            let named = self.find(context, definition, "userName", &user_name).await?.map(|record| record.id);
            let ids = [
                known.as_ref().map_or("", |person| person.id.as_str()),
                named.as_ref().map_or("", ResourceId::as_str),
            ];
            let _person = self.locks.people.hold(&ids).await;
            let _names = self.locks.names.hold(&names.each_ref().map(String::as_str)).await;
            let now = self.find(context, definition, "userName", &user_name).await?.map(|record| record.id);
            if now != named {
                continue;
            }
            let found = Found { known, named };
            if let Some(record) =
                self.create_found(context, definition, new.clone(), load, &wanted, found).await?
            {
                return Ok(record);
            }
        }
        Err(StoreError::Contended)
    }

    /// `None` if somebody else has got hold of the address since it was looked for.
    async fn create_found(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mut new: NewResource,
        load: Load,
        wanted: &Wanted,
        found: Found,
    ) -> Result<Option<Record>, StoreError> {
        let Found { mut known, named } = found;
        // Somebody who is suspended and whom nobody manages keeps the address that they had: who is to be created with
        // the one they were to get is somebody else.
        if let Some(person) = &known
            && !person.state.is_active_for_scim()
            && !is_same_email(&person.email, &wanted.email)
            && named.as_ref().is_none_or(|named| named.as_str() != person.id.as_str())
        {
            let id: ResourceId = person.id.as_str().parse().map_err(no_id)?;
            if self.inner.get(context, definition, &id, Load::None).await?.is_none() {
                self.keep_address(person).await?;
                known = None;
            }
        }
        let user_name = || new.resource.text("userName").unwrap_or_default().to_owned();
        // Somebody who is managed already must not be touched by a second POST, not even reactivated.
        if let Some(id) = &named
            && !self.is_reclaimable(context, definition, id).await?
        {
            return Err(taken("User", "userName", &user_name()));
        }
        let mut person = None;
        if let Some(known) = &known {
            let id: ResourceId = known.id.as_str().parse().map_err(no_id)?;
            if named.as_ref().is_some_and(|named| *named != id) {
                return Err(taken("User", "userName", &user_name()));
            }
            let kept = self.inner.get(context, definition, &id, Load::None).await?;
            if kept.is_some() && !self.is_reclaimable(context, definition, &id).await? {
                return Err(address_in_use(known, &wanted.email));
            }
        } else if let Some(named) = &named {
            // A deleted user that comes back with another address.
            let id = named.as_str().parse::<PersonId>().map_err(no_id)?;
            person = self.account.person(&id).await.map_err(refusal)?;
            if person.is_none() {
                self.inner.delete(context, definition, named, Precondition::Any).await?;
            }
        }
        let (person, existed) = match person {
            Some(person) => (person, true),
            None => {
                let provisioned = self.account.provision(wanted.new_person()).await.map_err(refusal)?;
                (provisioned.person, provisioned.existed)
            }
        };
        if existed && named.is_none() && known.is_none_or(|known| known.id != person.id) {
            return Ok(None);
        }
        new.id = person.id.as_str().parse().map_err(no_id)?;
        let mut undo = Undo::default();
        let done = self.adopt(context, definition, new, load, wanted, &person, existed, &mut undo).await;
        match done {
            Ok(record) => Ok(Some(record)),
            Err(error) => {
                if existed {
                    undo.run(&*self.account, &person.id).await;
                } else if let Err(error) = self.account.suspend(&person.id).await {
                    // Nobody is ever deleted; the next try, or the reconciler, finds them.
                    tracing::warn!(person = %person.id, error = %error, "an invitation could not be taken back");
                }
                Err(error)
            }
        }
    }

    /// Brings a person into line with the user that was sent, and keeps it.
    #[expect(clippy::too_many_arguments, reason = "the second half of one function")]
    async fn adopt(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        mut new: NewResource,
        load: Load,
        wanted: &Wanted,
        person: &Person,
        existed: bool,
        undo: &mut Undo,
    ) -> Result<Record, StoreError> {
        let id = new.id.clone();
        let kept = self.inner.get(context, definition, &id, Load::None).await?.is_some();
        let groups = match existed {
            true => self.visible_groups_of(context, &person.id).await?,
            false => Vec::new(),
        };
        if bring_into_line(&*self.account, person, &wanted.all(), undo).await?.is_any() {
            new.resource = self.as_in_the_account(person, new.resource).await?;
        }
        if person.managed != Some(true) {
            undo.note_managed(self.account.set_person_managed(&person.id, true).await)?;
        }
        if !groups.is_empty() && !kept {
            // Until their groups are shown, the user is not what was asked for: the next POST may begin again.
            self.mark(context, definition, &id, &self.recovered).await?;
        }
        let record = if kept {
            let replacement = Replacement::new(new.resource, Vec::new());
            let none = Precondition::Any;
            let written = self.inner.replace(context, definition, &id, replacement, none, load).await?;
            written.map(|written| written.record).ok_or(StoreError::Contended)?
        } else {
            self.inner.create(context, definition, new, load).await?
        };
        if !groups.is_empty()
            && let Err(error) = self.show_memberships(context, &person.id, &groups).await
        {
            if !kept {
                self.inner.delete(context, definition, &id, Precondition::Any).await?;
                self.unmark(context, definition, &id, &self.recovered).await;
            } else {
                // The view says by now what was asked for, and the next POST may still take it over.
                *undo = Undo::default();
            }
            return Err(error);
        }
        self.unmark(context, definition, &id, &self.deleted).await;
        self.unmark(context, definition, &id, &self.recovered).await;
        if groups.is_empty() { Ok(record) } else { self.reload(context, definition, &id, load).await }
    }

    /// The user that was sent, with the name, the address and the state that the account has.
    async fn as_in_the_account(&self, person: &Person, user: Resource) -> Result<Resource, StoreError> {
        let person = self.account.person(&person.id).await.map_err(refusal)?;
        let domain = self.settings.email_domain.as_deref();
        Ok(person.and_then(|person| followed(&user, &person, domain)).unwrap_or(user))
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
        let _held = self.locks.people.hold(&[id.as_str()]).await;
        let Ok(person) = id.as_str().parse::<PersonId>() else { return Ok(None) };
        let mut undo = Undo::default();
        let done = self.try_change_user(context, definition, id, change, precondition, load, &mut undo).await;
        if done.is_err() {
            if undo.suspended
                && let Err(error) = self.show_inactive(context, definition, id).await
            {
                tracing::warn!(person = %person, error = %error, "a suspension could not be shown");
            }
            undo.run(&*self.account, &person).await;
        }
        done
    }

    #[expect(clippy::too_many_arguments, reason = "the second half of one function")]
    async fn try_change_user(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        change: Change,
        precondition: Precondition,
        load: Load,
        undo: &mut Undo,
    ) -> Result<Option<Written>, StoreError> {
        let person_id = id.as_str().parse::<PersonId>().map_err(no_id)?;
        for _ in 0..TRIES {
            let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
                return Ok(None);
            };
            precondition.check(current.version)?;
            let had = current.to_resource().map_err(StoreError::internal)?;
            let Some(person) = self.account.person(&person_id).await.map_err(refusal)? else {
                // Deleted by an administrator: gone for the identity provider too, which then creates them anew.
                self.inner.delete(context, definition, id, Precondition::Any).await?;
                return Ok(None);
            };
            // What SCIM refuses changes nothing at all (RFC 7644 section 3.5.2), here as anywhere.
            let outcome = change.outcome(definition, &had)?;
            let mut after = outcome.clone();
            let domain = self.settings.email_domain.as_deref();
            let mut asked = Asked::of(&change, &had, &after, &person, domain)?;
            let user_name = after.text("userName").unwrap_or_default().to_owned();
            let email = asked.email.as_deref().unwrap_or_default();
            let names = [email_key(email), email_key(&user_name)];
            let is_renamed = had.text("userName").is_none_or(|had| !is_same_email(had, &user_name));
            let held = if is_renamed || asked.email.is_some() {
                self.locks.names.hold(&names.each_ref().map(String::as_str)).await
            } else {
                Vec::new()
            };
            let other = match held.is_empty() {
                true => None,
                false => self.find(context, definition, "userName", &user_name).await?,
            };
            if other.is_some_and(|other| other.id != *id) {
                if asked.active != Some(false) {
                    return Err(taken("User", "userName", &user_name));
                }
                asked.email = None;
                asked.refused.email = true;
            }
            let active = asked.active.unwrap_or_else(|| person.state.is_active_for_scim());
            let kept = bring_into_line(&*self.account, &person, &asked, undo).await?;
            forget_from_account(&mut after);
            kept.restore(&had, &mut after);
            if kept.is_any() || asked.follow {
                after = self.as_in_the_account(&person, after).await?;
            }
            if person.managed != Some(true)
                && (active || !self.marked(context, definition, id, &self.deleted).await?)
            {
                self.account.set_person_managed(&person_id, true).await.map_err(refusal)?;
            }
            if asked.active.is_none() && change.takes_away("active") {
                // "SHALL be considered unassigned" (RFC 7644 section 3.5.2.2); the account keeps the state all the same.
                after.attributes_mut().remove("active");
            } else {
                // The view shows the state of the account, also where nothing was said about it.
                after.attributes_mut().insert("active", active);
            }
            let keep = match after == outcome {
                true => change.clone(),
                false => Change::Replace(Replacement::new(after, Vec::new())),
            };
            match keep.keep(&*self.inner, context, definition, &current, load).await {
                Ok(written) => {
                    // From now on the identity provider knows them.
                    self.unmark(context, definition, id, &self.recovered).await;
                    if active {
                        self.unmark(context, definition, id, &self.deleted).await;
                    }
                    return Ok(written);
                }
                // A change of a group's members gives the person a new version; nothing of theirs is at stake.
                Err(StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Contended)
    }

    /// DELETE: suspends the person, and takes them out of the view. Nobody is ever deleted.
    ///
    /// They leave their managed groups, so that whoever adopts them again grants access anew; where deleted users
    /// stay listed, they stay members, as with the original product. Whoever is to go does not come back because a
    /// step after the suspension fails: the view then shows what has been done so far, and the next DELETE goes on.
    pub(super) async fn delete_user(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let _held = self.locks.people.hold(&[id.as_str()]).await;
        let Some(current) = self.inner.get(context, definition, id, Load::None).await? else {
            return Ok(false);
        };
        precondition.check(current.version)?;
        let person = id.as_str().parse::<PersonId>().map_err(no_id)?;
        let suspended = match self.account.suspend(&person).await {
            Ok(suspended) => Some(suspended),
            Err(AccountError::NotFound { .. }) => None,
            Err(error) => return Err(refusal(error)),
        };
        // Whoever gets the new address next is somebody else.
        if let Some(suspended) = &suspended
            && suspended.pending_email.is_some()
        {
            self.keep_address(suspended).await?;
            self.show_address(context, definition, id, &suspended.email).await?;
        }
        if self.settings.deleted_users == DeletedUsers::Listed {
            self.show_inactive(context, definition, id).await?;
            self.mark(context, definition, id, &self.deleted).await?;
            self.let_go(&person).await?;
            return Ok(true);
        }
        let mut left = Vec::new();
        if let Err(error) = self.leave_groups(context, &person, &mut left).await {
            self.show_half_deleted(context, definition, id, &left).await?;
            return Err(error);
        }
        if let Err(error) = self.let_go(&person).await {
            self.show_half_deleted(context, definition, id, &left).await?;
            return Err(error);
        }
        let deleted = self.inner.delete(context, definition, id, Precondition::Any).await?;
        self.unmark(context, definition, id, &self.recovered).await;
        self.unmark(context, definition, id, &self.deleted).await;
        // A request for a group may have granted something in the meantime; now that the user is gone, none can.
        if let Err(error) = self.leave_groups(context, &person, &mut left).await {
            tracing::warn!(person = %person, error = %error, "a group could not be left");
        }
        Ok(deleted)
    }

    /// Takes back the request for another address.
    async fn keep_address(&self, person: &Person) -> Result<(), StoreError> {
        match self.account.change_email(&person.id, &person.email).await {
            // An owner's address is their own business.
            Ok(_) | Err(AccountError::NotFound { .. } | AccountError::Protected { .. }) => Ok(()),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Shows the address that a person has as their user name again.
    async fn show_address(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        email: &str,
    ) -> Result<(), StoreError> {
        let shown = set(definition, "userName", email.into())?;
        match self.inner.apply(context, definition, id, shown, Precondition::Any, Load::None).await {
            // Another user has it by now; this one is about to go.
            Ok(_) | Err(StoreError::Uniqueness { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The identity provider does not manage them any more: should the view be lost, they stay out of it.
    async fn let_go(&self, person: &PersonId) -> Result<(), StoreError> {
        match self.account.set_person_managed(person, false).await {
            Ok(_) | Err(AccountError::NotFound { .. }) => Ok(()),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Takes a person out of every group that the identity provider sees.
    async fn leave_groups(
        &self,
        context: &RequestContext,
        person: &PersonId,
        left: &mut Vec<GroupId>,
    ) -> Result<(), StoreError> {
        for group in self.visible_groups_of(context, person).await? {
            match self.account.revoke(&group, person).await {
                // Unmanaged since: the bridge has no more to do with it.
                Ok(()) | Err(AccountError::NotFound { .. } | AccountError::Protected { .. }) => {
                    left.push(group)
                }
                Err(error) => return Err(refusal(error)),
            }
        }
        Ok(())
    }

    async fn show_inactive(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
    ) -> Result<(), StoreError> {
        let inactive = set_active(definition, false)?;
        self.inner.apply(context, definition, id, inactive, Precondition::Any, Load::None).await.map(|_| ())
    }

    async fn show_half_deleted(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        left: &[GroupId],
    ) -> Result<(), StoreError> {
        self.show_inactive(context, definition, id).await?;
        let Some(groups) = self.registry.by_name("Group") else { return Ok(()) };
        for group in left {
            let group: ResourceId = group.as_str().parse().map_err(no_id)?;
            let gone = members(RelationAction::Remove(vec![id.clone()]));
            self.inner.apply(context, groups, &group, gone, Precondition::Any, Load::None).await?;
        }
        Ok(())
    }

    /// Whether a POST may take a record over: it stands for a deleted user that is still listed, or was recovered
    /// after a crash and never answered.
    async fn is_reclaimable(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
    ) -> Result<bool, StoreError> {
        Ok(self.marked(context, definition, id, &self.deleted).await?
            || self.marked(context, definition, id, &self.recovered).await?)
    }

    /// Shows an adopted person in the visible groups that they are in already.
    async fn show_memberships(
        &self,
        context: &RequestContext,
        person: &PersonId,
        groups: &[GroupId],
    ) -> Result<(), StoreError> {
        let Some(definition) = self.registry.by_name("Group") else { return Ok(()) };
        let id: ResourceId = person.as_str().parse().map_err(no_id)?;
        for group in groups {
            let _held = self.locks.groups.hold(&[group.as_str()]).await;
            // Somebody may have been taken out while this waited.
            if !self.account.groups_of(person).await.map_err(refusal)?.contains(group) {
                continue;
            }
            let group: ResourceId = group.as_str().parse().map_err(no_id)?;
            let shown = members(RelationAction::Add(vec![id.clone()]));
            self.inner.apply(context, definition, &group, shown, Precondition::Any, Load::None).await?;
        }
        Ok(())
    }
}

/// Who may be meant by a user that is to be created.
struct Found {
    /// The person who has the address, or is about to get it.
    known: Option<Person>,
    /// The user that has the user name.
    named: Option<ResourceId>,
}

/// Somebody has the address whom the identity provider manages under another user name.
fn address_in_use(person: &Person, email: &str) -> StoreError {
    let detail = if person.pending_email.is_some() && is_same_email(&person.email, email) {
        format!(
            "the e-mail address `{}` still belongs to a person who has yet to accept their new one",
            scim_core::excerpt(email)
        )
    } else {
        format!("the e-mail address `{}` belongs to another user", scim_core::excerpt(email))
    };
    StoreError::Refused(ScimError::new(409, detail).with_type(ScimType::Uniqueness))
}

/// A change of a group's members.
pub(super) fn members(action: RelationAction) -> ChangeSet {
    let mut changes = ChangeSet::default();
    changes.relations.push(RelationChange::new("members", action));
    changes
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
