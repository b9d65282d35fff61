use bytes::{Buf, Bytes};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http_body::Body;
use http_body_util::BodyExt as _;
use scim_core::{Object, Value, excerpt};

use super::media_type;
use crate::error::Error;
use crate::limits::Limits;

/// How many times the limit is read and thrown away before the connection is given up, so that a client that has
/// sent a little too much still gets to read why.
const DRAINED: usize = 4;

/// Reads a body up to the limit.
pub(crate) async fn read_body<B>(headers: &HeaderMap, body: B, limits: &Limits) -> Result<Bytes, Error>
where
    B: Body,
{
    check_headers(headers)?;
    let limit = limits.body;
    let too_large = Error::BodyTooLarge { limit };
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let drained = limit.saturating_mul(DRAINED);
    // A client that waits for leave to send its body gets the answer instead.
    let asked_first = headers.contains_key(EXPECT);
    let most = if asked_first { limit } else { drained };
    if declared.is_some_and(|length| length > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(too_large);
    }
    let mut collected =
        Vec::with_capacity(declared.map_or(0, |n| usize::try_from(n).unwrap_or(0)).min(limit));
    let mut seen = 0_usize;
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Error::BodyRead)?.into_data() else { continue };
        seen = seen.saturating_add(data.remaining());
        if seen > drained {
            return Err(too_large);
        }
        if seen > limit {
            collected.clear();
            continue;
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            collected.extend_from_slice(chunk);
            data.advance(length);
        }
    }
    if seen > limit { Err(too_large) } else { Ok(collected.into()) }
}

/// Reads a body that is to be one JSON object.
pub(crate) fn read_object(bytes: &[u8], limits: &Limits) -> Result<Object, Error> {
    match Value::from_slice_with(bytes, &limits.json)? {
        Value::Object(object) => Ok(object),
        other => Err(Error::NotAnObject(other.kind())),
    }
}

/// What is sent as it is, and as JSON.
fn check_headers(headers: &HeaderMap) -> Result<(), Error> {
    for value in headers.get_all(CONTENT_ENCODING) {
        if !value.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(Error::ContentEncoding(excerpt(&String::from_utf8_lossy(value.as_bytes()))));
        }
    }
    media_type::check(headers)
}
