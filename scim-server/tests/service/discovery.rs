use crate::common::*;

#[tokio::test]
async fn rfc7643_5_the_configuration_says_what_the_server_does() {
    let server = Server::with(|builder| builder.documentation_uri("https://example.com/help"));
    let config = server.get("/ServiceProviderConfig").await.expect(200).json();
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://example.com/help",
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": 1000, "maxPayloadSize": 4194304},
        "filter": {"supported": true, "maxResults": 1000},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": 1000,
            "maxPageSize": 1000,
            "cursorTimeout": 3600
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "Authentication with a bearer token in the header Authorization",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": "http://example.com/ServiceProviderConfig"}
    });
    assert_eq!(config, expected);
}

#[tokio::test]
async fn authentication_schemes_are_the_embedders() {
    use scim_server::AuthenticationScheme;
    let basic = AuthenticationScheme::new("httpbasic", "Basic", "A name and a password")
        .with_spec_uri("https://example.com/basic")
        .with_documentation_uri("https://example.com/help/basic");
    let server = Server::with(|builder| builder.authentication_schemes(vec![basic]));
    let config = server.get("/ServiceProviderConfig").await.json();
    let expected = json!([{"type": "httpbasic", "name": "Basic", "description": "A name and a password",
        "specUri": "https://example.com/basic", "documentationUri": "https://example.com/help/basic", "primary": true}]);
    assert_eq!(config["authenticationSchemes"], expected);
}

#[tokio::test]
async fn rfc7643_6_resource_types() {
    let server = Server::new();
    let list = server.get("/ResourceTypes").await.expect(200).json();
    assert_eq!(list["schemas"], json!([LIST]));
    assert_eq!(
        (&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let schemas = server.get("/Schemas").await.json();
    let known: Vec<_> = schemas["Resources"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect();
    for kind in list["Resources"].as_array().unwrap() {
        assert_eq!(kind["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]));
        assert!(
            ["name", "endpoint", "schema", "id", "description"].iter().all(|m| kind[m].is_string()),
            "{kind}"
        );
        assert!(known.contains(&kind["schema"]), "7643-6-03");
        for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
            assert!(known.contains(&extension["schema"]) && extension["required"].is_boolean(), "7643-6-04");
        }
        let location = kind["meta"]["location"].as_str().unwrap();
        let path = location.strip_prefix("http://example.com").unwrap();
        assert_eq!(server.get(path).await.expect(200).json(), *kind, "7644-4-08");
        server.get(kind["endpoint"].as_str().unwrap()).await.expect(200);
    }
    server.get("/ResourceTypes/Nope").await.refused(404, "");
}

#[tokio::test]
async fn rfc7643_7_schemas() {
    let server = Server::new();
    let list = server.get("/Schemas").await.expect(200).json();
    let schemas = list["Resources"].as_array().unwrap();
    assert_eq!(list["totalResults"], schemas.len());
    for uri in [USER, GROUP, ENTERPRISE] {
        assert!(schemas.iter().any(|s| s["id"] == uri), "{uri}");
    }
    for schema in schemas {
        assert_eq!(
            schema["schemas"],
            json!(["urn:ietf:params:scim:schemas:core:2.0:Schema"]),
            "errata 5999, 8417"
        );
        let id = schema["id"].as_str().unwrap();
        assert!(!id.starts_with("urn:ietf:params:scim:api:"), "7644-3.1-02");
        assert_eq!(schema["meta"]["resourceType"], "Schema");
        assert_eq!(schema["meta"]["location"], format!("http://example.com/Schemas/{id}"));
        assert_eq!(server.get(&format!("/Schemas/{id}")).await.expect(200).json(), *schema);
        for attribute in schema["attributes"].as_array().unwrap() {
            check_attribute(attribute, id.ends_with(":Schema"));
        }
    }
    server.get(&format!("/Schemas/{}", USER.to_uppercase())).await.expect(200);
    server.get("/Schemas/urn:example:none").await.refused(404, "");
}

fn check_attribute(attribute: &Value, nests: bool) {
    let one_of = |member: &str, known: &[&str]| {
        let value = attribute[member].as_str().unwrap_or_else(|| panic!("{member}: {attribute}"));
        assert!(known.contains(&value), "{attribute}");
    };
    let name = attribute["name"].as_str().unwrap();
    let legal = |c: char| c.is_ascii_alphanumeric() || "$-_".contains(c);
    assert!(
        name == "$ref" || name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(legal),
        "{name}"
    );
    let types = ["string", "boolean", "decimal", "integer", "dateTime", "reference", "complex", "binary"];
    one_of("type", &types);
    one_of("mutability", &["readOnly", "readWrite", "immutable", "writeOnly"]);
    one_of("returned", &["always", "never", "default", "request"]);
    assert!(attribute["multiValued"].is_boolean() && attribute["required"].is_boolean(), "{attribute}");
    let kind = attribute["type"].as_str().unwrap();
    if kind == "string" {
        assert!(attribute["caseExact"].is_boolean(), "{attribute}");
        one_of("uniqueness", &["none", "server", "global"]);
    }
    assert_eq!(attribute.get("subAttributes").is_some(), kind == "complex", "7643-7-05: {attribute}");
    assert!(kind == "reference" || attribute.get("referenceTypes").is_none(), "7643-7-09: {attribute}");
    if matches!(kind, "reference" | "binary") {
        assert_eq!(attribute["caseExact"], true, "C24: {attribute}");
    }
    for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
        assert!(nests || sub["type"] != "complex", "7643-2.3.8-02");
        check_attribute(sub, nests);
    }
}

#[tokio::test]
async fn rfc7644_4_05_06_07_parameters_and_methods_of_discovery() {
    let server = Server::new();
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/Schemas",
        "/ResourceTypes/User",
        &format!("/Schemas/{USER}"),
    ] {
        let plain = server.get(path).await.expect(200).text;
        for query in
            ["count=1", "startIndex=2", "sortBy=id", "count=abc", "attributes=id", "foo", "sortOrder=up"]
        {
            assert_eq!(server.get(&format!("{path}?{query}")).await.expect(200).text, plain, "{query}");
        }
        for query in
            ["filter=id%20pr", "filter=", "FILTER=x", "count=abc&filter=x", "filter=a&filter=b", "f%69lter=x"]
        {
            let detail = server.get(&format!("{path}?{query}")).await.refused(403, "");
            assert_eq!(detail, "filters are not possible at this endpoint");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let answer = server.send(method, path, &[], "{}").await;
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
            answer.refused(405, "");
        }
    }
    server.get("/ServiceProviderConfig/x").await.refused(404, "");
}
