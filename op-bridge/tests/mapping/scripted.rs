//! An account and a store that do what they are told to: refuse, lose an answer, or never come back.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use op_bridge::account::{
    Account, AccountError, Capabilities, CreatedGroup, Group, GroupId, Membership, NewPerson, Person,
    PersonId, ProvisionedPerson,
};
use scim_core::{ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, Outcome, Page, Query, Record, ResourceStore, StoreError, UnavailableError, Write,
};
use tokio::sync::Notify;

/// What goes wrong with one call.
pub(crate) enum Fault<E> {
    /// Nothing is done, and this is why.
    Refuse(E),
    /// It is done, but whoever asked hears that it failed.
    Lose,
    /// It is not done, and nobody hears of it: the process has died before.
    DieBefore,
    /// It is done, and nobody hears of it: the process has died after.
    DieAfter,
}

type Plan<E> = Box<dyn FnMut(&'static str) -> Option<Fault<E>> + Send>;

/// Says for each call by its name whether it goes wrong, and keeps the names of all writes.
pub(crate) struct Script<E> {
    plan: Mutex<Plan<E>>,
    calls: Mutex<Vec<&'static str>>,
    pub(crate) died: Arc<Notify>,
}

impl<E> fmt::Debug for Script<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl<E: Send + 'static> Script<E> {
    fn new(died: &Arc<Notify>) -> Self {
        Self { plan: Mutex::new(Box::new(|_| None)), calls: Mutex::default(), died: Arc::clone(died) }
    }

    pub(crate) fn plan(&self, plan: impl FnMut(&'static str) -> Option<Fault<E>> + Send + 'static) {
        *self.plan.lock().unwrap() = Box::new(plan);
    }

    pub(crate) fn heal(&self) {
        self.plan(|_| None);
    }

    /// The `nth` call (from 0) of a method goes wrong, once.
    pub(crate) fn once(&self, method: &'static str, nth: usize, fault: Fault<E>) {
        let (mut seen, mut fault) = (0, Some(fault));
        self.plan(move |called| {
            if called != method {
                return None;
            }
            seen += 1;
            if seen == nth + 1 { fault.take() } else { None }
        });
    }

    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn next(&self, method: &'static str) -> Option<Fault<E>> {
        self.calls.lock().unwrap().push(method);
        (self.plan.lock().unwrap())(method)
    }

    async fn run<T>(
        &self,
        method: &'static str,
        lost: impl FnOnce() -> E,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.next(method) {
            None => call.await,
            Some(Fault::Refuse(error)) => Err(error),
            Some(Fault::Lose) => {
                call.await?;
                Err(lost())
            }
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::DieAfter) => {
                let _ = call.await;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

#[derive(Debug)]
pub(crate) struct ScriptedAccount {
    inner: Arc<dyn Account>,
    pub(crate) script: Script<AccountError>,
}

impl ScriptedAccount {
    pub(crate) fn new(inner: Arc<dyn Account>, died: &Arc<Notify>) -> Self {
        Self { inner, script: Script::new(died) }
    }

    async fn write<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, AccountError>>,
    ) -> Result<T, AccountError> {
        self.script.run(method, away, call).await
    }
}

/// The account cannot be reached.
pub(crate) fn away() -> AccountError {
    AccountError::Unavailable { reason: "it did not answer", source: None }
}

#[async_trait]
impl Account for ScriptedAccount {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn check(&self) -> Result<(), AccountError> {
        self.inner.check().await
    }
    async fn people(&self) -> Result<Vec<Person>, AccountError> {
        self.inner.people().await
    }
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, AccountError> {
        self.inner.person(id).await
    }
    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, AccountError> {
        self.inner.person_by_email(email).await
    }
    async fn groups(&self) -> Result<Vec<Group>, AccountError> {
        self.inner.groups().await
    }
    async fn group(&self, id: &GroupId) -> Result<Option<Group>, AccountError> {
        self.inner.group(id).await
    }
    async fn members(&self, group: &GroupId) -> Result<Vec<Membership>, AccountError> {
        self.inner.members(group).await
    }
    async fn groups_of(&self, person: &PersonId) -> Result<Vec<GroupId>, AccountError> {
        self.inner.groups_of(person).await
    }
    async fn provision(&self, person: NewPerson) -> Result<ProvisionedPerson, AccountError> {
        self.write("provision", self.inner.provision(person)).await
    }
    async fn confirm(&self, id: &PersonId) -> Result<Person, AccountError> {
        self.write("confirm", self.inner.confirm(id)).await
    }
    async fn suspend(&self, id: &PersonId) -> Result<Person, AccountError> {
        self.write("suspend", self.inner.suspend(id)).await
    }
    async fn reactivate(&self, id: &PersonId) -> Result<Person, AccountError> {
        self.write("reactivate", self.inner.reactivate(id)).await
    }
    async fn rename(&self, id: &PersonId, name: &str) -> Result<Person, AccountError> {
        self.write("rename", self.inner.rename(id, name)).await
    }
    async fn change_email(&self, id: &PersonId, email: &str) -> Result<Person, AccountError> {
        self.write("change_email", self.inner.change_email(id, email)).await
    }
    async fn set_person_managed(&self, id: &PersonId, managed: bool) -> Result<Person, AccountError> {
        self.write("set_person_managed", self.inner.set_person_managed(id, managed)).await
    }
    async fn create_group(&self, name: &str) -> Result<CreatedGroup, AccountError> {
        self.write("create_group", self.inner.create_group(name)).await
    }
    async fn rename_group(&self, id: &GroupId, name: &str) -> Result<Group, AccountError> {
        self.write("rename_group", self.inner.rename_group(id, name)).await
    }
    async fn delete_group(&self, id: &GroupId) -> Result<(), AccountError> {
        self.write("delete_group", self.inner.delete_group(id)).await
    }
    async fn grant(&self, group: &GroupId, person: &PersonId) -> Result<Membership, AccountError> {
        self.write("grant", self.inner.grant(group, person)).await
    }
    async fn revoke(&self, group: &GroupId, person: &PersonId) -> Result<(), AccountError> {
        self.write("revoke", self.inner.revoke(group, person)).await
    }
    async fn set_managed(&self, group: &GroupId, managed: bool) -> Result<Group, AccountError> {
        self.write("set_managed", self.inner.set_managed(group, managed)).await
    }
}

/// Writes are named after their method and the tenant that they are for: `create`, `create op-bridge:deleted`.
#[derive(Debug)]
pub(crate) struct ScriptedStore {
    inner: Arc<dyn ResourceStore>,
    pub(crate) script: Script<StoreError>,
}

impl ScriptedStore {
    pub(crate) fn new(inner: Arc<dyn ResourceStore>, died: &Arc<Notify>) -> Self {
        Self { inner, script: Script::new(died) }
    }
}

/// The store cannot be reached.
pub(crate) fn broken() -> StoreError {
    UnavailableError { retry_after: Duration::from_secs(1), cause: "the disk is full".into() }.into()
}

fn named(context: &RequestContext, data: &'static str, mark: &'static str) -> &'static str {
    if context.tenant.as_str() == "default" { data } else { mark }
}

#[async_trait]
impl ResourceStore for ScriptedStore {
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
        let name = match &write {
            Write::Create { .. } => named(context, "create", "mark"),
            Write::Replace { .. } => "replace",
            Write::Apply { .. } => "apply",
            Write::Delete { .. } => named(context, "delete", "unmark"),
        };
        self.script.run(name, broken, self.inner.write(context, write)).await
    }
}
