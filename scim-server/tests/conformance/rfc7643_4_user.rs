//! RFC 7643 sections 4.1 and 4.1.1: users and their singular attributes.

use crate::common::*;

/// POST of a user with one more attribute.
pub(crate) async fn post(server: &Server, name: &str, value: Value) -> Answer {
    let mut body = json!({"schemas": [USER], "userName": "ann"});
    body[name] = value;
    server.post("/Users", &body).await
}

/// Checks that a value comes back as it was sent, from the answer and from a GET.
pub(crate) async fn keeps(name: &str, value: Value) {
    for server in Server::all() {
        let created = post(&server, name, value.clone()).await.expect(201);
        assert_eq!(created.json()[name], value);
        assert_eq!(server.read("/Users", &created.id()).await[name], value);
    }
}

#[tokio::test]
async fn r7643_4_1_01_the_schema_of_a_user_is_served() {
    for server in Server::all() {
        let schema =
            server.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").await.expect(200).json();
        assert_eq!((&schema["id"], &schema["name"]), (&json!(USER), &json!("User")));
        let id = server.user(json!({"userName": "ann"})).await;
        assert_eq!(server.read("/Users", &id).await["schemas"], json!([schema["id"]]));
        assert_eq!(server.get("/ResourceTypes/User").await.json()["schema"], schema["id"]);
    }
}

#[tokio::test]
async fn r7643_4_1_1_01_a_user_name_is_required_and_not_empty() {
    for server in Server::all() {
        for body in [
            json!({"schemas": [USER]}),
            json!({"schemas": [USER], "userName": null}),
            json!({"schemas": [USER], "userName": ""}),
            json!({"schemas": [USER], "userName": "  "}),
            json!({"schemas": [USER], "displayName": "Ann"}),
        ] {
            let detail = server.post("/Users", &body).await.refused(400, "invalidValue");
            assert!(detail.contains("`userName` is required"), "{detail}");
        }
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        server.put(&path, &json!({"schemas": [USER], "userName": ""})).await.refused(400, "invalidValue");
        server.put(&path, &json!({"schemas": [USER]})).await.refused(400, "invalidValue");
        for value in [json!(null), json!(""), json!(" ")] {
            let patch = json!([{"op": "replace", "path": "userName", "value": value}]);
            server.patch(&path, patch).await.refused(400, "invalidValue");
        }
        server.patch(&path, json!([{"op": "remove", "path": "userName"}])).await.refused(400, "mutability");
        assert_eq!(server.get(&path).await.json()["userName"], "ann");
    }
}

#[tokio::test]
async fn r7643_4_1_1_02_a_user_name_is_unique_without_case() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "Ann"})).await;
        for other in ["Ann", "ann", "ANN", "\u{ff21}nn"] {
            server
                .post("/Users", &json!({"schemas": [USER], "userName": other}))
                .await
                .refused(409, "uniqueness");
        }
        let bob = format!("/Users/{}", server.user(json!({"userName": "bob"})).await);
        server.put(&bob, &json!({"schemas": [USER], "userName": "aNN"})).await.refused(409, "uniqueness");
        let patch = json!([{"op": "replace", "path": "userName", "value": "aNN"}]);
        server.patch(&bob, patch).await.refused(409, "uniqueness");
        assert_eq!(server.get(&bob).await.json()["userName"], "bob");
        // A user may change the case of its own name.
        let put = server.put(&format!("/Users/{id}"), &json!({"schemas": [USER], "userName": "ANN"})).await;
        assert_eq!(put.expect(200).json()["userName"], "ANN");
        // Only users count.
        let group = json!({"schemas": [GROUP], "displayName": "ann"});
        server.post("/Groups", &group).await.expect(201);
        assert_eq!(server.get("/Users").await.json()["totalResults"], 2);
    }
}

#[tokio::test]
async fn r7643_4_1_1_03_a_user_name_is_not_case_exact() {
    for server in Server::all() {
        server.user(json!({"userName": "Ann.L\u{fc}tz@Example.com"})).await;
        for filter in [
            "userName eq \"ann.l\u{fc}tz@example.com\"",
            "userName eq \"ANN.L\u{dc}TZ@EXAMPLE.COM\"",
            "userName sw \"aNN\"",
            "userName co \"L\u{dc}TZ\"",
            "userName ew \"EXAMPLE.com\"",
        ] {
            assert_eq!(server.names(filter).await, ["Ann.L\u{fc}tz@Example.com"], "{filter}");
        }
        assert!(server.names("userName ne \"ANN.L\u{fc}TZ@example.com\"").await.is_empty());
    }
}

#[tokio::test]
async fn r7643_4_1_1_04_a_name_comes_back_as_it_was_given() {
    keeps("name", json!({"familyName": "Jensen", "givenName": "Barbara", "honorificPrefix": "Ms."})).await;
    keeps("name", json!({"formatted": "Ms. Barbara J Jensen, III"})).await;
    keeps("name", json!({"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen"})).await;
}

/// Checks that a singular attribute keeps these values through every write, compares them as its schema says, and takes
/// no value of another type.
async fn text_of_a_form(name: &str, values: &[&str], case_exact: bool) {
    for value in values {
        keeps(name, json!(value)).await;
    }
    for server in Server::all() {
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        for value in values {
            let set = json!([{"op": "replace", "path": name, "value": value}]);
            assert_eq!(server.patch(&path, set).await.expect(200).json()[name], *value);
            let put = json!({"schemas": [USER], "userName": "ann", name: value});
            assert_eq!(server.put(&path, &put).await.expect(200).json()[name], *value);
            assert_eq!(server.names(&format!("{name} eq \"{value}\"")).await, ["ann"], "{value}");
            let other = server.names(&format!("{name} eq \"{}\"", value.to_uppercase())).await;
            assert_eq!(other.is_empty(), case_exact && value.to_uppercase() != *value, "{value}");
        }
        let before = server.get(&path).await.text;
        for wrong in [json!(5), json!(true), json!({"value": values[0]}), json!([values[0], values[0]])] {
            post(&server, name, wrong.clone()).await.refused(400, "invalidValue");
            let put = json!({"schemas": [USER], "userName": "ann", name: wrong});
            server.put(&path, &put).await.refused(400, "invalidValue");
            let set = json!([{"op": "replace", "path": name, "value": wrong}]);
            server.patch(&path, set).await.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

/// Where deviations are tolerated, what is not of the form is kept, and nothing breaks.
async fn tolerated(name: &str, values: &[&str]) {
    for value in values {
        let server = Server::new();
        let created = post(&server, name, json!(value)).await.expect(201);
        assert_eq!(server.read("/Users", &created.id()).await[name], *value);
    }
}

#[tokio::test]
async fn r7643_4_1_1_05_a_profile_url_is_a_reference() {
    let urls = ["https://login.example.com/bjensen", "https://example.org/~Ann?x=1#top"];
    text_of_a_form("profileUrl", &urls, true).await;
    tolerated("profileUrl", &["not a url", "login.example.com"]).await;
    for server in Server::all() {
        let schema = server.get(&format!("/Schemas/{USER}")).await.json();
        let attributes = schema["attributes"].as_array().unwrap();
        let url = attributes.iter().find(|a| a["name"] == "profileUrl").unwrap();
        assert_eq!((&url["type"], &url["referenceTypes"]), (&json!("reference"), &json!(["external"])));
        for wrong in [json!(5), json!({"href": "x"}), json!("https://x.org/\n"), json!("\u{0}")] {
            post(&server, "profileUrl", wrong).await.refused(400, "invalidValue");
        }
    }
}

#[tokio::test]
async fn r7643_4_1_1_06_a_preferred_language_may_be_a_list_of_ranges() {
    let languages = ["en-US, en;q=0.8, *;q=0.1", "de", "da, en-gb;q=0.8, en;q=0.7", "zh-Hant-TW"];
    text_of_a_form("preferredLanguage", &languages, false).await;
}

#[tokio::test]
async fn r7643_4_1_1_07_a_locale_is_a_language_tag() {
    text_of_a_form("locale", &["en-US", "de", "zh-Hant-TW", "en_US"], false).await;
    tolerated("locale", &["en US", "english"]).await;
    post(&Server::strict(), "locale", json!(["en"])).await.refused(400, "invalidValue");
}

#[tokio::test]
async fn r7643_4_1_1_08_a_time_zone_is_an_olson_name() {
    let zones =
        ["Europe/Berlin", "America/Los_Angeles", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"];
    text_of_a_form("timezone", &zones, false).await;
    tolerated("timezone", &["Middle/Earth", "W. Europe Standard Time"]).await;
}

#[tokio::test]
async fn r7643_4_1_1_09_active_is_a_boolean() {
    keeps("active", json!(true)).await;
    keeps("active", json!(false)).await;
    for server in Server::all() {
        server.user(json!({"userName": "on", "active": true})).await;
        let off = server.user(json!({"userName": "off", "active": false})).await;
        server.user(json!({"userName": "unsaid"})).await;
        assert_eq!(server.names("active eq true").await, ["on"]);
        assert_eq!(server.names("active eq false").await, ["off"]);
        let patch = json!([{"op": "replace", "path": "active", "value": true}]);
        assert_eq!(server.patch(&format!("/Users/{off}"), patch).await.expect(200).json()["active"], true);
        assert_eq!(server.names("active eq true").await.len(), 2);
    }
}

#[tokio::test]
async fn r7643_4_1_1_10_a_password_is_in_no_answer() {
    let secret = "t1meMa$heen-42";
    for server in Server::all() {
        let with = |name: &str| json!({"schemas": [USER], "userName": name, "password": secret});
        let created = server.post("/Users", &with("ann")).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let asked = format!("{path}?attributes=password,userName");
        let patch = json!([{"op": "replace", "path": "password", "value": format!("{secret}!")}]);
        let pathless = json!([{"op": "add", "value": {"password": secret, "title": "x"}}]);
        let search = json!({"schemas": [SEARCH], "attributes": ["password"]});
        let wrong = json!({"schemas": [USER], "userName": "x", "password": {"value": secret}});
        let answers = [
            created,
            server.post("/Users?attributes=password", &with("bob")).await.expect(201),
            server.post("/Users", &with("ann")).await.expect(409),
            server.get(&path).await.expect(200),
            server.get(&asked).await.expect(200),
            server.put(&path, &with("ann")).await.expect(200),
            server.put(&asked, &with("ann")).await.expect(200),
            server.patch(&path, patch.clone()).await,
            server.patch(&asked, patch).await,
            server.patch(&path, pathless).await,
            server.get("/Users").await.expect(200),
            server.get("/Users?attributes=password").await.expect(200),
            server.get("/?attributes=password").await.expect(200),
            server.post("/Users/.search", &search).await.expect(200),
            server.post("/.search", &search).await.expect(200),
            server.post("/Users", &wrong).await.expect(400),
            server.filter("/Users", &format!("password eq \"{secret}\"")).await,
            server.get("/Users?sortBy=password").await,
        ];
        for answer in answers {
            assert!(!answer.text.contains(secret) && !answer.text.contains("t1me"), "{answer:?}");
            assert!(!answer.text.contains("\"password\":"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn r7643_4_1_1_11_a_password_is_write_only_and_never_returned() {
    let schema = Server::new().get(&format!("/Schemas/{USER}")).await.expect(200).json();
    let attributes = schema["attributes"].as_array().unwrap();
    let password = attributes.iter().find(|a| a["name"] == "password").unwrap();
    assert_eq!((&password["mutability"], &password["returned"]), (&json!("writeOnly"), &json!("never")));
    for server in Server::all() {
        // Written by POST and PUT; no failure, and no trace. A PATCH is not told that it was set, unless that is wanted
        // (`forget_passwords`).
        let id = server.user(json!({"userName": "ann", "password": "a"})).await;
        let before = server.get(&format!("/Users/{id}")).await.text;
        assert!(!before.contains("password"));
        let patch = json!([{"op": "add", "path": "password", "value": "b"}]);
        let put = json!({"schemas": [USER], "userName": "ann", "password": "c"});
        server.put(&format!("/Users/{id}"), &put).await.expect(200);
        let answer = server.patch(&format!("/Users/{id}"), patch).await;
        if answer.status != 200 {
            answer.refused(400, "mutability");
        }
        assert_eq!(server.get(&format!("/Users/{id}")).await.text, before);
    }
}

#[tokio::test]
async fn r7643_4_1_1_12_no_password_is_kept() {
    // The strictest of hashes: what a client sets is checked and thrown away, and the server says that it does not
    // offer changing passwords.
    let folder = tempfile::tempdir().unwrap();
    let store = scim_server::store::SqliteStore::open(folder.path().join("scim.db")).unwrap();
    let server = Server::over(std::sync::Arc::new(store), |builder| builder);
    let secret = "correct-horse-battery-staple";
    let path =
        format!("/Users/{}", server.user(json!({"userName": "ann-is-stored", "password": secret})).await);
    server
        .put(&path, &json!({"schemas": [USER], "userName": "ann-is-stored", "password": secret}))
        .await
        .expect(200);
    let patch = json!([{"op": "replace", "path": "password", "value": secret}]);
    server.patch(&path, patch).await.expect(200);
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["changePassword"]["supported"], false);
    drop(server);
    let mut stored = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        stored.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds =
        |text: &str| stored.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    assert!(holds("ann-is-stored"), "this looks at what is stored");
    assert!(!holds(secret));
    for wrong in [json!(5), json!(true), json!({"value": "x"})] {
        let server = Server::strict();
        post(&server, "password", wrong).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7643_4_1_1_14_a_password_cannot_be_asked_about() {
    // Decision F20: no equality test.
    for server in Server::all() {
        server.user(json!({"userName": "ann", "password": "secret"})).await;
        for filter in [
            "password eq \"secret\"",
            "password eq \"wrong\"",
            "password pr",
            "userName eq \"ann\" and password sw \"s\"",
            "not (password eq \"secret\")",
        ] {
            server.filter("/Users", filter).await.refused(403, "sensitive");
            let search = json!({"schemas": [SEARCH], "filter": filter});
            server.post("/Users/.search", &search).await.refused(400, "invalidFilter");
            server.post("/.search", &search).await.refused(400, "invalidFilter");
            server.filter("/", filter).await.refused(403, "sensitive");
        }
    }
}
