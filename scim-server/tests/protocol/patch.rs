//! RFC 7644 section 3.5.2: the form of a PATCH, and what holds of its operations.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

#[tokio::test]
async fn r7644_3_5_2_01_the_body_says_that_it_is_a_patch_op() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        let operations = json!([{"op": "replace", "path": "title", "value": "x"}]);
        for schemas in [json!(null), json!([]), json!([USER]), json!([SEARCH]), json!({}), json!([5])] {
            let body = json!({"schemas": schemas, "Operations": operations}).to_string();
            server.send("PATCH", &path, &[], body).await.refused(400, "invalidSyntax");
        }
        let body = json!({"Operations": operations}).to_string();
        server.send("PATCH", &path, &[], body).await.refused(400, "invalidSyntax");
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_02_operations_are_a_list_of_at_least_one() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for body in [
            json!({"schemas": [PATCH_OP]}),
            json!({"schemas": [PATCH_OP], "Operations": []}),
            json!({"schemas": [PATCH_OP], "Operations": null}),
            json!({"schemas": [PATCH_OP], "Operations": "remove"}),
            json!({"schemas": [PATCH_OP], "Operations": [5]}),
            json!({"schemas": [PATCH_OP], "Operations": [["remove", "title"]]}),
        ] {
            server.send("PATCH", &path, &[], body.to_string()).await.refused(400, "invalidSyntax");
        }
        let one = json!({"schemas": [PATCH_OP], "Operations": {"op": "remove", "path": "title"}}).to_string();
        let answer = server.send("PATCH", &path, &[], one).await;
        assert_eq!(answer.status, if server.strict { 400 } else { 200 });
    }
}

#[tokio::test]
async fn r7644_3_5_2_03_op_is_add_remove_or_replace() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for operation in [
            json!({"path": "title", "value": "x"}),
            json!({"op": "move", "path": "title", "value": "x"}),
            json!({"op": "test", "path": "title", "value": "Tour Guide"}),
            json!({"op": "", "path": "title", "value": "x"}),
            json!({"op": null, "path": "title", "value": "x"}),
            json!({"op": ["add"], "path": "title", "value": "x"}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "invalidSyntax");
        }
        let twice = format!(
            r#"{{"schemas":["{PATCH_OP}"],"Operations":[{{"op":"add","OP":"remove","path":"title","value":"x"}}]}}"#
        );
        server.send("PATCH", &path, &[], twice).await.refused(400, "invalidSyntax");
        assert_eq!(server.get(&path).await.text, before);
        for op in ["Replace", "REPLACE"] {
            server.patch(&path, json!([{"op": op, "path": "title", "value": op}])).await.expect(200);
            assert_eq!(server.get(&path).await.json()["title"], op, "P6");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_04_paths_follow_the_grammar() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for op in ["add", "remove", "replace"] {
            for (wrong, kind) in [
                ("emails[", "invalidPath"),
                // A bracket that is never closed makes no filter.
                ("emails[type eq", "invalidPath"),
                ("a b", "invalidPath"),
                ("", "invalidPath"),
                (" ", "invalidPath"),
                ("emails]", "invalidPath"),
                ("emails[type eq \"work\"]value", "invalidPath"),
                ("name.", "invalidPath"),
                (".name", "invalidPath"),
                ("name..x", "invalidPath"),
                ("emails[type eq \"work\"].value.x", "invalidPath"),
                ("emails.[type eq \"work\"]", "invalidPath"),
                ("/emails/0", "invalidPath"),
                ("emails[0]", "invalidFilter"),
                ("1a", "invalidPath"),
            ] {
                let answer = server.patch(&path, json!([{"op": op, "path": wrong, "value": "x"}])).await;
                answer.refused(400, kind);
            }
            for wrong in ["emails[type eq]", "emails[]", "emails[type is \"x\"]", "emails[(type eq \"x\"]"] {
                let answer = server.patch(&path, json!([{"op": op, "path": wrong, "value": "x"}])).await;
                answer.refused(400, "invalidFilter");
            }
            // What is named after a filter is no part of it.
            for wrong in [
                "emails[type eq \"work\"].nope",
                "members[value eq \"x\"].displayName",
                "nope[type eq \"work\"]",
            ] {
                let answer = server.patch(&path, json!([{"op": op, "path": wrong, "value": "x"}])).await;
                answer.refused(400, "invalidPath");
            }
            let answer = server
                .patch(&path, json!([{"op": op, "path": "emails[nope eq \"work\"]", "value": "x"}]))
                .await;
            answer.refused(400, "invalidFilter");
        }
        for wrong in [json!(5), json!(["title"]), json!({})] {
            let answer = server.patch(&path, json!([{"op": "remove", "path": wrong}])).await;
            answer.refused(400, "invalidSyntax");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_05_operations_fit_mutability_and_schema() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let before = server.get(&path).await.text;
        for op in ["add", "replace", "remove"] {
            for read_only in [
                "id",
                "meta",
                "meta.created",
                "meta.resourceType",
                "groups",
                "groups[value eq \"x\"]",
                "groups.display",
                &format!("{ENTERPRISE}:manager.displayName"),
            ] {
                let answer = server.patch(&path, json!([{"op": op, "path": read_only, "value": "x"}])).await;
                answer.refused(400, "mutability");
            }
            for unknown in [
                "noSuch",
                "name.noSuch",
                "urn:example:none:title",
                "members",
                &format!("{ENTERPRISE}:noSuch"),
            ] {
                let answer = server.patch(&path, json!([{"op": op, "path": unknown, "value": "x"}])).await;
                answer.refused(400, "invalidPath");
            }
        }
        for (name, value) in [
            ("title", json!(5)),
            ("title", json!({"a": 1})),
            ("active", json!("perhaps")),
            ("active", json!(1)),
            ("name", json!("Jensen")),
            ("emails", json!([{"value": 5}])),
            ("name.familyName", json!(true)),
            ("emails[type eq \"work\"].value", json!(5)),
        ] {
            let answer = server.patch(&path, json!([{"op": "replace", "path": name, "value": value}])).await;
            answer.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_05_b_read_only_attributes_sent_along() {
    for server in everywhere() {
        let group = server.group("staff", &[]).await;
        let forged = server
            .patch(&group, json!([{"op": "replace", "value": {"id": "x", "displayName": "crew"}}]))
            .await;
        if server.strict {
            forged.refused(400, "mutability");
        } else {
            assert_eq!(forged.expect(200).json()["displayName"], "crew", "P9");
        }
        let same = json!([{"op": "replace", "value": {"id": id(&group), "displayName": "team"}}]);
        assert_eq!(server.patch(&group, same).await.expect(200).json()["displayName"], "team");
    }
}

#[tokio::test]
async fn r7644_3_5_2_06_an_immutable_attribute_without_value_can_be_added() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let path = format!("/Things/{}", server.post("/Things", &thing(json!({}))).await.expect(201).id());
        let json = server
            .patch(&path, json!([{"op": "add", "path": "place", "value": "here"}]))
            .await
            .expect(200)
            .json();
        assert_eq!(json["place"], "here");
        let version = json["meta"]["version"].clone();
        for op in ["add", "replace"] {
            server
                .patch(&path, json!([{"op": op, "path": "place", "value": "there"}]))
                .await
                .refused(400, "mutability");
            let same = server.patch(&path, json!([{"op": op, "path": "place", "value": "here"}])).await;
            assert_eq!(same.expect(200).json()["meta"]["version"], version, "P19");
        }
        server.patch(&path, json!([{"op": "remove", "path": "place"}])).await.refused(400, "mutability");
        server
            .patch(&path, json!([{"op": "replace", "path": "serial", "value": "S2"}]))
            .await
            .refused(400, "mutability");
    }
}

#[tokio::test]
async fn r7644_3_5_2_07_schemas_follow_what_is_written() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let path = format!("{ENTERPRISE}:employeeNumber");
        let json =
            server.patch(&ann, json!([{"op": "add", "path": path, "value": "1"}])).await.expect(200).json();
        assert_eq!(json["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!(json[ENTERPRISE], json!({"employeeNumber": "1"}));
        let json = server.patch(&ann, json!([{"op": "remove", "path": path}])).await.expect(200).json();
        assert_eq!(json["schemas"], json!([USER]));
        let both =
            json!([{"op": "add", "value": {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "D"}}}]);
        assert_eq!(server.patch(&ann, both).await.expect(200).json()["schemas"], json!([USER, ENTERPRISE]));
        let gone = json!([{"op": "remove", "path": format!("schemas[value eq \"{ENTERPRISE}\"]")}]);
        let json = server.patch(&ann, gone).await.expect(200).json();
        assert!(json.get(ENTERPRISE).is_none() && json["schemas"] == json!([USER]), "P24: {json}");
        let base = json!([{"op": "remove", "path": format!("schemas[value eq \"{USER}\"]")}]);
        server.patch(&ann, base).await.refused(400, "mutability");
    }
}

#[tokio::test]
async fn r7644_3_5_2_08_operations_run_in_order_each_on_the_result_of_the_last() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let json = server
            .patch(
                &path,
                json!([
                    {"op": "replace", "path": "title", "value": "x"},
                    {"op": "remove", "path": "title"},
                    {"op": "remove", "path": "nickName"},
                    {"op": "add", "path": "nickName", "value": "n"},
                    {"op": "remove", "path": "emails"},
                    {"op": "add", "path": "emails", "value": [{"value": "a@x.example", "type": "work"}]},
                    {"op": "add", "path": "emails[type eq \"work\"].display", "value": "d"},
                    {"op": "replace", "path": "name.givenName", "value": "1"},
                    {"op": "replace", "path": "name.givenName", "value": "2"},
                ]),
            )
            .await
            .expect(200)
            .json();
        assert!(json.get("title").is_none());
        assert_eq!(json["nickName"], "n");
        assert_eq!(json["emails"], json!([{"value": "a@x.example", "type": "work", "display": "d"}]));
        assert_eq!(json["name"]["givenName"], "2");
        let ann = server.user(json!({"userName": "ann"})).await;
        let group = server.group("staff", &[&ann]).await;
        let (ann, bob) = (id(&ann), id(&path));
        server
            .patch(
                &group,
                json!([
                    {"op": "remove", "path": "members"},
                    {"op": "add", "path": "members", "value": [{"value": bob}]},
                    {"op": "add", "path": "members", "value": [{"value": ann}]},
                    {"op": "remove", "path": format!("members[value eq \"{bob}\"]")},
                ]),
            )
            .await
            .expect(200);
        assert_eq!(server.members(&group).await, [ann]);
    }
}

#[tokio::test]
async fn r7644_3_5_2_09_a_new_primary_value_demotes_the_others() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let primaries = |json: &Value| -> Vec<String> {
            let emails = json["emails"].as_array().unwrap();
            let primary = emails.iter().filter(|email| email["primary"] == true);
            primary.map(|email| email["value"].as_str().unwrap().to_owned()).collect()
        };
        let new =
            json!([{"op": "add", "path": "emails", "value": [{"value": "new@x.example", "primary": true}]}]);
        let json = server.patch(&path, new).await.expect(200).json();
        assert_eq!(primaries(&json), ["new@x.example"]);
        assert_eq!(json["emails"].as_array().unwrap().len(), 3);
        let old = json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]);
        assert_eq!(primaries(&server.patch(&path, old).await.expect(200).json()), ["babs@jensen.org"]);
        let pathless =
            json!([{"op": "add", "value": {"emails": [{"value": "more@x.example", "primary": true}]}}]);
        assert_eq!(primaries(&server.patch(&path, pathless).await.expect(200).json()), ["more@x.example"]);
        let two = json!([{"op": "add", "path": "emails",
            "value": [{"value": "1@x.example", "primary": true}, {"value": "2@x.example", "primary": true}]}]);
        server.patch(&path, two).await.refused(400, "invalidValue");
        assert_eq!(primaries(&server.get(&path).await.json()), ["more@x.example"], "P17");
    }
}

#[tokio::test]
async fn r7644_3_5_2_10_all_or_nothing() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        let group = server.group("staff", &[&path]).await;
        let before =
            [server.get(&path).await.text, server.get(&group).await.text, server.get(&bob).await.text];
        let good = json!({"op": "replace", "path": "title", "value": "changed"});
        for (bad, status, kind) in [
            (json!({"op": "replace", "path": "id", "value": "x"}), 400, "mutability"),
            (json!({"op": "remove", "path": "userName"}), 400, "mutability"),
            (
                json!({"op": "replace", "path": "phoneNumbers[value co \"none\"].value", "value": "x"}),
                400,
                "noTarget",
            ),
            (json!({"op": "replace", "path": "userName", "value": "bob"}), 409, "uniqueness"),
            (json!({"op": "replace", "path": "active", "value": {"x": 1}}), 400, "invalidValue"),
            (json!({"op": "add", "path": "noSuch", "value": 1}), 400, "invalidPath"),
            (json!({"op": "nonsense"}), 400, "invalidSyntax"),
        ] {
            for operations in [json!([good, bad]), json!([bad, good])] {
                server.patch(&path, operations).await.refused(status, kind);
            }
        }
        for (bad, kind) in [
            (json!({"op": "add", "path": "members", "value": [{"value": "nobody"}]}), "invalidValue"),
            (json!({"op": "remove", "path": "displayName"}), "mutability"),
        ] {
            let good = json!({"op": "add", "path": "members", "value": [{"value": id(&bob)}]});
            server.patch(&group, json!([good, bad])).await.refused(400, kind);
        }
        let after =
            [server.get(&path).await.text, server.get(&group).await.text, server.get(&bob).await.text];
        assert_eq!(after, before, "nothing changed, nor `lastModified`");
    }
}

#[tokio::test]
async fn r7644_3_5_2_11_failure_has_a_status_and_a_body_that_names_the_operation() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let answer = server
            .patch(
                &path,
                json!([
                    {"op": "replace", "path": "title", "value": "x"},
                    {"op": "replace", "path": "id", "value": "x"},
                ]),
            )
            .await;
        let detail = answer.refused(400, "mutability");
        assert!(detail.contains("operation 2") && detail.contains("`id`"), "{detail}");
    }
}
