//! What is loaded: a base URL and a bearer token. Nothing but this machine, unless that is asked for.

use std::fmt;
use std::io::Write as _;
use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, Result, bail, ensure};
use http::Uri;

/// A SCIM service to be loaded.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Where the base URL stands on its host, without a slash at the end.
    path: String,
    /// The headers that every request has.
    headers: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.address, self.path)
    }
}

impl Target {
    pub(crate) fn new(url: &str, token: Option<&str>, allow_remote: bool) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
        ensure!(
            uri.scheme_str() == Some("http"),
            "`{url}` does not begin with http://; what ends TLS can stand in between"
        );
        let host = uri.host().with_context(|| format!("`{url}` has no host"))?;
        let port = uri.port_u16().unwrap_or(80);
        let mut addresses = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .with_context(|| format!("`{host}` cannot be found"))?;
        let Some(address) = addresses.next() else { bail!("`{host}` has no address") };
        let is_local = address.ip().is_loopback() && addresses.all(|other| other.ip().is_loopback());
        ensure!(
            is_local || allow_remote,
            "`{host}` is not this machine; to load another one that is yours, add --allow-remote"
        );
        ensure!(uri.query().is_none(), "`{url}` has a query, which a base URL has not");
        let mut headers = format!("Host: {host}:{port}\r\nAccept: application/scim+json\r\n");
        if let Some(token) = token {
            ensure!(
                token.bytes().all(|b| b.is_ascii_graphic()),
                "the token has characters that no header can have"
            );
            headers.push_str("Authorization: Bearer ");
            headers.push_str(token);
            headers.push_str("\r\n");
        }
        Ok(Self { address, path: uri.path().trim_end_matches('/').to_owned(), headers })
    }

    /// The same service at another address, as when a constant server stands in for it.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Writes a request without a body.
    pub(crate) fn bare(&self, out: &mut Vec<u8>, method: &str, path: fmt::Arguments<'_>) {
        // Writing to a vector does not fail.
        let _ = write!(out, "{method} {}{path} HTTP/1.1\r\n{}\r\n", self.path, self.headers);
    }

    /// Writes a request with a body of SCIM JSON.
    pub(crate) fn with_body(&self, out: &mut Vec<u8>, method: &str, path: fmt::Arguments<'_>, body: &[u8]) {
        let _ = write!(
            out,
            "{method} {}{path} HTTP/1.1\r\n{}Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            self.path,
            self.headers,
            body.len()
        );
        out.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loaded_unless_another_is_asked_for() {
        for url in ["http://127.0.0.1:1/scim/v2", "http://localhost:1", "http://[::1]:8080/"] {
            assert!(Target::new(url, None, false).is_ok(), "{url}");
        }
        for url in ["http://192.0.2.1/scim/v2", "http://[2001:db8::1]:80/"] {
            let refused = Target::new(url, None, false).unwrap_err().to_string();
            assert!(refused.contains("--allow-remote"), "{refused}");
            assert!(Target::new(url, None, true).is_ok(), "{url}");
        }
        assert!(Target::new("https://127.0.0.1/scim", None, false).is_err());
        assert!(Target::new("127.0.0.1", None, false).is_err());
    }

    #[test]
    fn requests_carry_the_token_and_the_path_and_debug_does_not() {
        let target = Target::new("http://127.0.0.1:1/scim/v2/", Some("hush"), false).unwrap();
        let mut out = Vec::new();
        target.with_body(&mut out, "POST", format_args!("/Users"), b"{}");
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("POST /scim/v2/Users HTTP/1.1\r\n"), "{text}");
        assert!(
            text.contains("Authorization: Bearer hush\r\n") && text.ends_with("Content-Length: 2\r\n\r\n{}")
        );
        assert!(!format!("{target:?}").contains("hush"));
    }
}
