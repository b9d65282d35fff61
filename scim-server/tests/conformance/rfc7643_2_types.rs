//! RFC 7643 sections 2.3 to 2.3.6: the simple data types and their JSON.

use scim_core::schema::Uniqueness;
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Schema};

use crate::common::*;
use crate::custom::{self, asset};

const TYPES: [&str; 8] =
    ["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"];

/// Every attribute and sub-attribute that the server publishes, with its path.
pub(crate) async fn published(server: &Server) -> Vec<(String, Value)> {
    fn walk(prefix: &str, attributes: &Value, found: &mut Vec<(String, Value)>) {
        for attribute in attributes.as_array().into_iter().flatten() {
            let path = format!("{prefix}.{}", attribute["name"].as_str().unwrap());
            walk(&path, &attribute["subAttributes"], found);
            found.push((path, attribute.clone()));
        }
    }
    let list = server.get("/Schemas").await.expect(200).json();
    let mut found = Vec::new();
    for schema in list["Resources"].as_array().unwrap() {
        walk(schema["id"].as_str().unwrap(), &schema["attributes"], &mut found);
    }
    found
}

#[tokio::test]
async fn r7643_2_3_01_extensions_add_no_data_types() {
    for server in [Server::new(), custom::servers().next().unwrap()] {
        let published = published(&server).await;
        for (path, attribute) in &published {
            assert!(TYPES.contains(&attribute["type"].as_str().unwrap()), "{path}");
        }
        assert!(published.len() > 50);
    }
    for word in ["number", "date", "strings", "object", ""] {
        let json = format!(r#"{{"id": "urn:example:T", "attributes": [{{"name": "a", "type": "{word}"}}]}}"#);
        let error = Schema::from_json(&json).unwrap_err().to_string();
        assert!(error.contains(&format!("`{word}` is no attribute type")), "{error}");
    }
}

#[tokio::test]
async fn r7643_2_3_02_the_json_type_fits_the_schema_type() {
    // Of a kind that no flag makes good.
    let wrong = [
        ("userName", json!(5)),
        ("userName", json!(true)),
        ("userName", json!(["ann"])),
        ("userName", json!({"value": "ann"})),
        ("displayName", json!(1.5)),
        ("name", json!("Ann")),
        ("name", json!(true)),
        ("name", json!([{"givenName": "A"}, {"givenName": "B"}])),
        ("active", json!(1)),
        ("active", json!("yes")),
        ("emails", json!(true)),
        ("emails", json!([true])),
        ("emails", json!([{"value": 5}])),
        ("emails", json!([{"value": "a@x.org", "primary": "maybe"}])),
        ("emails", json!([[{"value": "a@x.org"}]])),
        (ENTERPRISE, json!("x")),
        (ENTERPRISE, json!({"department": 5})),
    ];
    for server in Server::all() {
        for (name, value) in &wrong {
            let mut body = json!({"schemas": [USER], "userName": "ann"});
            body[*name] = value.clone();
            let detail = server.post("/Users", &body).await.refused(400, "invalidValue");
            assert!(detail.contains(name), "{name}: {detail}");
        }
        assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        for (name, value) in &wrong {
            let patch = json!([{"op": "add", "path": name, "value": value}]);
            server.patch(&path, patch).await.refused(400, "invalidValue");
        }
    }
    for (name, value) in
        [("emails", json!({"value": "a@x.org"})), ("emails", json!("a@x.org")), ("active", json!("true"))]
    {
        let mut body = json!({"schemas": [USER], "userName": "ann"});
        body[name] = value;
        Server::strict().post("/Users", &body).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7643_2_3_1_01_strings_are_unicode_in_utf_8() {
    let texts = [
        "\u{65e5}\u{672c}\u{8a9e}",
        "\u{1f9d1}\u{200d}\u{1f4bb} \u{1f1e9}\u{1f1ea}",
        "e\u{301} versus \u{e9}",
        "\u{5e2}\u{5d1}\u{5e8}\u{5d9}\u{5ea} \u{202e}rtl",
        "\"quoted\" \\ back / slash \u{7}\u{8}\u{c}\n\r\t\u{1b}",
        "\u{ffff}\u{10ffff}\u{feff}",
    ];
    for server in Server::all() {
        for (n, text) in texts.iter().enumerate() {
            let id = server.user(json!({"userName": format!("u{n}"), "title": text})).await;
            assert_eq!(server.read("/Users", &id).await["title"], *text);
            let answer = server.filter("/Users", &format!("title eq {}", json!(text))).await.expect(200);
            assert_eq!(answer.strings("title"), [*text]);
        }
        // Escapes and plain UTF-8 are the same text.
        let body = format!(r#"{{"schemas": ["{USER}"], "userName": "esc", "title": "\u65e5\ud83e\uddd1"}}"#);
        let created = server.send("POST", "/Users", &[], body).await.expect(201);
        assert_eq!(created.json()["title"], "\u{65e5}\u{1f9d1}");
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
            let mut body = format!(r#"{{"schemas": ["{USER}"], "userName": "bad", "title": ""#).into_bytes();
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\"}");
            server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
        }
        let lone = format!(r#"{{"schemas": ["{USER}"], "userName": "bad", "title": "\ud83e"}}"#);
        server.send("POST", "/Users", &[], lone).await.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn r7643_2_3_1_02_canonical_values_suggest_or_restrict() {
    for server in Server::all() {
        let id =
            server.user(json!({"userName": "a", "emails": [{"value": "a@x.org", "type": "Boat"}]})).await;
        assert_eq!(server.read("/Users", &id).await["emails"][0]["type"], "Boat", "a suggestion");
    }
    for server in custom::servers() {
        let path = server.asset(json!({"grade": "a"})).await;
        let detail = server.post("/Assets", &asset(json!({"grade": "C"}))).await.refused(400, "invalidValue");
        assert!(detail.contains("grade") && detail.contains("A, B"), "{detail}");
        let patch = json!([{"op": "replace", "path": "grade", "value": "C"}]);
        server.patch(&path, patch).await.refused(400, "invalidValue");
        assert_eq!(server.get(&path).await.json()["grade"], "a");
    }
}

#[tokio::test]
async fn r7643_2_3_2_01_booleans_are_true_and_false() {
    for server in Server::all() {
        for value in [true, false] {
            let id = server.user(json!({"userName": format!("u{value}"), "active": value})).await;
            assert_eq!(server.read("/Users", &id).await["active"], json!(value));
            assert_eq!(server.names(&format!("active eq {value}")).await, [format!("u{value}")]);
        }
        for value in [json!("maybe"), json!(0), json!(1), json!("1"), json!("yes"), json!([true]), json!({})]
        {
            let body = json!({"schemas": [USER], "userName": "x", "active": value});
            server.post("/Users", &body).await.refused(400, "invalidValue");
        }
        for literal in ["True", "TRUE", "tru"] {
            let body = format!(r#"{{"schemas": ["{USER}"], "userName": "x", "active": {literal}}}"#);
            server.send("POST", "/Users", &[], body).await.refused(400, "invalidSyntax");
        }
    }
    let text = json!({"schemas": [USER], "userName": "x", "active": "True"});
    Server::strict().post("/Users", &text).await.refused(400, "invalidValue");
    assert_eq!(Server::new().post("/Users", &text).await.expect(201).json()["active"], true, "decision P22");
}

#[tokio::test]
async fn r7643_2_3_2_02_booleans_have_no_case_and_no_uniqueness() {
    for server in [Server::new(), custom::servers().next().unwrap()] {
        let mut seen = 0;
        for (path, attribute) in published(&server).await.iter().filter(|(_, a)| a["type"] == "boolean") {
            assert_eq!((attribute.get("uniqueness"), attribute.get("caseExact")), (None, None), "{path}");
            seen += 1;
        }
        assert!(seen > 0);
    }
    refuses_uniqueness(Attribute::new("a", DataType::Boolean));
}

#[track_caller]
pub(crate) fn refuses_uniqueness(attribute: Attribute) {
    let uri: scim_core::SchemaUri = "urn:example:T".parse().unwrap();
    assert!(Schema::new(uri.clone(), "T", "", [attribute.clone()]).is_ok());
    for uniqueness in [Uniqueness::Server, Uniqueness::Global] {
        let unique = attribute.clone().with_uniqueness(uniqueness);
        let error = Schema::new(uri.clone(), "T", "", [unique]).unwrap_err().to_string();
        assert!(error.contains("cannot be unique"), "{error}");
    }
}

/// Creates an asset whose JSON has this text as the value of an attribute, and gives the answer.
async fn raw(server: &Server, attribute: &str, value: &str) -> Answer {
    let body = asset(json!({attribute: "@@"})).to_string().replace("\"@@\"", value);
    server.send("POST", "/Assets", &[], body).await
}

#[tokio::test]
async fn r7643_2_3_3_01_decimals_keep_their_value() {
    for server in custom::servers() {
        for (sent, filters) in [
            ("1.0", &["weight eq 1", "weight eq 1.00", "weight eq 10e-1", "weight ge 1.0"][..]),
            ("0.1", &["weight eq 0.1", "weight eq 0.10", "weight eq 1e-1"]),
            ("-2.50", &["weight eq -2.5"]),
            ("7", &["weight eq 7.0"]),
            ("12345678901234567890.123456789", &["weight eq 12345678901234567890.123456789"]),
        ] {
            let answer = raw(&server, "weight", sent).await.expect(201);
            let path = format!("/Assets/{}", answer.id());
            let read = server.get(&path).await.expect(200);
            assert!(read.text.contains(&format!("\"weight\":{sent},")), "{sent}: {read:?}");
            for filter in filters {
                assert_eq!(server.count(filter).await, 1, "{filter}");
            }
            server.delete(&path).await.expect(204);
        }
        for wrong in ["1.", ".5", "01.5", "+1.0", "1.e3", "NaN", "0x1"] {
            raw(&server, "weight", wrong).await.refused(400, "invalidSyntax");
        }
        raw(&server, "weight", "\"1.0\"").await.refused(400, "invalidValue");
        raw(&server, "weight", "true").await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7643_2_3_4_01_integers_have_no_fraction_and_no_exponent() {
    for server in custom::servers() {
        for sent in ["0", "5", "-7", "9007199254740993", "9223372036854775807", "-9223372036854775808"] {
            let path = format!("/Assets/{}", raw(&server, "ports", sent).await.expect(201).id());
            let read = server.get(&path).await.expect(200);
            assert!(read.text.contains(&format!("\"ports\":{sent},")), "{read:?}");
            assert_eq!(server.count(&format!("ports eq {sent}")).await, 1, "{sent}");
            server.delete(&path).await.expect(204);
        }
        for wrong in ["1.5", "5.0", "1e3", "1E3", "5e0", "\"5\"", "true"] {
            let detail = raw(&server, "ports", wrong).await.refused(400, "invalidValue");
            assert!(detail.contains("a whole number"), "{detail}");
        }
    }
}

#[tokio::test]
async fn r7643_2_3_5_01_date_times_have_a_date_and_a_time() {
    for server in custom::servers() {
        for (n, sent) in [
            "2008-01-23T04:56:22Z",
            "2008-01-23T04:56:22.123456789Z",
            "2008-01-23T04:56:22+05:30",
            "2008-01-23T04:56:22",
            "2008-01-23T04:56:22-14:00",
        ]
        .into_iter()
        .enumerate()
        {
            let path = server.asset(json!({"bought": sent, "serial": format!("{n}")})).await;
            assert_eq!(server.get(&path).await.json()["bought"], sent, "as it came");
            assert_eq!(server.count(&format!("bought eq \"{sent}\" and serial eq \"{n}\"")).await, 1);
        }
        assert_eq!(server.count("bought eq \"2008-01-22T23:26:22Z\"").await, 1, "compared as instants");
        for wrong in [
            "2008-01-23",
            "04:56:22Z",
            "2008-01-23 04:56:22",
            "2008-13-23T04:56:22Z",
            "2008-02-30T04:56:22Z",
            "2008-01-23T25:00:00Z",
            "2008-01-23T04:56Z",
            "yesterday",
            "",
            "20080123T045622Z",
        ] {
            if wrong.is_empty() {
                continue; // a flag makes this no value
            }
            let detail =
                server.post("/Assets", &asset(json!({"bought": wrong}))).await.refused(400, "invalidValue");
            assert!(detail.contains("a dateTime"), "{detail}");
        }
        server.post("/Assets", &asset(json!({"bought": 1_201_064_182}))).await.refused(400, "invalidValue");
        let path = server.asset(json!({})).await;
        let meta = server.get(&path).await.json()["meta"].clone();
        for name in ["created", "lastModified"] {
            let text = meta[name].as_str().unwrap();
            assert!(chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.contains('T'), "{text}");
        }
    }
}

/// A DER certificate as RFC 7643 section 8.2 prints it, of whatever length.
fn bytes_in_base64(length: usize) -> String {
    let padded = ["", "AA==", "AAA="][length % 3];
    format!("{}{padded}", "MIID".repeat(length / 3))
}

#[tokio::test]
async fn r7643_2_3_6_01_binaries_are_base64() {
    for server in Server::all() {
        let mut n = 0;
        for sent in [
            bytes_in_base64(3),
            bytes_in_base64(4),
            bytes_in_base64(5),
            bytes_in_base64(4).trim_end_matches('=').to_owned(),
            bytes_in_base64(5).trim_end_matches('=').to_owned(),
            "+/+/".to_owned(),
            bytes_in_base64(3000),
        ] {
            n += 1;
            let user = json!({"userName": format!("u{n}"), "x509Certificates": [{"value": sent}]});
            let id = server.user(user).await;
            assert_eq!(server.read("/Users", &id).await["x509Certificates"][0]["value"], sent, "as it came");
        }
        for wrong in ["***", "A", "AAA\n", "A=AA", "-_-_", "AA=A", "\u{e4}AAA", "AAAA====", "AA AA"] {
            let body = json!({"schemas": [USER], "userName": "x", "x509Certificates": [{"value": wrong}]});
            let detail = server.post("/Users", &body).await.refused(400, "invalidValue");
            assert!(detail.contains("base64"), "{wrong}: {detail}");
        }
    }
    for server in custom::servers() {
        server.asset(json!({"key": "AAECAw=="})).await;
        server.post("/Assets", &asset(json!({"key": "***"}))).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7643_2_3_6_02_binaries_are_case_exact_and_not_unique() {
    for server in Server::all() {
        for name in ["ann", "bob"] {
            server.user(json!({"userName": name, "x509Certificates": [{"value": "AbCd"}]})).await;
        }
        assert_eq!(server.names("x509Certificates.value eq \"AbCd\"").await.len(), 2, "both may have it");
        assert!(server.names("x509Certificates.value eq \"abcd\"").await.is_empty());
        assert!(server.names("x509Certificates[value eq \"ABCD\"]").await.is_empty());
        // The same bytes with and without the padding that may be left out.
        server.user(json!({"userName": "cid", "x509Certificates": [{"value": "AA=="}]})).await;
        server.user(json!({"userName": "dee", "x509Certificates": [{"value": "AA"}]})).await;
        for same in ["AA", "AA=="] {
            assert_eq!(server.names(&format!("x509Certificates eq \"{same}\"")).await.len(), 2, "{same}");
            assert_eq!(
                server.names(&format!("x509Certificates[value eq \"{same}\"]")).await.len(),
                2,
                "{same}"
            );
            assert_eq!(
                server.names(&format!("not (x509Certificates ne \"{same}\")")).await.len(),
                2,
                "{same}"
            );
        }
        assert!(server.names("x509Certificates eq \"***\"").await.is_empty(), "no base64, no match");
    }
    refuses_uniqueness(Attribute::new("a", DataType::Binary));
}
