//! Carrying operations out, as many at once as there are between two that need to see what came of others.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use scim_core::{Object, PatchRequest, ResourceId, ScimError, TypeDefinition, excerpt};

use super::super::create::new_resource;
use super::super::not_found;
use super::super::patch::changes;
use super::super::replace::put;
use super::answer::{Done, OperationResult};
use super::budget::Budget;
use super::error::BulkError;
use super::order::order;
use super::outcome::BulkOutcome;
use super::reference::Form;
use super::request::{BulkRequest, Operation, Subject, SubjectId, Task, known_method};
use crate::context::RequestContext;
use crate::error::{Error, not_saved};
use crate::pause::pause;
use crate::policy::{Action, Intent};
use crate::service::{Inner, log_internal};
use crate::store::{Load, NewResource, Outcome, Record, ResourceStore, StoreError, Target, Write, location};

/// Carries out a bulk request. The results are in the order of its operations; those that it did not come to are left
/// out.
///
/// References are resolved once the resource they refer to is there, by the id that the store has kept it under; only
/// resources that refer to each other in a circle are given their ids before. Writes that need nothing of each other go
/// to the store together.
pub(super) async fn run<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    request: BulkRequest,
) -> Vec<OperationResult> {
    let BulkRequest { fail_on_errors, operations, bulk_ids } = request;
    let mut run = Run::new(inner, context, fail_on_errors, operations, bulk_ids);
    for group in order(&run.needs) {
        if run.is_over() {
            break;
        }
        run.carry_out(&group).await;
        // Others go on, and where the time of the request is up it ends here.
        pause().await;
    }
    run.flush().await;
    run.finish()
}

struct Run<'a, S> {
    inner: &'a Inner<S>,
    context: &'a RequestContext,
    operations: Vec<Operation>,
    bulk_ids: HashMap<String, usize>,
    /// The operations that each one refers to.
    needs: Vec<Vec<usize>>,
    /// How far each operation has come.
    states: Vec<State>,
    results: Vec<Option<OperationResult>>,
    /// The resources that operations are about, as far as it is known.
    about: Vec<(Option<Arc<str>>, Option<ResourceId>)>,
    /// Writes that wait for being carried out together.
    waiting: Vec<(Waiting, Write)>,
    budget: Budget,
    fail_on_errors: Option<NonZeroUsize>,
    failures: usize,
}

/// How far an operation has come.
#[derive(Clone)]
enum State {
    /// It has not been looked at, or has done what nobody refers to.
    None,
    /// It waits for being carried out with others.
    Waiting,
    /// It has created this.
    Created(ResourceId),
    /// It has failed.
    Failed,
}

/// The operation that a write belongs to.
struct Waiting {
    operation: usize,
    definition: Arc<TypeDefinition>,
    /// How the resource was named, for the message if there is none.
    id: ResourceId,
}

impl<'a, S: ResourceStore> Run<'a, S> {
    fn new(
        inner: &'a Inner<S>,
        context: &'a RequestContext,
        fail_on_errors: Option<NonZeroUsize>,
        mut operations: Vec<Operation>,
        bulk_ids: HashMap<String, usize>,
    ) -> Self {
        let about = operations.iter().map(about).collect();
        let needs = operations.iter_mut().map(|operation| needs(operation, &bulk_ids)).collect();
        let patches = operations.iter().filter(|o| matches!(o.task, Ok(Task::Patch { .. }))).count();
        Self {
            inner,
            context,
            needs,
            states: vec![State::None; operations.len()],
            results: operations.iter().map(|_| None).collect(),
            about,
            operations,
            bulk_ids,
            waiting: Vec::new(),
            budget: Budget::new(&inner.limits, patches),
            fail_on_errors,
            failures: 0,
        }
    }

    /// Whether as many operations have failed as were to be borne with.
    fn is_over(&self) -> bool {
        self.fail_on_errors.is_some_and(|most| self.failures >= most.get())
    }

    fn finish(self) -> Vec<OperationResult> {
        self.results.into_iter().flatten().collect()
    }

    /// Carries out an operation, or several that refer to each other in a circle.
    async fn carry_out(&mut self, group: &[usize]) {
        let needs_waiting = |run: &Self| {
            let mut needed = group.iter().filter_map(|n| run.needs.get(*n)).flatten();
            needed.any(|needed| matches!(run.states.get(*needed), Some(State::Waiting)))
        };
        if needs_waiting(self) {
            self.flush().await;
            if self.is_over() {
                return;
            }
        }
        match group {
            [one] if !self.needs.get(*one).is_some_and(|needs| needs.contains(one)) => {
                self.single(*one).await
            }
            circle => self.circle(circle).await,
        }
    }

    async fn single(&mut self, operation: usize) {
        match self.prepare(operation) {
            Ok(Prepared::Write(waiting, write)) => {
                self.set_state(operation, State::Waiting);
                self.waiting.push((waiting, write));
            }
            // What is replaced has to be read first, and those before may change it.
            Ok(Prepared::Replace(target, data)) => {
                self.flush().await;
                if self.is_over() {
                    return;
                }
                let budget = &mut self.budget;
                let check = |new: &crate::store::Replacement| Ok(budget.pay_values(&new.relations)?);
                let written = put(self.inner, self.context, &target, &data, Load::None, check).await;
                let done = written.map(|written| Done { status: 200, version: Some(written.record.version) });
                let location = location(self.context, &target.definition, &target.id);
                self.note(operation, Some(location), done.map_err(|error| self.to_scim(&error)));
            }
            Err(error) => {
                if self.fail_on_errors.is_some() {
                    // Those before may have failed as well, and then this one is not reached.
                    self.flush().await;
                    if self.is_over() {
                        return;
                    }
                }
                self.fail(operation, &error);
            }
        }
    }

    /// Creates resources that refer to each other, all of them or none.
    async fn circle(&mut self, circle: &[usize]) {
        self.flush().await;
        if self.is_over() {
            return;
        }
        for operation in circle {
            self.set_state(*operation, State::Created(self.inner.sources.ids.resource_id()));
        }
        let mut new = Vec::with_capacity(circle.len());
        let mut failed = None;
        for operation in circle {
            match self.prepare_create(*operation) {
                Ok(one) => new.push(one),
                Err(error) => {
                    failed = Some((*operation, error));
                    break;
                }
            }
        }
        if let Some((culprit, error)) = failed {
            self.blame(circle, culprit, &error);
            return;
        }
        let write = Write::create_set(new).with_load(Load::None);
        match self.inner.store.write(self.context, write).await {
            Ok(Outcome::Created(records)) if records.len() == circle.len() => {
                for (operation, record) in circle.iter().zip(records) {
                    self.created(*operation, &record);
                }
            }
            Ok(_) => {
                let error = StoreError::internal("the store did not keep what it was asked to").into();
                let error = self.to_scim(&error);
                circle.iter().for_each(|operation| self.note(*operation, None, Err(error.clone())));
            }
            Err(StoreError::Member { nth, error }) if circle.get(nth).is_some() => {
                let culprit = circle.get(nth).copied().unwrap_or_default();
                self.blame(circle, culprit, &Error::from(*error));
            }
            Err(error) => {
                let error = self.to_scim(&error.into());
                circle.iter().for_each(|operation| self.note(*operation, None, Err(error.clone())));
            }
        }
    }

    /// Fails the operations of a circle: one for its own fault, the others because they need what it creates.
    fn blame(&mut self, circle: &[usize], culprit: usize, error: &Error) {
        let name = self.operations.get(culprit).and_then(|culprit| culprit.bulk_id.clone());
        let dependent = BulkError::Failed(excerpt(&name.unwrap_or_default()));
        self.fail(culprit, error);
        for operation in circle.iter().filter(|operation| **operation != culprit) {
            self.note(*operation, None, Err(dependent.to_scim()));
        }
    }

    /// Carries out the writes that wait.
    async fn flush(&mut self) {
        let (operations, writes): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        if writes.is_empty() {
            return;
        }
        let left = self.fail_on_errors.map(|most| most.get().saturating_sub(self.failures));
        let stop_after = left.and_then(NonZeroUsize::new);
        if let Some(trail) = &self.context.trail {
            let under_way = operations.iter().map(|waiting: &Waiting| self.outcome(waiting.operation, 0));
            trail.begin_writes(under_way.collect());
        }
        let outcomes = self.inner.store.write_all(self.context, writes, stop_after).await;
        let mut outcomes = outcomes.into_iter();
        for waiting in operations {
            match outcomes.next() {
                Some(outcome) => self.settle(&waiting, outcome),
                None if self.is_over() => break,
                None => {
                    let missing = StoreError::internal("the store did not answer every write");
                    self.settle(&waiting, Err(missing));
                }
            }
        }
    }

    /// Notes what a write came to.
    fn settle(&mut self, waiting: &Waiting, outcome: Result<Outcome, StoreError>) {
        let Waiting { operation, definition, id } = waiting;
        let is_create = self.method(*operation) == Some("POST");
        let done = match outcome {
            Ok(outcome) if is_create => match outcome.into_created() {
                Ok(record) => return self.created(*operation, &record),
                Err(error) => Err(error.into()),
            },
            Ok(Outcome::Deleted) => Ok(Done { status: 204, version: None }),
            Ok(outcome) => match outcome.into_written() {
                Ok(Some(written)) => Ok(Done { status: 200, version: Some(written.record.version) }),
                Ok(None) => Err(not_found(definition, id.as_str())),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        };
        let location = (!is_create).then(|| location(self.context, definition, id));
        self.note(*operation, location, done.map_err(|error| self.to_scim(&error)));
    }

    fn created(&mut self, operation: usize, record: &Record) {
        let definition = self.inner.registry.by_name(&record.resource_type);
        let location = definition.map(|definition| location(self.context, definition, &record.id));
        self.learn(operation, &record.id);
        self.note(operation, location, Ok(Done { status: 201, version: Some(record.version) }));
        self.set_state(operation, State::Created(record.id.clone()));
    }

    fn fail(&mut self, operation: usize, error: &Error) {
        // "location ... REQUIRED in a response, except in the event of a POST failure" (RFC 7644 section 3.7.3)
        let location = match self.operations.get(operation) {
            Some(Operation { method, path: Some(path), .. }) if method.as_deref() != Some("POST") => {
                attempted(self.context, path)
            }
            _ => None,
        };
        self.note(operation, location, Err(self.to_scim(error)));
    }

    fn note(&mut self, operation: usize, location: Option<String>, done: Result<Done, ScimError>) {
        if done.is_err() {
            self.failures = self.failures.saturating_add(1);
            self.set_state(operation, State::Failed);
        } else {
            self.set_state(operation, State::None);
        }
        let status = done.as_ref().map_or_else(ScimError::status, |done| done.status);
        let outcome = self.outcome(operation, status);
        let asked = self.operations.get_mut(operation);
        let (method, bulk_id) = asked.map(|asked| (asked.method.take(), asked.bulk_id.clone())).unzip();
        let (method, bulk_id) = (method.flatten(), bulk_id.flatten());
        if let Some(trail) = &self.context.trail {
            trail.write(|found| found.operations.push(outcome.clone()));
        }
        let result = OperationResult { method, bulk_id, location, done, outcome };
        if let Some(place) = self.results.get_mut(operation) {
            *place = Some(result);
        }
    }

    /// What layers are told of an operation.
    fn outcome(&self, operation: usize, status: u16) -> BulkOutcome {
        let (resource_type, resource_id) = self.about.get(operation).cloned().unwrap_or_default();
        BulkOutcome {
            operation: operation.saturating_add(1),
            method: self.method(operation).and_then(known_method),
            resource_type,
            resource_id,
            status,
        }
    }

    fn to_scim(&self, error: &Error) -> ScimError {
        let request = &self.context.request_id;
        log_internal(error, request, "/Bulk");
        let told = match error {
            Error::Store(StoreError::Unavailable(_)) => return not_saved(request),
            Error::Store(error) if self.context.write_only => error.without_value().map(Error::Store),
            _ => None,
        };
        told.as_ref().unwrap_or(error).to_scim(request)
    }

    /// Notes which resource an operation is about.
    fn learn(&mut self, operation: usize, id: &ResourceId) {
        if let Some((_, known)) = self.about.get_mut(operation) {
            *known = Some(id.clone());
        }
    }

    fn set_state(&mut self, operation: usize, state: State) {
        if let Some(place) = self.states.get_mut(operation) {
            *place = state;
        }
    }

    fn method(&self, operation: usize) -> Option<&str> {
        self.operations.get(operation)?.method.as_deref()
    }
}

/// An operation once everything has been checked that can be before the store is asked.
enum Prepared {
    Write(Waiting, Write),
    Replace(Target, Object),
}

impl<S: ResourceStore> Run<'_, S> {
    fn prepare(&mut self, operation: usize) -> Result<Prepared, Error> {
        self.context.budget.check_work()?;
        let is_create = self.method(operation) == Some("POST");
        if is_create {
            self.set_state(operation, State::Created(self.inner.sources.ids.resource_id()));
            let (definition, new) = self.prepare_create(operation)?;
            let waiting = Waiting { operation, definition: Arc::clone(&definition), id: new.id.clone() };
            return Ok(Prepared::Write(waiting, Write::create(&definition, new).with_load(Load::None)));
        }
        let task = self.take(operation)?;
        let subject =
            task.subject().ok_or_else(|| Error::Internal("an operation is about nothing".to_owned()))?;
        let target = self.target(subject)?;
        self.learn(operation, &target.id);
        let intent = Intent::new(task.action(), self.context).to_type(&target.definition);
        intent.to_id(Some(&target.id)).naming_version(subject.names_version).in_bulk().ask()?;
        let waiting =
            Waiting { operation, definition: Arc::clone(&target.definition), id: target.id.clone() };
        Ok(match task {
            Task::Replace { data, .. } => Prepared::Replace(target, data),
            Task::Patch { data, .. } => {
                let inner = self.inner;
                let patch = PatchRequest::from_object(data, inner.quirks(), &self.budget.patch)?;
                let changes = changes(inner, &target.definition, patch)?;
                self.budget.pay_changes(&changes)?;
                Prepared::Write(waiting, Write::apply(target, changes).with_load(Load::None))
            }
            Task::Delete { .. } | Task::Create { .. } => Prepared::Write(waiting, Write::delete(target)),
        })
    }

    /// The resource that a POST asks to be kept, under the id that its state says.
    fn prepare_create(&mut self, operation: usize) -> Result<(Arc<TypeDefinition>, NewResource), Error> {
        let Task::Create { definition, data } = self.take(operation)? else {
            return Err(Error::Internal("an operation is no creation".to_owned()));
        };
        Intent::new(Action::Create, self.context).to_type(&definition).in_bulk().ask()?;
        let Some(State::Created(id)) = self.states.get(operation) else {
            return Err(Error::Internal("a creation has no id".to_owned()));
        };
        let new = new_resource(self.inner, &definition, id.clone(), data)?;
        self.budget.pay_values(&new.relations)?;
        Ok((definition, new))
    }

    /// The task of an operation, with ids in the place of references.
    fn take(&mut self, operation: usize) -> Result<Task, Error> {
        for needed in self.needs.get(operation).into_iter().flatten() {
            if matches!(self.states.get(*needed), Some(State::Failed)) {
                let name = self.operations.get(*needed).and_then(|needed| needed.bulk_id.as_deref());
                return Err(BulkError::Failed(excerpt(name.unwrap_or_default())).into());
            }
        }
        let done = || Err(Error::Internal("an operation is carried out a second time".to_owned()));
        let asked = self.operations.get_mut(operation);
        let mut task = asked.map_or_else(done, |asked| std::mem::replace(&mut asked.task, done()))?;
        if self.needs.get(operation).is_some_and(|needs| !needs.is_empty()) {
            task.references(&mut |bulk_id, form| {
                let created = *self.bulk_ids.get(bulk_id)?;
                let Some(State::Created(id)) = self.states.get(created) else { return None };
                match form {
                    Form::Id => Some(id.as_str().to_owned()),
                    Form::Location => {
                        let type_name = self.about.get(created)?.0.as_deref()?;
                        Some(location(self.context, self.inner.registry.by_name(type_name)?, id))
                    }
                }
            });
        }
        Ok(task)
    }

    fn target(&self, subject: &Subject) -> Result<Target, Error> {
        let Subject { definition, id, precondition, .. } = subject;
        let id = match id {
            SubjectId::Known(id) => id,
            SubjectId::Bulk(bulk_id) => {
                let created = self.bulk_ids.get(bulk_id).and_then(|operation| self.states.get(*operation));
                match created {
                    Some(State::Created(id)) => id,
                    _ => return Err(BulkError::UnknownBulkId(excerpt(bulk_id)).into()),
                }
            }
            SubjectId::Impossible(text) => return Err(not_found(definition, text)),
        };
        Ok(Target::new(definition, id).with_precondition(precondition.clone()))
    }
}

/// The resource that an operation is about, as far as it says so itself.
fn about(operation: &Operation) -> (Option<Arc<str>>, Option<ResourceId>) {
    let Ok(task) = &operation.task else { return (None, None) };
    let (definition, id) = match task {
        Task::Create { definition, .. } => (definition, None),
        Task::Replace { subject, .. } | Task::Patch { subject, .. } | Task::Delete { subject } => {
            let id = if let SubjectId::Known(id) = &subject.id { Some(id.clone()) } else { None };
            (&subject.definition, id)
        }
    };
    (Some(Arc::clone(definition.shared_name())), id)
}

/// The operations that one refers to. If there is none for a reference, it cannot be carried out.
fn needs(operation: &mut Operation, bulk_ids: &HashMap<String, usize>) -> Vec<usize> {
    let Ok(task) = &mut operation.task else { return Vec::new() };
    let (mut needs, mut unknown) = (Vec::new(), None);
    let mut visit = |bulk_id: &str| match bulk_ids.get(bulk_id) {
        Some(needed) => needs.push(*needed),
        None => unknown = Some(excerpt(bulk_id)),
    };
    if let Some(Subject { id: SubjectId::Bulk(bulk_id), .. }) = task.subject() {
        visit(bulk_id);
    }
    task.references(&mut |bulk_id, _| {
        visit(bulk_id);
        None
    });
    if let Some(unknown) = unknown {
        operation.task = Err(BulkError::UnknownBulkId(unknown).into());
        return Vec::new();
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// Where an operation was to take place, for one that was refused before that was looked at.
fn attempted(context: &RequestContext, path: &str) -> Option<String> {
    /// What cannot stand in the path of a URI.
    const PATH: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .add(b'\\')
        .add(b'^')
        .add(b'|')
        .add(b'[')
        .add(b']');
    const LONGEST: usize = 1024;
    let slash = if path.starts_with('/') { "" } else { "/" };
    (path.len() <= LONGEST).then(|| format!("{}{slash}{}", context.base_url, utf8_percent_encode(path, PATH)))
}
