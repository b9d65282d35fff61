//! RFC 7644 section 3.5.2: what a PATCH answers, and what it leaves as it was.

use crate::server::*;

async fn bjensen(server: &Server) -> String {
    format!("/Users/{}", server.post("/Users", &full_user("bjensen")).await.expect(201).id())
}

#[tokio::test]
async fn r7644_3_5_2_12_success_is_200_with_the_whole_resource_or_204() {
    for server in
        everywhere_with(|builder| builder.limits(scim_server::Limits::default().with_patch_answer_values(2)))
    {
        let path = bjensen(&server).await;
        let answer =
            server.patch(&path, json!([{"op": "replace", "path": "title", "value": "x"}])).await.expect(200);
        assert_eq!(answer.json(), server.get(&path).await.json());
        assert_eq!(answer.header("location"), Some("https://example.com/v2/Users/id-1"));
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let group = server.group("staff", &[&ann]).await;
        let add = |path: &str| json!([{"op": "add", "path": "members", "value": [{"value": id(path)}]}]);
        let answer = server.patch(&group, add(&bob)).await.expect(200);
        assert_eq!(answer.json(), server.get(&group).await.json());
        let answer = server.patch(&group, add(&path)).await.expect(204);
        assert_eq!(
            answer.header("etag"),
            server.get(&group).await.header("etag"),
            "P16: and says which version it is"
        );
        assert_eq!(server.members(&group).await.len(), 3);
    }
}

#[tokio::test]
async fn r7644_3_5_2_13_with_attributes_the_answer_is_200() {
    for server in
        everywhere_with(|builder| builder.limits(scim_server::Limits::default().with_patch_answer_values(0)))
    {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
        server.patch(&group, rename("a")).await.expect(204);
        for (query, members) in [
            ("attributes=displayName", &["displayName", "id", "schemas"][..]),
            ("attributes=members", &["id", "members", "schemas"]),
            ("excludedAttributes=members,meta", &["displayName", "id", "schemas"]),
            ("excludedAttributes=meta", &["displayName", "id", "members", "schemas"]),
        ] {
            let answer = server.patch(&format!("{group}?{query}"), rename(query)).await.expect(200);
            assert_eq!(keys(&answer.json()), members, "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_5_2_14_the_body_has_what_was_asked_for() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let set = json!([{"op": "replace", "path": "title", "value": "x"}]);
        let only =
            server.patch(&format!("{path}?attributes=userName,title"), set.clone()).await.expect(200).json();
        assert_eq!(keys(&only), ["id", "schemas", "title", "userName"]);
        assert_eq!(only["title"], "x");
        let without =
            server.patch(&format!("{path}?excludedAttributes=title,emails"), set).await.expect(200).json();
        assert!(
            without.get("title").is_none() && without.get("emails").is_none() && without["name"].is_object()
        );
    }
}

#[tokio::test]
async fn r7644_3_5_2_14_b_what_is_returned_on_request_is_shown_where_the_patch_has_set_it() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body =
            thing(json!({"onRequest": "R", LABELS: {"history": "H", "marks": [{"value": "a", "why": "w"}]}}));
        let path = format!("/Things/{}", server.post("/Things", &body).await.expect(201).id());
        let all = format!("?attributes=onRequest,{LABELS}:history,{LABELS}:marks.value,{LABELS}:marks.why");
        for (operation, shown) in [
            (json!({"op": "replace", "path": "onRequest", "value": "R2"}), json!(["R2", null, null])),
            (json!({"op": "add", "value": {"ONREQUEST": "R3"}}), json!(["R3", null, null])),
            (
                json!({"op": "add", "path": format!("{LABELS}:history"), "value": "H2"}),
                json!([null, "H2", null]),
            ),
            (json!({"op": "replace", "value": {LABELS: {"history": "H3"}}}), json!([null, "H3", null])),
            (
                json!({"op": "add", "path": format!("{LABELS}:marks[value eq \"a\"].why"), "value": "w2"}),
                json!([null, null, "w2"]),
            ),
            (json!({"op": "replace", "path": "place", "value": "P"}), json!([null, null, null])),
        ] {
            let json = server.patch(&path, json!([operation])).await.expect(200).json();
            let labels = &json[LABELS];
            let seen = json!([json["onRequest"], labels["history"], labels["marks"][0]["why"]]);
            assert_eq!(seen, shown, "Q4: {operation}");
        }
        let json = server.get(&path).await.expect(200).json();
        assert_eq!(json[LABELS], json!({"marks": [{"value": "a"}]}));
        let json = server.get(&format!("{path}{all}")).await.expect(200).json();
        assert_eq!(json["onRequest"], "R3");
        assert_eq!(json[LABELS], json!({"history": "H3", "marks": [{"value": "a", "why": "w2"}]}));
    }
}

#[tokio::test]
async fn r7644_3_5_2_15_an_unknown_id_is_404() {
    for server in everywhere() {
        server.patch("/Users/none", json!([{"op": "remove", "path": "title"}])).await.refused(404, "");
        server.patch("/Groups/none", json!([{"op": "remove", "path": "members"}])).await.refused(404, "");
        assert_eq!(server.get("/").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_5_2_16_paths_have_no_case_and_take_the_core_urn() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        for (n, name) in [
            "NICKNAME",
            "nickname",
            &format!("{USER}:nickName"),
            &format!("{}:NickName", USER.to_uppercase()),
        ]
        .iter()
        .enumerate()
        {
            let json =
                server.patch(&path, json!([{"op": "replace", "path": name, "value": n.to_string()}])).await;
            assert_eq!(json.expect(200).json()["nickName"], n.to_string(), "{name}");
        }
        let core = format!("{USER}:emails[TYPE eq \"work\"].DISPLAY");
        let json =
            server.patch(&path, json!([{"op": "add", "path": core, "value": "d"}])).await.expect(200).json();
        assert_eq!(json["emails"][0]["display"], "d");
        let keys = json!([{"OP": "add", "PATH": "title", "VALUE": "v"}]);
        assert_eq!(server.patch(&path, keys).await.expect(200).json()["title"], "v");
    }
}

#[tokio::test]
async fn r7644_3_5_2_17_a_patch_that_changes_nothing_leaves_last_modified() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[&path]).await;
        let before = server.get(&path).await.text;
        let before_group = server.get(&group).await.text;
        server.tick();
        for operation in [
            json!({"op": "replace", "path": "title", "value": "Tour Guide"}),
            json!({"op": "add", "path": "emails", "value": [{"value": "babs@jensen.org", "type": "home"}]}),
            json!({"op": "replace", "value": {"active": true, "name": {"familyName": "Jensen"}}}),
            json!({"op": "remove", "path": "photos"}),
            json!({"op": "remove", "path": "emails[type eq \"other\"]"}),
            json!({"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Tour Operations"}),
        ] {
            assert_eq!(server.patch(&path, json!([operation])).await.expect(200).text, before, "{operation}");
        }
        for operation in [
            json!({"op": "add", "path": "members", "value": [{"value": id(&path)}]}),
            json!({"op": "remove", "path": "members[value eq \"none\"]"}),
            json!({"op": "replace", "path": "members", "value": [{"value": id(&path)}]}),
            json!({"op": "replace", "path": "displayName", "value": "staff"}),
        ] {
            assert_eq!(
                server.patch(&group, json!([operation])).await.expect(200).text,
                before_group,
                "{operation}"
            );
        }
        assert_eq!(server.get(&path).await.text, before);
        assert_eq!(server.get(&group).await.text, before_group);
    }
}

#[tokio::test]
async fn r7644_3_5_2_18_a_used_unique_value_is_409() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        server.user(json!({"userName": "bob"})).await;
        let before = server.get(&path).await.text;
        for operation in [
            json!({"op": "replace", "path": "userName", "value": "bob"}),
            json!({"op": "add", "path": "userName", "value": "BOB"}),
            json!({"op": "replace", "value": {"userName": "bob", "title": "x"}}),
        ] {
            server.patch(&path, json!([operation])).await.refused(409, "uniqueness");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_19_required_attributes_stay() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[]).await;
        server.patch(&path, json!([{"op": "remove", "path": "userName"}])).await.refused(400, "mutability");
        server
            .patch(&group, json!([{"op": "remove", "path": "displayName"}]))
            .await
            .refused(400, "mutability");
        server.patch(&path, json!([{"op": "remove", "path": "schemas"}])).await.refused(400, "mutability");
        for value in [json!(null), json!(""), json!("  ")] {
            for op in ["replace", "add"] {
                let with_path = json!([{"op": op, "path": "userName", "value": value}]);
                server.patch(&path, with_path).await.refused(400, "invalidValue");
                let without = json!([{"op": op, "value": {"userName": value}}]);
                server.patch(&path, without).await.refused(400, "invalidValue");
            }
        }
        assert_eq!(server.get(&path).await.json()["userName"], "bjensen");
    }
}

#[tokio::test]
async fn r7644_3_5_2_19_b_and_so_do_required_parts() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = thing(json!({"slots": [{"name": "a", "note": "n"}]}));
        let path = format!("/Things/{}", server.post("/Things", &body).await.expect(201).id());
        let before = server.get(&path).await.text;
        for (operation, kind) in [
            (json!({"op": "add", "path": "slots", "value": [{"note": "m"}]}), "invalidValue"),
            (json!({"op": "replace", "path": "slots", "value": [{"note": "m"}]}), "invalidValue"),
            (
                json!({"op": "replace", "path": "slots[name eq \"a\"]", "value": {"note": "m"}}),
                "invalidValue",
            ),
            (json!({"op": "replace", "path": "slots[name eq \"a\"].name", "value": null}), "invalidValue"),
            (json!({"op": "remove", "path": "slots[name eq \"a\"].name"}), "mutability"),
            // Nor is a value made from a filter that does not say its name.
            (json!({"op": "add", "path": "slots[note eq \"x\"].note", "value": "m"}), "noTarget"),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, kind);
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7644_3_5_2_21_if_match_is_honoured() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let tag = server.get(&path).await.etag();
        let set = |title: &str| {
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": title}]})
                .to_string()
        };
        server.send("PATCH", &path, &[("if-match", &tag)], set("a")).await.expect(200);
        server.send("PATCH", &path, &[("if-match", &tag)], set("b")).await.refused(412, "");
        let answer = server.get(&path).await;
        assert_eq!(answer.json()["title"], "a");
        assert_ne!(answer.etag(), tag);
    }
}

#[tokio::test]
async fn r7644_3_5_2_22_a_change_moves_last_modified_and_not_created() {
    for server in everywhere() {
        let path = bjensen(&server).await;
        let group = server.group("staff", &[]).await;
        for (path, operation) in [
            (&path, json!({"op": "replace", "path": "title", "value": "x"})),
            (&group, json!({"op": "add", "path": "members", "value": [{"value": id(&path)}]})),
        ] {
            let before = server.get(path).await.json()["meta"].clone();
            server.tick();
            let after = server.patch(path, json!([operation])).await.expect(200).json()["meta"].clone();
            assert_eq!(after["created"], before["created"]);
            assert!(after["lastModified"].as_str() > before["lastModified"].as_str(), "{after}");
            assert_ne!(after["version"], before["version"]);
        }
    }
}
