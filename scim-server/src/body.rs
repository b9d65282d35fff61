use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;

use crate::render::Pieces;

/// The body of every answer of this crate.
///
/// Long lists, and resources with many values of relations, are written piece by piece while they are sent, so that
/// only a piece of them is in memory. Their length is not known beforehand.
pub struct Body(Kind);

enum Kind {
    Whole(Full<Bytes>),
    Pieces(Box<Pieces>),
}

impl Body {
    /// A body without content.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }
}

impl Default for Body {
    fn default() -> Self {
        Self(Kind::Whole(Full::default()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(Full::new(bytes)))
    }
}

impl From<Pieces> for Body {
    fn from(pieces: Pieces) -> Self {
        Self(Kind::Pieces(Box::new(pieces)))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(whole) => f.debug_tuple("Body").field(whole).finish(),
            Kind::Pieces(pieces) => f.debug_tuple("Body").field(pieces).finish(),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Kind::Whole(whole) => Pin::new(whole).poll_frame(context),
            Kind::Pieces(pieces) => Poll::Ready(pieces.next().map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(whole) => whole.is_end_stream(),
            Kind::Pieces(pieces) => pieces.is_closed(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(whole) => whole.size_hint(),
            Kind::Pieces(_) => SizeHint::default(),
        }
    }
}
