//! Bulk requests that come through the layers.

use std::sync::{Arc, Mutex};

use http::Response;
use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink};
use scim_server::layer::auth::{Access, AuthLayer, Scopes, StaticTokens};
use scim_server::layer::limits::LimitsLayer;
use scim_server::{Body, BulkOutcomes, Limits, Principal};
use tower::{Layer as _, ServiceBuilder};

use crate::bulk::{create, patch_data};
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
async fn a_bulk_request_and_each_of_its_operations_are_events_of_the_audit() {
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
        let operations = json!([secret, {"method": "DELETE", "path": "/Users/none"}, {"method": "BREW"}]);
        let answer = send(service.clone(), "POST", "/v2/Bulk", &headers, message(&operations)).await;
        let answer = Bulk::of(answer);
        assert_eq!(answer.statuses(), ["201", "404", "400"]);
        let id = answer.id(0);
        send(service.clone(), "POST", "/v2/Bulk", &headers, "{}").await.expect(400);
        send(service, "POST", "/v2/Bulk", &[], message(&operations)).await.expect(401);
        let events = std::mem::take(&mut *kept.0.lock().unwrap());
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                let AuditEvent { method, operation, resource_type, resource_id, status, .. } = event;
                assert_eq!(event.route.as_deref(), (*status != Some(401)).then_some("/Bulk"));
                assert_eq!(event.principal.as_deref(), (*status != Some(401)).then_some("entra"));
                assert_eq!(event.version, None);
                (
                    method.as_str(),
                    *operation,
                    resource_type.as_deref(),
                    resource_id.as_deref(),
                    status.unwrap(),
                )
            })
            .collect();
        let user = Some("User");
        assert_eq!(
            told,
            [
                ("POST", None, None, None, 200),
                ("POST", Some(1), user, Some(id.as_str()), 201),
                ("DELETE", Some(2), user, Some("none"), 404),
                ("-", Some(3), None, None, 400),
                ("POST", None, None, None, 400),
                ("POST", None, None, None, 401),
            ]
        );
        let text = format!("{events:?}{}", serde_json::to_string(&events).unwrap());
        for private in ["ann", "t0psecret", "token-of-entra"] {
            assert!(!text.contains(private), "{text}");
        }
    }
}

/// An operation that needs a later one is carried out after it; where `failOnErrors` ends the request before, the number
/// of those behind it stays.
#[tokio::test]
async fn operations_that_are_left_out_are_counted_in_the_audit() {
    for server in everywhere() {
        let kept = Kept::default();
        let service = AuditLayer::new(kept.clone()).layer(server.service.clone());
        let title = json!([{"op": "add", "path": "title", "value": "Dr"}]);
        let mut nameless = create("c", "cid");
        nameless["data"]["userName"] = json!("");
        let body = json!({"schemas": [BULK], "failOnErrors": 1, "Operations": [
            {"method": "PATCH", "path": "/Users/bulkId:c", "data": patch_data(title)},
            create("a", "ann"),
            nameless,
        ]});
        let answer = Bulk::of(send(service, "POST", "/v2/Bulk", &[], body.to_string()).await);
        assert_eq!(answer.statuses(), ["400"]);
        let events = std::mem::take(&mut *kept.0.lock().unwrap());
        let told: Vec<_> = events.iter().map(|event| (event.operation, event.status)).collect();
        assert_eq!(told, [(None, Some(200)), (Some(3), Some(400))]);
    }
}

/// Layers see what each operation did, although the answer as a whole is 200.
#[tokio::test]
async fn an_answer_tells_layers_what_each_operation_did() {
    for server in everywhere() {
        let bob = server.user(json!({"userName": "bob"})).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let look = move |response: Response<Body>| {
            kept.lock().unwrap().push(response.extensions().get::<BulkOutcomes>().cloned());
            response
        };
        let service = ServiceBuilder::new().map_response(look).service(server.service.clone());
        let title = json!([{"op": "add", "path": "title", "value": "Dr"}]);
        let operations = json!([
            {"method": "patch", "path": "/Users/bulkId:a", "data": patch_data(title)},
            create("a", "ann"),
            create("b", "ANN"),
            {"method": "PUT", "path": bob, "data": user(json!({"userName": "robert"}))},
            {"method": "DELETE", "path": "/Groups/none"},
            {"method": "DELETE", "path": "/Users/bulkId:b"},
            {"method": "BREW", "path": "/Users/x"},
            {"method": "PUT", "path": "/Pots/1", "data": {}},
            {"method": "DELETE", "path": bob},
        ]);
        let answer = Bulk::of(send(service.clone(), "POST", "/Bulk", &[], message(&operations)).await);
        send(service, "POST", "/Bulk", &[], "{}").await.expect(400);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        let outcomes = seen[0].as_ref().unwrap();
        let mut numbers = Vec::new();
        let told: Vec<_> = outcomes
            .iter()
            .map(|outcome| {
                let id = outcome.resource_id.as_ref().map(|id| id.as_str().to_owned());
                numbers.push(outcome.operation);
                (outcome.method, outcome.resource_type.as_deref(), id, outcome.status)
            })
            .collect();
        let (ann, bob) = (answer.id(1), id(&bob).to_owned());
        let (user, group) = (Some("User"), Some("Group"));
        assert_eq!(
            told,
            [
                (Some("PATCH"), user, Some(ann.clone()), 200),
                (Some("POST"), user, Some(ann), 201),
                (Some("POST"), user, None, 409),
                (Some("PUT"), user, Some(bob.clone()), 200),
                (Some("DELETE"), group, Some("none".to_owned()), 404),
                (Some("DELETE"), user, None, 409),
                (None, None, None, 400),
                (Some("PUT"), None, None, 404),
                (Some("DELETE"), user, Some(bob), 204),
            ]
        );
        assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_success()).count(), 4);
        assert_eq!(seen[1], None, "a request that is refused as a whole has no operations");
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
