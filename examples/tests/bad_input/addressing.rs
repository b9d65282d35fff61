//! Tokens, paths, methods, versions, and the query parameters other than the filter.

use serde_json::json;

use crate::case::{Case, Ids, On, get, method, patch, post, put};
use crate::{GROUP, USER};

pub(crate) fn cases(ids: &Ids) -> Vec<Case> {
    let mut cases = tokens(ids);
    cases.extend(missing(ids));
    cases.extend(methods(ids));
    cases.extend(stale(ids));
    cases.extend(queries());
    cases
}

fn tokens(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let person = json!({"schemas": [USER], "userName": "intruder@example.com"});
    let suspend = json!([{"op": "replace", "path": "active", "value": false}]);
    let long = "x".repeat(8_000);
    let with = |name: &str, value: &[u8]| get(name, "/Users").authorization(value);
    let mut cases = vec![
        with("no token", b""),
        with("a wrong token", b"Bearer d3JvbmctdG9rZW4tb2YtdGhlLXJpZ2h0LXNoYXBl"),
        with("a very short token", b"Bearer x"),
        with("a very long token", format!("Bearer {long}").as_bytes()),
        with("a scheme without a token", b"Bearer"),
        with("a scheme and a blank", b"Bearer "),
        with("a token without a scheme", b"d3JvbmctdG9rZW4"),
        with("another scheme", b"Basic YWRtaW46YWRtaW4="),
        with("a token that is no text", b"Bearer \xff\xfe\xfd"),
        with("a token with a quote", b"Bearer ' or 1=1 --"),
        get("a token in the query", "/Users?access_token=x").authorization(""),
        get("no token for one person", &victim).authorization(""),
        post("no token to create", "/Users", &person).authorization(""),
        post("a wrong token to create", "/Users", &person).authorization("Bearer wrong"),
        put("no token to replace", &victim, &person).authorization(""),
        patch("no token to change", &victim, &suspend).authorization(""),
        method("no token to delete", "DELETE", &victim).authorization(""),
        post("no token to search", "/Users/.search", &json!({})).authorization(""),
        method("no token and no JSON", "POST", "/Users").body("{").authorization(""),
    ];
    for case in &mut cases {
        *case = case.clone().is(401, &[]).says("token|authori").header("WWW-Authenticate", "Bearer");
    }
    cases
}

fn missing(ids: &Ids) -> Vec<Case> {
    let person = json!({"schemas": [USER], "userName": "nobody@example.com"});
    let group = json!({"schemas": [GROUP], "displayName": "Nobodies"});
    let rename = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
    let swapped: String = ids
        .victim
        .chars()
        .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
        .collect();
    let mut cases = vec![
        get("an unknown path", "/Nope").is(404, &[]),
        get("something behind a person", format!("/Users/{}/emails", ids.victim)).is(404, &[]),
        get("another version", "^/scim/v9/Users").is(404, &[]),
        get("a path that climbs", "/Users/..%2f..%2fetc%2fpasswd").is(404, &[]),
        get("an id in another letter case", format!("/Users/{swapped}")).is(404, &[]),
        get("a group's id among people", format!("/Users/{}", ids.group)).is(404, &[]),
        get("a person's id among groups", format!("/Groups/{}", ids.victim)).is(404, &[]),
        get("an id and a blank", format!("/Users/{}%20", ids.victim)).is(404, &[]),
        get("NUL as an id", "/Users/%00").is(404, &[]).or(400),
        get("NUL in an id", format!("/Users/{}%00", ids.victim)).is(404, &[]).or(400),
        get("an id that is no text", "/Users/%ff").is(404, &[]).or(400),
        get("a very long id", format!("/Users/{}", "a".repeat(10_000))).is(404, &[]).or(400).or(414),
        get("an id with a quote", "/Users/'%20or%20'1'='1").is(404, &[]),
        get("an unknown schema", "/Schemas/urn:example:nope").is(404, &[]),
        get("an unknown resource type", "/ResourceTypes/Nope").is(404, &[]),
        // Not offered, and the discovery document says so (RFC 7644 section 3.11).
        get("no alias of oneself", "/Me").is(501, &[]),
        post("a bulk request of no kind", "/Bulk", &json!({"schemas": [], "Operations": []}))
            .is(400, &["invalidSyntax"]),
    ];
    for (endpoint, body) in [("/Users", person), ("/Groups", group)] {
        let target = format!("{endpoint}/no-such-id");
        cases.extend([
            get("reading nothing", &target).is(404, &[]).says("no-such-id"),
            put("replacing nothing", &target, &body).is(404, &[]).says("no-such-id"),
            patch("changing nothing", &target, &rename).is(404, &[]).says("no-such-id"),
            method("deleting nothing", "DELETE", &target).is(404, &[]).says("no-such-id"),
        ]);
    }
    cases
}

fn methods(ids: &Ids) -> Vec<Case> {
    let victim = format!("/Users/{}", ids.victim);
    let body = json!({"schemas": [USER], "userName": "nobody@example.com"});
    let mut cases = vec![
        method("DELETE of everybody", "DELETE", "/Users").header("Allow", "POST"),
        put("PUT of everybody", "/Users", &body).header("Allow", "GET"),
        patch("PATCH of everybody", "/Users", &json!([])).header("Allow", "GET"),
        method("DELETE of all groups", "DELETE", "/Groups").header("Allow", "POST"),
        post("POST on a person", &victim, &body).header("Allow", "PATCH"),
        method("an invented method", "BREW", "/Users").header("Allow", "GET"),
        method("an invented method on a person", "BREW", &victim).header("Allow", "DELETE"),
        method("TRACE", "TRACE", &victim).header("Allow", "GET"),
        post("POST of a schema", "/Schemas", &json!({})).header("Allow", "GET"),
        put("PUT of the configuration", "/ServiceProviderConfig", &json!({})).header("Allow", "GET"),
        method("DELETE of a resource type", "DELETE", "/ResourceTypes/User").header("Allow", "GET"),
    ];
    for case in &mut cases {
        *case = case.clone().is(405, &[]);
    }
    cases
}

fn stale(ids: &Ids) -> Vec<Case> {
    let body = json!({"schemas": [USER], "userName": "victim@example.com", "displayName": "Late"});
    let group = json!({"schemas": [GROUP], "displayName": "Late"});
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Late"}]);
    let mut cases = Vec::new();
    for tag in ["W/\"stale\"", "\"stale\"", "W/\"a\", W/\"b\""] {
        for (target, body) in
            [(format!("/Users/{}", ids.victim), &body), (format!("/Groups/{}", ids.group), &group)]
        {
            cases.extend([
                put("PUT over a newer version", &target, body).with("If-Match", tag).is(412, &[]),
                patch("PATCH over a newer version", &target, &rename).with("If-Match", tag).is(412, &[]),
                method("DELETE of a newer version", "DELETE", &target).with("If-Match", tag).is(412, &[]),
            ]);
        }
    }
    for case in &mut cases {
        *case = case.clone().says("^the resource has changed: its version is now");
    }
    cases.extend(there_already(ids));
    cases
}

/// Nothing has changed where only what is not there may be written: the answer says what is there.
fn there_already(ids: &Ids) -> Vec<Case> {
    let (victim, group) = (format!("/Users/{}", ids.victim), format!("/Groups/{}", ids.group));
    let person = json!({"schemas": [USER], "userName": "victim@example.com", "displayName": "Late"});
    let people = json!({"schemas": [GROUP], "displayName": "Late"});
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Late"}]);
    let mut cases = Vec::new();
    for (target, body) in [(&victim, &person), (&group, &people)] {
        cases.extend([
            put("PUT unless it exists", target, body),
            patch("PATCH unless it exists", target, &rename),
            method("DELETE unless it exists", "DELETE", target),
        ]);
    }
    let says = "^the header If-None-Match rules this out: the resource exists, and its version is";
    cases.into_iter().map(|case| case.with("If-None-Match", "*").is(412, &[]).says(says)).collect()
}

fn queries() -> Vec<Case> {
    let value: &[&str] = &["invalidValue"];
    let search = |name: &str, body: serde_json::Value| {
        let mut message = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        message.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        post(name, "/Users/.search", &message).is(400, &["invalidValue", "invalidSyntax"])
    };
    vec![
        get("count that is no number", "/Users?count=abc").is(400, value).says("count"),
        get("count that is no integer", "/Users?count=1.5").is(400, value).says("count"),
        get("startIndex that is no number", "/Users?startIndex=abc").is(400, value).says("startIndex"),
        get("startIndex in hexadecimal", "/Groups?startIndex=0x10").is(400, value).says("startIndex"),
        get("an order that is none", "/Users?sortBy=userName&sortOrder=sideways")
            .on(On::Directory)
            .is(400, value)
            .says("sortOrder"),
        get("both projections", "/Users?attributes=userName&excludedAttributes=emails")
            .on(On::Strict)
            .is(400, value)
            .says("excludedAttributes"),
        search("search: count that is no number", json!({"count": "abc"})).says("count"),
        search("search: startIndex as an object", json!({"startIndex": {}})).says("startIndex"),
        search("search: filter that is no text", json!({"filter": 5})).says("filter"),
        search("search: attributes that are no list", json!({"attributes": 5})).says("attributes"),
        search("search: an order that is none", json!({"sortBy": "userName", "sortOrder": "sideways"}))
            .on(On::Directory)
            .says("sortOrder"),
        // RFC 7644 section 4: discovery is not searched.
        get("a filter over schemas", "/Schemas?filter=name%20eq%20%22User%22").is(403, &[]),
        get("a filter over resource types", "/ResourceTypes?filter=name%20eq%20%22User%22").is(403, &[]),
    ]
}
