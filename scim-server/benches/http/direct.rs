//! The service without HTTP around it.

use std::time::Instant;

use http::Request;
use http_body_util::BodyExt as _;
use scim_server::Body;
use tower::ServiceExt as _;

use crate::servers::service;
use crate::steps::Step;
use crate::world::World;

pub(crate) fn run(world: &World, step: &Step, times: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let service = service(world.store.clone());
    let requests: Vec<Request<Body>> = (0..times).map(|_| request(&(step.requests)())).collect();
    let started = Instant::now();
    runtime.block_on(async {
        for request in requests {
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), step.status);
            drop(response.into_body().collect().await);
        }
    });
    let micros = started.elapsed().as_secs_f64() * 1e6 / times as f64;
    println!("{:>9}  {:28} {micros:>9.2} us", world.users, step.name);
}

fn request(bytes: &[u8]) -> Request<Body> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Request::new(&mut headers);
    let length = head.parse(bytes).unwrap().unwrap();
    let mut request = Request::builder().method(head.method.unwrap()).uri(head.path.unwrap());
    for header in head.headers.iter() {
        request = request.header(header.name, header.value);
    }
    request.body(Body::from(bytes[length..].to_vec())).unwrap()
}
