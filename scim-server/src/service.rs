use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body::Body as HttpBody;
use scim_core::{Quirks, Registry, TenantId};
use tower_service::Service;

use crate::body::Body;
use crate::builder::ScimServiceBuilder;
use crate::clock::Sources;
use crate::context::{Principal, RequestContext, RequestId};
use crate::error::{Error, no_endpoint};
use crate::limits::Limits;
use crate::operation::{self, AuthenticationScheme};
use crate::request::read_body;
use crate::route::Route;
use crate::store::ResourceStore;

/// SCIM 2.0 over a store, as a tower service.
///
/// Cheap to clone; never fails: every problem is an answer with the error body of RFC 7644 section 3.12. It reads
/// the extensions [`Principal`], [`TenantId`] and [`RequestId`] of a request where layers around it have set them,
/// and sets [`RouteName`](crate::RouteName) on every answer.
pub struct ScimService<S> {
    inner: Arc<Inner<S>>,
}

pub(crate) struct Inner<S> {
    pub(crate) store: S,
    pub(crate) registry: Arc<Registry>,
    pub(crate) quirks: Quirks,
    pub(crate) limits: Limits,
    pub(crate) sources: Sources,
    pub(crate) base_url: Option<Arc<str>>,
    pub(crate) mounts: Vec<String>,
    pub(crate) authentication: Vec<AuthenticationScheme>,
    pub(crate) documentation: Option<String>,
}

impl<S> ScimService<S> {
    /// A builder with the defaults: the types of RFC 7643, quirks that identity providers need, served at the root.
    pub fn builder(store: S) -> ScimServiceBuilder<S> {
        ScimServiceBuilder::new(store)
    }

    pub(crate) fn from_inner(inner: Inner<S>) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }
}

impl<S> Clone for ScimService<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: fmt::Debug> fmt::Debug for ScimService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimService").field("store", &self.inner.store).finish_non_exhaustive()
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
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { Ok(inner.serve(request).await) })
    }
}

impl<S: ResourceStore> Inner<S> {
    async fn serve<B: HttpBody>(&self, request: Request<B>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .cloned()
            .unwrap_or_else(|| RequestId::new(&self.sources.ids.request_id()));
        let (mount, path) = self.split(parts.uri.path());
        let route = match path.map(|path| Route::parse(path, &self.registry)) {
            Some(Ok(route)) => route,
            Some(Err(error)) => return error.to_response(&request_id),
            None => return no_endpoint(parts.uri.path()).to_response(&request_id),
        };
        let context = RequestContext {
            tenant: parts.extensions.get::<TenantId>().cloned().unwrap_or_default(),
            principal: parts.extensions.get::<Principal>().cloned(),
            request_id: request_id.clone(),
            now: self.sources.clock.now(),
            registry: Arc::clone(&self.registry),
            base_url: self.base_url(mount, &parts.headers, &parts.uri),
        };
        let name = route.name();
        let head = parts.method == Method::HEAD;
        let method = if head { Method::GET } else { parts.method };
        let request =
            Incoming { method, headers: parts.headers, query: parts.uri.query().map(str::to_owned) };
        let mut response = match self.dispatch(&context, route, request, body).await {
            Ok(response) => response,
            Err(error) => {
                if error.is_internal() {
                    let chain = chain(&error);
                    tracing::error!(request_id = %request_id, route = name.as_str(), error = chain, "request failed");
                }
                error.to_response(&request_id)
            }
        };
        if head {
            *response.body_mut() = Body::empty();
        }
        response.extensions_mut().insert(name);
        response
    }

    async fn dispatch<B: HttpBody>(
        &self,
        context: &RequestContext,
        route: Route,
        request: Incoming,
        body: B,
    ) -> Result<Response<Body>, Error> {
        let get = request.method == Method::GET;
        match &route {
            Route::Me => Err(Error::NotSupported("/Me")),
            Route::Bulk => Err(Error::NotSupported("Bulk")),
            Route::ServiceProviderConfig if get => {
                operation::service_provider_config(self, context, &request)
            }
            Route::ResourceTypes(name) if get => {
                operation::resource_types(self, context, &request, name.as_deref())
            }
            Route::Schemas(uri) if get => operation::schemas(self, context, &request, uri.as_deref()),
            Route::Root if get => operation::list(self, context, self.registry.types(), &request).await,
            Route::Collection(definition) if get => {
                operation::list(self, context, std::slice::from_ref(definition), &request).await
            }
            Route::RootSearch if request.method == Method::POST => {
                let body = read_body(&request.headers, body, &self.limits).await?;
                operation::search(self, context, self.registry.types(), &body).await
            }
            Route::Search(definition) if request.method == Method::POST => {
                let body = read_body(&request.headers, body, &self.limits).await?;
                operation::search(self, context, std::slice::from_ref(definition), &body).await
            }
            Route::Collection(definition) if request.method == Method::POST => {
                let body = read_body(&request.headers, body, &self.limits).await?;
                operation::create(self, context, definition, &request, &body).await
            }
            Route::Resource(definition, id, text) => {
                let known = [Method::GET, Method::PUT, Method::PATCH, Method::DELETE];
                if !known.contains(&request.method) {
                    return Err(route.wrong_method(&request.method));
                }
                let body = match request.method {
                    Method::PUT | Method::PATCH => read_body(&request.headers, body, &self.limits).await?,
                    _ => bytes::Bytes::new(),
                };
                let Some(id) = id else { return Err(operation::not_found(definition, text)) };
                match request.method {
                    Method::GET => operation::read(self, context, definition, id, &request).await,
                    Method::PUT => operation::replace(self, context, definition, id, &request, &body).await,
                    Method::PATCH => operation::patch(self, context, definition, id, &request, &body).await,
                    _ => operation::delete(self, context, definition, id, &request).await,
                }
            }
            _ => Err(route.wrong_method(&request.method)),
        }
    }

    /// The mount point that a path lies under, and the rest of the path; the longest mount point wins.
    fn split<'p>(&self, path: &'p str) -> (&str, Option<&'p str>) {
        let rest =
            |mount: &str| path.strip_prefix(mount).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let longest = self
            .mounts
            .iter()
            .filter_map(|mount| Some((mount.as_str(), rest(mount)?)))
            .max_by_key(|(mount, _)| mount.len());
        longest.map_or(("", None), |(mount, rest)| (mount, Some(rest)))
    }

    /// The configured base URL, else one made from the authority that the client has asked.
    fn base_url(&self, mount: &str, headers: &HeaderMap, uri: &Uri) -> Arc<str> {
        if let Some(base_url) = &self.base_url {
            return Arc::clone(base_url);
        }
        let host = || headers.get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
        match uri.authority().cloned().or_else(host) {
            // A name with a user part is no server's.
            Some(authority) if !authority.as_str().contains('@') => {
                format!("{}://{authority}{mount}", uri.scheme_str().unwrap_or("http")).into()
            }
            _ => mount.into(),
        }
    }
}

/// What the operations need of a request besides its body.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Option<String>,
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
