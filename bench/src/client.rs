//! One keep-alive connection: bytes out, bytes in, with httparse in between.
//!
//! The generator shares two cores with the server that it measures, so it does nothing that it need not: a request is
//! a slice of bytes that is written once, and an answer is read into a buffer that is used again.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use httparse::{EMPTY_HEADER, Status};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::target::Target;

/// How long an answer may take before the request counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);
const MOST_HEADERS: usize = 64;
const ROOM: usize = 64 * 1024;

/// What a server answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.body)
            .with_context(|| format!("the answer is no such JSON: {}", self.text()))
    }

    /// What it says, for an error message.
    pub(crate) fn text(&self) -> String {
        let body = String::from_utf8_lossy(self.body);
        format!("{} {}", self.status, body.chars().take(300).collect::<String>())
    }

    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{status} was expected, and this came: {}", self.text());
        Ok(self)
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// The body of an answer that came in chunks.
    body: Vec<u8>,
}

/// Where the body of an answer is.
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(ROOM), body: Vec::new() }
    }

    /// Sends a request and reads its answer. After an error the next request has a new connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let done = tokio::time::timeout(PATIENCE, self.try_exchange(request)).await;
        let parts = match done {
            Ok(Ok(parts)) => parts,
            Ok(Err(error)) => {
                self.stream = None;
                return Err(error);
            }
            Err(_) => {
                self.stream = None;
                bail!("no answer within {} seconds", PATIENCE.as_secs());
            }
        };
        let Parts { status, head, in_chunks, length, keep } = parts;
        if !keep {
            self.stream = None;
        }
        let whole = self.buffer.split_at_checked(head);
        let (head, rest) = whole.context("the head of the answer is gone")?;
        let body = if in_chunks { self.body.get(..length) } else { rest.get(..length) };
        Ok(Answer { status, head, body: body.context("the body of the answer is gone")? })
    }

    async fn try_exchange(&mut self, request: &[u8]) -> Result<Parts> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let (status, head, framing, keep) = loop {
            fill(stream, &mut self.buffer).await?;
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
        };
        match framing {
            Framing::Length(length) => {
                while self.buffer.len() < head.saturating_add(length) {
                    fill(stream, &mut self.buffer).await?;
                }
                Ok(Parts { status, head, in_chunks: false, length, keep })
            }
            Framing::UntilClose => {
                while read(stream, &mut self.buffer).await? > 0 {}
                let length = self.buffer.len().saturating_sub(head);
                Ok(Parts { status, head, in_chunks: false, length, keep: false })
            }
            Framing::Chunked => {
                self.body.clear();
                let mut at = head;
                loop {
                    let rest = self.buffer.get(at..).unwrap_or_default();
                    let parsed = httparse::parse_chunk_size(rest);
                    match parsed.map_err(|_| anyhow::anyhow!("a chunk of the answer has no size"))? {
                        Status::Complete((line, size)) => {
                            let size = usize::try_from(size)?;
                            let begin = at.saturating_add(line);
                            let end = begin.saturating_add(size);
                            // Two more bytes end the line; without trailers the last chunk is one of no bytes.
                            while self.buffer.len() < end.saturating_add(2) {
                                fill(stream, &mut self.buffer).await?;
                            }
                            if size == 0 {
                                let length = self.body.len();
                                return Ok(Parts { status, head, in_chunks: true, length, keep });
                            }
                            self.body.extend_from_slice(self.buffer.get(begin..end).unwrap_or_default());
                            at = end.saturating_add(2);
                        }
                        Status::Partial => fill(stream, &mut self.buffer).await?,
                    }
                }
            }
        }
    }

    /// A GET, for what is asked seldom.
    pub(crate) async fn get(&mut self, target: &Target, path: &str) -> Result<Answer<'_>> {
        let mut request = Vec::new();
        target.bare(&mut request, "GET", format_args!("{path}"));
        self.exchange(&request).await
    }

    /// A request with a body, for what is asked seldom.
    pub(crate) async fn send(
        &mut self,
        target: &Target,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Answer<'_>> {
        let mut request = Vec::new();
        target.with_body(&mut request, method, format_args!("{path}"), body);
        self.exchange(&request).await
    }
}

struct Parts {
    status: u16,
    /// How many bytes the head has.
    head: usize,
    in_chunks: bool,
    length: usize,
    keep: bool,
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    if buffer.capacity().saturating_sub(buffer.len()) < ROOM / 2 {
        buffer.reserve(ROOM);
    }
    Ok(stream.read_buf(buffer).await?)
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    ensure!(read(stream, buffer).await? > 0, "the server closed the connection in the middle of an answer");
    Ok(())
}

/// Status, length of the head, framing of the body, and whether the connection stays; nothing while it is incomplete.
fn parse_head(buffer: &[u8]) -> Result<Option<(u16, usize, Framing, bool)>> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(length) = response.parse(buffer)? else { return Ok(None) };
    let status = response.code.unwrap_or_default();
    let mut keep = response.version == Some(1);
    let mut framing = Framing::UntilClose;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(std::str::from_utf8(header.value)?.trim().parse()?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep = header.value.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    if matches!(status, 100..200 | 204 | 304) {
        framing = Framing::Length(0);
    }
    Ok(Some((status, length, framing, keep)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers with these bytes, in pieces of `piece` bytes, and closes.
    async fn answered(bytes: &'static [u8], piece: usize) -> Result<(u16, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut connection = Connection::new(listener.local_addr()?);
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 16];
            stream.read_exact(&mut request).await.unwrap();
            for piece in bytes.chunks(piece) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let answer = connection.exchange(b"GET / HTTP/1.1\r\n").await;
        let answer = answer.map(|answer| (answer.status, answer.body.to_vec()));
        server.await?;
        answer
    }

    #[tokio::test]
    async fn answers_are_read_however_they_are_framed_and_cut() {
        let cases: [(&[u8], u16, &[u8]); 4] = [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
                200,
                b"hello",
            ),
            (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nnothing", 404, b"nothing"),
        ];
        for (bytes, status, body) in cases {
            for piece in [1, 7, 1000] {
                assert_eq!(answered(bytes, piece).await.unwrap(), (status, body.to_vec()), "{piece}");
            }
        }
    }

    #[tokio::test]
    async fn a_cut_off_answer_is_an_error() {
        assert!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 50).await.is_err());
        assert!(answered(b"HTTP/1.1 2", 50).await.is_err());
    }
}
