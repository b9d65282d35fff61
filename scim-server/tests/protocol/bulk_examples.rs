//! The example documents of RFC 7644 section 3.7, as they are printed there: `tests/data/rfc7644`.

use crate::examples::{data, parse, servers, shows};
use crate::server::*;

const ALICE: &str = "92b725cd-9465-4e7d-8c16-01f8e146b87a";
const BOB: &str = "b7c14771-226c-4d05-8860-134711653041";
const DAVE: &str = "5d8d29d3-342c-4b5f-8683-a3cb6763ffcc";
const EVE: &str = "e9025315-6bea-44e1-899c-1e07454e468b";
const GUIDES: &str = "e9e30dba-f08f-4109-8486-d5c6a331660a";
const GROUP_A: &str = "c3a26dd3-27a0-4dec-a2ac-ce211e105f97";
const GROUP_B: &str = "6c5bb468-14b2-4183-baf2-06d523e03bd3";

/// Sends a request as it is printed, and checks the form of the answer.
async fn sent(server: &Server, body: &str) -> Value {
    let answer = server.send("POST", "/v2/Bulk", &[("content-type", "application/scim+json")], body).await;
    Bulk::of(answer.clone());
    answer.json()
}

/// Checks that results have what the example's have, and nothing else.
#[track_caller]
fn same(answer: &Value, example: &Value) {
    shows(answer, example, "");
    let (answer, example) =
        (answer["Operations"].as_array().unwrap(), example["Operations"].as_array().unwrap());
    for (result, expected) in answer.iter().zip(example) {
        assert_eq!(keys(result), keys(expected));
    }
}

#[tokio::test]
async fn rfc7644_3_7_1_two_groups_with_each_other_as_members() {
    for server in servers(&[GROUP_A, GROUP_B], "2011-08-01T18:29:49.793Z") {
        let answer = sent(&server, data!("3.7.1-circular.request.json")).await;
        assert_eq!(answer["Operations"].as_array().unwrap().len(), 2);
        let mut example = parse(data!("3.7.1-circular_list.answer.json"));
        // There, the second group came a second later and the first one was then written once more.
        for group in example["Resources"].as_array_mut().unwrap() {
            group["meta"]["created"] = json!("2011-08-01T18:29:49.793Z");
            group["meta"]["lastModified"] = json!("2011-08-01T18:29:49.793Z");
        }
        let list = server.filter("/v2/Groups", "displayName sw \"Group\"").await.expect(200).json();
        shows(&list, &example, "");
        // The RFC's own filter has quotation marks that its grammar does not know.
        server.filter("/v2/Groups", "displayName sw 'Group'").await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn rfc7644_3_7_2_a_user_and_her_group() {
    for server in servers(&[ALICE, GUIDES], "2011-08-01T18:29:49.793Z") {
        let answer = sent(&server, data!("3.7.2-group.request.json")).await;
        same(&answer, &parse(data!("3.7.2-group.answer.json")));
        let mut example = parse(data!("3.7.2-group_read.answer.json"));
        // It is read as it was written: the RFC shows one version, and two times.
        example["meta"]["lastModified"] = example["meta"]["created"].clone();
        let read = server.get(&format!("/v2/Groups/{GUIDES}")).await.expect(200);
        assert_eq!(read.etag(), answer["Operations"][1]["version"]);
        shows(&read.json(), &example, "");
        assert_eq!(keys(&read.json()), keys(&example));
    }
}

#[tokio::test]
async fn rfc7644_3_7_2_a_user_and_her_report() {
    for server in servers(&[ALICE, BOB], "2011-08-01T18:29:49.793Z") {
        let answer = sent(&server, data!("3.7.2-manager.request.json")).await;
        assert_eq!(strings(&answer["Operations"], "status"), ["201", "201"]);
        let bob = server.get(&format!("/v2/Users/{BOB}")).await.expect(200).json();
        assert_eq!(bob[ENTERPRISE]["employeeNumber"], "11250");
        assert_eq!(bob[ENTERPRISE]["manager"]["value"], ALICE);
    }
}

/// Servers with Bob, Dave and Eve; who is created next is Alice.
fn with_users() -> impl Iterator<Item = Server> {
    servers(&[BOB, DAVE, EVE, ALICE], "2011-08-01T18:29:49.793Z")
}

async fn create_users(server: &Server) {
    for (name, nick_name) in [("Robert", "Bob"), ("David", "Dave"), ("Eve", "E")] {
        server.user(json!({"userName": name, "nickName": nick_name})).await;
    }
}

/// The request of section 3.7.3 without what is wrong in it: a schema that is none, and the operations of a PATCH
/// without the message around them (erratum 5050).
fn repaired() -> Value {
    let mut request = parse(data!("3.7.3-every_method.request.json"));
    let operations = request["Operations"].as_array_mut().unwrap();
    operations[0]["data"]["schemas"] = json!([USER]);
    operations[2]["data"] = json!({"schemas": [PATCH_OP], "Operations": operations[2]["data"]});
    request
}

/// The request with the versions that resources have here.
async fn with_versions(server: &Server, mut request: Value) -> Value {
    for operation in request["Operations"].as_array_mut().unwrap().iter_mut().skip(1) {
        operation["version"] = json!(server.get(operation["path"].as_str().unwrap()).await.etag());
    }
    request
}

#[tokio::test]
async fn rfc7644_3_7_3_every_method_at_once() {
    for server in with_users() {
        create_users(&server).await;
        // What is wrong in the print is tolerated, unless nothing is.
        let printed = parse(data!("3.7.3-every_method.request.json"));
        let request = if server.strict { repaired() } else { printed };
        let request = with_versions(&server, request).await;
        let answer = sent(&server, &request.to_string()).await;
        same(&answer, &parse(data!("3.7.3-every_method.answer.json")));
        let users = server.get("/Users").await.expect(200);
        assert_eq!(users.strings("userName"), ["Bob", "Dave", "Alice"]);
        assert_eq!(users.strings("nickName"), ["-"; 3]);
    }
}

#[tokio::test]
async fn rfc7644_3_7_3_the_first_error_ends_it() {
    for server in with_users() {
        create_users(&server).await;
        let answer = sent(&server, data!("3.7.3-every_method.request.json")).await;
        if server.strict {
            // The schema of Alice is none.
            same(&answer, &parse(data!("3.7.3-first_error.answer.json")));
        } else {
            assert_eq!(strings(&answer["Operations"], "status"), ["201", "412"]);
        }
        assert_eq!(server.names("userName ne \"Alice\"").await, ["Robert", "David", "Eve"]);
    }
}

#[tokio::test]
async fn rfc7644_3_7_3_all_have_failed() {
    for server in with_users() {
        create_users(&server).await;
        server.delete(&format!("/Users/{EVE}")).await.expect(204);
        let mut request = repaired();
        request.as_object_mut().unwrap().remove("failOnErrors");
        // What is wrong with Alice in the print is tolerated here; this is not.
        request["Operations"][0]["data"] = json!("Alice");
        let answer = sent(&server, &request.to_string()).await;
        same(&answer, &parse(data!("3.7.3-all_errors.answer.json")));
        assert_eq!(server.names("userName pr").await, ["Robert", "David"]);
    }
}

#[tokio::test]
async fn rfc7644_3_7_4_too_large() {
    let limits = scim_server::Limits::default().with_bulk_payload(1_048_576);
    for server in everywhere_with(|builder| builder.limits(limits.clone())) {
        let mut body = data!("3.7.2-group.request.json").as_bytes().to_vec();
        body.resize(1_048_577, b' ');
        let answer = server.send("POST", "/v2/Bulk", &[], body).await.expect(413).json();
        let example = parse(data!("3.7.4-too_large.answer.json"));
        shows(&answer, &example, "");
        assert_eq!(keys(&answer), keys(&example));
        for part in ["maxPayloadSize", "1048576"] {
            assert!(answer["detail"].as_str().unwrap().contains(part));
            assert!(example["detail"].as_str().unwrap().contains(part));
        }
    }
}
