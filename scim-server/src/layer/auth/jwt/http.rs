use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Uri;
use http::header::CACHE_CONTROL;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::{FetchError, FetchKeys, KeySet};

/// The greatest document, in bytes.
const LARGEST: u64 = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(8);

/// The keys at the `jwks_uri` of an issuer (feature `jwks-http`), over HTTPS with the certificates that the operating
/// system trusts. `HTTPS_PROXY` is respected. It has to run on tokio.
#[derive(Clone)]
pub struct HttpKeys {
    agent: Agent,
    url: Uri,
}

/// A URL that keys cannot be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "keys are read from an absolute URL that begins with https://, or with http:// and an address of this machine"
)]
pub struct HttpKeysError;

impl HttpKeys {
    /// Reads this document, which the issuer's metadata call `jwks_uri`.
    ///
    /// # Errors
    /// [`HttpKeysError`] when it is no URL that could be trusted.
    pub fn new(url: &str) -> Result<Self, HttpKeysError> {
        let url: Uri = url.parse().map_err(|_| HttpKeysError)?;
        let host = url.host().unwrap_or_default();
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match url.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if is_here => {}
            _ => return Err(HttpKeysError),
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            // A redirect could lead anywhere.
            .max_redirects(0)
            .https_only(!is_here)
            .build();
        Ok(Self { agent: config.new_agent(), url })
    }

    fn read(&self) -> Result<KeySet, FetchError> {
        let failed = |error: ureq::Error| FetchError::new(&format!("{}: {error}", self.url));
        let mut response = self.agent.get(&self.url).call().map_err(failed)?;
        if response.status() != 200 {
            return Err(FetchError::new(&format!("{}: status {}", self.url, response.status())));
        }
        let fresh_for = response.headers().get(CACHE_CONTROL).and_then(|value| max_age(value.to_str().ok()?));
        let text = response.body_mut().with_config().limit(LARGEST).read_to_string().map_err(failed)?;
        let keys = KeySet::from_json(&text)?;
        Ok(match fresh_for {
            Some(time) => keys.with_fresh_for(time),
            None => keys,
        })
    }
}

#[async_trait]
impl FetchKeys for HttpKeys {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let keys = self.clone();
        let read = tokio::task::spawn_blocking(move || keys.read());
        read.await.unwrap_or_else(|_| Err(FetchError::new("the fetch was broken off")))
    }
}

fn max_age(cache_control: &str) -> Option<Duration> {
    let seconds = cache_control.split(',').find_map(|part| part.trim().strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

impl fmt::Debug for HttpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpKeys").field("url", &self.url).finish_non_exhaustive()
    }
}
