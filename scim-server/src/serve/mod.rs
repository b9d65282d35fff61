//! Serving over HTTP/1.1 with hyper: limits, time-outs and a graceful end (feature `serve`).
//!
//! A head that is no HTTP or is too large is answered 400, 414 or 431, with the body of every other error; no request has
//! come about then that a service could see. Where several requests are sent at once and the answer to one before is still
//! being written, that answer may be without a body. A request whose end is unclear, because it has both Content-Length and Transfer-Encoding
//! or a transfer coding other than one `chunked`, or whose URL has a fragment, is refused and its connection closed. Every request carries a [`PeerAddr`] as an extension. TLS is left to what
//! stands in front.
//!
//! After a refusal in the middle of a request, up to 1 MiB of the rest is read and thrown away for some time
//! ([`ServeOptions::linger`]), so that the client sees the answer rather than a connection that breaks off.
//!
//! ```no_run
//! use scim_server::ScimService;
//! use scim_server::serve::{ServeOptions, serve, shutdown_signal};
//! use scim_server::store::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let service = ScimService::builder(MemoryStore::new()).build();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8880").await?;
//! serve(listener, service, ServeOptions::default(), shutdown_signal()).await
//! # }
//! ```
//!
//! With a path of one's own beside those of SCIM; requests come with an [`Incoming`] body:
//!
//! ```no_run
//! use http::{Request, Response};
//! use scim_server::layer::auth::{AuthLayer, StaticTokens};
//! use scim_server::serve::{Incoming, ServeOptions, serve, shutdown_signal};
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::util::BoxCloneSyncService;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = StaticTokens::new().with("okta", "a-long-and-random-token")?;
//! let scim = ServiceBuilder::new()
//!     .layer(AuthLayer::new(tokens))
//!     .service(ScimService::builder(MemoryStore::new()).mounted_at(["/scim/v2"]).build());
//! // Boxed, because the compiler loses its way in the types of layers inside of closures.
//! let scim = BoxCloneSyncService::new(scim);
//! let service = service_fn(move |request: Request<Incoming>| {
//!     let scim = scim.clone();
//!     async move {
//!         match request.uri().path() {
//!             "/ping" => Ok(Response::new(Body::empty())),
//!             _ => scim.oneshot(request).await,
//!         }
//!     }
//! });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8880").await?;
//! Ok(serve(listener, service, ServeOptions::default(), shutdown_signal()).await?)
//! # }
//! ```

mod framing;
mod guard;
mod options;
mod refusal;
mod stream;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_service::Service;

/// The body of the requests that [`serve`] gives to a service.
pub use hyper::body::Incoming;
pub use options::ServeOptions;

use crate::body::Body;
use crate::context::PeerAddr;
use framing::{Framing, Requests};
use guard::{Guard, OfConnection};
use stream::Stream;

/// Times are cut down to a year: what is later than the clock can tell would end in a panic.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const HYPERS_MAX_HEADERS: usize = 100;

/// Serves connections of a listener until `shutdown` is ready; requests under way are then finished.
///
/// # Errors
/// An error of the listener itself. Errors of single connections end those only.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let room = options.max_connections.clamp(1, Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout.min(LONGEST))
        .max_header_size(options.max_head_bytes)
        // Less than this hyper does not take.
        .max_buf_size(options.max_head_bytes.max(8192));
    // Any other number than hyper's own costs an allocation per request.
    if options.max_headers != HYPERS_MAX_HEADERS {
        http.max_headers(options.max_headers);
    }
    // Connections end with this future, also when it is dropped.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // In this order: whoever has had an answer can be sure that a signal to stop is heard.
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &room) => accepted?,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let requests = Arc::new(Requests::new());
        let framing = Framing::new(Arc::clone(&requests), options.max_head_bytes, options.max_headers);
        let guard = Guard::new(service.clone(), requests, peer, options.request_timeout);
        let (write_timeout, linger) = (options.write_timeout.min(LONGEST), options.linger.min(LONGEST));
        let stream = TokioIo::new(Stream::new(stream, framing, write_timeout, linger));
        let connection = http.serve_connection(stream, OfConnection::new(guard));
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "connection ended");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(options.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time to finish them was over");
    }
    connections.shutdown().await;
    Ok(())
}

type Accepted = Option<(TcpStream, PeerAddr, OwnedSemaphorePermit)>;

/// Waits for room and then for a connection. A connection that fails while it is accepted is no error of the server.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> io::Result<Accepted> {
    let Ok(permit) = Arc::clone(room).acquire_owned().await else { return Ok(None) };
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and whole: waiting for more would only delay them.
            let _ = stream.set_nodelay(true);
            Ok(Some((stream, PeerAddr(peer), permit)))
        }
        Err(error) if is_transient(&error) => {
            tracing::warn!(error = %error, "a connection could not be accepted");
            // Out of file descriptors: give others the time to close some.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    // EMFILE and ENFILE have no kind of their own.
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | WouldBlock)
        || matches!(error.raw_os_error(), Some(23 | 24))
}

/// Ready when the process is asked to end: SIGTERM, or an interrupt from the keyboard.
pub async fn shutdown_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
