use http::{Request, Response};
use scim_server::Body;
use scim_server::context::{ClientAddr, PeerAddr};
use scim_server::layer::forwarded::ForwardedLayer;
use tower::{Layer as _, Service, ServiceBuilder};

use crate::common::*;

/// The service behind the layer, as asked from this peer.
fn from(
    peer: Option<&str>,
    layer: ForwardedLayer,
    server: &Server,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone {
    let peer = peer.map(|peer| PeerAddr(peer.parse().unwrap()));
    ServiceBuilder::new()
        .map_request(move |mut request: Request<Body>| {
            peer.map(|peer| request.extensions_mut().insert(peer));
            request
        })
        .layer(layer)
        .map_request(|request: Request<Body>| {
            let left = request.headers().keys().filter(|name| name.as_str().contains("forwarded"));
            assert_eq!(left.count(), 0, "{:?}", request.headers());
            request
        })
        .service(server.service.clone())
}

const PROXY: &str = "10.0.0.1:5000";

fn trusting() -> ForwardedLayer {
    ForwardedLayer::new().trust(["10.0.0.0/8", "2001:db8::1"]).unwrap()
}

async fn location<S>(service: S, id: &str, headers: &[(&str, &str)]) -> String
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let answer = send(service, "GET", &format!("/Users/{id}"), headers, "").await.expect(200);
    answer.json()["meta"]["location"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn locations_follow_trusted_proxies_only() {
    let server = Server::new();
    let id = server.user(json!({"userName": "ann"})).await;
    let said = [("x-forwarded-host", "id.example.org:8443"), ("x-forwarded-proto", "HTTPS")];
    let theirs = format!("https://id.example.org:8443/Users/{id}");
    let ours = format!("http://example.com/Users/{id}");
    for (peer, layer, expected) in [
        (Some(PROXY), trusting(), &theirs),
        (Some("[2001:db8::1]:1"), trusting(), &theirs),
        (Some("[::ffff:10.0.0.1]:1"), trusting(), &theirs),
        (Some("11.0.0.1:1"), trusting(), &ours),
        (Some("[2001:db8::2]:1"), trusting(), &ours),
        (None, trusting(), &ours),
        (None, ForwardedLayer::new(), &ours),
        (Some(PROXY), ForwardedLayer::new(), &ours),
        (None, ForwardedLayer::new().trust_every_peer(), &theirs),
        (Some(PROXY), trusting().rfc7239(), &ours),
    ] {
        assert_eq!(location(from(peer, layer, &server), &id, &said).await, *expected, "{peer:?}");
    }
    let proxied = |layer| from(Some(PROXY), layer, &server);
    let only_proto = [("x-forwarded-proto", "https")];
    assert_eq!(
        location(proxied(trusting()), &id, &only_proto).await,
        format!("https://example.com/Users/{id}")
    );
    let only_host = [("x-forwarded-host", "a.example")];
    assert_eq!(location(proxied(trusting()), &id, &only_host).await, format!("http://a.example/Users/{id}"));
    // Of several hosts, that of the nearest proxy.
    let several = [("x-forwarded-host", "evil.example"), ("x-forwarded-host", "b.example, a.example")];
    assert_eq!(location(proxied(trusting()), &id, &several).await, format!("http://a.example/Users/{id}"));
    let standard =
        [("forwarded", "for=1.2.3.4;host=evil.example, for=192.0.2.1;host=\"a.example:1\";proto=https")];
    let expected = format!("https://a.example:1/Users/{id}");
    assert_eq!(location(proxied(trusting().rfc7239()), &id, &standard).await, expected);
    assert_eq!(location(proxied(trusting()), &id, &standard).await, ours);
    // Through two proxies, of which the outer one has seen the client.
    let chain = [("forwarded", "for=192.0.2.1;host=a.example;proto=https, for=10.9.9.9;host=inner.example")];
    assert_eq!(
        location(proxied(trusting().rfc7239()), &id, &chain).await,
        format!("https://a.example/Users/{id}")
    );
}

#[tokio::test]
async fn what_a_proxy_garbles_is_refused() {
    let server = Server::new();
    let many = vec!["1.2.3.4"; 40].join(",");
    for (name, value) in [
        ("x-forwarded-host", "a b"),
        ("x-forwarded-host", "user@evil.example"),
        ("x-forwarded-host", "evil.example/path"),
        ("x-forwarded-host", "\"><script>"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-for", "somebody"),
        ("x-forwarded-for", many.as_str()),
    ] {
        let service = from(Some(PROXY), trusting(), &server);
        let answer = send(service, "GET", "/Users", &[(name, value)], "").await;
        let expected = format!("the header {name} that a proxy has added cannot be read");
        assert_eq!(answer.refused(400, ""), expected, "{value}");
        // From anybody else it is not even looked at.
        let service = from(Some("192.0.2.1:1"), trusting(), &server);
        send(service, "GET", "/Users", &[(name, value)], "").await.expect(200);
    }
    for value in ["for=\"1.2.3.4", "host=a;host=b", "nonsense", "host=a b", "proto=gopher"] {
        let service = from(Some(PROXY), trusting().rfc7239(), &server);
        send(service, "GET", "/Users", &[("forwarded", value)], "").await.expect(400);
    }
}

#[tokio::test]
async fn the_client_is_the_first_that_is_no_proxy() {
    for (peer, value, rfc7239, expected) in [
        (Some(PROXY), "192.0.2.7", false, Some("192.0.2.7")),
        (Some(PROXY), "6.6.6.6, 192.0.2.7, 10.2.3.4", false, Some("192.0.2.7")),
        (Some(PROXY), "10.1.1.1, 10.2.3.4", false, Some("10.1.1.1")),
        (Some(PROXY), "[2001:db8::7]:99", false, Some("2001:db8::7")),
        (Some("192.0.2.9:1"), "6.6.6.6", false, Some("192.0.2.9")),
        (None, "6.6.6.6", false, None),
        (Some(PROXY), "for=6.6.6.6, for=192.0.2.7", true, Some("192.0.2.7")),
        (Some(PROXY), "for=unknown", true, Some("10.0.0.1")),
        (Some(PROXY), "for=6.6.6.6, for=_hidden", true, Some("10.0.0.1")),
    ] {
        let layer = if rfc7239 { trusting().rfc7239() } else { trusting() };
        let seen = tower::service_fn(move |request: Request<Body>| async move {
            let client = ClientAddr::of(request.extensions()).map(|client| client.0.to_string());
            assert_eq!(client.as_deref(), expected, "{value}");
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        let mut request =
            Request::get("/").header(if rfc7239 { "forwarded" } else { "x-forwarded-for" }, value);
        if let Some(peer) = peer {
            request = request.extension(PeerAddr(peer.parse().unwrap()));
        }
        let response =
            tower::ServiceExt::oneshot(layer.layer(seen), request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.unwrap().status(), 200, "{value}");
    }
}

#[test]
fn networks() {
    for good in ["10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "0.0.0.0/0"] {
        ForwardedLayer::new().trust([good]).unwrap();
    }
    for bad in ["", "10.0.0.0/33", "localhost", "10.0.0", "10.0.0.0/-1"] {
        let error = ForwardedLayer::new().trust([bad]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{bad}` is no network")), "{error}");
    }
}
