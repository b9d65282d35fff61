//! RFC 7644 section 4: discovery.

use crate::server::*;

#[tokio::test]
async fn r7644_4_01_the_configuration_is_one_object() {
    for server in everywhere() {
        let config = server.get("/ServiceProviderConfig").await.expect(200).json();
        assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
        for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
            assert!(config[feature]["supported"].is_boolean(), "{feature}");
        }
        assert!(config["authenticationSchemes"].as_array().is_some_and(|list| !list.is_empty()));
    }
}

#[tokio::test]
async fn r7644_4_02_all_schemas_are_one_list() {
    for server in everywhere() {
        let list = server.get("/Schemas").await.expect(200);
        assert_eq!(list.json()["schemas"], json!([LIST]));
        let ids = list.strings("id");
        assert_eq!(list.json()["totalResults"], ids.len());
        for uri in [USER, GROUP, ENTERPRISE] {
            assert!(ids.iter().any(|id| id == uri), "{uri}");
        }
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let ids = server.get("/Schemas").await.expect(200).strings("id");
        assert!(
            ids.contains(&ANYTHING.to_owned())
                && ids.contains(&LABELS.to_owned())
                && !ids.contains(&USER.to_owned())
        );
    }
}

#[tokio::test]
async fn r7644_4_03_one_schema_by_its_urn() {
    for server in everywhere() {
        let list = server.get("/Schemas").await.expect(200).json();
        for schema in list["Resources"].as_array().unwrap() {
            let path = format!("/Schemas/{}", schema["id"].as_str().unwrap());
            assert_eq!(server.get(&path).await.expect(200).json(), *schema);
        }
        for unknown in ["/Schemas/urn:example:none", "/Schemas/User", "/Schemas/x"] {
            server.get(unknown).await.refused(404, "");
        }
    }
}

#[tokio::test]
async fn r7644_4_04_resource_types_as_a_list_and_one_by_its_name() {
    for server in everywhere() {
        let list = server.get("/ResourceTypes").await.expect(200).json();
        assert_eq!((&list["schemas"], &list["totalResults"]), (&json!([LIST]), &json!(2)));
        for (kind, name) in list["Resources"].as_array().unwrap().iter().zip(["User", "Group"]) {
            assert_eq!((&kind["id"], &kind["name"]), (&json!(name), &json!(name)));
            assert_eq!(server.get(&format!("/ResourceTypes/{name}")).await.expect(200).json(), *kind);
        }
        server.get("/ResourceTypes/Nope").await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_4_05_parameters_are_ignored_there() {
    for server in everywhere() {
        for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/ResourceTypes/User"] {
            let plain = server.get(path).await.expect(200).text;
            for query in [
                "count=1",
                "startIndex=2",
                "sortBy=id&sortOrder=descending",
                "attributes=id",
                "count=0",
                "excludedAttributes=name",
                "count=abc",
                "foo=bar",
            ] {
                assert_eq!(
                    server.get(&format!("{path}?{query}")).await.expect(200).text,
                    plain,
                    "{path}?{query}"
                );
            }
        }
    }
}

#[tokio::test]
async fn r7644_4_06_a_filter_there_is_403() {
    for server in everywhere() {
        for path in [
            "/ServiceProviderConfig",
            "/Schemas",
            "/ResourceTypes",
            "/ResourceTypes/User",
            &format!("/Schemas/{USER}"),
        ] {
            for filter in ["id eq \"User\"", "nonsense", ""] {
                server.filter(path, filter).await.refused(403, "");
            }
        }
    }
}

#[tokio::test]
async fn r7644_4_07_other_methods_are_refused_there() {
    for server in everywhere() {
        for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/ResourceTypes/User"] {
            let before = server.get(path).await.text;
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let answer = server.send(method, path, &[], "{}").await;
                assert_eq!(answer.header("allow"), Some("GET, HEAD"));
                answer.refused(405, "");
            }
            assert_eq!(server.get(path).await.text, before);
        }
    }
}

#[tokio::test]
async fn r7644_4_08_what_is_discovered_is_found_at_its_location() {
    for server in everywhere() {
        let mut found = vec![server.get("/ServiceProviderConfig").await.expect(200).json()];
        for path in ["/Schemas", "/ResourceTypes"] {
            found.extend(server.get(path).await.json()["Resources"].as_array().unwrap().clone());
        }
        for resource in found {
            let location = resource["meta"]["location"].as_str().unwrap();
            let path = location.strip_prefix("https://example.com").unwrap();
            assert_eq!(server.get(path).await.expect(200).json(), resource, "{location}");
        }
    }
}
