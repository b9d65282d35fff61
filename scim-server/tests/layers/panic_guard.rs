use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use scim_server::Body;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::trace::TraceLayer;
use tower::{Service, ServiceBuilder};

use crate::common::*;
use crate::log::Log;

/// Panics where its path says, else leads to the server.
#[derive(Clone)]
struct Shaky(scim_server::ScimService<scim_server::store::MemoryStore>);

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("secret: dropped");
        }
    }
}

/// Panics when it is polled, and again when it is thrown away.
struct PanicsTwice(PanicsWhenDropped);

impl Future for PanicsTwice {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let _ = &self.0;
        panic!("secret: ann@example.com")
    }
}

impl Service<Request<Body>> for Shaky {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match request.uri().path() {
            "/call" => panic!("secret: ann@example.com"),
            "/poll" => Box::pin(async { panic!("secret: ann@example.com") }),
            "/twice" => Box::pin(PanicsTwice(PanicsWhenDropped)),
            "/later" => Box::pin(async {
                tokio::task::yield_now().await;
                let _guard = PanicsWhenDropped;
                panic!("secret: ann@example.com")
            }),
            _ => self.0.call(request),
        }
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_server_goes_on() {
    let (log, guard) = Log::start();
    let server = Server::new();
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new())
        .layer(PanicGuardLayer::new())
        .service(Shaky(server.service.clone()));
    for path in ["/call", "/poll", "/later", "/twice"] {
        let answer = send(service.clone(), "GET", path, &[("x-request-id", "from-outside")], "").await;
        let detail = answer.refused(500, "");
        assert_eq!(
            detail,
            "something went wrong on this server; its log says more under request from-outside"
        );
        send(service.clone(), "GET", "/Users", &[], "").await.expect(200);
    }
    drop(guard);
    let log = log.text();
    let lines = log.lines().filter(|line| line.contains("a request ended in a panic"));
    assert_eq!(
        lines.filter(|line| line.contains("from-outside") && line.contains("ERROR")).count(),
        4,
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");

    let bare = ServiceBuilder::new().layer(PanicGuardLayer::new()).service(Shaky(server.service.clone()));
    assert_eq!(
        send(bare, "GET", "/poll", &[], "").await.refused(500, ""),
        "something went wrong on this server"
    );
}
