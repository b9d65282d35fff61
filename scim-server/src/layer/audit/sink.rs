use std::fmt;
use std::sync::Arc;

use super::AuditEvent;

/// Where events go.
///
/// [`record`](Self::record) is called before the answer is sent and must not wait: what takes time belongs into a queue,
/// as [`JsonLinesSink`](super::JsonLinesSink) has one.
pub trait AuditSink: Send + Sync + fmt::Debug {
    /// Takes an event.
    fn record(&self, event: AuditEvent);
}

impl<T: AuditSink + ?Sized> AuditSink for Arc<T> {
    fn record(&self, event: AuditEvent) {
        (**self).record(event);
    }
}

/// Writes events to `tracing`, at level info and with the target `scim_server::audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl AuditSink for TracingSink {
    fn record(&self, event: AuditEvent) {
        tracing::info!(
            target: "scim_server::audit",
            time = %event.time.to_rfc3339(),
            request_id = event.request_id,
            principal = event.principal,
            issuer = event.issuer,
            tenant = event.tenant,
            client = event.client,
            method = event.method,
            route = event.route,
            resource_type = event.resource_type,
            resource_id = event.resource_id,
            operation = event.operation,
            outcome = event.outcome.as_str(),
            status = event.status,
            version = event.version,
            duration_us = u64::try_from(event.duration.as_micros()).unwrap_or(u64::MAX),
            "write"
        );
    }
}
