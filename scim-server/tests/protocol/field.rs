//! What other implementations got wrong, as their users reported it.
//!
//! | no. | rule | shown by |
//! |---|---|---|
//! | 01 | `add` of an existing value changes nothing, the version included | `r7644_3_5_2_1_08`, `r7644_3_5_2_17` |
//! | 01 | `replace` on a value filter without a match is noTarget | `r7644_3_5_2_3_08` |
//! | 02 | a new primary value demotes the others | `r7644_3_5_2_09`, and `field_02` here |
//! | 03 | immutable values are compared by what they are, not where they stand | `field_03` here |
//! | 04 | readOnly values outlive PUT and PATCH | `field_04` here |
//! | 04 | readOnly in POST and PUT is ignored, in PATCH 400 | `r7644_3_3_01`, `r7644_3_5_1_06`, `r7644_3_5_2_05` |
//! | 05 | URNs have no case, the longest one wins | `r7644_3_10_01`, `r7644_3_10_03`, and `field_05` here |
//! | 05 | `schemas` says which extensions have data | `r7644_3_5_2_07`, `r7644_3_5_1_13` |
//! | 06 | names that differ by case, names that are no names, `null` are 400; but in interop mode names that are not ASCII and like no known one (`größe`) are passed over in bodies, as every unknown name is | `r7644_3_3_09`, and `field_06` here |
//! | 07 | a list in a filter means `value`, one element at a time | `r7644_3_4_2_2_21`, `r7644_3_4_2_2_15` |
//! | 08 | no value comes last ascending, first descending | `r7644_3_4_2_3_04` |
//! | 08 | ties have an order | `r7644_3_4_2_4_10`, and `field_08` here |
//! | 09 | numbers are exact, dates are instants | `r7644_3_8_07`, `r7644_3_4_2_2_03`, `r7644_3_4_2_2_09` |
//! | 09 | `pr` is false for what is empty | `r7644_3_4_2_2_08`, and `field_09` here |
//! | 10 | `startIndex` and `count` below their least; `count=0` | `r7644_3_4_2_4_02`, `_04`, `_05` |
//! | 10 | a filter on discovery is 403 | `r7644_4_06` |
//! | 11 | uniqueness holds in a race, and honours caseExact | `field_11` here, `r7644_3_3_07_b` |
//! | 11 | a PATCH or PUT that loses a race is tried again, then 409 | `field_11_b`, `_c` here, `r7644_3_12_08` |
//! | 12 | limits are judged before work is done; those of bulk are enforced | `field_12` here, `r7644_3_7_4_02` |
//! | 12 | an unknown endpoint has an Error body | `r7644_3_12_07` |
//! | 13 | errors repeat little of the input; deep trees are dropped without recursion | `field_13` here |
//! | 14 | the name of a deleted user is free | `r7644_3_6_04` |
//! | 14 | members can be added and removed twice | `r7644_3_5_2_1_07`, `r7644_3_5_2_2_09` |

use std::sync::Arc;

use scim_core::{Object, Resource};
use scim_server::store::{Load, MemoryStore, NewResource, ResourceStore, SqliteStore, Write};
use scim_server::{Limits, RequestContext};

use crate::server::*;

#[tokio::test]
async fn field_02_only_the_attribute_that_is_written_loses_its_primary_value() {
    for server in everywhere() {
        let ann = server
            .user(json!({"userName": "ann", "emails": [{"value": "1@x.example", "primary": true}],
                "phoneNumbers": [{"value": "tel:1", "primary": true}, {"value": "tel:2"}]}))
            .await;
        let add =
            json!([{"op": "add", "path": "emails", "value": [{"value": "2@x.example", "primary": true}]}]);
        let json = server.patch(&ann, add).await.expect(200).json();
        assert_ne!(json["emails"][0]["primary"], true);
        assert_eq!(json["emails"][1]["primary"], true);
        assert_eq!(json["phoneNumbers"][0], json!({"value": "tel:1", "primary": true}));
        let two =
            json!([{"value": "1@x.example", "primary": true}, {"value": "2@x.example", "primary": true}]);
        server
            .post("/Users", &user(json!({"userName": "bob", "emails": two})))
            .await
            .refused(400, "invalidValue");
        server.put(&ann, &user(json!({"userName": "ann", "emails": two}))).await.refused(400, "invalidValue");
        let replace = json!([{"op": "replace", "path": "emails", "value": two}]);
        server.patch(&ann, replace).await.refused(400, "invalidValue");
        assert_eq!(server.get(&ann).await.json(), json);
    }
}

#[tokio::test]
async fn field_03_immutable_values_are_compared_by_what_they_are() {
    for server in everywhere() {
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let group = server.group("staff", &[&ann, &bob]).await;
        let turned = json!({"schemas": [GROUP], "displayName": "staff",
            "members": [{"value": id(&bob), "type": "User"}, {"value": id(&ann)}]});
        server.put(&group, &turned).await.expect(200);
        let fewer = json!({"schemas": [GROUP], "displayName": "staff", "members": [{"value": id(&bob)}]});
        server.put(&group, &fewer).await.expect(200);
        assert_eq!(server.members(&group).await, [id(&bob)]);
        let path = format!("members[value eq \"{}\"].value", id(&bob));
        let change = json!([{"op": "replace", "path": path, "value": id(&ann)}]);
        server.patch(&group, change).await.refused(400, "mutability");
        assert_eq!(server.members(&group).await, [id(&bob)], "P18");
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let body = thing(json!({"parts": [{"value": "a", "note": "1"}, {"value": "b", "note": "2"}]}));
        let path = format!("/Things/{}", server.post("/Things", &body).await.expect(201).id());
        let turned = thing(json!({"parts": [{"value": "b", "note": "3"}, {"value": "a", "note": "1"}]}));
        let json = server.put(&path, &turned).await.expect(200).json();
        assert_eq!(json["parts"], turned["parts"]);
        let change = json!([{"op": "replace", "path": "parts[value eq \"a\"].value", "value": "c"}]);
        server.patch(&path, change).await.refused(400, "mutability");
        let same = json!([{"op": "replace", "path": "parts[value eq \"a\"].value", "value": "a"}]);
        server.patch(&path, same).await.expect(200);
        let note = json!([{"op": "replace", "path": "parts[value eq \"a\"].note", "value": "4"}]);
        assert_eq!(
            server.patch(&path, note).await.expect(200).json()["parts"][1],
            json!({"value": "a", "note": "4"})
        );
    }
}

#[tokio::test]
async fn field_04_what_the_server_says_outlives_put_and_patch() {
    let stores: [fn() -> Store; 2] =
        [|| Arc::new(MemoryStore::new()), || Arc::new(SqliteStore::in_memory().unwrap())];
    for (store, strict) in stores.into_iter().flat_map(|store| [(store, false), (store, true)]) {
        let store = store();
        let registry = things();
        let definition = registry.by_name("Thing").unwrap();
        let stamped = r#"{"schemas":["urn:example:schemas:Thing"],"serial":"S1","checked":"by us",
            "parts":[{"value":"a","stamp":"A"},{"value":"b","stamp":"B"}]}"#;
        let attributes: Object =
            scim_core::Value::from_slice(stamped.as_bytes()).unwrap().as_object().unwrap().clone();
        let context = RequestContext::new(Arc::clone(&registry), "2023-11-14T22:13:20Z".parse().unwrap());
        let new = NewResource::new("one".parse().unwrap(), Resource::from_attributes(attributes), Vec::new());
        store.write(&context, Write::create(definition, new).with_load(Load::None)).await.unwrap();
        let server = Server::over(store, strict, |builder| builder.registry(Arc::clone(&registry)));
        let body = thing(
            json!({"checked": "by me", "parts": [{"value": "b", "note": "n", "stamp": "forged"}, {"value": "a"}]}),
        );
        let json = server.put("/Things/one", &body).await.expect(200).json();
        assert_eq!(json["checked"], "by us");
        let parts = json!([{"value": "b", "note": "n", "stamp": "B"}, {"value": "a", "stamp": "A"}]);
        assert_eq!(json["parts"], parts, "PUT, strict {strict}");
        let replace =
            json!([{"op": "replace", "path": "parts[value eq \"a\"]", "value": {"value": "a", "note": "m"}}]);
        let json = server.patch("/Things/one", replace).await.expect(200).json();
        assert_eq!(
            json["parts"][1],
            json!({"value": "a", "note": "m", "stamp": "A"}),
            "PATCH, strict {strict}"
        );
        let forge = json!([{"op": "replace", "path": "parts[value eq \"a\"].stamp", "value": "forged"}]);
        server.patch("/Things/one", forge).await.refused(400, "mutability");
        let forge = json!([{"op": "remove", "path": "checked"}]);
        server.patch("/Things/one", forge).await.refused(400, "mutability");
        assert_eq!(server.get("/Things/one").await.json()["checked"], "by us");
    }
}

#[tokio::test]
async fn field_05_the_longest_urn_wins() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann", ENTERPRISE: {"manager": {"value": "m1"}}})).await;
        for urn in [ENTERPRISE.to_owned(), ENTERPRISE.to_uppercase()] {
            assert_eq!(server.names(&format!("{urn}:manager.value eq \"m1\"")).await, ["ann"]);
            assert_eq!(server.names(&format!("{urn}:manager[value eq \"m1\"]")).await, ["ann"]);
            let only = server.get(&format!("{ann}?attributes={urn}:manager.value")).await.expect(200).json();
            assert_eq!(only[ENTERPRISE], json!({"manager": {"value": "m1"}}));
        }
        let wrong = format!("{USER}:{ENTERPRISE}:manager.value eq \"m1\"");
        server.filter("/Users", &wrong).await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn field_06_names_that_differ_by_case_and_names_that_are_no_names() {
    for server in everywhere() {
        for body in [
            format!(r#"{{"schemas":["{USER}"],"userName":"a","USERNAME":"b"}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","userName":"a"}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","name":{{"givenName":"a","givenname":"b"}}}}"#),
            format!(r#"{{"schemas":["{USER}"],"userName":"a","emails":[{{"value":"a","VALUE":"b"}}]}}"#),
            "null".to_owned(),
        ] {
            server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
        }
        // The long s and the Kelvin sign are `s` and `k` to Unicode, not to SCIM.
        server.post("/Users", &user(json!({"u\u{17f}erName": "ann"}))).await.expect(400);
        // A slip of the pen was meant for an attribute that there is.
        for slip in ["active ", " active", "act\u{200b}ive"] {
            server
                .post("/Users", &user(json!({"userName": "ann", slip: "A"})))
                .await
                .refused(400, "invalidSyntax");
            let id = server.user(json!({"userName": format!("u{}", slip.len()), "active": true})).await;
            for operation in [
                json!({"op": "add", "value": {slip: false}}),
                json!({"op": "replace", "value": {"name": {slip: "x"}}}),
            ] {
                server.patch(&id, json!([operation])).await.refused(400, "invalidSyntax");
            }
            server.delete(&id).await;
        }
        server
            .post("/Users", &user(json!({"userName": "ann", "User:active": false})))
            .await
            .refused(400, "invalidSyntax");
        // What others call their own attributes is passed over where unknown names are.
        for own in ["nic\u{212a}Name", "größe", "Cost Centre", "@type"] {
            if server.strict {
                let body = user(json!({"userName": "own", own: "A"}));
                server.post("/Users", &body).await.refused(400, "invalidValue");
                continue;
            }
            let id = server.user(json!({"userName": "own", own: "A"})).await;
            assert!(server.get(&id).await.expect(200).json().get(own).is_none());
            server.delete(&id).await;
        }
        for wrong in ["u\u{17f}erName eq \"ann\"", "größe eq 5", "nic\u{212a}Name pr"] {
            server.filter("/Users", wrong).await.refused(400, "invalidFilter");
        }
        let bob = server.user(json!({"userName": "bob"})).await;
        for wrong in ["u\u{17f}erName", "größe"] {
            let answer = server.patch(&bob, json!([{"op": "add", "path": wrong, "value": "x"}])).await;
            answer.refused(400, "invalidPath");
        }
    }
}

#[tokio::test]
async fn field_08_ties_have_an_order_that_lasts() {
    for server in everywhere() {
        for n in 0..20 {
            server.user(json!({"userName": format!("u{n:02}"), "title": "same"})).await;
        }
        for query in ["sortBy=title", "sortBy=title&sortOrder=descending", "sortBy=nickName", ""] {
            let first = server.get(&format!("/Users?{query}")).await.expect(200).strings("userName");
            // Writes to some of them change neither what they are sorted by nor their place.
            for n in [3, 17, 8] {
                let set = json!([{"op": "replace", "path": "displayName", "value": format!("{query}{n}")}]);
                server.patch(&format!("/Users/id-{n}"), set).await.expect(200);
            }
            let again = server.get(&format!("/Users?{query}")).await.expect(200).strings("userName");
            assert_eq!(again, first, "{query}");
        }
    }
}

#[tokio::test]
async fn field_09_what_is_empty_is_not_present() {
    for server in everywhere() {
        server
            .user(json!({"userName": "ann", "name": {}, "emails": [], "title": null, ENTERPRISE: {},
                "addresses": [{}], "phoneNumbers": [{"value": null}]}))
            .await;
        let bob = server
            .user(
                json!({"userName": "bob", "name": {"givenName": "B"}, "emails": [{"value": "b@x.example"}]}),
            )
            .await;
        server
            .patch(
                &bob,
                json!([
                    {"op": "remove", "path": "name.givenName"},
                    {"op": "remove", "path": "emails[value pr]"},
                ]),
            )
            .await
            .expect(200);
        for name in ["name", "emails", "title", "addresses", "phoneNumbers", &format!("{ENTERPRISE}:manager")]
        {
            assert_eq!(server.names(&format!("{name} pr")).await, [""; 0], "{name}");
            assert_eq!(server.names(&format!("not ({name} pr)")).await, ["ann", "bob"], "{name}");
        }
        for listed in server.get("/Users").await.json()["Resources"].as_array().unwrap() {
            assert_eq!(keys(listed), ["id", "meta", "schemas", "userName"]);
        }
    }
}

/// Runs something on as many threads at once.
fn at_once<T: Send>(threads: usize, work: impl AsyncFn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let run =
            |n| move || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work(n));
        let threads: Vec<_> = (0..threads).map(|n| scope.spawn(run(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[tokio::test]
async fn field_11_one_of_many_gets_a_unique_name() {
    for server in everywhere() {
        let mut statuses = at_once(24, async |n| {
            let name = if n % 2 == 0 { "same" } else { "SAME" };
            server.post("/Users", &user(json!({"userName": name}))).await.status
        });
        statuses.sort_unstable();
        assert_eq!(statuses[0], 201);
        assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
        assert_eq!(server.get("/Users").await.json()["totalResults"], 1);
    }
}

#[tokio::test]
async fn field_11_b_no_write_is_lost_in_a_race() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let group = server.group("staff", &[]).await;
        let mut users = Vec::new();
        for n in 0..24 {
            users.push(server.user(json!({"userName": format!("u{n}")})).await);
        }
        at_once(24, async |n| {
            let member = id(&users[n]);
            let email = json!([{"op": "add", "path": "emails", "value": [{"value": member}]}]);
            server.patch(&ann, email).await.expect(200);
            let add = json!([{"op": "add", "path": "members", "value": [{"value": member}]}]);
            // Once there are more than 20 members, the answer is without them.
            let added = server.patch(&group, add).await;
            assert!(matches!(added.status, 200 | 204), "{added:?}");
            server.put(&users[n], &user(json!({"userName": format!("renamed-{n}")}))).await.expect(200);
        });
        assert_eq!(server.get(&ann).await.json()["emails"].as_array().unwrap().len(), 24);
        assert_eq!(server.members(&group).await.len(), 24);
        assert_eq!(server.names("userName sw \"renamed-\"").await.len(), 24);
    }
}

#[tokio::test]
async fn field_11_c_a_put_that_loses_a_race_is_tried_again() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let statuses = at_once(24, async |n| {
            let body = user(json!({"userName": "ann", "title": format!("t{n}")}));
            server.put(&ann, &body).await.status
        });
        assert_eq!(statuses, [200; 24]);
        assert_eq!(server.names("title pr").await, ["ann"]);
    }
}

#[tokio::test]
async fn field_12_limits_are_judged_before_work_is_done() {
    for server in everywhere_with(|builder| builder.limits(Limits::default().with_body(200_000))) {
        let ann = server.user(json!({"userName": "ann"})).await;
        let before = server.get("/").await.text;
        // Not JSON at all, and no word about that: nothing has read it.
        for (method, path) in
            [("POST", "/Users"), ("PUT", ann.as_str()), ("PATCH", &ann), ("POST", "/.search")]
        {
            let detail = server.send(method, path, &[], "{".repeat(200_001)).await.refused(413, "");
            assert!(detail.contains("200000 bytes"), "{detail}");
            server.send(method, path, &[], "{".repeat(200_000)).await.refused(400, "invalidSyntax");
        }
        let set = json!({"op": "replace", "path": "title", "value": "x"});
        let detail = server.patch(&ann, json!(vec![set.clone(); 1001])).await.refused(400, "invalidSyntax");
        assert!(detail.contains("1001") && detail.contains("limit of 1000"), "{detail}");
        assert_eq!(server.get("/").await.text, before);
        server.patch(&ann, json!(vec![set; 1000])).await.expect(200);
    }
}

#[tokio::test]
async fn field_13_errors_repeat_little_of_the_input() {
    let long = format!("{}\u{1b}[31m\n`; DROP", "x".repeat(4000));
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answers = [
            server.get(&format!("/Users/{}", encode(&long))).await,
            server.get(&format!("/{}", encode(&long))).await,
            server.filter("/Users", &format!("title eq {long}")).await,
            server.filter("/Users", &format!("{long} pr")).await,
            server.get(&format!("/Users?sortBy={}", encode(&long))).await,
            server.get(&format!("/Users?count={}", encode(&long))).await,
            server.post("/Users", &user(json!({"userName": "bob", "active": long}))).await,
            server.post("/Users", &user(json!({"userName": "bob", "title": {long.clone(): 1}}))).await,
            server.post("/Users", &json!({"schemas": long, "userName": 5})).await,
            server.patch(&ann, json!([{"op": long, "path": "title"}])).await,
            server.patch(&ann, json!([{"op": "remove", "path": long}])).await,
            server.patch(&ann, json!([{"op": "remove", "path": format!("emails[{long}]")}])).await,
            server.search("/Users/.search", json!({"filter": long})).await,
            server.send("BREW", &ann, &[("content-type", "x")], long.clone()).await,
        ];
        for answer in answers {
            assert!(answer.status >= 400, "{answer:?}");
            assert!(!answer.text.contains(&"x".repeat(130)) && answer.text.len() < 800, "{answer:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(!detail.chars().any(char::is_control), "{detail}");
        }
    }
}

#[test]
fn field_13_b_deep_trees_need_no_deep_stack() {
    // A thread whose stack a recursion of some thousand calls would end.
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for server in [Server::tolerant(), Server::strict()] {
                for depth in [1_000, 80_000] {
                    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
                    let body = format!(r#"{{"schemas":["{USER}"],"userName":"a","title":{open}{close}}}"#);
                    server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
                    let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
                    server.send("POST", "/Users", &[], objects).await.refused(400, "invalidSyntax");
                    for filter in [
                        format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth)),
                        format!("{}title pr{}", "not (".repeat(depth), ")".repeat(depth)),
                        "title pr and (".repeat(depth / 4),
                        vec!["title pr"; depth].join(" or "),
                    ] {
                        let answer = server.search("/.search", json!({"filter": filter})).await;
                        answer.refused(400, "invalidFilter");
                    }
                }
            }
        });
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}
