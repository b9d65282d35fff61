//! PATCH requests that must not change anything.

use serde_json::{Value, json};

use crate::case::{Case, Ids, On, method, patch};

const SYNTAX: &[&str] = &["invalidSyntax"];
const SYNTAX_OR_VALUE: &[&str] = &["invalidSyntax", "invalidValue"];
const VALUE: &[&str] = &["invalidValue"];
const PATH: &[&str] = &["invalidPath"];
const MUTABILITY: &[&str] = &["mutability"];
const NO_TARGET: &[&str] = &["noTarget"];

pub(crate) fn cases(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let group = format!("/Groups/{}", ids.group);
    let mut cases = messages(&victim);
    for (on, types, says, operation) in operations() {
        let name = format!("PATCH {operation}");
        cases.push(patch(&name, &victim, &json!([operation])).on(on).is(400, types).says(says));
        // A good operation before a bad one must not stay.
        let good = json!({"op": "replace", "path": "displayName", "value": "Half Done"});
        let name = format!("PATCH of a name, then {operation}");
        cases.push(patch(&name, &victim, &json!([good, operation])).on(on).is(400, types).says(says));
    }
    for (on, types, says, operation) in on_group(ids) {
        let good = json!({"op": "add", "path": "externalId", "value": "half-done"});
        let name = format!("PATCH of the group: {operation}");
        cases.push(patch(&name, &group, &json!([good, operation])).on(on).is(400, types).says(says));
    }
    cases
}

/// Wrong before there is an operation to look at.
fn messages(victim: &str) -> Vec<Case> {
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
    let message = |name: &str, body: Value| method(name, "PATCH", victim).body(body.to_string());
    vec![
        message("no Operations", json!({"schemas": schemas})).is(400, SYNTAX).says("operations"),
        message("empty Operations", json!({"schemas": schemas, "Operations": []}))
            .is(400, SYNTAX)
            .says("operations"),
        message("Operations null", json!({"schemas": schemas, "Operations": null}))
            .is(400, SYNTAX)
            .says("operations"),
        message("Operations a text", json!({"schemas": schemas, "Operations": "x"}))
            .is(400, SYNTAX_OR_VALUE)
            .says("operations"),
        message("an operation that is no object", json!({"schemas": schemas, "Operations": [5]}))
            .is(400, SYNTAX_OR_VALUE)
            .says("operation"),
        message("an operation that is a list", json!({"schemas": schemas, "Operations": [[]]}))
            .is(400, SYNTAX_OR_VALUE)
            .says("operation"),
        message("a person instead of operations", json!({"schemas": schemas, "displayName": "x"}))
            .is(400, SYNTAX)
            .says("operations"),
    ]
}

type Row = (On, &'static [&'static str], &'static str, Value);

fn operations() -> Vec<Row> {
    let all = On::All;
    vec![
        (
            all,
            SYNTAX_OR_VALUE,
            "frobnicate",
            json!({"op": "frobnicate", "path": "displayName", "value": "x"}),
        ),
        (all, SYNTAX_OR_VALUE, "op", json!({"path": "displayName", "value": "x"})),
        (all, SYNTAX_OR_VALUE, "op", json!({"op": null, "path": "displayName", "value": "x"})),
        (all, SYNTAX_OR_VALUE, "op", json!({"op": 5, "path": "displayName", "value": "x"})),
        (all, SYNTAX_OR_VALUE, "value", json!({"op": "add", "path": "displayName"})),
        (all, SYNTAX_OR_VALUE, "value", json!({"op": "replace", "path": "displayName"})),
        (all, SYNTAX_OR_VALUE, "value", json!({"op": "replace"})),
        (all, SYNTAX_OR_VALUE, "value|object", json!({"op": "replace", "value": "x"})),
        (all, SYNTAX_OR_VALUE, "value|object", json!({"op": "add", "value": ["x"]})),
        (all, &["invalidPath", "invalidSyntax", "invalidValue"], "path", json!({"op": "remove", "path": 5})),
        // Read-only, by whichever way (RFC 7644 section 3.5.2).
        (all, MUTABILITY, "id", json!({"op": "replace", "path": "id", "value": "x"})),
        (all, MUTABILITY, "id", json!({"op": "remove", "path": "id"})),
        (
            all,
            MUTABILITY,
            "created",
            json!({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}),
        ),
        (all, MUTABILITY, "meta", json!({"op": "remove", "path": "meta"})),
        (all, MUTABILITY, "groups", json!({"op": "add", "path": "groups", "value": [{"value": "x"}]})),
        (all, MUTABILITY, "groups", json!({"op": "remove", "path": "groups"})),
        (On::Strict, MUTABILITY, "id", json!({"op": "replace", "value": {"id": "somebody-else"}})),
        // Required.
        (all, MUTABILITY, "userName", json!({"op": "remove", "path": "userName"})),
        (all, VALUE, "userName", json!({"op": "replace", "path": "userName", "value": null})),
        (all, VALUE, "userName", json!({"op": "replace", "path": "userName", "value": ""})),
        (all, VALUE, "userName", json!({"op": "add", "path": "userName", "value": ""})),
        (all, VALUE, "userName", json!({"op": "replace", "value": {"userName": ""}})),
        // Of another type.
        (all, VALUE, "userName", json!({"op": "replace", "path": "userName", "value": 5})),
        (
            all,
            VALUE,
            "userName",
            json!({"op": "replace", "path": "userName", "value": {"value": "x@example.com"}}),
        ),
        (all, VALUE, "active", json!({"op": "replace", "path": "active", "value": "maybe"})),
        (all, VALUE, "active", json!({"op": "replace", "path": "active", "value": 0})),
        (all, VALUE, "active", json!({"op": "replace", "value": {"active": "maybe"}})),
        (On::Strict, VALUE, "active", json!({"op": "replace", "path": "active", "value": "False"})),
        (all, VALUE, "givenName", json!({"op": "replace", "path": "name.givenName", "value": 5})),
        (all, VALUE, "name", json!({"op": "replace", "path": "name", "value": "Anna Berg"})),
        (all, VALUE, "emails", json!({"op": "add", "path": "emails", "value": [5]})),
        (
            all,
            VALUE,
            "emails",
            json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": 5}),
        ),
        (
            all,
            VALUE,
            "primary",
            json!({"op": "add", "path": "emails", "value": [
            {"value": "a@example.com", "primary": true}, {"value": "b@example.com", "primary": true}]}),
        ),
        // Paths.
        (all, PATH, "nosuch", json!({"op": "replace", "path": "nosuch", "value": "x"})),
        (all, PATH, "nosuch", json!({"op": "remove", "path": "nosuch"})),
        (all, PATH, "shoeSize", json!({"op": "replace", "path": "name.shoeSize", "value": "x"})),
        (all, PATH, "urn:example", json!({"op": "add", "path": "urn:example:nope:2.0:attr", "value": "x"})),
        (all, PATH, r"\d", json!({"op": "replace", "path": "name..givenName", "value": "x"})),
        (all, PATH, ".", json!({"op": "replace", "path": "name givenName", "value": "x"})),
        (all, PATH, ".", json!({"op": "replace", "path": "displayName\u{0}", "value": "x"})),
        (all, PATH, ".", json!({"op": "replace", "path": "userName eq \"x\"", "value": "x"})),
        (all, PATH, ".", json!({"op": "replace", "path": "/displayName", "value": "x"})),
        (
            all,
            &["invalidPath", "invalidFilter"],
            r"\d",
            json!({"op": "replace", "path": "emails[type eq", "value": "x"}),
        ),
        (all, &["invalidPath", "invalidFilter"], ".", json!({"op": "remove", "path": "emails["})),
        (all, &["invalidPath", "invalidFilter"], ".", json!({"op": "remove", "path": "(".repeat(10_000)})),
        (
            all,
            &["invalidPath", "invalidFilter"],
            ".",
            json!({"op": "remove", "path": format!("emails[{}", "(".repeat(10_000))}),
        ),
        (
            all,
            &["invalidFilter"],
            r"\d",
            json!({"op": "replace", "path": "emails[type xx \"work\"].value", "value": "x"}),
        ),
        (
            all,
            &["invalidFilter", "invalidPath"],
            "nosuch",
            json!({"op": "remove", "path": "emails[nosuch eq \"x\"]"}),
        ),
        // Nothing there to act on.
        (all, NO_TARGET, "path", json!({"op": "remove"})),
        (all, NO_TARGET, "path", json!({"op": "remove", "value": {"displayName": "x"}})),
        (
            all,
            NO_TARGET,
            "emails",
            json!({"op": "replace", "path": "emails[value co \"nowhere\"].type", "value": "home"}),
        ),
        (
            On::Strict,
            NO_TARGET,
            "emails",
            json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "a@example.com"}),
        ),
        (
            On::Strict,
            NO_TARGET,
            "emails",
            json!({"op": "add", "path": "emails[type eq \"home\"].value", "value": "a@example.com"}),
        ),
        (On::Strict, &["invalidPath"], "name", json!({"op": "replace", "value": {"name.givenName": "x"}})),
    ]
}

fn on_group(ids: &Ids) -> Vec<Row> {
    let member = format!("members[value eq \"{}\"].value", ids.other);
    vec![
        (
            On::All,
            MUTABILITY,
            "members|value",
            json!({"op": "replace", "path": member, "value": ids.victim.clone() + "x"}),
        ),
        (On::All, VALUE, "members", json!({"op": "add", "path": "members", "value": 5})),
        (On::All, VALUE, "members", json!({"op": "add", "path": "members", "value": [5]})),
        (On::All, VALUE, "members", json!({"op": "add", "path": "members", "value": [{"value": 5}]})),
        // What may be a template that was not filled in empties no group.
        (On::All, VALUE, "members", json!({"op": "replace", "path": "members", "value": ""})),
        (On::All, VALUE, "members", json!({"op": "replace", "path": "members", "value": [""]})),
        (On::All, VALUE, "members", json!({"op": "replace", "value": {"members": ""}})),
        (On::All, VALUE, "members", json!({"op": "remove", "path": "members", "value": null})),
        (On::All, PATH, "nosuch", json!({"op": "remove", "path": "members.nosuch"})),
        (On::All, &["invalidFilter"], r"\d", json!({"op": "remove", "path": "members[value is \"x\"]"})),
        (
            On::StrictAndBridge,
            VALUE,
            "no-such-person",
            json!({"op": "add", "path": "members", "value": [{"value": "no-such-person"}]}),
        ),
        (
            On::Strict,
            VALUE,
            "members",
            json!({"op": "remove", "path": "members", "value": [{"value": ids.other}]}),
        ),
    ]
}
