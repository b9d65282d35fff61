//! RFC 7644 section 3.4.2.3: sorting.

use crate::server::*;

async fn people(server: &Server) {
    for body in [
        json!({"userName": "cid", "name": {"familyName": "Meier"}, ENTERPRISE: {"department": "sales"},
            "externalId": "b", "title": "Z",
            "emails": [{"value": "z@x.example"}, {"value": "b@x.example", "primary": true}]}),
        json!({"userName": "Ann", "name": {"familyName": "adler"}, "externalId": "C",
            "emails": [{"value": "c@x.example"}, {"value": "a@x.example"}]}),
        json!({"userName": "bob", "externalId": "a", ENTERPRISE: {"department": "Arts"},
            "emails": [{"value": "a@x.example", "primary": true}]}),
    ] {
        server.user(body).await;
        server.tick();
    }
}

/// Asks every server for each order and compares the user names.
async fn sorts(table: &[(&str, [&str; 3])]) {
    for server in everywhere() {
        people(&server).await;
        for (query, names) in table {
            let found = server.get(&format!("/Users?{query}")).await.expect(200);
            assert_eq!(found.strings("userName"), *names, "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_01_sort_by_orders_by_value() {
    sorts(&[("sortBy=userName", ["Ann", "bob", "cid"]), ("sortBy=externalId", ["Ann", "bob", "cid"])]).await;
}

#[tokio::test]
async fn r7644_3_4_2_3_02_lists_sort_by_their_primary_value_else_the_first() {
    sorts(&[
        ("sortBy=emails.value", ["bob", "cid", "Ann"]),
        ("sortBy=emails", ["bob", "cid", "Ann"]),
        ("sortBy=emails.value&sortOrder=descending", ["Ann", "cid", "bob"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_3_03_complex_attributes_sort_by_a_sub_attribute() {
    sorts(&[("sortBy=name.familyName", ["Ann", "cid", "bob"])]).await;
    for server in everywhere() {
        server.get("/Users?sortBy=name").await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_04_without_value_is_last_ascending_and_first_descending() {
    sorts(&[
        ("sortBy=title", ["cid", "Ann", "bob"]),
        ("sortBy=title&sortOrder=ascending", ["cid", "Ann", "bob"]),
        ("sortBy=name.familyName&sortOrder=descending", ["bob", "cid", "Ann"]),
    ])
    .await;
    for server in everywhere() {
        people(&server).await;
        let last = server.get("/Users?sortBy=title&sortOrder=descending").await.expect(200);
        assert_eq!(last.strings("userName")[2], "cid");
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_05_the_default_is_ascending() {
    sorts(&[
        ("sortBy=userName", ["Ann", "bob", "cid"]),
        ("sortBy=userName&sortOrder=", ["Ann", "bob", "cid"]),
        ("sortBy=userName&sortOrder=ascending", ["Ann", "bob", "cid"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_3_06_sort_order_is_ascending_or_descending() {
    sorts(&[
        ("sortBy=userName&sortOrder=descending", ["cid", "bob", "Ann"]),
        ("sortBy=userName&sortOrder=Descending", ["cid", "bob", "Ann"]),
        ("sortOrder=descending", ["cid", "Ann", "bob"]),
    ])
    .await;
    for server in everywhere() {
        server.get("/Users?sortBy=userName&sortOrder=up").await.refused(400, "invalidValue");
        server
            .search("/Users/.search", json!({"sortBy": "userName", "sortOrder": "desc"}))
            .await
            .refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_07_case_counts_where_the_attribute_says_so() {
    sorts(&[
        ("sortBy=userName", ["Ann", "bob", "cid"]),
        // externalId is case exact: capitals come first.
        ("sortBy=externalId", ["Ann", "bob", "cid"]),
        ("sortBy=externalId&sortOrder=descending", ["cid", "bob", "Ann"]),
    ])
    .await;
    for server in everywhere_with(|builder| builder.registry(things())) {
        for (text, tag) in [("b", "b1"), ("A", "A2"), ("a", "a1"), ("B", "B2")] {
            let body = thing(json!({"serial": text, "exact": text, "tag": tag}));
            server.post("/Things", &body).await.expect(201);
        }
        let sorted = server.get("/Things?sortBy=exact").await.expect(200);
        assert_eq!(sorted.strings("serial"), ["A", "B", "a", "b"]);
        let sorted = server.get("/Things?sortBy=tag").await.expect(200);
        assert_eq!(sorted.strings("tag"), ["a1", "A2", "b1", "B2"]);
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_08_order_is_that_of_the_type() {
    sorts(&[
        ("sortBy=meta.created", ["cid", "Ann", "bob"]),
        ("sortBy=meta.created&sortOrder=descending", ["bob", "Ann", "cid"]),
        ("sortBy=meta.lastModified", ["cid", "Ann", "bob"]),
    ])
    .await;
    for server in everywhere_with(|builder| builder.registry(things())) {
        for (serial, size, weight, bought, broken) in [
            ("1", 10, 0.5, "2020-01-01T00:30:00+01:00", true),
            ("2", 9, 10.25, "2020-01-01T00:00:00Z", false),
            ("3", -1, 9.75, "2019-12-31T23:45:00.5Z", true),
        ] {
            let body = thing(json!({"serial": serial, "size": size, "weight": weight, "bought": bought,
                "broken": broken}));
            server.post("/Things", &body).await.expect(201);
        }
        for (attribute, serials) in [
            ("size", ["3", "2", "1"]),
            ("weight", ["1", "3", "2"]),
            ("bought", ["1", "3", "2"]),
            ("broken", ["2", "1", "3"]),
        ] {
            let sorted = server.get(&format!("/Things?sortBy={attribute}")).await.expect(200);
            assert_eq!(sorted.strings("serial"), serials, "{attribute}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_09_pages_are_cut_from_the_whole_that_is_sorted() {
    for server in everywhere() {
        people(&server).await;
        for (n, name) in ["Ann", "bob", "cid"].iter().enumerate() {
            let page = server.get(&format!("/Users?sortBy=userName&count=1&startIndex={}", n + 1)).await;
            assert_eq!(page.expect(200).strings("userName"), [*name]);
        }
        let page = server.get("/Users?sortBy=title&sortOrder=descending&count=1&startIndex=3").await;
        assert_eq!(page.expect(200).strings("userName"), ["cid"]);
    }
}

#[tokio::test]
async fn r7644_3_4_2_3_11_extension_attributes_are_sorted_by_their_urn() {
    sorts(&[
        (&format!("sortBy={ENTERPRISE}:department"), ["bob", "cid", "Ann"]),
        (
            &format!("sortBy={}:DEPARTMENT&sortOrder=descending", ENTERPRISE.to_lowercase()),
            ["Ann", "cid", "bob"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_3_12_sort_by_has_no_case_and_takes_the_core_urn() {
    sorts(&[
        ("sortBy=USERNAME", ["Ann", "bob", "cid"]),
        ("SORTBY=username", ["Ann", "bob", "cid"]),
        (&format!("sortBy={USER}:userName"), ["Ann", "bob", "cid"]),
        (&format!("sortBy={}:Name.FamilyName", USER.to_uppercase()), ["Ann", "cid", "bob"]),
    ])
    .await;
    for server in everywhere() {
        for unknown in ["noSuch", "name.noSuch", "urn:example:none:userName", "emails[type eq \"work\"]"] {
            server.get(&format!("/Users?sortBy={}", encode(unknown))).await.refused(400, "invalidValue");
        }
    }
}
