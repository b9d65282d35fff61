//! Serving over HTTP/1.1 with hyper: limits, time-outs and a graceful end (feature `serve`).

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use scim_core::ScimError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::body::Body;
use crate::error::error_response;

/// How much time and room connections get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long the headers of a request may take, and how long a connection may be idle. Default 30 s.
    pub header_timeout: Duration,
    /// How long a request may take from its headers to its answer, reading the body included. Default 60 s.
    pub request_timeout: Duration,
    /// How many connections may be open at once; further ones wait. Default 1,024.
    pub max_connections: usize,
    /// How many headers a request may have. Default 100.
    pub max_headers: usize,
    /// How many bytes request line and headers may have. Default 64 KiB.
    pub max_head_bytes: usize,
    /// How long requests may go on after the end has been asked for. Default 25 s.
    pub shutdown_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            max_connections: 1024,
            max_headers: 100,
            max_head_bytes: 64 * 1024,
            shutdown_timeout: Duration::from_secs(25),
        }
    }
}

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
    let connections = Arc::new(Semaphore::new(options.max_connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_headers(options.max_headers)
        .max_buf_size(options.max_head_bytes.max(8192));
    let service = Limited { inner: service, timeout: options.request_timeout };
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted?,
            () = &mut shutdown => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
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
    Ok(())
}

type Accepted = Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)>;

/// Waits for room and then for a connection. A connection that fails while it is accepted is no error of the server.
async fn accept(listener: &TcpListener, connections: &Arc<Semaphore>) -> io::Result<Accepted> {
    let Ok(permit) = Arc::clone(connections).acquire_owned().await else { return Ok(None) };
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and whole: waiting for more would only delay them.
            let _ = stream.set_nodelay(true);
            Ok(Some((stream, permit)))
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

/// Answers 503 when a request takes too long.
#[derive(Clone, Debug)]
struct Limited<S> {
    inner: S,
    timeout: Duration,
}

impl<S> Service<Request<Incoming>> for Limited<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let answer = self.inner.call(request);
        let timeout = self.timeout;
        Box::pin(async move {
            tokio::time::timeout(timeout, answer).await.unwrap_or_else(|_| {
                let seconds = timeout.as_secs();
                let error = ScimError::new(503, format!("the request took longer than {seconds} seconds"));
                Ok(error_response(&error))
            })
        })
    }
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
