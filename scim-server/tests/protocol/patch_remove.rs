//! RFC 7644 section 3.5.2.2: PATCH `remove`.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

/// The resource after one `remove` that succeeds.
async fn without(server: &Server, path: &str, target: &str) -> Value {
    let answer = server.patch(path, json!([{"op": "remove", "path": target}])).await.expect(200).json();
    assert_eq!(server.get(path).await.json(), answer);
    answer
}

#[tokio::test]
async fn r7644_3_5_2_2_01_without_a_path_there_is_no_target() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for operation in [
            json!({"op": "remove"}),
            json!({"op": "remove", "path": null}),
            json!({"op": "remove", "value": {"title": "Tour Guide"}}),
            json!({"op": "remove", "value": ["title"]}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "noTarget");
        }
        assert_eq!(server.get(&path).await.text, before, "P4: in every mode");
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_02_a_single_value_is_gone() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for name in ["title", "active", "name"] {
            assert!(without(&server, &path, name).await.get(name).is_none());
            assert_eq!(server.names(&format!("{name} pr")).await, [""; 0]);
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_03_a_list_without_filter_is_gone() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        assert!(without(&server, &path, "emails").await.get("emails").is_none());
        let group = server.group("staff", &[&path]).await;
        assert!(without(&server, &group, "members").await.get("members").is_none());
        assert!(server.get(&path).await.json().get("groups").is_none());
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_03_b_a_list_of_values_to_remove_is_an_error_or_means_these() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let ann = server.user(json!({"userName": "ann"})).await;
        let group = server.group("staff", &[&path, &ann]).await;
        let operation = json!([{"op": "remove", "path": "members", "value": [{"value": id(&ann)}]}]);
        let answer = server.patch(&group, operation).await;
        if server.strict {
            answer.refused(400, "invalidValue");
            assert_eq!(server.members(&group).await.len(), 2, "P5: never all of them");
        } else {
            answer.expect(200);
            assert_eq!(server.members(&group).await, [id(&path)], "P5");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_04_only_the_values_that_match_are_gone() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = without(&server, &path, "emails[type eq \"work\"]").await;
        assert_eq!(json["emails"], json!([full_user("x")["emails"][1]]));
        let json = without(&server, &path, "addresses[streetAddress sw \"100\"]").await;
        assert_eq!(json["addresses"], json!([full_user("x")["addresses"][1]]));
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let group = server.group("staff", &[&ann, &bob, &path]).await;
        without(&server, &group, &format!("members[value eq \"{}\"]", id(&bob))).await;
        assert_eq!(server.members(&group).await, [id(&ann), id(&path)]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_05_without_its_last_value_a_list_is_unassigned() {
    for server in everywhere() {
        let ann = server
            .user(json!({"userName": "ann", "emails": [{"value": "a@x.example", "type": "work"}]}))
            .await;
        let json = without(&server, &ann, "emails[type eq \"work\"]").await;
        assert!(json.get("emails").is_none(), "{json}");
        assert_eq!(server.names("emails pr").await, [""; 0]);
        let group = server.group("staff", &[&ann]).await;
        let json = without(&server, &group, &format!("members[value eq \"{}\"]", id(&ann))).await;
        assert!(json.get("members").is_none(), "{json}");
        let manager = format!("{ENTERPRISE}:department");
        server.patch(&ann, json!([{"op": "add", "path": manager, "value": "D"}])).await.expect(200);
        let json = without(&server, &ann, &manager).await;
        assert!(json.get(ENTERPRISE).is_none() && json["schemas"] == json!([USER]), "{json}");
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_05_b_without_its_last_part_a_value_is_none() {
    for server in everywhere() {
        let emails = json!([{"value": "a@x.example"}, {"value": "b@x.example", "display": "b"}]);
        let ann = server.user(json!({"userName": "ann", "emails": emails, "name": {"givenName": "A"}})).await;
        let json = without(&server, &ann, "emails.value").await;
        assert_eq!(json["emails"], json!([{"display": "b"}]));
        let json = without(&server, &ann, "emails[display eq \"b\"].display").await;
        assert!(json.get("emails").is_none(), "{json}");
        let json = without(&server, &ann, "name.givenName").await;
        assert!(json.get("name").is_none(), "{json}");
        assert_eq!(server.names("emails pr or name pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_06_a_sub_attribute_of_the_values_that_match_is_gone() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = without(&server, &path, "emails[type eq \"home\"].display").await;
        assert_eq!(json["emails"][1], json!({"value": "babs@jensen.org", "type": "home"}));
        assert_eq!(json["emails"][0], full_user("x")["emails"][0]);
        let json = without(&server, &path, "addresses[country eq \"US\"].country").await;
        let countries: Vec<_> =
            json["addresses"].as_array().unwrap().iter().map(|a| a.get("country")).collect();
        assert_eq!(countries, [None, None], "of each that matches");
        let json = without(&server, &path, "addresses.locality").await;
        let localities: Vec<_> =
            json["addresses"].as_array().unwrap().iter().map(|a| a.get("locality")).collect();
        assert_eq!(localities, [None, None], "without a filter: of all of them");
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_07_a_sub_attribute_of_a_single_value_is_gone() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = without(&server, &path, "name.middleName").await;
        assert_eq!(json["name"], json!({"familyName": "Jensen", "givenName": "Barbara"}));
        without(&server, &path, "name.familyName").await;
        let json = without(&server, &path, "name.givenName").await;
        assert!(json.get("name").is_none(), "and with the last one its parent: {json}");
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_08_required_and_read_only_attributes_are_a_matter_of_mutability() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let before = [server.get(&path).await.text, server.get(&group).await.text];
        for target in [
            "userName",
            "id",
            "groups",
            "meta",
            "meta.location",
            "schemas",
            &format!("groups[value eq \"{}\"]", id(&group)),
        ] {
            server.patch(&path, json!([{"op": "remove", "path": target}])).await.refused(400, "mutability");
        }
        for target in ["displayName", "id"] {
            server.patch(&group, json!([{"op": "remove", "path": target}])).await.refused(400, "mutability");
        }
        assert_eq!([server.get(&path).await.text, server.get(&group).await.text], before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_09_removing_who_is_no_member_succeeds_and_changes_nothing() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let before = server.get(&group).await.text;
        server.tick();
        for target in ["members[value eq \"none\"]", "members[value eq \"id-9\" or type eq \"Group\"]"] {
            let answer = server.patch(&group, json!([{"op": "remove", "path": target}])).await.expect(200);
            assert_eq!(answer.text, before, "P3: {target}");
        }
        let before = server.get(&path).await.text;
        let target = "emails[type eq \"other\"]";
        assert_eq!(
            server.patch(&path, json!([{"op": "remove", "path": target}])).await.expect(200).text,
            before
        );
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_10_removing_what_is_unassigned_succeeds() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for target in ["title", "name.middleName", "emails", "photos", &format!("{ENTERPRISE}:costCenter")] {
            without(&server, &path, target).await;
            let once = server.get(&path).await.text;
            server.tick();
            without(&server, &path, target).await;
            assert_eq!(server.get(&path).await.text, once, "{target}");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_11_attributes_of_an_extension_and_all_of_it() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = without(&server, &path, &format!("{ENTERPRISE}:department")).await;
        assert_eq!(json[ENTERPRISE], json!({"employeeNumber": "701984"}));
        let json = without(&server, &path, ENTERPRISE).await;
        assert!(json.get(ENTERPRISE).is_none(), "P8: {json}");
        assert_eq!(json["schemas"], json!([USER]));
        server.patch(&path, json!([{"op": "remove", "path": USER}])).await.refused(400, "mutability");
    }
}

#[tokio::test]
async fn r7644_3_5_2_2_12_filters_of_several_terms_select_values() {
    for server in everywhere() {
        for (target, left) in [
            ("emails[type eq \"work\" and value ew \"example.com\"]", &["babs@jensen.org"][..]),
            (
                "emails[type eq \"work\" and value ew \"jensen.org\"]",
                &["bjensen@example.com", "babs@jensen.org"],
            ),
            ("emails[type eq \"home\" or primary eq true]", &[]),
            ("emails[not (type eq \"work\")]", &["bjensen@example.com"]),
            ("emails[display pr]", &["bjensen@example.com"]),
            ("emails[TYPE eq \"WORK\"]", &["babs@jensen.org"]),
        ] {
            let path = bjensen(&server).await;
            let json = without(&server, &path, target).await;
            assert_eq!(strings(&json["emails"], "value"), left, "{target}");
            server.delete(&path).await.expect(204);
        }
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let inner = server.group("inner", &[]).await;
        let group = server.group("outer", &[&ann, &bob, &inner]).await;
        without(&server, &group, &format!("members[type eq \"User\" and value ne \"{}\"]", id(&ann))).await;
        assert_eq!(server.members(&group).await, [id(&ann), id(&inner)]);
    }
}
