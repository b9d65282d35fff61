use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// What one request that writes has done. As JSON, what is not known is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When the request came.
    pub time: DateTime<Utc>,
    /// The id under which the request is logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Who asked. None where nobody was authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Whose data it was about, where a layer has set a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The address of the client, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The method.
    pub method: String,
    /// The route without ids, such as `/Users/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The id of the resource: of the path, or the one that a new resource has got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// The status of the answer. None where the client did not wait for it: the write may have been done or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `ETag` of the answer: the version that there is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// From the request to its answer; microseconds in JSON.
    #[serde(rename = "duration_us", serialize_with = "microseconds")]
    pub duration: Duration,
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
