use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::net::Ipv6Addr;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_LENGTH, HOST, IF_MATCH};
use http::request::Parts;
use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use scim_core::{QuirkUses, Quirks, Registry, ResourceId, TenantId, TypeDefinition, excerpt};
use tower_service::Service;

use crate::body::Body;
use crate::builder::ScimServiceBuilder;
use crate::clock::Sources;
use crate::context::{BaseUrl, PathPrefix, Principal, RequestContext, RequestId, SaidScheme, WriteOnly};
use crate::cursor::Cursors;
use crate::error::{Error, no_endpoint};
use crate::limits::Limits;
use crate::operation::{self, AuthenticationScheme, Me};
use crate::policy::{Action, Intent, Policies};
use crate::registry::RegistryHandle;
use crate::request::{Conditions, read_body};
use crate::route::{Mounts, Route, RouteName, decode};
use crate::store::{ResourceStore, WriteBudget};
use crate::trail::Trail;

/// SCIM 2.0 over a store, as a tower service.
///
/// Cheap to clone; never fails: every problem is an answer with the error body of RFC 7644 section 3.12. It reads
/// the extensions [`Principal`], [`TenantId`] and [`RequestId`] of a request where layers around it have set them, holds
/// it to its [`Policies`], and sets [`RouteName`](crate::RouteName) on every answer. The extensions [`Quirks`] and `Arc<`[`Registry`]`>` take the
/// place of its own for one request, [`PathPrefix`] and [`BaseUrl`] say what locations begin with, and [`WriteOnly`] keeps
/// answers to writes from showing more than the client may read.
pub struct ScimService<S> {
    settings: Own<S>,
    seen: Option<Seen>,
}

/// The settings, counted for each clone of a service apart, where each connection has one: the requests of two processors
/// would otherwise wait for each other's counts.
type Own<S> = Arc<Arc<Settings<S>>>;

/// The registry that a service has seen last.
struct Seen {
    version: u64,
    registry: Arc<Registry>,
    /// Whether it is counted for this service alone.
    is_own: bool,
}

/// What all requests have in common.
pub(crate) struct Settings<S> {
    pub(crate) store: S,
    /// What the next request sees.
    pub(crate) current: RegistryHandle,
    /// What a request sees for which no layer has chosen others.
    pub(crate) own_quirks: Quirks,
    pub(crate) limits: Limits,
    pub(crate) sources: Sources,
    pub(crate) base_url: Option<Arc<str>>,
    pub(crate) mounts: Mounts,
    pub(crate) authentication: Vec<AuthenticationScheme>,
    pub(crate) documentation: Option<String>,
    pub(crate) bulk: bool,
    pub(crate) cursors: Cursors,
    pub(crate) me: Option<Me>,
}

/// The service as one request sees it: with the quirks and schemas that layers have chosen for it, and otherwise with
/// the schemas that were served when it came.
pub(crate) struct Inner<S> {
    settings: Own<S>,
    pub(crate) registry: Arc<Registry>,
    /// Those that a layer has chosen.
    chosen: Option<Quirks>,
}

impl<S> Deref for Inner<S> {
    type Target = Settings<S>;

    fn deref(&self) -> &Settings<S> {
        &self.settings
    }
}

impl<S> Inner<S> {
    /// Uses of quirks are counted with the service's own.
    fn new(settings: &Own<S>, registry: Arc<Registry>, extensions: &Extensions) -> Self {
        let chosen = match (extensions.get::<Quirks>().cloned(), settings.own_quirks.uses()) {
            (Some(quirks), Some(uses)) if quirks.uses().is_none() => Some(quirks.counted_by(uses)),
            (quirks, _) => quirks,
        };
        Self { settings: Arc::clone(settings), registry, chosen }
    }

    /// The deviations that are tolerated.
    pub(crate) fn quirks(&self) -> &Quirks {
        self.chosen.as_ref().unwrap_or(&self.settings.own_quirks)
    }
}

impl<S> ScimService<S> {
    /// A builder with the defaults: the types of RFC 7643, quirks that identity providers need, served at the root.
    pub fn builder(store: S) -> ScimServiceBuilder<S> {
        ScimServiceBuilder::new(store)
    }

    pub(crate) fn new(settings: Settings<S>) -> Self {
        Self { settings: Arc::new(Arc::new(settings)), seen: None }
    }

    /// What is served now. From its second request on, a service looks at a copy of its own until there is another one.
    fn current(&mut self) -> Arc<Registry> {
        let handle = &self.settings.current;
        let version = handle.version();
        match self.seen.as_mut().filter(|seen| seen.version == version) {
            Some(seen) => {
                if !std::mem::replace(&mut seen.is_own, true) {
                    seen.registry = Arc::new(Registry::clone(&seen.registry));
                }
                Arc::clone(&seen.registry)
            }
            None => {
                let (version, registry) = handle.seen();
                self.seen = Some(Seen { version, registry: Arc::clone(&registry), is_own: false });
                registry
            }
        }
    }

    /// The handle by which the schemas and resource types can be exchanged while the service runs.
    #[must_use]
    pub fn registry(&self) -> &RegistryHandle {
        &self.settings.current
    }

    /// How often each tolerated deviation was needed, by this service and all its clones.
    #[must_use]
    pub fn quirk_uses(&self) -> Arc<QuirkUses> {
        self.settings.own_quirks.uses().cloned().unwrap_or_default()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.settings.store
    }
}

impl<S> Clone for ScimService<S> {
    fn clone(&self) -> Self {
        Self { settings: Arc::new(Arc::clone(&self.settings)), seen: None }
    }
}

impl<S: fmt::Debug> fmt::Debug for ScimService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimService").field("store", &self.settings.store).finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<B>> for ScimService<S>
where
    S: ResourceStore + 'static,
    B: HttpBody + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let registry = parts.extensions.get::<Arc<Registry>>().cloned().unwrap_or_else(|| self.current());
        let inner = Inner::new(&self.settings, registry, &parts.extensions);
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let request_id =
            request_id.unwrap_or_else(|| RequestId::new(&self.settings.sources.ids.request_id()));
        let (is_head, mut name) = (parts.method == Method::HEAD, None);
        // Here rather than in the future, which is moved as a whole.
        match inner.read(parts, &request_id, &mut name) {
            Ok(asked) => Box::pin(async move {
                let answer = inner.answer(&asked, body).await;
                Ok(finish(answer, is_head, name, &asked.context.request_id))
            }),
            Err(error) => Box::pin(ready(Ok(finish(Err(error), is_head, name, &request_id)))),
        }
    }
}

/// The answer as it is sent.
fn finish(
    answer: Result<Response<Body>, Error>,
    is_head: bool,
    name: Option<RouteName>,
    request_id: &RequestId,
) -> Response<Body> {
    let mut response = answer.unwrap_or_else(|error| {
        log_internal(&error, request_id, name.as_ref().map_or("-", RouteName::as_str));
        error.to_response(request_id)
    });
    if is_head {
        // The headers are those of GET, the length of the body that is left out among them.
        let length = response.body().size_hint().exact();
        if let (Some(length), false) =
            (length, matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED))
        {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
    if let Some(name) = name {
        response.extensions_mut().insert(name);
    }
    response
}

/// A request that has been read, but for its body.
struct Asked {
    context: RequestContext,
    route: Route,
    request: Incoming,
}

impl Asked {
    fn only_reads(&self) -> bool {
        only_reads(&self.request.method, &self.route)
    }
}

fn only_reads(method: &Method, route: &Route) -> bool {
    matches!(*method, Method::GET | Method::HEAD) || matches!(route, Route::RootSearch | Route::Search(_))
}

impl<S: ResourceStore> Inner<S> {
    /// Reads all of a request that is there before its body. `name` is that of the route, once it is known.
    fn read(
        &self,
        parts: Parts,
        request_id: &RequestId,
        name: &mut Option<RouteName>,
    ) -> Result<Asked, Error> {
        let path = parts.uri.path();
        let (mount, rest) = self.mounts.split(path).ok_or_else(|| no_endpoint(path))?;
        let route = Route::parse(rest, &self.registry).map_err(|error| match error {
            // The message shows the path as the client has sent it.
            Error::NoEndpoint { .. } => no_endpoint(path),
            error => error,
        })?;
        let name = name.insert(route.name());
        let trail = parts.extensions.get::<Trail>().cloned();
        if let Some(trail) = &trail {
            trail.write(|found| {
                found.route = Some(name.clone());
                if !only_reads(&parts.method, &route) {
                    (found.definition, found.id) = route.subject();
                }
            });
        }
        let context = RequestContext {
            base_url: self.base_url(mount, &parts)?,
            tenant: parts.extensions.get::<TenantId>().cloned().unwrap_or_default(),
            principal: parts.extensions.get::<Principal>().cloned(),
            request_id: request_id.clone(),
            now: self.sources.clock.now(),
            registry: Arc::clone(&self.registry),
            policies: Policies::of(&parts.extensions),
            trail,
            budget: WriteBudget::unlimited().with_size(self.limits.resource),
            write_only: parts.extensions.get::<WriteOnly>().is_some(),
        };
        let method = if parts.method == Method::HEAD { Method::GET } else { parts.method };
        let conditions = Conditions::read(&parts.headers)?;
        let query = parts.uri.query().map(str::to_owned);
        let request = Incoming { method, headers: parts.headers, conditions, query };
        Ok(Asked { context, route, request })
    }

    async fn answer<B: HttpBody>(&self, asked: &Asked, body: B) -> Result<Response<Body>, Error> {
        let answer = self.dispatch(&asked.context, &asked.route, &asked.request, body).await;
        let answer = answer.map_err(|error| error.for_client(&asked.context));
        answer.map_err(|error| if asked.only_reads() { error } else { error.of_write() })
    }

    /// What is no GET of one resource is in a box: the future of that one, which copies more than it works, stays small.
    async fn dispatch<B: HttpBody>(
        &self,
        context: &RequestContext,
        route: &Route,
        request: &Incoming,
        body: B,
    ) -> Result<Response<Body>, Error> {
        let get = request.method == Method::GET;
        let discover = || Intent::new(Action::Discover, context).ask();
        let search = |types: &[Arc<TypeDefinition>]| {
            types.iter().try_for_each(|one| Intent::new(Action::Search, context).to_type(one).ask())
        };
        match route {
            Route::Me => {
                let Some(me) = &self.me else { return Err(Error::NotSupported("/Me")) };
                let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
                if !known.contains(&request.method) {
                    return Err(route.wrong_method(&request.method));
                }
                let body = if operation::takes_body(&request.method) {
                    read_body(&request.headers, body, &self.limits).await?
                } else {
                    bytes::Bytes::new()
                };
                Box::pin(operation::me(self, me, context, request, &body)).await
            }
            Route::Bulk if !self.bulk => Err(Error::NotSupported("/Bulk")),
            Route::Bulk if request.method == Method::POST => {
                let body = Box::pin(operation::read_bulk_body(self, &request.headers, body)).await?;
                Box::pin(operation::bulk(self, context, &body)).await
            }
            Route::ServiceProviderConfig if get => {
                discover()?;
                operation::service_provider_config(self, context, request)
            }
            Route::ResourceTypes(name) if get => {
                discover()?;
                operation::resource_types(self, context, request, name.as_deref())
            }
            Route::Schemas(uri) if get => {
                discover()?;
                operation::schemas(self, context, request, uri.as_deref())
            }
            Route::Root if get => {
                search(self.registry.types())?;
                Box::pin(operation::list(self, context, self.registry.types(), request)).await
            }
            Route::Collection(definition) if get => {
                search(std::slice::from_ref(definition))?;
                Box::pin(operation::list(self, context, std::slice::from_ref(definition), request)).await
            }
            Route::RootSearch if request.method == Method::POST => {
                search(self.registry.types())?;
                let body = read_body(&request.headers, body, &self.limits).await?;
                Box::pin(operation::search(self, context, self.registry.types(), &body)).await
            }
            Route::Search(definition) if request.method == Method::POST => {
                search(std::slice::from_ref(definition))?;
                let body = read_body(&request.headers, body, &self.limits).await?;
                Box::pin(operation::search(self, context, std::slice::from_ref(definition), &body)).await
            }
            Route::Collection(definition) if request.method == Method::POST => {
                Intent::new(Action::Create, context).to_type(definition).ask()?;
                let body = read_body(&request.headers, body, &self.limits).await?;
                Box::pin(operation::create(self, context, definition, request, &body)).await
            }
            Route::Resource(definition, id) => {
                let known = [Method::GET, Method::PUT, Method::PATCH, Method::DELETE];
                if !known.contains(&request.method) {
                    return Err(route.wrong_method(&request.method));
                }
                request.intent(context, definition, id.as_ref().ok()).ask()?;
                let body = match request.method {
                    Method::PUT | Method::PATCH => read_body(&request.headers, body, &self.limits).await?,
                    _ => bytes::Bytes::new(),
                };
                let id = id.as_ref().map_err(|text| operation::not_found(definition, text))?;
                match request.method {
                    Method::GET => operation::read(self, context, definition, id, request).await,
                    Method::PUT => {
                        Box::pin(operation::replace(self, context, definition, id, request, &body)).await
                    }
                    Method::PATCH => {
                        Box::pin(operation::patch(self, context, definition, id, request, &body)).await
                    }
                    _ => Box::pin(operation::delete(self, context, definition, id, request)).await,
                }
            }
            _ => Err(route.wrong_method(&request.method)),
        }
    }

    /// The configured base URL, else one made from the authority that the client has asked; only the path where
    /// that is missing or is not the name of a server.
    fn base_url(&self, mount: &str, parts: &Parts) -> Result<Arc<str>, Error> {
        let Parts { headers, uri, extensions, .. } = parts;
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next();
        // "A server MUST respond with a 400 ... to any request message that contains more than one Host header"
        // (RFC 9112 section 3.2)
        if hosts.next().is_some() {
            return Err(Error::Hosts);
        }
        let named = uri.authority().map(Authority::as_str);
        let text = host.map(|host| String::from_utf8_lossy(host.as_bytes()));
        for name in text.as_deref().into_iter().chain(named) {
            if !may_be_host(name, parts.version) {
                return Err(Error::Host(excerpt(name)));
            }
        }
        if let Some(base_url) = extensions.get::<BaseUrl>() {
            return Ok(base_url.shared());
        }
        let prefix = extensions.get::<PathPrefix>().map_or("", PathPrefix::as_str);
        if let Some(base_url) = &self.base_url {
            let front = base_url.strip_suffix(mount).unwrap_or(base_url);
            return Ok(match prefix {
                "" => Arc::clone(base_url),
                prefix => {
                    format!("{front}{prefix}{}", base_url.strip_prefix(front).unwrap_or_default()).into()
                }
            });
        }
        let authority = named.or(text.as_deref()).filter(|text| names_server(text));
        // Not the scheme of the request line, which may say anything in absolute-form.
        let scheme = extensions.get::<SaidScheme>().map_or("http", |said| said.0.as_str());
        Ok(authority.map_or_else(
            || format!("{prefix}{mount}").into(),
            |authority| [scheme, "://", authority, prefix, mount].concat().into(),
        ))
    }
}

/// Whether a text is a host with or without a port, and nothing that could end up as something else in a URL or on a
/// page that shows one.
pub(crate) fn is_server_name(text: &str) -> bool {
    is_host(text) && names_server(text)
}

/// Whether a host is no more than a name or an address, and a port.
fn names_server(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    let port_of_five = || host.rsplit_once(':').is_none_or(|(_, port)| port.len() <= 5);
    !host.is_empty() && host.bytes().all(plain) && (host.ends_with(']') || port_of_five())
}

/// Whether a Host header may say this. "A server MUST respond with a 400 ... to any request message that contains ... a
/// Host header field with an invalid field value" (RFC 9112 section 3.2); in HTTP/1.0 it may be empty.
pub(crate) fn may_be_host(text: &str, version: Version) -> bool {
    is_host(text) || (text.is_empty() && version <= Version::HTTP_10)
}

/// `uri-host [ ":" port ]` (RFC 9110 section 7.2), where the host of an HTTP URI is not empty (section 4.2.1).
fn is_host(text: &str) -> bool {
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| digits(port.as_bytes()));
        return address.parse::<Ipv6Addr>().is_ok() && port;
    }
    // `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986 section 3.2.2)
    let legal = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'%' | b'&'..=b',' | b';' | b'=')
    };
    let length = text.bytes().take_while(|b| legal(*b)).count();
    let Some((name, port)) = text.split_at_checked(length) else { return false };
    !name.is_empty()
        && decode(name).is_ok()
        && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| digits(port.as_bytes())))
}

/// What the operations need of a request besides its body.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) conditions: Conditions,
    pub(crate) query: Option<String>,
}

impl Incoming {
    /// What the request is about to do to a resource.
    pub(crate) fn intent<'a>(
        &self,
        context: &'a RequestContext,
        definition: &'a TypeDefinition,
        id: Option<&'a ResourceId>,
    ) -> Intent<'a> {
        let intent = Intent::new(Action::on_resource(&self.method), context).to_type(definition);
        intent.to_id(id).naming_version(self.headers.contains_key(IF_MATCH))
    }
}

/// Logs an error that clients do not get to see.
pub(crate) fn log_internal(error: &Error, request_id: &RequestId, route: &str) {
    if error.is_internal() {
        tracing::error!(request_id = %request_id, route, error = chain(error), "request failed");
    }
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
