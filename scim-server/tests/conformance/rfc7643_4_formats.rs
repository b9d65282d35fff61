//! RFC 7643 sections 4.1.1 and 4.1.2: texts whose form the RFC describes in words. Strict mode insists on it; what
//! tolerant mode keeps is counted by a flag.

use crate::common::*;

async fn strictly(name: &str, good: &[Value], bad: &[Value]) {
    for value in good {
        let server = Server::strict();
        let mut user = json!({"schemas": [USER], "userName": "ann"});
        user[name] = value.clone();
        assert_eq!(&server.post("/Users", &user).await.expect(201).json()[name], value);
    }
    for value in bad {
        let mut user = json!({"schemas": [USER], "userName": "ann"});
        user[name] = value.clone();
        let server = Server::strict();
        server.post("/Users", &user).await.refused(400, "invalidValue");
        let id = server.user(json!({"userName": "bob"})).await;
        let path = format!("/Users/{id}");
        server.put(&path, &user).await.refused(400, "invalidValue");
        let patch = json!([{"op": "replace", "path": name, "value": value}]);
        server.patch(&path, patch).await.refused(400, "invalidValue");
        assert_eq!(&Server::new().post("/Users", &user).await.expect(201).json()[name], value);
    }
}

#[tokio::test]
async fn r7643_4_1_1_05_strictly_a_profile_url_is_a_url() {
    let good = [json!("https://login.example.com/bjensen"), json!("http://example.com:8080/~b?x=%20#y")];
    let bad = [
        json!("www.example.com/ann"),
        json!("/ann"),
        json!("https://example.com/a b"),
        json!("https://x.org/\u{e9}"),
    ];
    strictly("profileUrl", &good, &bad).await;
}

#[tokio::test]
async fn r7643_4_1_1_06_strictly_a_preferred_language_is_as_in_accept_language() {
    let good = [json!("en-US"), json!("da, en-gb;q=0.8, en;q=0.7"), json!("*"), json!("en_US")];
    let bad = [json!("English (US)"), json!("en;q=2"), json!("en,,de"), json!("en;de")];
    strictly("preferredLanguage", &good, &bad).await;
}

#[tokio::test]
async fn r7643_4_1_1_07_strictly_a_locale_is_a_language_tag() {
    let good = [json!("en-US"), json!("zh-Hant-TW"), json!("en_US"), json!("de-CH-1996")];
    let bad = [json!("en-US.UTF-8"), json!("en, de"), json!("en-"), json!("9")];
    strictly("locale", &good, &bad).await;
}

#[tokio::test]
async fn r7643_4_1_1_08_strictly_a_time_zone_is_an_olson_name() {
    let good = [
        json!("America/Los_Angeles"),
        json!("America/Argentina/Buenos_Aires"),
        json!("Etc/GMT+5"),
        json!("UTC"),
    ];
    let bad = [json!("Pacific Standard Time"), json!("+01:00"), json!("Europe/Springfield"), json!("Europe")];
    strictly("timezone", &good, &bad).await;
}

#[tokio::test]
async fn r7643_4_1_2_04_strictly_a_photo_is_a_url() {
    let good = [
        json!([{"value": "https://photos.example.com/a.png", "type": "photo"}]),
        json!([{"value": "data:image/png;base64,AAAA"}]),
    ];
    let bad = [json!([{"value": "ann.png", "type": "photo"}]), json!([{"value": "\\\\server\\ann.png"}])];
    strictly("photos", &good, &bad).await;
}
