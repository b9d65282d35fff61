//! RFC 7644 section 3.4.2.2: which filters are filters.

use crate::server::*;

/// All four servers refuse each filter, in a URL and in a `.search`.
async fn refused(filters: &[&str]) {
    for server in everywhere() {
        server.user(json!({"userName": "ann", "active": true})).await;
        for filter in filters {
            server.filter("/Users", filter).await.refused(400, "invalidFilter");
            server.search("/Users/.search", json!({"filter": filter})).await.refused(400, "invalidFilter");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_10_booleans_and_binaries_have_no_order() {
    let mut wrong = Vec::new();
    for operator in ["gt", "ge", "lt", "le"] {
        wrong.push(format!("active {operator} true"));
        wrong.push(format!("x509Certificates.value {operator} \"MIID\""));
        wrong.push(format!("x509Certificates[value {operator} \"MIID\"]"));
        wrong.push(format!("name {operator} \"x\""));
    }
    refused(&wrong.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn r7644_3_4_2_2_17_what_is_not_in_the_grammar_is_refused() {
    refused(&[
        "",
        " ",
        "userName",
        "userName eq",
        "eq \"ann\"",
        "userName \"ann\"",
        "userName eq \"ann\" and",
        "and userName eq \"ann\"",
        "userName eq \"ann\" or or title pr",
        "(userName eq \"ann\"",
        "userName eq \"ann\")",
        "()",
        "not userName pr",
        "not(not)",
        "emails[type eq \"work\"",
        "emails[]",
        "emails type eq \"work\"]",
        "userName eq \"ann\" title pr",
        "userName eq \"ann",
        "userName eq ann\"",
        "userName eq 'ann'",
        "userName pr \"x\"",
        "userName eq \"a\" \"b\"",
        "1userName eq \"ann\"",
        "userName. eq \"ann\"",
        ".userName eq \"ann\"",
        "user Name eq \"ann\"",
        "userName eq {\"a\":1}",
        "userName eq [\"a\"]",
        "userName eq \"ann\"; title pr",
        "userName eq \"ann\"\ttitle",
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_17_b_a_bare_word_is_a_string_only_where_that_is_tolerated() {
    for server in everywhere() {
        server.user(json!({"userName": "ann"})).await;
        let answer = server.filter("/Users", "userName eq ann").await;
        if server.strict {
            answer.refused(400, "invalidFilter");
        } else {
            assert_eq!(answer.expect(200).strings("userName"), ["ann"], "F8");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_18_literals_are_those_of_json() {
    for server in everywhere() {
        let names = ["a\"b", "back\\slash", "sla/sh", "tab\tline\n", "A", "😀", "null", "true", "5"];
        for (n, title) in names.iter().enumerate() {
            server.user(json!({"userName": format!("u{n}"), "title": title})).await;
        }
        for (literal, name) in [
            ("\"a\\\"b\"", "u0"),
            ("\"back\\\\slash\"", "u1"),
            ("\"sla\\/sh\"", "u2"),
            ("\"sla/sh\"", "u2"),
            ("\"tab\\tline\\n\"", "u3"),
            ("\"\\u0041\"", "u4"),
            ("\"\\ud83d\\ude00\"", "u5"),
            ("\"😀\"", "u5"),
            ("\"null\"", "u6"),
            ("\"true\"", "u7"),
            ("\"5\"", "u8"),
        ] {
            assert_eq!(server.names(&format!("title eq {literal}")).await, [name], "{literal}");
        }
        for wrong in ["\"\\x41\"", "\"\\u00\"", "\"\\ud83d\"", "\"\\ude00 \"", "\"a\nb\"", "\"a"] {
            server.filter("/Users", &format!("title eq {wrong}")).await.refused(400, "invalidFilter");
        }
        if server.strict {
            for wrong in ["TRUE", "True", "NULL", "t5", "01", "1.", "+1", "-", "1e"] {
                server.filter("/Users", &format!("active eq {wrong}")).await.refused(400, "invalidFilter");
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_23_unknown_operators_are_refused() {
    refused(&[
        "userName regex \"x\"",
        "userName == \"x\"",
        "userName = \"x\"",
        "userName like \"x\"",
        "userName in \"x\"",
        "userName eqq \"x\"",
        "userName xor title pr",
        "userName eq \"x\" xor title pr",
        "userName eq \"x\" && title pr",
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_26_encodings_of_a_url_do_not_count() {
    for server in everywhere() {
        server.user(json!({"userName": "a+b&c=d%e", "title": "t"})).await;
        for query in [
            "filter=title%20eq%20%22t%22",
            "filter=title+eq+%22t%22",
            "filter=%74itle+eq+%22%74%22",
            "f%69lter=title+eq+%22t%22",
            "filter=userName+eq+%22a%2bb%26c%3Dd%25e%22",
            "filter=userName%20eq%20%22a%2Bb%26c%3dd%25e%22",
        ] {
            let found = server.get(&format!("/Users?{query}")).await.expect(200);
            assert_eq!(found.strings("title"), ["t"], "{query}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_29_operator_and_value_must_fit() {
    refused(&[
        "active co \"t\"",
        "active sw \"t\"",
        "active eq 1",
        "active eq \"yes\"",
        "meta.created co \"2023\"",
        "meta.created sw \"2023\"",
        "meta.created gt \"yesterday\"",
        "meta.created eq \"2023-11-14\"",
        "meta.created eq 5",
        "userName eq 5",
        "userName eq true",
        "userName gt null",
        "userName co null",
        "userName co 5",
        "emails[primary co \"t\"]",
    ])
    .await;
    for server in everywhere() {
        server.user(json!({"userName": "ann", "active": true})).await;
        let answer = server.filter("/Users", "active eq \"true\"").await;
        if server.strict {
            answer.refused(400, "invalidFilter");
        } else {
            assert_eq!(answer.expect(200).strings("userName"), ["ann"], "P22, in filters too");
        }
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        for wrong in
            ["size co 1", "size sw \"1\"", "size eq \"1\"", "size eq true", "weight ew 5", "broken gt false"]
        {
            server.filter("/Things", wrong).await.refused(400, "invalidFilter");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_32_attributes_that_no_schema_has_are_refused() {
    refused(&[
        "noSuchAttribute eq \"x\"",
        "noSuchAttribute pr",
        "not (noSuchAttribute pr)",
        "name.noSuchPart eq \"x\"",
        "emails[noSuchPart eq \"x\"]",
        "userName.value eq \"x\"",
        "title[value eq \"x\"]",
        "members.value eq \"x\"",
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_33_filters_reveal_nothing_of_what_is_never_returned() {
    for server in everywhere() {
        server.user(json!({"userName": "ann", "password": "t1meMa$heen"})).await;
        for filter in [
            "password eq \"t1meMa$heen\"",
            "password sw \"t\"",
            "password pr",
            "not (password pr)",
            "password eq null",
            "userName eq \"ann\" and password co \"e\"",
        ] {
            server.filter("/Users", filter).await.refused(403, "sensitive");
            server.search("/Users/.search", json!({"filter": filter})).await.refused(400, "invalidFilter");
            server.filter("/", filter).await.refused(403, "sensitive");
            server.search("/.search", json!({"filter": filter})).await.refused(400, "invalidFilter");
        }
        for path in ["/Users", "/"] {
            server.get(&format!("{path}?sortBy=password")).await.refused(400, "invalidValue");
        }
        server.search("/Users/.search", json!({"sortBy": "password"})).await.refused(400, "invalidValue");
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        server.post("/Things", &thing(json!({"secret": "hush"}))).await.expect(201);
        server.filter("/Things", "secret eq \"hush\"").await.refused(403, "sensitive");
        server.filter("/Things", "secret pr").await.refused(403, "sensitive");
        server.get("/Things?sortBy=secret").await.refused(400, "invalidValue");
    }
}
