//! RFC 9944 as a schema pack, end to end.

use std::sync::Arc;

use scim_core::Registry;
use scim_core::packs::device;
use scim_core::schema::{Attribute, Mutability, Schema};

use crate::common::*;

const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
const APP: &str = "urn:ietf:params:scim:schemas:core:2.0:EndpointApp";
const BLE: &str = "urn:ietf:params:scim:schemas:extension:ble:2.0:Device";
const DPP: &str = "urn:ietf:params:scim:schemas:extension:dpp:2.0:Device";
const FDO: &str = "urn:ietf:params:scim:schemas:extension:fido-device-onboard:2.0:Device";
const ZIGBEE: &str = "urn:ietf:params:scim:schemas:extension:zigbee:2.0:Device";
const MAB: &str = "urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device";
const APPS: &str = "urn:ietf:params:scim:schemas:extension:endpointAppsExt:2.0:Device";

fn pairing(method: &str) -> String {
    format!("urn:ietf:params:scim:schemas:extension:{method}:2.0:Device")
}

fn servers() -> [Server; 2] {
    Server::both(&Arc::new(device::register(Registry::builder().rfc7643()).build().unwrap()))
}

/// A device with every pairing method and the key that is never returned, which excludes addresses for broadcasts.
fn ble() -> Value {
    json!({
        "schemas": [DEVICE, BLE],
        "displayName": "BLE Heart Monitor",
        "active": true,
        BLE: {
            "versionSupport": ["5.3"],
            "deviceMacAddress": "2C:54:91:88:C9:E2",
            "isRandom": true,
            "irk": "the-identity-resolving-key",
            "mobility": true,
            "pairingMethods": [
                pairing("pairingNull"), pairing("pairingJustWorks"), pairing("pairingPassKey"), pairing("pairingOOB")
            ],
            pairing("pairingNull"): null,
            pairing("pairingJustWorks"): {"key": null},
            pairing("pairingPassKey"): {"key": 123_456},
            pairing("pairingOOB"): {"key": "TheKeyvalueRetrievedFromOOB", "randomNumber": 238_796_813_516_896_i64}
        }
    })
}

#[tokio::test]
async fn rfc9944_core_01_devices_are_served_and_discovered() {
    for server in servers() {
        assert_eq!(server.get("/ResourceTypes").await.total(), 4);
        let kind = server.get("/ResourceTypes/Device").await.json();
        assert_eq!((kind["endpoint"].as_str(), kind["schema"].as_str()), (Some("/Devices"), Some(DEVICE)));
        assert!(kind["schemaExtensions"].as_array().unwrap().iter().all(|one| one["required"] == false));
        assert_eq!(server.get("/ResourceTypes/EndpointApp").await.json()["endpoint"], "/EndpointApps");
        for schema in device::schemas() {
            let published = server.get(&format!("/Schemas/{}", schema.id())).await.expect(200).text;
            assert_eq!(Schema::from_json(&published).unwrap(), *schema);
        }
        let zigbee = json!({"schemas": [DEVICE, ZIGBEE], "displayName": "Zigbee", "active": true,
            ZIGBEE: {"versionSupport": ["3.0"], "deviceEui64Address": "50:32:5F:FF:FE:E7:67:28"}});
        let mab = json!({"schemas": [DEVICE, MAB], "active": true, MAB: {"deviceMacAddress": "2C:54:91:88:C9:E2"},
            "mudUrl": "https://example.com/mud"});
        let ids = [
            server.post("/Devices", &ble()).await.expect(201).id(),
            server.post("/Devices", &zigbee).await.expect(201).id(),
            server.post("/Devices", &mab).await.expect(201).id(),
        ];
        for (filter, count) in [
            (format!("{BLE}:deviceMacAddress eq \"2c:54:91:88:c9:e2\""), 1),
            (format!("{ZIGBEE}:versionSupport eq \"3.0\" or {MAB}:deviceMacAddress pr"), 2),
            ("active eq true and displayName sw \"ble\"".to_owned(), 1),
        ] {
            assert_eq!(server.filter("/Devices", &filter).await.expect(200).total(), count, "{filter}");
        }
        server
            .post("/Devices", &json!({"schemas": [DEVICE], "displayName": "x"}))
            .await
            .refused(400, "invalidValue");
        server
            .post(
                "/Devices",
                &json!({"schemas": [DEVICE, ZIGBEE], "active": true, ZIGBEE: {"versionSupport": ["3"]}}),
            )
            .await
            .refused(400, "invalidValue");

        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Ward 3",
            "members": [{"value": ids[0]}]});
        let group = server.post("/Groups", &group).await.expect(201).json();
        assert_eq!(group["members"][0]["type"], "Device", "RFC 9944: the type of a member is `Device`");
        let shown = server.get(&format!("/Devices/{}", ids[0])).await.json();
        assert_eq!(shown["groups"][0]["display"], "Ward 3");
        server.send("DELETE", &format!("/Devices/{}", ids[0]), "").await.expect(204);
        let path = format!("/Groups/{}", group["id"].as_str().unwrap());
        assert_eq!(server.get(&path).await.json().get("members"), None);
    }
}

#[tokio::test]
async fn rfc9944_core_02_secrets_are_never_returned() {
    for server in servers() {
        let mut body = ble();
        body["schemas"] = json!([DEVICE, BLE, DPP, FDO]);
        body[DPP] =
            json!({"dppVersion": 2, "bootstrapKey": "the-bootstrap-key", "bootstrappingMethod": ["QR"]});
        body[FDO] = json!({"fdoVoucher": "the-voucher"});
        let created = server.post("/Devices", &body).await.expect(201);
        let path = format!("/Devices/{}", created.id());
        let attributes = format!("{path}?attributes={BLE}:irk,{FDO},{DPP}:bootstrapKey");
        let patched = server.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await;
        let answers = [
            created.clone(),
            patched,
            server.put(&path, &body).await,
            server.get(&path).await,
            server.get(&attributes).await,
            server.get("/Devices").await,
        ];
        for answer in answers {
            for secret in ["identity-resolving-key", "bootstrap-key", "the-voucher"] {
                assert!(answer.status < 300 && !answer.text.contains(secret), "{}", answer.text);
            }
        }
        for (schema, name) in [(BLE, "irk"), (DPP, "bootstrapKey"), (FDO, "fdoVoucher")] {
            server.filter("/Devices", &format!("{schema}:{name} sw \"the\"")).await.refused(403, "sensitive");
        }
        let missing =
            server.patch(&path, json!([{"op": "remove", "path": format!("{FDO}:fdoVoucher")}])).await;
        missing.refused(400, "mutability");
    }
}

#[tokio::test]
async fn rfc9944_core_03_pairing_methods_are_nested_under_their_urns() {
    let pass_key = pairing("pairingPassKey");
    let oob = pairing("pairingOOB");
    for server in servers() {
        let created = server.post("/Devices", &ble()).await.expect(201);
        let path = format!("/Devices/{}", created.id());
        let shown = server.get(&path).await.json();
        assert_eq!(shown[BLE][&pass_key], json!({"key": 123_456}));
        assert_eq!(shown[BLE][&oob]["randomNumber"], 238_796_813_516_896_i64);
        assert_eq!(shown[BLE]["pairingMethods"].as_array().unwrap().len(), 4);
        assert_eq!(server.filter("/Devices", &format!("{BLE}:{pass_key}.key eq 123456")).await.total(), 1);
        assert_eq!(server.filter("/Devices", &format!("{BLE}:{oob}.key eq \"thekey\"")).await.total(), 0);
        let key = server.get(&format!("{path}?attributes={BLE}:{oob}.key")).await.json();
        assert_eq!(key[BLE], json!({&oob: {"key": "TheKeyvalueRetrievedFromOOB"}}));
        let patched = server.patch(
            &path,
            json!([
                {"op": "replace", "path": format!("{BLE}:{pass_key}.key"), "value": 654_321},
                {"op": "remove", "path": format!("{BLE}:{oob}")}
            ]),
        );
        let patched = patched.await.expect(200).json();
        assert_eq!((&patched[BLE][&pass_key]["key"], patched[BLE].get(&oob)), (&json!(654_321), None));
        let whole = json!([{"op": "add", "path": BLE, "value": {&oob: {"key": "k", "randomNumber": 1}}}]);
        assert_eq!(server.patch(&path, whole).await.expect(200).json()[BLE][&oob]["randomNumber"], 1);
        let incomplete = json!([{"op": "add", "path": BLE, "value": {&oob: {"key": 1}}}]);
        server.patch(&path, incomplete).await.refused(400, "invalidValue");
        let mut text = ble();
        text[BLE][&pass_key] = json!({"key": "123456"});
        server.post("/Devices", &text).await.refused(400, "invalidValue");
        let mut unknown = ble();
        unknown[BLE][pairing("pairingTelepathy")] = json!({"key": 1});
        server.post("/Devices", &unknown).await.refused(400, "invalidValue");
    }
}

macro_rules! data {
    ($name:literal) => {
        (concat!("RFC 9944 section ", $name), include_str!(concat!("../data/rfc9944/", $name, ".json")))
    };
}

/// Sends an example, and checks that its parts come back, without those that nobody is told or the server says.
async fn served(
    server: &Server,
    endpoint: &str,
    (section, text): (&str, &str),
    hidden: &[(&str, &str)],
) -> Value {
    let answer = server.send("POST", endpoint, text).await.expect(201).json();
    let mut expected: Value = serde_json::from_str(text).unwrap();
    for (extension, name) in hidden {
        let object = expected[*extension].as_object_mut().unwrap();
        assert!(object.remove(*name).is_some(), "{section}");
        if object.is_empty() {
            expected.as_object_mut().unwrap().remove(*extension);
        }
    }
    for name in ["id", "meta"] {
        expected[name] = answer[name].clone();
    }
    assert_eq!(answer, expected, "{section}");
    let path = format!("{endpoint}/{}", answer["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.expect(200).json(), answer, "{section}");
    answer
}

#[tokio::test]
async fn rfc9944_example_devices_are_served() {
    for server in servers() {
        for example in [
            data!("3-device"),
            data!("7.1-ble_pass_key"),
            data!("7.1-ble_oob"),
            data!("7.1-ble_pass_key_and_oob"),
            data!("7.3-ethernet_mab"),
            data!("7.5-zigbee"),
        ] {
            served(&server, "/Devices", example, &[]).await;
        }
        served(&server, "/Devices", data!("7.2-dpp"), &[(DPP, "bootstrapKey")]).await;
        served(&server, "/Devices", data!("7.4-fido_device_onboard"), &[(FDO, "fdoVoucher")]).await;
        // The `$ref` of an application is the server's to say.
        let (section, text) = data!("7.6-endpoint_apps");
        let mut example: Value = serde_json::from_str(text).unwrap();
        for application in example[APPS]["applications"].as_array_mut().unwrap() {
            application.as_object_mut().unwrap().remove("$ref");
        }
        let hidden = [(APPS, "deviceControlEnterpriseEndpoint"), (APPS, "telemetryEnterpriseEndpoint")];
        served(&server, "/Devices", (section, &example.to_string()), &hidden).await;
        let sent = server.send("POST", "/Devices", text).await.expect(201).json();
        assert_eq!(sent[APPS], json!({"applications": example[APPS]["applications"]}));
        assert_eq!(server.get("/Devices").await.total(), 10);
        let filter = format!("{BLE}:versionSupport eq \"5.3\" and {BLE}:mobility eq true");
        assert_eq!(server.filter("/Devices", &filter).await.total(), 3);
    }
}

#[tokio::test]
async fn rfc9944_endpoint_applications() {
    let immutable = |attribute: Attribute| attribute.with_mutability(Mutability::Immutable);
    let app = Schema::clone(&device::endpoint_app()).adjust("applicationType", immutable).unwrap();
    let schemas = device::schemas().into_iter().filter(|schema| schema.id() != app.id());
    let registry = schemas.fold(Registry::builder(), |builder, schema| builder.schema(schema));
    let registry = registry
        .schema(app)
        .resource_type(device::device_type())
        .resource_type(device::endpoint_app_type())
        .build()
        .unwrap();
    for server in Server::both(&Arc::new(registry)) {
        served(&server, "/EndpointApps", data!("6-endpoint_app"), &[]).await;
        let app = json!({"schemas": [APP], "applicationType": "deviceControl", "applicationName": "Control 1",
            "clientToken": "chosen by a client", "certificateInfo": {"rootCA": "MIIB", "subjectName": "www.example.com"}});
        let created = server.post("/EndpointApps", &app).await.expect(201);
        assert_eq!(created.json()["applicationType"], "deviceControl");
        assert_eq!(created.json().get("clientToken"), None, "readOnly: the server's to make");
        let device = json!({"schemas": [DEVICE, APPS], "active": true,
            APPS: {"applications": [{"value": created.id()}], "deviceControlEnterpriseEndpoint": "https://example.com"}});
        let shown = server.post("/Devices", &device).await.expect(201).json();
        assert_eq!(shown[APPS], json!({"applications": [{"value": created.id()}]}));
        let filter = format!("{APPS}:applications[value eq \"{}\"]", created.id());
        assert_eq!(server.filter("/Devices", &filter).await.total(), 1);
    }
}
