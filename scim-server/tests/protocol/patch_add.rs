//! RFC 7644 section 3.5.2.1: PATCH `add`.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

/// The user after one operation that succeeds.
async fn after(server: &Server, path: &str, operation: Value) -> Value {
    let answer = server.patch(path, json!([operation])).await.expect(200).json();
    assert_eq!(server.get(path).await.json(), answer);
    answer
}

#[tokio::test]
async fn r7644_3_5_2_1_01_add_needs_a_value() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[]).await;
        for operation in [
            json!({"op": "add", "path": "title"}),
            json!({"op": "add", "path": "emails[type eq \"work\"].display"}),
            json!({"op": "add", "path": format!("{ENTERPRISE}:department")}),
            json!({"op": "add", "path": ENTERPRISE}),
            json!({"op": "add"}),
        ] {
            let detail = server.patch(&path, json!([operation])).await.refused(400, "invalidValue");
            assert!(detail.contains("`value`"), "{operation}: {detail}");
        }
        server.patch(&group, json!([{"op": "add", "path": "members"}])).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_02_without_a_path_the_value_is_merged_in() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let value = json!({"nickName": "B", "emails": [{"value": "new@x.example", "type": "other"}],
            "name": {"honorificPrefix": "Ms."}, ENTERPRISE: {"division": "West"}, "title": "Chief"});
        let json = after(&server, &path, json!({"op": "add", "value": value})).await;
        assert_eq!((&json["nickName"], &json["title"]), (&json!("B"), &json!("Chief")));
        assert_eq!(
            strings(&json["emails"], "value"),
            ["bjensen@example.com", "babs@jensen.org", "new@x.example"]
        );
        assert_eq!(json["name"]["honorificPrefix"], "Ms.");
        assert_eq!(json["name"]["familyName"], "Jensen");
        let enterprise =
            json!({"employeeNumber": "701984", "department": "Tour Operations", "division": "West"});
        assert_eq!(json[ENTERPRISE], enterprise);
        for wrong in [json!("x"), json!(["nickName"]), json!(5), json!(null)] {
            server.patch(&path, json!([{"op": "add", "value": wrong}])).await.refused(400, "invalidValue");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_02_b_keys_with_a_dot_are_paths_only_where_that_is_tolerated() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let urn = format!("{ENTERPRISE}:division");
        let json = after(&server, &path, json!({"op": "add", "value": {urn: "West"}})).await;
        assert_eq!(json[ENTERPRISE]["division"], "West", "P7: a key with a URN is a path in any case");
        let dotted =
            server.patch(&path, json!([{"op": "add", "value": {"name.honorificPrefix": "Ms."}}])).await;
        if server.strict {
            dotted.refused(400, "invalidPath");
        } else {
            assert_eq!(dotted.expect(200).json()["name"]["honorificPrefix"], "Ms.", "P7");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_03_what_is_absent_is_added() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        assert_eq!(
            after(&server, &ann, json!({"op": "add", "path": "title", "value": "T"})).await["title"],
            "T"
        );
        assert_eq!(
            after(&server, &ann, json!({"op": "add", "path": "active", "value": true})).await["active"],
            true
        );
        let json =
            after(&server, &ann, json!({"op": "add", "path": "name", "value": {"givenName": "Ann"}})).await;
        assert_eq!(json["name"], json!({"givenName": "Ann"}));
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_04_a_complex_value_is_merged() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let value = json!({"givenName": "Babs", "honorificPrefix": "Ms."});
        let json = after(&server, &path, json!({"op": "add", "path": "name", "value": value})).await;
        let expected = json!({"familyName": "Jensen", "givenName": "Babs", "middleName": "Jane", "honorificPrefix": "Ms."});
        assert_eq!(json["name"], expected);
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_05_a_value_is_appended_to_a_list() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = after(
            &server,
            &path,
            json!({"op": "add", "path": "emails", "value": [{"value": "1@x.example"}]}),
        )
        .await;
        assert_eq!(
            strings(&json["emails"], "value"),
            ["bjensen@example.com", "babs@jensen.org", "1@x.example"]
        );
        let json =
            after(&server, &path, json!({"op": "add", "path": "emails", "value": {"value": "2@x.example"}}))
                .await;
        assert_eq!(json["emails"].as_array().unwrap().len(), 4, "P14: one object is a list of one");
        let two = json!([{"value": "3@x.example"}, {"value": "4@x.example"}]);
        let json = after(&server, &path, json!({"op": "add", "path": "emails", "value": two})).await;
        assert_eq!(json["emails"].as_array().unwrap().len(), 6);
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_06_a_single_value_is_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = after(&server, &path, json!({"op": "add", "path": "title", "value": "Chief"})).await;
        assert_eq!(json["title"], "Chief");
        let json = after(&server, &path, json!({"op": "add", "path": "userName", "value": "babs"})).await;
        assert_eq!(json["userName"], "babs");
        assert_eq!(server.names("userName eq \"bjensen\"").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_07_an_existing_value_is_not_added_again() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for value in [
            json!([{"value": "babs@jensen.org", "type": "home", "display": "at home"}]),
            json!([{"value": "babs@jensen.org", "type": "home"}]),
            json!([{"value": "babs@jensen.org"}]),
            json!([{"value": "BABS@JENSEN.ORG", "type": "Home"}]),
        ] {
            let json = after(&server, &path, json!({"op": "add", "path": "emails", "value": value})).await;
            assert_eq!(json["emails"], full_user("x")["emails"], "P15: {value}");
        }
        let ann = server.user(json!({"userName": "ann"})).await;
        let group = server.group("staff", &[&ann]).await;
        for value in [
            json!([{"value": id(&ann)}]),
            json!([{"value": id(&ann), "display": "other", "type": "User"}]),
            json!([{"value": id(&ann)}, {"value": id(&ann)}]),
        ] {
            after(&server, &group, json!({"op": "add", "path": "members", "value": value})).await;
            assert_eq!(server.members(&group).await, [id(&ann)]);
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_07_b_what_it_says_beyond_the_existing_value_is_added_to_that() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let value = json!([{"value": "bjensen@example.com", "type": "work", "display": "d"}]);
        let json = after(&server, &path, json!({"op": "add", "path": "emails", "value": value})).await;
        let work = json!({"value": "bjensen@example.com", "type": "work", "primary": true, "display": "d"});
        assert_eq!(json["emails"], json!([work, full_user("x")["emails"][1]]), "C19");
        let value = json!([{"value": "babs@jensen.org", "primary": false}]);
        let again = after(&server, &path, json!({"op": "add", "path": "emails", "value": value})).await;
        assert_eq!(again, json, "no primary is primary false");
        let value = json!([{"value": "babs@jensen.org", "type": "work"}]);
        let json = after(&server, &path, json!({"op": "add", "path": "emails", "value": value})).await;
        assert_eq!(json["emails"].as_array().unwrap().len(), 3, "another type is another value");
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_08_which_does_not_touch_last_modified() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let before = [server.get(&path).await.text, server.get(&group).await.text];
        server.tick();
        let email =
            json!([{"op": "add", "path": "emails", "value": [{"value": "babs@jensen.org", "type": "home"}]}]);
        server.patch(&path, email).await.expect(200);
        let member = json!([{"op": "add", "path": "members", "value": [{"value": id(&path)}]}]);
        server.patch(&group, member).await.expect(200);
        server.patch(&path, json!([{"op": "add", "path": "title", "value": "Tour Guide"}])).await.expect(200);
        assert_eq!([server.get(&path).await.text, server.get(&group).await.text], before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_09_a_path_may_name_a_sub_attribute() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json =
            after(&server, &path, json!({"op": "add", "path": "name.honorificSuffix", "value": "III"})).await;
        assert_eq!(
            (&json["name"]["honorificSuffix"], &json["name"]["givenName"]),
            (&json!("III"), &json!("Barbara"))
        );
        let ann = server.user(json!({"userName": "ann"})).await;
        let json = after(&server, &ann, json!({"op": "add", "path": "name.familyName", "value": "A"})).await;
        assert_eq!(json["name"], json!({"familyName": "A"}), "which makes its parent");
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_10_extensions_by_urn_by_attribute_and_by_key() {
    for server in everywhere() {
        for operation in [
            json!({"op": "add", "path": ENTERPRISE, "value": {"department": "Sales"}}),
            json!({"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Sales"}),
            json!({"op": "add", "value": {ENTERPRISE: {"department": "Sales"}}}),
        ] {
            let ann = server.user(json!({"userName": "ann"})).await;
            let json = after(&server, &ann, operation.clone()).await;
            assert_eq!(json[ENTERPRISE], json!({"department": "Sales"}), "{operation}");
            assert_eq!(json["schemas"], json!([USER, ENTERPRISE]));
            assert_eq!(server.names(&format!("{ENTERPRISE}:department eq \"sales\"")).await, ["ann"]);
            server.delete(&ann).await.expect(204);
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_11_a_sub_attribute_of_the_values_that_match() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = after(
            &server,
            &path,
            json!({"op": "add", "path": "emails[type eq \"work\"].display", "value": "d"}),
        )
        .await;
        let work = json!({"value": "bjensen@example.com", "type": "work", "primary": true, "display": "d"});
        assert_eq!(json["emails"], json!([work, full_user("x")["emails"][1]]));
        let region = json!({"op": "add", "path": "addresses[country eq \"US\"].region", "value": "CA"});
        let json = after(&server, &path, region).await;
        assert_eq!(strings(&json["addresses"], "region"), ["CA", "CA"], "of each that matches");
        let none = json!([{"op": "add", "path": "emails[type eq \"other\"].value", "value": "o@x.example"}]);
        let answer = server.patch(&path, none).await;
        if server.strict {
            answer.refused(400, "noTarget");
        } else {
            let emails = answer.expect(200).json()["emails"].clone();
            assert_eq!(emails[2], json!({"type": "other", "value": "o@x.example"}), "P2");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_1_12_a_list_that_is_unassigned_is_made() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let json =
            after(&server, &ann, json!({"op": "add", "path": "emails", "value": [{"value": "a@x.example"}]}))
                .await;
        assert_eq!(json["emails"], json!([{"value": "a@x.example"}]));
        let group = server.group("staff", &[]).await;
        after(&server, &group, json!({"op": "add", "path": "members", "value": [{"value": id(&ann)}]})).await;
        assert_eq!(server.members(&group).await, [id(&ann)]);
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let path = format!("/Things/{}", server.post("/Things", &thing(json!({}))).await.expect(201).id());
        for (value, words) in [(json!("a"), json!(["a"])), (json!(["b", "a"]), json!(["a", "b"]))] {
            let json = after(&server, &path, json!({"op": "add", "path": "words", "value": value})).await;
            assert_eq!(json["words"], words);
        }
    }
}
