//! Bodies that are no JSON, no object, too deep, too large, of another media type, or ambiguous.

use serde_json::{Value, json};

use crate::case::{Case, Ids, On, method, patch, post, put};
use crate::common::http::patch_op;
use crate::{ENTERPRISE, GROUP, USER};

const MIB: usize = 1 << 20;
const SYNTAX: &[&str] = &["invalidSyntax"];
const SYNTAX_OR_VALUE: &[&str] = &["invalidSyntax", "invalidValue"];

pub(crate) fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = malformed(ids);
    cases.extend(deep(ids));
    cases.extend(large(ids));
    cases.extend(twice(ids));
    cases.extend(schemas(ids));
    cases.extend(media_types(ids));
    cases
}

/// Each of these to everything that takes a body.
fn malformed(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let person = json!({"schemas": [USER], "userName": "bad@example.com"}).to_string();
    let inner = person.strip_suffix('}').unwrap();
    let utf16: Vec<u8> = person.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_bytes = |bytes: &[u8]| [inner.as_bytes(), b",\"displayName\":\"", bytes, b"\"}"].concat();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("blanks", b" \r\n\t ".to_vec()),
        ("an opening brace", b"{".to_vec()),
        ("half a document", inner.as_bytes().to_vec()),
        ("a trailing comma", format!("{inner},}}").into_bytes()),
        ("no value", format!("{inner},\"title\":}}").into_bytes()),
        ("single quotes", b"{'userName':'bad@example.com'}".to_vec()),
        ("no quotes", b"{userName:\"bad@example.com\"}".to_vec()),
        ("a comment", format!("/* hello */ {person}").into_bytes()),
        ("text behind", format!("{person} x").into_bytes()),
        ("two documents", format!("{person}{person}").into_bytes()),
        ("NaN", format!("{inner},\"title\":NaN}}").into_bytes()),
        ("a leading zero", format!("{inner},\"title\":01}}").into_bytes()),
        ("an unknown word", format!("{inner},\"active\":yes}}").into_bytes()),
        ("an unknown escape", format!("{inner},\"title\":\"\\q\"}}").into_bytes()),
        ("half a surrogate pair", format!("{inner},\"title\":\"\\ud800\"}}").into_bytes()),
        ("a bare line break in a string", with_bytes(b"a\nb")),
        ("a bare NUL in a string", with_bytes(b"a\0b")),
        ("invalid UTF-8: a stray byte", with_bytes(b"\xff")),
        ("invalid UTF-8: half a character", with_bytes(b"\xc3")),
        ("invalid UTF-8: overlong", with_bytes(b"\xc0\xaf")),
        ("invalid UTF-8: a surrogate", with_bytes(b"\xed\xa0\x80")),
        ("UTF-16", utf16),
        ("form fields", b"userName=bad%40example.com".to_vec()),
        ("XML", b"<User><userName>bad@example.com</userName></User>".to_vec()),
        ("null", b"null".to_vec()),
        ("a list", format!("[{person}]").into_bytes()),
        ("a string", b"\"bad@example.com\"".to_vec()),
        ("a number", b"5".to_vec()),
        ("true", b"true".to_vec()),
    ];
    let targets = [
        ("POST", "/Users"),
        ("POST", "/Groups"),
        ("PUT", &victim),
        ("PATCH", &victim),
        ("POST", "/Users/.search"),
    ];
    let mut cases = Vec::new();
    for (verb, target) in targets {
        for (what, body) in &bodies {
            let name = format!("{verb} {target} with {what}");
            cases.push(
                method(&name, verb, target)
                    .body(body.clone())
                    .is(400, SYNTAX)
                    .says("json|utf-8|body|object|empty"),
            );
        }
    }
    cases.push(method("POST without a body", "POST", "/Users").with("Content-Length", "0").is(400, SYNTAX));
    cases
}

fn deep(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let nested = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000))
    };
    let arrays = nested("[", "", "]");
    let objects = nested("{\"a\":", "1", "}");
    let person = |attribute: &str, value: &str| {
        format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"deep@example.com\",\"{attribute}\":{value}}}")
    };
    let operation = |value: &str| {
        let message = patch_op(&json!([{"op": "add", "path": "displayName", "value": "@"}])).to_string();
        message.replace("\"@\"", value)
    };
    let mut cases = vec![
        method("10,000 nested lists", "POST", "/Users")
            .body(person("emails", &arrays))
            .says("deep|depth|nest"),
        method("10,000 nested lists where nobody looks", "POST", "/Users")
            .body(person("nosuch", &arrays))
            .says("deep|depth|nest"),
        method("10,000 nested objects", "POST", "/Users")
            .body(person("name", &objects))
            .says("deep|depth|nest"),
        method("10,000 nested lists in a PUT", "PUT", &victim)
            .body(person("emails", &arrays))
            .says("deep|depth|nest"),
        method("10,000 nested lists in a PATCH", "PATCH", &victim)
            .body(operation(&arrays))
            .says("deep|depth|nest"),
        method("10,000 nested objects in a PATCH", "PATCH", &victim)
            .body(operation(&objects))
            .says("deep|depth|nest"),
        method("10,000 lists and nothing else", "POST", "/Users").body(arrays.clone()),
        method("10,000 opening brackets", "POST", "/Users").body("[".repeat(10_000)),
        method("100,000 opening braces", "PATCH", &victim).body("{\"a\":".repeat(100_000)),
        method("10,000 nested lists in a search", "POST", "/Users/.search").body(arrays),
    ];
    for case in &mut cases {
        *case = case.clone().is(400, SYNTAX);
    }
    cases
}

fn large(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let person = json!({"schemas": [USER], "userName": "large@example.com", "displayName": "x".repeat(MIB)})
        .to_string();
    let change =
        patch_op(&json!([{"op": "replace", "path": "displayName", "value": "x".repeat(MIB)}])).to_string();
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "x".repeat(MIB)});
    let mut cases = vec![
        method("a large POST", "POST", "/Users").body(person.clone()),
        method("a large POST in chunks", "POST", "/Users").chunked(person.as_bytes()),
        method("a large PUT", "PUT", &victim).body(person),
        method("a large PATCH", "PATCH", &victim).body(change.clone()),
        method("a large PATCH in chunks", "PATCH", &victim).chunked(change.as_bytes()),
        method("a large search", "POST", "/Users/.search").body(search.to_string()),
        method("much larger than the limit", "POST", "/Users").body(vec![b' '; 8 * MIB]),
    ];
    for case in &mut cases {
        *case = case.clone().is(413, &[]).says("large|limit|at most");
    }
    let noop = json!({"op": "replace", "path": "displayName", "value": "x"});
    cases.push(
        patch("1,001 operations", &victim, &Value::Array(vec![noop; 1_001]))
            .is(400, &["tooMany", "invalidSyntax", "invalidValue"])
            .says("operations"),
    );
    cases
}

/// The same key twice, to the letter or in another letter case: which one counts is anybody's guess.
fn twice(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let group = format!("/Groups/{}", ids.group);
    let head = format!("\"schemas\":[\"{USER}\"]");
    let message = "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"]";
    let person = |rest: &str| format!("{{{head},{rest}}}");
    let name = "\"userName\":\"twice@example.com\"";
    let rows: Vec<(&str, &'static str, &str, String, &str)> = vec![
        ("a key twice", "POST", "/Users", person(&format!("{name},{name}")), "userName"),
        (
            "a key in two cases",
            "POST",
            "/Users",
            person(&format!("{name},\"USERNAME\":\"b@example.com\"")),
            "userName",
        ),
        (
            "schemas in two cases",
            "POST",
            "/Users",
            person(&format!("{name},\"Schemas\":[\"{USER}\"]")),
            "schemas",
        ),
        (
            "a sub-attribute in two cases",
            "POST",
            "/Users",
            person(&format!("{name},\"name\":{{\"givenName\":\"a\",\"GivenName\":\"b\"}}")),
            "givenName",
        ),
        (
            "a sub-attribute of a list in two cases",
            "POST",
            "/Users",
            person(&format!(
                "{name},\"emails\":[{{\"value\":\"a@example.com\",\"Value\":\"b@example.com\"}}]"
            )),
            "value",
        ),
        (
            "an extension in two cases",
            "POST",
            "/Users",
            person(&format!("{name},\"{ENTERPRISE}\":{{}},\"{}\":{{}}", ENTERPRISE.to_uppercase())),
            "enterprise",
        ),
        (
            "a key in two cases in a PUT",
            "PUT",
            &victim,
            person(&format!("{name},\"active\":true,\"ACTIVE\":false")),
            "active",
        ),
        (
            "members in two cases",
            "PUT",
            &group,
            format!("{{\"schemas\":[\"{GROUP}\"],\"displayName\":\"x\",\"members\":[],\"Members\":[]}}"),
            "members",
        ),
        (
            "Operations in two cases",
            "PATCH",
            &victim,
            format!(
                "{{{message},\"Operations\":[],\"operations\":[{{\"op\":\"remove\",\"path\":\"displayName\"}}]}}"
            ),
            "operations",
        ),
        (
            "op in two cases",
            "PATCH",
            &victim,
            format!(
                "{{{message},\"Operations\":[{{\"op\":\"remove\",\"OP\":\"add\",\"path\":\"displayName\",\"value\":\"x\"}}]}}"
            ),
            "op",
        ),
        (
            "a value's key in two cases",
            "PATCH",
            &victim,
            format!(
                "{{{message},\"Operations\":[{{\"op\":\"replace\",\"value\":{{\"displayName\":\"a\",\"DisplayName\":\"b\"}}}}]}}"
            ),
            "displayName",
        ),
    ];
    let in_other_words = [
        ("active and its path", &victim, format!("\"active\":true,\"{USER}:active\":false"), "active"),
        (
            "active in the base schema",
            &victim,
            format!("\"active\":true,\"{USER}\":{{\"active\":false}}"),
            ".",
        ),
        ("a name and its part", &victim, "\"name\":null,\"name.givenName\":\"x\"".to_owned(), "givenName"),
    ];
    let rows = rows.into_iter().map(|(what, verb, target, body, says)| {
        method(what, verb, target).body(body).is(400, SYNTAX).says(says)
    });
    let in_other_words = in_other_words.into_iter().map(|(what, target, rest, says)| {
        let body = person(&format!("{name},{rest}"));
        method(what, "PUT", target).body(body).is(400, SYNTAX_OR_VALUE).says(says)
    });
    rows.chain(in_other_words).collect()
}

fn schemas(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let person = |schemas: Value| json!({"schemas": schemas, "userName": "schemas@example.com"});
    let rename = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
    let change = |schemas: Value| json!({"schemas": schemas, "Operations": rename});
    let patched =
        |name: &str, schemas: Value| method(name, "PATCH", &victim).body(change(schemas).to_string());
    vec![
        post("schemas that are no list", "/Users", &person(json!(5)))
            .is(400, SYNTAX_OR_VALUE)
            .says("schemas"),
        post("a schema that is no text", "/Users", &person(json!([5])))
            .is(400, SYNTAX_OR_VALUE)
            .says("schemas"),
        post("no schemas", "/Users", &json!({"userName": "schemas@example.com"}))
            .on(On::Strict)
            .is(400, SYNTAX)
            .says("schemas"),
        post("an empty list of schemas", "/Users", &person(json!([])))
            .on(On::Strict)
            .is(400, SYNTAX)
            .says("schemas"),
        post("an unknown schema", "/Users", &person(json!([USER, "urn:example:nope"])))
            .on(On::Strict)
            .is(400, SYNTAX)
            .says("urn:example:nope"),
        post("a group's schema on a person", "/Users", &person(json!([GROUP])))
            .is(400, SYNTAX)
            .says("schemas.*core:2.0:Group"),
        post(
            "a person's schema on a group",
            "/Groups",
            &json!({"schemas": [USER], "displayName": "Schemas"}),
        )
        .is(400, SYNTAX)
        .says("schemas.*core:2.0:User"),
        put(
            "an unknown schema alone in a PUT",
            &victim,
            &json!({"schemas": ["urn:x"], "userName": "victim@example.com"}),
        )
        .is(400, SYNTAX)
        .says("schemas.*urn:x"),
        put("no schemas in a PUT", &victim, &json!({"userName": "victim@example.com"}))
            .on(On::Strict)
            .is(400, SYNTAX)
            .says("schemas"),
        patched("PATCH with a person's schema", json!([USER])).is(400, SYNTAX).says("schemas|PatchOp"),
        patched("PATCH with an unknown schema", json!(["urn:example:nope"]))
            .is(400, SYNTAX)
            .says("schemas|PatchOp"),
        patched("PATCH with schemas that are no list", json!(5)).is(400, SYNTAX_OR_VALUE).says("schemas"),
        post(
            "search with a PATCH schema",
            "/Users/.search",
            &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "filter": "userName pr"}),
        )
        .is(400, SYNTAX)
        .says("schemas|SearchRequest"),
    ]
}

fn media_types(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let person = json!({"schemas": [USER], "userName": "media@example.com"});
    let change = patch_op(&json!([{"op": "replace", "path": "displayName", "value": "x"}]));
    let types = [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        "application/jsonp",
    ];
    let mut cases: Vec<Case> =
        types.iter().map(|media| method(media, "POST", "/Users").body_of(media, &person)).collect();
    cases.push(method("PUT as text", "PUT", &victim).body_of("text/plain", &person));
    cases.push(method("PATCH as text", "PATCH", &victim).body_of("text/plain", &change));
    for case in &mut cases {
        *case = case.clone().is(415, &[]).says(r"application/scim\+json");
    }
    cases
}
