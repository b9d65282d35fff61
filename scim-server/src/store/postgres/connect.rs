//! From the URL of a database to what connects to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::PostgresOpenError;

/// How long connecting to one address may take, where the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a database is and how it is spoken with.
pub(super) struct Target {
    /// Host, port, user, password, name.
    pub config: Config,
    /// How the connection is protected.
    pub tls: Tls,
}

/// How connections are protected.
#[derive(Clone)]
pub(super) enum Tls {
    /// Not at all.
    Off(NoTls),
    /// By TLS, where the server has it or must have it.
    On(MakeRustlsConnect),
}

/// How much of the server's certificate is checked.
#[derive(Debug, PartialEq, Eq)]
enum Trust {
    /// Nothing.
    Anybody,
    /// That an authority known to the system has signed it for this host.
    System,
    /// That one of the certificates in a file has signed it for this host.
    File(PathBuf),
}

impl Target {
    /// Reads a URL.
    pub(super) fn new(url: &str) -> Result<Self, PostgresOpenError> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(PostgresOpenError::Url);
        }
        let (plain, mode, root) = split_tls(url)?;
        let mut config: Config = plain.parse().map_err(|_| PostgresOpenError::Url)?;
        let (ssl_mode, trust) = match (mode.as_deref(), root) {
            (Some("disable"), _) => (SslMode::Disable, None),
            // As libpq has it: encrypted, by whomever, unless there is something to check by.
            (None | Some("prefer"), None) => (SslMode::Prefer, Some(Trust::Anybody)),
            (Some("require"), None) => (SslMode::Require, Some(Trust::Anybody)),
            (Some("verify-ca" | "verify-full"), None) => (SslMode::Require, Some(Trust::System)),
            (None | Some("prefer" | "require" | "verify-ca" | "verify-full"), Some(file)) => {
                (SslMode::Require, Some(Trust::File(file)))
            }
            (Some(_), _) => return Err(PostgresOpenError::SslMode),
        };
        config.ssl_mode(ssl_mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("scim-server");
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresOpenError::Url);
        }
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            // Of a primary and its standbys.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let local = config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)))
            && config.get_hostaddrs().is_empty();
        let tls = match trust {
            Some(trust) if !local => Tls::On(MakeRustlsConnect::new(client(&trust)?)),
            _ => Tls::Off(NoTls),
        };
        if matches!(tls, Tls::Off(_)) {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self { config, tls })
    }
}

/// A URL without what it says of TLS, which the driver knows less of, and that: `sslmode` and `sslrootcert`.
fn split_tls(url: &str) -> Result<(String, Option<String>, Option<PathBuf>), PostgresOpenError> {
    let Some((front, query)) = url.rsplit_once('?') else { return Ok((url.to_owned(), None, None)) };
    let (mut mode, mut root) = (None, None);
    let mut rest = String::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let decoded = |value: &str| {
            let text = percent_decode_str(value).decode_utf8().map_err(|_| PostgresOpenError::Url)?;
            Ok::<_, PostgresOpenError>(text.into_owned())
        };
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(decoded(value)?),
            Some(("sslrootcert", value)) => root = Some(decoded(value)?).filter(|name| name != "system"),
            _ => {
                rest.push(if rest.is_empty() { '?' } else { '&' });
                rest.push_str(pair);
            }
        }
    }
    Ok((format!("{front}{rest}"), mode, root.map(PathBuf::from)))
}

fn client(trust: &Trust) -> Result<ClientConfig, PostgresOpenError> {
    let fail = |cause: rustls::Error| PostgresOpenError::Tls(cause.into());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(fail)?;
    Ok(match trust {
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer { provider }))
            .with_no_client_auth(),
        Trust::System => {
            let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(fail)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Trust::File(path) => builder.with_root_certificates(roots(path)?).with_no_client_auth(),
    })
}

fn roots(path: &Path) -> Result<RootCertStore, PostgresOpenError> {
    let fail = |cause: Box<dyn std::error::Error + Send + Sync>| PostgresOpenError::RootCertificates {
        path: path.to_owned(),
        cause,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fail(error.into()))? {
        let certificate = certificate.map_err(|error| fail(error.into()))?;
        roots.add(certificate).map_err(|error| fail(error.into()))?;
    }
    if roots.is_empty() { Err(fail("there is no certificate in it".into())) } else { Ok(roots) }
}

/// Takes any certificate: what `sslmode=require` means to PostgreSQL, which keeps out those who only listen.
#[derive(Debug)]
struct AnyServer {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> (SslMode, bool) {
        let target = Target::new(url).unwrap();
        (target.config.get_ssl_mode(), matches!(target.tls, Tls::On(_)))
    }

    #[test]
    fn the_url_says_how_connections_are_protected() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        for (query, expected) in [
            ("", (SslMode::Prefer, true)),
            ("?sslmode=disable", (SslMode::Disable, false)),
            ("?connect_timeout=3&sslmode=require", (SslMode::Require, true)),
            ("?sslmode=verify%2Dca&application_name=x", (SslMode::Require, true)),
            ("?sslmode=verify-full&sslrootcert=system", (SslMode::Require, true)),
        ] {
            assert_eq!(target(&format!("postgres://u:p@h/db{query}")), expected, "{query}");
        }
        assert_eq!(target("postgresql:///db?host=/var/run/postgresql&user=u"), (SslMode::Disable, false));
        let at_file = format!("postgres://u@h/db?sslrootcert={}", empty.display());
        assert!(matches!(Target::new(&at_file), Err(PostgresOpenError::RootCertificates { .. })));
        assert!(matches!(Target::new("postgres://u@h/db?sslmode=on"), Err(PostgresOpenError::SslMode)));
    }

    #[test]
    fn what_is_no_url_is_refused_without_showing_it() {
        for url in [
            "postgres://u:hush@h:port/db",
            "mysql://u:hush@h/db",
            "host=h password=hush",
            "postgres://u:hush@h/db?hush",
            "postgres:///db",
        ] {
            let Err(error) = Target::new(url) else { panic!("{url}") };
            let shown = format!("{error} {error:?} {}", super::super::error::chain(&error));
            assert!(!shown.contains("hush"), "{shown}");
        }
        let target = Target::new("postgres://u:hush@h/db").unwrap();
        assert!(!format!("{:?}", target.config).contains("hush"));
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes_is_used() {
        let target = Target::new("postgres://u@a,b/db").unwrap();
        assert_eq!(target.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }
}
