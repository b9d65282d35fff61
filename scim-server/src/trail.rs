//! What has been found out about a request, for layers that have to tell of it when its answer never comes.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Extensions, Response};
use scim_core::{ResourceId, TenantId, TypeDefinition};

use crate::body::Body;
use crate::context::Principal;
use crate::operation::BulkOutcome;
use crate::route::RouteName;
use crate::store::Outcome;

/// An extension of a request that layers further in write to. Its clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Arc<Mutex<Found>>);

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) principal: Option<Principal>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) route: Option<RouteName>,
    pub(crate) definition: Option<Arc<TypeDefinition>>,
    pub(crate) id: Option<ResourceId>,
    /// What has become of the operations of a bulk request so far, as they ended.
    pub(crate) operations: Vec<BulkOutcome>,
    /// The operations that a store is carrying out now, and what they are when they succeed; the status is still to come.
    pub(crate) under_way: Vec<BulkOutcome>,
    /// Whether a layer has given the request up because of its time.
    pub(crate) has_timed_out: bool,
}

impl Found {
    /// What has become of operations, in the order of the request.
    pub(crate) fn take_operations(&mut self) -> Vec<BulkOutcome> {
        let mut operations = std::mem::take(&mut self.operations);
        // Those that a store has told of are told again by the bulk request when it goes on.
        operations.sort_by_key(|outcome| outcome.operation);
        operations.dedup_by_key(|outcome| outcome.operation);
        operations
    }
}

impl Trail {
    /// The trail of a request, which has one from now on.
    pub(crate) fn begin(extensions: &mut Extensions) -> Self {
        extensions.get_or_insert_default::<Self>().clone()
    }

    /// Notes something, if anybody wants to know.
    pub(crate) fn note(extensions: &Extensions, note: impl FnOnce(&mut Found)) {
        if let Some(trail) = extensions.get::<Self>() {
            trail.write(note);
        }
    }

    pub(crate) fn write(&self, note: impl FnOnce(&mut Found)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the writes are that a store is about to be given together.
    pub(crate) fn begin_writes(&self, operations: Vec<BulkOutcome>) {
        self.write(|found| found.under_way = operations);
    }

    /// One of the writes has succeeded, for good.
    pub(crate) fn end_write(&self, nth: usize, outcome: &Outcome) {
        self.write(|found| {
            let Some(mut operation) = found.under_way.get(nth).cloned() else { return };
            operation.status = match outcome {
                Outcome::Missing => return,
                Outcome::Created(records) => {
                    operation.resource_id = records.first().map(|record| record.id.clone());
                    201
                }
                Outcome::Written(_) => 200,
                Outcome::Deleted => 204,
            };
            found.operations.push(operation);
        });
    }

    pub(crate) fn found(&self) -> Found {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the request up: what is inside is told so when it is dropped, and what is outside learns from the answer
    /// what the request was about.
    pub(crate) fn time_out(&self, response: &mut Response<Body>) {
        self.write(|found| found.has_timed_out = true);
        let Found { principal, tenant, route, .. } = self.found();
        let extensions = response.extensions_mut();
        principal.map(|principal| extensions.insert(principal));
        tenant.map(|tenant| extensions.insert(tenant));
        route.map(|route| extensions.insert(route));
    }
}
