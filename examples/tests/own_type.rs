//! The worked example of a resource type of one's own, served.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../examples/own_type.rs"]
#[allow(dead_code, reason = "the example's own `main` listens on a port")]
mod own_type;

use http::Request;
use scim_server::store::MemoryStore;
use scim_server::{Body, ScimService};
use serde_json::{Value, json};
use tower::ServiceExt;

const PRINTER: &str = "urn:example:2.0:Printer";
const LEASE: &str = "urn:example:2.0:Lease";

async fn send(service: &ScimService<MemoryStore>, method: &str, path: &str, body: &Value) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).header("host", "example.com");
    let request = request.body(Body::from(body.to_string().into_bytes())).unwrap();
    let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    (parts.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_example_serves_a_type_and_an_extension_of_its_own() {
    let registry = own_type::registry().unwrap();
    let service = ScimService::builder(MemoryStore::new()).registry(registry).build();
    let printer = json!({"schemas": [PRINTER, LEASE], "serial": "S-1", "place": "Attic",
        "trays": [{"value": 1, "type": "A4"}, {"value": 2, "type": "A3"}],
        LEASE: {"owner": "Ann", "until": "2030-01-01T00:00:00Z"}});
    let (status, created) = send(&service, "POST", "/Printers", &printer).await;
    assert_eq!(status, 201, "{created}");
    let id = serde_json::from_str::<Value>(&created).unwrap()["id"].as_str().unwrap().to_owned();
    let (status, text) = send(&service, "POST", "/Printers", &printer).await;
    assert!(status == 409 && text.contains("uniqueness"), "{text}");
    let (status, text) = send(
        &service,
        "POST",
        "/Printers",
        &json!({"schemas": [PRINTER, LEASE], "serial": "S-2",
        LEASE: {"until": "2030-01-01T00:00:00Z"}}),
    )
    .await;
    assert!(status == 400 && text.contains("`urn:example:2.0:Lease:owner` is required"), "{text}");
    for filter in
        ["trays%5Btype%20eq%20%22a3%22%5D", "urn:example:2.0:Lease:until%20lt%20%222031-01-01T00:00:00Z%22"]
    {
        let (_, text) =
            send(&service, "GET", &format!("/Printers?filter={filter}&sortBy=place"), &Value::Null).await;
        assert!(text.contains("\"totalResults\":1"), "{text}");
    }
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        {"op": "replace", "path": "trays[value eq 2].type", "value": "A5"},
        {"op": "remove", "path": "urn:example:2.0:Lease:until"}]});
    let (status, text) = send(&service, "PATCH", &format!("/Printers/{id}"), &patch).await;
    assert!(status == 200 && text.contains("\"A5\"") && !text.contains("2030"), "{text}");
    let (_, types) = send(&service, "GET", "/ResourceTypes", &Value::Null).await;
    assert!(types.contains("\"endpoint\":\"/Printers\"") && types.contains("\"endpoint\":\"/Users\""));
}

#[test]
fn the_example_is_short() {
    let code = include_str!("../examples/own_type.rs").lines().map(str::trim);
    let code = code.filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(code.count() < 40);
}
