//! RFC 7643 sections 2.4 and 2.5: multi-valued attributes, and what has no value.

use scim_core::Schema;
use scim_core::schema::Mutability;

use crate::common::*;
use crate::custom;

#[tokio::test]
async fn r7643_2_4_01_several_values_are_an_array_even_if_there_is_one() {
    for server in Server::all() {
        let id = server
            .user(json!({"userName": "ann", "emails": [{"value": "a@x.org"}], "roles": [{"value": "r"}]}))
            .await;
        let group = server.group("crew", &[&id]).await;
        let user = server.read("/Users", &id).await;
        for name in ["schemas", "emails", "roles", "groups"] {
            assert_eq!(user[name].as_array().map(Vec::len), Some(1), "{name}");
        }
        assert_eq!(server.read("/Groups", &group).await["members"].as_array().map(Vec::len), Some(1));
        let path = format!("/Users/{id}");
        let patch = json!([{"op": "add", "path": "phoneNumbers", "value": {"value": "1"}}]);
        assert_eq!(
            server.patch(&path, patch).await.expect(200).json()["phoneNumbers"],
            json!([{"value": "1"}])
        );
    }
    for server in custom::servers() {
        let path = server.asset(json!({"aliases": ["one"]})).await;
        assert_eq!(server.get(&path).await.json()["aliases"], json!(["one"]), "of plain values too");
    }
}

#[tokio::test]
async fn r7643_2_4_02_the_predefined_sub_attributes_keep_their_meaning() {
    let server = Server::new();
    let mut seen = 0;
    for uri in [USER, GROUP, ENTERPRISE] {
        let schema = server.get(&format!("/Schemas/{uri}")).await.expect(200).json();
        for attribute in schema["attributes"].as_array().unwrap().iter().filter(|a| a["multiValued"] == true)
        {
            for sub in attribute["subAttributes"].as_array().unwrap() {
                let kinds: &[&str] = match sub["name"].as_str().unwrap() {
                    "type" | "display" => &["string"],
                    "primary" => &["boolean"],
                    "$ref" => &["reference"],
                    "value" => &["string", "reference", "binary"],
                    _ => continue,
                };
                assert!(kinds.contains(&sub["type"].as_str().unwrap()), "{attribute}");
                assert_eq!(sub["multiValued"], false, "{attribute}");
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen}");
    // And the server gives them that meaning: `value` is what `$ref` and `type` point to.
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "displayName": "Ann"})).await;
        let group = server.group("crew", &[&id]).await;
        let path =
            format!("/Groups/{group}?attributes=members.value,members.$ref,members.type,members.display");
        let member = server.get(&path).await.expect(200).json()["members"][0].clone();
        let target = server.get(&path_of(&member["$ref"])).await.expect(200).json();
        assert_eq!(member["value"], target["id"]);
        assert_eq!((&member["type"], &member["display"]), (&target["meta"]["resourceType"], &json!("Ann")));
    }
}

/// How many values of `emails` are primary.
fn primaries(user: &Value) -> Vec<&str> {
    let emails = user["emails"].as_array().into_iter().flatten();
    emails.filter(|email| email["primary"] == true).map(|email| email["value"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn r7643_2_4_03_at_most_one_value_is_primary() {
    for server in Server::all() {
        let two = json!([{"value": "a@x.org", "primary": true}, {"value": "b@x.org", "primary": true}]);
        let body = json!({"schemas": [USER], "userName": "ann", "emails": two});
        server.post("/Users", &body).await.refused(400, "invalidValue");
        let one = json!([{"value": "a@x.org", "primary": true}, {"value": "b@x.org"}]);
        let path = format!("/Users/{}", server.user(json!({"userName": "ann", "emails": one})).await);
        server.put(&path, &body).await.refused(400, "invalidValue");
        server
            .patch(&path, json!([{"op": "replace", "path": "emails", "value": two}]))
            .await
            .refused(400, "invalidValue");
        assert_eq!(primaries(&server.get(&path).await.json()), ["a@x.org"]);
        for (operation, expected) in [
            (
                json!({"op": "add", "path": "emails", "value": [{"value": "c@x.org", "primary": true}]}),
                "c@x.org",
            ),
            (
                json!({"op": "replace", "path": "emails[value eq \"b@x.org\"].primary", "value": true}),
                "b@x.org",
            ),
            (json!({"op": "add", "value": {"emails": [{"value": "d@x.org", "primary": true}]}}), "d@x.org"),
        ] {
            let patched = server.patch(&path, json!([operation])).await.expect(200).json();
            assert_eq!(primaries(&patched), [expected], "the new one wins: {patched}");
            assert_eq!(primaries(&server.get(&path).await.json()), [expected]);
        }
    }
}

#[tokio::test]
async fn r7643_2_4_04_not_said_to_be_primary_means_false() {
    for server in Server::all() {
        let emails = json!([{"value": "a@x.org"}, {"value": "b@x.org", "primary": false}]);
        server.user(json!({"userName": "none", "emails": emails})).await;
        server.user(json!({"userName": "one", "emails": [{"value": "c@x.org", "primary": true}]})).await;
        assert_eq!(server.names("emails[primary eq true]").await, ["one"]);
        assert_eq!(server.names("emails.primary eq true").await, ["one"]);
        assert!(server.names("emails[value eq \"a@x.org\" and primary eq true]").await.is_empty());
        assert_eq!(server.names("emails[value eq \"a@x.org\" and not (primary eq true)]").await, ["none"]);
        for unsaid in ["emails[value eq \"a@x.org\" and primary eq false]", "emails.primary eq false"] {
            assert_eq!(server.names(unsaid).await, ["none"], "{unsaid}");
        }
        assert!(server.names("emails[value eq \"a@x.org\" and primary ne false]").await.is_empty());
        let named = json!({"userName": "two", "emails": [{"value": "d@x.org"}, {"value": "e@x.org", "primary": true}]});
        let path = format!("/Users/{}", server.user(named).await);
        let replaced =
            json!([{"op": "replace", "path": "emails[primary eq false].value", "value": "f@x.org"}]);
        let patched = server.patch(&path, replaced).await.expect(200).json();
        assert_eq!(patched["emails"][0]["value"], "f@x.org", "{patched}");
        assert_eq!(patched["emails"].as_array().unwrap().len(), 2, "{patched}");
    }
}

#[tokio::test]
async fn r7643_2_4_05_display_is_immutable_unless_its_schema_says_otherwise() {
    let json = r#"{"id": "urn:example:Thing", "attributes": [
        {"name": "silent", "type": "complex", "multiValued": true,
            "subAttributes": [{"name": "value"}, {"name": "display"}]},
        {"name": "says", "type": "complex", "multiValued": true,
            "subAttributes": [{"name": "value"}, {"name": "display", "mutability": "readWrite"}]},
        {"name": "single", "type": "complex", "subAttributes": [{"name": "display"}]}]}"#;
    let schema = Schema::from_json(json).unwrap();
    let mutability = |name: &str| schema.attribute(name).unwrap().sub("display").unwrap().mutability();
    assert_eq!(mutability("silent"), Mutability::Immutable);
    assert_eq!((mutability("says"), mutability("single")), (Mutability::ReadWrite, Mutability::ReadWrite));
    assert_eq!(schema.attribute("silent").unwrap().sub("value").unwrap().mutability(), Mutability::ReadWrite);
    let registry = custom::registry_of(schema, "Thing");
    for server in Server::all_with(|builder| builder.registry(registry.clone())) {
        let values = json!([{"value": "v", "display": "V"}]);
        let body = json!({"schemas": ["urn:example:Thing"], "silent": values, "says": values});
        let path = format!("/Things/{}", server.post("/Things", &body).await.expect(201).id());
        let change = |name: &str| json!([{"op": "replace", "path": format!("{name}[value eq \"v\"].display"), "value": "W"}]);
        server.patch(&path, change("silent")).await.refused(400, "mutability");
        assert_eq!(server.patch(&path, change("says")).await.expect(200).json()["says"][0]["display"], "W");
        assert_eq!(server.get(&path).await.json()["silent"], values);
    }
    // The schemas of section 8.7.1 all say; for members it is the server's.
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "displayName": "Ann"})).await;
        let body = json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": id, "display": "Forged"}]});
        let group = server.post("/Groups", &body).await.expect(201).id();
        let shown =
            server.get(&format!("/Groups/{group}?attributes=members.display")).await.expect(200).json();
        assert_eq!(shown["members"][0]["display"], "Ann");
    }
}

#[tokio::test]
async fn r7643_2_4_06_a_uri_names_the_same_resource_with_and_without_a_version() {
    let server = Server::with(|builder| builder.mounted_at(["/v2", "/"]));
    let id = server.user(json!({"userName": "ann"})).await;
    let plain = server.get(&format!("/Users/{id}")).await.expect(200).json();
    let versioned = server.get(&format!("/v2/Users/{id}")).await.expect(200).json();
    assert_eq!(without(&plain, &["meta"]), without(&versioned, &["meta"]));
    assert_eq!(plain["meta"]["version"], versioned["meta"]["version"]);
    // Members are told apart by id, so a member given with either URI is one member.
    let group = server.group("crew", &[&id]).await;
    for reference in [format!("http://example.com/Users/{id}"), format!("http://example.com/v2/Users/{id}")] {
        let value = json!([{"value": id, "$ref": reference}]);
        let patch = json!([{"op": "add", "path": "members", "value": value}]);
        let patched = server.patch(&format!("/Groups/{group}"), patch).await.expect(200).json();
        assert_eq!(patched["members"].as_array().map(Vec::len), Some(1), "{patched}");
    }
}

#[tokio::test]
async fn r7643_2_4_07_values_come_back_in_the_registered_form() {
    for server in Server::all() {
        let emails = json!([{"VALUE": "a@x.org", "TYPE": "work", "Primary": true}]);
        let id = server.user(json!({"userName": "ann", "emails": emails})).await;
        let expected = json!([{"value": "a@x.org", "type": "work", "primary": true}]);
        assert_eq!(server.read("/Users", &id).await["emails"], expected);
        let member =
            json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": id, "type": "user"}]});
        let created = server.post("/Groups", &member).await.expect(201).json();
        assert_eq!(created["members"][0]["type"], "User", "the canonical spelling");
    }
}

#[tokio::test]
async fn r7643_2_4_08_one_value_may_have_several_types() {
    for server in Server::all() {
        let emails = json!([{"value": "a@x.org", "type": "work"}, {"value": "a@x.org", "type": "home"}]);
        let path = format!("/Users/{}", server.user(json!({"userName": "ann", "emails": emails})).await);
        assert_eq!(server.get(&path).await.json()["emails"], emails);
        let other =
            json!([{"op": "add", "path": "emails", "value": [{"value": "a@x.org", "type": "other"}]}]);
        let patched = server.patch(&path, other).await.expect(200).json();
        assert_eq!(patched["emails"].as_array().map(Vec::len), Some(3));
    }
}

#[tokio::test]
async fn r7643_2_4_09_one_pair_of_type_and_value_comes_once() {
    for server in Server::all() {
        let pair = json!({"value": "a@x.org", "type": "work"});
        let same = json!({"value": "A@x.org", "type": "WORK"});
        let create = json!({"userName": "ann", "emails": [pair, pair, same]});
        let path = format!("/Users/{}", server.user(create.clone()).await);
        let emails = async || server.get(&path).await.json()["emails"].as_array().map(Vec::len);
        assert_eq!(emails().await, Some(1));
        let mut put = create;
        put["schemas"] = json!([USER]);
        server.put(&path, &put).await.expect(200);
        assert_eq!(emails().await, Some(1));
        for operation in [
            json!({"op": "add", "path": "emails", "value": [same]}),
            json!({"op": "add", "value": {"emails": [pair]}}),
            json!({"op": "replace", "path": "emails", "value": [pair, same]}),
        ] {
            server.patch(&path, json!([operation])).await.expect(200);
            assert_eq!(emails().await, Some(1), "{operation}");
        }
    }
    for server in custom::servers() {
        let path = server.asset(json!({"aliases": ["one", "one", "two"]})).await;
        assert_eq!(server.get(&path).await.json()["aliases"], json!(["one", "two"]));
    }
}

#[tokio::test]
async fn r7643_2_5_01_unassigned_null_and_empty_are_one_state() {
    let none = [
        json!({}),
        json!({"nickName": null, "emails": null, "name": null, "active": null, ENTERPRISE: null}),
        json!({"emails": [], "roles": [], "name": {}, ENTERPRISE: {}}),
        json!({"emails": [null], "name": {"givenName": null}, "roles": [{"value": null}], ENTERPRISE: {"manager": null}}),
    ];
    for server in Server::all() {
        for (n, attributes) in none.iter().enumerate() {
            let mut user = attributes.clone();
            user["userName"] = json!(format!("u{n}"));
            let id = server.user(user).await;
            let read = server.read("/Users", &id).await;
            let expected = json!({"schemas": [USER], "userName": format!("u{n}")});
            assert_eq!(without(&read, &["id", "meta"]), expected);
        }
        for attribute in [
            "nickName",
            "emails",
            "emails.value",
            "name",
            "name.givenName",
            "roles",
            "active",
            &format!("{ENTERPRISE}:manager"),
            &format!("{ENTERPRISE}:department"),
        ] {
            assert!(server.names(&format!("{attribute} pr")).await.is_empty(), "{attribute}");
            assert_eq!(server.names(&format!("not ({attribute} pr)")).await.len(), none.len(), "{attribute}");
        }
    }
}

#[tokio::test]
async fn r7643_2_5_02_null_and_empty_arrays_clear() {
    let full = || {
        json!({"schemas": [USER, ENTERPRISE], "userName": "ann", "title": "Boss", "roles": [{"value": "r"}],
            "name": {"givenName": "Ann", "familyName": "Lee"}, ENTERPRISE: {"department": "D"}})
    };
    for server in Server::all() {
        let path = format!("/Users/{}", server.post("/Users", &full()).await.expect(201).id());
        let refill = async || server.put(&path, &full()).await.expect(200);
        let mut put = full();
        (put["title"], put["roles"], put["name"]) = (json!(null), json!([]), json!(null));
        put[ENTERPRISE] = json!(null);
        let cleared = json!({"schemas": [USER], "userName": "ann"});
        assert_eq!(without(&server.put(&path, &put).await.expect(200).json(), &["id", "meta"]), cleared);
        assert_eq!(without(&server.get(&path).await.json(), &["id", "meta"]), cleared);
        let department = format!("{ENTERPRISE}:department");
        for (operation, gone) in [
            (json!({"op": "replace", "path": "title", "value": null}), "/title"),
            (json!({"op": "replace", "path": "roles", "value": []}), "/roles"),
            (json!({"op": "replace", "path": "roles", "value": null}), "/roles"),
            (json!({"op": "replace", "value": {"title": null}}), "/title"),
            (json!({"op": "replace", "path": "name.givenName", "value": null}), "/name/givenName"),
            (json!({"op": "replace", "path": "name", "value": null}), "/name"),
            (json!({"op": "replace", "path": department, "value": null}), &*format!("/{ENTERPRISE}")),
        ] {
            let before = refill().await.json();
            assert!(before.pointer(gone).is_some(), "{gone}");
            server.patch(&path, json!([operation])).await.expect(200);
            let after = server.get(&path).await.json();
            assert_eq!(after.pointer(gone), None, "{operation}");
            assert_eq!(after["userName"], "ann");
        }
    }
}

#[tokio::test]
async fn r7643_2_5_03_what_has_no_value_is_left_out() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "nickName": null})).await;
        let user = server.read("/Users", &id).await;
        assert_eq!(without(&user, &["schemas", "id", "meta"]), json!({"userName": "ann"}));
        assert!(
            !server.get(&format!("/Users/{id}?attributes=nickName,emails,name")).await.text.contains("null")
        );
        let group = server.group("crew", &[]).await;
        assert_eq!(server.read("/Groups", &group).await.get("members"), None);
    }
}
