//! Whatever is sent, the answer has the form of an answer, nothing is half done, and no failure is the server's.

use proptest::prelude::*;
use proptest::sample::select;

use crate::common::*;

fn method() -> impl Strategy<Value = &'static str> {
    select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
}

/// Paths and queries out of pieces that mean something, and some that do not.
fn target() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "/",
        "Users",
        "Groups",
        "id-1",
        "id-2",
        "id-3",
        ".search",
        "Schemas",
        "ResourceTypes",
        "User",
        "Me",
        "Bulk",
        "?",
        "&",
        "=",
        "filter",
        "attributes",
        "excludedAttributes",
        "sortBy",
        "sortOrder",
        "count",
        "startIndex",
        "userName",
        "members.value",
        "emails",
        "%5B",
        "%5D",
        "%20eq%20",
        "%20pr",
        "+and+",
        "not+(",
        ")",
        "%22a%22",
        "%",
        "%00",
        "%ff",
        "descending",
        "1",
        "-1",
        "0",
        ",",
        "..",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        ":",
        "true",
        "null",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(vec![
            "",
            "a",
            "add",
            "remove",
            "replace",
            "title",
            "members",
            "id-1",
            "emails[type eq \"work\"].value",
            USER,
            GROUP,
            PATCH_OP,
            SEARCH,
            "work",
            "true",
            "password",
            "meta.version",
            "members[value eq \"id-1\"]"
        ])
        .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let names = select(vec![
            "schemas",
            "userName",
            "displayName",
            "members",
            "emails",
            "value",
            "type",
            "primary",
            "op",
            "path",
            "Operations",
            "name",
            "familyName",
            "active",
            "id",
            "meta",
            "password",
            ENTERPRISE,
            "manager",
            "filter",
            "count",
            "attributes",
            "$ref",
            "USERNAME",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Bodies of the right kind with anything in them, and bodies of no kind.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => value().prop_map(|value| value.to_string()),
        3 => (value(), select(vec![USER, GROUP])).prop_map(|(value, uri)| {
            json!({"schemas": [uri], "userName": "new", "displayName": "new", "members": value, "emails": value}).to_string()
        }),
        3 => prop::collection::vec(
            (select(vec!["add", "remove", "replace"]),
                select(vec!["title", "members", "emails", "name", "active", "emails[type eq \"work\"]", "id", ENTERPRISE]),
                value()),
            0..4,
        )
        .prop_map(|operations| {
            let operations: Vec<Value> =
                operations.into_iter().map(|(op, path, value)| json!({"op": op, "path": path, "value": value})).collect();
            json!({"schemas": [PATCH_OP], "Operations": operations}).to_string()
        }),
        1 => "\\PC{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn is_answered_in_form(
        strict in any::<bool>(),
        requests in prop::collection::vec((method(), target(), body()), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let server = if strict { Server::strict() } else { Server::new() };
            let (ann, bob) = (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
            server.group("staff", &[&ann, &bob]).await;
            for (method, target, body) in requests {
                if target.parse::<http::Uri>().is_err() {
                    continue;
                }
                let before = server.get("/").await.expect(200).text;
                let answer = server.send(method, &target, &[], body.clone()).await;
                let status = answer.status;
                assert!(status < 500 || status == 501, "{method} {target} {body}: {answer:?}");
                let after = server.get("/").await.expect(200).text;
                if status >= 400 || matches!(method, "GET" | "HEAD") {
                    assert_eq!(before, after, "{method} {target} {body}: {answer:?}");
                }
            }
        });
    }
}
