//! One line of the tables: a request, and what must come back.

use regex::RegexBuilder;
use serde_json::{Value, json};

use crate::common::http::{Answer, Client, SCIM_JSON, patch_op};
use crate::common::server::Kind;

/// The ids of what is stored.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) victim: String,
    pub(crate) other: String,
    pub(crate) group: String,
}

/// Which servers a request is bad input for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum On {
    All,
    /// The library alone, in both modes.
    Directory,
    /// Only where nothing is tolerated.
    Strict,
    /// Where nothing is tolerated, and where an account would have to act on it.
    StrictAndBridge,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    on: On,
    method: &'static str,
    /// Follows the base path, unless it begins with `^`: then it is the whole target.
    target: Vec<u8>,
    header_lines: String,
    /// `None`: the client's own token.
    authorization: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    statuses: Vec<u16>,
    /// Empty: no scimType at all.
    scim_types: Vec<&'static str>,
    /// Patterns that the detail must hold, without regard to case.
    says: Vec<String>,
    /// A header that must be there, and what it must contain.
    header: Option<(&'static str, &'static str)>,
}

impl Case {
    fn new(name: &str, method: &'static str, target: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.to_owned(),
            on: On::All,
            method,
            target: target.as_ref().to_vec(),
            header_lines: String::new(),
            authorization: None,
            body: None,
            statuses: vec![400],
            scim_types: Vec::new(),
            says: Vec::new(),
            header: None,
        }
    }

    /// Sends this body as `application/scim+json`.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self.header_lines += &format!("Content-Type: {SCIM_JSON}\r\nContent-Length: {}\r\n", body.len());
        self.body = Some(body);
        self
    }

    /// Sends this body as the given media type.
    pub(crate) fn body_of(mut self, media_type: &str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        self.header_lines += &format!("Content-Type: {media_type}\r\nContent-Length: {}\r\n", body.len());
        self.body = Some(body);
        self
    }

    /// Sends this body in chunks, so that its length is not known before.
    pub(crate) fn chunked(mut self, body: &[u8]) -> Self {
        let mut chunks = Vec::new();
        for chunk in body.chunks(10_000) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        self.header_lines += &format!("Content-Type: {SCIM_JSON}\r\nTransfer-Encoding: chunked\r\n");
        self.body = Some(chunks);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.header_lines += &format!("{name}: {value}\r\n");
        self
    }

    /// Sends this instead of the token; nothing for no header at all.
    pub(crate) fn authorization(mut self, value: impl AsRef<[u8]>) -> Self {
        self.authorization = Some(value.as_ref().to_vec());
        self
    }

    pub(crate) fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    /// The status, and one of these scimTypes; none given: there must be none.
    pub(crate) fn is(mut self, status: u16, scim_types: &[&'static str]) -> Self {
        self.statuses = vec![status];
        self.scim_types = scim_types.to_vec();
        self
    }

    /// A status that is as good as the first.
    pub(crate) fn or(mut self, status: u16) -> Self {
        self.statuses.push(status);
        self
    }

    /// What the detail must name: a pattern, without regard to case.
    pub(crate) fn says(mut self, pattern: &str) -> Self {
        self.says.push(pattern.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &'static str, contains: &'static str) -> Self {
        self.header = Some((name, contains));
        self
    }

    pub(crate) fn applies_to(&self, kind: Kind) -> bool {
        match self.on {
            On::All => true,
            On::Directory => !kind.is_bridge(),
            On::Strict => kind.is_strict(),
            On::StrictAndBridge => kind.is_strict() || kind.is_bridge(),
        }
    }

    pub(crate) fn target_len(&self) -> usize {
        self.target.len()
    }

    /// The bytes of the request.
    pub(crate) fn encode(&self, client: &Client) -> Vec<u8> {
        let (client, mut lines) = match &self.authorization {
            None => (client.clone(), Vec::new()),
            Some(value) if value.is_empty() => (client.anonymous(), Vec::new()),
            Some(value) => (client.anonymous(), [b"Authorization: ".as_slice(), value, b"\r\n"].concat()),
        };
        lines.extend_from_slice(self.header_lines.as_bytes());
        let mut bytes = match self.target.strip_prefix(b"^") {
            Some(whole) => client.at_root().head(self.method, whole, &lines),
            None => client.head(self.method, &self.target, &lines),
        };
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// What is wrong with the answer, a sentence each.
    pub(crate) fn check(&self, answer: &Answer, token: &str) -> Vec<String> {
        let mut findings = Vec::new();
        let mut finding = |text: String| findings.push(format!("{}: {text}", self.name));
        let body = answer.text();
        let excerpt: String = body.chars().take(300).collect();
        if !self.statuses.contains(&answer.status) {
            finding(format!("expected {:?}, got {} {excerpt}", self.statuses, answer.status));
            return findings;
        }
        let content_type = answer.header("Content-Type").unwrap_or_default();
        if !content_type.starts_with(SCIM_JSON) {
            finding(format!("Content-Type is {content_type:?}"));
        }
        let Ok(error) = serde_json::from_slice::<Value>(&answer.body) else {
            finding(format!("the body is no JSON: {excerpt}"));
            return findings;
        };
        if error["schemas"] != json!(["urn:ietf:params:scim:api:messages:2.0:Error"]) {
            finding(format!("schemas is {}", error["schemas"]));
        }
        if error["status"] != json!(answer.status.to_string()) {
            finding(format!("the body's status is {}, the answer's {}", error["status"], answer.status));
        }
        let scim_type = error["scimType"].as_str();
        let as_wanted = match scim_type {
            // What is said of the first status need not hold for one that is as good.
            _ if self.statuses[0] != answer.status => true,
            None => self.scim_types.is_empty(),
            Some(scim_type) => self.scim_types.contains(&scim_type),
        };
        if !as_wanted {
            finding(format!("expected scimType of {:?}, got {scim_type:?}: {excerpt}", self.scim_types));
        }
        let detail = error["detail"].as_str().unwrap_or_default();
        for pattern in &self.says {
            if !RegexBuilder::new(pattern).case_insensitive(true).build().unwrap().is_match(detail) {
                finding(format!("the detail does not say {pattern:?}: {detail:?}"));
            }
        }
        if let Some(why) = bad_sentence(detail) {
            finding(format!("the detail {why}: {detail:?}"));
        }
        if body.contains(token) || answer.headers.iter().any(|(_, value)| value.contains(token)) {
            finding("the answer holds the token".to_owned());
        }
        if let Some((name, part)) = self.header
            && !answer.header(name).is_some_and(|value| value.contains(part))
        {
            finding(format!("{name} should hold {part:?}, and is {:?}", answer.header(name)));
        }
        findings
    }
}

/// An administrator of an identity provider reads the detail.
fn bad_sentence(detail: &str) -> Option<&'static str> {
    let mut start = detail.chars();
    let first = start.next()?;
    if detail.trim().is_empty() {
        Some("is empty")
    } else if detail.chars().any(char::is_control) {
        Some("holds control characters")
    } else if detail.len() > 600 {
        Some("is too long")
    } else if detail.ends_with('.') {
        Some("ends with a period")
    } else if first.is_uppercase() && start.next().is_some_and(char::is_lowercase) {
        Some("does not begin in lower case")
    } else if ["serde", "sqlite", "panick", "unwrap", "Option<", "Some(", "Err(", "nom::"]
        .iter()
        .any(|w| detail.contains(w))
    {
        Some("speaks about the program")
    } else {
        None
    }
}

pub(crate) fn get(name: &str, target: impl AsRef<[u8]>) -> Case {
    Case::new(name, "GET", target)
}

pub(crate) fn method(name: &str, method: &'static str, target: impl AsRef<[u8]>) -> Case {
    Case::new(name, method, target)
}

pub(crate) fn post(name: &str, target: &str, body: &Value) -> Case {
    Case::new(name, "POST", target).body(body.to_string())
}

pub(crate) fn put(name: &str, target: &str, body: &Value) -> Case {
    Case::new(name, "PUT", target).body(body.to_string())
}

pub(crate) fn patch(name: &str, target: &str, operations: &Value) -> Case {
    Case::new(name, "PATCH", target).body(patch_op(operations).to_string())
}
