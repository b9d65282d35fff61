//! RFC 7644 sections 3.5 and 3.5.1: PUT.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

async fn a_thing(server: &Server, attributes: Value) -> String {
    format!("/Things/{}", server.post("/Things", &thing(attributes)).await.expect(201).id())
}

#[tokio::test]
async fn r7644_3_5_01_put_is_supported() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        server.put(&path, &full_user("bjensen")).await.expect(200);
        let group = server.group("staff", &[]).await;
        server.put(&group, &json!({"schemas": [GROUP], "displayName": "crew"})).await.expect(200);
        assert_eq!(server.get(&group).await.json()["displayName"], "crew");
    }
}

#[tokio::test]
async fn r7644_3_5_02_patch_is_supported_and_declared() {
    for server in everywhere() {
        let config = server.get("/ServiceProviderConfig").await.expect(200).json();
        assert_eq!(config["patch"]["supported"], true);
        let path = bjensen(&server).await;
        server.patch(&path, json!([{"op": "remove", "path": "title"}])).await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_5_1_01_what_is_given_takes_the_place_of_what_was() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let body = user(json!({"userName": "bjensen", "title": "Chief", "active": false,
            "emails": [{"value": "new@example.com", "type": "other"}], "name": {"familyName": "J"},
            "password": "other"}));
        server.put(&path, &body).await.expect(200);
        let json = server.get(&path).await.json();
        assert_eq!(json["title"], "Chief");
        assert_eq!(json["active"], false);
        assert_eq!(json["emails"], json!([{"value": "new@example.com", "type": "other"}]));
        assert_eq!(json["name"], json!({"familyName": "J"}));
        server.put(&path, &user(json!({"userName": "renamed"}))).await.expect(200);
        assert_eq!(server.names("userName eq \"renamed\"").await, ["renamed"]);
        assert_eq!(server.names("userName eq \"bjensen\"").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_02_what_is_left_out_is_cleared() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = server.put(&path, &user(json!({"userName": "bjensen"}))).await.expect(200).json();
        assert_eq!(keys(&json), ["id", "meta", "schemas", "userName"], "C7");
        assert_eq!(json["schemas"], json!([USER]));
        assert_eq!(server.names("title pr or emails pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_03_null_and_an_empty_list_clear() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let mut body = full_user("bjensen");
        body["nickName"] = json!(null);
        body["emails"] = json!([]);
        body["name"]["middleName"] = json!(null);
        let json = server.put(&path, &body).await.expect(200).json();
        assert!(json.get("nickName").is_none() && json.get("emails").is_none(), "{json}");
        assert_eq!(json["name"], json!({"familyName": "Jensen", "givenName": "Barbara"}));
        assert_eq!(server.names("nickName pr or emails pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_04_immutable_values_must_be_those_that_there_are() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let path = a_thing(&server, json!({"place": "here", "words": ["a"]})).await;
        let before = server.get(&path).await.text;
        server.put(&path, &thing(json!({"serial": "S2", "place": "here"}))).await.refused(400, "mutability");
        server.put(&path, &thing(json!({"place": "there"}))).await.refused(400, "mutability");
        assert_eq!(server.get(&path).await.text, before);
        let json =
            server.put(&path, &thing(json!({"place": "here", "words": ["b"]}))).await.expect(200).json();
        assert_eq!((&json["place"], &json["words"]), (&json!("here"), &json!(["b"])));
    }
}

#[tokio::test]
async fn r7644_3_5_1_05_an_immutable_attribute_without_value_takes_one() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let path = a_thing(&server, json!({})).await;
        let json = server.put(&path, &thing(json!({"place": "here"}))).await.expect(200).json();
        assert_eq!(json["place"], "here");
        server.put(&path, &thing(json!({"place": "there"}))).await.refused(400, "mutability");
        let json = server.put(&path, &thing(json!({}))).await.expect(200).json();
        assert_eq!(json["place"], "here", "C8: leaving it out keeps it");
    }
}

#[tokio::test]
async fn r7644_3_5_1_06_read_only_values_are_ignored() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let before = server.get(&path).await.json();
        let mut body = full_user("bjensen");
        body["id"] = json!("other");
        body["groups"] = json!([]);
        body["meta"] = json!({"created": "1999-01-01T00:00:00Z", "resourceType": "Group", "location": "/x",
            "version": "W/\"1\""});
        body[ENTERPRISE]["manager"] = json!({"displayName": "Forged"});
        server.tick();
        let after = server.put(&path, &body).await.expect(200).json();
        assert_eq!(after["id"], before["id"], "C6");
        assert_eq!(after["groups"], before["groups"]);
        assert_eq!(strings(&after["groups"], "value"), [id(&group)]);
        for member in ["created", "resourceType", "location"] {
            assert_eq!(after["meta"][member], before["meta"][member], "{member}");
        }
        assert!(!after.to_string().contains("Forged"));
    }
}

#[tokio::test]
async fn r7644_3_5_1_07_required_attributes_must_be_given() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for body in [
            user(json!({"title": "x"})),
            user(json!({"userName": null})),
            user(json!({"userName": ""})),
            user(json!({"userName": "  "})),
        ] {
            let detail = server.put(&path, &body).await.refused(400, "invalidValue");
            assert!(detail.contains("`userName` is required"), "{detail}");
        }
        assert_eq!(server.get(&path).await.text, before);
        let group = server.group("staff", &[]).await;
        server.put(&group, &json!({"schemas": [GROUP]})).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_5_1_08_success_is_200_with_the_whole_resource() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let answer = server.put(&path, &full_user("bjensen")).await.expect(200);
        let json = answer.json();
        let created = full_user("bjensen");
        for name in ["userName", "name", "emails", "addresses", "title", "externalId", ENTERPRISE, "schemas"]
        {
            assert_eq!(json[name], created[name], "{name}");
        }
        assert_eq!(answer.header("location"), Some("https://example.com/v2/Users/id-1"));
        assert!(answer.header("etag").is_some());
    }
}

#[tokio::test]
async fn r7644_3_5_1_09_an_unknown_id_is_404_and_nothing_is_made() {
    for server in everywhere() {
        server.put("/Users/none", &user(json!({"userName": "ann"}))).await.refused(404, "");
        server.put("/Groups/none", &json!({"schemas": [GROUP], "displayName": "x"})).await.refused(404, "");
        assert_eq!(server.get("/").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_5_1_10_a_used_unique_value_is_409() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        server.user(json!({"userName": "bob"})).await;
        let before = server.get(&path).await.text;
        for name in ["bob", "BOB"] {
            server.put(&path, &full_user(name)).await.refused(409, "uniqueness");
        }
        assert_eq!(server.get(&path).await.text, before);
        let json = server.put(&path, &full_user("BJensen")).await.expect(200).json();
        assert_eq!(json["userName"], "BJensen", "its own is no conflict");
    }
}

#[tokio::test]
async fn r7644_3_5_1_11_last_modified_and_version_move_and_created_stays() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.json()["meta"].clone();
        server.tick();
        let after = server.put(&path, &full_user("renamed")).await.expect(200).json()["meta"].clone();
        assert_eq!(after["created"], before["created"]);
        assert_eq!(after["lastModified"], "2023-11-14T22:13:21.000Z");
        assert_ne!(after["version"], before["version"]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_12_lists_are_replaced_and_not_merged() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let mut body = full_user("bjensen");
        body["emails"] = json!([{"value": "babs@jensen.org", "type": "home"}]);
        let json = server.put(&path, &body).await.expect(200).json();
        assert_eq!(json["emails"], body["emails"], "nor is `display` of the value that was there kept");
        assert_eq!(server.names("emails.value eq \"bjensen@example.com\"").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_13_extensions_are_replaced_too() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let mut body = full_user("bjensen");
        body[ENTERPRISE] = json!({"department": "Sales"});
        let json = server.put(&path, &body).await.expect(200).json();
        assert_eq!(json[ENTERPRISE], json!({"department": "Sales"}));
        body.as_object_mut().unwrap().remove(ENTERPRISE);
        let json = server.put(&path, &body).await.expect(200).json();
        assert!(json.get(ENTERPRISE).is_none());
        assert_eq!(json["schemas"], json!([USER]));
        assert_eq!(server.names(&format!("{ENTERPRISE}:department pr")).await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_14_the_members_of_a_group_are_replaced() {
    for server in everywhere() {
        let mut users = Vec::new();
        for name in ["ann", "bob", "cid"] {
            users.push(server.user(json!({"userName": name})).await);
        }
        let group = server.group("staff", &[&users[0], &users[1]]).await;
        let body = json!({"schemas": [GROUP], "displayName": "staff",
            "members": [{"value": id(&users[2])}, {"value": id(&users[1])}]});
        server.put(&group, &body).await.expect(200);
        let mut members = server.members(&group).await;
        members.sort();
        assert_eq!(members, ["id-2", "id-3"]);
        assert!(server.get(&users[0]).await.json().get("groups").is_none());
        server.put(&group, &json!({"schemas": [GROUP], "displayName": "staff"})).await.expect(200);
        assert_eq!(server.members(&group).await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_1_15_the_answer_is_what_a_get_shows() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let put = server.put(&path, &user(json!({"userName": "x", "title": "y"}))).await.expect(200);
        assert_eq!(put.json(), server.get(&path).await.json());
        let body = json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": id(&path)}]});
        let put = server.put(&group, &body).await.expect(200);
        assert_eq!(put.json(), server.get(&group).await.json());
    }
}
