//! RFC 7643 section 5: the configuration of the service provider.

use scim_server::AuthenticationScheme;
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use tower::ServiceBuilder;

use crate::common::*;

const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

async fn config(server: &Server) -> Value {
    server.get("/ServiceProviderConfig").await.expect(200).json()
}

#[tokio::test]
async fn r7643_5_01_the_configuration_is_read_only() {
    for server in Server::all() {
        let before = config(&server).await;
        assert_eq!(before["schemas"], json!([URN]));
        assert_eq!(before["meta"]["resourceType"], "ServiceProviderConfig");
        assert_eq!(path_of(&before["meta"]["location"]), "/ServiceProviderConfig");
        let body = json!({"schemas": [URN], "patch": {"supported": false}}).to_string();
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            server.send(method, "/ServiceProviderConfig", &[], body.clone()).await.refused(405, "");
        }
        assert_eq!(config(&server).await, before);
        let schema = server.get(&format!("/Schemas/{URN}")).await.expect(200).json();
        let attributes = schema["attributes"].as_array().unwrap();
        assert!(attributes.len() >= 8);
        for attribute in attributes {
            assert_eq!(attribute["mutability"], "readOnly", "{attribute}");
            for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
                assert_eq!(sub["mutability"], "readOnly", "{attribute}");
            }
        }
    }
}

#[tokio::test]
async fn r7643_5_02_it_says_whether_patch_is_there() {
    for server in Server::all() {
        assert_eq!(config(&server).await["patch"], json!({"supported": true}));
        let id = server.user(json!({"userName": "ann"})).await;
        let patch = json!([{"op": "add", "path": "title", "value": "x"}]);
        server.patch(&format!("/Users/{id}"), patch).await.expect(200);
    }
}

#[tokio::test]
async fn r7643_5_03_it_says_whether_bulk_is_there_and_how_much() {
    for server in Server::all() {
        let bulk = config(&server).await["bulk"].clone();
        let supported = bulk["supported"].as_bool().unwrap();
        let operations = bulk["maxOperations"].as_u64().unwrap();
        let payload = bulk["maxPayloadSize"].as_u64().unwrap();
        assert_eq!((supported, supported), (operations > 0, payload > 0), "{bulk}");
        let request = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"schemas": [USER], "userName": "ann"}}]});
        let status = server.post("/Bulk", &request).await.status;
        assert_eq!(status, if supported { 200 } else { 501 });
        assert_eq!(server.get("/Users").await.json()["totalResults"], u64::from(supported));
    }
}

#[tokio::test]
async fn r7643_5_04_it_says_whether_filters_are_there_and_how_many_results() {
    for server in Server::all_with(|builder| builder.limits(scim_server::Limits::default().with_max_count(2)))
    {
        assert_eq!(config(&server).await["filter"], json!({"supported": true, "maxResults": 2}));
        for n in 0..3 {
            server.user(json!({"userName": format!("u{n}")})).await;
        }
        let list = server.filter("/Users", "userName sw \"u\"").await.expect(200).json();
        assert_eq!((&list["totalResults"], list["Resources"].as_array().map(Vec::len)), (&json!(3), Some(2)));
        let list = server.get("/Users?count=100").await.expect(200).json();
        assert_eq!(list["itemsPerPage"], 2);
    }
}

#[tokio::test]
async fn r7643_5_05_it_says_whether_passwords_can_be_changed() {
    for server in Server::all() {
        assert_eq!(config(&server).await["changePassword"], json!({"supported": false}));
    }
}

#[tokio::test]
async fn r7643_5_06_it_says_whether_sorting_is_there() {
    for server in Server::all() {
        assert_eq!(config(&server).await["sort"], json!({"supported": true}));
        for name in ["b", "a", "c"] {
            server.user(json!({"userName": name})).await;
        }
        let sorted = server.get("/Users?sortBy=userName&sortOrder=descending").await.expect(200);
        assert_eq!(sorted.strings("userName"), ["c", "b", "a"]);
    }
}

#[tokio::test]
async fn r7643_5_07_it_says_whether_etags_are_there() {
    for server in Server::all() {
        assert_eq!(config(&server).await["etag"], json!({"supported": true}));
        let created = server.post("/Users", &barbara()).await.expect(201);
        let path = format!("/Users/{}", created.id());
        server.send("GET", &path, &[("if-none-match", &created.etag())], "").await.expect(304);
        server.send("DELETE", &path, &[("if-match", "W/\"other\"")], "").await.refused(412, "");
    }
}

fn several() -> Vec<AuthenticationScheme> {
    vec![
        AuthenticationScheme::bearer_token(),
        AuthenticationScheme::new("httpbasic", "Basic", "A name and a password")
            .with_spec_uri("https://www.rfc-editor.org/info/rfc7617"),
        AuthenticationScheme::new("oauth2", "OAuth 2.0", "An access token"),
    ]
}

#[tokio::test]
async fn r7643_5_08_each_authentication_scheme_says_what_it_is() {
    for (server, count) in
        [(Server::new(), 1), (Server::with(|builder| builder.authentication_schemes(several())), 3)]
    {
        let schemes = config(&server).await["authenticationSchemes"].clone();
        let schemes = schemes.as_array().unwrap();
        assert_eq!(schemes.len(), count);
        for scheme in schemes {
            for name in ["type", "name", "description"] {
                assert!(scheme[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {scheme}");
            }
        }
        let primaries = schemes.iter().filter(|scheme| scheme["primary"] == true).count();
        assert_eq!(primaries, 1, "section 2.4 holds here too");
    }
}

#[tokio::test]
async fn r7643_5_09_the_type_of_a_scheme_is_one_of_five() {
    let known = ["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"];
    for server in [Server::new(), Server::with(|builder| builder.authentication_schemes(several()))] {
        for scheme in config(&server).await["authenticationSchemes"].as_array().unwrap() {
            assert!(known.contains(&scheme["type"].as_str().unwrap()), "{scheme}");
        }
        let schema = server.get(&format!("/Schemas/{URN}")).await.json();
        let schemes =
            schema["attributes"].as_array().unwrap().iter().find(|a| a["name"] == "authenticationSchemes");
        let subs = schemes.unwrap()["subAttributes"].as_array().unwrap();
        assert_eq!(subs.iter().find(|a| a["name"] == "type").unwrap()["canonicalValues"], json!(known));
    }
}

#[tokio::test]
async fn r7643_5_10_it_can_be_read_without_authentication() {
    let server = Server::new();
    let tokens = StaticTokens::new().with("idp", "a-long-token-of-a-client").unwrap();
    let open = ServiceBuilder::new()
        .layer(AuthLayer::new(tokens.clone()).with_open_discovery([""]))
        .service(server.service.clone());
    let read = send(open.clone(), "GET", "/ServiceProviderConfig", &[], "").await.expect(200);
    assert!(read.json()["authenticationSchemes"][0]["type"].is_string());
    send(open.clone(), "GET", "/Users", &[], "").await.refused(401, "");
    // Where an operator closes it, the answer says how to authenticate.
    let closed = ServiceBuilder::new().layer(AuthLayer::new(tokens)).service(server.service.clone());
    let refused = send(closed, "GET", "/ServiceProviderConfig", &[], "").await;
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
    refused.refused(401, "");
}

#[tokio::test]
async fn r7643_5_11_links_are_urls() {
    let server = Server::with(|builder| {
        builder.documentation_uri("https://example.org/help").authentication_schemes(several())
    });
    let config = config(&server).await;
    let mut links = vec![&config["documentationUri"]];
    for scheme in config["authenticationSchemes"].as_array().unwrap() {
        links.extend(scheme.get("specUri"));
        links.extend(scheme.get("documentationUri"));
    }
    assert_eq!(links.len(), 3);
    for link in links {
        let uri: http::Uri = link.as_str().unwrap().parse().unwrap();
        assert_eq!(uri.scheme_str(), Some("https"), "{uri}");
    }
    assert_eq!(self::config(&Server::new()).await.get("documentationUri"), None, "nothing is made up");
}
