//! Types that an application brings along: characteristics that the RFC's own schemas do not use.

use std::sync::Arc;

use scim_core::schema::{Mutability, Returned, Uniqueness};
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, ResourceType, Schema};

use crate::common::*;

const DEVICE: &str = "urn:example:schemas:Device";
const OWNER: &str = "urn:example:schemas:Owner";

fn registry() -> Arc<Registry> {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let schema = Schema::new(
        DEVICE.parse().unwrap(),
        "Device",
        "A device",
        [
            string("serial")
                .required()
                .with_mutability(Mutability::Immutable)
                .with_uniqueness(Uniqueness::Server)
                .case_exact(),
            string("label"),
            string("place").with_mutability(Mutability::Immutable),
            string("firmware").with_returned(Returned::Always),
            string("notes").with_returned(Returned::Request),
            string("secret").with_mutability(Mutability::WriteOnly).with_returned(Returned::Never),
            Attribute::new("weight", DataType::Decimal),
            Attribute::new("ports", DataType::Integer),
            Attribute::new("bought", DataType::DateTime),
            Attribute::complex("rack", [string("row"), string("hint").with_returned(Returned::Request)]),
        ],
    )
    .unwrap();
    let owner = Schema::new(
        OWNER.parse().unwrap(),
        "Owner",
        "Who has it",
        [string("owner").required(), string("phone").with_returned(Returned::Request)],
    )
    .unwrap();
    let kind =
        ResourceType::new("Device", DEVICE.parse().unwrap()).with_extension(OWNER.parse().unwrap(), true);
    Arc::new(Registry::new([Arc::new(schema), Arc::new(owner)], [kind]).unwrap())
}

fn server() -> Server {
    Server::with(|builder| builder.registry(registry()).quirks(scim_core::Quirks::strict()))
}

fn device() -> Value {
    json!({"schemas": [DEVICE, OWNER], "serial": "S1", "label": "L", "firmware": "F", "notes": "N", "secret": "hush",
        "weight": 1.0, "ports": 4, "bought": "2020-01-02T03:04:05+01:00", OWNER: {"owner": "ann"}})
}

#[tokio::test]
async fn rfc7643_3_2_01_a_new_type_is_served_and_discovered() {
    let server = server();
    server.post("/Devices", &device()).await.expect(201);
    assert_eq!(server.get("/ResourceTypes").await.json()["totalResults"], 1);
    let kind = server.get("/ResourceTypes/Device").await.expect(200).json();
    assert_eq!(kind["endpoint"], "/Devices");
    assert_eq!(kind["schemaExtensions"], json!([{"schema": OWNER, "required": true}]));
    let schema = server.get(&format!("/Schemas/{DEVICE}")).await.expect(200).json();
    assert_eq!(schema["attributes"][0]["mutability"], "immutable");
    server.get("/Users").await.refused(404, "");
}

#[tokio::test]
async fn rfc7643_7_14_returned() {
    let server = server();
    let created = server.post("/Devices", &device()).await.expect(201);
    assert_eq!(created.json()["notes"], "N", "request: the client has set it");
    let path = format!("/Devices/{}", created.id());
    let read = server.get(&path).await;
    assert!(read.json().get("notes").is_none(), "request: not asked for");
    assert_eq!(server.get(&format!("{path}?attributes=notes")).await.json()["notes"], "N");
    assert_eq!(server.get(&format!("{path}?attributes=label")).await.json()["firmware"], "F", "always");
    assert_eq!(
        server.get(&format!("{path}?excludedAttributes=firmware")).await.json()["firmware"],
        "F",
        "always"
    );
    for answer in [
        &created,
        &read,
        &server.get(&format!("{path}?attributes=secret")).await,
        &server.get("/Devices").await,
    ] {
        assert!(!answer.text.contains("hush"), "never: {answer:?}");
    }
    let put = server.put(&path, &device()).await.expect(200);
    assert_eq!(put.json()["notes"], "N");
    let patched =
        server.patch(&path, json!([{"op": "replace", "path": "notes", "value": "M"}])).await.expect(200);
    assert_eq!(patched.json()["notes"], "M", "Q4: set by this write");
    let other = server.patch(&path, json!([{"op": "replace", "value": {"Notes": "O"}}])).await.expect(200);
    assert_eq!(other.json()["notes"], "O");
    let other =
        server.patch(&path, json!([{"op": "replace", "path": "label", "value": "M"}])).await.expect(200);
    assert!(other.json().get("notes").is_none());
    // Parts of complex attributes and of extensions, by every way to name them.
    let phone = format!("{OWNER}:phone");
    for operation in [
        json!({"op": "add", "path": "rack.hint", "value": "h"}),
        json!({"op": "add", "path": "rack", "value": {"hint": "h"}}),
        json!({"op": "add", "value": {"rack": {"hint": "h"}}}),
    ] {
        let patched = server.patch(&path, json!([operation])).await.expect(200);
        assert_eq!(patched.json()["rack"], json!({"hint": "h"}), "{operation}");
        assert!(patched.json()[OWNER].get("phone").is_none());
    }
    for operation in [
        json!({"op": "add", "path": phone, "value": "5"}),
        json!({"op": "add", "path": OWNER, "value": {"phone": "5"}}),
        json!({"op": "add", "value": {OWNER: {"phone": "5"}}}),
        json!({"op": "add", "value": {phone.clone(): "5"}}),
    ] {
        let patched = server.patch(&path, json!([operation])).await.expect(200);
        assert_eq!(patched.json()[OWNER], json!({"owner": "ann", "phone": "5"}), "{operation}");
        assert!(patched.json().get("rack").is_none_or(|rack| rack.get("hint").is_none()));
    }
}

#[tokio::test]
async fn rfc7644_3_5_1_04_05_and_7643_7_12_immutable() {
    let server = server();
    let path = format!("/Devices/{}", server.post("/Devices", &device()).await.expect(201).id());
    let before = server.get(&path).await.text;
    let mut other = device();
    other["serial"] = json!("S2");
    server.put(&path, &other).await.refused(400, "mutability");
    server
        .patch(&path, json!([{"op": "replace", "path": "serial", "value": "S2"}]))
        .await
        .refused(400, "mutability");
    assert_eq!(server.get(&path).await.text, before);
    server.patch(&path, json!([{"op": "replace", "path": "serial", "value": "S1"}])).await.expect(200);
    let mut placed = device();
    placed["place"] = json!("here");
    assert_eq!(server.put(&path, &placed).await.expect(200).json()["place"], "here", "7644-3.5.1-05");
    assert_eq!(
        server.put(&path, &device()).await.expect(200).json()["place"],
        "here",
        "C8: omission keeps it"
    );
    server
        .patch(&path, json!([{"op": "add", "path": "place", "value": "there"}]))
        .await
        .refused(400, "mutability");
}

#[tokio::test]
async fn rfc7643_6_05_required_extensions() {
    let server = server();
    let mut body = device();
    body.as_object_mut().unwrap().remove(OWNER);
    server.post("/Devices", &body).await.refused(400, "invalidValue");
    body[OWNER] = json!({});
    server.post("/Devices", &body).await.refused(400, "invalidValue");
}

#[tokio::test]
async fn numbers_and_dates() {
    let server = server();
    let id = server.post("/Devices", &device()).await.expect(201).id();
    let read = server.get(&format!("/Devices/{id}")).await;
    assert!(read.text.contains("\"ports\":4,"), "7643-2.3.4-01: {read:?}");
    for (member, value) in [
        ("ports", "1.5"),
        ("ports", "1e3"),
        ("ports", "\"4\""),
        ("bought", "\"2020-01-02\""),
        ("weight", "true"),
    ] {
        let body = device().to_string().replace("\"S1\"", "\"S9\"");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        body[member] = json!("@");
        let body = body.to_string().replace("\"@\"", value);
        server.send("POST", "/Devices", &[], body).await.refused(400, "invalidValue");
    }
    for filter in
        ["weight eq 1", "weight eq 1.00", "ports gt 3.5", "ports le 4", "bought eq \"2020-01-02T02:04:05Z\""]
    {
        assert_eq!(server.filter("/Devices", filter).await.json()["totalResults"], 1, "{filter}");
    }
    server.filter("/Devices", "ports co 4").await.refused(400, "invalidFilter");
    server.filter("/Devices", "secret eq \"hush\"").await.refused(403, "sensitive");
}

#[tokio::test]
async fn tenants_are_invisible_to_each_other() {
    use scim_core::TenantId;
    use tower::ServiceExt as _;
    let server = Server::new();
    let call = |tenant: &str, method: &str, path: &str, body: Value| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .extension(tenant.parse::<TenantId>().unwrap())
            .body(scim_server::Body::from(body.to_string().into_bytes()))
            .unwrap();
        server.service.clone().oneshot(request)
    };
    use http::Request;
    let body = json!({"schemas": [USER], "userName": "a", "externalId": "x"});
    let created = call("one", "POST", "/Users", body.clone()).await.unwrap();
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(
        call("two", "POST", "/Users", body.clone()).await.unwrap().status(),
        201,
        "7643-3.1-09, 7644-6-03"
    );
    assert_eq!(call("one", "GET", &location, json!(null)).await.unwrap().status(), 200);
    assert_eq!(call("two", "GET", &location, json!(null)).await.unwrap().status(), 404, "7644-6-02");
    assert_eq!(call("two", "DELETE", &location, json!(null)).await.unwrap().status(), 404);
    assert_eq!(call("two", "PUT", &location, body).await.unwrap().status(), 404);
    assert_eq!(call("one", "GET", &location, json!(null)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn references_that_compare_without_case() {
    let schema = r#"{"id":"urn:example:Team","name":"Team","attributes":[
        {"name":"people","type":"complex","multiValued":true,"returned":"request","subAttributes":[
            {"name":"value","type":"string","caseExact":false},{"name":"display","type":"string"},
            {"name":"$ref","type":"reference","referenceTypes":["Team"]},{"name":"type","type":"string"}]},
        {"name":"label","type":"string"}]}"#;
    let schema = Arc::new(Schema::from_json(schema).unwrap());
    let kind = ResourceType::new("Team", schema.id().clone()).with_relation(scim_core::Relation {
        attribute: "people".into(),
        targets: vec!["Team".into()],
        inverse: None,
    });
    for quirks in [scim_core::Quirks::interop(), scim_core::Quirks::strict()] {
        let registry = Arc::new(Registry::new([Arc::clone(&schema)], [kind.clone()]).unwrap());
        let server = Server::with(|builder| builder.registry(registry).quirks(quirks));
        let team = |people: Value| json!({"schemas": ["urn:example:Team"], "label": "x", "people": people});
        server.post("/Teams", &team(json!([]))).await.expect(201);
        server.post("/Teams", &team(json!([{"value": "id-1"}]))).await.expect(201);
        let path = "/Teams/id-2";
        let label = json!([{"op": "replace", "path": "label", "value": "y"}]);
        assert!(server.patch(path, label).await.expect(200).json().get("people").is_none());
        for target in ["people[value eq \"ID-1\"].value", "people[value eq \"iD-1\"]"] {
            let value = if target.ends_with("value") { json!("Id-1") } else { json!({"value": "Id-1"}) };
            let same = json!([{"op": "replace", "path": target, "value": value}]);
            let answer = server.patch(path, same).await.expect(200);
            assert_eq!(answer.json()["people"][0]["value"], "id-1", "{target}: the request names it");
        }
        let other = json!([{"op": "replace", "path": "people[value eq \"ID-1\"].value", "value": "id-2"}]);
        server.patch(path, other).await.refused(400, "mutability");
        let many = vec![json!({"op": "remove", "path": "people[value eq \"ID-1\"]"}); 50];
        let answer = server.patch(path, Value::Array(many)).await.expect(200);
        assert!(answer.json().get("people").is_none(), "{answer:?}");
    }
}
