//! RFC 7643 sections 4.2 and 4.3: groups and the enterprise extension.

use crate::common::*;

#[tokio::test]
async fn r7643_4_2_01_the_schema_of_a_group_is_served() {
    for server in Server::all() {
        let schema =
            server.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group").await.expect(200).json();
        assert_eq!((&schema["id"], &schema["name"]), (&json!(GROUP), &json!("Group")));
        let group = server.group("crew", &[]).await;
        assert_eq!(server.read("/Groups", &group).await["schemas"], json!([schema["id"]]));
        assert_eq!(server.get("/ResourceTypes/Group").await.json()["schema"], schema["id"]);
    }
}

#[tokio::test]
async fn r7643_4_2_02_a_group_has_a_display_name() {
    for server in Server::all() {
        for body in [
            json!({"schemas": [GROUP]}),
            json!({"schemas": [GROUP], "displayName": null}),
            json!({"schemas": [GROUP], "displayName": ""}),
            json!({"schemas": [GROUP], "displayName": " ", "members": []}),
        ] {
            let detail = server.post("/Groups", &body).await.refused(400, "invalidValue");
            assert!(detail.contains("`displayName` is required"), "{detail}");
        }
        let path = format!("/Groups/{}", server.group("crew", &[]).await);
        server.put(&path, &json!({"schemas": [GROUP]})).await.refused(400, "invalidValue");
        server
            .patch(&path, json!([{"op": "remove", "path": "displayName"}]))
            .await
            .refused(400, "mutability");
        let schema = server.get(&format!("/Schemas/{GROUP}")).await.json();
        assert_eq!(
            (&schema["attributes"][0]["name"], &schema["attributes"][0]["required"]),
            (&json!("displayName"), &json!(true))
        );
        // Two groups may share one.
        server.group("crew", &[]).await;
    }
}

fn members(group: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> = group["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn r7643_4_2_03_members_come_and_go_but_do_not_change() {
    for server in Server::all() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        let path = format!("/Groups/{}", server.group("crew", &[&ann]).await);
        let of_ann = |sub: &str, value: Value| json!([{"op": "replace", "path": format!("members[value eq \"{ann}\"].{sub}"), "value": value}]);
        server.patch(&path, of_ann("value", json!(bob))).await.refused(400, "mutability");
        // The server says what type a member has and where it is. What a path says must be that, while what a whole
        // value says beside `value` goes unheard.
        let before = server.get(&path).await.json();
        let member = &before["members"][0];
        for (sub, other) in [
            ("type", json!("Group")),
            ("$ref", json!("http://example.com/Users/x")),
            ("display", json!("somebody else")),
        ] {
            server.patch(&path, of_ann(sub, other.clone())).await.refused(400, "mutability");
            let present = if sub == "display" { json!("ann") } else { member[sub].clone() };
            server.patch(&path, of_ann(sub, present)).await.expect(200);
            let all = json!([{"op": "replace", "path": format!("members.{sub}"), "value": other}]);
            server.patch(&path, all).await.refused(400, "mutability");
            let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"].{sub}")}]);
            server.patch(&path, remove).await.refused(400, "mutability");
            let mut value = json!({"value": ann});
            value[sub] = other;
            server
                .patch(&path, json!([{"op": "add", "path": "members", "value": [value]}]))
                .await
                .expect(200);
            assert_eq!(server.get(&path).await.json(), before);
        }
        let add = json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]);
        assert_eq!(members(&server.patch(&path, add).await.expect(200).json()), [&ann, &bob]);
        let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]);
        assert_eq!(members(&server.patch(&path, remove).await.expect(200).json()), [&bob]);
        // The attribute itself is readWrite: a PUT may replace the list.
        let put = json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": ann}]});
        assert_eq!(members(&server.put(&path, &put).await.expect(200).json()), [&ann]);
        assert_eq!(members(&server.get(&path).await.json()), [&ann]);
    }
}

#[tokio::test]
async fn r7643_4_2_04_a_member_is_an_id_and_its_uri() {
    for server in Server::all() {
        let ann = server.user(json!({"userName": "ann"})).await;
        // What the client says besides the id is not believed.
        let forged = json!({"value": ann, "$ref": "http://evil.example/Users/1", "type": "Group"});
        let body = json!({"schemas": [GROUP], "displayName": "crew", "members": [forged]});
        let path = format!("/Groups/{}", server.post("/Groups", &body).await.expect(201).id());
        let member = server.get(&path).await.json()["members"][0].clone();
        assert_eq!((&member["value"], &member["type"]), (&json!(ann), &json!("User")));
        assert_eq!(server.get(&path_of(&member["$ref"])).await.expect(200).id(), ann);
        let found = server.filter("/Groups", &format!("members.value eq \"{ann}\"")).await.expect(200);
        assert_eq!(found.json()["totalResults"], 1);
    }
}

#[tokio::test]
async fn r7643_4_2_05_groups_may_be_members() {
    for server in Server::all() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let inner = server.group("inner", &[&ann]).await;
        let outer = server.group("outer", &[&inner, &ann]).await;
        let read = server.read("/Groups", &outer).await;
        let kinds: Vec<(&str, &str)> = read["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| (member["value"].as_str().unwrap(), member["type"].as_str().unwrap()))
            .collect();
        assert!(
            kinds.len() == 2 && kinds.contains(&(&inner, "Group")) && kinds.contains(&(&ann, "User")),
            "{kinds:?}"
        );
        let found = server.filter("/Groups", "members[type eq \"Group\"]").await.expect(200);
        assert_eq!(found.strings("displayName"), ["outer"]);
        // Circles do no harm.
        let add = json!([{"op": "add", "path": "members", "value": [{"value": outer}]}]);
        server.patch(&format!("/Groups/{inner}"), add).await.expect(200);
        server.read("/Groups", &inner).await;
        server.read("/Users", &ann).await;
    }
}

#[tokio::test]
async fn r7643_4_2_06_a_member_has_a_value() {
    for server in Server::all() {
        for member in
            [json!({"display": "Ann"}), json!({"value": ""}), json!({"value": null}), json!({"value": 5})]
        {
            let body = json!({"schemas": [GROUP], "displayName": "crew", "members": [member]});
            let detail = server.post("/Groups", &body).await.refused(400, "invalidValue");
            assert!(detail.contains("members"), "{detail}");
        }
        assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7643_4_3_01_the_enterprise_extension_is_served() {
    for server in Server::all() {
        let uri = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let schema = server.get(&format!("/Schemas/{uri}")).await.expect(200).json();
        let names: Vec<&str> =
            schema["attributes"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            ["employeeNumber", "costCenter", "organization", "division", "department", "manager"]
        );
        let kind = server.get("/ResourceTypes/User").await.json();
        assert_eq!(kind["schemaExtensions"], json!([{"schema": uri, "required": false}]));
        let data = json!({"employeeNumber": "1", "costCenter": "4130", "organization": "O", "division": "D", "department": "E"});
        let body = json!({"schemas": [USER, uri], "userName": "ann", uri: data});
        let id = server.post("/Users", &body).await.expect(201).id();
        assert_eq!(server.read("/Users", &id).await[uri], data);
        for (name, value) in data.as_object().unwrap() {
            assert_eq!(server.names(&format!("{uri}:{name} eq {value}")).await, ["ann"], "{name}");
        }
    }
}

#[tokio::test]
async fn r7643_4_3_02_a_manager_is_a_user() {
    for server in Server::all() {
        let boss = server.user(json!({"userName": "boss", "displayName": "The Boss"})).await;
        let reference = format!("http://example.com/Users/{boss}");
        let manager = json!({"value": boss, "$ref": reference});
        let body =
            json!({"schemas": [USER, ENTERPRISE], "userName": "ann", ENTERPRISE: {"manager": manager}});
        let id = server.post("/Users", &body).await.expect(201).id();
        let shown = server.read("/Users", &id).await[ENTERPRISE]["manager"].clone();
        assert_eq!(shown["value"], json!(boss));
        assert_eq!(server.get(&path_of(&shown["$ref"])).await.expect(200).id(), boss);
        assert_eq!(server.names(&format!("{ENTERPRISE}:manager.value eq \"{boss}\"")).await, ["ann"]);
    }
}

#[tokio::test]
async fn r7643_4_3_03_the_display_name_of_a_manager_is_the_servers() {
    for server in Server::all() {
        let boss = server.user(json!({"userName": "boss", "displayName": "The Boss"})).await;
        let manager = json!({"value": boss, "displayName": "Forged"});
        let body =
            json!({"schemas": [USER, ENTERPRISE], "userName": "ann", ENTERPRISE: {"manager": manager}});
        let created = server.post("/Users", &body).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let put = server.put(&path, &body).await.expect(200);
        let whole = json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": manager}]);
        let patched = server.patch(&path, whole).await.expect(200);
        for operation in [
            json!({"op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "Forged"}),
            json!({"op": "add", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "Forged"}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "mutability");
        }
        for answer in [created, put, patched, server.get(&path).await] {
            assert!(!answer.text.contains("Forged"), "{answer:?}");
        }
        assert_eq!(server.get(&path).await.json()[ENTERPRISE]["manager"]["value"], json!(boss));
    }
}
