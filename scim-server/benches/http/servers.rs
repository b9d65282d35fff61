//! The two servers that are compared, each on a runtime with one thread of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use scim_server::layer::audit::{AuditLayer, TracingSink};
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::forwarded::ForwardedLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::MemoryStore;
use scim_server::{CursorKey, ScimService};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::ServiceBuilder;

use crate::client::Answer;

/// The token that the requests of the bench bring.
pub(crate) const TOKEN: &str = "a-token-of-the-bench-with-43-characters-000";
const MOUNTS: [&str; 3] = ["/scim/v2", "/scim", "/"];

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    name: String,
    /// Ends when it is dropped.
    runtime: Option<Runtime>,
}

impl Server {
    fn new(kind: char) -> (Self, TcpListener) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{kind}-server{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(&name)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        (Self { address: listener.local_addr().unwrap(), name, runtime: Some(runtime) }, listener)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.as_ref().unwrap().spawn(task);
    }

    /// The service on a store, by itself or with the layers of `scim-directory`.
    pub(crate) fn scim(store: Arc<MemoryStore>, layers: bool) -> Self {
        let (server, listener) = Self::new('s');
        let scim = service(store);
        let options = ServeOptions::default();
        if !layers {
            server.spawn(async move {
                serve(listener, scim, options, std::future::pending()).await.unwrap();
            });
            return server;
        }
        let tokens = StaticTokens::new().with("client", TOKEN).unwrap();
        let service = ServiceBuilder::new()
            .layer(ForwardedLayer::new())
            .layer(TraceLayer::new())
            .layer(PanicGuardLayer::new())
            .layer(LimitsLayer::unlimited().with_time(Duration::from_secs(30)))
            .layer(AuthLayer::new(tokens).with_open_discovery(MOUNTS))
            .layer(AuditLayer::new(Arc::new(TracingSink)))
            .service(scim);
        server.spawn(async move {
            serve(listener, service, options, std::future::pending()).await.unwrap();
        });
        server
    }

    /// hyper with one answer to everything.
    pub(crate) fn constant(answer: &Answer) -> Self {
        let (server, listener) = Self::new('h');
        let status = StatusCode::from_u16(answer.status).unwrap();
        let own = ["date", "content-length", "transfer-encoding"];
        let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        let headers: Vec<(HeaderName, HeaderValue)> =
            headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let body = Bytes::from(answer.body.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            *response.status_mut() = status;
            for (name, value) in &headers {
                response.headers_mut().insert(name.clone(), value.clone());
            }
            async move {
                let _ = request.into_body().collect().await;
                Ok::<_, Infallible>(response)
            }
        });
        server.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new());
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service.clone()));
            }
        });
        server
    }

    /// How long the threads of this server have been on a processor.
    pub(crate) fn cpu_nanos(&self) -> u64 {
        let mut sum = 0;
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            if read("comm").trim() == self.name {
                sum += read("schedstat").split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        sum
    }
}

/// The service, whose cursors other instances of it know.
pub(crate) fn service(store: Arc<MemoryStore>) -> ScimService<Arc<MemoryStore>> {
    ScimService::builder(store).mounted_at(MOUNTS).cursor_key(CursorKey::new([7; 32])).build()
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
