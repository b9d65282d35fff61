use crate::common::*;

#[tokio::test]
async fn rfc7644_3_4_1_01_02_03_reading_by_id() {
    let server = Server::new();
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    let json = server.get(&format!("/Users/{id}")).await.expect(200).json();
    assert_eq!(json["id"], id.as_str());
    assert!(json.get("Resources").is_none());
    assert_eq!(server.get("/Users/none").await.refused(404, ""), "there is no User with the id `none`");
    assert_eq!(
        server.get(&format!("/Groups/{id}")).await.refused(404, ""),
        format!("there is no Group with the id `{id}`")
    );
    server.get(&format!("/Users/{}", id.to_uppercase())).await.refused(404, "");
}

#[tokio::test]
async fn the_filter_of_a_single_resource_is_ignored() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    for query in
        ["filter=garbage((", "filter=a&filter=b", "count=abc", "sortOrder=up", "foo=bar", "startIndex=x"]
    {
        server.get(&format!("/Users/{id}?{query}")).await.expect(200);
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    for path in [
        format!("/Users/{id}"),
        "/Users".to_owned(),
        "/Schemas".to_owned(),
        "/Nope".to_owned(),
        "/Users/x".to_owned(),
        "/Me".to_owned(),
    ] {
        let get = server.get(&path).await;
        let head = server.send("HEAD", &path, &[], "").await;
        assert_eq!(head.status, get.status);
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("etag"), get.header("etag"));
        assert_eq!(head.header("content-length"), Some(get.text.len().to_string().as_str()), "{path}");
    }
}

#[tokio::test]
async fn rfc7644_3_8_02_03_04_every_accept_is_answered_with_scim_json() {
    let server = Server::new();
    for accept in
        ["application/scim+json", "application/json", "*/*", "text/html", "garbage;;", "application/json;q=0"]
    {
        server.send("GET", "/Users", &[("accept", accept)], "").await.expect(200);
    }
}

/// One rule for every endpoint: its name compares without case, what comes after it does not.
#[tokio::test]
async fn names_of_endpoints_have_no_case() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    for path in
        ["/users", "/GROUPS", "/schemas", "/resourcetypes", "/serviceProviderConfig", &format!("/uSERS/{id}")]
    {
        let answer = server.get(path).await.expect(200);
        assert!(!answer.text.contains(&format!("{path}\"")), "locations have the registered spelling");
    }
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    for path in ["/.Search", "/users/.SEARCH"] {
        server.post(path, &search).await.expect(200);
    }
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "POST", "path": "/users", "bulkId": "b", "data": {"schemas": [USER], "userName": "b"}}
    ]});
    let answer = server.post("/bulk", &bulk).await.expect(200).json();
    assert_eq!(answer["Operations"][0]["status"], "201");
    server.get("/me").await.expect(501);
    for path in [format!("/Users/{}", id.to_uppercase()), "/ResourceTypes/user".to_owned()] {
        server.get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn slashes_too_many_do_no_harm() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    for path in ["//Users".to_owned(), "/Users/".to_owned(), format!("/Users//{id}/"), "/users".to_owned()] {
        server.get(&path).await.expect(200);
    }
}
