//! A small HTTP client: ordinary requests over kept connections, and raw bytes for what no client would send.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);
/// Answers larger than this are a finding of their own.
const MAX_ANSWER: u64 = 64 << 20;

/// The media type of SCIM messages (RFC 7644 section 3.1).
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// What came back: header names in lower case, the body as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} with a body that is no JSON ({error}): {}", self.status, self.text())
        })
    }

    /// The JSON body of an answer that must have this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

/// Talks to one server, always below one base path, with one token.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: ureq::Agent,
    /// `http://127.0.0.1:PORT`
    origin: String,
    /// `/scim/v2`, `/scim` or nothing
    base: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(origin: &str, base: &str, token: Option<&str>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            // A server may end a connection after a refusal whose body it has not read, and does not know in time to
            // say so: the next request must not be the one that finds out.
            .max_idle_connections(0)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self {
            agent: config.into(),
            origin: origin.trim_end_matches('/').to_owned(),
            base: base.trim_end_matches('/').to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// The same server without the token.
    pub(crate) fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// Sends a request; `path` follows the base path and is sent as it is. The token goes along unless
    /// `headers` has an `Authorization` of its own. The error says why no answer came.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        let url = format!("{}{}{path}", self.origin, self.base);
        let mut request = ::http::Request::builder().method(method).uri(&url);
        let named = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if let Some(token) = self.token.as_ref().filter(|_| !named("Authorization")) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let carries = body.is_some() || matches!(method, "POST" | "PUT" | "PATCH");
        let answer = if carries {
            let request =
                request.body(body.unwrap_or_default()).map_err(|error| format!("{url}: {error}"))?;
            self.agent.run(request)
        } else {
            let request = request.body(()).map_err(|error| format!("{url}: {error}"))?;
            self.agent.run(request)
        };
        let mut answer = answer.map_err(|error| format!("{method} {url}: {error}"))?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let status = answer.status().as_u16();
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|error| format!("{method} {url}: {status}, then {error}"))?;
        Ok(Answer { status, headers, body })
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("Content-Type", SCIM_JSON)], Some(body.to_string().as_bytes())).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).unwrap()
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.json("PUT", path, body)
    }

    pub(crate) fn patch(&self, path: &str, operations: &Value) -> Answer {
        self.json("PATCH", path, &patch_op(operations))
    }

    /// All resources of an endpoint, page by page.
    pub(crate) fn all(&self, endpoint: &str) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let page = self.get(&format!("{endpoint}?startIndex={}&count=200", found.len() + 1)).expect(200);
            let items = page["Resources"].as_array().cloned().unwrap_or_default();
            let total = page["totalResults"].as_u64().expect("totalResults is an integer");
            if items.is_empty() {
                assert_eq!(found.len() as u64, total, "{endpoint} ended before totalResults");
                return found;
            }
            found.extend(items);
            if found.len() as u64 >= total {
                return found;
            }
        }
    }

    /// Sends these bytes over a connection of their own, and reads what comes back until the server closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect().map_err(|error| format!("connect: {error}"))?;
        let mut writer = stream.try_clone().map_err(|error| error.to_string())?;
        let received = std::thread::scope(|scope| {
            // A server may answer and close before it has read everything: what it said still counts.
            scope.spawn(move || {
                let _ = writer.write_all(bytes);
                let _ = writer.flush();
            });
            let mut received = Vec::new();
            let mut buffer = [0; 16 << 10];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => received.extend_from_slice(&buffer[..n]),
                    Err(_) => break,
                }
                if parse(&received).is_ok_and(|answer| answer.is_some()) {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Both);
            received
        });
        parse(&received)?.ok_or_else(|| format!("no whole answer: {:?}", String::from_utf8_lossy(&received)))
    }

    /// A bare connection to the server.
    pub(crate) fn connect(&self) -> std::io::Result<TcpStream> {
        let address = self.origin.trim_start_matches("http://");
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }

    /// The head of a raw request: this target behind the base path, byte for byte, with the token and these lines.
    pub(crate) fn head(&self, method: &str, target: &[u8], header_lines: &[u8]) -> Vec<u8> {
        let token =
            self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        [
            format!("{method} {}", self.base).as_bytes(),
            target,
            b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            token.as_bytes(),
            header_lines,
            b"\r\n",
        ]
        .concat()
    }

    /// The same server without a base path.
    pub(crate) fn at_root(&self) -> Self {
        Self { base: String::new(), ..self.clone() }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

/// The message of RFC 7644 section 3.5.2 around these operations.
pub(crate) fn patch_op(operations: &Value) -> Value {
    serde_json::json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// An answer as soon as it is whole; `None` while more is to come.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut fields);
    let body_at = match head.parse(bytes) {
        Ok(httparse::Status::Complete(at)) => at,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("no HTTP answer ({error}): {:?}", String::from_utf8_lossy(bytes))),
    };
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|field| (field.name.to_ascii_lowercase(), String::from_utf8_lossy(field.value).into_owned()))
        .collect();
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let rest = &bytes[body_at..];
    let body = if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        match dechunk(rest)? {
            Some(body) => body,
            None => return Ok(None),
        }
    } else {
        let length = value("content-length").map_or(Ok(0), str::parse::<usize>).map_err(|e| e.to_string())?;
        match rest.get(..length) {
            Some(body) => body.to_vec(),
            None => return Ok(None),
        }
    };
    Ok(Some(Answer { status: head.code.unwrap_or_default(), headers, body }))
}

fn dechunk(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let (at, length) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("a chunk size that is none".to_owned()),
        };
        if length == 0 {
            return Ok(Some(body));
        }
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let Some(chunk) = rest.get(at..at + length) else { return Ok(None) };
        body.extend_from_slice(chunk);
        let Some(after) = rest.get(at + length + 2..) else { return Ok(None) };
        rest = after;
    }
}
