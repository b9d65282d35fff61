//! h: the same bytes from the same hyper server, with no work behind them.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use scim_server::Body;
use scim_server::serve::{ServeOptions, serve, shutdown_signal};
use tokio::net::TcpListener;

use crate::client::Answer;
use crate::process::Server;

/// Options of `constant`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// File with the answer, head and body, as it went over the wire
    #[arg(long, value_name = "FILE")]
    answer: PathBuf,
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

/// Answers every request with the same bytes, until it is asked to stop.
pub(crate) async fn run(options: Options) -> Result<()> {
    let file = std::fs::read(&options.answer)
        .with_context(|| format!("{} cannot be read", options.answer.display()))?;
    let (status, headers, body) = parse(&file)?;
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let (headers, body) = (headers.clone(), body.clone());
        async move {
            let mut incoming = request.into_body();
            // Otherwise the connection could not be used again.
            while !incoming.is_end_stream() && matches!(incoming.frame().await, Some(Ok(_))) {}
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, Infallible>(response)
        }
    });
    let listener = TcpListener::bind(&options.listen).await?;
    println!("constant answers at http://{}/", listener.local_addr()?);
    serve(listener, service, ServeOptions::default(), shutdown_signal()).await?;
    Ok(())
}

/// Starts this very program as a constant server that answers what another has answered.
pub(crate) async fn start(answer: &Recorded, folder: &Path) -> Result<Server> {
    let file = folder.join("answer");
    std::fs::write(&file, &answer.0)?;
    let arguments: [OsString; 3] = ["constant".into(), "--answer".into(), file.into()];
    Server::start(&std::env::current_exe()?, &arguments, None).await
}

/// An answer as it went over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded(Vec<u8>);

impl Recorded {
    pub(crate) fn new(answer: &Answer<'_>) -> Self {
        Self([answer.head, answer.body].concat())
    }
}

fn parse(file: &[u8]) -> Result<(StatusCode, HeaderMap, Bytes)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(file)? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => anyhow::bail!("the answer has no whole head"),
    };
    let status = StatusCode::from_u16(response.code.unwrap_or_default())?;
    let mut kept = HeaderMap::new();
    for header in response.headers.iter() {
        // hyper writes these itself.
        let by_hyper = ["date", "connection", "content-length", "transfer-encoding"];
        if !by_hyper.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
            let name = HeaderName::from_bytes(header.name.as_bytes())?;
            kept.append(name, HeaderValue::from_bytes(header.value)?);
        }
    }
    Ok((status, kept, Bytes::copy_from_slice(file.get(head..).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_status_headers_and_body() {
        let file = b"HTTP/1.1 201 Created\r\nETag: W/\"1\"\r\nDate: x\r\nContent-Length: 2\r\n\r\n{}";
        let (status, headers, body) = parse(file).unwrap();
        assert_eq!((status, &*body), (StatusCode::CREATED, b"{}".as_slice()));
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["etag"], "W/\"1\"");
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
