use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use http::header::{FORWARDED, HOST};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use scim_core::ScimError;
use tower_service::Service;

use super::layer::{Style, Trusted};
use super::parse::{Hop, Unreadable, address, element, list};
use crate::body::Body;
use crate::context::{ClientAddr, PeerAddr, SaidScheme};
use crate::error::error_response;
use crate::layer::future::ResponseFuture;
use crate::service::is_server_name;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The service of [`ForwardedLayer`](super::ForwardedLayer).
#[derive(Clone, Debug)]
pub struct ForwardedService<S> {
    inner: S,
    trusted: Trusted,
    style: Style,
}

impl<S> ForwardedService<S> {
    pub(super) fn new(inner: S, trusted: Trusted, style: Style) -> Self {
        Self { inner, trusted, style }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// What the header says about the client that the outermost trusted proxy has seen.
    fn read(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Hop, (HeaderName, Unreadable)> {
        match self.style {
            Style::Rfc7239 => {
                let at = |error| (FORWARDED, error);
                let mut found = Hop::default();
                for text in list(headers, &FORWARDED).map_err(at)? {
                    found = element(&text).map_err(at)?;
                    // Elements beyond the first that no trusted proxy has seen are the client's own words.
                    if !found.client.is_some_and(|client| self.trusted.is_trusted(client)) {
                        break;
                    }
                }
                found.client = found.client.or(peer);
                Ok(found)
            }
            Style::XForwarded => {
                let mut client = peer;
                for text in list(headers, &FOR).map_err(|error| (FOR, error))? {
                    let Some(address) = address(&text) else { return Err((FOR, Unreadable)) };
                    client = Some(address);
                    if !self.trusted.is_trusted(address) {
                        break;
                    }
                }
                // NB: of several hosts the nearest proxy's counts. Which proxy has written which of them is not known.
                let nearest = |name: &HeaderName| {
                    let elements = list(headers, name).map_err(|error| (name.clone(), error))?;
                    Ok(elements.into_iter().next())
                };
                Ok(Hop { client, host: nearest(&X_HOST)?, proto: nearest(&PROTO)? })
            }
        }
    }

    fn apply(&self, parts: &mut Parts) -> Result<(), ScimError> {
        let peer = parts.extensions.get::<PeerAddr>().map(|peer| peer.0.ip());
        let said = self.trusted.is_peer_trusted(peer).then(|| self.read(&parts.headers, peer));
        strip(&mut parts.headers);
        let Some(said) = said else { return Ok(()) };
        let unreadable = |name: &HeaderName| {
            ScimError::new(400, format!("the header {name} that a proxy has added cannot be read"))
        };
        let said = said.map_err(|(name, Unreadable)| unreadable(&name))?;
        if let Some(client) = said.client {
            parts.extensions.insert(ClientAddr(client.to_canonical()));
        }
        let (host_name, proto_name) = match self.style {
            Style::XForwarded => (&X_HOST, &PROTO),
            Style::Rfc7239 => (&FORWARDED, &FORWARDED),
        };
        if let Some(host) = &said.host
            && !is_server_name(host)
        {
            return Err(unreadable(host_name));
        }
        let scheme = match said.proto.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("https") => Some(Scheme::HTTPS),
            Some("http") => Some(Scheme::HTTP),
            Some(_) => return Err(unreadable(proto_name)),
        };
        if said.host.is_none() && scheme.is_none() {
            return Ok(());
        }
        let own = |parts: &Parts| {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
            let named = parts.uri.authority().map(Authority::as_str).or(host);
            named.filter(|host| is_server_name(host)).map(str::to_owned)
        };
        let authority = said.host.clone().or_else(|| own(parts));
        let Some(authority) = authority.and_then(|host| Authority::try_from(host).ok()) else {
            return Ok(());
        };
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        if let Some(scheme) = scheme {
            parts.extensions.insert(SaidScheme(scheme));
        }
        uri.scheme = Some(parts.extensions.get::<SaidScheme>().map_or(Scheme::HTTP, |said| said.0.clone()));
        uri.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        if said.host.is_some()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(HOST, host);
        }
        uri.authority = Some(authority);
        parts.uri = Uri::from_parts(uri).map_err(|_| unreadable(host_name))?;
        Ok(())
    }
}

/// Takes away what only proxies may say.
fn strip(headers: &mut HeaderMap) {
    let of_proxies = |name: &&HeaderName| {
        let name = name.as_str();
        name.starts_with("x-forwarded-") || name == "forwarded" || name == "x-real-ip"
    };
    let names: Vec<HeaderName> = headers.keys().filter(of_proxies).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

impl<S, B> Service<Request<B>> for ForwardedService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self.apply(&mut parts) {
            Ok(()) => ResponseFuture::inner(self.inner.call(Request::from_parts(parts, body))),
            Err(error) => ResponseFuture::ready(error_response(&error)),
        }
    }
}
