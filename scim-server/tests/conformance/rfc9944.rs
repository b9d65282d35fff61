//! RFC 9944: devices, declared with the public schema builder and nothing else.

use std::sync::Arc;

use scim_core::schema::{Mutability, Returned, Uniqueness};
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, ResourceType, Schema};

use crate::common::*;

const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
const ENDPOINT_APP: &str = "urn:ietf:params:scim:schemas:core:2.0:EndpointApp";
const BLE: &str = "urn:ietf:params:scim:schemas:extension:ble:2.0:Device";
const DPP: &str = "urn:ietf:params:scim:schemas:extension:dpp:2.0:Device";
const MAB: &str = "urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device";
const FDO: &str = "urn:ietf:params:scim:schemas:extension:fido-device-onboard:2.0:Device";
const ZIGBEE: &str = "urn:ietf:params:scim:schemas:extension:zigbee:2.0:Device";
const APPS: &str = "urn:ietf:params:scim:schemas:extension:endpointAppsExt:2.0:Device";
const PASS_KEY: &str = "urn:ietf:params:scim:schemas:extension:pairingPassKey:2.0:Device";

fn string(name: &str) -> Attribute {
    Attribute::new(name, DataType::String)
}

fn secret(name: &str) -> Attribute {
    string(name).with_mutability(Mutability::WriteOnly).with_returned(Returned::Never).case_exact()
}

fn registry() -> Arc<Registry> {
    let schema = |uri: &str, name: &str, attributes: Vec<Attribute>| {
        Arc::new(Schema::new(uri.parse().unwrap(), name, "", attributes).unwrap())
    };
    let schemas = [
        schema(
            DEVICE,
            "Device",
            vec![
                string("displayName"),
                Attribute::new("active", DataType::Boolean).required(),
                Attribute::new("mudUrl", DataType::Reference).with_reference_types(["external"]),
                Attribute::complex("groups", [string("value"), string("display")])
                    .multi_valued()
                    .with_mutability(Mutability::Immutable),
            ],
        ),
        schema(
            BLE,
            "BLE",
            vec![
                string("versionSupport").required().multi_valued(),
                string("deviceMacAddress").required().with_uniqueness(Uniqueness::Server),
                Attribute::new("isRandom", DataType::Boolean),
                Attribute::new("mobility", DataType::Boolean),
                secret("irk"),
                string("pairingMethods").multi_valued().case_exact(),
                Attribute::complex(PASS_KEY, [Attribute::new("key", DataType::Integer).required()]),
            ],
        ),
        schema(
            DPP,
            "DPP",
            vec![
                Attribute::new("dppVersion", DataType::Integer).required(),
                string("bootstrappingMethod").multi_valued(),
                secret("bootstrapKey").required(),
                string("serialNumber"),
            ],
        ),
        schema(MAB, "MAB", vec![string("deviceMacAddress").required().with_uniqueness(Uniqueness::Global)]),
        schema(FDO, "FDO", vec![secret("fdoVoucher").required()]),
        schema(
            ZIGBEE,
            "Zigbee",
            vec![string("versionSupport").required().multi_valued(), string("deviceEui64Address").required()],
        ),
        schema(
            APPS,
            "Apps",
            vec![Attribute::complex("applications", [string("value"), string("$ref")]).multi_valued()],
        ),
        schema(
            ENDPOINT_APP,
            "EndpointApp",
            vec![
                string("applicationType").required().with_canonical_values(["deviceControl", "telemetry"]),
                string("applicationName").required(),
                string("clientToken")
                    .with_mutability(Mutability::ReadOnly)
                    .with_uniqueness(Uniqueness::Global),
            ],
        ),
    ];
    let mut device = ResourceType::new("Device", DEVICE.parse().unwrap()).with_description("Device Account");
    for extension in [BLE, DPP, MAB, FDO, ZIGBEE, APPS] {
        device = device.with_extension(extension.parse().unwrap(), false);
    }
    let app = ResourceType::new("EndpointApp", ENDPOINT_APP.parse().unwrap());
    Arc::new(Registry::new(schemas, [device, app]).unwrap())
}

fn servers() -> impl Iterator<Item = Server> {
    let registry = registry();
    Server::all_with(move |builder| builder.registry(registry.clone()))
}

fn device() -> Value {
    json!({"schemas": [DEVICE, BLE, FDO, DPP], "displayName": "Heart rate monitor", "active": true,
        BLE: {"versionSupport": ["5.3"], "deviceMacAddress": "2C:54:91:88:C9:E2", "isRandom": false,
            "mobility": true, "irk": "hush-irk", "pairingMethods": [PASS_KEY], PASS_KEY: {"key": 123_456}},
        FDO: {"fdoVoucher": "hush-voucher"},
        DPP: {"dppVersion": 2, "bootstrapKey": "hush-key"}})
}

#[tokio::test]
async fn r9944_core_01_devices_and_endpoint_apps_are_served() {
    for server in servers() {
        let created = server.post("/Devices", &device()).await.expect(201);
        let read = server.read("/Devices", &created.id()).await;
        assert_eq!(read[BLE]["deviceMacAddress"], "2C:54:91:88:C9:E2");
        assert_eq!(read["schemas"].as_array().map(Vec::len), Some(4), "{read}");
        let filter = format!("{BLE}:deviceMacAddress eq \"2c:54:91:88:c9:e2\" and active eq true");
        assert_eq!(server.filter("/Devices", &filter).await.expect(200).json()["totalResults"], 1);
        server.post("/Devices", &device()).await.refused(409, "uniqueness");
        let patch = json!([{"op": "replace", "path": format!("{BLE}:mobility"), "value": false},
            {"op": "add", "path": format!("{ZIGBEE}"), "value": {"versionSupport": ["3.0"], "deviceEui64Address": "50:32:5F:FF:FE:E7:67:28"}}]);
        let patched = server.patch(&format!("/Devices/{}", created.id()), patch).await.expect(200).json();
        assert_eq!(
            (&patched[BLE]["mobility"], &patched[ZIGBEE]["versionSupport"]),
            (&json!(false), &json!(["3.0"]))
        );
        let app =
            json!({"schemas": [ENDPOINT_APP], "applicationType": "telemetry", "applicationName": "Monitor"});
        let app = server.post("/EndpointApps", &app).await.expect(201).id();
        let path = format!("/Devices/{}", created.id());
        let add = json!([{"op": "add", "path": format!("{APPS}:applications"), "value": [{"value": app}]}]);
        assert_eq!(
            server.patch(&path, add).await.expect(200).json()[APPS]["applications"][0]["value"],
            json!(app)
        );
        let kind = server.get("/ResourceTypes/Device").await.expect(200).json();
        assert_eq!(
            (&kind["endpoint"], kind["schemaExtensions"].as_array().map(Vec::len)),
            (&json!("/Devices"), Some(6))
        );
        for uri in [DEVICE, ENDPOINT_APP, BLE, DPP, MAB, FDO, ZIGBEE, APPS] {
            server.get(&format!("/Schemas/{uri}")).await.expect(200);
        }
    }
}

#[tokio::test]
async fn r9944_core_02_secrets_never_appear() {
    for server in servers() {
        let created = server.post("/Devices", &device()).await.expect(201);
        let path = format!("/Devices/{}", created.id());
        let patch = json!([{"op": "replace", "path": format!("{FDO}:fdoVoucher"), "value": "hush-again"}]);
        let answers = [
            created,
            server.get(&path).await.expect(200),
            server.get(&format!("{path}?attributes={FDO}:fdoVoucher,{FDO},{BLE}:irk")).await.expect(200),
            server.get("/Devices").await.expect(200),
            server.get(&format!("/Devices?attributes={DPP}:bootstrapKey")).await.expect(200),
            server.patch(&path, patch).await.expect(200),
            server.put(&path, &device()).await.expect(200),
        ];
        for answer in answers {
            assert!(!answer.text.contains("hush"), "{answer:?}");
            for name in ["fdoVoucher", "irk", "bootstrapKey"] {
                assert!(!answer.text.contains(&format!("\"{name}\":")), "{answer:?}");
            }
        }
        for filter in [format!("{FDO}:fdoVoucher sw \"hush\""), format!("{BLE}:irk pr")] {
            server.filter("/Devices", &filter).await.refused(403, "sensitive");
        }
    }
}

#[tokio::test]
async fn r9944_core_03_extensions_may_hold_objects_named_by_a_urn() {
    for server in servers() {
        let created = server.post("/Devices", &device()).await.expect(201);
        assert_eq!(created.json()[BLE][PASS_KEY], json!({"key": 123_456}));
        let path = format!("/Devices/{}", created.id());
        assert_eq!(server.get(&path).await.json()[BLE][PASS_KEY], json!({"key": 123_456}));
        let narrow = server.get(&format!("{path}?attributes={BLE}")).await.expect(200).json();
        assert_eq!(narrow[BLE][PASS_KEY], json!({"key": 123_456}));
        let mut wrong = device();
        wrong[BLE][PASS_KEY] = json!({"key": "text"});
        server.put(&path, &wrong).await.refused(400, "invalidValue");
        wrong[BLE][PASS_KEY] = json!({});
        assert_eq!(server.put(&path, &wrong).await.expect(200).json()[BLE].get(PASS_KEY), None);
        let patch = json!([{"op": "add", "path": BLE, "value": {PASS_KEY: {"key": 7}}}]);
        assert_eq!(server.patch(&path, patch).await.expect(200).json()[BLE][PASS_KEY], json!({"key": 7}));
        let schema = server.get(&format!("/Schemas/{BLE}")).await.expect(200).json();
        let names: Vec<&Value> =
            schema["attributes"].as_array().unwrap().iter().map(|a| &a["name"]).collect();
        assert!(names.contains(&&json!(PASS_KEY)));
    }
}
