use std::collections::HashSet;
use std::sync::Arc;

use http::Request;
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::store::MemoryStore;
use scim_server::{Body, ScimService};
use tower::{Layer as _, ServiceExt as _};

use crate::common::*;
use crate::world::*;

const ADA: Who<'_> = Who { principal: Some("ada"), tenant: None };
const BOB: Who<'_> = Who { principal: Some("bob"), tenant: None };

async fn first(world: &World, who: Who<'_>, query: &str) -> String {
    let page = world.send(who, "GET", &format!("/Users?cursor&count=2{query}"), "").await.expect(200).json();
    page["nextCursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn r9865_5_01_a_cursor_is_of_who_got_it() {
    for world in World::each() {
        let world = world.filled().await;
        for name in ["a", "b", "c"] {
            let who = Who { tenant: Some("other"), ..ADA };
            let body = json!({"schemas": [USER], "userName": name}).to_string();
            world.send(who, "POST", "/Users", &body).await.expect(201);
        }
        let next = first(&world, ADA, "").await;
        let path = format!("/Users?cursor={next}");
        world.send(ADA, "GET", &path, "").await.expect(200);
        for other in [
            BOB,
            Who::default(),
            Who { principal: Some(""), tenant: None },
            Who { tenant: Some("other"), ..ADA },
            Who { tenant: Some("empty"), ..ADA },
        ] {
            world.send(other, "GET", &path, "").await.refused(400, "invalidCursor");
        }
    }
}

#[tokio::test]
async fn r9865_5_02_every_page_needs_leave() {
    let tokens = StaticTokens::new().with("ada", "the-token-of-ada-1").unwrap();
    let service = AuthLayer::new(tokens).layer(ScimService::builder(MemoryStore::new()).build());
    let ask = async |path: &str, token: &str| {
        let request = Request::get(path)
            .header("host", "example.com")
            .header("authorization", format!("Bearer {token}"));
        service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    for name in ["a", "b", "c"] {
        let request = Request::post("/Users")
            .header("host", "example.com")
            .header("authorization", "Bearer the-token-of-ada-1")
            .body(Body::from(json!({"schemas": [USER], "userName": name}).to_string().into_bytes()))
            .unwrap();
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 201);
    }
    let page = ask("/Users?cursor&count=2", "the-token-of-ada-1").await;
    let bytes = http_body_util::BodyExt::collect(page.into_body()).await.unwrap().to_bytes();
    let page: Value = serde_json::from_slice(&bytes).unwrap();
    let path = format!("/Users?cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(ask(&path, "the-token-of-ada-2").await.status(), 401);
    assert_eq!(ask(&path, "the-token-of-ada-1").await.status(), 200);
}

/// What the server lets somebody see depends on who that is: whoever becomes another principal or moves to another
/// tenant begins anew, and a new key ends all cursors at once.
#[tokio::test]
async fn r9865_5_03_other_rights_other_cursors() {
    let store = Arc::new(MemoryStore::new());
    let world = World::on(store.clone(), |builder| builder).filled().await;
    let next = first(&world, ADA, "").await;
    let path = format!("/Users?cursor={next}");
    let promoted = Who { principal: Some("ada (admin)"), tenant: None };
    world.send(promoted, "GET", &path, "").await.refused(400, "invalidCursor");
    let rekeyed = World::on(store, |builder| builder.cursor_key(scim_server::CursorKey::new([9; 32])));
    rekeyed.send(ADA, "GET", &path, "").await.refused(400, "invalidCursor");
}

#[tokio::test]
async fn r9865_5_04_no_character_can_be_changed_and_nothing_read() {
    let world = World::new();
    for n in 0..3 {
        let user = json!({"schemas": [USER], "userName": format!("u{n}"), "displayName": "Lovelace"});
        world.post("/Users", &user).await.expect(201);
    }
    let next = first(&world, ADA, "&sortBy=displayName").await;
    for at in 0..next.len() {
        let mut edited = next.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        let path = format!("/Users?sortBy=displayName&cursor={edited}");
        world.send(ADA, "GET", &path, "").await.refused(400, "invalidCursor");
    }
    // The same place never looks the same, and what it is sorted by does not show.
    let cursors: HashSet<String> = {
        let mut all = HashSet::new();
        for _ in 0..20 {
            all.insert(first(&world, ADA, "&sortBy=displayName").await);
        }
        all
    };
    assert_eq!(cursors.len(), 20);
    use base64::Engine as _;
    for cursor in cursors {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("love") && !cursor.to_lowercase().contains("love"), "{text}");
    }
}

#[tokio::test]
async fn r9865_5_05_errors_say_nothing_of_what_is_hidden() {
    let world = World::new().filled().await;
    let next = first(&world, ADA, "").await;
    let mut bodies = HashSet::new();
    for (who, path) in [
        (BOB, format!("/Users?cursor={next}")),
        (Who { tenant: Some("other"), ..ADA }, format!("/Users?cursor={next}")),
        (ADA, format!("/Groups?cursor={next}")),
        (ADA, format!("/Users?cursor={next}&filter=id%20pr")),
        (ADA, "/Users?cursor=AAAA".to_owned()),
        (ADA, "/Users?cursor=!".to_owned()),
    ] {
        let answer = world.send(who, "GET", &path, "").await;
        answer.refused(400, "invalidCursor");
        bodies.insert(answer.text);
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

/// Nothing is kept for a cursor, so that there is no number of them to be limited; what a page costs is limited by its
/// size, and how often one may ask by a layer in front.
#[tokio::test]
async fn r9865_5_06_cursors_take_no_room() {
    let world = World::new().filled().await;
    let mut last = first(&world, ADA, "").await;
    let begun = last.clone();
    for _ in 0..2_000 {
        last = first(&world, ADA, "").await;
    }
    for cursor in [begun, last] {
        world.send(ADA, "GET", &format!("/Users?cursor={cursor}"), "").await.expect(200);
    }
}
