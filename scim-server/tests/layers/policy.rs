//! Policies judge what requests come to, however they are written.

use std::sync::{Arc, Mutex};

use scim_core::ScimError;
use scim_server::ScimService;
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::conditional::ConditionalLayer;
use scim_server::policy::{Action, Intent};
use scim_server::store::MemoryStore;
use tower::{Layer as _, ServiceBuilder};

use crate::common::*;

const BEARER: (&str, &str) = ("authorization", "Bearer token-of-entra");

fn layer() -> AuthLayer {
    AuthLayer::new(StaticTokens::new().with("entra", "token-of-entra").unwrap())
}

/// Users may be read, and nothing else is allowed.
fn only_reads_users() -> AuthLayer {
    layer().with_policy(|intent, _| {
        if intent.action == Action::Discover || (intent.action.only_reads() && intent.is_about("User")) {
            return Ok(());
        }
        Err(ScimError::new(403, "users may be read here, and nothing else"))
    })
}

fn search() -> String {
    json!({"schemas": [SEARCH]}).to_string()
}

#[tokio::test]
async fn no_way_of_writing_a_path_leads_around_a_policy() {
    let server = Server::with(|builder| builder.mounted_at(["/scim/v2", "/"]));
    let user = server.user(json!({"userName": "ann"})).await;
    let group = server.group("staff", &[]).await;
    let service = only_reads_users().layer(server.service.clone());
    let body = json!({"schemas": [USER], "userName": "bob"}).to_string();
    for (method, path, body, status) in [
        ("GET", "/Users", "", 200),
        ("GET", "/users?count=1", "", 200),
        ("HEAD", &*format!("/Users/{user}"), "", 200),
        ("POST", "/Users/.search", &*search(), 200),
        ("GET", "/ResourceTypes", "", 200),
        ("GET", "/Groups", "", 403),
        ("GET", "/groups", "", 403),
        ("GET", "//Groups", "", 403),
        ("GET", "/Groups/", "", 403),
        ("GET", "/%47roups", "", 403),
        ("GET", "/scim/v2//gROUPS", "", 403),
        ("GET", "/scim//v2/Groups", "", 403),
        ("GET", &format!("/%67roups/{group}"), "", 403),
        ("HEAD", &format!("/Groups/{group}"), "", 403),
        ("POST", "/Groups/.search", &search(), 403),
        ("POST", "/groups/%2Esearch", &search(), 403),
        ("POST", "/groups/.SEARCH", &search(), 403),
        // Of all types, groups among them.
        ("POST", "/.search", &search(), 403),
        ("POST", "//.search/", &search(), 403),
        ("POST", "/.Search", &search(), 403),
        ("GET", "/resourcetypes", "", 200),
        ("GET", "/", "", 403),
        ("GET", "/scim/v2?filter=userName%20pr", "", 403),
        ("POST", "/users", &body, 403),
        ("PUT", &format!("//Users/{user}"), &body, 403),
        ("DELETE", &format!("/%55sers/{user}"), "", 403),
        // Nothing is there that could be judged.
        ("GET", "/Nope", "", 404),
        ("DELETE", "/Users", "", 405),
    ] {
        let answer = send(service.clone(), method, path, &[BEARER], body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        if status == 403 && method != "HEAD" {
            assert_eq!(answer.refused(403, ""), "users may be read here, and nothing else");
        }
    }
    assert_eq!(server.names("userName pr").await, ["ann"]);
}

#[tokio::test]
async fn each_operation_of_a_bulk_request_is_judged() {
    let server = Server::new();
    let ann = server.user(json!({"userName": "ann"})).await;
    let staff = server.group("staff", &[]).await;
    let layer = layer().with_policy(|intent, access| {
        assert!(intent.in_bulk && access.principal.as_str() == "entra");
        match (intent.action, intent.is_about("User")) {
            (Action::Create | Action::Patch | Action::Replace, true) => Ok(()),
            _ => Err(ScimError::new(403, "users are made and changed here, and nothing else")),
        }
    });
    let service = layer.layer(server.service.clone());
    let user = |name: &str| json!({"schemas": [USER], "userName": name});
    let title = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let group = json!({"schemas": [GROUP], "displayName": "all", "members": [{"value": "bulkId:b"}]});
    let body = json!({"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob")},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
        {"method": "PATCH", "path": format!("/Users/{ann}"), "data": title},
        {"method": "PUT", "path": format!("//users/{ann}"), "data": user("anna")},
        {"method": "DELETE", "path": format!("/%55sers/{ann}")},
        {"method": "DELETE", "path": "/Users/bulkId:b"},
        {"method": "DELETE", "path": format!("/groups/{staff}")},
        {"method": "DELETE", "path": "/Users/none"},
    ]});
    let answer = send(service, "POST", "/Bulk", &[BEARER], body.to_string()).await;
    let answer = Bulk::of(answer);
    assert_eq!(answer.statuses(), ["201", "403", "200", "200", "403", "403", "403", "403"]);
    let detail = &answer.0[1]["response"]["detail"];
    assert_eq!(detail, "users are made and changed here, and nothing else");
    assert_eq!(server.names("userName pr").await, ["anna", "bob"]);
    server.get(&format!("/Groups/{staff}")).await.expect(200);
    assert_eq!(server.get("/Groups").await.json()["totalResults"], 1);
}

/// Groups that have each other as members: all of them are created, or none.
#[tokio::test]
async fn a_circle_with_one_that_is_refused_is_not_created() {
    let server = Server::new();
    let layer = layer().with_policy(|intent, _| match intent.is_about("User") {
        true => Err(ScimError::new(403, "no users")),
        false => Ok(()),
    });
    let service = layer.layer(server.service.clone());
    let body = json!({"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {
            "schemas": [USER, ENTERPRISE], "userName": "ann", ENTERPRISE: {"manager": {"value": "bulkId:g"}}}},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
            "schemas": [GROUP], "displayName": "staff", "members": [{"value": "bulkId:u"}]}},
    ]});
    let answer = Bulk::of(send(service, "POST", "/Bulk", &[BEARER], body.to_string()).await);
    assert_eq!(answer.statuses(), ["403", "409"]);
    assert_eq!(server.get("/").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn policies_are_told_type_id_version_and_who() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let layer = layer().with_policy(move |intent: &Intent<'_>, _| {
        let resource_type = intent.resource_type.map_or("-", |definition| definition.name());
        let id = intent.id.map_or("-", |id| id.as_str());
        let who = intent.context.principal.as_ref().map_or("-", |who| who.as_str());
        kept.lock()
            .unwrap()
            .push(format!("{:?} {resource_type} {id} {} {who}", intent.action, intent.names_version));
        Ok(())
    });
    let service = ScimService::builder(MemoryStore::new()).me("User", scim_server::MeBy::UserName).build();
    let service = layer.layer(service);
    let body = json!({"schemas": [USER], "userName": "entra"}).to_string();
    let me = send(service.clone(), "POST", "/Users", &[BEARER], body).await.expect(201).id();
    for (method, path, headers) in [
        ("GET", "/Me", &[BEARER][..]),
        ("GET", "/ServiceProviderConfig", &[BEARER]),
        ("GET", "/", &[BEARER]),
        ("DELETE", "/Users/x", &[BEARER, ("if-match", "*")]),
        ("DELETE", "/Me", &[BEARER]),
    ] {
        send(service.clone(), method, path, headers, "").await;
    }
    let expected = [
        "Create User - false entra".to_owned(),
        format!("Read User {me} false entra"),
        "Discover - - false entra".to_owned(),
        "Search User - false entra".to_owned(),
        "Search Group - false entra".to_owned(),
        "Delete User x true entra".to_owned(),
        format!("Delete User {me} false entra"),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn all_policies_have_to_agree() {
    let server = Server::new();
    let ann = server.user(json!({"userName": "ann"})).await;
    let service = ServiceBuilder::new()
        .layer(only_reads_users())
        .layer(ConditionalLayer::new().require_if_match())
        .service(server.service.clone());
    let path = format!("/Users/{ann}");
    send(service.clone(), "DELETE", &path, &[BEARER], "").await.expect(428);
    send(service.clone(), "DELETE", &path, &[BEARER, ("if-match", "*")], "").await.expect(403);
    let operation = |version: Value| json!({"method": "DELETE", "path": path, "version": version});
    let body = json!({"schemas": [BULK], "Operations": [operation(Value::Null), operation(json!("*"))]});
    let answer = Bulk::of(send(service, "POST", "/Bulk", &[BEARER], body.to_string()).await);
    // The first refusal is told.
    assert_eq!(answer.statuses(), ["403", "403"]);
    server.get(&path).await.expect(200);
}
