use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::framing::Framing;
use super::refusal;

/// How much is read and thrown away of a client that goes on sending after the last answer.
const DRAINED: usize = 1 << 20;

/// A connection whose writes fail when the other side takes nothing for too long, because a client that asks and never
/// reads would otherwise keep its place for ever; whose reads are followed by [`Framing`]; and which goes on reading for a
/// while when it is closed in the middle of a request.
///
/// Closed at once, what the client has sent and nobody has read would make the operating system reset the connection, and
/// the client would never see the answer that says why (RFC 9112 section 9.6).
#[derive(Debug)]
pub(super) struct Stream {
    inner: TcpStream,
    framing: Framing,
    timeout: Duration,
    linger: Duration,
    deadline: Pin<Box<Sleep>>,
    is_waiting: bool,
    /// What is written in the place of an answer of hyper's own.
    instead: Vec<u8>,
    /// How much more is read, once the connection is closed for writing.
    drain: Option<usize>,
}

impl Stream {
    pub(super) fn new(inner: TcpStream, framing: Framing, timeout: Duration, linger: Duration) -> Self {
        Self {
            inner,
            framing,
            timeout,
            linger,
            deadline: Box::pin(tokio::time::sleep(timeout)),
            is_waiting: false,
            instead: Vec::new(),
            drain: None,
        }
    }

    /// Writes something that begins with these bytes, unless they are an answer of hyper's own: that is written with a
    /// body.
    fn write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        let is_answer = self.framing.requests().take_answer();
        if !is_answer && let Some(instead) = refusal::with_body(bytes) {
            self.instead = instead;
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = write(Pin::new(&mut self.inner), context);
        if is_answer && outcome.is_pending() {
            self.framing.requests().answer();
        }
        self.bound(context, outcome)
    }

    /// Writes what is to be written in the place of something else.
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let outcome = Pin::new(&mut self.inner).poll_write(context, &self.instead);
            let written = ready!(self.bound(context, outcome))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written.min(self.instead.len()));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what still comes until the client closes, too, as far as that is soon and not much.
    fn poll_drain(&mut self, context: &mut Context<'_>, mut left: usize) -> Poll<()> {
        let mut buffer = [0; 8192];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut buffer);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    left = left.saturating_sub(buffer.filled().len());
                    self.drain = Some(left);
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.deadline.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }

    /// Passes the outcome of a write on, unless it has been pending for too long.
    fn bound<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.is_waiting = false;
            return outcome;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            let deadline = Instant::now() + self.timeout;
            self.deadline.as_mut().reset(deadline);
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        let read = buffer.filled().get(before..).unwrap_or_default();
        self.framing.read(read);
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, bytes, |inner, context| inner.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.bound(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drain.is_none() {
            ready!(self.poll_instead(context))?;
            let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
            ready!(self.bound(context, outcome))?;
            let deadline = Instant::now() + self.linger;
            self.deadline.as_mut().reset(deadline);
            self.drain = Some(if self.framing.is_under_way() { DRAINED } else { 0 });
        }
        let left = self.drain.unwrap_or_default();
        self.poll_drain(context, left).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        let first = filled.next().map_or(&[][..], |first| first);
        let bytes = if filled.next().is_none() { first } else { &[] };
        self.write(context, bytes, |inner, context| inner.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
