use std::time::Duration;

use http::{Request, Response};
use scim_core::TenantId;
use scim_server::context::{ClientAddr, PeerAddr};
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::rate_limit::RateLimitLayer;
use scim_server::{Body, Principal};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

async fn inside(_: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    Ok(Response::new(Body::empty()))
}

/// Status and `Retry-After` of a request that these have been found out about.
async fn ask<S>(service: &S, principal: &str, tenant: &str, peer: &str) -> (u16, Option<u64>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone,
{
    let mut request = Request::get("/Users").body(Body::empty()).unwrap();
    let extensions = request.extensions_mut();
    if !principal.is_empty() {
        extensions.insert(Principal::new(principal));
    }
    if !tenant.is_empty() {
        extensions.insert(tenant.parse::<TenantId>().unwrap());
    }
    if !peer.is_empty() {
        extensions.insert(PeerAddr(peer.parse().unwrap()));
    }
    let response = service.clone().oneshot(request).await.unwrap();
    let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    let status = response.status().as_u16();
    if status == 429 {
        let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["status"], "429");
        assert!(json["detail"].as_str().unwrap().starts_with("there were more than "), "{json}");
    }
    (status, after)
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_exact_and_says_when_to_come_back() {
    let service = RateLimitLayer::new(6, Duration::from_secs(60)).with_burst(3).layer(service_fn(inside));
    for _ in 0..3 {
        assert_eq!(ask(&service, "", "", "192.0.2.1:1").await, (200, None));
    }
    assert_eq!(ask(&service, "", "", "192.0.2.1:2").await, (429, Some(10)));
    // A refused request costs nothing.
    tokio::time::advance(Duration::from_millis(9_500)).await;
    assert_eq!(ask(&service, "", "", "192.0.2.1:1").await, (429, Some(1)));
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(ask(&service, "", "", "192.0.2.1:1").await, (200, None));
    assert_eq!(ask(&service, "", "", "192.0.2.1:1").await, (429, Some(10)));
    tokio::time::advance(Duration::from_secs(3600)).await;
    for _ in 0..3 {
        assert_eq!(ask(&service, "", "", "192.0.2.1:1").await, (200, None));
    }
    assert_eq!(ask(&service, "", "", "192.0.2.1:1").await.0, 429);
}

#[tokio::test(start_paused = true)]
async fn r7644_7_04b_tokens_cannot_be_guessed_fast() {
    let tokens = StaticTokens::new().with("idp", "the-one-right-token").unwrap();
    let guarded = AuthLayer::new(tokens).layer(service_fn(inside));
    let service = RateLimitLayer::new(5, Duration::from_secs(60)).layer(guarded);
    let attempt = async |token: &str, peer: &str| {
        let header = format!("Bearer {token}");
        let mut request = Request::get("/Users").header("authorization", header).body(Body::empty()).unwrap();
        request.extensions_mut().insert(PeerAddr(peer.parse().unwrap()));
        service.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    for n in 0..5 {
        assert_eq!(attempt(&format!("guess-number-{n}"), "192.0.2.1:1").await, 401);
    }
    // From then on not even the right one is tried, for the one who guesses.
    for token in ["guess-number-6", "the-one-right-token"] {
        assert_eq!(attempt(token, "192.0.2.1:2").await, 429);
    }
    assert_eq!(attempt("the-one-right-token", "192.0.2.9:1").await, 200);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(attempt("the-one-right-token", "192.0.2.1:1").await, 200);
}

#[tokio::test(start_paused = true)]
async fn each_side_has_its_own() {
    let once = RateLimitLayer::new(1, Duration::from_secs(60));
    let by_client = once.clone().layer(service_fn(inside));
    for (peer, status) in [
        ("192.0.2.1:1", 200),
        ("192.0.2.1:2", 429),
        ("[::ffff:192.0.2.1]:1", 429),
        ("192.0.2.2:1", 200),
        ("[2001:db8::1]:1", 200),
        ("[2001:db8::2]:1", 429),
        ("[2001:db8:0:1::1]:1", 200),
        ("", 200),
        ("", 429),
    ] {
        assert_eq!(ask(&by_client, "p", "t", peer).await.0, status, "{peer}");
    }
    let by_principal = once.clone().by_principal().layer(service_fn(inside));
    for (principal, peer, status) in [
        ("a", "192.0.2.1:1", 200),
        ("a", "192.0.2.2:1", 429),
        ("b", "192.0.2.1:1", 200),
        ("", "192.0.2.1:1", 200),
        ("", "192.0.2.1:1", 429),
        ("", "192.0.2.2:1", 200),
    ] {
        assert_eq!(ask(&by_principal, principal, "t", peer).await.0, status, "{principal} {peer}");
    }
    // Two who are called the same are two.
    let by_principal = once.clone().by_principal().layer(service_fn(inside));
    for (issuer, status) in
        [("", 200), ("https://a/", 200), ("https://b/", 200), ("https://a/", 429), ("", 429)]
    {
        let principal = Principal::new("alice");
        let principal = if issuer.is_empty() { principal } else { principal.issued_by(issuer) };
        let request = Request::get("/").extension(principal).body(Body::empty()).unwrap();
        let response = by_principal.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{issuer}");
    }
    let by_tenant = once.clone().by_tenant().layer(service_fn(inside));
    for (principal, tenant, status) in
        [("a", "t-1", 200), ("b", "t-1", 429), ("a", "t-2", 200), ("a", "", 200)]
    {
        assert_eq!(ask(&by_tenant, principal, tenant, "192.0.2.1:1").await.0, status, "{principal} {tenant}");
    }
    let by_method = once.by(|parts| parts.method.to_string()).layer(service_fn(inside));
    assert_eq!(ask(&by_method, "a", "", "").await.0, 200);
    assert_eq!(ask(&by_method, "b", "", "").await.0, 429);
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_client_counts_for_itself() {
    let service = RateLimitLayer::new(1, Duration::from_secs(60)).layer(service_fn(inside));
    for (client, status) in [("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.1", 429)] {
        let request = Request::get("/")
            .extension(PeerAddr("10.0.0.1:1".parse().unwrap()))
            .extension(ClientAddr(client.parse().unwrap()))
            .body(Body::empty())
            .unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_bounded_and_those_at_rest_make_room() {
    let layer = RateLimitLayer::new(1, Duration::from_secs(60)).with_most_keys(2).by_principal();
    let service = layer.layer(service_fn(inside));
    assert_eq!(ask(&service, "a", "", "").await.0, 200);
    assert_eq!(ask(&service, "b", "", "").await.0, 200);
    // No more room: the others share one limit, and those that were there keep theirs.
    assert_eq!(ask(&service, "c", "", "").await.0, 200);
    assert_eq!(ask(&service, "d", "", "").await.0, 429);
    assert_eq!(ask(&service, "a", "", "").await.0, 429);
    tokio::time::advance(Duration::from_secs(120)).await;
    for principal in ["c", "d"] {
        assert_eq!(ask(&service, principal, "", "").await.0, 200);
        assert_eq!(ask(&service, principal, "", "").await.0, 429);
    }
}

/// As before, while somebody asks all the time.
#[tokio::test(start_paused = true)]
async fn keys_at_rest_make_room_under_steady_traffic() {
    let layer = RateLimitLayer::new(1, Duration::from_secs(10)).with_most_keys(2).by_principal();
    let service = layer.layer(service_fn(inside));
    for principal in ["a", "b"] {
        assert_eq!(ask(&service, principal, "", "").await.0, 200);
    }
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(300)).await;
        ask(&service, "c", "", "").await;
    }
    for (principal, status) in [("d", 200), ("d", 429)] {
        assert_eq!(ask(&service, principal, "", "").await.0, status, "{principal}");
    }
}

#[tokio::test(start_paused = true)]
async fn rates_that_make_no_sense_are_no_panic() {
    for (requests, per, burst) in [
        (0, Duration::ZERO, 0),
        (u32::MAX, Duration::MAX, u32::MAX),
        (1, Duration::MAX, u32::MAX),
        (u32::MAX, Duration::ZERO, 1),
    ] {
        let layer = RateLimitLayer::new(requests, per).with_burst(burst).with_most_keys(0);
        let service = layer.layer(service_fn(inside));
        for key in ["a", "b", "a"] {
            ask(&service, key, "", "").await;
        }
    }
}
