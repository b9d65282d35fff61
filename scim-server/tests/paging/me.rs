use std::sync::Arc;

use async_trait::async_trait;
use scim_core::ResourceId;
use scim_server::store::{MemoryStore, StoreError};
use scim_server::{MeBy, Principal, RequestContext, SubjectResolver};

use crate::common::*;
use crate::world::*;

const ADA: Who<'_> = Who { principal: Some("Ada"), tenant: None };

async fn world(by: MeBy) -> World {
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.me("User", by));
    for (name, external) in [("bob", "B"), ("ada", "Ada"), ("cyd", "twice"), ("dan", "twice")] {
        let user = json!({"schemas": [USER], "userName": name, "externalId": external, "title": "Countess"});
        world.post("/Users", &user).await.expect(201);
    }
    world
}

#[tokio::test]
async fn r7644_3_11_01_without_a_mapping_it_is_not_there() {
    let world = World::new();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] {
        let answer = world.send(ADA, method, "/Me", "{}").await;
        assert_eq!(answer.status, 501, "{method}");
    }
    world.send(ADA, "GET", "/Me/x", "").await.refused(404, "");
}

/// The server may redirect to the resource; this one answers itself.
#[tokio::test]
async fn r7644_3_11_02_there_is_no_redirection() {
    for by in [MeBy::UserName, MeBy::ExternalId] {
        world(by).await.send(ADA, "GET", "/Me", "").await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_11_03_the_location_is_the_permanent_one() {
    for (by, principal) in
        [(MeBy::UserName, "ADA"), (MeBy::ExternalId, "Ada"), (MeBy::Id, "id-2"), (MeBy::UserName, "ada")]
    {
        let world = world(by).await;
        let who = Who { principal: Some(principal), tenant: None };
        let me = world.send(who, "GET", "/Me", "").await.expect(200);
        assert_eq!(me.header("location"), Some("http://example.com/Users/id-2"));
        assert_eq!(me.header("location"), me.json()["meta"]["location"].as_str());
        assert_eq!(me.text, world.get("/Users/id-2").await.text);
        let head = world.send(who, "HEAD", "/Me", "").await.expect(200);
        assert_eq!(head.header("location"), me.header("location"));
        assert_eq!(head.header("content-length"), Some(me.text.len().to_string().as_str()));
        let shown = world.send(who, "GET", "/Me?attributes=userName", "").await.expect(200).json();
        assert_eq!(shown, json!({"schemas": [USER], "id": "id-2", "userName": "ada"}));
        let hidden = world.send(who, "GET", "/Me?excludedAttributes=title,meta", "").await.expect(200).json();
        assert!(hidden.get("title").is_none() && hidden["userName"] == "ada");
        let etag = me.header("etag").unwrap();
        let same = world.send_with(who, "GET", "/Me", &[("if-none-match", etag)], "").await.expect(304);
        assert_eq!(same.header("location"), Some("http://example.com/Users/id-2"), "in any response");
        let stale = world.send_with(who, "DELETE", "/Me", &[("if-match", "W/\"9999\"")], "").await;
        assert_eq!(stale.header("location"), Some("http://example.com/Users/id-2"), "in any response");
        stale.refused(412, "");
    }
}

#[tokio::test]
async fn r7644_3_11_04_every_method_does_what_it_does_at_the_resource() {
    let world = world(MeBy::UserName).await;
    let body =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "Lady"}]});
    let patched = world.send(ADA, "PATCH", "/Me", &body.to_string()).await.expect(200);
    assert_eq!(patched.json()["title"], "Lady");
    assert_eq!(patched.text, world.get("/Users/id-2").await.text);
    let body = json!({"schemas": [USER], "userName": "ada", "nickName": "A"});
    let replaced = world.send(ADA, "PUT", "/Me", &body.to_string()).await.expect(200);
    assert_eq!((replaced.json().get("title"), &replaced.json()["nickName"]), (None, &json!("A")));
    assert_eq!(replaced.header("location"), Some("http://example.com/Users/id-2"));
    let refused = world.send(ADA, "PUT", "/Me", "{}").await;
    assert_eq!(refused.header("location"), Some("http://example.com/Users/id-2"));
    assert_eq!(refused.status, 400);
    let post = json!({"schemas": [USER], "userName": "new"}).to_string();
    world.send(ADA, "POST", "/Me", &post).await.refused(501, "");
    let wrong = world.send(ADA, "OPTIONS", "/Me", "").await;
    assert_eq!(wrong.header("allow"), Some("GET, HEAD, PUT, PATCH, DELETE"));
    wrong.refused(405, "");
    let gone = world.send(ADA, "DELETE", "/Me", "").await.expect(204);
    assert_eq!(gone.header("location"), Some("http://example.com/Users/id-2"));
    world.get("/Users/id-2").await.refused(404, "");
    world.send(ADA, "GET", "/Me", "").await.refused(404, "");
    assert_eq!(world.get("/Users").await.json()["totalResults"], 3, "the others are still there");
}

#[tokio::test]
async fn whoever_is_nobody_has_no_me() {
    let world = world(MeBy::ExternalId).await;
    let nobody = world.send(Who::default(), "GET", "/Me", "").await;
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"SCIM\""));
    nobody.refused(401, "");
    for (principal, detail) in [
        ("zoe", "there is no User for `zoe`"),
        ("ada", "there is no User for `ada`"),
        ("", "there is no User for ``"),
        ("a\" or id pr or id eq \"", ""),
        ("twice", "there are several resources with the externalId `twice`"),
    ] {
        let who = Who { principal: Some(principal), tenant: None };
        for method in ["GET", "DELETE"] {
            let said = world.send(who, method, "/Me", "").await.refused(404, "");
            assert!(detail.is_empty() || said == detail, "{said}");
        }
    }
    // Of another tenant.
    world.send(Who { tenant: Some("other"), ..ADA }, "GET", "/Me", "").await.refused(404, "");
    let long = "x".repeat(100_000);
    world.send(Who { principal: Some(&long), tenant: None }, "GET", "/Me", "").await.refused(404, "");
}

#[tokio::test]
async fn a_type_that_has_no_such_attribute_is_a_mistake_of_the_server() {
    for (name, by) in [("Group", MeBy::UserName), ("Robot", MeBy::Id)] {
        let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.me(name, by));
        world.send(ADA, "GET", "/Me", "").await.refused(500, "");
    }
}

#[derive(Debug)]
struct Badges;

#[async_trait]
impl SubjectResolver for Badges {
    async fn resolve(
        &self,
        _: &RequestContext,
        principal: &Principal,
    ) -> Result<Option<(String, ResourceId)>, StoreError> {
        match principal.as_str() {
            "badge-7" => Ok(Some(("Group".to_owned(), "id-1".parse().unwrap()))),
            "down" => Err(StoreError::internal("no badges today")),
            _ => Ok(None),
        }
    }
}

#[tokio::test]
async fn a_mapping_of_ones_own() {
    let world = World::on(Arc::new(MemoryStore::new()), |builder| builder.me_with(Arc::new(Badges)));
    world.post("/Groups", &json!({"schemas": [GROUP], "displayName": "Seven"})).await.expect(201);
    let who = |principal| Who { principal: Some(principal), tenant: None };
    let me = world.send(who("badge-7"), "GET", "/Me", "").await.expect(200);
    assert_eq!(me.json()["displayName"], "Seven");
    assert_eq!(me.header("location"), Some("http://example.com/Groups/id-1"));
    world.send(who("badge-8"), "GET", "/Me", "").await.refused(404, "");
    world.send(who("down"), "GET", "/Me", "").await.refused(500, "");
}
