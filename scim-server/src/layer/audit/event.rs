use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// How a request, or an operation of a Bulk, ended. As JSON: the text of [`as_str`](Self::as_str).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Outcome {
    /// With an answer, whose status says more. An operation of a Bulk that has ended has one, whether or not the client
    /// waits for that of the request.
    #[default]
    #[serde(rename = "answered")]
    Answered,
    /// The client did not wait for the answer: the write may have been done or not.
    #[serde(rename = "abandoned")]
    Abandoned,
    /// A limit of time did not wait for the answer: the write may have been done or not.
    #[serde(rename = "timed out")]
    TimedOut,
    /// In a panic: the write may have been done or not.
    #[serde(rename = "failed")]
    Failed,
}

impl Outcome {
    /// The word for it in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
            Self::TimedOut => "timed out",
            Self::Failed => "failed",
        }
    }

    /// Why a request is dropped, for the code that runs when it is.
    pub(crate) fn of_dropped(has_timed_out: bool) -> Self {
        match (std::thread::panicking(), has_timed_out) {
            (true, _) => Self::Failed,
            (false, true) => Self::TimedOut,
            (false, false) => Self::Abandoned,
        }
    }
}

/// What one request that writes, or one operation of a Bulk, has done. As JSON, what is not known is left out.
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
    /// Who has given the principal its name. None where that is the configuration of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whose data it was about, where a layer has set a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The address of the client, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The method: of the request, or of the operation.
    pub method: String,
    /// The route without ids, such as `/Users/{id}`; `/Bulk` for an operation of a Bulk as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The id of the resource: of the path, or the one that a new resource has got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Which operation of a Bulk it is, from 1. None for a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<usize>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, or of the operation. None where there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `ETag` of the answer: the version that there is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// From the request to its end; microseconds in JSON.
    #[serde(rename = "duration_us", serialize_with = "microseconds")]
    pub duration: Duration,
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
