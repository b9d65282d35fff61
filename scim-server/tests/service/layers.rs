use std::io;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use scim_core::ScimError;
use scim_server::layer::auth::{AuthError, AuthLayer, StaticTokens, VerifyToken};
use scim_server::layer::trace::TraceLayer;
use scim_server::{Body, Principal};
use tower::{Service, ServiceBuilder};

use crate::common::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const MOUNTS: [&str; 3] = ["/scim/v2", "/scim", "/"];

fn guarded(
    server: &Server,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone {
    let tokens =
        StaticTokens::new().with("entra", TOKEN).unwrap().with("entra", "another-token-of-entra").unwrap();
    ServiceBuilder::new()
        .layer(TraceLayer::new())
        .layer(AuthLayer::new(tokens).with_open_discovery(MOUNTS))
        .service(server.service.clone())
}

fn mounted() -> Server {
    Server::with(|builder| builder.mounted_at(MOUNTS))
}

#[tokio::test]
async fn rfc7644_2_01_06_without_a_token_nothing_happens() {
    let server = mounted();
    let body = json!({"schemas": [USER], "userName": "a"}).to_string();
    let bearer = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {TOKEN}0");
    let basic = format!("Basic {TOKEN}");
    let needed = "a bearer token is needed: send it as `Authorization: Bearer <token>`";
    // RFC 6750 section 3.1: which error has which status, and what has none.
    for (headers, status, challenge, words) in [
        (&[][..], 401, "Bearer realm=\"SCIM\"", needed),
        (&[("authorization", "")], 401, "Bearer realm=\"SCIM\"", needed),
        (&[("authorization", basic.as_str())], 401, "Bearer realm=\"SCIM\"", needed),
        (
            &[("authorization", wrong.as_str())],
            401,
            "Bearer realm=\"SCIM\", error=\"invalid_token\"",
            "the bearer token is not valid",
        ),
        (
            &[("authorization", "Bearer ")],
            401,
            "Bearer realm=\"SCIM\", error=\"invalid_token\"",
            "the header Authorization must be `Bearer <token>`",
        ),
        (
            &[("authorization", "Bearer two words")],
            401,
            "Bearer realm=\"SCIM\", error=\"invalid_token\"",
            "the header Authorization must be `Bearer <token>`",
        ),
        (
            &[("authorization", &bearer), ("authorization", &bearer)],
            400,
            "Bearer realm=\"SCIM\", error=\"invalid_request\"",
            "the header Authorization must be sent once only",
        ),
    ] {
        let answer = send(guarded(&server), "POST", "/scim/v2/Users", headers, body.clone()).await;
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
        assert_eq!(answer.refused(status, ""), words);
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {TOKEN}");
        send(guarded(&server), "GET", "/Users", &[("authorization", &header)], "").await.expect(200);
    }
    send(guarded(&server), "GET", "/Users", &[("authorization", "Bearer another-token-of-entra")], "")
        .await
        .expect(200);
}

#[tokio::test]
async fn rfc7643_5_10_only_discovery_is_open() {
    let server = mounted();
    for mount in ["", "/scim", "/scim/v2"] {
        for path in [
            "/ServiceProviderConfig",
            "/ServiceProviderConfigs",
            "/Schemas",
            "/ResourceTypes",
            "/ResourceTypes/User",
        ] {
            for method in ["GET", "HEAD"] {
                send(guarded(&server), method, &format!("{mount}{path}"), &[], "").await.expect(200);
            }
            send(guarded(&server), "POST", &format!("{mount}{path}"), &[], "").await.expect(401);
        }
        for path in [
            "/Users/Schemas",
            "/Users/ServiceProviderConfig",
            "/Groups/ResourceTypes",
            "/",
            "/Users",
            "/Nope/Schemas",
            "/Schemas/a/b",
            "/ServiceProviderConfig/Users",
            "/Users?x=/Schemas",
            "/Schemas/../Users",
            "/Schemas%2f..%2fUsers",
        ] {
            send(guarded(&server), "GET", &format!("{mount}{path}"), &[], "").await.expect(401);
        }
    }
    send(guarded(&server), "GET", "/other/Schemas", &[], "").await.expect(401);
}

#[derive(Debug)]
struct Closed(u16);

#[async_trait::async_trait]
impl VerifyToken for Closed {
    async fn verify(&self, _: &str) -> Result<Principal, AuthError> {
        Err(AuthError::Refused(ScimError::new(self.0, "the token is for reading health only")))
    }
}

#[tokio::test]
async fn a_token_may_be_refused_for_a_reason() {
    let server = Server::new();
    for (status, challenge) in
        [(401, Some("Bearer realm=\"SCIM\", error=\"invalid_token\"")), (403, None), (503, None)]
    {
        let service =
            ServiceBuilder::new().layer(AuthLayer::new(Closed(status))).service(server.service.clone());
        let answer = send(service, "GET", "/Users", &[("authorization", "Bearer abc")], "").await;
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.refused(status, ""), "the token is for reading health only");
    }
}

#[test]
fn tokens_that_cannot_be_sent_or_can_be_guessed_are_refused() {
    for bad in ["", "short", "with blank in it", "with\nnewline", "umläut-umläut"] {
        let error = StaticTokens::new().with("x", bad).unwrap_err().to_string();
        assert!(
            error.contains("at least 8 characters") && (bad.is_empty() || !error.contains(bad)),
            "{error}"
        );
    }
    let shown = format!("{:?}", StaticTokens::new().with("entra", TOKEN).unwrap());
    assert!(shown.contains("entra") && !shown.contains(TOKEN));
}

#[test]
fn tokens_that_may_be_guessed_are_warned_of() {
    for (token, warns) in
        [("12345678", true), ("021-characters-long--", true), ("022-characters-long---", false)]
    {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || StaticTokens::new().with("entra", token).unwrap());
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.contains("WARN") && text.contains("principal=\"entra\""), warns, "{text}");
        assert!(!text.contains(token), "{text}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_is_logged_and_it_tells_no_secrets() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::new();
    let id = server.user(json!({"userName": "ann"})).await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "from-outside")];
    let path = format!("/Users/{id}?filter=userName+eq+%22private%22");
    let answer = send(guarded(&server), "GET", &path, &headers, "").await.expect(200);
    assert_eq!(answer.header("x-request-id"), Some("from-outside"));
    let wrong =
        send(guarded(&server), "GET", "/Users", &[("authorization", "Bearer wrong-token-here")], "").await;
    let made = wrong.header("x-request-id").unwrap().to_owned();
    send(guarded(&server), "GET", "/Users", &[("x-request-id", "bad\u{9}id \"x\"")], "").await.expect(401);
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    for part in [
        "request_id=from-outside",
        "method=\"GET\"",
        "route=\"/Users/{id}\"",
        "status=200",
        "principal=\"entra\"",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(
        lines[1].contains(&format!("request_id={made}")) && lines[1].contains("status=401"),
        "{}",
        lines[1]
    );
    for secret in [TOKEN, "wrong-token", "private", &id, "bad\u{9}id"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
