//! RFC 7644 section 3.4.2.2: what filters find.

use crate::server::*;

/// Four users that differ in most things.
async fn people(server: &Server) {
    for body in [
        json!({"userName": "ann", "title": "Chief", "active": true, "externalId": "X1",
            "name": {"familyName": "Adler", "givenName": "Ann"},
            "emails": [{"value": "ann@work.example", "type": "work"}, {"value": "ann@home.example", "type": "home"}],
            "x509Certificates": [{"value": "MIIDQzCCAqw="}],
            ENTERPRISE: {"department": "Sales"}}),
        json!({"userName": "Bob", "title": "chief of staff", "active": false, "externalId": "x1",
            "emails": [{"value": "bob@home.example", "type": "work", "display": "office"}]}),
        json!({"userName": "cid", "name": {"givenName": "Cid"}, "nickName": ""}),
        json!({"userName": "dora", "title": "clerk", "active": true,
            "emails": [{"value": "dora@other.example", "type": "home"}]}),
    ] {
        server.user(body).await;
        server.tick();
    }
}

/// Asks every server for each filter and compares the names that are found.
async fn finds(table: &[(&str, &[&str])]) {
    for server in everywhere() {
        people(&server).await;
        for (filter, names) in table {
            assert_eq!(server.names(filter).await, *names, "{filter}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_01_only_what_matches_is_returned() {
    finds(&[
        ("userName eq \"ann\"", &["ann"]),
        ("userName eq \"an\"", &[]),
        ("title pr", &["ann", "Bob", "dora"]),
        ("id eq \"id-3\"", &["cid"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_02_names_and_operators_have_no_case() {
    finds(&[
        ("USERNAME EQ \"ann\"", &["ann"]),
        ("username Eq \"ann\" Or UserName eQ \"bob\"", &["ann", "Bob"]),
        ("Title PR AND NOT (ACTIVE eq true)", &["Bob"]),
        ("EMAILS[TYPE eq \"work\" And VALUE Co \"home\"]", &["Bob"]),
        ("NAME.GIVENNAME SW \"c\"", &["cid"]),
        ("META.RESOURCETYPE eq \"User\" and title EW \"clerk\"", &["dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_03_eq_is_identity() {
    finds(&[
        ("userName eq \"cid\"", &["cid"]),
        ("active eq true", &["ann", "dora"]),
        ("active eq false", &["Bob"]),
        ("active eq null", &["cid"]),
        ("title eq null", &["cid"]),
        ("title eq \"Chief\"", &["ann"]),
        ("title eq \"Chief \"", &[]),
        ("x509Certificates.value eq \"MIIDQzCCAqw=\"", &["ann"]),
    ])
    .await;
    for server in everywhere_with(|builder| builder.registry(things())) {
        for size in [5, 9_007_199_254_740_993_i64, -9_223_372_036_854_775_808] {
            server
                .post("/Things", &thing(json!({"serial": size.to_string(), "size": size})))
                .await
                .expect(201);
        }
        server.post("/Things", &thing(json!({"serial": "w", "weight": 1.5}))).await.expect(201);
        for (filter, serials) in [
            ("size eq 5", &["5"][..]),
            ("size eq 5.0", &["5"]),
            ("size eq 9007199254740993", &["9007199254740993"]),
            ("size eq 9007199254740992", &[]),
            ("size eq -9223372036854775808", &["-9223372036854775808"]),
            ("weight eq 1.50", &["w"]),
            ("weight eq 15e-1", &["w"]),
        ] {
            assert_eq!(
                server.filter("/Things", filter).await.expect(200).strings("serial"),
                serials,
                "{filter}"
            );
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_04_ne_is_no_identity() {
    finds(&[
        ("userName ne \"ann\"", &["Bob", "cid", "dora"]),
        ("title ne \"chief\"", &["Bob", "cid", "dora"]),
        ("active ne true", &["Bob", "cid"]),
        ("title ne null", &["ann", "Bob", "dora"]),
        // Any value that differs, and no value at all (F2).
        ("emails.type ne \"work\"", &["ann", "cid", "dora"]),
        ("not (emails.type eq \"work\")", &["cid", "dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_05_co_is_a_part() {
    finds(&[
        ("title co \"ie\"", &["ann", "Bob"]),
        ("title co \"CHIEF\"", &["ann", "Bob"]),
        ("title co \"chief of staff and more\"", &[]),
        ("emails.value co \"@home\"", &["ann", "Bob"]),
        ("externalId co \"X\"", &["ann"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_06_sw_is_a_beginning() {
    finds(&[
        ("title sw \"Chief\"", &["ann", "Bob"]),
        ("title sw \"chief of staff\"", &["Bob"]),
        ("title sw \"hief\"", &[]),
        ("userName sw \"b\"", &["Bob"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_07_ew_is_an_end() {
    finds(&[
        ("title ew \"f\"", &["ann", "Bob"]),
        ("title ew \"clerk\"", &["dora"]),
        ("title ew \"cler\"", &[]),
        ("emails.value ew \".EXAMPLE\"", &["ann", "Bob", "dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_08_pr_is_a_value_or_a_node_that_is_not_empty() {
    finds(&[
        ("title pr", &["ann", "Bob", "dora"]),
        ("name pr", &["ann", "cid"]),
        ("name.familyName pr", &["ann"]),
        ("emails pr", &["ann", "Bob", "dora"]),
        ("emails.display pr", &["Bob"]),
        ("emails[display pr]", &["Bob"]),
        ("nickName pr", &[]),
        ("groups pr", &[]),
        (&format!("{ENTERPRISE}:department pr"), &["ann"]),
        ("active pr", &["ann", "Bob", "dora"]),
        ("meta pr and id pr", &["ann", "Bob", "cid", "dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_09_order_is_that_of_the_type() {
    finds(&[
        ("userName gt \"bob\"", &["cid", "dora"]),
        ("userName ge \"bob\"", &["Bob", "cid", "dora"]),
        ("userName lt \"bob\"", &["ann"]),
        ("userName le \"BOB\"", &["ann", "Bob"]),
        ("meta.lastModified gt \"2023-11-14T22:13:21Z\"", &["cid", "dora"]),
        ("meta.created ge \"2023-11-14T22:13:21.000Z\"", &["Bob", "cid", "dora"]),
        ("meta.created lt \"2023-11-14T23:13:21+01:00\"", &["ann"]),
        ("meta.created le \"2023-11-15T00:13:21.0+02:00\"", &["ann", "Bob"]),
        ("meta.created eq \"2023-11-14T22:13:20Z\"", &["ann"]),
    ])
    .await;
    for server in everywhere_with(|builder| builder.registry(things())) {
        for (size, bought) in
            [(2, "2020-01-01T00:30:00+01:00"), (10, "2020-01-01T00:00:00Z"), (-3, "2019-12-31T23:45:00.5Z")]
        {
            let body =
                thing(json!({"serial": size.to_string(), "size": size, "weight": f64::from(size) / 4.0,
                "bought": bought}));
            server.post("/Things", &body).await.expect(201);
        }
        for (filter, serials) in [
            ("size gt 2", &["10"][..]),
            ("size lt 10", &["2", "-3"]),
            ("size le -3", &["-3"]),
            ("size ge 2.0", &["2", "10"]),
            ("weight gt 0.49", &["2", "10"]),
            ("weight lt 0.5", &["-3"]),
            ("bought lt \"2019-12-31T23:45:00Z\"", &["2"]),
            ("bought gt \"2019-12-31T23:30:00Z\"", &["10", "-3"]),
        ] {
            assert_eq!(
                server.filter("/Things", filter).await.expect(200).strings("serial"),
                serials,
                "{filter}"
            );
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_11_and_wants_both() {
    finds(&[
        ("title pr and active eq true", &["ann", "dora"]),
        ("title pr and active eq true and emails.type eq \"work\"", &["ann"]),
        ("title pr and title eq null", &[]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_12_or_wants_either() {
    finds(&[
        ("userName eq \"ann\" or userName eq \"cid\"", &["ann", "cid"]),
        ("active eq false or name pr or userName eq \"none\"", &["ann", "Bob", "cid"]),
        ("userName eq \"none\" or title eq \"none\"", &[]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_13_not_wants_the_opposite() {
    finds(&[
        ("not (userName eq \"ann\")", &["Bob", "cid", "dora"]),
        ("not (title pr)", &["cid"]),
        ("not (title pr or active eq true)", &["cid"]),
        ("not (not (title pr))", &["ann", "Bob", "dora"]),
        ("not (title gt \"a\")", &["cid"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_14_brackets_then_not_then_and_then_or() {
    finds(&[
        ("userName eq \"cid\" or title pr and active eq false", &["Bob", "cid"]),
        ("(userName eq \"cid\" or title pr) and active eq false", &["Bob"]),
        ("title pr and active eq false or userName eq \"cid\"", &["Bob", "cid"]),
        ("title pr and (active eq false or userName eq \"cid\")", &["Bob"]),
        ("not (active eq true) and title pr", &["Bob"]),
        ("not (active eq true and title pr)", &["Bob", "cid"]),
        ("not (title pr) or active eq false", &["Bob", "cid"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_15_brackets_look_at_one_value_at_a_time() {
    finds(&[
        ("emails[type eq \"work\" and value co \"home\"]", &["Bob"]),
        // Not the same: two values may share the two conditions between them.
        ("emails.type eq \"work\" and emails.value co \"home\"", &["ann", "Bob"]),
        ("emails[type eq \"home\" and value co \"work\"]", &[]),
        ("emails[type eq \"work\"].value co \"home\"", &["Bob"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_16_inside_brackets_stand_sub_attributes_and_all_of_logic() {
    finds(&[
        ("emails[type eq \"work\" or type eq \"home\"]", &["ann", "Bob", "dora"]),
        ("emails[not (type eq \"work\")]", &["ann", "dora"]),
        ("emails[(type eq \"work\" or display pr) and not (value co \"home\")]", &["ann"]),
        ("emails[type eq \"home\"] and userName ne \"dora\"", &["ann"]),
        ("not (emails[type eq \"home\"])", &["Bob", "cid"]),
    ])
    .await;
    let server = Server::tolerant();
    for wrong in
        ["emails[userName eq \"ann\"]", "emails[emails.type eq \"work\"]", "emails[type[value eq \"x\"]]"]
    {
        server.filter("/Users", wrong).await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_19_paths_take_a_schema_and_one_sub_attribute() {
    finds(&[
        (&format!("{USER}:userName eq \"ann\""), &["ann"]),
        (&format!("{USER}:name.familyName eq \"adler\""), &["ann"]),
        (&format!("{}:USERNAME eq \"ann\"", USER.to_uppercase()), &["ann"]),
        (&format!("{USER}:emails[type eq \"work\" and value co \"home\"]"), &["Bob"]),
        (&format!("{ENTERPRISE}:department eq \"sales\""), &["ann"]),
        (&format!("{USER}:meta.resourceType eq \"User\" and title eq \"clerk\""), &["dora"]),
    ])
    .await;
    let server = Server::tolerant();
    for wrong in [
        "name.givenName.first eq \"x\"",
        "urn:example:none:userName eq \"x\"",
        &format!("{GROUP}:displayName eq \"x\""),
        &format!("{ENTERPRISE}:userName eq \"x\""),
    ] {
        server.filter("/Users", wrong).await.refused(400, "invalidFilter");
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_20_one_value_of_many_is_enough() {
    finds(&[
        ("emails.value eq \"ann@home.example\"", &["ann"]),
        ("emails.value eq \"ANN@work.example\"", &["ann"]),
        ("emails.type eq \"home\"", &["ann", "dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_21_a_list_without_sub_attribute_means_value() {
    finds(&[
        ("emails co \"home.example\"", &["ann", "Bob"]),
        ("emails.value co \"home.example\"", &["ann", "Bob"]),
        ("emails eq \"dora@other.example\"", &["dora"]),
        ("emails sw \"bob\" and title pr", &["Bob"]),
    ])
    .await;
    for server in everywhere() {
        for wrong in ["name eq \"Ann\"", "name co \"A\"", "meta eq \"User\"", "addresses eq \"x\""] {
            server.filter("/Users", wrong).await.refused(400, "invalidFilter");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_22_what_the_server_fills_in_is_filtered_as_it_is_shown() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let inner = server.group("inner", &[&ann]).await;
        server.group("outer", &[&inner]).await;
        for (filter, names) in [
            ("members.type eq \"User\"", &["inner"][..]),
            ("members[type eq \"Group\"]", &["outer"]),
            ("members.type eq \"user\"", &["inner"]),
        ] {
            let found = server.filter("/Groups", filter).await.expect(200).strings("displayName");
            assert_eq!(found, names, "{filter}");
        }
        assert_eq!(server.names("groups.display eq \"inner\" and groups.type eq \"direct\"").await, ["ann"]);
        assert_eq!(server.names(&format!("groups.value eq \"{}\"", id(&inner))).await, ["ann"]);
        assert_eq!(server.names(&format!("groups.value eq \"{}\"", id(&ann))).await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_24_strings_compare_as_case_exact_says() {
    finds(&[
        ("userName eq \"BOB\"", &["Bob"]),
        ("externalId eq \"X1\"", &["ann"]),
        ("externalId eq \"x1\"", &["Bob"]),
        ("externalId sw \"x\"", &["Bob"]),
        ("externalId gt \"a\"", &["Bob"]),
        ("id eq \"ID-1\"", &[]),
        ("x509Certificates.value eq \"miidQzCCAqw=\"", &[]),
        ("title eq \"CLERK\"", &["dora"]),
    ])
    .await;
    for server in everywhere_with(|builder| builder.registry(things())) {
        server.post("/Things", &thing(json!({"exact": "Ä", "place": "Ä"}))).await.expect(201);
        for (filter, total) in
            [("exact eq \"Ä\"", 1), ("exact eq \"ä\"", 0), ("place eq \"ä\"", 1), ("exact co \"ä\"", 0)]
        {
            let found = server.filter("/Things", filter).await.expect(200).json();
            assert_eq!(found["totalResults"], total, "{filter}");
        }
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_25_schemas_can_be_asked_for() {
    finds(&[
        (&format!("schemas eq \"{ENTERPRISE}\""), &["ann"]),
        (&format!("schemas eq \"{USER}\" and active eq false"), &["Bob"]),
        (&format!("not (schemas eq \"{ENTERPRISE}\")"), &["Bob", "cid", "dora"]),
        (&format!("schemas eq \"{GROUP}\""), &[]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_28_no_value_matches_no_comparison() {
    finds(&[
        ("displayName eq \"x\"", &[]),
        ("displayName eq \"\"", &[]),
        ("displayName sw \"\"", &[]),
        ("displayName co \"\"", &[]),
        ("displayName gt \"\"", &[]),
        ("displayName le \"zzz\"", &[]),
        ("title sw \"\"", &["ann", "Bob", "dora"]),
        ("not (displayName eq \"x\")", &["ann", "Bob", "cid", "dora"]),
    ])
    .await;
}

#[tokio::test]
async fn r7644_3_4_2_2_30_total_results_count_what_matches() {
    for server in everywhere() {
        people(&server).await;
        let page = server.get("/Users?filter=title%20pr&count=1").await.expect(200).json();
        assert_eq!(page["totalResults"], 3);
        let page = server.get("/Users?filter=emails%20co%20%22example%22&count=0").await.expect(200).json();
        assert_eq!(page["totalResults"], 3);
    }
}

#[tokio::test]
async fn r7644_3_4_2_2_31_meta_can_be_asked_for() {
    let all = &["ann", "Bob", "cid", "dora"];
    finds(&[
        ("meta.resourceType eq \"User\"", all),
        ("meta.resourceType eq \"Group\"", &[]),
        ("meta.created pr", all),
        ("meta.created eq \"2023-11-14T22:13:22Z\"", &["cid"]),
        ("meta.lastModified le \"2023-11-14T22:13:20Z\"", &["ann"]),
    ])
    .await;
    for server in everywhere() {
        people(&server).await;
        let bob = server.filter("/Users", "userName eq \"bob\"").await.json()["Resources"][0].clone();
        let version = bob["meta"]["version"].as_str().unwrap().replace('"', "\\\"");
        assert_eq!(
            server.names(&format!("meta.version eq \"{version}\" and active eq false")).await,
            ["Bob"]
        );
        let location = bob["meta"]["location"].as_str().unwrap();
        assert_eq!(server.names(&format!("meta.location eq \"{location}\"")).await, ["Bob"]);
    }
}
