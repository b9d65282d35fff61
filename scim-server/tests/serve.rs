//! The server on real sockets: what honest and hostile clients see of limits and time-outs.
#![cfg(all(feature = "serve", feature = "memory"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::MemoryStore;
use scim_server::{Body, Limits, PeerAddr, ScimService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tower::service_fn;

/// Longer than anything here takes, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);
const GET: &str = "GET /Users HTTP/1.1\r\nHost: example.com\r\n\r\n";

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start(options: ServeOptions) -> Running {
    start_with(
        options,
        ScimService::builder(MemoryStore::new()).limits(Limits::default().with_body(10_000)).build(),
    )
    .await
}

async fn start_with<S>(options: ServeOptions, service: S) -> Running
where
    S: tower::Service<Request<hyper::body::Incoming>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(serve(listener, service, options, async move { drop(stopped.await) }));
    Running { address, stop, task }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read =
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server hangs");
    if let Err(error) = read {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8(bytes).unwrap()
}

/// Reads one answer with a Content-Length.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |n| n.parse().unwrap()) {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let n =
            tokio::time::timeout(PATIENCE, stream.read(&mut chunk)).await.expect("the server hangs").unwrap();
        assert!(n > 0, "closed early: {text}");
        bytes.extend_from_slice(&chunk[..n]);
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"NAME"}"#;

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = start(ServeOptions::default()).await;
    let mut stream = server.connect().await;
    for n in 0..3 {
        stream.write_all(post(&USER.replace("NAME", &format!("u{n}"))).as_bytes()).await.unwrap();
        assert_eq!(status(&read_answer(&mut stream).await), 201);
    }
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.contains("\"totalResults\":3"));
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_order_also_after_a_refusal() {
    let server = start(ServeOptions::default()).await;
    let last = "GET /Nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let all = format!("{}{}{}{last}", post("{"), post(&USER.replace("NAME", "a")), GET);
    let answers = server.exchange(all).await;
    let statuses: Vec<u16> = answers.split("HTTP/1.1 ").skip(1).map(|a| a[..3].parse().unwrap()).collect();
    assert_eq!(statuses, [400, 201, 200, 404]);
}

#[tokio::test]
async fn http_1_0_is_served_without_a_host() {
    let server = start(ServeOptions::default()).await;
    let answer = server.exchange("GET /ServiceProviderConfig HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("\"location\":\"/ServiceProviderConfig\""), "{answer}");
}

#[tokio::test]
async fn a_host_is_needed_once() {
    let server = start(ServeOptions::default()).await;
    let none = server.exchange("GET /Users HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&none), 400);
    assert!(none.contains("the header Host is missing"), "{none}");
    let two = server.exchange("GET /Users HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&two), 400);
}

#[tokio::test]
async fn a_host_is_the_name_of_a_server() {
    let server = start(ServeOptions::default()).await;
    let ask = async |host: &str, version: &str| {
        let request = format!("GET /Users HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        server.exchange(request).await
    };
    for host in [
        "a b",
        "foo/bar",
        "user@x",
        "x?y",
        "x#y",
        "\"><script>",
        "[::1",
        "[x]",
        "[::1]x",
        "a:b",
        ":80",
        "a:80:80",
        "%zz",
        "\u{e9}",
    ] {
        let answer = ask(host, "1.1").await;
        assert_eq!(status(&answer), 400, "{host}: {answer}");
        assert!(answer.contains("is no host, with or without a port"), "{answer}");
        assert_eq!(status(&ask(host, "1.0").await), 400, "{host}");
    }
    assert_eq!(status(&ask("", "1.1").await), 400);
    assert_eq!(status(&ask("", "1.0").await), 200);
    for host in [
        "example.com",
        "EXAMPLE.com:8443",
        "a_b.example",
        "192.0.2.1:80",
        "[2001:db8::1]:80",
        "[::1]",
        "a:",
        "a~b",
        "a%41",
    ] {
        assert_eq!(status(&ask(host, "1.1").await), 200, "{host}");
    }
    let absolute = "GET http://user@x/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.exchange(absolute).await), 400);
}

#[tokio::test]
async fn heads_that_are_too_large_or_no_http() {
    let options = ServeOptions::default().with_max_head_bytes(4096).with_max_headers(20);
    let server = start(options).await;
    let long = format!("GET /Users HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(5000));
    assert_eq!(status(&server.exchange(long).await), 431);
    let endless = format!("GET /Users HTTP/1.1\r\nHost: x\r\nX-Long: {}", "a".repeat(100_000));
    assert_eq!(status(&server.exchange(endless).await), 431);
    let many = format!("GET /Users HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(30));
    assert_eq!(status(&server.exchange(many).await), 431);
    let fits =
        format!("GET /Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n", "A: b\r\n".repeat(10));
    assert_eq!(status(&server.exchange(fits).await), 200);
    for garbage in
        ["\x16\x03\x01\x02\x00\x01\x00\x01", "HELO example.com\r\n\r\n", "GET  /Users HTTP/1.1\r\n\r\n"]
    {
        let answer = server.exchange(garbage).await;
        assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    }
}

/// The body of an answer, which says everything that errors say elsewhere.
fn assert_is_error(answer: &str, wanted: u16) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
    assert_eq!(status(head), wanted, "{answer}");
    for line in [
        "content-type: application/scim+json",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "connection: close",
        &format!("content-length: {}", body.len()),
    ] {
        assert!(head.lines().any(|known| known == line), "{line}: {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["status"], wanted.to_string());
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
}

#[tokio::test]
async fn what_is_no_request_gets_an_error_with_a_body() {
    let server = start(ServeOptions::default().with_max_head_bytes(4096).with_max_headers(20)).await;
    let long = "a".repeat(5000);
    let many = "A: b\r\n".repeat(30);
    for (bytes, wanted) in [
        (format!("GET /Users HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"), 431),
        (format!("GET /Users HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
        ("GET  /Users HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("G\u{1}T /Users HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("POST /Users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(), 400),
    ] {
        assert_is_error(&server.exchange(&bytes).await, wanted);
        // Also after a request that was well.
        let mut stream = server.connect().await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert_eq!(status(&read_answer(&mut stream).await), 200);
        stream.write_all(bytes.as_bytes()).await.unwrap();
        assert_is_error(&read_to_end(&mut stream).await, wanted);
    }
    // What a service says is left as it is.
    let terse = service_fn(|_: Request<scim_server::serve::Incoming>| async {
        let response =
            http::Response::builder().status(400).header("connection", "close").body(Body::empty());
        Ok::<_, Infallible>(response.unwrap())
    });
    let server = start_with(ServeOptions::default(), terse).await;
    let answer = server.exchange(GET).await;
    assert!(answer.ends_with("\r\n\r\n") && !answer.contains("scim"), "{answer}");
}

#[tokio::test]
async fn whoever_is_refused_while_sending_reads_why() {
    let refuse = service_fn(|_: Request<hyper::body::Incoming>| async {
        let error = scim_core::ScimError::new(401, "who are you?");
        Ok::<_, Infallible>(scim_server::error::error_response(&error))
    });
    let server = start_with(ServeOptions::default(), refuse).await;
    for size in [0, 10, 100_000, 900_000] {
        let last = "GET /Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = server.exchange(format!("{}{last}", post(&"x".repeat(size)))).await;
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("who are you?"), "{size}: {answer}");
    }
    // Nobody is waited for for long, and who sends for ever is cut off.
    let server = start_with(ServeOptions::default().with_linger(SHORT), refuse).await;
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    assert!(server.exchange(head).await.contains("who are you?"));
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut sent = 0;
    while stream.write_all(&[b'x'; 4096]).await.is_ok() {
        sent += 4096;
        assert!(sent < 100_000_000, "nobody stops the client");
    }
}

#[tokio::test]
async fn two_lengths_are_refused_and_nothing_is_smuggled() {
    let server = start(ServeOptions::default()).await;
    let hidden = "GET /Groups HTTP/1.1\r\nHost: x\r\n\r\n";
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
    ] {
        let answer = server.exchange(format!("{head}{lengths}\r\n0\r\n\r\n{hidden}")).await;
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{lengths}: {answer}");
        assert!(!answer.contains("ListResponse"), "{lengths}: {answer}");
    }
}

#[tokio::test]
async fn a_length_that_is_said_in_two_ways_is_refused() {
    let server = start(ServeOptions::default()).await;
    let body = USER.replace("NAME", "a");
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\n";
    let length = format!("Content-Length: {}\r\n", chunked.len());
    for both in
        [format!("{length}Transfer-Encoding: chunked\r\n"), format!("transfer-encoding: CHUNKED\r\n{length}")]
    {
        // Behind a request that is as it should be.
        let all = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunked}{head}{both}\r\n{chunked}{GET}");
        let answers = server.exchange(all.replacen("\"a\"", "\"b\"", 1)).await;
        let statuses: Vec<u16> =
            answers.split("HTTP/1.1 ").skip(1).map(|a| a[..3].parse().unwrap()).collect();
        assert!(statuses.ends_with(&[400]) && statuses.len() == 2, "{answers}");
        assert!(answers.contains("both Content-Length and Transfer-Encoding"), "{answers}");
    }
}

#[tokio::test]
async fn transfer_codings_but_one_chunked_are_refused() {
    let server = start(ServeOptions::default()).await;
    let body = USER.replace("NAME", "a");
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\n";
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "identity, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "gzip\r\nTransfer-Encoding: chunked",
    ] {
        let answer =
            server.exchange(format!("{head}Transfer-Encoding: {coding}\r\n\r\n{chunked}{GET}")).await;
        assert_is_error(&answer, 400);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{coding}: {answer}");
        assert!(answer.contains("other than one `chunked`"), "{coding}: {answer}");
    }
    let close = "Connection: close\r\n";
    let answer = server.exchange(format!("{head}{close}Transfer-Encoding: Chunked\r\n\r\n{chunked}")).await;
    assert_eq!(status(&answer), 201, "none of the others has made the user: {answer}");
}

#[tokio::test]
async fn a_fragment_is_refused() {
    let server = start(ServeOptions::default()).await;
    for target in ["/Users#frag", "/Users?count=1#", "http://x/Users#frag"] {
        let answer = server.exchange(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n{GET}")).await;
        assert_is_error(&answer, 400);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{target}: {answer}");
        assert!(answer.contains("has a `#`"), "{target}: {answer}");
    }
}

/// Whoever asks could otherwise have the locations that others see begin with a scheme that nobody serves.
#[tokio::test]
async fn the_scheme_of_the_request_line_is_not_believed() {
    let server = start(ServeOptions::default()).await;
    for scheme in ["http", "https", "ftp"] {
        let target = format!("{scheme}://example.com/ServiceProviderConfig");
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request).await;
        assert_eq!(status(&answer), 200, "{scheme}: {answer}");
        let location = "\"location\":\"http://example.com/ServiceProviderConfig\"";
        assert!(answer.contains(location), "{scheme}: {answer}");
    }
}

#[tokio::test]
async fn the_service_learns_who_is_at_the_other_end() {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let told = Arc::clone(&seen);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        *told.lock().unwrap() = request.extensions().get::<PeerAddr>().copied();
        std::future::ready(Ok(http::Response::new(Body::empty())))
    });
    let server = start_with(ServeOptions::default(), service).await;
    let mut stream = server.connect().await;
    let ours = stream.local_addr().unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    read_answer(&mut stream).await;
    assert_eq!(*seen.lock().unwrap(), Some(PeerAddr(ours)));
}

#[tokio::test]
async fn a_connection_that_sends_no_head_is_closed() {
    let server = start(ServeOptions::default().with_header_timeout(SHORT)).await;
    // Nothing at all, half a head, and nothing after an answer.
    for start in ["", "GET /Users HTTP/1.1\r\nHost: x\r\n", GET] {
        let answer = server.exchange(start).await;
        assert_eq!(answer.contains("ListResponse"), start == GET, "{answer}");
    }
    // One byte now and then does not help.
    let mut stream = server.connect().await;
    let mut sent = 0;
    for byte in "GET /Users HTTP/1.1\r\nX-Slow: ".bytes().chain(std::iter::repeat_n(b'a', 1000)) {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(sent < 500, "still open after {sent} bytes");
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up() {
    let server = start(ServeOptions::default().with_request_timeout(SHORT)).await;
    for lengths in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let head = format!("POST /Users HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n");
        let answer = server.exchange(head).await;
        assert_eq!(status(&answer), 503);
        assert!(
            answer.contains("the request took longer than 200ms; it may have been carried out"),
            "{answer}"
        );
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_handler_that_hangs_is_given_up() {
    let hang = service_fn(|_: Request<hyper::body::Incoming>| async {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(http::Response::new(Body::empty()))
    });
    let server = start_with(ServeOptions::default().with_request_timeout(SHORT), hang).await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert_eq!(status(&read_answer(&mut stream).await), 503);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_readably() {
    let server = start(ServeOptions::default()).await;
    // A little over the limit: sent in full before the answer is read.
    for size in [10_001, 20_000, 39_000] {
        let mut stream = server.connect().await;
        stream.write_all(post(&"x".repeat(size)).as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        assert_eq!(status(&answer), 413);
        assert!(answer.contains("the body is larger than the limit of 10000 bytes"), "{answer}");
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert_eq!(status(&read_answer(&mut stream).await), 200, "the connection stays of use");
    }
    // Far over it: refused from the length that is declared.
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(status(&server.exchange(head).await), 413);
    // A client that asks first does not send it.
    let head = "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Length: 10001\r\nExpect: 100-continue\r\n\r\n";
    let answer = server.exchange(head).await;
    assert_eq!(status(&answer), 413, "{answer}");
    // An endless one is cut off.
    let mut stream = server.connect().await;
    stream.write_all(b"POST /Users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let mut sent = 0;
    while stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
        assert!(sent < 100_000_000, "nobody stops the client");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_leave_gets_it() {
    let server = start(ServeOptions::default()).await;
    let body = USER.replace("NAME", "a");
    let mut stream = server.connect().await;
    let head = format!(
        "POST /Users HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&read_answer(&mut stream).await), 100);
    stream.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(status(&read_answer(&mut stream).await), 201);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = start(ServeOptions::default().with_max_connections(1)).await;
    let mut first = server.connect().await;
    first.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&read_answer(&mut first).await), 200);
    let mut second = server.connect().await;
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(SHORT, second.read(&mut byte)).await;
    assert!(early.is_err(), "served beside the first");
    drop(first);
    assert_eq!(status(&read_answer(&mut second).await), 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let large = service_fn(|_: Request<hyper::body::Incoming>| async {
        Ok::<_, Infallible>(http::Response::new(Body::from(vec![b'x'; 64 << 20])))
    });
    let options = ServeOptions::default().with_write_timeout(SHORT).with_max_connections(1);
    let server = start_with(options, large).await;
    let mut deaf = server.connect().await;
    deaf.write_all(GET.as_bytes()).await.unwrap();
    // The only place is free again.
    let mut second = server.connect().await;
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut bytes = [0; 12];
    tokio::time::timeout(PATIENCE, second.read_exact(&mut bytes)).await.expect("no place is free").unwrap();
    assert_eq!(&bytes, b"HTTP/1.1 200");
}

/// A service that says when a request has arrived, and answers after a while.
fn slow(
    arrived: &Arc<Notify>,
    duration: Duration,
) -> impl tower::Service<
    Request<hyper::body::Incoming>,
    Response = http::Response<Body>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    let arrived = Arc::clone(arrived);
    service_fn(move |_: Request<hyper::body::Incoming>| {
        arrived.notify_one();
        async move {
            tokio::time::sleep(duration).await;
            Ok::<_, Infallible>(http::Response::new(Body::from(b"done".to_vec())))
        }
    })
}

#[tokio::test]
async fn the_end_waits_for_requests_under_way() {
    let arrived = Arc::new(Notify::new());
    let server = start_with(ServeOptions::default(), slow(&arrived, SHORT)).await;
    let idle = server.connect().await;
    let mut stream = server.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    arrived.notified().await;
    let Running { address, stop, task } = server;
    stop.send(()).unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("done"));
    tokio::time::timeout(PATIENCE, task).await.expect("the server does not end").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop(idle);
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let arrived = Arc::new(Notify::new());
    let options = ServeOptions::default().with_shutdown_timeout(SHORT);
    let server = start_with(options, slow(&arrived, 10 * PATIENCE)).await;
    let mut stream = server.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    arrived.notified().await;
    server.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server.task).await.expect("the server does not end").unwrap().unwrap();
    assert_eq!(read_to_end(&mut stream).await, "", "the connection is closed, not left behind");
}

#[tokio::test]
async fn options_of_any_size_do_no_harm() {
    let options = ServeOptions::default()
        .with_max_connections(usize::MAX)
        .with_max_head_bytes(usize::MAX)
        .with_header_timeout(Duration::MAX)
        .with_request_timeout(Duration::MAX)
        .with_write_timeout(Duration::MAX)
        .with_shutdown_timeout(Duration::MAX);
    let server = start(options).await;
    let mut stream = server.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&read_answer(&mut stream).await), 200);
    let server = start(ServeOptions::default().with_max_connections(0).with_max_head_bytes(0)).await;
    assert_eq!(status(&server.exchange(GET).await), 431);
}
