use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use scim_server::Body;
use scim_server::layer::limits::{LimitedBody, LimitsLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::common::*;

/// A body of unknown length in chunks of ten bytes; `None` never ends and never comes.
struct Chunks(Option<usize>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            None => Poll::Pending,
            Some(0) => Poll::Ready(None),
            Some(left) => {
                *left -= 1;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"          ")))))
            }
        }
    }
}

async fn read(response: Response<Body>) -> (u16, Option<String>, String) {
    let (parts, body) = response.into_parts();
    let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let header = parts.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (parts.status.as_u16(), header, json["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn bytes_are_counted_as_declared_and_as_they_come() {
    let server = Server::new();
    let too_large = "the body is larger than the limit of 100 bytes";
    let service = LimitsLayer::unlimited().with_body(100).layer(server.service.clone());
    let exactly = format!("{:<100}", json!({"schemas": [USER], "userName": "ann"}).to_string());
    assert_eq!(exactly.len(), 100);
    send(service.clone(), "POST", "/Users", &[], exactly.clone()).await.expect(201);
    let one_more = exactly.replace("ann", "bobs");
    assert_eq!(send(service.clone(), "POST", "/Users", &[], one_more).await.refused(413, ""), too_large);
    let lie = [("content-length", "101")];
    assert_eq!(send(service.clone(), "GET", "/Users", &lie, "").await.refused(413, ""), too_large);

    for (chunks, status) in [(10, 400), (11, 413), (1_000_000, 413)] {
        let request = Request::post("/Users").body(Chunks(Some(chunks))).unwrap();
        let (seen, _, detail) = read(service.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(seen, status, "{detail}");
        assert_eq!(detail == too_large, status == 413, "{detail}");
    }
    assert_eq!(server.get("/Users").await.json()["totalResults"], 1);
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_for_services_and_for_bodies() {
    let slow = service_fn(|request: Request<LimitedBody<Chunks>>| async move {
        let _ = http_body_util::BodyExt::collect(request.into_body()).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    for (seconds, chunks, status, words) in [
        (6, Some(1), 200, ""),
        (4, Some(1), 503, "the request took longer than 4s; it may have been carried out all the same"),
        (4, None, 408, "the body of the request did not arrive within 4s"),
    ] {
        let service = LimitsLayer::unlimited().with_time(Duration::from_secs(seconds)).layer(slow);
        let response = service.oneshot(Request::post("/").body(Chunks(chunks)).unwrap()).await.unwrap();
        assert_eq!(response.headers().contains_key("connection"), status == 408);
        let (seen, retry_after, detail) = read(response).await;
        assert_eq!(seen, status);
        assert_eq!(retry_after.is_some(), status == 503);
        assert!(detail.starts_with(words), "{detail}");
    }
    // Times that no clock can tell are no panic.
    let service = LimitsLayer::unlimited().with_time(Duration::MAX).layer(slow);
    assert_eq!(
        service.oneshot(Request::post("/").body(Chunks(Some(1))).unwrap()).await.unwrap().status(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn so_many_requests_at_once_and_no_more() {
    let slow = service_fn(|_: Request<LimitedBody<Body>>| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let layer = LimitsLayer::unlimited().with_concurrency(2);
    let service = layer.layer(slow);
    let other = layer.layer(slow);
    let call = |service: &scim_server::layer::limits::LimitsService<_>| {
        let service = service.clone();
        tokio::spawn(service.oneshot(Request::get("/").body(Body::empty()).unwrap()))
    };
    let under_way = [call(&service), call(&other)];
    tokio::task::yield_now().await;
    let (status, retry_after, detail) = read(call(&service).await.unwrap().unwrap()).await;
    assert_eq!((status, retry_after.as_deref()), (503, Some("1")));
    assert!(detail.contains("as many requests under way"), "{detail}");
    for answer in under_way {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(call(&service).await.unwrap().unwrap().status(), 200);
    // A client that goes away gives its place back.
    let gone = [call(&service), call(&service)];
    tokio::task::yield_now().await;
    gone.iter().for_each(tokio::task::JoinHandle::abort);
    tokio::task::yield_now().await;
    assert_eq!(call(&service).await.unwrap().unwrap().status(), 200);
}
