use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use scim_server::layer::auth::jwt::{FetchKeys as _, HttpKeys};

const SET: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// A server that gives one answer.
fn once(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let _ = stream.write_all(answer.as_bytes());
    });
    url
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn keys_come_over_http() {
    let keys = HttpKeys::new(&once(answer("200 OK", "cache-control: public, max-age=60\r\n", SET))).unwrap();
    assert_eq!(format!("{:?}", keys.fetch().await.unwrap()), "{\"ed-1\"}");
    // Nobody listens any more.
    keys.fetch().await.unwrap_err();
}

#[tokio::test]
async fn bad_answers_are_errors() {
    for (answer, words) in [
        (answer("200 OK", "", "no JSON"), "no JWK Set"),
        (answer("200 OK", "", "{\"keys\": []}"), "no public key"),
        (answer("500 Oops", "", SET), "500"),
        (answer("302 Found", "location: http://127.0.0.1:1/\r\n", SET), "302"),
        (answer("200 OK", "", &" ".repeat(300_000)), ""),
        ("nonsense".to_owned(), ""),
    ] {
        let error = HttpKeys::new(&once(answer)).unwrap().fetch().await.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn only_urls_that_can_be_trusted() {
    for good in ["https://login.example.com/keys", "http://localhost:1/keys", "http://[::1]/keys"] {
        HttpKeys::new(good).unwrap();
    }
    for bad in [
        "",
        "/keys",
        "login.example.com",
        "http://login.example.com/keys",
        "file:///etc/passwd",
        "https:///x",
    ] {
        assert!(HttpKeys::new(bad).is_err(), "{bad}");
    }
}
