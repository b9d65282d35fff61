use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use scim_core::TenantId;
use tower_layer::Layer;

use super::RateLimitService;
use super::buckets::Limiter;
use crate::context::{ClientAddr, Principal};

type Key = dyn Fn(&Parts) -> String + Send + Sync;

/// Limits how many requests come from one side in a time.
#[derive(Clone)]
pub struct RateLimitLayer {
    pub(super) requests: u32,
    pub(super) per: Duration,
    burst: u32,
    most_keys: usize,
    pub(super) key: Arc<Key>,
}

impl RateLimitLayer {
    /// So many requests in such a time, for each address of a client; as many may come at once. Requests are 1 to 100,000,
    /// the time a millisecond to a day; what is outside of that is moved to its end.
    #[must_use]
    pub fn new(requests: u32, per: Duration) -> Self {
        let requests = requests.clamp(1, MOST_REQUESTS);
        let per = per.clamp(Duration::from_millis(1), Duration::from_secs(24 * 60 * 60));
        Self { requests, per, burst: requests, most_keys: 100_000, key: Arc::new(client) }
    }

    /// How many requests may come at once after a pause: 1 to 100,000.
    #[must_use]
    pub fn with_burst(mut self, requests: u32) -> Self {
        self.burst = requests.clamp(1, MOST_REQUESTS);
        self
    }

    /// How many clients, principals or tenants are counted, each in some 100 bytes of memory; at least one, default
    /// 100,000. Those for whom there is no more room share one limit.
    #[must_use]
    pub fn with_most_keys(mut self, keys: usize) -> Self {
        self.most_keys = keys.max(1);
        self
    }

    /// For each principal; requests without one are counted by address. It has to be inside of the layer that finds the
    /// principal.
    #[must_use]
    pub fn by_principal(self) -> Self {
        self.by(|parts| match parts.extensions.get::<Principal>() {
            // A line break is in no name of an access token.
            Some(principal) => match principal.issuer() {
                Some(issuer) => format!("p {}\n{issuer}", principal.as_str()),
                None => format!("p {}", principal.as_str()),
            },
            None => client(parts),
        })
    }

    /// For each tenant; requests without one are counted by address. It has to be inside of the layer that finds the
    /// tenant.
    #[must_use]
    pub fn by_tenant(self) -> Self {
        self.by(|parts| match parts.extensions.get::<TenantId>() {
            Some(tenant) => format!("t {tenant}"),
            None => client(parts),
        })
    }

    /// For each value of this function.
    #[must_use]
    pub fn by(mut self, key: impl Fn(&Parts) -> String + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }
}

const MOST_REQUESTS: u32 = 100_000;

/// The address of the client; of IPv6 the first 64 bits, as each client has all addresses after those. Requests of which
/// it is not known are counted together.
fn client(parts: &Parts) -> String {
    match ClientAddr::of(&parts.extensions).map(|client| client.0.to_canonical()) {
        Some(IpAddr::V6(address)) => format!("c {:x}", address.to_bits() >> 64),
        Some(IpAddr::V4(address)) => format!("c {address}"),
        None => "c".to_owned(),
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    /// A service that counts for itself: its clones count together, another service of the same layer does not.
    fn layer(&self, inner: S) -> RateLimitService<S> {
        let limiter = Limiter::new(self.requests, self.per, self.burst, self.most_keys);
        RateLimitService::new(inner, self.clone(), Arc::new(limiter))
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RateLimitLayer");
        f.field("requests", &self.requests).field("per", &self.per).field("burst", &self.burst);
        f.field("most_keys", &self.most_keys).finish_non_exhaustive()
    }
}
