use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use scim_core::excerpt;
use tower_layer::Layer;

use super::ForwardedService;

/// Believes what trusted proxies say about the client, and takes it away from everybody else's requests.
///
/// By default the headers are `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto`; the header `Forwarded` is
/// taken away, because a proxy that does not know it passes on what the client has written into it.
/// [`rfc7239`](Self::rfc7239) makes it the other way round.
#[derive(Clone, Debug)]
pub struct ForwardedLayer {
    trusted: Trusted,
    style: Style,
}

/// Which peers are proxies.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    networks: Arc<[IpNet]>,
    everybody: bool,
}

impl Trusted {
    pub(super) fn is_trusted(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Whether the other end of the connection is a proxy.
    pub(super) fn is_peer_trusted(&self, peer: Option<IpAddr>) -> bool {
        self.everybody || peer.is_some_and(|peer| self.is_trusted(peer))
    }
}

/// The headers that the proxies write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    XForwarded,
    Rfc7239,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no network; write one as `10.0.0.0/8` or `2001:db8::/32`, or a single address")]
pub struct NetworkError {
    text: String,
}

impl ForwardedLayer {
    /// Trusts nobody, and takes the headers away from every request.
    #[must_use]
    pub fn new() -> Self {
        Self { trusted: Trusted { networks: Arc::new([]), everybody: false }, style: Style::XForwarded }
    }

    /// Trusts the peers in these networks, and no others: `10.0.0.0/8`, `2001:db8::/32`, or single addresses.
    ///
    /// # Errors
    /// [`NetworkError`] for a text that is none.
    pub fn trust<'a>(mut self, networks: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        let parse = |text: &str| {
            let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
            text.parse().ok().or_else(address).ok_or_else(|| NetworkError { text: excerpt(text) })
        };
        self.trusted.networks = networks.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Trusts whoever connects, for servers that only a proxy can reach, as over a Unix socket. Addresses further along
    /// the chain are those of proxies only if they are in a network that is trusted.
    #[must_use]
    pub fn trust_every_peer(mut self) -> Self {
        self.trusted.everybody = true;
        self
    }

    /// Reads the header `Forwarded` (RFC 7239) instead of `X-Forwarded-*`.
    #[must_use]
    pub fn rfc7239(mut self) -> Self {
        self.style = Style::Rfc7239;
        self
    }
}

impl Default for ForwardedLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ForwardedLayer {
    type Service = ForwardedService<S>;

    fn layer(&self, inner: S) -> ForwardedService<S> {
        ForwardedService::new(inner, self.trusted.clone(), self.style)
    }
}
