//! RFC 7644 sections 3.4.2.5, 3.9 and 3.10: which attributes an answer has, and how attributes are named.

use crate::server::*;

/// The members of each resource of an answer: of a list, else of one resource.
fn shown(answer: &Answer) -> Vec<Value> {
    let json = answer.json();
    json.get("Resources").map_or_else(|| vec![json.clone()], |list| list.as_array().unwrap().clone())
}

/// Every request that answers with a resource, with `query` added: of a user that has everything.
async fn every_answer(server: &Server, query: &str, parameters: Value) -> Vec<Answer> {
    let path = format!("/Users/{}", server.post("/Users", &full_user("ann")).await.expect(201).id());
    let mut answers = vec![
        server.post(&format!("/Users?{query}"), &full_user("bob")).await.expect(201),
        server.get(&format!("{path}?{query}")).await.expect(200),
        server.get(&format!("/Users?{query}")).await.expect(200),
        server.get(&format!("/?{query}")).await.expect(200),
        server.put(&format!("{path}?{query}"), &full_user("ann")).await.expect(200),
        server
            .patch(&format!("{path}?{query}"), json!([{"op": "replace", "path": "active", "value": true}]))
            .await
            .expect(200),
    ];
    for path in ["/Users/.search", "/.search"] {
        answers.push(server.search(path, parameters.clone()).await.expect(200));
    }
    answers
}

#[tokio::test]
async fn r7644_3_4_2_5_01_lists_take_both_parameters() {
    for server in everywhere() {
        server.post("/Users", &full_user("ann")).await.expect(201);
        let only = server.get("/Users?attributes=userName").await.expect(200);
        assert_eq!(keys(&shown(&only)[0]), ["id", "schemas", "userName"]);
        let without = server.get("/Users?excludedAttributes=emails,name").await.expect(200);
        let shown = &shown(&without)[0];
        assert!(shown.get("emails").is_none() && shown.get("name").is_none() && shown["title"].is_string());
    }
}

#[tokio::test]
async fn r7644_3_4_2_5_02_attributes_take_the_place_of_the_default_set() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = thing(
            json!({"always": "A", "onRequest": "R", "place": "P", LABELS: {"colour": "red", "shelf": "3"}}),
        );
        server.post("/Things", &body).await.expect(201);
        for (names, expected) in [
            ("place", &["always", "id", "place", "schemas", LABELS][..]),
            ("onRequest", &["always", "id", "onRequest", "schemas", LABELS]),
            ("meta", &["always", "id", "meta", "schemas", LABELS]),
        ] {
            let list = server.get(&format!("/Things?attributes={names}")).await.expect(200);
            assert_eq!(keys(&shown(&list)[0]), expected, "{names}");
            assert_eq!(shown(&list)[0][LABELS], json!({"shelf": "3"}), "always, in an extension too");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_5_03_what_is_always_returned_cannot_be_left_out() {
    for server in everywhere_with(|builder| builder.registry(things())) {
        server.post("/Things", &thing(json!({"always": "A", "place": "P"}))).await.expect(201);
        let list = server.get("/Things?excludedAttributes=id,always,schemas,place").await.expect(200);
        assert_eq!(keys(&shown(&list)[0]), ["always", "id", "meta", "schemas", "serial"]);
    }
}

#[tokio::test]
async fn r7644_3_9_01_attributes_name_all_but_what_is_always_there() {
    for server in everywhere() {
        for answer in every_answer(&server, "attributes=userName", json!({"attributes": ["userName"]})).await
        {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["id", "schemas", "userName"]);
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_9_02_excluded_attributes_are_left_out() {
    for server in everywhere() {
        let query = "excludedAttributes=emails,meta,name.givenName";
        let parameters = json!({"excludedAttributes": ["emails", "meta", "name.givenName"]});
        for answer in every_answer(&server, query, parameters).await {
            for resource in shown(&answer) {
                assert_eq!(
                    keys(&resource),
                    [
                        "active",
                        "addresses",
                        "displayName",
                        "externalId",
                        "id",
                        "name",
                        "nickName",
                        "schemas",
                        "title",
                        ENTERPRISE,
                        "userName"
                    ]
                );
                assert_eq!(keys(&resource["name"]), ["familyName", "middleName"]);
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_9_03_sub_attributes_can_be_named() {
    for server in everywhere() {
        let query = "attributes=name.familyName,emails.value";
        let parameters = json!({"attributes": ["name.familyName", "emails.value"]});
        for answer in every_answer(&server, query, parameters).await {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["emails", "id", "name", "schemas"]);
                assert_eq!(resource["name"], json!({"familyName": "Jensen"}));
                assert_eq!(
                    resource["emails"],
                    json!([{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}])
                );
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_9_04_both_at_once_are_refused_or_one_is_used() {
    for server in everywhere() {
        let ann = server.post("/Users", &full_user("ann")).await.expect(201).id();
        for path in ["/Users".to_owned(), format!("/Users/{ann}")] {
            let answer = server.get(&format!("{path}?attributes=title&excludedAttributes=title")).await;
            if server.strict {
                answer.refused(400, "invalidValue");
            } else {
                assert_eq!(keys(&shown(&answer.expect(200))[0]), ["id", "schemas", "title"], "Q2");
            }
        }
        let body = user(json!({"userName": "bob"}));
        let answer = server.post("/Users?attributes=title&excludedAttributes=title", &body).await;
        assert_eq!(answer.status, if server.strict { 400 } else { 201 });
        let made = server.names("userName eq \"bob\"").await.len();
        assert_eq!(made, usize::from(!server.strict), "what is refused is not done");
    }
}

#[tokio::test]
async fn r7644_3_9_05_every_operation_that_answers_with_a_resource_takes_them() {
    for server in everywhere() {
        let answers = every_answer(&server, "attributes=title", json!({"attributes": ["title"]})).await;
        assert_eq!(answers.len(), 8);
        for answer in answers {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["id", "schemas", "title"], "{answer:?}");
            }
        }
        let group = server.group("staff", &["/Users/id-1"]).await;
        for answer in [
            server.get(&format!("{group}?excludedAttributes=members")).await,
            server
                .put(
                    &format!("{group}?excludedAttributes=members"),
                    &json!({"schemas": [GROUP], "displayName": "staff", "members": [{"value": "id-1"}]}),
                )
                .await,
            server
                .patch(
                    &format!("{group}?excludedAttributes=members"),
                    json!([{"op": "add", "path": "members",
                "value": [{"value": "id-2"}]}]),
                )
                .await,
            server.get("/Groups?excludedAttributes=members").await,
            server.search("/Groups/.search", json!({"excludedAttributes": ["members"]})).await,
        ] {
            let resource = &shown(&answer.expect(200))[0];
            assert!(resource.get("members").is_none() && resource["displayName"] == "staff", "{resource}");
        }
        assert_eq!(server.members(&group).await, ["id-1", "id-2"]);
    }
}

#[tokio::test]
async fn r7644_3_9_06_names_may_have_their_urn() {
    for server in everywhere() {
        let names = [
            format!("{USER}:userName"),
            format!("{USER}:name.familyName"),
            format!("{ENTERPRISE}:department"),
        ];
        let query = format!("attributes={}", names.join(","));
        for answer in every_answer(&server, &query, json!({"attributes": names})).await {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["id", "name", "schemas", ENTERPRISE, "userName"]);
                assert_eq!(resource[ENTERPRISE], json!({"department": "Tour Operations"}));
                assert_eq!(resource["name"], json!({"familyName": "Jensen"}));
            }
        }
        let without =
            server.get(&format!("/Users?excludedAttributes={ENTERPRISE}:department,{USER}:emails")).await;
        let resource = &shown(&without.expect(200))[0];
        assert_eq!(resource[ENTERPRISE], json!({"employeeNumber": "701984"}));
        assert!(resource.get("emails").is_none());
    }
}

#[tokio::test]
async fn r7644_3_9_07_the_urn_of_an_extension_is_all_of_it() {
    for server in everywhere() {
        for answer in
            every_answer(&server, &format!("attributes={ENTERPRISE}"), json!({"attributes": [ENTERPRISE]}))
                .await
        {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["id", "schemas", ENTERPRISE]);
                assert_eq!(keys(&resource[ENTERPRISE]), ["department", "employeeNumber"]);
            }
        }
        let without = server.get(&format!("/Users?excludedAttributes={}", ENTERPRISE.to_uppercase())).await;
        assert!(shown(&without.expect(200))[0].get(ENTERPRISE).is_none());
    }
}

#[tokio::test]
async fn r7644_3_9_08_what_is_never_returned_stays_hidden() {
    for server in everywhere() {
        let names = format!("password,{USER}:password,userName");
        let parameters = json!({"attributes": ["password", "PASSWORD", "userName"]});
        for answer in every_answer(&server, &format!("attributes={names}"), parameters).await {
            assert!(!answer.text.contains("t1meMa"), "{answer:?}");
            assert_eq!(keys(&shown(&answer)[0]), ["id", "schemas", "userName"]);
        }
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let created =
            server.post("/Things?attributes=secret", &thing(json!({"secret": "hush"}))).await.expect(201);
        let listed = server.get("/Things?attributes=secret,serial").await.expect(200);
        let path = format!("/Things/{}?attributes=secret", created.id());
        let patched =
            server.patch(&path, json!([{"op": "replace", "path": "secret", "value": "hush2"}])).await;
        for answer in [created, listed, patched.expect(200)] {
            assert!(!answer.text.contains("secret") && !answer.text.contains("hush"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn r7644_3_9_09_unknown_names_are_ignored() {
    for server in everywhere() {
        let query = "attributes=doesNotExist,name.noSuch,urn:example:none:x,a%20b,%5B";
        let parameters =
            json!({"attributes": ["doesNotExist", "name.noSuch", "urn:example:none:x", "a b", "["]});
        for answer in every_answer(&server, query, parameters).await {
            for resource in shown(&answer) {
                assert_eq!(keys(&resource), ["id", "schemas"]);
            }
        }
        let all = server.get("/Users").await.expect(200).text;
        assert_eq!(server.get("/Users?excludedAttributes=doesNotExist").await.expect(200).text, all);
    }
}

#[tokio::test]
async fn r7644_3_9_10_names_have_no_case_and_may_have_blanks_around() {
    for server in everywhere() {
        server.post("/Users", &full_user("ann")).await.expect(201);
        for query in [
            "attributes=USERNAME,%20title",
            "attributes=username+,+TITLE",
            "ATTRIBUTES=userName,title",
            "attributes=userName&attributes=title",
            "attributes=,userName,,title,",
        ] {
            let list = server.get(&format!("/Users?{query}")).await.expect(200);
            assert_eq!(keys(&shown(&list)[0]), ["id", "schemas", "title", "userName"], "{query}");
        }
        let without = server.get("/Users?excludedattributes=EMAILS").await.expect(200);
        assert!(shown(&without)[0].get("emails").is_none());
    }
}

#[tokio::test]
async fn r7644_3_10_01_urn_name_and_sub_attribute_have_no_case() {
    for server in everywhere() {
        let path = format!("/Users/{}", server.post("/Users", &full_user("ann")).await.expect(201).id());
        let full = format!("{USER}:name.familyName");
        for name in [full.to_uppercase(), full.to_lowercase(), full.clone()] {
            assert_eq!(server.names(&format!("{name} eq \"jensen\"")).await, ["ann"], "{name}");
            let only = server.get(&format!("{path}?attributes={name}")).await.expect(200).json();
            assert_eq!(only["name"], json!({"familyName": "Jensen"}), "{name}");
            let sorted = server.get(&format!("/Users?sortBy={name}")).await.expect(200);
            assert_eq!(sorted.strings("userName"), ["ann"]);
            let set = json!([{"op": "replace", "path": name, "value": "Jensen"}]);
            server.patch(&path, set).await.expect(200);
        }
        let body = json!({"SCHEMAS": [USER.to_uppercase(), ENTERPRISE.to_lowercase()], "USERNAME": "bob",
            "Name": {"FAMILYNAME": "B"}, ENTERPRISE.to_uppercase(): {"DEPARTMENT": "D"}});
        let bob = server.post("/Users", &body).await.expect(201).json();
        assert_eq!(bob["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!((&bob["userName"], &bob["name"]["familyName"]), (&json!("bob"), &json!("B")));
        assert_eq!(bob[ENTERPRISE]["department"], "D");
    }
}

#[tokio::test]
async fn r7644_3_10_02_the_core_urn_can_be_left_out() {
    for server in everywhere() {
        let path = format!("/Users/{}", server.post("/Users", &full_user("ann")).await.expect(201).id());
        for name in ["title", &format!("{USER}:title")] {
            assert_eq!(server.names(&format!("{name} eq \"Tour Guide\"")).await, ["ann"]);
            let only = server.get(&format!("{path}?attributes={name}")).await.expect(200).json();
            assert_eq!(keys(&only), ["id", "schemas", "title"]);
        }
    }
}

#[tokio::test]
async fn r7644_3_10_03_only_the_dot_after_the_urn_separates() {
    for server in everywhere() {
        let path = format!("/Users/{}", server.post("/Users", &full_user("ann")).await.expect(201).id());
        let name = format!("{USER}:name.givenName");
        assert_eq!(server.names(&format!("{name} eq \"barbara\"")).await, ["ann"]);
        let only = server.get(&format!("{path}?attributes={name}")).await.expect(200).json();
        assert_eq!(only["name"], json!({"givenName": "Barbara"}));
        let patched = server.patch(&path, json!([{"op": "replace", "path": name, "value": "B"}])).await;
        assert_eq!(patched.expect(200).json()["name"]["givenName"], "B");
        let manager = format!("{ENTERPRISE}:manager.value");
        let patched = server.patch(&path, json!([{"op": "add", "path": manager, "value": "m1"}])).await;
        assert_eq!(patched.expect(200).json()[ENTERPRISE]["manager"]["value"], "m1");
        server
            .filter("/Users", &format!("{USER}:name.givenName.x eq \"B\""))
            .await
            .refused(400, "invalidFilter");
    }
}
