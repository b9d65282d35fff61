//! RFC 7643 section 7: the characteristics at work.

use crate::common::*;
use crate::custom::{self, asset};

#[tokio::test]
async fn r7643_7_10_comparisons_follow_case_exact_and_case_is_kept() {
    for server in custom::servers() {
        let path = server.asset(json!({"label": "MiXed", "serial": "Se-1", "externalId": "Ex-1"})).await;
        let read = server.get(&path).await.json();
        for (name, value) in [("label", "MiXed"), ("serial", "Se-1"), ("externalId", "Ex-1")] {
            assert_eq!(read[name], value, "as it came");
            for operator in ["eq", "co", "sw", "ew", "ge", "le"] {
                assert_eq!(
                    server.count(&format!("{name} {operator} \"{value}\"")).await,
                    1,
                    "{name} {operator}"
                );
            }
            let other = u64::from(name == "label");
            for text in [value.to_lowercase(), value.to_uppercase()] {
                for operator in ["eq", "co", "sw", "ew"] {
                    let filter = format!("{name} {operator} \"{text}\"");
                    assert_eq!(server.count(&filter).await, other, "{filter}");
                }
            }
        }
        // A change of case alone is a change, of either kind.
        let patch = json!([{"op": "replace", "path": "label", "value": "mIxed"}]);
        assert_eq!(server.patch(&path, patch).await.expect(200).json()["label"], "mIxed");
    }
}

#[tokio::test]
async fn r7643_7_11_clients_never_change_what_is_read_only() {
    for server in custom::servers() {
        let path = format!(
            "/Assets/{}",
            server.post("/Assets", &asset(json!({"state": "forged"}))).await.expect(201).id()
        );
        let unchanged = async || {
            let text = server.get(&path).await.expect(200).text;
            assert!(!text.contains("forged") && !text.contains("\"state\""), "{text}");
        };
        unchanged().await;
        server.put(&path, &asset(json!({"state": "forged", "label": "M"}))).await.expect(200);
        assert_eq!(server.get(&path).await.json()["label"], "M", "the rest is applied");
        unchanged().await;
        for operation in [
            json!({"op": "add", "path": "state", "value": "forged"}),
            json!({"op": "replace", "path": "STATE", "value": "forged"}),
            json!({"op": "remove", "path": "state"}),
            json!({"op": "replace", "path": "meta.version", "value": "forged"}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "mutability");
            unchanged().await;
        }
        // Sent along with others: ignored where that is tolerated.
        let along = json!([{"op": "add", "value": {"state": "forged", "label": "N"}}]);
        let answer = server.patch(&path, along).await;
        if answer.status == 400 {
            answer.refused(400, "mutability");
            assert_eq!(server.get(&path).await.json()["label"], "M");
        } else {
            assert_eq!(answer.expect(200).json()["label"], "N");
        }
        unchanged().await;
    }
}

#[tokio::test]
async fn r7643_7_12_what_is_immutable_is_set_once() {
    for server in custom::servers() {
        let path = server.asset(json!({"serial": "S1", "box": {"size": "L", "seal": "X"}})).await;
        let before = server.get(&path).await.text;
        server.put(&path, &asset(json!({"serial": "S2"}))).await.refused(400, "mutability");
        server.put(&path, &asset(json!({"serial": null}))).await.refused(400, "mutability");
        server
            .put(&path, &asset(json!({"box": {"size": "L", "seal": "Y"}})))
            .await
            .refused(400, "mutability");
        for operation in [
            json!({"op": "replace", "path": "serial", "value": "S2"}),
            json!({"op": "add", "path": "serial", "value": "S2"}),
            json!({"op": "remove", "path": "serial"}),
            json!({"op": "replace", "value": {"serial": "S2"}}),
            json!({"op": "replace", "path": "box.seal", "value": "Y"}),
            json!({"op": "remove", "path": "box.seal"}),
        ] {
            let answer = server.patch(&path, json!([operation])).await;
            assert_eq!(answer.status, 400, "{operation}");
            assert_eq!(answer.json()["scimType"], "mutability", "{operation}");
        }
        assert_eq!(server.get(&path).await.text, before);
        // The same value is no change; what is still empty may be set, once.
        server
            .put(&path, &asset(json!({"serial": "S1", "place": "here", "box": {"size": "S", "seal": "X"}})))
            .await
            .expect(200);
        server.patch(&path, json!([{"op": "replace", "path": "serial", "value": "S1"}])).await.expect(200);
        let read = server.get(&path).await.json();
        assert_eq!(
            (&read["serial"], &read["place"], &read["box"]["size"]),
            (&json!("S1"), &json!("here"), &json!("S"))
        );
        server
            .patch(&path, json!([{"op": "add", "path": "place", "value": "there"}]))
            .await
            .refused(400, "mutability");
        let other = server.asset(json!({})).await;
        let patched =
            server.patch(&other, json!([{"op": "add", "path": "place", "value": "there"}])).await.expect(200);
        assert_eq!(patched.json()["place"], "there");
        // Decision C8: leaving it out keeps it.
        assert_eq!(server.put(&other, &asset(json!({}))).await.expect(200).json()["place"], "there");
    }
}

#[tokio::test]
async fn r7643_7_13_what_is_write_only_is_never_returned() {
    for server in custom::servers() {
        let created = server
            .post("/Assets?attributes=secret,label", &asset(json!({"secret": "hush-1"})))
            .await
            .expect(201);
        let path = format!("/Assets/{}", created.id());
        let search = json!({"schemas": [SEARCH], "attributes": ["secret"]});
        let answers = [
            created,
            server.get(&path).await.expect(200),
            server.get(&format!("{path}?attributes=secret")).await.expect(200),
            server.get("/Assets?attributes=secret").await.expect(200),
            server.post("/Assets/.search", &search).await.expect(200),
            server.put(&path, &asset(json!({"secret": "hush-2"}))).await.expect(200),
            server
                .patch(&path, json!([{"op": "replace", "path": "secret", "value": "hush-3"}]))
                .await
                .expect(200),
            server
                .patch(&path, json!([{"op": "replace", "path": "secret", "value": {"a": "hush-4"}}]))
                .await
                .expect(400),
        ];
        for answer in answers {
            assert!(!answer.text.contains("hush") && !answer.text.contains("\"secret\":"), "{answer:?}");
        }
        // Nor can it be found out by asking.
        for filter in
            ["secret eq \"hush-3\"", "secret sw \"h\"", "secret pr", "not (secret pr)", "box.pin pr"]
        {
            server.filter("/Assets", filter).await.refused(403, "sensitive");
        }
        for hidden in ["secret", "box.pin"] {
            server.get(&format!("/Assets?sortBy={hidden}")).await.refused(400, "invalidValue");
            let search = json!({"schemas": [SEARCH], "sortBy": hidden});
            server.post("/Assets/.search", &search).await.refused(400, "invalidValue");
        }
    }
}

#[tokio::test]
async fn r7643_7_14_returned_decides_what_is_shown() {
    let full = || {
        asset(json!({"firmware": "F", "notes": "N", "secret": "hush", "tag": "T",
        "box": {"size": "L", "pin": "1234", "depth": "9"}}))
    };
    for server in custom::servers() {
        let created = server.post("/Assets", &full()).await.expect(201);
        let path = format!("/Assets/{}", created.id());
        let list_path = "/Assets";
        // (query, shown, hidden)
        let table: [(&str, &[&str], &[&str]); 8] = [
            ("", &["/firmware", "/label", "/box/size"], &["/notes", "/box/depth"]),
            ("?attributes=label", &["/firmware", "/label"], &["/notes", "/tag", "/box", "/meta"]),
            ("?attributes=notes", &["/firmware", "/notes"], &["/label", "/tag"]),
            ("?attributes=box.depth", &["/firmware", "/box/depth"], &["/box/size", "/notes"]),
            ("?attributes=secret,box.pin", &["/firmware"], &["/label"]),
            ("?excludedAttributes=firmware,label", &["/firmware", "/tag"], &["/label", "/notes"]),
            ("?excludedAttributes=notes", &["/label"], &["/notes"]),
            ("?excludedAttributes=box.size", &["/label"], &["/box/size"]),
        ];
        for (query, shown, hidden) in table {
            let list = server.get(&format!("{list_path}{query}")).await.expect(200).json();
            for resource in
                [server.get(&format!("{path}{query}")).await.expect(200).json(), list["Resources"][0].clone()]
            {
                for pointer in shown {
                    assert!(resource.pointer(pointer).is_some(), "{query}: {pointer} of {resource}");
                }
                for pointer in hidden.iter().chain(&["/secret", "/box/pin"]) {
                    assert!(resource.pointer(pointer).is_none(), "{query}: {pointer} of {resource}");
                }
            }
        }
        // `request` in the answer to a write: when the client has set it, or asks.
        assert_eq!((&created.json()["notes"], created.json().get("secret")), (&json!("N"), None));
        let put = server.put(&path, &full()).await.expect(200).json();
        assert_eq!(put["notes"], "N");
        let put = server.put(&path, &without(&full(), &["notes"])).await.expect(200).json();
        assert_eq!(put.get("notes"), None);
        let patched = server
            .patch(&path, json!([{"op": "add", "path": "notes", "value": "O"}]))
            .await
            .expect(200)
            .json();
        assert_eq!(patched["notes"], "O");
        let patched = server
            .patch(&path, json!([{"op": "add", "path": "label", "value": "M"}]))
            .await
            .expect(200)
            .json();
        assert_eq!((patched.get("notes"), &patched["firmware"]), (None, &json!("F")));
        let asked = format!("{path}?attributes=notes");
        let patched = server
            .patch(&asked, json!([{"op": "add", "path": "label", "value": "N"}]))
            .await
            .expect(200)
            .json();
        assert_eq!((&patched["notes"], patched.get("label")), (&json!("O"), None));
        let excluded = format!("{path}?excludedAttributes=firmware,tag");
        let put = server.put(&excluded, &full()).await.expect(200).json();
        assert_eq!((&put["firmware"], put.get("tag"), put.get("secret")), (&json!("F"), None, None));
    }
}

#[tokio::test]
async fn unique_values_are_not_shared_in_a_type_of_a_tenant() {
    for server in custom::servers() {
        // `serial` is case exact and unique on the server, `tag` is not case exact and globally unique.
        let first = server.asset(json!({"serial": "S1", "tag": "T1"})).await;
        let refused =
            async |body: Value| server.post("/Assets", &asset(body)).await.refused(409, "uniqueness");
        assert!(refused(json!({"serial": "S1"})).await.contains("serial"));
        refused(json!({"tag": "T1"})).await;
        refused(json!({"tag": "t1"})).await;
        let second = server.asset(json!({"serial": "s1", "tag": "T2"})).await;
        server.put(&second, &asset(json!({"serial": "s1", "tag": "t1"}))).await.refused(409, "uniqueness");
        let patch = json!([{"op": "replace", "path": "tag", "value": "T1"}]);
        server.patch(&second, patch).await.refused(409, "uniqueness");
        assert_eq!(server.get(&second).await.json()["tag"], "T2");
        // None is not shared by having none, a value is free after its resource, and tenants do not meet, not even where
        // `global` is asked for.
        server.asset(json!({})).await;
        server.asset(json!({})).await;
        server
            .send_as("other", "POST", "/Assets", &asset(json!({"serial": "S1", "tag": "T1"})))
            .await
            .expect(201);
        server.delete(&first).await.expect(204);
        server.asset(json!({"serial": "S1", "tag": "T1"})).await;
    }
    // Two writers at once: one wins.
    for server in Server::all() {
        let body = json!({"schemas": [USER], "userName": "ann"});
        let answers = tokio::join!(server.post("/Users", &body), server.post("/Users", &body));
        let mut statuses = [answers.0.status, answers.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}
