//! From what operations came to, to a BulkResponse.

use scim_core::{Object, ScimError, Version, urn};

use super::outcome::BulkOutcome;

/// What one operation came to (RFC 7644 section 3.7.3).
pub(super) struct OperationResult {
    pub(super) method: Option<String>,
    pub(super) bulk_id: Option<String>,
    pub(super) location: Option<String>,
    pub(super) done: Result<Done, ScimError>,
    /// The same for layers.
    pub(super) outcome: BulkOutcome,
}

/// What an operation that succeeded says of itself.
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) version: Option<Version>,
}

/// The text of a BulkResponse.
///
/// "For normal completion, the server MAY elect to omit the response body": a client that wants to see a resource asks
/// for it, and nobody else pays.
pub(super) fn write(results: &[OperationResult]) -> Vec<u8> {
    const EACH: usize = 256;
    let mut out = Vec::with_capacity(results.len().saturating_mul(EACH));
    out.extend_from_slice(br#"{"schemas":[""#);
    out.extend_from_slice(urn::BULK_RESPONSE.as_bytes());
    out.extend_from_slice(br#""],"Operations":["#);
    for (n, result) in results.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        result.to_object().write(&mut out);
    }
    out.extend_from_slice(b"]}");
    out
}

impl OperationResult {
    fn to_object(&self) -> Object {
        let mut object = Object::new();
        if let Some(location) = &self.location {
            object.insert("location", location.as_str());
        }
        if let Some(method) = &self.method {
            object.insert("method", method.as_str());
        }
        if let Some(bulk_id) = &self.bulk_id {
            object.insert("bulkId", bulk_id.as_str());
        }
        match &self.done {
            Ok(done) => {
                if let Some(version) = done.version {
                    object.insert("version", version.etag());
                }
                object.insert("status", done.status.to_string());
            }
            Err(error) => {
                object.insert("status", error.status().to_string());
                object.insert("response", error.to_object());
            }
        }
        object
    }
}
