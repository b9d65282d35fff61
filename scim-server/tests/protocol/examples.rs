//! The example documents of RFC 7644 section 3, as they are printed there: `tests/data/rfc7644`.

use std::sync::Arc;

use chrono::DateTime;
use scim_core::Registry;

use crate::server::*;

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const JAMES: &str = "08e1d05d-121c-4561-8b96-473d93df9210";
const GROUP_ID: &str = "acbf3ae7-8463-4692-b4fd-9b4da3f908ce";

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../data/rfc7644/", $name))
    };
}
pub(crate) use data;

pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Four servers that give resources these ids, at the time of an example.
pub(crate) fn servers(ids: &'static [&'static str], time: &'static str) -> impl Iterator<Item = Server> {
    everywhere_with(move |builder| builder.ids(Listed::new(ids))).inspect(move |server| server.at(time))
}

/// Checks that an answer has all that an example shows: dates as instants, and any version for the version.
#[track_caller]
pub(crate) fn shows(answer: &Value, example: &Value, at: &str) {
    match (answer, example) {
        (Value::Object(answer), Value::Object(example)) => {
            for (name, value) in example {
                let found = answer.get(name).unwrap_or_else(|| panic!("{at}.{name} is missing"));
                match name.as_str() {
                    "version" => assert!(found.as_str().unwrap().starts_with("W/\""), "{found}"),
                    "detail" => assert!(found.is_string()),
                    _ => shows(found, value, &format!("{at}.{name}")),
                }
            }
        }
        (Value::Array(answer), Value::Array(example)) => {
            assert_eq!(answer.len(), example.len(), "{at}");
            for (n, (found, value)) in answer.iter().zip(example).enumerate() {
                shows(found, value, &format!("{at}[{n}]"));
            }
        }
        (Value::String(found), Value::String(value)) if DateTime::parse_from_rfc3339(value).is_ok() => {
            assert_eq!(DateTime::parse_from_rfc3339(found), DateTime::parse_from_rfc3339(value), "{at}");
        }
        _ => assert_eq!(answer, example, "{at}"),
    }
}

/// Has `bjensen` in a server, from the example of section 3.3.
async fn created(server: &Server) -> Answer {
    server.post("/Users", &parse(data!("3.3-create.request.json"))).await.expect(201)
}

#[tokio::test]
async fn rfc7644_3_3_create() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        let answer = created(&server).await;
        let example = parse(data!("3.3-create.answer.json"));
        shows(&answer.json(), &example, "");
        assert_eq!(keys(&answer.json()), keys(&example), "and no more");
        assert_eq!(answer.header("location"), example["meta"]["location"].as_str());
    }
}

#[tokio::test]
async fn rfc7644_3_4_1_read() {
    for server in servers(&[BABS], "2011-08-01T18:29:49.793Z") {
        let example = parse(data!("3.4.1-read.answer.json"));
        // What is read can be sent to create it, with all that the server says of it.
        server.post("/Users", &example).await.expect(201);
        let answer = server.get(&format!("/v2/Users/{BABS}")).await.expect(200).json();
        shows(&answer, &example, "");
        assert_eq!(keys(&answer), keys(&example));
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_list() {
    for server in servers(&[BABS, "c75ad752-64ae-4823-840d-ffa80929976c"], "2011-08-01T18:29:49.793Z") {
        for name in ["bjensen", "jsmith"] {
            server.post("/Users", &user(json!({"userName": name, "title": "x"}))).await.expect(201);
        }
        let answer = server.get("/v2/Users?attributes=userName").await.expect(200).json();
        shows(&answer, &parse(data!("3.4.2-list.answer.json")), "");
        assert_eq!(keys(&answer["Resources"][0]), ["id", "schemas", "userName"]);
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_1_bare_words_in_the_example_of_a_root_query() {
    for server in servers(&[BABS], "2011-08-01T18:29:49.793Z") {
        created(&server).await;
        let answer =
            server.filter("/v2/", "(meta.resourceType eq User) or (meta.resourceType eq Group)").await;
        if server.strict {
            answer.refused(400, "invalidFilter");
        } else {
            assert_eq!(answer.expect(200).strings("id"), [BABS]);
        }
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_2_filters() {
    let expected: [&[&str]; 17] = [
        &["bjensen"],
        &["jomalley"],
        &["jomalley"],
        &["jomalley"],
        &["bjensen", "jomalley"],
        &["bjensen", "jomalley"],
        &["bjensen", "jomalley", "ann"],
        &[],
        &["ann"],
        &["bjensen"],
        &["bjensen", "jomalley"],
        &["jomalley"],
        &["bjensen"],
        &["ann"],
        &["bjensen"],
        &["bjensen"],
        &["bjensen", "ann"],
    ];
    for server in everywhere() {
        server.at("2011-08-01T18:29:49.793Z");
        for body in [
            json!({"userName": "bjensen", "title": "Tour Guide", "userType": "Employee",
                "emails": [{"value": "bjensen@example.com", "type": "work"}]}),
            json!({"userName": "jomalley", "title": "Guide", "userType": "Intern", "name": {"familyName": "O'Malley"},
                "emails": [{"value": "j@example.org", "type": "home"}], ENTERPRISE: {"department": "D"}}),
        ] {
            server.user(body).await;
        }
        server.at("2011-05-13T04:42:34Z");
        server.user(json!({"userName": "ann", "ims": [{"value": "ann@foo.com", "type": "xmpp"}]})).await;
        let filters: Vec<&str> = data!("3.4.2.2-filters.txt").lines().collect();
        assert_eq!(filters.len(), expected.len());
        for (filter, names) in filters.iter().zip(expected) {
            assert_eq!(server.names(filter).await, names, "{filter}");
            let search = server.search("/Users/.search", json!({"filter": filter})).await;
            assert_eq!(search.expect(200).strings("userName"), names, "{filter}");
        }
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_2_operators_have_no_case() {
    for server in everywhere() {
        for name in ["john", "jane"] {
            server.user(json!({"userName": name})).await;
        }
        for filter in data!("3.4.2.2-operators_have_no_case.txt").lines() {
            assert_eq!(server.names(filter).await, ["john"], "{filter}");
        }
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_4_page() {
    for server in everywhere() {
        for n in 0..100 {
            server.user(json!({"userName": format!("u{n}")})).await;
        }
        let answer = server.get("/v2/Users?startIndex=1&count=10").await.expect(200).json();
        shows(&answer, &parse(data!("3.4.2.4-page.answer.json")), "");
        assert_eq!(answer["Resources"].as_array().unwrap().len(), 10);
    }
}

#[tokio::test]
async fn rfc7644_3_4_3_search() {
    let ids = &["2819c223-7f76-413861904646", "c8596b90-7539-4f20968d1908"];
    for server in servers(ids, "2011-08-01T18:29:49.793Z") {
        server.user(json!({"userName": "jsmith", "displayName": "Smith, James", "title": "x"})).await;
        server.group("Smith Family", &[]).await;
        let answer =
            server.post("/v2/.search", &parse(data!("3.4.3-search.request.json"))).await.expect(200).json();
        // The RFC shows two of a hundred results.
        let mut example = parse(data!("3.4.3-search.answer.json"));
        example["totalResults"] = json!(2);
        example["itemsPerPage"] = json!(2);
        shows(&answer, &example, "");
        assert_eq!(keys(&answer["Resources"][0]), ["displayName", "id", "schemas", "userName"]);
        assert_eq!(keys(&answer["Resources"][1]), ["displayName", "id", "schemas"]);
    }
}

#[tokio::test]
async fn rfc7644_3_5_1_put() {
    for server in servers(&[BABS], "2011-08-08T04:56:22Z") {
        created(&server).await;
        server.at("2011-08-08T08:00:12Z");
        let path = format!("/v2/Users/{BABS}");
        let request = data!("3.5.1-put.request.json");
        let ours = server.get(&path).await.etag();
        let stale = server.send("PUT", &path, &[("if-match", "W/\"a330bc54f0671c9\"")], request).await;
        stale.refused(412, "");
        let answer = server.send("PUT", &path, &[("if-match", &ours)], request).await.expect(200);
        let example = parse(data!("3.5.1-put.answer.json"));
        shows(&answer.json(), &example, "");
        assert_eq!(keys(&answer.json()), keys(&example), "`roles` is empty and gone");
        assert_eq!(answer.header("location"), example["meta"]["location"].as_str());
        assert_ne!(answer.etag(), ours);
    }
}

/// A group with two members, or with the first one only.
async fn group(server: &Server, members: &[&str]) -> String {
    for (n, name) in ["bjensen", "jsmith"].iter().enumerate() {
        assert_eq!(id(&server.user(json!({"userName": name})).await), [BABS, JAMES][n]);
    }
    server.group("Tour Guides", members).await
}

#[tokio::test]
async fn rfc7644_3_5_2_paths() {
    for server in servers(&[BABS, JAMES, GROUP_ID], "2011-08-08T04:56:22Z") {
        let paths: Vec<&str> = data!("3.5.2-paths.txt").lines().collect();
        let [members, family_name, work_address, member, display_name] = paths[..] else { panic!() };
        let group = group(&server, &[BABS, JAMES]).await;
        let change = |path: &str, op: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
        let remove = json!([{"op": "remove", "path": member}]);
        server.patch(&group, remove).await.expect(200);
        assert_eq!(server.members(&group).await, [JAMES]);
        server.patch(&group, change(members, "replace", json!([{"value": BABS}]))).await.expect(200);
        assert_eq!(server.members(&group).await, [BABS]);
        // Members have no such sub-attribute: the print means `display`.
        let wrong = server.patch(&group, change(display_name, "replace", json!("Babs"))).await;
        assert!(wrong.refused(400, "invalidPath").contains("displayName"));

        let babs = format!("/Users/{BABS}");
        let both =
            json!([{"type": "work", "locality": "Hollywood"}, {"type": "home", "locality": "Burbank"}]);
        server.patch(&babs, change("addresses", "add", both)).await.expect(200);
        server.patch(&babs, change(family_name, "replace", json!("Jensen"))).await.expect(200);
        server
            .patch(&babs, change(work_address, "replace", json!({"type": "work", "region": "CA"})))
            .await
            .expect(200);
        let shown = server.get(&babs).await.json();
        assert_eq!(shown["name"], json!({"familyName": "Jensen"}));
        let addresses = json!([{"type": "work", "region": "CA"}, {"type": "home", "locality": "Burbank"}]);
        assert_eq!(shown["addresses"], addresses);
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_patches_of_members() {
    let both = [BABS, JAMES];
    for (name, patch, before, after) in [
        ("3.5.2", data!("3.5.2-patch.request.json"), &both[1..], &[JAMES, BABS][..]),
        ("3.5.2.1 add", data!("3.5.2.1-add_members.request.json"), &[], &[BABS]),
        ("3.5.2.1 add again", data!("3.5.2.1-add_members.request.json"), &both, &both),
        ("3.5.2.2 one", data!("3.5.2.2-remove_one_member.request.json"), &both, &[JAMES]),
        ("3.5.2.2 none", data!("3.5.2.2-remove_one_member.request.json"), &both[1..], &[JAMES]),
        ("3.5.2.2 all", data!("3.5.2.2-remove_all_members.request.json"), &both, &[]),
        ("3.5.2.2 swap", data!("3.5.2.2-remove_and_add_one_member.request.json"), &both[..1], &[JAMES]),
        ("3.5.2.2 all anew", data!("3.5.2.2-remove_and_add_all_members.request.json"), &both[1..], &both),
        ("3.5.2.3", data!("3.5.2.3-replace_members.request.json"), &[], &both),
    ] {
        for server in servers(&[BABS, JAMES, GROUP_ID], "2011-08-08T04:56:22Z") {
            let path = group(&server, before).await;
            let answer = server.send("PATCH", &format!("/v2{path}"), &[], patch).await.expect(200);
            // Members are a set.
            let sorted = |mut ids: Vec<String>| {
                ids.sort();
                ids
            };
            let after = sorted(after.iter().map(|id| (*id).to_owned()).collect());
            assert_eq!(sorted(strings(&answer.json()["members"], "value")), after, "{name}");
            assert_eq!(sorted(server.members(&path).await), after, "{name}");
            for reference in strings(&answer.json()["members"], "$ref") {
                assert!(reference.starts_with("https://example.com/v2/Users/"), "as the example has it");
            }
            let named = server.get(&format!("{path}?attributes=members.display")).await.expect(200).json();
            assert_eq!(
                strings(&named["members"], "display").len(),
                after.len(),
                "what clients say of members is not kept"
            );
        }
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_1_no_body() {
    let limits = scim_server::Limits::default().with_patch_answer_values(0);
    let ids = &[BABS, JAMES, GROUP_ID];
    for server in everywhere_with(|builder| builder.limits(limits.clone()).ids(Listed::new(ids))) {
        let path = group(&server, &[JAMES]).await;
        let before = server.get(&path).await.etag();
        let add = data!("3.5.2.1-add_members.request.json");
        let stale = server.send("PATCH", &path, &[("if-match", "W/\"a330bc54f0671c9\"")], add).await;
        stale.refused(412, "");
        let answer = server.send("PATCH", &path, &[("if-match", &before)], add).await.expect(204);
        let location = format!("https://example.com/v2/Groups/{GROUP_ID}");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        assert_ne!(answer.etag(), before);
        assert_eq!(server.get(&path).await.etag(), answer.etag());
        // Babs is a member already.
        let again = server.send("PATCH", &path, &[], add).await.expect(204);
        assert_eq!(again.etag(), answer.etag());
    }
}

/// Has a user with these attributes patched, and gives the answer.
async fn patched(server: &Server, attributes: Value, patch: &str) -> Value {
    let path = server.user(attributes).await;
    let answer = server.send("PATCH", &format!("/v2{path}"), &[], patch).await.expect(200).json();
    assert_eq!(server.get(&path).await.json(), answer);
    answer
}

#[tokio::test]
async fn rfc7644_3_5_2_1_add_emails() {
    let home = json!({"value": "babs@jensen.org", "type": "home"});
    let work = json!({"value": "bjensen@example.com", "type": "work"});
    for server in everywhere() {
        let before = json!({"userName": "bjensen", "emails": [work]});
        let after = patched(&server, before, data!("3.5.2.1-add_emails.request.json")).await;
        assert_eq!(after["emails"], json!([work, home]));
        assert_eq!(after["nickName"], "Babs", "the RFC writes it in lower case");
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_2_remove_emails() {
    for server in everywhere() {
        let before = json!({"userName": "bjensen", "emails": [
            {"value": "bjensen@example.com", "type": "work"}, {"value": "bjensen@example.com", "type": "home"},
            {"value": "babs@jensen.org", "type": "work"}]});
        let after = patched(&server, before, data!("3.5.2.2-remove_emails.request.json")).await;
        let left = json!([{"value": "bjensen@example.com", "type": "home"}, {"value": "babs@jensen.org", "type": "work"}]);
        assert_eq!(after["emails"], left);
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_3_replace_addresses() {
    let home = json!({"type": "home", "streetAddress": "456 Hollywood Blvd", "country": "US"});
    for server in everywhere() {
        let before = |name: &str| {
            json!({"userName": name, "addresses": [
                {"type": "work", "streetAddress": "100 Universal City Plaza", "country": "GB"}, home]})
        };
        let request = data!("3.5.2.3-replace_work_address.request.json");
        let after = patched(&server, before("a"), request).await;
        assert_eq!(after["addresses"], json!([parse(request)["Operations"][0]["value"], home]));
        let after = patched(&server, before("b"), data!("3.5.2.3-replace_street_address.request.json")).await;
        let work = json!({"type": "work", "streetAddress": "1010 Broadway Ave", "country": "GB"});
        assert_eq!(after["addresses"], json!([work, home]));
    }
}

#[tokio::test]
async fn rfc7644_3_5_2_3_replace_emails() {
    for server in everywhere() {
        let before = json!({"userName": "bjensen", "title": "T", "emails": [{"value": "old@example.com"}]});
        let request = data!("3.5.2.3-replace_emails.request.json");
        let after = patched(&server, before, request).await;
        assert_eq!(after["emails"], parse(request)["Operations"][0]["value"]["emails"]);
        assert_eq!((&after["nickName"], &after["title"]), (&json!("Babs"), &json!("T")));
    }
}

#[tokio::test]
async fn rfc7644_3_6_delete() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        let tag = created(&server).await.etag();
        let path = format!("/v2/Users/{BABS}");
        server.send("DELETE", &path, &[("if-match", "W/\"c310cd84f0281b7\"")], "").await.refused(412, "");
        server.send("DELETE", &path, &[("if-match", &tag)], "").await.expect(204);
        let answer = server.get(&path).await.expect(404).json();
        let example = parse(data!("3.6-deleted.answer.json"));
        shows(&answer, &example, "");
        assert_eq!(keys(&answer), keys(&example));
    }
}

#[tokio::test]
async fn rfc7644_3_9_attributes() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        created(&server).await;
        let answer = server.get(&format!("/v2/Users/{BABS}?attributes=userName")).await.expect(200).json();
        assert_eq!(answer, parse(data!("3.9-attributes.answer.json")));
    }
}

#[tokio::test]
async fn rfc7644_3_12_errors() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        let path = format!("/v2/Users/{BABS}");
        let answer = server.get(&path).await.expect(404);
        let example = parse(data!("3.12-not_found.answer.json"));
        shows(&answer.json(), &example, "");
        assert_eq!(keys(&answer.json()), keys(&example));
        assert!(answer.json()["detail"].as_str().unwrap().contains(BABS));
        created(&server).await;
        let answer =
            server.patch(&path, json!([{"op": "replace", "path": "id", "value": "x"}])).await.expect(400);
        let example = parse(data!("3.12-mutability.answer.json"));
        shows(&answer.json(), &example, "");
        assert_eq!(keys(&answer.json()), keys(&example));
        assert!(answer.json()["detail"].as_str().unwrap().contains("`id`"));
    }
}

#[tokio::test]
async fn rfc7644_3_14_versions() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        let answer = created(&server).await;
        let tag = answer.etag();
        assert_eq!(answer.json()["meta"]["version"], tag);
        // The request is that of section 3.3; here the print has forgotten `externalId`.
        let example = parse(data!("3.14-create.answer.json"));
        shows(&answer.json(), &example, "");
        assert_eq!(answer.json()["externalId"], "bjensen");
        let path = format!("/v2/Users/{BABS}?attributes=displayName");
        server.send("GET", &path, &[("if-none-match", &tag)], "").await.expect(304);
        let theirs = parse(data!("3.3-create.answer.json"))["meta"]["version"].as_str().unwrap().to_owned();
        server.send("GET", &path, &[("if-none-match", &theirs)], "").await.expect(200);
        server.send("DELETE", &path, &[("if-match", &theirs)], "").await.refused(412, "");
    }
}

#[tokio::test]
async fn rfc7644_4_resource_types() {
    // In the example users have to have the Enterprise extension.
    let enterprise: scim_core::SchemaUri = ENTERPRISE.parse().unwrap();
    let registry = Registry::rfc7643().to_builder().change_type("User", |mut kind| {
        for extension in &mut kind.schema_extensions {
            extension.required = extension.schema == enterprise;
        }
        kind
    });
    let registry = Arc::new(registry.build().unwrap());
    for server in everywhere_with(|builder| builder.registry(Arc::clone(&registry))) {
        let mut example = parse(data!("4-resource_types.answer.json"));
        // The print says ten, and shows two.
        example["itemsPerPage"] = json!(2);
        let answer = server.get("/v2/ResourceTypes").await.expect(200).json();
        shows(&answer, &example, "");
        for (shown, printed) in [0, 1].map(|n| (&answer["Resources"][n], &example["Resources"][n])) {
            let one = server.get(&format!("/v2/ResourceTypes/{}", printed["id"].as_str().unwrap())).await;
            assert_eq!(one.expect(200).json(), *shown);
        }
    }
}

#[tokio::test]
async fn rfc7644_7_5_2_sensitive_filters() {
    for server in servers(&[BABS], "2011-08-01T21:32:44.882Z") {
        created(&server).await;
        // Here it is the password that is confidential, and no name.
        let answer = server.filter("/v2/Users", "password eq \"x\"").await.expect(403).json();
        let example = parse(data!("7.5.2-sensitive.answer.json"));
        shows(&answer, &example, "");
        assert_eq!(keys(&answer), keys(&example));
    }
}
