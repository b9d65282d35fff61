//! Bulk requests that come through the layers.

use std::sync::{Arc, Mutex};

use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink};
use scim_server::layer::auth::{Access, AuthLayer, Scopes, StaticTokens};
use scim_server::layer::limits::LimitsLayer;
use scim_server::{Limits, Principal};
use tower::{Layer as _, ServiceBuilder};

use crate::bulk::create;
use crate::server::*;

fn message(operations: &Value) -> String {
    json!({"schemas": [BULK], "Operations": operations}).to_string()
}

/// A message with blanks after it, as long as that.
fn padded(operations: &Value, length: usize) -> Vec<u8> {
    let mut body = message(operations).into_bytes();
    assert!(body.len() <= length);
    body.resize(length, b' ');
    body
}

#[tokio::test]
async fn a_limit_of_bodies_that_is_set_to_the_greatest_bulk_request_lets_it_through() {
    const PAYLOAD: usize = 3000;
    for server in
        everywhere_with(|builder| builder.limits(Limits::default().with_body(500).with_bulk_payload(PAYLOAD)))
    {
        let service = LimitsLayer::unlimited().with_body(PAYLOAD).layer(server.service.clone());
        let operations = json!([create("a", "ann"), create("b", "bob")]);
        let most = padded(&operations, PAYLOAD);
        let answer = send(service.clone(), "POST", "/Bulk", &[], most).await;
        assert_eq!(Bulk::of(answer).statuses(), ["201", "201"]);
        let more = padded(&operations, PAYLOAD + 1);
        let detail = send(service.clone(), "POST", "/Bulk", &[], more).await.refused(413, "");
        assert!(detail.contains("3000 bytes"), "{detail}");
        // The service holds others to their own limit.
        let mut body = user(json!({"userName": "cid"})).to_string().into_bytes();
        body.resize(501, b' ');
        let detail = send(service, "POST", "/Users", &[], body).await.refused(413, "");
        assert!(detail.contains("500 bytes"), "{detail}");
        assert_eq!(server.names("userName pr").await, ["ann", "bob"]);
    }
}

/// What the configuration announces is what gets through, without anything being set.
#[tokio::test]
async fn the_limits_of_the_layer_and_of_the_service_agree() {
    let server = Server::tolerant();
    let service = LimitsLayer::new().layer(server.service.clone());
    let config = server.get("/ServiceProviderConfig").await.json();
    let announced = usize::try_from(config["bulk"]["maxPayloadSize"].as_u64().unwrap()).unwrap();
    let operations = json!([create("a", "ann")]);
    let most = padded(&operations, announced);
    assert_eq!(Bulk::of(send(service.clone(), "POST", "/Bulk", &[], most).await).statuses(), ["201"]);
    let more = padded(&operations, announced + 1);
    send(service, "POST", "/Bulk", &[], more).await.refused(413, "");
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Kept {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

#[tokio::test]
async fn a_bulk_request_is_one_event_of_the_audit() {
    for server in everywhere() {
        let kept = Kept::default();
        let access = Access::new(Principal::new("entra"));
        let tokens = StaticTokens::new().with_access(access, "token-of-entra").unwrap();
        let service = ServiceBuilder::new()
            .layer(AuditLayer::new(kept.clone()))
            .layer(AuthLayer::new(tokens))
            .service(server.service.clone());
        let headers = [("authorization", "Bearer token-of-entra")];
        let mut secret = create("a", "ann");
        secret["data"]["password"] = json!("t0psecret");
        let operations = json!([secret, {"method": "DELETE", "path": "/Users/none"}]);
        let answer = send(service.clone(), "POST", "/v2/Bulk", &headers, message(&operations)).await;
        assert_eq!(Bulk::of(answer).statuses(), ["201", "404"]);
        send(service.clone(), "POST", "/v2/Bulk", &headers, "{}").await.expect(400);
        send(service, "POST", "/v2/Bulk", &[], message(&operations)).await.expect(401);
        let events = std::mem::take(&mut *kept.0.lock().unwrap());
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                (event.method.as_str(), event.route.as_deref(), event.status, event.principal.as_deref())
            })
            .collect();
        let (bulk, entra) = (Some("/Bulk"), Some("entra"));
        assert_eq!(
            told,
            [
                ("POST", bulk, Some(200), entra),
                ("POST", bulk, Some(400), entra),
                ("POST", None, Some(401), None),
            ]
        );
        for event in &events {
            assert_eq!((&event.resource_id, &event.version), (&None, &None), "it is about many");
        }
        let text = format!("{events:?}{}", serde_json::to_string(&events).unwrap());
        for private in ["ann", "t0psecret", "token-of-entra"] {
            assert!(!text.contains(private), "{text}");
        }
    }
}

#[tokio::test]
async fn bulk_requests_need_write_access_whatever_they_do() {
    for server in everywhere() {
        let with = |scopes| Access::new(Principal::new("client")).with_scopes(scopes);
        let tokens = StaticTokens::new()
            .with_access(with(Scopes::READ), "reading-token")
            .unwrap()
            .with_access(with(Scopes::WRITE), "writing-token")
            .unwrap();
        let service = AuthLayer::new(tokens).layer(server.service.clone());
        for body in
            [message(&json!([create("a", "ann")])), message(&json!([{"method": "GET"}])), String::new()]
        {
            let reader = [("authorization", "Bearer reading-token")];
            for path in ["/Bulk", "/v2/Bulk", "//Bulk/"] {
                send(service.clone(), "POST", path, &reader, body.as_str()).await.refused(403, "");
            }
        }
        assert_eq!(server.names("userName pr").await, [""; 0]);
        let writer = [("authorization", "Bearer writing-token")];
        let body = message(&json!([create("a", "ann")]));
        let answer = send(service, "POST", "/Bulk", &writer, body).await;
        assert_eq!(Bulk::of(answer).statuses(), ["201"]);
    }
}
