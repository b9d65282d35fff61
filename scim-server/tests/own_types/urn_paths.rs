//! An extension of one's own with a list of complex values and a complex value: every path with its URN in front works in
//! filters, sorting, projection and PATCH, and what is never returned cannot be guessed by writing it.

use std::sync::Arc;

use scim_core::Registry;
use scim_core::schema::{Attribute, Returned, Schema};
use scim_core::scim_filter::DataType;
use scim_core::{ResourceType, SchemaUri};

use crate::common::*;

const BADGE: &str = "urn:example:2.0:Badge";
const EXTRA: &str = "urn:example:schemas:extension:2.0:Badge";

fn servers() -> [Server; 2] {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let uri = |text: &str| text.parse::<SchemaUri>().unwrap();
    let base = Schema::new(
        uri(BADGE),
        "Badge",
        "",
        [string("label").required(), string("pin").with_returned(Returned::Never)],
    );
    let door = [
        string("value"),
        string("type"),
        Attribute::new("floor", DataType::Integer),
        string("code").with_returned(Returned::Never),
    ];
    let extra = [
        Attribute::complex("doors", door).multi_valued(),
        Attribute::complex("owner", [string("value"), string("displayName")]),
        string("note").with_returned(Returned::Request),
    ];
    let extra = Schema::new(uri(EXTRA), "Extra", "", extra).unwrap();
    let kind = ResourceType::new("Badge", uri(BADGE)).with_extension(uri(EXTRA), false);
    let registry =
        Registry::builder().schema(base.unwrap()).schema(extra).resource_type(kind).build().unwrap();
    Server::both(&Arc::new(registry))
}

fn badge(label: &str, extra: Value) -> Value {
    json!({"schemas": [BADGE, EXTRA], "label": label, "pin": "1234", EXTRA: extra})
}

async fn labels(server: &Server, query: &str) -> Vec<String> {
    let found = server.get(&format!("/Badges?{query}")).await.expect(200).json();
    let all = found["Resources"].as_array().unwrap();
    all.iter().map(|badge| badge["label"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_path_may_have_the_urn_in_front() {
    for server in servers() {
        let front = json!({"doors": [{"value": "front", "type": "main", "floor": 1, "code": "x"}, {"value": "lab", "type": "inner", "floor": 2}],
            "owner": {"value": "7", "displayName": "Ann"}});
        let one = server.post("/Badges", &badge("one", front)).await.expect(201).id();
        let back = json!({"doors": [{"value": "back", "type": "main", "floor": 3}], "owner": {"value": "8", "displayName": "Bob"}});
        server.post("/Badges", &badge("two", back)).await.expect(201);
        for (filter, expected) in [
            (format!("{EXTRA}:doors.value eq \"lab\""), vec!["one"]),
            (format!("{EXTRA}:doors eq \"lab\""), vec!["one"]),
            (format!("{EXTRA}:doors[type eq \"main\" and floor gt 1]"), vec!["two"]),
            (format!("{EXTRA}:doors[type eq \"main\"].value eq \"front\""), vec!["one"]),
            (format!("{}:OWNER.displayName sw \"b\"", EXTRA.to_uppercase()), vec!["two"]),
            (format!("{BADGE}:label eq \"two\" and {EXTRA}:owner pr"), vec!["two"]),
            (format!("not ({EXTRA}:doors[floor eq 3])"), vec!["one"]),
        ] {
            assert_eq!(labels(&server, &format!("filter={}", encode(&filter))).await, expected, "{filter}");
        }
        for (sort, first) in
            [("owner.displayName", "two"), ("doors", "one"), ("doors.value", "one"), ("doors.floor", "two")]
        {
            let query = format!("sortBy={}&sortOrder=descending", encode(&format!("{EXTRA}:{sort}")));
            assert_eq!(labels(&server, &query).await[0], first, "{sort}");
        }
        let path = format!("/Badges/{one}");
        let shown = server
            .get(&format!("{path}?attributes={EXTRA}:doors.value,{EXTRA}:owner"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            shown[EXTRA],
            json!({"doors": [{"value": "front"}, {"value": "lab"}], "owner": {"value": "7", "displayName": "Ann"}})
        );
        let shown = server
            .get(&format!("{path}?excludedAttributes={EXTRA}:doors,{EXTRA}:owner.value"))
            .await
            .expect(200)
            .json();
        assert_eq!(shown[EXTRA], json!({"owner": {"displayName": "Ann"}}));

        let operations = json!([
            {"op": "replace", "path": format!("{EXTRA}:doors[type eq \"main\"].floor"), "value": 9},
            {"op": "add", "path": format!("{EXTRA}:doors[value eq \"lab\"]"), "value": {"type": "secret"}},
            {"op": "add", "path": format!("{EXTRA}:doors"), "value": [{"value": "roof", "floor": 12}]},
            {"op": "replace", "path": format!("{EXTRA}:owner.displayName"), "value": "Anna"},
            {"op": "remove", "path": format!("{EXTRA}:owner.value")},
            {"op": "replace", "value": {format!("{EXTRA}:note"): "hello", format!("{BADGE}:label"): "uno"}}
        ]);
        let patched = server.patch(&path, operations).await.expect(200).json();
        assert_eq!(patched["label"], "uno");
        // What is shown on request is shown to who has set it.
        assert_eq!(
            patched[EXTRA],
            json!({"doors": [{"value": "front", "type": "main", "floor": 9}, {"value": "lab", "type": "secret", "floor": 2},
            {"value": "roof", "floor": 12}], "owner": {"displayName": "Anna"}, "note": "hello"})
        );
        assert!(server.get(&path).await.json()[EXTRA].get("note").is_none());
        let remove = json!([{"op": "remove", "path": format!("{EXTRA}:doors[floor ge 9]")}]);
        let patched = server.patch(&path, remove).await.expect(200).json();
        assert_eq!(patched[EXTRA]["doors"], json!([{"value": "lab", "type": "secret", "floor": 2}]));
        let remove = json!([{"op": "remove", "path": EXTRA}]);
        assert!(server.patch(&path, remove).await.expect(200).json().get(EXTRA).is_none());
    }
}

/// Neither by the answer nor by the version.
#[tokio::test]
async fn a_guess_at_what_is_never_returned_is_never_confirmed() {
    for server in servers() {
        let doors = json!({"doors": [{"value": "front", "code": "1234"}]});
        let id = server.post("/Badges", &badge("one", doors)).await.expect(201).id();
        let path = format!("/Badges/{id}");
        let mut etag = server.get(&path).await.etag;
        let mut change = async |answer: Answer| {
            let answer = answer.expect(200);
            assert_ne!(answer.etag, etag, "a change, whatever was there: {}", answer.text);
            etag = answer.etag;
        };
        for guess in ["0000", "1234", "1234"] {
            for operation in [
                json!({"op": "replace", "path": "pin", "value": guess}),
                json!({"op": "add", "path": format!("{BADGE}:pin"), "value": guess}),
                json!({"op": "add", "path": format!("{EXTRA}:doors"), "value": [{"value": "front", "code": guess}]}),
                json!({"op": "replace", "path": format!("{EXTRA}:doors[value eq \"front\"].code"), "value": guess}),
            ] {
                change(server.patch(&path, json!([operation])).await).await;
            }
            let put = json!({"schemas": [BADGE], "label": "one", "pin": guess, EXTRA: {"doors": [{"value": "front"}]}});
            change(server.put(&path, &put).await).await;
        }
        for operation in [
            json!({"op": "remove", "path": format!("{EXTRA}:doors[code eq \"1234\"]")}),
            json!({"op": "replace", "path": format!("{EXTRA}:doors[code sw \"1\"].type"), "value": "x"}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "invalidFilter");
        }
        server.filter("/Badges", &format!("{EXTRA}:doors[code pr]")).await.refused(403, "sensitive");
    }
}
