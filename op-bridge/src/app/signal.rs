/// Ready when the process is asked to end: SIGTERM, an interrupt from the keyboard, or SIGHUP, as when its terminal is
/// closed. Under `nohup` a SIGHUP is ignored, as it should be.
pub async fn shutdown_signal() {
    tokio::select! {
        () = scim_server::serve::shutdown_signal() => {}
        () = hang_up() => {}
    }
}

async fn hang_up() {
    use tokio::signal::unix::{SignalKind, signal};
    if !is_hang_up_ignored()
        && let Ok(mut signal) = signal(SignalKind::hangup())
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// To listen for a signal is to stop ignoring it, so that this is asked first. Where there is no /proc it is not ignored.
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
