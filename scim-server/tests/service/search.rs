use crate::common::*;

#[tokio::test]
async fn rfc7644_3_4_3_search_says_what_get_says() {
    let server = Server::new();
    for name in ["c", "a", "b"] {
        server.user(json!({"userName": name, "title": "x"})).await;
    }
    server.group("g", &["id-1"]).await;
    let get = server
        .get("/Users?filter=title%20pr&sortBy=userName&sortOrder=descending&startIndex=2&count=1&attributes=userName,title")
        .await
        .expect(200);
    let mut body = json!({"schemas": [SEARCH], "filter": "title pr", "sortBy": "userName", "sortOrder": "descending",
        "startIndex": 2, "count": 1, "attributes": ["userName", "title"]});
    assert_eq!(server.post("/Users/.search", &body).await.expect(200).text, get.text);
    body["attributes"] = json!(null);
    body["excludedAttributes"] = json!(["title"]);
    let json = server.post("/Users/.search", &body).await.expect(200).json();
    assert_eq!(json["Resources"][0]["userName"], "b");
    assert!(json["Resources"][0].get("title").is_none());
    let root = json!({"schemas": [SEARCH], "filter": "displayName eq \"g\" or userName eq \"a\""});
    assert_eq!(server.post("/.search", &root).await.expect(200).json()["totalResults"], 2, "7644-3.4.3-07");
    let groups = json!({"schemas": [SEARCH], "filter": "members.value eq \"id-1\""});
    assert_eq!(
        server.post("/Groups/.search", &groups).await.expect(200).json()["totalResults"],
        1,
        "7644-3.4.3-08"
    );
}

#[tokio::test]
async fn rfc7644_3_4_3_02_05_06_bad_searches() {
    let server = Server::new();
    for body in
        [json!({}), json!({"schemas": []}), json!({"schemas": [USER]}), json!({"schemas": [PATCH_OP]})]
    {
        let detail = server.post("/Users/.search", &body).await.refused(400, "invalidSyntax");
        assert!(detail.contains(SEARCH), "{detail}");
    }
    for (member, value, scim_type) in [
        ("filter", json!("userName xx"), "invalidFilter"),
        ("filter", json!(5), "invalidValue"),
        ("count", json!("5"), "invalidValue"),
        ("count", json!(1.5), "invalidValue"),
        ("attributes", json!("userName"), "invalidValue"),
        ("attributes", json!([5]), "invalidValue"),
        ("sortOrder", json!("up"), "invalidValue"),
        ("sortBy", json!("nope"), "invalidValue"),
    ] {
        let mut body = json!({"schemas": [SEARCH]});
        body[member] = value;
        server.post("/Users/.search", &body).await.refused(400, scim_type);
    }
    let answer = server.get("/Users/.search").await;
    assert_eq!(answer.header("allow"), Some("POST"));
    answer.refused(405, "");
}
