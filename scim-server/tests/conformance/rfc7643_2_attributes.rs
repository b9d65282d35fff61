//! RFC 7643 sections 2, 2.1 and 2.2: the schema model, names, and what a schema that says nothing means.

use scim_core::schema::{Mutability, Returned, Uniqueness};
use scim_core::scim_filter::{CaseRule, DataType};
use scim_core::{Attribute, Schema};

use crate::common::*;

#[tokio::test]
async fn r7643_2_01_each_attribute_is_judged_by_itself() {
    // Read-only and unknown attributes beside valid ones: the valid ones are applied.
    for server in Server::all() {
        let id = server
            .user(json!({"userName": "ann", "id": "mine", "groups": [{"value": "g"}], "title": "Boss"}))
            .await;
        let user = server.read("/Users", &id).await;
        assert_eq!((&user["userName"], &user["title"]), (&json!("ann"), &json!("Boss")));
        assert!(id != "mine" && user.get("groups").is_none());
        let body = json!({"schemas": [USER], "userName": "ann", "title": "Chief", "meta": {"version": "x"}});
        let put = server.put(&format!("/Users/{id}"), &body).await.expect(200);
        assert_eq!(put.json()["title"], "Chief");
    }
    // What is unknown is ignored where that is tolerated, and named where it is not.
    let body = json!({"schemas": [USER], "userName": "ann", "title": "Boss", "shoeSize": 5, "meta": 5});
    let created = Server::new().post("/Users", &body).await.expect(201).json();
    assert_eq!((&created["title"], created.get("shoeSize")), (&json!("Boss"), None));
    let detail = Server::strict().post("/Users", &body).await.refused(400, "invalidValue");
    assert!(detail.contains("`shoeSize`") && !detail.contains("meta"), "{detail}");
    // Each asserted attribute that is wrong is named, not the first one only.
    let wrong = json!({"schemas": [USER], "userName": 5, "active": "maybe", "emails": "x", "nickName": "n"});
    let detail = Server::strict().post("/Users", &wrong).await.refused(400, "invalidValue");
    assert!(["userName", "active", "emails"].iter().all(|name| detail.contains(name)), "{detail}");
    assert!(!detail.contains("nickName"), "{detail}");
}

#[tokio::test]
async fn r7643_2_1_01_attribute_names_match_without_case() {
    for server in Server::all() {
        let body = json!({"SCHEMAS": [USER, ENTERPRISE], "USERNAME": "ann", "Emails": [{"VALUE": "a@x.org", "TYPE": "work"}],
            "NAME": {"FAMILYNAME": "F"}, ENTERPRISE.to_uppercase(): {"DEPARTMENT": "D"}});
        let created = server.post("/Users", &body).await.expect(201);
        let json = created.json();
        assert_eq!(json["userName"], "ann", "the registered spelling comes back");
        assert_eq!(json["emails"], json!([{"value": "a@x.org", "type": "work"}]));
        assert_eq!(
            (&json["name"]["familyName"], &json[ENTERPRISE]["department"]),
            (&json!("F"), &json!("D"))
        );
        let path = format!("/Users/{}", created.id());
        let put =
            json!({"schemas": [USER], "username": "ann", "nickNAME": "N", "EMAILS": [{"Value": "b@x.org"}]});
        assert_eq!(server.put(&path, &put).await.expect(200).json()["nickName"], "N");
        let operations = json!([
            {"op": "replace", "path": "NICKNAME", "value": "M"},
            {"op": "add", "path": "NAME.givenname", "value": "G"},
            {"op": "replace", "path": "eMAILS[VALUE eq \"b@x.org\"].Type", "value": "home"},
            {"op": "add", "value": {"DISPLAYname": "Ann"}}
        ]);
        let patched = server.patch(&path, operations).await.expect(200).json();
        assert_eq!((&patched["nickName"], &patched["displayName"]), (&json!("M"), &json!("Ann")));
        assert_eq!(patched["name"]["givenName"], "G");
        assert_eq!(patched["emails"], json!([{"value": "b@x.org", "type": "home"}]));
        for filter in [
            "USERNAME eq \"ann\"",
            "Name.GIVENname eq \"G\"",
            "EMAILS[TYPE eq \"home\"]",
            "META.ResourceTYPE eq \"User\"",
        ] {
            assert_eq!(server.names(filter).await, ["ann"], "{filter}");
        }
        let shown =
            server.get(&format!("{path}?attributes=DISPLAYNAME,name.GIVENname")).await.expect(200).json();
        assert_eq!(
            without(&shown, &["id", "schemas"]),
            json!({"displayName": "Ann", "name": {"givenName": "G"}})
        );
        let hidden = server.get(&format!("{path}?excludedAttributes=NICKname")).await.expect(200).json();
        assert!(hidden.get("nickName").is_none() && hidden["displayName"] == "Ann");
        let twice = json!({"schemas": [USER], "userName": "a", "username": "b"});
        server.post("/Users", &twice).await.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn r7643_2_1_02_every_representation_says_its_schemas() {
    for server in Server::all() {
        let created = server.post("/Users", &barbara()).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let group = server.group("crew", &[&created.id()]).await;
        let put = server.put(&path, &barbara()).await.expect(200);
        let patch = json!([{"op": "replace", "path": "title", "value": "x"}]);
        let patched = server.patch(&path, patch).await.expect(200);
        let read = server.get(&path).await.expect(200);
        let narrow = server.get(&format!("{path}?attributes=title")).await.expect(200);
        let excluded = server.get(&format!("{path}?excludedAttributes=schemas")).await.expect(200);
        for answer in [created, put, patched, read, narrow, excluded] {
            assert_eq!(answer.json()["schemas"], json!([USER, ENTERPRISE]), "{answer:?}");
        }
        assert_eq!(server.read("/Groups", &group).await["schemas"], json!([GROUP]));
        let search = json!({"schemas": [SEARCH], "attributes": ["displayName"]});
        let lists = [
            server.get("/Users").await.expect(200).json(),
            server.get("/?attributes=id").await.expect(200).json(),
            server.post("/.search", &search).await.expect(200).json(),
            server.get("/Schemas").await.expect(200).json(),
            server.get("/ResourceTypes").await.expect(200).json(),
        ];
        for list in lists {
            assert_eq!(list["schemas"], json!([LIST]));
            let resources = list["Resources"].as_array().unwrap();
            assert!(!resources.is_empty());
            for resource in resources {
                let schemas = resource["schemas"].as_array().unwrap();
                assert!(!schemas.is_empty() && schemas.iter().all(Value::is_string), "{resource}");
            }
        }
    }
}

#[tokio::test]
async fn r7643_2_1_03_attribute_names_are_made_of_letters_digits_and_three_signs() {
    fn check(attributes: &Value, seen: &mut usize) {
        for attribute in attributes.as_array().into_iter().flatten() {
            let name = attribute["name"].as_str().unwrap();
            let mut bytes = name.bytes();
            let legal = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
                && bytes.all(|b| b.is_ascii_alphanumeric() || b"$-_".contains(&b));
            assert!(legal || name == "$ref", "{name}");
            *seen += 1;
            check(&attribute["subAttributes"], seen);
        }
    }
    let server = Server::new();
    let list = server.get("/Schemas").await.expect(200).json();
    let mut seen = 0;
    for schema in list["Resources"].as_array().unwrap() {
        check(&schema["attributes"], &mut seen);
    }
    assert!(seen > 100, "{seen}");
    // The library takes no other names.
    let schema = |name: &str| {
        let uri = "urn:example:Thing".parse().unwrap();
        Schema::new(uri, "Thing", "", [Attribute::new(name, DataType::String)])
    };
    for name in ["a", "Z9", "a-b_c$", "$ref"] {
        assert!(schema(name).is_ok(), "{name}");
    }
    for name in ["", "1a", "_a", "-a", "$a", "a.b", "a b", "a:b", "\u{e9}t\u{e9}", "a\u{0}", "a/b"] {
        let error = schema(name).unwrap_err().to_string();
        assert!(error.contains("cannot be the name of an attribute"), "{name}: {error}");
    }
}

#[tokio::test]
async fn r7643_2_2_01_what_a_schema_leaves_out_has_the_defaults() {
    let json = r#"{"id": "urn:example:Thing", "name": "Thing", "attributes": [{"name": "color"}]}"#;
    let schema = Schema::from_json(json).unwrap();
    let color = &schema.attributes()[0];
    assert_eq!(*color, Attribute::new("color", DataType::String), "type string");
    assert!(!color.is_required() && !color.is_multi_valued());
    assert_eq!(color.restricted_to(), None, "no canonical values");
    assert_eq!(color.compared_by(), CaseRule::Fold, "caseExact false");
    assert_eq!(
        (color.mutability(), color.returned(), color.uniqueness()),
        (Mutability::ReadWrite, Returned::Default, Uniqueness::None)
    );
    // And the attribute behaves so.
    let registry = crate::custom::registry_of(schema, "Thing");
    for server in Server::all_with(|builder| builder.registry(registry.clone())) {
        let thing = |color: Value| json!({"schemas": ["urn:example:Thing"], "color": color});
        server.post("/Things", &json!({"schemas": ["urn:example:Thing"]})).await.expect(201);
        let path = format!("/Things/{}", server.post("/Things", &thing(json!("Red"))).await.expect(201).id());
        server.post("/Things", &thing(json!("Red"))).await.expect(201);
        let found = server.filter("/Things", "color eq \"rED\"").await.expect(200).json();
        assert_eq!(found["totalResults"], 2, "not unique, case does not matter");
        assert_eq!(server.get(&path).await.json()["color"], "Red", "returned by default");
        let narrow = server.get(&format!("{path}?excludedAttributes=color")).await.json();
        assert!(narrow.get("color").is_none());
        let put = server.put(&path, &thing(json!("Green"))).await.expect(200);
        assert_eq!(put.json()["color"], "Green", "readWrite");
        server.put(&path, &thing(json!(5))).await.refused(400, "invalidValue");
        let published = server.get("/Schemas/urn:example:Thing").await.expect(200).json();
        let expected = json!({"name": "color", "type": "string", "multiValued": false, "description": "",
            "required": false, "caseExact": false, "mutability": "readWrite", "returned": "default",
            "uniqueness": "none"});
        assert_eq!(published["attributes"], json!([expected]));
    }
}
