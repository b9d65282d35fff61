//! Schemas that are exchanged while the service runs.

use std::sync::Arc;

use http::Request;
use scim_core::schema::Uniqueness;
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, Relation, ResourceType, Schema};
use scim_server::Body;
use tower::Service as _;

use crate::common::*;

const ROOM: &str = "urn:example:2.0:Room";
const SIZE: &str = "urn:example:2.0:Size";

fn string(name: &str) -> Attribute {
    Attribute::new(name, DataType::String)
}

fn rooms() -> Registry {
    let schema = Schema::new(ROOM.parse().unwrap(), "Room", "", [string("label").required()]).unwrap();
    let kind = ResourceType::new("Room", ROOM.parse().unwrap());
    Registry::builder().schema(schema).resource_type(kind).build().unwrap()
}

/// The room with a unique number and an optional extension, and another type beside it.
fn grown() -> Registry {
    let number = string("number").with_uniqueness(Uniqueness::Server);
    let schema =
        Schema::new(ROOM.parse().unwrap(), "Room", "", [string("label").required(), number]).unwrap();
    let seats = Attribute::new("seats", DataType::Integer);
    let size = Schema::new(SIZE.parse().unwrap(), "Size", "", [seats]).unwrap();
    let kind = ResourceType::new("Room", ROOM.parse().unwrap());
    Registry::builder()
        .rfc7643()
        .schema(schema)
        .resource_type(kind)
        .extension("Room", size, false)
        .build()
        .unwrap()
}

fn room(label: &str) -> Value {
    json!({"schemas": [ROOM], "label": label})
}

#[tokio::test]
async fn new_schemas_serve_old_and_new_data() {
    for server in Server::both(&Arc::new(rooms())) {
        let old = server.post("/Rooms", &room("old")).await.expect(201).id();
        server.get("/Users").await.refused_path();
        server
            .post("/Rooms", &json!({"schemas": [ROOM], "label": "x", "number": "1"}))
            .await
            .refused(400, "invalidValue");

        server.service.registry().set(grown()).unwrap();

        let path = format!("/Rooms/{old}");
        assert_eq!(server.get(&path).await.expect(200).json()["label"], "old");
        let new = json!({"schemas": [ROOM, SIZE], "label": "new", "number": "A1", SIZE: {"seats": 4}});
        server.post("/Rooms", &new).await.expect(201);
        server.post("/Rooms", &new).await.refused(409, "uniqueness");
        server
            .patch(&path, json!([{"op": "add", "path": "number", "value": "a1"}]))
            .await
            .refused(409, "uniqueness");
        server.patch(&path, json!([{"op": "add", "path": "number", "value": "a2"}])).await.expect(200);
        assert_eq!(server.filter("/Rooms", "number eq \"A2\"").await.total(), 1);
        assert_eq!(server.filter("/Rooms", &format!("{SIZE}:seats gt 3")).await.total(), 1);
        assert_eq!(server.filter("/Rooms", "not (number pr)").await.total(), 0);
        assert_eq!(server.get("/ResourceTypes").await.total(), 3);
        server.get(&format!("/Schemas/{SIZE}")).await.expect(200);
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann"});
        server.post("/Users", &user).await.expect(201);
    }
}

#[tokio::test]
async fn what_stored_data_does_not_fit_is_refused_and_changes_nothing() {
    let server = Server::memory(grown());
    let error = server.service.registry().set(rooms()).unwrap_err();
    assert!(error.changes().iter().any(|change| change.contains("lost the extension")), "{error}");
    server.get("/Users").await.expect(200);
    let before = server.service.registry().set_unchecked(rooms());
    assert_eq!(before.types().len(), 3);
    server.get("/Users").await.refused_path();
}

#[tokio::test]
async fn a_request_in_flight_keeps_its_schemas() {
    let mut server = Server::memory(grown());
    let body = json!({"schemas": [ROOM], "label": "x", "number": "1"}).to_string();
    let request =
        Request::post("/Rooms").header("host", "example.com").body(Body::from(body.into_bytes())).unwrap();
    let in_flight = server.service.call(request);
    server.service.registry().set_unchecked(rooms());
    assert_eq!(in_flight.await.unwrap().status(), 201);
    server
        .post("/Rooms", &json!({"schemas": [ROOM], "label": "x", "number": "2"}))
        .await
        .refused(400, "invalidValue");
}

/// A connection has one service for all of its requests.
#[tokio::test]
async fn a_service_that_has_answered_before_sees_what_is_served_now() {
    let server = Server::memory(rooms());
    let mut service = server.service.clone();
    let mut status = async |path: &str| {
        let request = Request::get(path).header("host", "example.com").body(Body::empty()).unwrap();
        service.call(request).await.unwrap().status().as_u16()
    };
    for registry in [grown(), rooms(), grown()] {
        let users = if registry.by_name("User").is_some() { 200 } else { 404 };
        server.service.registry().set_unchecked(registry);
        for _ in 0..4 {
            assert_eq!((status("/Users").await, status("/Rooms").await), (users, 200));
        }
    }
}

#[tokio::test]
async fn a_request_may_bring_schemas_of_its_own() {
    let server = Server::memory(rooms());
    let with = |registry: Registry| {
        Request::get("/Users")
            .header("host", "example.com")
            .extension(Arc::new(registry))
            .body(Body::empty())
            .unwrap()
    };
    server.call(with(grown())).await.expect(200);
    server.get("/Users").await.refused_path();
}

#[tokio::test]
async fn relations_and_names_to_show_of_own_types() {
    let kind = |name: &str| format!("urn:example:2.0:{name}");
    let reference = || Attribute::new("$ref", DataType::Reference);
    let parts = |name: &str| {
        Attribute::complex(name, [string("value"), string("display"), string("type"), reference()])
            .multi_valued()
    };
    let desk = Schema::new(
        kind("Desk").parse().unwrap(),
        "Desk",
        "",
        [string("code").required(), parts("places").with_mutability(scim_core::schema::Mutability::ReadOnly)],
    );
    let place = Schema::new(kind("Place").parse().unwrap(), "Place", "", [string("name"), parts("desks")]);
    let registry = Registry::builder()
        .schema(desk.unwrap())
        .schema(place.unwrap())
        .resource_type(ResourceType::new("Desk", kind("Desk").parse().unwrap()).with_display("code"))
        .resource_type(
            ResourceType::new("Place", kind("Place").parse().unwrap())
                .with_display("name")
                .with_relation(Relation::new("desks", ["Desk"]).with_inverse("places")),
        );
    for server in Server::both(&Arc::new(registry.build().unwrap())) {
        let desk = json!({"schemas": [kind("Desk")], "code": "D-7"});
        let desk = server.post("/Desks", &desk).await.expect(201).id();
        let place = json!({"schemas": [kind("Place")], "name": "Attic", "desks": [{"value": desk}]});
        let place = server.post("/Places", &place).await.expect(201).json();
        assert_eq!(
            place["desks"],
            json!([{"value": desk, "$ref": format!("http://example.com/Desks/{desk}"), "type": "Desk", "display": "D-7"}])
        );
        let desk = server.get(&format!("/Desks/{desk}")).await.json();
        assert_eq!(desk["places"][0]["display"], "Attic");
        assert_eq!(server.filter("/Desks", "places.display eq \"attic\"").await.total(), 1);
    }
}

impl Answer {
    #[track_caller]
    fn refused_path(&self) {
        assert_eq!(self.status, 404, "{}", self.text);
    }
}
