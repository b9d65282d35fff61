//! RFC 7644 section 3.5.2.3: PATCH `replace`.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

/// The user after one `replace` that succeeds.
async fn replaced(server: &Server, path: &str, target: &str, value: Value) -> Value {
    let answer = server.patch(path, json!([{"op": "replace", "path": target, "value": value}])).await;
    let json = answer.expect(200).json();
    assert_eq!(server.get(path).await.json(), json);
    json
}

#[tokio::test]
async fn r7644_3_5_2_3_01_without_a_path_the_named_attributes_are_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let value = json!({"title": "Chief", "emails": [{"value": "new@x.example"}], "name": {"familyName": "J"},
            ENTERPRISE: {"department": "Sales"}});
        let json = server.patch(&path, json!([{"op": "replace", "value": value}])).await.expect(200).json();
        assert_eq!(json["title"], "Chief");
        assert_eq!(json["emails"], json!([{"value": "new@x.example"}]), "the whole list");
        assert_eq!(
            json["name"],
            json!({"familyName": "J", "givenName": "Barbara", "middleName": "Jane"}),
            "P12"
        );
        assert_eq!(json[ENTERPRISE], json!({"employeeNumber": "701984", "department": "Sales"}));
        assert_eq!((&json["nickName"], &json["active"]), (&json!("Babs"), &json!(true)), "the others stay");
        for wrong in [json!("x"), json!([{"title": "x"}]), json!(null)] {
            server
                .patch(&path, json!([{"op": "replace", "value": wrong}]))
                .await
                .refused(400, "invalidValue");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_02_a_single_value_is_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        assert_eq!(replaced(&server, &path, "title", json!("Chief")).await["title"], "Chief");
        assert_eq!(server.names("title eq \"chief\"").await, ["bjensen"]);
        assert_eq!(server.names("title eq \"tour guide\"").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_03_a_list_without_filter_is_replaced_whole() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let emails = json!([{"value": "1@x.example", "type": "work"}, {"value": "2@x.example"}]);
        assert_eq!(replaced(&server, &path, "emails", emails.clone()).await["emails"], emails);
        let one = json!({"value": "3@x.example"});
        assert_eq!(replaced(&server, &path, "emails", one.clone()).await["emails"], json!([one]), "P14");
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let group = server.group("staff", &[&ann, &path]).await;
        replaced(&server, &group, "members", json!([{"value": id(&bob)}])).await;
        assert_eq!(server.members(&group).await, [id(&bob)]);
        assert!(server.get(&ann).await.json().get("groups").is_none());
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_04_what_has_no_value_gets_one() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        assert_eq!(replaced(&server, &ann, "nickName", json!("A")).await["nickName"], "A");
        assert_eq!(
            replaced(&server, &ann, "name.givenName", json!("Ann")).await["name"],
            json!({"givenName": "Ann"})
        );
        let emails = json!([{"value": "a@x.example"}]);
        assert_eq!(replaced(&server, &ann, "emails", emails.clone()).await["emails"], emails);
        let group = server.group("staff", &[]).await;
        replaced(&server, &group, "members", json!([{"value": id(&ann)}])).await;
        assert_eq!(server.members(&group).await, [id(&ann)]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_05_of_a_complex_value_the_given_parts_are_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json =
            replaced(&server, &path, "name", json!({"familyName": "J", "honorificPrefix": "Ms."})).await;
        let expected = json!({"familyName": "J", "givenName": "Barbara", "middleName": "Jane", "honorificPrefix": "Ms."});
        assert_eq!(json["name"], expected);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_06_all_values_that_match_are_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = replaced(
            &server,
            &path,
            "emails[type eq \"work\"]",
            json!({"value": "w@x.example", "type": "work"}),
        )
        .await;
        assert_eq!(
            json["emails"],
            json!([{"value": "w@x.example", "type": "work"}, full_user("x")["emails"][1]]),
            "P13: the record, whole"
        );
        let body = json!({"type": "work", "locality": "LA"});
        let json =
            replaced(&server, &path, "addresses[country eq \"us\" and type eq \"work\"]", body.clone()).await;
        assert_eq!(json["addresses"], json!([body, full_user("x")["addresses"][1]]));
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let slots =
            json!([{"name": "a", "note": "x"}, {"name": "b", "note": "y"}, {"name": "c", "note": "x"}]);
        let created = server.post("/Things", &thing(json!({"slots": slots}))).await.expect(201);
        let path = format!("/Things/{}", created.id());
        let json = replaced(&server, &path, "slots[note eq \"x\"]", json!({"name": "z"})).await;
        let names = strings(&json["slots"], "name");
        assert_eq!((names.contains(&"b".to_owned()), names.contains(&"z".to_owned())), (true, true));
        assert!(!json["slots"].to_string().contains("\"x\""), "not the first one only: {json}");
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_07_a_sub_attribute_of_all_values_that_match_is_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json =
            replaced(&server, &path, "addresses[type eq \"work\"].streetAddress", json!("1010 Broadway Ave"))
                .await;
        let mut expected = full_user("x")["addresses"].clone();
        expected[0]["streetAddress"] = json!("1010 Broadway Ave");
        assert_eq!(json["addresses"], expected);
        let json =
            replaced(&server, &path, "addresses[locality eq \"hollywood\"].locality", json!("LA")).await;
        assert_eq!(strings(&json["addresses"], "locality"), ["LA", "LA"]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_08_no_match_is_no_target() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        // These cannot be made from their filters, whatever is tolerated.
        for target in [
            "emails[type co \"none\"].value",
            "emails[not (type pr)].display",
            "emails[type eq \"a\" or type eq \"b\"].value",
        ] {
            let operation = json!([{"op": "replace", "path": target, "value": "x"}]);
            server.patch(&path, operation).await.refused(400, "noTarget");
        }
        assert_eq!(server.get(&path).await.text, before);
        let answer = server
            .patch(
                &path,
                json!([{"op": "replace", "path": "emails[type eq \"none\"].value", "value": "n@x.example"}]),
            )
            .await;
        if server.strict {
            answer.refused(400, "noTarget");
            assert_eq!(server.get(&path).await.text, before);
        } else {
            let emails = answer.expect(200).json()["emails"].clone();
            assert_eq!(emails[2], json!({"type": "none", "value": "n@x.example"}), "P1");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_09_extension_attributes_by_their_urn() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let target = format!("{ENTERPRISE}:department");
        let json = replaced(&server, &path, &target, json!("Sales")).await;
        assert_eq!(json[ENTERPRISE], json!({"employeeNumber": "701984", "department": "Sales"}));
        assert_eq!(server.names(&format!("{target} eq \"sales\"")).await, ["bjensen"]);
        let manager = json!({"value": "m1"});
        let json = replaced(&server, &path, &format!("{ENTERPRISE}:manager"), manager).await;
        assert_eq!(json[ENTERPRISE]["manager"]["value"], "m1");
        let json = replaced(&server, &path, &format!("{ENTERPRISE}:manager.value"), json!("m2")).await;
        assert_eq!(json[ENTERPRISE]["manager"]["value"], "m2");
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_10_null_and_an_empty_list_unassign() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        for (target, value) in
            [("title", json!(null)), ("emails", json!([])), ("addresses", json!(null)), ("name", json!(null))]
        {
            assert!(replaced(&server, &path, target, value).await.get(target).is_none(), "{target}");
        }
        assert!(replaced(&server, &group, "members", json!([])).await.get("members").is_none());
        let json = server
            .patch(&path, json!([{"op": "replace", "value": {"nickName": null, "active": null}}]))
            .await;
        let json = json.expect(200).json();
        assert!(json.get("nickName").is_none() && json.get("active").is_none(), "{json}");
    }
}

/// "an empty array (in the case of a multi-valued attribute)" (RFC 7643 section 2.5): elsewhere it is of the wrong type.
#[tokio::test]
async fn r7644_3_5_2_3_10_an_empty_list_is_no_value_of_a_singular_attribute() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let manager = format!("{ENTERPRISE}:manager");
        replaced(&server, &path, &manager, json!({"value": "m1"})).await;
        let before = server.get(&path).await.text;
        for target in ["name", "name.givenName", "title", "active", manager.as_str(), ENTERPRISE] {
            for none in [json!([]), json!([null])] {
                for op in ["replace", "add"] {
                    let operation = json!({"op": op, "path": target, "value": none});
                    server.patch(&path, json!([operation])).await.refused(400, "invalidValue");
                }
                // In strict mode a path is no name of an attribute, whatever its value.
                let without_path = json!([{"op": "replace", "value": {target: none}}]);
                server.patch(&path, without_path).await.expect(400);
            }
        }
        assert_eq!(server.get(&path).await.text, before);
        for (name, value) in [
            ("name", json!([])),
            ("name", json!([null])),
            ("title", json!([])),
            (ENTERPRISE, json!({"manager": []})),
            (ENTERPRISE, json!({"manager": [null]})),
            (ENTERPRISE, json!([])),
        ] {
            let mut body = json!({"schemas": [USER, ENTERPRISE], "userName": "bjensen"});
            body[name] = value;
            server.put(&path, &body).await.refused(400, "invalidValue");
            body["userName"] = json!("another");
            server.post("/Users", &body).await.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_11_booleans() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        assert_eq!(replaced(&server, &path, "active", json!(false)).await["active"], json!(false));
        assert_eq!(server.names("active eq false").await, ["bjensen"]);
        let answer = server.patch(&path, json!([{"op": "replace", "path": "active", "value": "True"}])).await;
        if server.strict {
            answer.refused(400, "invalidValue");
        } else {
            assert_eq!(answer.expect(200).json()["active"], json!(true), "P22");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_12_replace_needs_a_value() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for operation in [
            json!({"op": "replace", "path": "title"}),
            json!({"op": "replace", "path": "emails[type eq \"work\"]"}),
            json!({"op": "replace", "path": ENTERPRISE}),
            json!({"op": "replace"}),
        ] {
            let detail = server.patch(&path, json!([operation])).await.refused(400, "invalidValue");
            assert!(detail.contains("`value`"), "{operation}: {detail}");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_13_required_attributes_can_be_replaced() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        assert_eq!(replaced(&server, &path, "userName", json!("babs")).await["userName"], "babs");
        assert_eq!(server.names("userName eq \"babs\"").await, ["babs"]);
        server.user(json!({"userName": "bjensen"})).await;
        let group = server.group("staff", &[]).await;
        assert_eq!(replaced(&server, &group, "displayName", json!("crew")).await["displayName"], "crew");
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_14_a_sub_attribute_of_a_single_value_by_its_path() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = replaced(&server, &path, "name.familyName", json!("J")).await;
        assert_eq!(json["name"], json!({"familyName": "J", "givenName": "Barbara", "middleName": "Jane"}));
    }
}

#[tokio::test]
async fn r7644_3_5_2_3_15_write_only_attributes_can_be_replaced_and_stay_hidden() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        // No password is kept, which is said unless it is to be passed over (`forget_passwords`).
        for operation in [
            json!({"op": "replace", "path": "password", "value": "n3w-one"}),
            json!({"op": "replace", "value": {"password": "n3w-one"}}),
        ] {
            let answer = server.patch(&path, json!([operation])).await;
            assert!(!answer.text.contains("n3w-one"));
            if server.strict {
                answer.refused(400, "mutability");
            } else {
                answer.expect(200);
            }
        }
        assert!(!server.get(&path).await.text.contains("n3w-one"));
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let created = server.post("/Things", &thing(json!({"secret": "one"}))).await.expect(201);
        let path = format!("/Things/{}", created.id());
        let answer = server
            .patch(&path, json!([{"op": "replace", "path": "secret", "value": "two"}]))
            .await
            .expect(200);
        assert!(!answer.text.contains("secret"), "{answer:?}");
        assert_ne!(answer.etag(), created.etag(), "it was written");
    }
}
