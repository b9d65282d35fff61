use std::collections::BTreeMap;

use http::Request;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use scim_server::Body;
use scim_server::layer::metrics::MetricsLayer;
use tower::{Layer as _, Service as _};

use crate::common::*;

/// Everything that was recorded: `name{label=value,..}` and its value or the number of its values.
fn record(requests: impl AsyncFnOnce()) -> BTreeMap<String, u64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    ::metrics::with_local_recorder(&recorder, || {
        MetricsLayer::describe();
        runtime.block_on(requests());
    });
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let labels: Vec<_> =
            key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let value = match value {
            DebugValue::Counter(n) => n,
            DebugValue::Gauge(n) => n.0 as u64,
            DebugValue::Histogram(values) => values.len() as u64,
        };
        (format!("{}{{{}}}", key.key().name(), labels.join(",")), value)
    })
    .collect()
}

#[test]
fn requests_are_counted_by_route_method_and_class() {
    let recorded = record(async || {
        let server = Server::new();
        let service = MetricsLayer::new().layer(server.service.clone());
        let body = json!({"schemas": [USER], "userName": "ann"}).to_string();
        let length = body.len().to_string();
        send(service.clone(), "POST", "/Users", &[("content-length", &length)], body).await.expect(201);
        for n in 0..5 {
            send(service.clone(), "GET", &format!("/Users/{n}?filter=x"), &[], "").await.expect(404);
            send(service.clone(), "GET", &format!("/nowhere/{n}"), &[], "").await.expect(404);
            send(service.clone(), &format!("ODD{n}"), "/Users", &[], "").await.expect(405);
        }
    });
    let labels = |route: &str, method: &str, status: &str| {
        format!("{{route={route},method={method},status={status}}}")
    };
    let created = labels("/Users", "POST", "2xx");
    let missed = labels("/Users/{id}", "GET", "4xx");
    for (name, value) in [
        (format!("scim_requests_total{created}"), 1),
        (format!("scim_request_duration_seconds{created}"), 1),
        (format!("scim_requests_total{missed}"), 5),
        (format!("scim_requests_total{}", labels("other", "GET", "4xx")), 5),
        (format!("scim_requests_total{}", labels("/Users", "other", "4xx")), 5),
        ("scim_request_body_bytes{route=/Users,method=POST}".to_owned(), 1),
        ("scim_response_body_bytes{route=/Users,method=POST}".to_owned(), 1),
        ("scim_requests_in_flight{}".to_owned(), 0),
    ] {
        assert_eq!(recorded.get(&name), Some(&value), "{name}: {recorded:?}");
    }
    let names: Vec<&String> =
        recorded.keys().filter(|name| name.starts_with("scim_requests_total")).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn clients_that_have_gone_are_counted_too() {
    let recorded = record(async || {
        let stuck = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<http::Response<Body>, std::convert::Infallible>>()
        });
        let mut service = MetricsLayer::new().layer(stuck);
        let gone = service.call(Request::get("/").body(Body::empty()).unwrap());
        let waiting = service.call(Request::put("/").body(Body::empty()).unwrap());
        drop(gone);
        std::mem::forget(waiting);
    });
    assert_eq!(recorded.get("scim_requests_cancelled_total{method=GET}"), Some(&1), "{recorded:?}");
    assert_eq!(recorded.get("scim_requests_in_flight{}"), Some(&1), "{recorded:?}");
}
