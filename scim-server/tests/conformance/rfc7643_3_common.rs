//! RFC 7643 section 3.1: `id`, `externalId` and `meta`.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Schema};
use scim_server::RandomIds;
use scim_server::store::SqliteStore;

use crate::common::*;

#[tokio::test]
async fn r7643_3_1_01_the_server_issues_the_id() {
    for server in Server::all() {
        let created = server
            .post("/Users", &json!({"schemas": [USER], "userName": "ann", "id": "mine"}))
            .await
            .expect(201);
        assert_ne!(created.id(), "mine");
        server.get("/Users/mine").await.refused(404, "");
        let path = format!("/Users/{}", created.id());
        let put =
            server.put(&path, &json!({"schemas": [USER], "userName": "ann", "id": "mine"})).await.expect(200);
        assert_eq!(put.id(), created.id());
        server
            .patch(&path, json!([{"op": "replace", "path": "id", "value": "mine"}]))
            .await
            .refused(400, "mutability");
        assert_eq!(server.get(&path).await.id(), created.id());
    }
}

#[tokio::test]
async fn r7643_3_1_02_the_id_is_in_every_representation() {
    for server in Server::all() {
        let created = server.post("/Users", &barbara()).await.expect(201);
        let id = created.id();
        assert!(!id.is_empty());
        let path = format!("/Users/{id}");
        let patch = json!([{"op": "replace", "path": "title", "value": "x"}]);
        for answer in [
            server.get(&path).await,
            server.get(&format!("{path}?attributes=title")).await,
            server.put(&path, &barbara()).await,
            server.put(&format!("{path}?attributes=title"), &barbara()).await,
            server.patch(&path, patch.clone()).await,
            server.patch(&format!("{path}?excludedAttributes=id,title"), patch).await,
        ] {
            assert_eq!(answer.expect(200).id(), id);
        }
        let search = json!({"schemas": [SEARCH], "attributes": ["title"]});
        for list in [
            server.get("/Users").await,
            server.get("/Users?attributes=title").await,
            server.get("/?excludedAttributes=id").await,
            server.post("/Users/.search", &search).await,
        ] {
            assert_eq!(list.expect(200).strings("id"), [id.as_str()]);
        }
    }
}

#[tokio::test]
async fn r7643_3_1_03_ids_are_unique_over_all_types() {
    for server in Server::all_with(|builder| builder.ids(Arc::new(RandomIds))) {
        let mut ids = HashSet::new();
        for n in 0..20 {
            ids.insert(server.user(json!({"userName": format!("u{n}")})).await);
            ids.insert(server.group("crew", &[]).await);
        }
        assert_eq!(ids.len(), 40);
        // An id leads to the one resource that has it, under its own type and no other.
        let (ann, crew) = (server.user(json!({"userName": "ann"})).await, server.group("staff", &[]).await);
        for (own, other, id) in [("/Users", "/Groups", &ann), ("/Groups", "/Users", &crew)] {
            server.get(&format!("{own}/{id}")).await.expect(200);
            server.get(&format!("{other}/{id}")).await.refused(404, "");
            server.delete(&format!("{other}/{id}")).await.refused(404, "");
            assert_eq!(
                server.filter("/", &format!("id eq \"{id}\"")).await.expect(200).strings("id"),
                [id.as_str()]
            );
        }
        // Nobody can ask for an id that is taken, in one request or in many.
        for (path, body) in [
            ("/Users", json!({"schemas": [USER], "userName": "bob", "id": crew})),
            ("/Groups", json!({"schemas": [GROUP], "displayName": "twin", "id": ann})),
        ] {
            assert!(ids.insert(server.post(path, &body).await.expect(201).id()));
            let mut body = body;
            if path == "/Users" {
                body["userName"] = json!("cid");
            }
            let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "POST", "path": path, "bulkId": "x", "data": body}]});
            let answer = server.post("/Bulk", &bulk).await.expect(200).json();
            assert_eq!(answer["Operations"][0]["status"], "201", "{answer}");
            let location = answer["Operations"][0]["location"].as_str().unwrap();
            assert!(ids.insert(location.rsplit('/').next().unwrap().to_owned()));
        }
        assert!(!ids.contains(&ann) && !ids.contains(&crew));
        assert_eq!(server.get("/?count=0").await.json()["totalResults"], 46);
    }
    // A generator that repeats itself gives no id twice, not to another type either.
    #[derive(Debug)]
    struct Same;
    impl scim_server::IdGenerator for Same {
        fn resource_id(&self) -> scim_core::ResourceId {
            "same".parse().unwrap()
        }
        fn request_id(&self) -> String {
            "request-1".to_owned()
        }
    }
    for server in Server::all_with(|builder| builder.ids(Arc::new(Same))) {
        server.user(json!({"userName": "ann"})).await;
        let group = server.post("/Groups", &json!({"schemas": [GROUP], "displayName": "crew"})).await;
        assert!(group.status >= 400, "{group:?}");
        assert_eq!(server.get("/?attributes=id").await.json()["totalResults"], 1);
    }
}

#[tokio::test]
async fn r7643_3_1_04_ids_are_stable_and_not_given_again() {
    for server in Server::all_with(|builder| builder.ids(Arc::new(RandomIds))) {
        let id = server.user(json!({"userName": "ann"})).await;
        let path = format!("/Users/{id}");
        server.put(&path, &json!({"schemas": [USER], "userName": "bob"})).await.expect(200);
        assert_eq!((server.get(&path).await.id(), server.get(&path).await.id()), (id.clone(), id.clone()));
        server.delete(&path).await.expect(204);
        let again = server.user(json!({"userName": "bob"})).await;
        assert_ne!(again, id);
        server.get(&path).await.refused(404, "");
        server.put(&path, &json!({"schemas": [USER], "userName": "cid"})).await.refused(404, "");
        // Nor by asking for it.
        let body = json!({"schemas": [USER], "userName": "cid", "id": id});
        assert_ne!(server.post("/Users", &body).await.expect(201).id(), id);
        // Whatever is changed, the id stays, and with it where the resource is.
        let path = format!("/Users/{again}");
        let location = server.get(&path).await.json()["meta"]["location"].clone();
        for body in [
            json!({"schemas": [USER], "userName": "dan", "id": id}),
            json!({"schemas": [USER], "userName": "dan", "externalId": id}),
            json!({"schemas": [USER, ENTERPRISE], "userName": "eve", ENTERPRISE: {"employeeNumber": "1"}}),
        ] {
            let answer = server.put(&path, &body).await.expect(200);
            assert_eq!((answer.id(), &answer.json()["meta"]["location"]), (again.clone(), &location));
        }
        let operations = json!([{"op": "replace", "path": "userName", "value": "fay"},
            {"op": "remove", "path": ENTERPRISE}, {"op": "add", "path": "externalId", "value": id}]);
        assert_eq!(server.patch(&path, operations).await.expect(200).id(), again);
        for path_of_id in ["id", "ID"] {
            let operations = json!([{"op": "replace", "path": path_of_id, "value": id}]);
            server.patch(&path, operations).await.refused(400, "mutability");
        }
        let read = server.get(&path).await.expect(200);
        assert_eq!((read.id(), &read.json()["meta"]["location"]), (again, &location));
    }
    // Those that a generator gives out are not given out again when it is asked often, nor after a restart.
    let folder = tempfile::tempdir().unwrap();
    let mut ids = HashSet::new();
    let mut kept = None;
    for _ in 0..3 {
        let store = Arc::new(SqliteStore::open(folder.path().join("scim.db")).unwrap());
        let server = Server::over(store, |builder| builder.ids(Arc::new(RandomIds)));
        if let Some(id) = &kept {
            assert_eq!(server.names(&format!("id eq \"{id}\"")).await, ["stays"]);
        }
        for _ in 0..50 {
            let id = server.user(json!({"userName": "comes-and-goes"})).await;
            server.delete(&format!("/Users/{id}")).await.expect(204);
            assert!(ids.insert(id));
        }
        if kept.is_none() {
            kept = Some(server.user(json!({"userName": "stays"})).await);
        }
    }
    assert!(ids.len() == 150 && !ids.contains(&kept.unwrap()));
}

#[tokio::test]
async fn r7643_3_1_05_ids_never_contain_the_reserved_word() {
    for server in Server::all_with(|builder| builder.ids(Arc::new(RandomIds))) {
        for n in 0..10 {
            let id = server.user(json!({"userName": format!("u{n}")})).await;
            assert!(!id.to_lowercase().contains("bulkid"), "{id}");
        }
    }
    // No id can be made that does, by any generator.
    for text in ["bulkId", "bulkId:1", "x-bulkId"] {
        assert!(text.parse::<scim_core::ResourceId>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn r7643_3_1_06_the_id_is_case_exact_read_only_and_always_returned() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "title": "Boss"})).await;
        let path = format!("/Users/{id}");
        for query in [
            "excludedAttributes=id",
            "excludedAttributes=ID,userName",
            "attributes=userName",
            "attributes=nope",
        ] {
            assert_eq!(server.get(&format!("{path}?{query}")).await.expect(200).id(), id, "{query}");
            assert_eq!(server.get(&format!("/Users?{query}")).await.expect(200).strings("id"), [id.as_str()]);
        }
        assert_eq!(server.names(&format!("id eq \"{id}\"")).await, ["ann"]);
        assert_ne!(id, id.to_lowercase());
        for other in [id.to_lowercase(), id.to_uppercase()] {
            assert!(server.names(&format!("id eq \"{other}\"")).await.is_empty(), "{other}");
            server.get(&format!("/Users/{other}")).await.refused(404, "");
        }
        for operation in [
            json!({"op": "replace", "path": "id", "value": "x"}),
            json!({"op": "add", "path": "id", "value": "x"}),
            json!({"op": "remove", "path": "id"}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "mutability");
        }
    }
}

#[tokio::test]
async fn r7643_3_1_07_only_clients_set_the_external_id() {
    for server in Server::all() {
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        let read = server.get(&path).await.json();
        assert!(read.get("externalId").is_none());
        let put = server.put(&path, &json!({"schemas": [USER], "userName": "ann", "externalId": "e"})).await;
        assert_eq!(put.expect(200).json()["externalId"], "e");
        let put = server.put(&path, &json!({"schemas": [USER], "userName": "ann"})).await.expect(200);
        assert!(put.json().get("externalId").is_none(), "and clients take it away");
    }
}

#[tokio::test]
async fn r7643_3_1_08_the_external_id_is_case_exact_and_read_write() {
    for server in Server::all() {
        let path = format!("/Users/{}", server.user(json!({"userName": "ann", "externalId": "Ext-1"})).await);
        assert_eq!(server.names("externalId eq \"Ext-1\"").await, ["ann"]);
        for other in ["ext-1", "EXT-1"] {
            assert!(server.names(&format!("externalId eq \"{other}\"")).await.is_empty());
        }
        assert!(server.names("externalId co \"EXT\"").await.is_empty());
        let patch = json!([{"op": "replace", "path": "externalId", "value": "eXT-1"}]);
        assert_eq!(
            server.patch(&path, patch).await.expect(200).json()["externalId"],
            "eXT-1",
            "a change of case"
        );
        assert!(server.names("externalId eq \"Ext-1\"").await.is_empty());
        server.patch(&path, json!([{"op": "remove", "path": "externalId"}])).await.expect(200);
        assert!(server.get(&path).await.json().get("externalId").is_none());
    }
}

#[tokio::test]
async fn r7643_3_1_09_the_external_id_belongs_to_the_tenant() {
    for server in Server::all() {
        let body = json!({"schemas": [USER], "userName": "ann", "externalId": "e"});
        let one = server.send_as("one", "POST", "/Users", &body).await.expect(201).id();
        let two = server.send_as("two", "POST", "/Users", &body).await.expect(201).id();
        let query = format!("/Users?filter={}", encode("externalId eq \"e\""));
        for (tenant, id) in [("one", &one), ("two", &two)] {
            let found = server.send_as(tenant, "GET", &query, &json!(null)).await.expect(200);
            assert_eq!(found.strings("id"), [id.as_str()], "{tenant}");
        }
        let found = server.send_as("three", "GET", &query, &json!(null)).await.expect(200);
        assert_eq!(found.json()["totalResults"], 0);
        server.send_as("two", "GET", &format!("/Users/{one}"), &json!(null)).await.refused(404, "");
    }
}

#[tokio::test]
async fn r7643_3_1_10_external_ids_may_repeat() {
    for server in Server::all() {
        for name in ["ann", "bob"] {
            server.user(json!({"userName": name, "externalId": "e"})).await;
        }
        assert_eq!(server.names("externalId eq \"e\"").await.len(), 2);
    }
}

#[tokio::test]
async fn r7643_3_1_11_meta_is_the_servers() {
    let forged = json!({"resourceType": "Group", "created": "1999-01-01T00:00:00Z", "version": "W/\"forged\"",
        "lastModified": "1999-01-01T00:00:00Z", "location": "http://evil.example/Users/1"});
    for server in Server::all() {
        let body = json!({"schemas": [USER], "userName": "ann", "meta": forged});
        let created = server.post("/Users", &body).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let put = server.put(&path, &body).await.expect(200);
        for answer in [created, put, server.get(&path).await] {
            let meta = answer.json()["meta"].clone();
            for (name, value) in forged.as_object().unwrap() {
                assert_ne!(meta[name], *value, "{name}");
            }
        }
        let before = server.get(&path).await.text;
        for path_in_meta in [
            "meta",
            "meta.version",
            "meta.created",
            "meta.location",
            "meta.resourceType",
            "meta.lastModified",
        ] {
            let patch = json!([{"op": "replace", "path": path_in_meta, "value": "x"}]);
            server.patch(&path, patch).await.refused(400, "mutability");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7643_3_1_12_the_resource_type_is_the_types_name_and_case_exact() {
    for server in Server::all() {
        let user = server.user(json!({"userName": "ann"})).await;
        let group = server.group("crew", &[]).await;
        assert_eq!(server.read("/Users", &user).await["meta"]["resourceType"], "User");
        assert_eq!(server.read("/Groups", &group).await["meta"]["resourceType"], "Group");
        assert_eq!(server.names("meta.resourceType eq \"User\"").await, ["ann"]);
        for other in ["user", "USER", "Group"] {
            assert!(server.names(&format!("meta.resourceType eq \"{other}\"")).await.is_empty(), "{other}");
        }
        let groups = server.filter("/", "meta.resourceType eq \"Group\"").await.expect(200);
        assert_eq!(groups.strings("id"), [group]);
    }
}

fn instant(value: &Value) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn r7643_3_1_13_created_is_a_date_time() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann"})).await;
        let created = server.read("/Users", &id).await["meta"]["created"].clone();
        assert_eq!(instant(&created).timestamp(), 1_700_000_000, "when the server's clock said so");
        assert_eq!(server.names("meta.created eq \"2023-11-14T23:13:20+01:00\"").await, ["ann"]);
        assert_eq!(server.names("meta.created lt \"2023-11-14T22:13:20Z\"").await.len(), 0);
    }
}

#[tokio::test]
async fn r7643_3_1_14_last_modified_moves_with_changes() {
    for server in Server::all() {
        let created = server.post("/Users", &barbara()).await.expect(201).json();
        let path = path_of(&created["meta"]["location"]);
        assert_eq!(created["meta"]["lastModified"], created["meta"]["created"]);
        let mut last = created["meta"].clone();
        let changes = [
            json!([{"op": "replace", "path": "title", "value": "A"}]),
            json!([{"op": "add", "path": "emails", "value": [{"value": "new@x.org"}]}]),
            json!([{"op": "remove", "path": format!("{ENTERPRISE}:department")}]),
        ];
        for change in changes {
            server.tick();
            let meta = server.patch(&path, change).await.expect(200).json()["meta"].clone();
            assert_eq!(meta["created"], created["meta"]["created"]);
            assert!(instant(&meta["lastModified"]) > instant(&last["lastModified"]), "{meta} {last}");
            last = meta;
        }
        server.tick();
        let put = server.put(&path, &json!({"schemas": [USER], "userName": "bj"})).await.expect(200).json();
        assert!(instant(&put["meta"]["lastModified"]) > instant(&last["lastModified"]));
        assert_eq!(put["meta"]["created"], created["meta"]["created"]);
        server.tick();
        assert_eq!(server.get(&path).await.json()["meta"], put["meta"], "reading changes nothing");
    }
}

#[tokio::test]
async fn r7643_3_1_15_the_location_is_the_uri_of_the_resource() {
    for server in Server::all() {
        let user = server.post("/Users", &barbara()).await.expect(201);
        let group = server.group("crew", &[&user.id()]).await;
        assert_eq!(user.header("location"), user.json()["meta"]["location"].as_str());
        for resource in [user.json(), server.read("/Groups", &group).await] {
            let read = server.get(&path_of(&resource["meta"]["location"])).await.expect(200);
            assert_eq!(read.id(), resource["id"].as_str().unwrap());
            assert_eq!(read.json()["meta"]["location"], resource["meta"]["location"]);
            if let Some(content_location) = read.header("content-location") {
                assert_eq!(resource["meta"]["location"], content_location);
            }
        }
        let list = server.get("/").await.expect(200).json();
        for resource in list["Resources"].as_array().unwrap() {
            let read = server.get(&path_of(&resource["meta"]["location"])).await.expect(200);
            assert_eq!(read.json()["id"], resource["id"]);
        }
    }
    let server = Server::with(|builder| builder.base_url("https://scim.example.org/v2").mounted_at(["/v2"]));
    let created = server.post("/v2/Users", &barbara()).await.expect(201);
    let expected = format!("https://scim.example.org/v2/Users/{}", created.id());
    assert_eq!(created.json()["meta"]["location"], expected);
}

#[tokio::test]
async fn r7643_3_1_16_the_version_is_the_etag() {
    for server in Server::all() {
        let created = server.post("/Users", &barbara()).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let patched = server.patch(&path, json!([{"op": "replace", "path": "title", "value": "x"}])).await;
        let put = server.put(&path, &barbara()).await;
        let read = server.get(&path).await;
        for answer in [&created, &patched, &put, &read] {
            let version = answer.json()["meta"]["version"].as_str().unwrap().to_owned();
            assert_eq!(answer.header("etag"), Some(version.as_str()));
            let tag = version.strip_prefix("W/").expect("a weak tag says so");
            assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{version}");
        }
        assert_eq!(read.etag(), put.etag());
        assert_ne!(created.etag(), patched.etag());
        let listed = server.get("/Users").await.json()["Resources"][0]["meta"]["version"].clone();
        assert_eq!(listed, json!(read.etag()));
        server.send("GET", &path, &[("if-none-match", &read.etag())], "").await.expect(304);
    }
}

#[tokio::test]
async fn r7643_3_1_17_meta_is_returned_by_default() {
    for server in Server::all() {
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        let meta = async |query: &str| {
            server.get(&format!("{path}?{query}")).await.expect(200).json().get("meta").cloned()
        };
        let names = |meta: Option<Value>| -> Vec<String> {
            meta.iter()
                .flat_map(|meta| meta.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
                .collect()
        };
        assert_eq!(names(meta("").await).len(), 5);
        assert_eq!(meta("attributes=userName").await, None);
        assert_eq!(names(meta("attributes=meta.location").await), ["location"]);
        assert_eq!(names(meta("attributes=meta").await).len(), 5);
        assert_eq!(meta("excludedAttributes=meta").await, None);
        let rest = names(meta("excludedAttributes=meta.version").await);
        assert!(rest.len() == 4 && !rest.contains(&"version".to_owned()), "{rest:?}");
    }
}

#[tokio::test]
async fn r7643_3_1_18_common_attributes_are_what_section_3_1_says() {
    // A schema in the manner of older ones that repeats them, and wrongly.
    let repeated = [
        Attribute::new("id", DataType::Integer),
        Attribute::new("externalId", DataType::Boolean).required(),
        Attribute::new("META", DataType::String).required(),
        Attribute::new("schemas", DataType::String),
        Attribute::new("color", DataType::String),
    ];
    let schema = Schema::new("urn:example:Thing".parse().unwrap(), "Thing", "", repeated).unwrap();
    assert_eq!(schema.attributes().iter().map(Attribute::name).collect::<Vec<_>>(), ["color"]);
    let registry = crate::custom::registry_of(schema, "Thing");
    for server in Server::all_with(|builder| builder.registry(registry.clone())) {
        let body = json!({"schemas": ["urn:example:Thing"], "externalId": "e", "color": "red", "id": 5, "meta": "x"});
        let created = server.post("/Things", &body).await.expect(201).json();
        assert!(created["id"].is_string() && created["meta"]["location"].is_string());
        assert_eq!(created["externalId"], "e");
        let body = json!({"schemas": ["urn:example:Thing"], "externalId": true});
        server.post("/Things", &body).await.refused(400, "invalidValue");
    }
}
