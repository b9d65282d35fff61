use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// How far the body of a request has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    is_complete: AtomicBool,
    is_too_large: AtomicBool,
}

impl Progress {
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.is_too_large.load(Ordering::Acquire)
    }
}

pin_project! {
    /// A body that fails once it has gone past its limit.
    #[derive(Debug)]
    pub struct LimitedBody<B> {
        #[pin]
        inner: B,
        left: usize,
        progress: Arc<Progress>,
    }
}

impl<B: Body> LimitedBody<B> {
    pub(super) fn new(inner: B, limit: usize) -> (Self, Arc<Progress>) {
        let progress =
            Arc::new(Progress { is_complete: inner.is_end_stream().into(), ..Progress::default() });
        (Self { inner, left: limit, progress: Arc::clone(&progress) }, progress)
    }
}

/// Why a [`LimitedBody`] ends before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitedBodyError<E> {
    /// It is larger than the limit.
    #[error("the body is larger than the limit")]
    TooLarge,
    /// It could not be read.
    #[error(transparent)]
    Body(E),
}

impl<B: Body> Body for LimitedBody<B> {
    type Data = B::Data;
    type Error = LimitedBodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        if this.progress.is_too_large() {
            return Poll::Ready(None);
        }
        let Some(frame) = ready!(this.inner.as_mut().poll_frame(context)) else {
            this.progress.is_complete.store(true, Ordering::Release);
            return Poll::Ready(None);
        };
        let frame = frame.map_err(LimitedBodyError::Body)?;
        if let Some(data) = frame.data_ref() {
            match this.left.checked_sub(data.remaining()) {
                Some(left) => *this.left = left,
                None => {
                    this.progress.is_too_large.store(true, Ordering::Release);
                    return Poll::Ready(Some(Err(LimitedBodyError::TooLarge)));
                }
            }
        }
        // Services that know the length do not ask for the end.
        if this.inner.is_end_stream() {
            this.progress.is_complete.store(true, Ordering::Release);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
