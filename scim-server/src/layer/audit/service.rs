use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::{ETAG, HeaderName, LOCATION};
use http::{Extensions, HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use scim_core::{ResourceId, TenantId, excerpt};
use tower_service::Service;

use super::{AuditEvent, AuditSink, Outcome};
use crate::body::Body;
use crate::clock::Clock;
use crate::context::{ClientAddr, Principal, RequestId};
use crate::layer::only_reads;
use crate::operation::{BulkOutcome, BulkOutcomes};
use crate::route::{RouteName, decode};
use crate::trail::{Found, Trail};

/// The service of [`AuditLayer`](super::AuditLayer).
#[derive(Clone, Debug)]
pub struct AuditService<S> {
    inner: S,
    sink: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
}

impl<S> AuditService<S> {
    pub(super) fn new(inner: S, sink: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, sink, clock }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for AuditService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = AuditFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if only_reads(request.method(), request.uri().path()) {
            return AuditFuture { answer: self.inner.call(request), pending: None };
        }
        let mut event = AuditEvent {
            time: self.clock.now(),
            request_id: None,
            principal: None,
            issuer: None,
            tenant: None,
            client: None,
            method: excerpt(request.method().as_str()),
            route: None,
            resource_type: None,
            resource_id: None,
            operation: None,
            outcome: Outcome::Answered,
            status: None,
            version: None,
            duration: Duration::ZERO,
        };
        event.learn(request.extensions());
        let path = request.uri().path().to_owned();
        let trail = Trail::begin(request.extensions_mut());
        let (started, sink) = (Instant::now(), Arc::clone(&self.sink));
        let pending = Some(Box::new(Pending { event: Some(event), path, started, trail, sink }));
        AuditFuture { answer: self.inner.call(request), pending }
    }
}

pin_project! {
    /// The future of [`AuditService`].
    #[derive(Debug)]
    pub struct AuditFuture<F> {
        #[pin]
        answer: F,
        pending: Option<Box<Pending>>,
    }
}

impl<F> Future for AuditFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Held here, so that it ends with a panic in there, and tells of it.
        let pending = this.pending.take();
        let Poll::Ready(Ok(response)) = this.answer.poll(context) else {
            *this.pending = pending;
            return Poll::Pending;
        };
        if let Some(pending) = pending {
            pending.finish(&response);
        }
        Poll::Ready(Ok(response))
    }
}

/// An event of a request that is under way; dropped, it is reported as far as it is known.
#[derive(Debug)]
struct Pending {
    event: Option<AuditEvent>,
    path: String,
    started: Instant,
    trail: Trail,
    sink: Arc<dyn AuditSink>,
}

impl Pending {
    fn finish(mut self, response: &Response<Body>) {
        let Some(mut event) = self.event.take() else { return };
        event.learn(response.extensions());
        let mut found = self.trail.found();
        let operations = found.take_operations();
        event.find(found);
        event.status = Some(response.status().as_u16());
        let header = |name: HeaderName| text(response.headers(), &name);
        if response.status().is_success() {
            event.version = header(ETAG);
        }
        event.request_id =
            event.request_id.take().or_else(|| header(HeaderName::from_static("x-request-id")));
        if event.resource_id.is_none() {
            let names_one = event.route.as_deref().is_some_and(|route| route.ends_with("/{id}"));
            let named = names_one.then(|| self.path.clone());
            event.resource_id = named.or_else(|| header(LOCATION)).and_then(|path| last_segment(&path));
        }
        event.duration = self.started.elapsed();
        event.withhold_guess();
        // Where there are none, a layer further in did not wait for the answer of the service.
        match response.extensions().get::<BulkOutcomes>() {
            Some(outcomes) => record(&*self.sink, event, outcomes.as_slice()),
            None => record(&*self.sink, event, &operations),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(mut event) = self.event.take() {
            let mut found = self.trail.found();
            let operations = found.take_operations();
            event.outcome = Outcome::of_dropped(found.has_timed_out);
            event.find(found);
            event.duration = self.started.elapsed();
            event.withhold_guess();
            record(&*self.sink, event, &operations);
        }
    }
}

/// Reports a request and the operations of it that have ended.
fn record(sink: &dyn AuditSink, event: AuditEvent, operations: &[BulkOutcome]) {
    let operations: Vec<_> = operations.iter().map(|outcome| event.of_operation(outcome)).collect();
    sink.record(event);
    operations.into_iter().for_each(|event| sink.record(event));
}

impl AuditEvent {
    /// Takes what layers have found out, where it was not known yet.
    fn learn(&mut self, extensions: &Extensions) {
        let request_id = || extensions.get::<RequestId>().map(|id| id.as_str().to_owned());
        self.request_id = self.request_id.take().or_else(request_id);
        if let Some(principal) = extensions.get::<Principal>() {
            self.take_principal(principal);
        }
        let tenant = || extensions.get::<TenantId>().map(|tenant| tenant.as_str().to_owned());
        self.tenant = self.tenant.take().or_else(tenant);
        let client = || ClientAddr::of(extensions).map(|client| client.0.to_string());
        self.client = self.client.take().or_else(client);
        let route = || extensions.get::<RouteName>().map(|route| route.as_str().to_owned());
        self.route = self.route.take().or_else(route);
    }

    /// As [`learn`](Self::learn), from what was noted on the way.
    fn find(&mut self, found: Found) {
        if let Some(principal) = &found.principal {
            self.take_principal(principal);
        }
        let tenant = || found.tenant.map(|tenant| tenant.as_str().to_owned());
        self.tenant = self.tenant.take().or_else(tenant);
        let route = || found.route.map(|route| route.as_str().to_owned());
        self.route = self.route.take().or_else(route);
        self.resource_type = found.definition.map(|definition| definition.name().to_owned());
        self.resource_id = found.id.map(|id| id.as_str().to_owned());
    }

    /// Forgets an id that stands for no resource, as far as anybody knows, and may be what people are called by.
    fn withhold_guess(&mut self) {
        let exists = self.status.is_some_and(|status| (200..400).contains(&status));
        let is_opaque =
            |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        self.resource_id = self.resource_id.take().filter(|id| exists || is_opaque(id));
    }

    /// The event of an operation of the Bulk that this one is about.
    fn of_operation(&self, outcome: &BulkOutcome) -> Self {
        let mut event = Self {
            method: outcome.method.unwrap_or("-").to_owned(),
            resource_type: outcome.resource_type.as_deref().map(str::to_owned),
            resource_id: outcome.resource_id.as_ref().map(|id| id.as_str().to_owned()),
            operation: Some(outcome.operation),
            outcome: Outcome::Answered,
            status: Some(outcome.status),
            version: None,
            ..self.clone()
        };
        event.withhold_guess();
        event
    }

    fn take_principal(&mut self, principal: &Principal) {
        if self.principal.is_none() {
            self.principal = Some(principal.as_str().to_owned());
            self.issuer = principal.issuer().map(str::to_owned);
        }
    }
}

/// The last part of a path or URL, if it can be the id of a resource.
fn last_segment(path: &str) -> Option<String> {
    let segment = decode(path.trim_end_matches('/').rsplit('/').next()?).ok()?;
    segment.parse::<ResourceId>().ok().map(|id| id.as_str().to_owned())
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
