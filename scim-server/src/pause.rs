use std::future::poll_fn;
use std::task::Poll;

/// Lets other tasks of the thread go on, and whoever waits for this one give up.
///
/// It is what `tokio::task::yield_now` is, on any runtime.
pub(crate) async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
