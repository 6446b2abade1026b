//! SIGTERM and SIGINT: the first asks the server to stop, the second stops it at once.

use std::future::Future;
use std::process;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The exit code of a stop at once, as shells know it from Ctrl-C.
const STOPPED_AT_ONCE: i32 = 130;

/// Takes the signals over. The future ends at the first; it must be awaited on a runtime.
pub(crate) fn install() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("can't watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("can't watch SIGINT")?;
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("stopping; a second signal stops at once");
        drop(stop);
        either(&mut terminate, &mut interrupt).await;
        process::exit(STOPPED_AT_ONCE);
    });
    Ok(async {
        // The sender is only ever dropped, which is the message.
        let _ = stopped.await;
    })
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
