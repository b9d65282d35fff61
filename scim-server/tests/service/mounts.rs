use crate::common::*;

#[tokio::test]
async fn locations_keep_to_the_mount_that_was_asked() {
    let server = Server::with(|builder| builder.mounted_at(["/scim/v2/", "scim", "/"]));
    let id = server.user(json!({"userName": "a"})).await;
    for mount in ["", "/scim", "/scim/v2"] {
        let answer = server.get(&format!("{mount}/Users/{id}")).await.expect(200);
        assert_eq!(answer.json()["meta"]["location"], format!("http://example.com{mount}/Users/{id}"));
        let list = server.get(&format!("{mount}/Users")).await.json();
        assert_eq!(list["Resources"][0]["meta"]["location"], format!("http://example.com{mount}/Users/{id}"));
        let types = server.get(&format!("{mount}/ResourceTypes/User")).await.json();
        assert_eq!(types["meta"]["location"], format!("http://example.com{mount}/ResourceTypes/User"));
        server.get(&format!("{mount}/")).await.expect(200);
    }
}

#[tokio::test]
async fn rfc7644_3_13_01_other_versions_are_not_found() {
    let server = Server::with(|builder| builder.mounted_at(["/scim/v2"]));
    for path in
        ["/scim/v9/Users", "/scim/v1/Users", "/scim/Users", "/Users", "/", "/scim/v2x/Users", "/scim/v22"]
    {
        let detail = server.get(path).await.refused(404, "");
        assert_eq!(detail, format!("there is no endpoint `{path}`"));
    }
    for path in ["/scim/v2", "/scim/v2/", "/scim/v2/Users"] {
        server.get(path).await.expect(200);
    }
}

#[tokio::test]
async fn a_base_url_wins_over_what_the_client_says() {
    let server =
        Server::with(|builder| builder.base_url("https://id.example.org/scim/v2/").mounted_at(["/x"]));
    let body = json!({"schemas": [USER], "userName": "a"}).to_string();
    let created = server.send("POST", "/x/Users", &[("host", "evil.example")], body).await.expect(201);
    assert_eq!(created.header("location"), Some("https://id.example.org/scim/v2/Users/id-1"));
    assert_eq!(created.json()["meta"]["location"], "https://id.example.org/scim/v2/Users/id-1");
}

#[tokio::test]
async fn odd_hosts_never_reach_a_location() {
    let server = Server::new();
    let id = server.user(json!({"userName": "a"})).await;
    let path = format!("/Users/{id}");
    for (host, location) in [
        ("example.com:8443", format!("http://example.com:8443{path}")),
        ("[::1]:80", format!("http://[::1]:80{path}")),
        ("127.0.0.1", format!("http://127.0.0.1{path}")),
        ("evil,example", path.clone()),
        ("a;b", path.clone()),
        ("(evil)", path.clone()),
        ("%0d%0a", path.clone()),
    ] {
        let answer = server.send("GET", &path, &[("host", host)], "").await.expect(200);
        assert_eq!(answer.json()["meta"]["location"], location, "{host}");
    }
    for host in [
        "user@evil.example",
        "evil.example/path",
        "evil.example?x=",
        "\"><script>",
        "a b",
        "",
        "example.com:99999x",
        ":80",
    ] {
        let detail = server.send("GET", &path, &[("host", host)], "").await.refused(400, "");
        assert_eq!(
            detail,
            format!("`{host}` is no host, with or without a port, that a request could be for")
        );
    }
    let twice = server.send("GET", &path, &[("host", "a.example"), ("host", "b.example")], "").await;
    assert_eq!(twice.refused(400, ""), "the header Host is given more than once");
    let absolute =
        server.send("GET", &format!("https://other.example{path}"), &[("host", "a.example")], "").await;
    assert_eq!(absolute.expect(200).json()["meta"]["location"], format!("http://other.example{path}"));
}
