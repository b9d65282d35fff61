//! RFC 7643 sections 2.3.7 and 2.3.8: references and complex attributes.

use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Schema};

use crate::common::*;
use crate::custom;
use crate::rfc7643_2_types::{published, refuses_uniqueness};

#[tokio::test]
async fn r7643_2_3_7_01_references_are_uris() {
    for server in Server::all() {
        let boss = server.user(json!({"userName": "boss"})).await;
        let user = json!({"userName": "ann", "profileUrl": "https://example.org/~ann?x=1#top",
            "photos": [{"value": "https://example.org/ann.jpg"}], ENTERPRISE: {"manager": {"value": boss}}});
        let id = server.user(user).await;
        let group = server.group("crew", &[&id]).await;
        let user = server.read("/Users", &id).await;
        let group = server.read("/Groups", &group).await;
        let manager = &user[ENTERPRISE]["manager"]["$ref"];
        let mut shown = vec![
            &user["meta"]["location"],
            &group["meta"]["location"],
            &group["members"][0]["$ref"],
            &user["groups"][0]["$ref"],
            &user["profileUrl"],
            &user["photos"][0]["value"],
        ];
        if !manager.is_null() {
            shown.push(manager);
        }
        for reference in shown {
            let uri: http::Uri = reference.as_str().unwrap().parse().unwrap();
            assert!(uri.scheme().is_some() && uri.host().is_some(), "absolute: {uri}");
        }
        let body = json!({"schemas": [USER], "userName": "x", "profileUrl": "https://example.org/\u{7}"});
        server.post("/Users", &body).await.refused(400, "invalidValue");
        // Of discovery, lists and their pages too.
        for path in ["/", "/Schemas", "/ResourceTypes", "/Users?count=1"] {
            let list = server.get(path).await.expect(200).json();
            for resource in list["Resources"].as_array().unwrap() {
                let location = resource["meta"]["location"].as_str().unwrap();
                let uri: http::Uri = location.parse().unwrap();
                assert!(uri.scheme().is_some() && uri.host().is_some(), "absolute: {uri}");
                server.get(&path_of(&resource["meta"]["location"])).await.expect(200);
            }
        }
    }
}

#[tokio::test]
async fn r7643_2_3_7_01b_references_of_clients_are_absolute_or_relative_uris_and_strings() {
    let link = Attribute::new("link", DataType::Reference).with_reference_types(["uri"]);
    let schema = Schema::new("urn:example:Thing".parse().unwrap(), "Thing", "", [link]).unwrap();
    let registry = custom::registry_of(schema, "Thing");
    for server in Server::all_with(|builder| builder.registry(registry.clone())) {
        let thing = |link: Value| json!({"schemas": ["urn:example:Thing"], "link": link});
        let set = |link: &Value| json!([{"op": "replace", "path": "link", "value": link}]);
        let path = format!("/Things/{}", server.post("/Things", &thing(json!(null))).await.expect(201).id());
        for uri in [
            "https://example.org/~ann?x=1#top",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "mailto:ann@example.org",
            "../Users/ann",
            "/Users/ann",
            "Users/ann?x=1#top",
            "//example.org/Users/ann",
            "https://[2001:db8::1]:8443/a%20b",
        ] {
            let created = server.post("/Things", &thing(json!(uri))).await.expect(201).json();
            assert_eq!(created["link"], uri, "as it came");
            assert_eq!(server.patch(&path, set(&json!(uri))).await.expect(200).json()["link"], uri);
            assert_eq!(server.put(&path, &thing(json!(uri))).await.expect(200).json()["link"], uri);
            let found = server.filter("/Things", &format!("link eq \"{uri}\"")).await.expect(200);
            assert_eq!(found.json()["totalResults"], 2, "{uri}");
        }
        let before = server.get(&path).await.text;
        for wrong in
            [json!(5), json!(true), json!({"value": "x"}), json!("https://x.org/\u{7}"), json!("a\u{0}b")]
        {
            server.post("/Things", &thing(wrong.clone())).await.refused(400, "invalidValue");
            server.put(&path, &thing(wrong.clone())).await.refused(400, "invalidValue");
            server.patch(&path, set(&wrong)).await.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7643_2_3_7_02_relative_uris_resolve_against_the_service_root() {
    // ResourceType.endpoint is the relative reference that the server itself shows.
    let mounted = Server::with(|builder| builder.mounted_at(["/scim/v2"]));
    let list = mounted.get("/scim/v2/ResourceTypes").await.expect(200).json();
    for kind in list["Resources"].as_array().unwrap() {
        let endpoint = kind["endpoint"].as_str().unwrap();
        assert!(endpoint.starts_with('/'));
        mounted.get(&format!("/scim/v2{endpoint}")).await.expect(200);
    }
    // A relative `$ref` that a client has given comes back as it was, and joined to the root it is the resource.
    let boss =
        mounted.post("/scim/v2/Users", &json!({"schemas": [USER], "userName": "boss"})).await.expect(201);
    assert_eq!(path_of(&boss.json()["meta"]["location"]), format!("/scim/v2/Users/{}", boss.id()));
    let relative = format!("../Users/{}", boss.id());
    let body = json!({"schemas": [USER], "userName": "ann",
        ENTERPRISE: {"manager": {"value": boss.id(), "$ref": relative}}});
    let ann = mounted.post("/scim/v2/Users", &body).await.expect(201).json();
    let shown = ann[ENTERPRISE]["manager"]["$ref"].as_str().unwrap();
    let path = match shown.strip_prefix("../") {
        Some(rest) => format!("/scim/v2/{rest}"),
        None => path_of(&ann[ENTERPRISE]["manager"]["$ref"]),
    };
    assert_eq!(mounted.get(&path).await.expect(200).id(), boss.id());
}

#[tokio::test]
async fn r7643_2_3_7_03_references_are_case_exact() {
    for server in Server::all() {
        server.user(json!({"userName": "ann", "profileUrl": "https://example.org/Ann"})).await;
        assert_eq!(server.names("profileUrl eq \"https://example.org/Ann\"").await, ["ann"]);
        assert!(server.names("profileUrl eq \"https://example.org/ann\"").await.is_empty());
        assert!(server.names("profileUrl co \"ANN\"").await.is_empty());
        for (path, attribute) in published(&server).await.iter().filter(|(_, a)| a["type"] == "reference") {
            assert_eq!(attribute["caseExact"], true, "{path}");
        }
    }
}

#[tokio::test]
async fn r7643_2_3_7_04_a_reference_to_a_resource_can_be_followed() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann"})).await;
        let inner = server.group("inner", &[&id]).await;
        let outer = server.group("outer", &[&inner]).await;
        let user = server.read("/Users", &id).await;
        let (inner, outer) = (server.read("/Groups", &inner).await, server.read("/Groups", &outer).await);
        let follow = async |reference: &Value| server.get(&path_of(reference)).await.expect(200).json();
        assert_eq!(follow(&inner["members"][0]["$ref"]).await, user);
        assert_eq!(follow(&outer["members"][0]["$ref"]).await, inner);
        assert_eq!(follow(&user["groups"][0]["$ref"]).await["id"], user["groups"][0]["value"]);
        server.delete(&path_of(&user["meta"]["location"])).await.expect(204);
        server.get(&path_of(&inner["members"][0]["$ref"])).await.refused(404, "");
    }
}

#[tokio::test]
async fn r7643_2_3_7_05_members_refer_to_what_exists() {
    for server in Server::all() {
        let body = json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": "nobody"}]});
        let detail = server.post("/Groups", &body).await.refused(400, "invalidValue");
        assert!(detail.contains("nobody"), "{detail}");
        let group = server.group("crew", &[]).await;
        let patch = json!([{"op": "add", "path": "members", "value": [{"value": "nobody"}]}]);
        server.patch(&format!("/Groups/{group}"), patch).await.refused(400, "invalidValue");
        assert!(server.read("/Groups", &group).await.get("members").is_none());
    }
}

#[tokio::test]
async fn r7643_2_3_8_01_the_order_of_members_means_nothing() {
    /// JSON with the members of every object in reverse order.
    fn reversed(value: &Value) -> String {
        match value {
            Value::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .rev()
                    .map(|(name, value)| format!("{}:{}", json!(name), reversed(value)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            Value::Array(items) => {
                format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        }
    }
    for server in Server::all() {
        let plain = server.post("/Users", &barbara()).await.expect(201);
        server.delete(&format!("/Users/{}", plain.id())).await.expect(204);
        let body = reversed(&barbara());
        assert_ne!(body, barbara().to_string());
        let other = server.send("POST", "/Users", &[], body).await.expect(201);
        assert_eq!(without(&other.json(), &["id", "meta"]), without(&plain.json(), &["id", "meta"]));
    }
}

#[tokio::test]
async fn r7643_2_3_8_02_complex_attributes_do_not_nest() {
    for server in [Server::new(), custom::servers().next().unwrap()] {
        let mut seen = 0;
        for (path, attribute) in published(&server).await {
            // A Schema describes attributes, which have sub-attributes: the one exception, in the RFC's own text.
            if path.starts_with("urn:ietf:params:scim:schemas:core:2.0:Schema.") {
                continue;
            }
            for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
                assert_ne!(sub["type"], "complex", "{path}");
                seen += 1;
            }
        }
        assert!(seen > 0);
    }
    let inner = Attribute::complex("inner", [Attribute::new("a", DataType::String)]);
    let schema =
        Schema::new("urn:example:T".parse().unwrap(), "T", "", [Attribute::complex("outer", [inner])]);
    assert!(schema.unwrap_err().to_string().contains("complex attributes cannot nest"));
}

#[tokio::test]
async fn r7643_2_3_8_03_complex_attributes_have_no_uniqueness_and_no_case() {
    refuses_uniqueness(Attribute::complex("a", [Attribute::new("b", DataType::String)]));
    for (path, attribute) in published(&Server::new()).await.iter().filter(|(_, a)| a["type"] == "complex") {
        assert!(attribute.get("uniqueness").is_none_or(|uniqueness| uniqueness == "none"), "{path}");
        assert_eq!(attribute.get("caseExact"), None, "{path}");
    }
}
