use crate::common::*;

async fn one() -> (Server, String) {
    let server = Server::strict();
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    (server, format!("/Users/{id}"))
}

#[tokio::test]
async fn rfc7644_3_5_2_01_02_03_the_form_of_a_patch() {
    let (server, path) = one().await;
    let before = server.get(&path).await.text;
    let operation = json!({"op": "add", "path": "title", "value": "x"});
    for body in [
        json!({"Operations": [operation]}),
        json!({"schemas": [USER], "Operations": [operation]}),
        json!({"schemas": [PATCH_OP]}),
        json!({"schemas": [PATCH_OP], "Operations": []}),
        json!({"schemas": [PATCH_OP], "Operations": operation}),
        json!({"schemas": [PATCH_OP], "Operations": ["add"]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"path": "title", "value": "x"}]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "move", "path": "title", "value": "x"}]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"op": 5}]}),
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": 5, "value": "x"}]}),
    ] {
        server.send("PATCH", &path, &[], body.to_string()).await.refused(400, "invalidSyntax");
    }
    assert_eq!(server.get(&path).await.text, before);
}

#[tokio::test]
async fn rfc7644_3_5_2_operations_that_succeed() {
    let department = format!("{ENTERPRISE}:department");
    let core = format!("{}:NickName", USER.to_uppercase());
    let work = json!({"value": "w@x.org", "type": "work"});
    let table = [
        (json!([{"op": "add", "path": "title", "value": "x"}]), "/title", json!("x")),
        (json!([{"op": "Add", "path": "userType", "value": "x"}]), "/userType", json!("x")),
        (json!([{"op": "add", "value": {"nickName": "n", "userType": "t"}}]), "/nickName", json!("n")),
        (
            json!([{"op": "add", "path": "name", "value": {"givenName": "G"}}]),
            "/name",
            json!({"familyName": "Jensen", "givenName": "G", "middleName": "Jane"}),
        ),
        (json!([{"op": "add", "path": "emails", "value": work}]), "/emails/2", work.clone()),
        (json!([{"op": "add", "path": "emails", "value": [work]}]), "/emails/2", work.clone()),
        (
            json!([{"op": "add", "path": "emails", "value": {"value": "n@x.org", "primary": true}}]),
            "/emails/0/primary",
            json!(false),
        ),
        (json!([{"op": "add", "path": "name.familyName", "value": "F"}]), "/name/familyName", json!("F")),
        (
            json!([{"op": "add", "path": "phoneNumbers", "value": [{"value": "1"}]}]),
            "/phoneNumbers/0/value",
            json!("1"),
        ),
        (
            json!([{"op": "add", "path": "emails[type eq \"home\"].display", "value": "D"}]),
            "/emails/1/display",
            json!("D"),
        ),
        (json!([{"op": "add", "path": ENTERPRISE, "value": {"division": "D"}}]), "/ent/division", json!("D")),
        (json!([{"op": "add", "path": department, "value": "D"}]), "/ent/department", json!("D")),
        (json!([{"op": "add", "value": {ENTERPRISE: {"department": "D"}}}]), "/ent/department", json!("D")),
        (json!([{"op": "remove", "path": "title"}]), "/title", json!(null)),
        (json!([{"op": "remove", "path": "emails"}]), "/emails", json!(null)),
        (
            json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]),
            "/emails",
            json!([{"value": "babs@jensen.org", "type": "home"}]),
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq \"work\" and value ew \"x\"]"}]),
            "/emails/1/type",
            json!("home"),
        ),
        (
            json!([{"op": "remove", "path": "name.middleName"}]),
            "/name",
            json!({"familyName": "Jensen", "givenName": "Barbara"}),
        ),
        (
            json!([{"op": "remove", "path": "addresses[type eq \"work\"].country"}]),
            "/addresses/0/country",
            json!(null),
        ),
        (json!([{"op": "remove", "path": department}]), "/ent", json!({"employeeNumber": "701984"})),
        (json!([{"op": "remove", "path": ENTERPRISE}]), "/schemas", json!([USER])),
        (json!([{"op": "replace", "value": {"title": "t", "emails": [work]}}]), "/emails", json!([work])),
        (
            json!([{"op": "replace", "path": "name", "value": {"familyName": "F"}}]),
            "/name",
            json!({"familyName": "F", "givenName": "Barbara", "middleName": "Jane"}),
        ),
        (
            json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": work}]),
            "/emails/0",
            work.clone(),
        ),
        (
            json!([{"op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "S"}]),
            "/addresses/0/streetAddress",
            json!("S"),
        ),
        (json!([{"op": "replace", "path": "title", "value": null}]), "/title", json!(null)),
        (json!([{"op": "replace", "path": "emails", "value": []}]), "/emails", json!(null)),
        (json!([{"op": "replace", "path": "active", "value": false}]), "/active", json!(false)),
        (json!([{"op": "replace", "path": core, "value": "N"}]), "/nickName", json!("N")),
        (json!([{"op": "replace", "path": "locale", "value": "en-US"}]), "/locale", json!("en-US")),
        (
            json!([{"op": "replace", "path": "title", "value": "x"}, {"op": "remove", "path": "title"}]),
            "/title",
            json!(null),
        ),
        (
            json!([{"op": "remove", "path": "title"}, {"op": "add", "path": "title", "value": "z"}]),
            "/title",
            json!("z"),
        ),
        (json!([{"op": "replace", "path": "userName", "value": "new"}]), "/userName", json!("new")),
    ];
    for (operations, pointer, expected) in table {
        let (server, path) = one().await;
        let patched = server.patch(&path, operations.clone()).await;
        assert_eq!(patched.status, 200, "{operations}: {patched:?}");
        let mut json = patched.json();
        let extension = json[ENTERPRISE].clone();
        json["ent"] = extension;
        assert_eq!(json.pointer(pointer).unwrap_or(&Value::Null), &expected, "{operations}: {json}");
        assert_eq!(server.get(&path).await.text, patched.text, "{operations}");
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_operations_that_fail_change_nothing() {
    let (server, path) = one().await;
    server.user(json!({"userName": "taken"})).await;
    let before = server.get(&path).await.text;
    let good = json!({"op": "replace", "path": "title", "value": "changed"});
    for (operation, status, scim_type) in [
        (json!({"op": "add", "path": "title"}), 400, "invalidValue"),
        (json!({"op": "replace", "path": "title"}), 400, "invalidValue"),
        (json!({"op": "remove"}), 400, "noTarget"),
        (json!({"op": "add", "path": "emails[", "value": "x"}), 400, "invalidPath"),
        (json!({"op": "add", "path": "emails[type eq", "value": "x"}), 400, "invalidPath"),
        (json!({"op": "add", "path": "a b", "value": "x"}), 400, "invalidPath"),
        (json!({"op": "add", "path": "", "value": "x"}), 400, "invalidPath"),
        (json!({"op": "add", "path": "noSuch", "value": "x"}), 400, "invalidPath"),
        (json!({"op": "add", "path": "id", "value": "x"}), 400, "mutability"),
        (
            json!({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}),
            400,
            "mutability",
        ),
        (json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), 400, "mutability"),
        (json!({"op": "remove", "path": "groups"}), 400, "mutability"),
        (json!({"op": "remove", "path": "userName"}), 400, "mutability"),
        (json!({"op": "remove", "path": "id"}), 400, "mutability"),
        (json!({"op": "replace", "path": "userName", "value": null}), 400, "invalidValue"),
        (json!({"op": "replace", "path": "userName", "value": ""}), 400, "invalidValue"),
        (json!({"op": "replace", "path": "active", "value": "maybe"}), 400, "invalidValue"),
        (json!({"op": "replace", "path": "emails[type eq \"none\"].value", "value": "x"}), 400, "noTarget"),
        (json!({"op": "replace", "path": "userName", "value": "TAKEN"}), 409, "uniqueness"),
        (json!({"op": "add", "value": "x"}), 400, "invalidValue"),
    ] {
        server.patch(&path, json!([good, operation])).await.refused(status, scim_type);
        assert_eq!(server.get(&path).await.text, before, "7644-3.5.2-10: {operation}");
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_17_22_and_3_5_2_1_08_only_changes_move_the_version() {
    let (server, path) = one().await;
    let before = server.get(&path).await;
    server.tick();
    for operation in [
        json!({"op": "add", "path": "title", "value": "Tour Guide"}),
        json!({"op": "add", "path": "emails", "value": [{"value": "babs@jensen.org", "type": "home"}]}),
        json!({"op": "remove", "path": "emails[value eq \"none\"]"}),
        json!({"op": "remove", "path": "photos"}),
        json!({"op": "replace", "path": "active", "value": true}),
    ] {
        let same = server.patch(&path, json!([operation])).await.expect(200);
        assert_eq!(same.text, before.text, "{operation}");
    }
    let after =
        server.patch(&path, json!([{"op": "add", "path": "title", "value": "new"}])).await.expect(200);
    assert_ne!(after.etag(), before.etag());
    let meta = after.json()["meta"].clone();
    assert_eq!(meta["created"], "2023-11-14T22:13:20.000Z");
    assert_eq!(meta["lastModified"], "2023-11-14T22:13:21.000Z");
}

#[tokio::test]
async fn rfc7644_3_5_2_members() {
    let server = Server::strict();
    let (a, b) = (server.user(json!({"userName": "a"})).await, server.user(json!({"userName": "b"})).await);
    let path = format!("/Groups/{}", server.group("g", &[&a]).await);
    let members = |answer: &Answer| -> Vec<String> {
        let json = answer.json();
        let members = json["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect()
    };
    let both = server
        .patch(&path, json!([{"op": "add", "path": "members", "value": [{"value": b}, {"value": a}]}]))
        .await;
    assert_eq!(members(&both.expect(200)), [a.clone(), b.clone()]);
    let none = server
        .patch(&path, json!([{"op": "remove", "path": "members[value eq \"none\"]"}]))
        .await
        .expect(200);
    assert_eq!(members(&none).len(), 2, "7644-3.5.2.2-09");
    let filter = format!("members[value eq \"{a}\"]");
    let one = server.patch(&path, json!([{"op": "remove", "path": filter}])).await.expect(200);
    assert_eq!(members(&one), std::slice::from_ref(&b));
    let sub = format!("members[value eq \"{b}\"].value");
    server.patch(&path, json!([{"op": "replace", "path": sub, "value": a}])).await.refused(400, "mutability");
    let unknown = json!([{"op": "replace", "path": "displayName", "value": "h"},
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]}]);
    server.patch(&path, unknown).await.refused(400, "invalidValue");
    assert_eq!(server.get(&path).await.text, one.text, "nothing half done");
    let replaced =
        server.patch(&path, json!([{"op": "replace", "path": "members", "value": [{"value": a}]}])).await;
    assert_eq!(members(&replaced.expect(200)), [a]);
    let empty = server.patch(&path, json!([{"op": "remove", "path": "members"}])).await.expect(200);
    assert!(members(&empty).is_empty());
}

#[tokio::test]
async fn rfc7644_3_5_2_12_13_large_groups_are_answered_without_their_members() {
    let server =
        Server::with(|builder| builder.limits(scim_server::Limits::default().with_patch_answer_values(2)));
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(server.user(json!({"userName": format!("u{n}")})).await);
    }
    let path = format!("/Groups/{}", server.group("g", &[&ids[0]]).await);
    let add = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    server.patch(&path, add(&ids[1])).await.expect(200);
    let large = server.patch(&path, add(&ids[2])).await.expect(204);
    assert_eq!(large.etag(), server.get(&path).await.etag());
    let named = server.patch(&format!("{path}?attributes=displayName"), add(&ids[3])).await.expect(200);
    assert_eq!(named.json()["displayName"], "g");
    let members = server.patch(&format!("{path}?attributes=members"), add(&ids[3])).await.expect(200);
    assert_eq!(members.json()["members"].as_array().unwrap().len(), 4);
    let without = server.patch(&format!("{path}?excludedAttributes=members"), add(&ids[3])).await.expect(200);
    assert!(without.json().get("members").is_none());
    server.patch(&format!("{path}?attributes=noSuch"), add(&ids[3])).await.expect(200);
}

#[tokio::test]
async fn limits_hold_in_every_kind_of_write() {
    let limits = scim_server::Limits::default().with_relation_values(2);
    let server = Server::with(|builder| builder.limits(limits));
    let path = format!("/Groups/{}", server.group("g", &[]).await);
    let before = server.get(&path).await.text;
    let three = json!([{"value": "a"}, {"value": "b"}, {"value": "c"}]);
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": three});
    let listed = json!([{"op": "remove", "path": "members", "value": three}]);
    let answers = [
        server.post("/Groups", &body).await,
        server.put(&path, &body).await,
        server.patch(&path, json!([{"op": "add", "path": "members", "value": three}])).await,
        server.patch(&path, json!([{"op": "replace", "value": {"members": three}}])).await,
        server.patch(&path, listed).await,
        server
            .patch(
                &path,
                json!([{"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]},
                {"op": "add", "path": "members", "value": [{"value": "c"}]}]),
            )
            .await,
    ];
    for answer in answers {
        let detail = answer.refused(400, "invalidValue");
        assert_eq!(detail, "`members` has more than the limit of 2 values in one request");
    }
    assert_eq!(server.get(&path).await.text, before);
    let many: Vec<Value> = (0..1001).map(|_| json!({"op": "remove", "path": "title"})).collect();
    let detail = server.patch(&path, Value::from(many)).await.refused(400, "invalidSyntax");
    assert_eq!(detail, "1001 operations are more than the limit of 1000");
}

/// A group with ann, while bob is in none.
async fn staff(server: Server) -> (Server, String) {
    let ann = server.user(json!({"userName": "ann"})).await;
    server.user(json!({"userName": "bob"})).await;
    let group = server.group("staff", &[&ann]).await;
    (server, format!("/Groups/{group}"))
}

fn members(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let members = json["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_said_of_a_member_again_changes_nothing() {
    let table = [
        ("members[value eq \"id-1\"].value", json!("id-1")),
        ("members[value eq \"id-1\" and type eq \"User\"].value", json!("id-1")),
        ("members[type eq \"User\"].value", json!("id-1")),
        ("members[type eq \"User\"]", json!({"value": "id-1"})),
        (
            "members[value eq \"id-1\"]",
            json!({"value": "id-1", "display": "x", "type": "Group", "$ref": "y"}),
        ),
        ("members[value eq \"id-1\"]", json!([{"value": "id-1"}])),
        ("members[value eq \"id-1\"]", json!({"display": "x"})),
        ("members[value eq \"id-1\"].display", json!("ann")),
        ("members[value eq \"id-1\"].type", json!("User")),
        ("members[value eq \"id-1\"].$ref", json!("http://example.com/Users/id-1")),
        ("members.type", json!("User")),
    ];
    for server in [Server::new(), Server::strict()] {
        let (server, path) = staff(server).await;
        let before = server.get(&path).await;
        server.tick();
        for (target, value) in &table {
            for op in ["add", "replace"] {
                let operation = json!([{"op": op, "path": target, "value": value}]);
                let answer = server.patch(&path, operation.clone()).await;
                assert_eq!((answer.status, &answer.text), (200, &before.text), "{operation}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_is_never_changed_into_another() {
    for (server, strict) in [(Server::new(), false), (Server::strict(), true)] {
        let (server, path) = staff(server).await;
        let before = server.get(&path).await;
        let table = [
            ("replace", "members[value eq \"id-1\"].value", json!("id-2"), "mutability"),
            ("replace", "members[value eq \"id-1\"].value", json!(null), "mutability"),
            ("replace", "members[value eq \"id-1\"].value", json!(5), "invalidValue"),
            ("add", "members[value eq \"id-1\"]", json!({"value": "id-2"}), "mutability"),
            ("replace", "members[type eq \"User\"]", json!({"value": "id-2"}), "mutability"),
            (
                "replace",
                "members[value eq \"id-1\"]",
                json!([{"value": "id-1"}, {"value": "id-2"}]),
                "mutability",
            ),
            ("replace", "members.value", json!("id-1"), "mutability"),
            ("remove", "members[value eq \"id-1\"].value", json!(null), "mutability"),
            ("remove", "members[value eq \"id-1\"].display", json!(null), "mutability"),
            ("replace", "members[type eq \"Group\"].value", json!("id-2"), "noTarget"),
            ("add", "members[type eq \"Group\"]", json!({"value": "id-2"}), "noTarget"),
            ("replace", "members[type eq \"Group\"].display", json!("x"), "noTarget"),
        ];
        for (op, target, value, scim_type) in table {
            let mut operation = json!({"op": op, "path": target, "value": value});
            if op == "remove" {
                operation.as_object_mut().unwrap().remove("value");
            }
            let detail = server.patch(&path, json!([operation])).await.refused(400, scim_type);
            assert!(detail.contains("`members"), "{detail}");
        }
        // "If the target location ... does not exist" (RFC 7644 sections 3.5.2.1 and 3.5.2.3)
        for (target, value) in [
            ("members[value eq \"id-2\"].value", json!("id-2")),
            ("members[value eq \"id-2\"]", json!({"value": "id-2"})),
            ("members[value eq \"id-2\"]", json!({"display": "Bob"})),
        ] {
            for op in ["add", "replace"] {
                let answer = server.patch(&path, json!([{"op": op, "path": target, "value": value}])).await;
                if strict {
                    let detail = answer.refused(400, "noTarget");
                    let named = format!("operation 1: no value matches the filter of `{target}`");
                    assert_eq!(detail, named);
                } else {
                    assert_eq!(members(&answer.expect(200)), ["id-1", "id-2"]);
                    let gone = json!([{"op": "remove", "path": "members[value eq \"id-2\"]"}]);
                    server.patch(&path, gone).await.expect(200);
                }
            }
        }
        assert_eq!(members(&server.get(&path).await), members(&before));
    }
}

#[tokio::test]
async fn filters_on_members_see_what_earlier_operations_did() {
    let (server, path) = staff(Server::strict()).await;
    let same =
        |id: &str| json!({"op": "replace", "path": format!("members[value eq \"{id}\"].value"), "value": id});
    let add = json!({"op": "add", "path": "members", "value": [{"value": "id-2"}]});
    let answer = server.patch(&path, json!([add, same("id-2"), same("id-1")])).await.expect(200);
    assert_eq!(members(&answer), ["id-1", "id-2"]);
    let remove = json!({"op": "remove", "path": "members[value eq \"id-2\"]"});
    let detail = server.patch(&path, json!([remove, same("id-2")])).await.refused(400, "noTarget");
    assert!(detail.starts_with("operation 2: "), "{detail}");
    // A value replaced by nothing is removed, if it is there.
    let emptied = json!({"op": "replace", "path": "members[value eq \"id-2\"]", "value": null});
    assert_eq!(members(&server.patch(&path, json!([emptied])).await.expect(200)), ["id-1"]);
    server.patch(&path, json!([emptied])).await.refused(400, "noTarget");
    let added = json!({"op": "add", "path": "members[value eq \"id-2\"]", "value": null});
    assert_eq!(members(&server.patch(&path, json!([added])).await.expect(200)), ["id-1"]);
    // Those that look at all values count as such; those that name one do not.
    server.patch(&path, Value::Array(vec![same("id-1"); 100])).await.expect(200);
    let any = json!({"op": "replace", "path": "members[type eq \"User\"].display", "value": "x"});
    server.patch(&path, Value::Array(vec![any; 100])).await.refused(400, "tooMany");
}
