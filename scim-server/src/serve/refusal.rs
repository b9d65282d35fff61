use http::StatusCode;
use httparse::{EMPTY_HEADER, Response, Status};
use scim_core::ScimError;

use crate::error::error_response;

/// A body for the answer that hyper gives to a head of which no request comes about: the same error as everywhere. None
/// for every other text.
pub(super) fn with_body(answer: &[u8]) -> Option<Vec<u8>> {
    // Most of what is written is told by this.
    if !(answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.0 4")) {
        return None;
    }
    let mut headers = [EMPTY_HEADER; 8];
    let mut head = Response::new(&mut headers);
    let Ok(Status::Complete(length)) = head.parse(answer) else { return None };
    let is_empty = |header: &httparse::Header<'_>| {
        header.name.eq_ignore_ascii_case("content-length") && header.value == b"0"
    };
    if length != answer.len() || !head.headers.iter().any(is_empty) {
        return None;
    }
    let status = StatusCode::from_u16(head.code?).ok()?;
    let detail = match status {
        StatusCode::BAD_REQUEST => "what was sent is no HTTP request",
        StatusCode::REQUEST_TIMEOUT => "the headers of the request did not arrive in time",
        StatusCode::URI_TOO_LONG => "the URL of the request is longer than this server reads",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the headers of the request are larger or more than this server reads"
        }
        _ => return None,
    };
    let error = ScimError::new(status.as_u16(), detail);
    let body = error.to_object().to_vec();
    let mut out = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason()?).into_bytes();
    let mut line = |name: &str, value: &[u8]| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    };
    for (name, value) in error_response(&error).headers() {
        line(name.as_str(), value.as_bytes());
    }
    for header in head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("date")) {
        line("date", header.value);
    }
    line("connection", b"close");
    line("content-length", body.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&body);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
        date: Sun, 22 Nov 2026 19:00:00 GMT\r\n\r\n";

    #[test]
    fn only_answers_of_hypers_own_get_a_body() {
        let with = String::from_utf8(with_body(OWN.as_bytes()).unwrap()).unwrap();
        let (head, body) = with.split_once("\r\n\r\n").unwrap();
        for line in [
            "content-type: application/scim+json",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "date: Sun, 22 Nov 2026 19:00:00 GMT",
            "connection: close",
            &format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|known| known == line), "{line}: {head}");
        }
        assert!(body.contains("\"status\":\"431\"") && body.contains("larger or more"), "{body}");
        for other in [
            OWN.replace("431", "401"),
            OWN.replace("431", "200"),
            OWN.replace(": 0", ": 1") + "x",
            OWN.to_owned() + "x",
            OWN.replace("\r\n\r\n", "\r\n"),
            "x".to_owned() + OWN,
            String::new(),
        ] {
            assert_eq!(with_body(other.as_bytes()), None, "{other}");
        }
    }
}
