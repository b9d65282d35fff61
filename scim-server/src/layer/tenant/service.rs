use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Request, Response, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim_core::{ScimError, TenantId};
use tower_service::Service;

use super::layer::Source;
use super::{Tenant, TenantLayer, check, unknown};
use crate::body::Body;
use crate::context::{BaseUrl, PathPrefix, Principal};
use crate::error::{Error, error_response};
use crate::layer::auth::Access;
use crate::route::{decode, is_reserved};
use crate::service::is_server_name;
use crate::trail::Trail;

/// Everything but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The service of [`TenantLayer`].
#[derive(Clone, Debug)]
pub struct TenantService<S> {
    inner: S,
    layer: TenantLayer,
}

impl<S> TenantService<S> {
    pub(super) fn new(inner: S, layer: TenantLayer) -> Self {
        Self { inner, layer }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for TenantService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready goes into the future, its clone stays behind.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let tenant = match layer.choose(&mut parts).await {
                Ok(tenant) => tenant,
                Err(error) => return Ok(error_response(&error)),
            };
            parts.extensions.insert(tenant.clone());
            Trail::note(&parts.extensions, |found| found.tenant = Some(tenant.clone()));
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            // For layers around this one that log or count.
            response.extensions_mut().insert(tenant);
            Ok(response)
        })
    }
}

/// What a request calls its tenant, and what is left of its path.
struct Named {
    key: String,
    path: Option<Taken>,
}

/// The path of a request in two.
struct Taken {
    prefix: String,
    rest: String,
}

impl TenantLayer {
    async fn choose(&self, parts: &mut Parts) -> Result<TenantId, ScimError> {
        let tenant = match self.name(parts)? {
            Some(named) => {
                let tenant = self.tenants.find(&named.key).await?.ok_or_else(unknown)?;
                self.admit(parts, &tenant)?;
                self.rewrite(parts, named)?;
                tenant
            }
            None => {
                let tenant = self.anonymous.clone().ok_or_else(unknown)?;
                self.admit(parts, &tenant)?;
                tenant
            }
        };
        if let Some(quirks) = tenant.quirks {
            parts.extensions.insert(quirks);
        }
        if let Some(registry) = tenant.registry {
            parts.extensions.insert(registry);
        }
        Ok(tenant.id)
    }

    /// What the request calls its tenant; none where there is no principal to go by.
    fn name(&self, parts: &Parts) -> Result<Option<Named>, ScimError> {
        let named = |key: &str| Ok(Some(Named { key: key.to_owned(), path: None }));
        match &self.source {
            Source::Path(mounts) => {
                let (mount, rest) = mounts.split(parts.uri.path()).ok_or_else(unknown)?;
                let rest = rest.trim_start_matches('/');
                let (segment, rest) =
                    rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).ok_or_else(unknown)?;
                let key = decode(segment).map_err(|_| unknown())?;
                // A layer around this one may have let such a path in as discovery, which is open to everybody.
                if is_reserved(&key) {
                    return Err(unknown());
                }
                let outer = parts.extensions.get::<PathPrefix>().map_or("", PathPrefix::as_str);
                let prefix = format!("{outer}{mount}/{}", utf8_percent_encode(&key, SEGMENT));
                let rest = if rest.is_empty() { "/" } else { rest };
                Ok(Some(Named { key: key.into_owned(), path: Some(Taken { prefix, rest: rest.to_owned() }) }))
            }
            Source::Subdomain(domain) => {
                let host = host(parts)?;
                let label = host.strip_suffix(&**domain).and_then(|label| label.strip_suffix('.'));
                match label {
                    Some(label) if !label.is_empty() && !label.contains('.') => named(label),
                    _ => Err(unknown()),
                }
            }
            Source::Host => named(&host(parts)?),
            Source::Principal => Ok(parts
                .extensions
                .get::<Principal>()
                .map(|principal| Named { key: principal.to_string(), path: None })),
        }
    }

    /// Whether the request may be about this tenant, as far as layers around this one have said.
    fn admit(&self, parts: &Parts, tenant: &Tenant) -> Result<(), ScimError> {
        if parts.extensions.get::<TenantId>().is_some_and(|chosen| *chosen != tenant.id) {
            return Err(unknown());
        }
        match (parts.extensions.get::<Access>(), &self.source) {
            (None, _) => Ok(()),
            // The table says which tenant a principal belongs to.
            (Some(access), Source::Principal) if access.tenants == Default::default() => Ok(()),
            (Some(access), _) => check(Some(&tenant.id), &access.tenants),
        }
    }

    fn rewrite(&self, parts: &mut Parts, named: Named) -> Result<(), ScimError> {
        if let Some(url) = &self.base_url {
            let key = utf8_percent_encode(&named.key, SEGMENT).to_string();
            parts.extensions.insert(BaseUrl::new(&url.replace("{tenant}", &key)));
        }
        let Some(Taken { prefix, rest }) = named.path else { return Ok(()) };
        let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        let rest = PathAndQuery::try_from(format!("{rest}{query}")).map_err(|_| unknown())?;
        uri.path_and_query = Some(rest);
        parts.uri = Uri::from_parts(uri).map_err(|_| unknown())?;
        parts.extensions.insert(PathPrefix::new(&prefix));
        Ok(())
    }
}

/// The name of the host that the client has asked: lower case, no port, no dot at its end.
fn host(parts: &Parts) -> Result<String, ScimError> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(ScimError::new(400, Error::Hosts.to_string()));
    }
    let named = parts.uri.authority().map(Authority::as_str);
    let text = named.or_else(|| host?.to_str().ok()).filter(|text| is_server_name(text));
    let authority = text.and_then(|text| text.parse::<Authority>().ok()).ok_or_else(unknown)?;
    Ok(authority.host().trim_end_matches('.').to_ascii_lowercase())
}
