use crate::common::*;

async fn three() -> Server {
    let server = Server::new();
    server
        .user(json!({"userName": "Bea", "title": "Chief", "active": true, "externalId": "X1",
            "name": {"familyName": "Zimmer"}, "meta": {},
            "emails": [{"value": "bea@work.org", "type": "work"}, {"value": "bea@home.org", "type": "home", "primary": true}],
            "x509Certificates": [{"value": "MIIDQzCCAqw="}],
            ENTERPRISE: {"department": "Sales", "employeeNumber": "2"}}))
        .await;
    server.tick();
    server
        .user(
            json!({"userName": "adam", "active": false, "emails": [{"value": "x@home.org", "type": "work"}]}),
        )
        .await;
    server.tick();
    server.user(json!({"userName": "Cid", "title": "assistant", ENTERPRISE: {"department": "arts"}})).await;
    server
}

#[tokio::test]
async fn rfc7644_3_4_2_the_form_of_a_list() {
    let server = three().await;
    let list = server.get("/Users?foo=bar").await.expect(200).json();
    assert_eq!(list["schemas"], json!([LIST]), "7644-3.4.2-01");
    assert_eq!(list["totalResults"], 3);
    assert_eq!((&list["startIndex"], &list["itemsPerPage"]), (&json!(1), &json!(3)));
    for listed in list["Resources"].as_array().unwrap() {
        let path = format!("/Users/{}", listed["id"].as_str().unwrap());
        assert_eq!(server.get(&path).await.json(), *listed, "7644-3.4.2-07");
    }
    let none = server.filter("/Users", "userName eq \"nobody\"").await.expect(200).json();
    assert_eq!(
        none,
        json!({"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
    );
    assert_eq!(server.get("/Groups").await.expect(200).json()["totalResults"], 0);
}

#[tokio::test]
async fn rfc7644_3_4_2_2_filters_match_what_they_say() {
    let server = three().await;
    let full = format!("{USER}:userName eq \"bea\"");
    let nested = format!("{}:name.familyName eq \"zimmer\"", USER.to_uppercase());
    let department = format!("{ENTERPRISE}:department eq \"sales\"");
    let schema = format!("schemas eq \"{ENTERPRISE}\"");
    for (filter, names) in [
        ("userName eq \"bea\"", &["Bea"][..]),
        ("USERNAME EQ \"BEA\"", &["Bea"]),
        ("userName ne \"bea\"", &["adam", "Cid"]),
        ("title ne \"chief\"", &["adam", "Cid"]),
        ("userName co \"D\"", &["adam", "Cid"]),
        ("userName sw \"ad\"", &["adam"]),
        ("userName sw \"adam\"", &["adam"]),
        ("userName ew \"DAM\"", &["adam"]),
        ("title pr", &["Bea", "Cid"]),
        ("name pr", &["Bea"]),
        ("emails pr", &["Bea", "adam"]),
        ("not (title pr)", &["adam"]),
        ("title eq null", &["adam"]),
        ("title ne null", &["Bea", "Cid"]),
        ("active eq true", &["Bea"]),
        ("active eq false", &["adam"]),
        ("userName ge \"bea\"", &["Bea", "Cid"]),
        ("userName lt \"bea\"", &["adam"]),
        ("meta.lastModified gt \"2023-11-14T22:13:20Z\"", &["adam", "Cid"]),
        ("meta.created le \"2023-11-14T23:13:20.000+01:00\"", &["Bea"]),
        ("meta.resourceType eq \"User\"", &["Bea", "adam", "Cid"]),
        ("externalId eq \"X1\"", &["Bea"]),
        ("externalId eq \"x1\"", &[]),
        ("id eq \"id-2\"", &["adam"]),
        ("id eq \"ID-2\"", &[]),
        ("title pr and active eq true", &["Bea"]),
        ("userName eq \"adam\" or title pr and active eq true", &["Bea", "adam"]),
        ("(userName eq \"adam\" or title pr) and active eq false", &["adam"]),
        ("not (active eq true) And title Pr", &["Cid"]),
        ("emails[type eq \"work\" and value co \"home\"]", &["adam"]),
        ("emails[type eq \"work\" or type eq \"home\"]", &["Bea", "adam"]),
        ("emails[not (type eq \"work\")]", &["Bea"]),
        ("emails[primary eq true]", &["Bea"]),
        ("emails.value eq \"bea@home.org\"", &["Bea"]),
        ("emails co \"work\"", &["Bea"]),
        ("emails[type eq \"work\"].value eq \"x@home.org\"", &["adam"]),
        ("x509Certificates.value eq \"miidqzccaqw=\"", &[]),
        ("userName eq \"b\\u0065a\"", &["Bea"]),
        ("title sw \"\"", &["Bea", "Cid"]),
        ("title eq \"\"", &[]),
        ("title gt \"a\"", &["Bea", "Cid"]),
        (&full, &["Bea"]),
        (&nested, &["Bea"]),
        (&department, &["Bea"]),
        (&schema, &["Bea", "Cid"]),
    ] {
        assert_eq!(server.names(filter).await, names, "{filter}");
        assert_eq!(
            server.filter("/Users", filter).await.json()["totalResults"],
            names.len(),
            "7644-3.4.2.2-30: {filter}"
        );
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_2_filters_that_are_refused() {
    let server = three().await;
    for (filter, words) in [
        ("", "empty"),
        ("userName", "position 9"),
        ("userName eq", "position 12"),
        ("userName regex \"x\"", "position 10"),
        ("(userName eq \"x\"", "position 17"),
        ("userName eq \"x\")", "position 16"),
        ("userName eq 'x'", "position 13"),
        ("not userName pr", "position"),
        ("emails[type eq \"work\"", "position 22"),
        ("userName eq \"\\ud800\"", "position"),
        ("noSuch eq \"x\"", "`noSuch`"),
        ("urn:example:none:a eq \"x\"", "urn:example:none"),
        ("name eq \"x\"", "`name`"),
        ("active gt true", "`active`"),
        ("active co \"t\"", "`active`"),
        ("x509Certificates.value gt \"x\"", "x509Certificates.value"),
        ("meta.created co \"2023\"", "`meta.created`"),
        ("meta.created gt \"yesterday\"", "`meta.created`"),
        ("title gt null", "`title`"),
    ] {
        let detail = server.filter("/Users", filter).await.refused(400, "invalidFilter");
        assert!(detail.contains(words), "{filter}: {detail}");
    }
}

#[tokio::test]
async fn rfc7644_7_03_secrets_do_not_belong_in_urls() {
    let server = three().await;
    for filter in ["password eq \"x\"", "password pr", "userName pr and password sw \"a\""] {
        let detail = server.filter("/Users", filter).await.refused(403, "sensitive");
        assert!(detail.contains("`password`"), "{detail}");
        server.filter("/", filter).await.refused(403, "sensitive");
        let body = json!({"schemas": [SEARCH], "filter": filter});
        server.post("/Users/.search", &body).await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_2_26_blanks_may_be_plus_signs() {
    let server = three().await;
    for query in
        ["filter=userName+eq+%22bea%22", "filter=userName%20eq%20%22bea%22", "FILTER=userName+eq+%22bea%22"]
    {
        assert_eq!(server.get(&format!("/Users?{query}")).await.strings("userName"), ["Bea"]);
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_3_sorting() {
    let server = three().await;
    let department = format!("sortBy={ENTERPRISE}:department");
    let core = format!("sortBy={USER}:userName");
    for (query, names) in [
        ("sortBy=userName", ["adam", "Bea", "Cid"]),
        ("sortBy=USERNAME&sortOrder=Descending", ["Cid", "Bea", "adam"]),
        (&core, ["adam", "Bea", "Cid"]),
        ("sortBy=title", ["Cid", "Bea", "adam"]),
        ("sortBy=title&sortOrder=descending", ["adam", "Bea", "Cid"]),
        ("sortBy=emails.value", ["Bea", "adam", "Cid"]),
        ("sortBy=emails", ["Bea", "adam", "Cid"]),
        ("sortBy=name.familyName", ["Bea", "adam", "Cid"]),
        ("sortBy=meta.created&sortOrder=descending", ["Cid", "adam", "Bea"]),
        (&department, ["Cid", "Bea", "adam"]),
        ("sortOrder=descending", ["Bea", "adam", "Cid"]),
        ("sortBy=", ["Bea", "adam", "Cid"]),
    ] {
        assert_eq!(server.get(&format!("/Users?{query}")).await.strings("userName"), names, "{query}");
        let second = server.get(&format!("/Users?{query}&count=1&startIndex=2")).await;
        assert_eq!(second.strings("userName"), [names[1]], "7644-3.4.2.3-09: {query}");
    }
    server.get("/Users?sortBy=userName&sortOrder=up").await.refused(400, "invalidValue");
    for bad in ["noSuch", "name", "a%20b", "emails%5Btype%20eq%20%22work%22%5D"] {
        let detail = server.get(&format!("/Users?sortBy={bad}")).await.refused(400, "invalidValue");
        assert!(detail.contains("`sortBy`"), "{detail}");
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_4_paging() {
    let server = three().await;
    for (query, start, names) in [
        ("startIndex=0", 1, &["Bea", "adam", "Cid"][..]),
        ("startIndex=-5&count=2", 1, &["Bea", "adam"]),
        ("startIndex=2&count=1", 2, &["adam"]),
        ("startIndex=3&count=100", 3, &["Cid"]),
        ("count=0", 1, &[]),
        ("count=-1", 1, &[]),
        ("count=99999999999999999999999", 1, &["Bea", "adam", "Cid"]),
        ("startIndex=4", 4, &[]),
        ("startIndex=1000000", 1_000_000, &[]),
        ("startIndex=99999999999999999999", i64::MAX, &[]),
        ("startIndex=-99999999999999999999", 1, &["Bea", "adam", "Cid"]),
    ] {
        let page = server.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(page.strings("userName"), names, "{query}");
        let page = page.json();
        assert_eq!(page["totalResults"], 3, "7644-3.4.2.4-06: {query}");
        assert_eq!(page["itemsPerPage"], names.len(), "7644-3.4.2.4-07: {query}");
        assert_eq!(page["startIndex"], start, "7644-3.4.2.4-08: {query}");
    }
    for bad in ["count=abc", "count=", "count=1.5", "startIndex=x", "startIndex=0x1", "count=1&count=2"] {
        server.get(&format!("/Users?{bad}")).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn rfc7644_3_4_2_4_10_12_pages_cover_everything_once() {
    let server = Server::new();
    for n in 0..7 {
        server.group(&format!("g{n}"), &[]).await;
    }
    let mut seen = Vec::new();
    for start in [1, 3, 5, 7] {
        let page = server.get(&format!("/Groups?count=2&startIndex={start}")).await.expect(200);
        seen.extend(page.strings("displayName"));
    }
    assert_eq!(seen, ["g0", "g1", "g2", "g3", "g4", "g5", "g6"]);
}

#[tokio::test]
async fn a_page_has_at_most_as_many_as_the_limit_says() {
    let server = Server::with(|builder| builder.limits(scim_server::Limits::default().with_max_count(2)));
    for n in 0..3 {
        server.user(json!({"userName": format!("u{n}")})).await;
    }
    for query in ["", "?count=100", "?count=2"] {
        let page = server.get(&format!("/Users{query}")).await.json();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(2)), "{query}");
    }
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["filter"]["maxResults"], 2, "what is declared is what is done");
}

#[tokio::test]
async fn rfc7644_3_4_2_1_the_base_url_lists_all_types() {
    let server = three().await;
    server.group("staff", &["id-1"]).await;
    let all = server.get("/").await.expect(200);
    assert_eq!(all.json()["totalResults"], 4);
    for (filter, ids) in [
        ("userName sw \"b\"", &["id-1"][..]),
        ("displayName eq \"staff\"", &["id-4"]),
        ("meta.resourceType eq \"Group\"", &["id-4"]),
        ("members.value eq \"id-1\" or userName eq \"adam\"", &["id-2", "id-4"]),
        ("noSuchAttribute eq \"x\"", &[]),
        ("not (noSuchAttribute pr) and meta.resourceType eq \"Group\"", &["id-4"]),
    ] {
        let mut found = server.filter("/", filter).await.expect(200).strings("id");
        found.sort();
        assert_eq!(found, ids, "{filter}");
    }
    let sorted = server.get("/?sortBy=userName&sortOrder=ascending").await.expect(200).strings("id");
    assert_eq!(sorted, ["id-2", "id-1", "id-3", "id-4"], "a group has no userName and comes last");
    let projected = server.get("/?attributes=userName,displayName&sortBy=id").await.expect(200).json();
    assert_eq!(projected["Resources"][3], json!({"schemas": [GROUP], "id": "id-4", "displayName": "staff"}));
}
