//! HTTP served safely by both binaries: what no honest client sends, over bare sockets, and what proxies may say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use common::http::{Answer, Client, SCIM_JSON};
use common::server::{BRIDGE, DIRECTORY, Kind, Server, bare, run, text};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const BOTH: [Kind; 2] = [Kind::Bridge, Kind::DirectorySqlite];

fn user(name: &str) -> String {
    json!({"schemas": [USER], "userName": name}).to_string()
}

/// The names of everybody that a server has.
fn names(client: &Client) -> Vec<String> {
    client.all("/Users").iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// What every answer has to keep to, whatever was asked.
fn assert_safe(what: &str, answer: &Answer) {
    for (name, value) in &answer.headers {
        assert!(!value.chars().any(char::is_control), "{what}: {name}: {value:?}");
    }
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}: {answer:?}");
    if answer.status >= 400 {
        // Also where no request has come about.
        assert_eq!(answer.json()["status"], answer.status.to_string(), "{what}: {answer:?}");
    }
    assert!(answer.body.iter().all(|&byte| byte >= b' ' || byte == b'\n'), "{what}: {:?}", answer.text());
    assert!(
        answer.body.len() < 2_000 || answer.status < 400,
        "{what}: an error of {} bytes",
        answer.body.len()
    );
}

/// Everything that comes back until the server closes the connection.
fn until_closed(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => received.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("not closed: {error}; so far {:?}", String::from_utf8_lossy(&received)),
        }
    }
    String::from_utf8_lossy(&received).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

#[test]
fn requests_whose_end_or_host_is_unclear_are_refused_and_nothing_is_smuggled() {
    for kind in BOTH {
        let server = Server::start(kind);
        let client = server.client();
        let token = server.token();
        let inner = user("smuggled@example.com");
        let smuggled = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {SCIM_JSON}\r\nContent-Length: {}\r\n\r\n{inner}",
            inner.len()
        );
        let post = |hosts: &str, framing: &str, body: &str| {
            format!(
                "POST /scim/v2/Users HTTP/1.1\r\n{hosts}Authorization: Bearer {token}\r\nContent-Type: {SCIM_JSON}\r\n{framing}\r\n{body}"
            )
        };
        let host = "Host: localhost\r\n";
        let length = |n: usize| format!("Content-Length: {n}\r\n");
        let rows = [
            ("both lengths", post(host, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
            (
                "both, the other way round",
                post(host, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
            ),
            ("two lengths", post(host, "Content-Length: 0\r\nContent-Length: 4\r\n", "")),
            ("a length with a sign", post(host, "Content-Length: +0\r\n", "")),
            ("a list of lengths", post(host, "Content-Length: 0, 4\r\n", "")),
            ("chunked, not at the end", post(host, "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
            ("an unknown coding", post(host, "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
            ("a chunk size that is none", post(host, "Transfer-Encoding: chunked\r\n", "zz\r\n\r\n")),
            ("a space before the colon", post(host, "Content-Length : 0\r\n", "")),
            ("no host", post("", &length(0), "")),
        ];
        for (what, head) in rows {
            let mut stream = client.connect().unwrap();
            stream.write_all(format!("{head}{smuggled}").as_bytes()).unwrap();
            let answer = until_closed(&mut stream);
            assert!(matches!(status(&answer), 400 | 501), "{kind:?}, {what}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{kind:?}, {what}: {answer}");
        }
        let two = post(
            "Host: localhost\r\nHost: evil.example\r\nConnection: close\r\n",
            &length(inner.len()),
            &inner,
        );
        for bytes in [
            two,
            format!(
                "GET http://a/scim/v2/Users HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
            ),
        ] {
            let answer = client.raw(bytes.as_bytes()).unwrap();
            assert_safe("two hosts", &answer);
            assert_eq!(answer.status, 400, "{kind:?}: {}", answer.text());
        }
        assert_eq!(names(&client), [""; 0], "{kind:?}");

        // A host that could not stand in a URL never becomes a part of one.
        for (n, host) in ["evil.example/x?", "a b", "user@evil.example", "\"><script>", "[::1", "a:99999"]
            .iter()
            .enumerate()
        {
            let body = user(&format!("host{n}@example.com"));
            let bytes = post(&format!("Host: {host}\r\nConnection: close\r\n"), &length(body.len()), &body);
            let answer = client.raw(bytes.as_bytes()).unwrap();
            assert_safe(host, &answer);
            let status = if *host == "a:99999" { 201 } else { 400 };
            assert_eq!(answer.status, status, "{kind:?}, {host}: {}", answer.text());
            let location = answer.header("location").unwrap_or_default();
            assert!(
                !location.contains("evil") && !location.contains(['"', '<', ' ', '@']),
                "{kind:?}: {location}"
            );
        }
    }
}

#[test]
fn heads_have_limits() {
    for kind in BOTH {
        let server = Server::start(kind);
        let client = server.client();
        let many = |n: usize| (0..n).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
        let long = |n: usize| format!("X-Long: {}\r\n", "y".repeat(n));
        for (what, target, lines, wanted) in [
            ("many headers", "/Users".to_owned(), many(60), &[200][..]),
            ("too many headers", "/Users".to_owned(), many(101), &[431]),
            ("far too many headers", "/Users".to_owned(), many(20_000), &[431]),
            ("a long header", "/Users".to_owned(), long(30_000), &[200]),
            ("too long a header", "/Users".to_owned(), long(70_000), &[431]),
            ("far too long a header", "/Users".to_owned(), long(5_000_000), &[431]),
            ("too long a path", format!("/Users/{}", "a".repeat(70_000)), String::new(), &[414, 431]),
            ("too long a query", format!("/Users?filter={}", "a".repeat(70_000)), String::new(), &[414, 431]),
            (
                "a filter over its limit",
                format!("/Users?filter={}", "a".repeat(20_000)),
                String::new(),
                &[400],
            ),
        ] {
            let head = client.head("GET", target.as_bytes(), lines.as_bytes());
            // Whoever is refused in the middle of what they send may see the connection break off before the answer.
            let Ok(answer) = client.raw(&head) else {
                assert!(head.len() > 65_536, "{kind:?}, {what}: no answer");
                continue;
            };
            assert!(wanted.contains(&answer.status), "{kind:?}, {what}: {}", answer.status);
            assert_safe(what, &answer);
        }
        assert_eq!(client.get("/Users?count=0").status, 200, "{kind:?}");
    }
}

/// All waits at once: each takes the half minute that the binaries give.
#[test]
fn whoever_is_slow_or_idle_loses_the_connection() {
    let servers = BOTH.map(Server::start);
    thread::scope(|scope| {
        for server in &servers {
            let connect = || server.client().connect().unwrap();
            let body = user("slow@example.com");
            let head = server.client().head(
                "POST",
                b"/Users",
                format!("Content-Type: {SCIM_JSON}\r\nContent-Length: {}\r\n", body.len()).as_bytes(),
            );
            // Nothing at all; half a head; a request and then nothing.
            let get = b"GET /scim/v2/ServiceProviderConfig HTTP/1.1\r\nHost: x\r\n\r\n";
            for (bytes, answers) in [(&b""[..], 0), (&head[..head.len() - 2], 0), (&get[..], 1)] {
                let mut stream = connect();
                stream.write_all(bytes).unwrap();
                scope.spawn(move || {
                    let answer = until_closed(&mut stream);
                    // NB: hyper says 408 before it closes on half a head, or nothing.
                    let got = answer.matches("HTTP/1.1 ").count();
                    assert!(got == answers || (answers == 0 && status(&answer) == 408), "{answer}");
                });
            }
            // A body that does not come.
            let mut stream = connect();
            stream.write_all(&head).unwrap();
            stream.write_all(&body.as_bytes()[..10]).unwrap();
            scope.spawn(move || {
                let answer = until_closed(&mut stream);
                assert_eq!(status(&answer), 408, "{answer}");
                let (head, detail) = answer.split_once("\r\n\r\n").unwrap();
                assert!(detail.contains("the body of the request did not arrive within 30s"), "{answer}");
                for line in
                    ["connection: close", "cache-control: no-store", "x-content-type-options: nosniff"]
                {
                    assert!(head.to_ascii_lowercase().contains(line), "{answer}");
                }
            });
        }
    });
    for server in &servers {
        assert_eq!(names(&server.client()), [""; 0], "{:?}", server.kind());
    }
}

#[test]
fn encoded_bodies_are_refused() {
    for kind in BOTH {
        let server = Server::start(kind);
        let client = server.client();
        let body = user("zip@example.com");
        for coding in ["gzip", "br", "deflate", "zstd", "gzip, identity", "x-unknown"] {
            let headers = [("Content-Type", SCIM_JSON), ("Content-Encoding", coding)];
            let answer = client.send("POST", "/Users", &headers, Some(body.as_bytes())).unwrap();
            assert_safe(coding, &answer);
            assert_eq!(answer.status, 415, "{kind:?}, {coding}: {}", answer.text());
        }
        assert_eq!(names(&client), [""; 0], "{kind:?}");
    }
}

/// Method, target behind the base path, lines of headers, body.
type Odd<'a> = (&'a str, &'a [u8], &'a [u8], &'a [u8]);

/// Control characters and bad escapes in every part of a request: refused or kept as data, never raw in a header of the
/// answer, in its body or in a line of the log.
#[test]
fn control_characters_and_bad_escapes_stay_out_of_headers_and_logs() {
    let json = b"Content-Type: application/scim+json\r\n";
    let named = |name: &str| user(name).into_bytes();
    let escapes = named("\u{0}\u{1}\u{7}\u{1b}[31m\r\nX-Evil: 1\u{7f}\u{85}\u{2028}\u{202e}@example.com");
    let filter = b"/Users?filter=userName%20eq%20%22%00%0d%0aX-Evil:%201%1b%5b31m%22".as_slice();
    let rows: Vec<Odd<'_>> = vec![
        ("GET", b"/Users/%", b"", b""),
        ("GET", b"/Users/%zz%0g", b"", b""),
        ("GET", b"/Users/%ff%fe", b"", b""),
        ("GET", b"/Users?filter=%", b"", b""),
        ("GET", b"/Users?filter=%ff", b"", b""),
        ("GET", b"/Users/%00%01%0d%0aX-Evil:%201%1b%5b31m", b"", b""),
        ("GET", b"/%0d%0aX-Evil:%201/%1b%5b31m", b"", b""),
        ("GET", filter, b"", b""),
        ("GET", b"/Users?filter=%1b%5b31m%20eq%20%22a%22", b"", b""),
        ("GET", b"/Users?attributes=%0d%0aX-Evil:%201&sortBy=%1b%00", b"", b""),
        ("GET", b"/Users?startIndex=%00%1b", b"", b""),
        ("GET", b"/Users/\x00", b"", b""),
        ("GET", b"/Users/\x1b[31m", b"", b""),
        ("GET", b"/Users/\xc3\xa9\xff", b"", b""),
        ("GET", b"/Users /x", b"", b""),
        ("G\u{1}T", b"/Users", b"", b""),
        ("EVIL%0d%0a", b"/Users", b"", b""),
        ("GET", b"/Users", b"X-A: \x00\r\n", b""),
        ("GET", b"/Users", b"X-A: \x1b[31m\r\n", b""),
        ("GET", b"/Users", b"X-A: b\r\n folded\r\n", b""),
        ("GET", b"/Users", b"X-\x01: b\r\n", b""),
        ("GET", b"/Users", b"X-Request-Id: \xff\xfe\"><script>\r\n", b""),
        ("GET", b"/Users", b"X-Request-Id: %0d%0aX-Evil: 1\r\n", b""),
        ("GET", b"/Users", b"If-None-Match: \"\x80\xff\r\n", b""),
        (
            "GET",
            b"/Users",
            b"X-Forwarded-For: \x80%00\r\nX-Forwarded-Host: %0d%0a\r\nForwarded: for=\x80\r\n",
            b"",
        ),
        ("GET", b"/Users", b"User-Agent: \xff%1b[31m\r\n", b""),
        ("POST", b"/Users", b"Content-Type: text/\x80\xff\r\n", b"{}"),
        ("POST", b"/Users", b"Content-Type: application/json\r\nContent-Encoding: \x80%1b\r\n", b"{}"),
        ("POST", b"/Users", json, &escapes),
        ("POST", b"/Users", json, b"{\"\\u0000\\u001b[31m\": 1}"),
        ("POST", b"/Users", json, b"{\"schemas\": [\"\\r\\nX-Evil: 1\\u001b\"], \"userName\": \"a\"}"),
        ("POST", b"/Users", json, b"\x00\x1b[31m"),
        ("POST", b"/Users", json, b"{\"userName\": \"raw\x00\x1b\"}"),
        ("POST", b"/Users", json, b"{\"userName\": \"\\ud800\"}"),
        (
            "PATCH",
            b"/Users/1",
            json,
            b"{\"Operations\": [{\"op\": \"\\u0000\\u001b\", \"path\": \"\\r\\nX-Evil: 1\"}]}",
        ),
        ("DELETE", b"/Users/%1b%5b31m", b"", b""),
    ];
    for (kind, variables) in [
        (Kind::Bridge, &[("OP_TRACE", "1")][..]),
        (Kind::Bridge, &[("OP_TRACE", "1"), ("OP_JSON_LOGS", "1")]),
        (Kind::DirectoryMemory, &[]),
    ] {
        let mut server = Server::start_with(kind, variables);
        let client = server.client();
        for (method, target, lines, body) in &rows {
            let what = format!("{kind:?}, {method} {}", String::from_utf8_lossy(target).escape_debug());
            let mut lines = lines.to_vec();
            if !body.is_empty() {
                lines.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            let request = [client.head(method, target, &lines), body.to_vec()].concat();
            let answer = client.raw(&request).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_safe(&what, &answer);
            assert_eq!(answer.header("x-evil"), None, "{what}");
            assert!(answer.status < 500 || answer.status == 501, "{what}: {}", answer.status);
        }
        assert_eq!(client.get("/Users?count=0").status, 200);
        assert!(server.terminate().success());
        for line in server.log().split('\n') {
            assert!(!line.chars().any(char::is_control), "{kind:?} {variables:?}: {line:?}");
            assert!(!line.starts_with("X-Evil"), "{kind:?} {variables:?}: {line:?}");
        }
    }
}

#[test]
fn every_answer_says_what_browsers_and_caches_must_not_do() {
    for kind in BOTH {
        let server = Server::start(kind);
        let client = server.client();
        let created = client.post("/Users", &serde_json::from_str(&user("wanda@example.com")).unwrap());
        let id = created.expect(201)["id"].as_str().unwrap().to_owned();
        let etag = created.header("etag").unwrap().to_owned();
        let path = format!("/Users/{id}");
        let body = user("wanda@example.com");
        let mut seen = vec![created.status];
        assert_safe("created", &created);
        let json = ("Content-Type", SCIM_JSON);
        for (method, path, headers, body) in [
            ("GET", "/Users", &[][..], None),
            ("GET", path.as_str(), &[("If-None-Match", etag.as_str())], None),
            ("HEAD", &path, &[], None),
            ("POST", "/Users", &[json], Some(body.as_str())),
            ("POST", "/Users", &[json], Some("{")),
            ("POST", "/Users", &[("Content-Type", "text/plain")], Some(&body)),
            ("PUT", &path, &[json, ("If-Match", "W/\"no\"")], Some(&body)),
            ("PUT", "/Users", &[json], Some(&body)),
            ("POST", "/Users", &[json], Some(&" ".repeat(1_100_000))),
            ("GET", "/Nope", &[], None),
            ("GET", "/Schemas?filter=id%20pr", &[], None),
            ("GET", "/Users", &[("Authorization", "Bearer wrong-token-of-nobody")], None),
            ("OPTIONS", "/Users", &[], None),
            ("TRACE", "/Users", &[], None),
            ("DELETE", &path, &[], None),
        ] {
            let answer = client.send(method, path, headers, body.map(str::as_bytes)).unwrap();
            assert_safe(&format!("{kind:?}, {method} {path}"), &answer);
            seen.push(answer.status);
        }
        for wanted in [200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415] {
            assert!(seen.contains(&wanted), "{kind:?}: no {wanted} among {seen:?}");
        }
        if kind == Kind::Bridge {
            let client = server.client_at("");
            for (client, path) in [&client, &client.anonymous()]
                .into_iter()
                .flat_map(|client| ["/", "/app", "/ping", "/health", "/nope"].map(|path| (client, path)))
            {
                assert_safe(path, &client.get(path));
            }
        }
    }
}

const FORWARDED: [(&str, &str); 4] = [
    ("X-Forwarded-Host", "id.example.com"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-For", "192.0.2.7, 127.0.0.1"),
    ("Forwarded", "host=evil.example;proto=https;for=192.0.2.9"),
];

/// Starts a server that trusts this network.
fn trusting(kind: Kind, network: Option<&'static str>) -> Server {
    match (kind, network) {
        (_, None) => Server::start(kind),
        (Kind::Bridge, Some(network)) => Server::start_with(kind, &[("OP_BRIDGE_TRUSTED_PROXIES", network)]),
        (_, Some(network)) => Server::start_as(kind, &[], &["--trust-proxy", network]),
    }
}

#[test]
fn only_trusted_proxies_are_believed() {
    for kind in BOTH {
        for (network, believed) in [
            (None, false),
            (Some("203.0.113.0/24"), false),
            (Some("127.0.0.0/8"), true),
            (Some("127.0.0.1"), true),
        ] {
            let mut server = trusting(kind, network);
            let client = server.client();
            let headers = [&FORWARDED[..], &[("Content-Type", SCIM_JSON)]].concat();
            let body = user("wanda@example.com");
            let answer = client.send("POST", "/Users", &headers, Some(body.as_bytes())).unwrap();
            answer.expect(201);
            let origin = if believed { "https://id.example.com" } else { client.origin() };
            let location = answer.header("location").unwrap();
            assert!(
                location.starts_with(&format!("{origin}/scim/v2/Users/")),
                "{kind:?} {network:?}: {location}"
            );
            assert_eq!(answer.json()["meta"]["location"], location, "{kind:?} {network:?}");
            assert!(server.terminate().success());
            // The line of the log that says who wrote names the client, and not what a stranger claims to be.
            let log = server.log();
            let client = if believed { "192.0.2.7" } else { "127.0.0.1" };
            assert!(log.contains(&format!("client=\"{client}\"")), "{kind:?} {network:?}: {log}");
            assert_eq!(log.contains("192.0.2."), believed, "{kind:?} {network:?}: {log}");
        }
    }
}

/// Starts a server with this limit of requests in a second.
fn limited(kind: Kind, requests: &'static str) -> Server {
    match kind {
        Kind::Bridge => Server::start_with(kind, &[("OP_BRIDGE_RATE_LIMIT", requests)]),
        _ => Server::start_as(kind, &[], &["--rate-limit", requests]),
    }
}

#[test]
fn requests_per_time_are_limited_with_and_without_a_token() {
    for kind in BOTH {
        let server = limited(kind, "1");
        for client in [server.client(), server.client().anonymous()] {
            let answers = (0..50).map(|_| client.get("/Users?count=0"));
            let refused = answers.into_iter().find(|answer| answer.status == 429).unwrap();
            assert_safe("the rate limit", &refused);
            assert_eq!(refused.header("retry-after"), Some("1"), "{kind:?}");
            assert!(refused.text().contains("there were more than 1 requests in 1s"), "{}", refused.text());
        }
        let server = limited(kind, "0");
        assert!((0..50).all(|_| server.client().get("/Users?count=0").status == 200), "{kind:?}");
    }
}

#[test]
fn a_base_url_wins_over_what_proxies_say() {
    let base = "https://scim.example.org/scim/v2";
    for server in [
        Server::start_with(
            Kind::Bridge,
            &[
                ("OP_BRIDGE_TRUSTED_PROXIES", "127.0.0.1"),
                ("OP_BRIDGE_BASE_URL", "https://scim.example.org/scim/v2"),
            ],
        ),
        Server::start_as(Kind::DirectoryMemory, &[], &["--trust-proxy", "127.0.0.1", "--base-url", base]),
    ] {
        let answer = server.client().send("GET", "/ServiceProviderConfig", &FORWARDED, None).unwrap();
        let location = answer.expect(200)["meta"]["location"].clone();
        assert_eq!(location, format!("{base}/ServiceProviderConfig"), "{:?}", server.kind());
    }
}

#[test]
fn what_is_no_network_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    common::server::new_session(dir.path());
    let mut bridge = common::server::bridge_command(dir.path());
    bridge.arg("serve").env("OP_BRIDGE_TRUSTED_PROXIES", "10.0.0.0/8,proxy.example.com");
    let mut directory = bare(DIRECTORY);
    directory.args([
        "--token",
        "a-token-of-tests",
        "--listen",
        "127.0.0.1:0",
        "--trust-proxy",
        "proxy.example.com",
    ]);
    for mut command in [bridge, directory] {
        let output = run(&mut command);
        assert!(!output.status.success());
        let said = text(&output);
        assert!(said.contains("`proxy.example.com` is no network; write one as `10.0.0.0/8`"), "{said}");
    }
    for (program, arguments, option) in [
        (BRIDGE, &["serve", "--help"][..], "OP_BRIDGE_TRUSTED_PROXIES"),
        (DIRECTORY, &["--help"], "--trust-proxy <CIDR>"),
        (DIRECTORY, &["--help"], "--audit <FILE>"),
        (BRIDGE, &["serve", "--help"], "OP_BRIDGE_RATE_LIMIT"),
        (DIRECTORY, &["--help"], "--rate-limit <REQUESTS>"),
    ] {
        let help = text(&run(bare(program).args(arguments)));
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn the_directory_keeps_an_audit_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit.jsonl");
    let mut server = Server::start_as(Kind::DirectoryMemory, &[], &["--audit", file.to_str().unwrap()]);
    let client = server.client();
    let body: Value = serde_json::from_str(&user("wanda@example.com")).unwrap();
    let id = client.post("/Users", &body).expect(201)["id"].as_str().unwrap().to_owned();
    client.post("/Users", &body).expect(409);
    client.get("/Users").expect(200);
    client
        .post("/Users/.search", &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}))
        .expect(200);
    client.delete(&format!("/Users/{id}")).expect(204);
    assert!(server.terminate().success());
    let text = std::fs::read_to_string(&file).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let short: Vec<_> = events
        .iter()
        .map(|event| (event["method"].as_str().unwrap(), event["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(short, [("POST", 201), ("POST", 409), ("DELETE", 204)], "{text}");
    assert_eq!((&events[0]["resource_id"], &events[2]["resource_id"]), (&json!(id), &json!(id)));
    for event in &events {
        assert_eq!(
            (&event["principal"], &event["client"]),
            (&json!("client"), &json!("127.0.0.1")),
            "{event}"
        );
    }
    assert!(!text.contains("wanda") && !text.contains(server.token()), "{text}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // A second start goes on where the first has ended.
    let mut server = Server::start_as(Kind::DirectoryMemory, &[], &["--audit", file.to_str().unwrap()]);
    server.client().post("/Users", &body).expect(201);
    assert!(server.terminate().success());
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 4);
}

#[test]
fn the_bridge_logs_who_wrote_what() {
    let mut server = Server::start_with(Kind::Bridge, &[("OP_JSON_LOGS", "1")]);
    let client = server.client();
    let body: Value = serde_json::from_str(&user("wanda@example.com")).unwrap();
    let id = client.post("/Users", &body).expect(201)["id"].as_str().unwrap().to_owned();
    server.client_at("").get("/health").expect(200);
    assert!(server.terminate().success());
    let lines = server.log();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events: Vec<Value> = lines.filter(|line| line["target"] == "scim_server::audit").collect();
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    assert_eq!(
        (&event["method"], &event["route"], &event["status"]),
        (&json!("POST"), &json!("/Users"), &json!(201))
    );
    assert_eq!((&event["resource_id"], &event["client"]), (&json!(id), &json!("127.0.0.1")), "{event}");
}
