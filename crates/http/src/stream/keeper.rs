use std::pin::Pin;
use std::time::Duration;

use runloom_accounts::{AccountError, Caller};
use runloom_domain::{Permission, RunId};
use runloom_engine::live::Frame;
use runloom_store::StoreError;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::state::HttpState;
use crate::v1::runs::sight;

/// What comes next on a stream.
pub(super) enum Turn {
    /// What the watch has yielded.
    Frame(Option<Result<Frame, StoreError>>),
    /// Nothing for a while: a comment shows the client that the stream is alive, and shows us
    /// whether the client is.
    Comment,
    /// The client has to come back: the server stops, or the credential has ended.
    Leave,
}

/// Watches over an open stream: its silence, its credential, the server's end.
pub(super) struct Keeper {
    state: HttpState,
    caller: Caller,
    run: RunId,
    heartbeat: Duration,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Made at the first wait, inside the runtime that keeps its time.
    silence: Option<Pin<Box<Sleep>>>,
    last_sent: Instant,
    check_at: Instant,
}

impl Keeper {
    pub(super) fn new(state: &HttpState, caller: Caller, run: RunId) -> Self {
        let now = Instant::now();
        Self {
            state: state.clone(),
            caller,
            run,
            heartbeat: state.settings().heartbeat,
            drain: Box::pin(state.drain().clone().cancelled_owned()),
            silence: None,
            last_sent: now,
            check_at: now + state.settings().recheck,
        }
    }

    /// Notes that something was sent.
    pub(super) fn sent(&mut self) {
        self.last_sent = Instant::now();
    }

    /// Waits for the next frame, for silence, or for a reason to end the stream.
    pub(super) async fn wait<F>(&mut self, mut next: Pin<&mut F>) -> Turn
    where
        F: Future<Output = Option<Result<Frame, StoreError>>>,
    {
        loop {
            if self.must_leave().await {
                return Turn::Leave;
            }
            let due = self.last_sent + self.heartbeat;
            let silence = self
                .silence
                .get_or_insert_with(|| Box::pin(sleep_until(due)));
            tokio::select! {
                biased;
                frame = next.as_mut() => return Turn::Frame(frame),
                () = self.drain.as_mut() => return Turn::Leave,
                () = silence.as_mut() => {}
            }
            // The timer isn't moved at each frame, which would be a lock each: only when it
            // has run out and frames had come since it was set.
            let now = Instant::now();
            let silent = now >= due;
            if silent {
                self.last_sent = now;
            }
            silence.as_mut().reset(self.last_sent + self.heartbeat);
            if silent {
                return Turn::Comment;
            }
        }
    }

    /// Whether the stream has to end before its run does.
    pub(super) async fn must_leave(&mut self) -> bool {
        if self.state.drain().is_cancelled() {
            return true;
        }
        let now = Instant::now();
        if now < self.check_at {
            return false;
        }
        self.check_at = now + self.state.settings().recheck;
        match self.state.accounts().still_valid(&self.caller).await {
            Ok(caller) => {
                !caller.rights.allows(Permission::RunsRead) || !self.is_seen_by(&caller).await
            }
            Err(AccountError::Store(error)) => {
                // Not a verdict: an outage of the database must not end every stream.
                tracing::warn!(%error, "the credential of an event stream can't be checked");
                false
            }
            Err(_) => true,
        }
    }

    /// Whether the organisation still lets the caller see the run. A failure is no verdict.
    async fn is_seen_by(&self, caller: &Caller) -> bool {
        let seen = sight::is_seen(&self.state, caller, self.run).await;
        !matches!(seen, Ok(false))
    }
}
