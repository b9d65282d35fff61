//! RFC 7643 section 4.1.2: the multi-valued attributes of users.

use crate::common::*;
use crate::rfc7643_4_user::{keeps, post};

#[tokio::test]
async fn e_mail_addresses_compare_without_case_and_may_be_none() {
    for server in Server::all() {
        let emails = json!([{"value": "Ann@EXAMPLE.com", "type": "work"}]);
        let id = server.user(json!({"userName": "ann", "emails": emails})).await;
        assert_eq!(server.read("/Users", &id).await["emails"], emails, "C18: as it came");
        for filter in [
            "emails.value eq \"ann@example.com\"",
            "emails eq \"ANN@example.COM\"",
            "emails[value ew \"@Example.com\"]",
        ] {
            assert_eq!(server.names(filter).await, ["ann"], "{filter}");
        }
        // One address in another case is the one that is there: nothing is added, and it is what a filter selects.
        let path = format!("/Users/{id}");
        let same =
            json!([{"op": "add", "path": "emails", "value": [{"value": "ann@example.COM", "type": "work"}]}]);
        assert_eq!(server.patch(&path, same).await.expect(200).json()["emails"], emails);
        let name =
            json!([{"op": "add", "path": "emails[value eq \"ANN@example.com\"].display", "value": "A"}]);
        assert_eq!(server.patch(&path, name).await.expect(200).json()["emails"][0]["display"], "A");
        let gone = json!([{"op": "remove", "path": "emails[value eq \"ann@EXAMPLE.com\"]"}]);
        assert_eq!(server.patch(&path, gone).await.expect(200).json().get("emails"), None);
        // Another mailbox is another, and two people may share one.
        let emails = json!([{"value": "ann@example.com"}, {"value": "ann@example.org"}]);
        for name in ["bob", "cid"] {
            let path = format!("/Users/{}", server.user(json!({"userName": name, "emails": emails})).await);
            assert_eq!(server.get(&path).await.json()["emails"], emails);
        }
    }
    let addresses =
        ["ann+scim@example.com", "\"ann lee\"@example.com", "ann@[192.0.2.1]", "änn@bücher.example"];
    // What never was a mailbox is kept as well: identity providers send such things, and the user is to be there all the same.
    let none = ["ann", "ann@", "@example.com", "a b@@example..com"];
    let addresses = addresses.iter().chain(&none);
    let emails: Vec<Value> = addresses.map(|address| json!({"value": address})).collect();
    keeps("emails", json!(emails)).await;
}

#[tokio::test]
async fn r7643_4_1_2_02_phone_numbers_are_tel_uris() {
    keeps("phoneNumbers", json!([{"value": "tel:+1-201-555-0123", "type": "work"}])).await;
    keeps("phoneNumbers", json!([{"value": "tel:7042;phone-context=example.com", "type": "mobile"}])).await;
    for server in Server::all() {
        server.user(json!({"userName": "bob", "phoneNumbers": [{"value": "tel:+1-201-555-0123"}]})).await;
        assert_eq!(server.names("phoneNumbers.value eq \"TEL:+1-201-555-0123\"").await, ["bob"]);
    }
    // Every form of RFC 3966 is kept as it came, digit by digit and with all its parameters; so is what is none, which
    // cannot be made one without the country that it is from.
    let forms = [
        "tel:+12015550123",
        "tel:+1-201-555-0123;ext=4711",
        "tel:+358-555-1234567;postd=pp22",
        "tel:863-1234;phone-context=+1-914-555",
        "tel:+1(201)555.0123;isub=ABC%20d",
        "+1 201 555 0123",
        "(201) 555-0123",
        "911",
    ];
    let numbers: Vec<Value> = forms.iter().map(|form| json!({"value": form, "type": "work"})).collect();
    keeps("phoneNumbers", json!(numbers)).await;
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "phoneNumbers": numbers})).await;
        let path = format!("/Users/{id}");
        for form in forms {
            assert_eq!(
                server.names(&format!("phoneNumbers.value eq {}", json!(form))).await,
                ["ann"],
                "{form}"
            );
            // What is there already is not added again, and one number is changed without the others.
            let again =
                json!([{"op": "add", "path": "phoneNumbers", "value": [{"value": form, "type": "work"}]}]);
            let shown = server.patch(&path, again).await.expect(200).json();
            assert_eq!(shown["phoneNumbers"], json!(numbers), "{form}");
        }
        let other = json!([{"op": "replace", "path": format!("phoneNumbers[value eq {}].value", json!(forms[1])),
            "value": "tel:+44-20-7946-0000"}]);
        let shown = server.patch(&path, other).await.expect(200).json();
        let mut expected = json!(numbers);
        expected[1]["value"] = json!("tel:+44-20-7946-0000");
        assert_eq!(shown["phoneNumbers"], expected);
    }
}

#[tokio::test]
async fn r7643_4_1_2_03_instant_messaging_addresses_compare_without_case() {
    for server in Server::all() {
        let ims = json!([{"value": "SomeAimHandle", "type": "aim"}]);
        let id = server.user(json!({"userName": "ann", "ims": ims})).await;
        let shown = server.read("/Users", &id).await["ims"][0]["value"].as_str().unwrap().to_owned();
        assert!(shown.eq_ignore_ascii_case("someaimhandle"));
        assert_eq!(server.names("ims.value eq \"someaimhandle\"").await, ["ann"]);
        // One account, however it is spelled: it is not there twice, not added again, and is what a filter selects.
        let path = format!("/Users/{id}");
        let twice =
            json!([{"value": "SOMEAIMHANDLE", "type": "aim"}, {"value": "someAimHandle", "type": "AIM"}]);
        let bob = server.user(json!({"userName": "bob", "ims": twice})).await;
        assert_eq!(server.read("/Users", &bob).await["ims"].as_array().unwrap().len(), 1);
        let again =
            json!([{"op": "add", "path": "ims", "value": [{"value": "someaimhandle", "type": "aim"}]}]);
        assert_eq!(server.patch(&path, again).await.expect(200).json()["ims"], ims);
        for filter in ["ims[type eq \"AIM\" and value sw \"someaim\"]", "ims co \"AIMHANDLE\""] {
            assert_eq!(server.names(filter).await, ["ann", "bob"], "{filter}");
        }
        // The same name elsewhere is another account, and blanks within one are part of it.
        let more = json!([{"op": "add", "path": "ims", "value": [
            {"value": "someaimhandle", "type": "xmpp"}, {"value": "some aim handle", "type": "aim"}]}]);
        let shown = server.patch(&path, more).await.expect(200).json();
        assert_eq!(shown["ims"].as_array().unwrap().len(), 3, "{shown}");
        let gone = json!([{"op": "remove", "path": "ims[value eq \"SOMEaimHANDLE\" and type eq \"aim\"]"}]);
        let shown = server.patch(&path, gone).await.expect(200).json();
        assert_eq!(
            shown["ims"],
            json!([{"value": "someaimhandle", "type": "xmpp"}, {"value": "some aim handle", "type": "aim"}])
        );
    }
}

#[tokio::test]
async fn r7643_4_1_2_04_photos_are_external_references() {
    keeps(
        "photos",
        json!([{"value": "https://photos.example.com/profilephoto/72930000000Ccne/F", "type": "photo"}]),
    )
    .await;
    let photo = "https://photos.example.com/profilephoto/72930000000Ccne/F";
    for server in Server::all() {
        let photos = json!([{"value": photo, "type": "photo"}, {"value": format!("{photo}.small"), "type": "thumbnail"}]);
        let path = format!("/Users/{}", server.user(json!({"userName": "bob", "photos": photos})).await);
        assert_eq!(
            server.names(&format!("photos[type eq \"photo\" and value eq \"{photo}\"]")).await,
            ["bob"]
        );
        assert!(server.names(&format!("photos.value eq \"{}\"", photo.to_uppercase())).await.is_empty());
        let moved = json!([{"op": "replace", "path": "photos[type eq \"thumbnail\"].value", "value": photo}]);
        assert_eq!(server.patch(&path, moved).await.expect(200).json()["photos"][1]["value"], photo);
        let before = server.get(&path).await.text;
        for wrong in [json!(5), json!({"href": photo}), json!("https://x.org/\n"), json!("\u{0}")] {
            post(&server, "photos", json!([{"value": wrong}])).await.refused(400, "invalidValue");
            let set = json!([{"op": "replace", "path": "photos[type eq \"photo\"].value", "value": wrong}]);
            server.patch(&path, set).await.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
    let schema = Server::new().get(&format!("/Schemas/{USER}")).await.json();
    let photos = schema["attributes"].as_array().unwrap().iter().find(|a| a["name"] == "photos").unwrap();
    let value = photos["subAttributes"].as_array().unwrap().iter().find(|a| a["name"] == "value").unwrap();
    assert_eq!((&value["type"], &value["referenceTypes"]), (&json!("reference"), &json!(["external"])));
    let words = format!("{} {}", photos["description"], value["description"]).to_lowercase();
    assert!(words.contains("photo") || words.contains("image"), "{words}");
}

#[tokio::test]
async fn r7643_4_1_2_05_a_country_is_a_code_of_two_letters() {
    keeps("addresses", json!([{"country": "US", "type": "work"}])).await;
    for wrong in ["USA", "Germany", "D", "U1", "\u{dc}S"] {
        let strict = Server::strict();
        let detail =
            post(&strict, "addresses", json!([{"country": wrong}])).await.refused(400, "invalidValue");
        assert!(detail.contains("country") && detail.contains("two letters"), "{detail}");
        let path = format!(
            "/Users/{}",
            strict.user(json!({"userName": "bob", "addresses": [{"country": "DE"}]})).await
        );
        let patch =
            json!([{"op": "replace", "path": "addresses[country eq \"DE\"].country", "value": wrong}]);
        strict.patch(&path, patch).await.refused(400, "invalidValue");
        // Decision C22: tolerated by default.
        let created = post(&Server::new(), "addresses", json!([{"country": wrong}])).await.expect(201);
        assert_eq!(created.json()["addresses"][0]["country"], wrong);
    }
}

#[tokio::test]
async fn r7643_4_1_2_06_memberships_are_changed_through_the_group() {
    for server in Server::all() {
        let group = server.group("crew", &[]).await;
        let claimed = json!([{"value": group, "display": "crew"}]);
        let body = json!({"schemas": [USER], "userName": "ann", "groups": claimed});
        let path = format!("/Users/{}", server.post("/Users", &body).await.expect(201).id());
        let groups = async || server.get(&path).await.json().get("groups").cloned();
        assert_eq!(groups().await, None);
        server.put(&path, &body).await.expect(200);
        assert_eq!(groups().await, None);
        for operation in [
            json!({"op": "add", "path": "groups", "value": claimed}),
            json!({"op": "replace", "path": "groups", "value": claimed}),
        ] {
            server.patch(&path, json!([operation])).await.refused(400, "mutability");
        }
        assert!(server.read("/Groups", &group).await.get("members").is_none());
        // Through the group it works, and nothing that is done to the user takes it away.
        let user = path.trim_start_matches("/Users/");
        let add = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
        server.patch(&format!("/Groups/{group}"), add).await.expect(200);
        server.put(&path, &json!({"schemas": [USER], "userName": "ann", "groups": []})).await.expect(200);
        for path_in_user in ["groups", &format!("groups[value eq \"{group}\"]")] {
            let remove = json!([{"op": "remove", "path": path_in_user}]);
            server.patch(&path, remove).await.refused(400, "mutability");
        }
        assert_eq!(groups().await.unwrap()[0]["value"], json!(group));
    }
}

#[tokio::test]
async fn r7643_4_1_2_07_groups_name_the_group_and_its_uri() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann"})).await;
        let group = server.group("crew", &[&id]).await;
        let groups = server.read("/Users", &id).await["groups"].clone();
        assert_eq!(groups.as_array().map(Vec::len), Some(1));
        assert_eq!(groups[0]["value"], json!(group));
        let followed = server.get(&path_of(&groups[0]["$ref"])).await.expect(200).json();
        assert_eq!((&followed["id"], &followed["meta"]["resourceType"]), (&json!(group), &json!("Group")));
        let named = server.get(&format!("/Users/{id}?attributes=groups.display")).await.expect(200).json();
        assert_eq!(named["groups"], json!([{"display": "crew"}]));
        assert_eq!(server.names(&format!("groups.value eq \"{group}\"")).await, ["ann"]);
        server.delete(&format!("/Groups/{group}")).await.expect(204);
        assert_eq!(server.read("/Users", &id).await.get("groups"), None);
    }
}

#[tokio::test]
async fn r7643_4_1_2_08_memberships_are_direct_or_indirect() {
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann"})).await;
        let inner = server.group("inner", &[&id]).await;
        let outer = server.group("outer", &[&inner]).await;
        let groups = server.read("/Users", &id).await["groups"].clone();
        for group in groups.as_array().unwrap() {
            let expected = if group["value"] == json!(inner) { "direct" } else { "indirect" };
            assert_eq!(group["type"], expected, "{group}");
            assert!(group["value"] == json!(inner) || group["value"] == json!(outer));
        }
        assert_eq!(server.names("groups[type eq \"direct\"]").await, ["ann"]);
        let direct = format!("groups[type eq \"direct\" and value eq \"{inner}\"]");
        assert_eq!(server.names(&direct).await, ["ann"]);
        let not_direct = format!("groups[type eq \"direct\" and value eq \"{outer}\"]");
        assert!(server.names(&not_direct).await.is_empty());
        assert!(groups.as_array().unwrap().iter().any(|group| group["value"] == json!(inner)));
    }
}

#[tokio::test]
async fn r7643_4_1_2_09_a_certificate_is_der_in_base64() {
    // The certificate of section 8.2, byte for byte.
    let example: Value =
        serde_json::from_str(include_str!("../../../scim-core/tests/data/rfc7643-8.2-user-full.json"))
            .unwrap();
    let certificate = example["x509Certificates"][0]["value"].as_str().unwrap();
    assert!(certificate.starts_with("MIID") && certificate.len() == 1120);
    keeps("x509Certificates", json!([{"value": certificate}])).await;
    for server in Server::all() {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----");
        post(&server, "x509Certificates", json!([{"value": pem}])).await.refused(400, "invalidValue");
    }
}
