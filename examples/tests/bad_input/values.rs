//! Well-formed documents whose values are wrong: missing, empty, of another type, taken, dangling.

use serde_json::{Value, json};

use crate::case::{Case, Ids, On, patch, post, put};
use crate::{ENTERPRISE, GROUP, USER};

const VALUE: &[&str] = &["invalidValue"];
const UNIQUE: &[&str] = &["uniqueness"];

pub(crate) fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = people(ids);
    cases.extend(groups(ids));
    cases.extend(taken(ids));
    cases
}

/// Attribute, value, what the detail names; each in a POST and in a PUT.
fn people(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let address = "value@example.com";
    let rows = [
        (On::All, "userName", Value::Null, "userName"),
        (On::All, "userName", json!(""), "userName"),
        (On::All, "userName", json!("   "), "userName"),
        (On::All, "userName", json!(5), "userName"),
        (On::All, "userName", json!(true), "userName"),
        (On::All, "userName", json!([]), "userName"),
        (On::All, "userName", json!(["a@example.com", "b@example.com"]), "userName"),
        (On::All, "userName", json!({"value": "a@example.com"}), "userName"),
        (On::All, "userName", json!("a\u{0}b@example.com"), "userName"),
        (On::All, "userName", json!("a\nb@example.com"), "userName"),
        (On::All, "active", json!("maybe"), "active"),
        (On::All, "active", json!(1), "active"),
        (On::All, "active", json!([true, false]), "active"),
        (On::Strict, "active", json!("True"), "active"),
        (On::All, "displayName", json!(5), "displayName"),
        (On::All, "displayName", json!(["a", "b"]), "displayName"),
        (On::All, "displayName", json!({"a": "b"}), "displayName"),
        (On::All, "name", json!("Anna Berg"), "name"),
        (On::All, "name", json!(5), "name"),
        (On::All, "name", json!({"givenName": 5}), "givenName"),
        (On::All, "name", json!({"givenName": {"a": "b"}}), "givenName"),
        (On::All, "emails", json!(5), "emails"),
        (On::All, "emails", json!([5]), "emails"),
        (On::All, "emails", json!([[{"value": address}]]), "emails"),
        (On::All, "emails", json!([{"value": 5}]), "emails"),
        (On::All, "emails", json!([{"value": {"a": "b"}}]), "emails"),
        (On::All, "emails", json!([{"value": address, "primary": "maybe"}]), "primary"),
        (
            On::All,
            "emails",
            json!([{"value": address, "primary": true}, {"value": "b@example.com", "primary": true}]),
            "primary",
        ),
        (On::Strict, "emails", json!({"value": address}), "emails"),
        (On::Strict, "emails", json!([address]), "emails"),
        (On::Strict, "favouriteColour", json!("red"), "favouriteColour"),
        (On::Strict, "name", json!({"shoeSize": 43}), "shoeSize"),
        (On::All, ENTERPRISE, json!(5), "enterprise"),
        (On::All, ENTERPRISE, json!("staff"), "enterprise"),
        (On::All, ENTERPRISE, json!({"employeeNumber": {"a": "b"}}), "employeeNumber"),
        (On::All, ENTERPRISE, json!({"employeeNumber": ["1", "2"]}), "employeeNumber"),
        (On::Strict, ENTERPRISE, json!({"manager": "somebody"}), "manager"),
    ];
    let mut cases = vec![
        post("POST without userName", "/Users", &json!({"schemas": [USER], "displayName": "x"}))
            .is(400, VALUE)
            .says("userName"),
        put("PUT without userName", &victim, &json!({"schemas": [USER], "displayName": "x"}))
            .is(400, VALUE)
            .says("userName"),
        post("POST of nothing but schemas", "/Users", &json!({"schemas": [USER]}))
            .is(400, VALUE)
            .says("userName"),
    ];
    for (on, attribute, value, says) in rows {
        let mut body = json!({"schemas": [USER], "userName": address});
        body[attribute] = value.clone();
        cases.push(
            post(&format!("POST with {attribute} = {value}"), "/Users", &body)
                .on(on)
                .is(400, VALUE)
                .says(says),
        );
        body["userName"] = if attribute == "userName" { value.clone() } else { json!("victim@example.com") };
        cases.push(
            put(&format!("PUT with {attribute} = {value}"), &victim, &body).on(on).is(400, VALUE).says(says),
        );
    }
    cases
}

fn groups(ids: &Ids) -> Vec<Case> {
    let target = format!("/Groups/{}", ids.group);
    let rows = [
        (On::All, "displayName", json!(5), "displayName"),
        (On::All, "displayName", json!(["a", "b"]), "displayName"),
        (On::All, "members", json!(5), "members"),
        (On::All, "members", json!([5]), "members"),
        (On::All, "members", json!([{"value": 5}]), "members"),
        (On::All, "members", json!([{"value": {"a": "b"}}]), "members"),
        (On::StrictAndBridge, "members", json!([{"value": "no-such-person"}]), "no-such-person"),
    ];
    let mut cases = Vec::new();
    for (on, attribute, value, says) in rows {
        let mut body = json!({"schemas": [GROUP], "displayName": "Refused"});
        body[attribute] = value.clone();
        cases.push(
            post(&format!("POST with {attribute} = {value}"), "/Groups", &body)
                .on(on)
                .is(400, VALUE)
                .says(says),
        );
        cases.push(
            put(&format!("PUT with {attribute} = {value}"), &target, &body).on(on).is(400, VALUE).says(says),
        );
    }
    cases
}

/// A userName that somebody has, in whatever spelling (RFC 7643 section 4.1.1).
fn taken(ids: &Ids) -> Vec<Case> {
    let other = format!("/Users/{}", ids.other);
    let mut cases = Vec::new();
    let spellings = [
        (On::All, "victim@example.com"),
        (On::All, "VICTIM@EXAMPLE.COM"),
        (On::All, "Victim@Example.com"),
        (On::Directory, "ｖｉｃｔｉｍ@example.com"),
    ];
    for (on, name) in spellings {
        let body = json!({"schemas": [USER], "userName": name});
        let by_path = json!([{"op": "replace", "path": "userName", "value": name}]);
        let by_value = json!([{"op": "replace", "value": {"displayName": "x", "userName": name}}]);
        let refused = [
            post(&format!("POST of the taken {name}"), "/Users", &body),
            put(&format!("PUT of the taken {name}"), &other, &body),
            patch(&format!("PATCH to the taken {name}"), &other, &by_path),
            patch(&format!("PATCH without a path to the taken {name}"), &other, &by_value),
        ];
        cases.extend(refused.map(|case| case.on(on).is(409, UNIQUE).says("userName")));
    }
    cases
}
