use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

pin_project! {
    /// A future that is given up after a time.
    ///
    /// The clock starts once there is something to wait for: most answers are there at once, and need none. The future
    /// is still there when the time is up, until all of this is dropped.
    #[derive(Debug)]
    pub(crate) struct Within<F> {
        #[pin]
        future: F,
        #[pin]
        sleep: Option<Sleep>,
        time: Option<Duration>,
    }
}

/// The time is up.
#[derive(Debug)]
pub(crate) struct TimeIsUp;

impl<F> Within<F> {
    /// Gives the future so much time, or all that it wants.
    pub(crate) fn new(time: Option<Duration>, future: F) -> Self {
        Self { future, sleep: None, time }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, TimeIsUp>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        if let (Some(time), None) = (this.time, this.sleep.as_ref().get_ref()) {
            this.sleep.set(Some(tokio::time::sleep(*time)));
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(context).map(|()| Err(TimeIsUp)),
            None => Poll::Pending,
        }
    }
}
