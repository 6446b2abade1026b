use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{OrgId, RunId};
use runloom_store::{RunStore, StoreError};
use tokio::sync::watch;

use super::Frame;
use super::ring::{Ring, Since};
use crate::fault::{self, Bug};

/// How many events are read from the store at once. Events may be large, and each watcher may
/// hold a page.
const PAGE: u32 = 64;

/// How long a silent run is trusted to be silent.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// A position in a run's log.
///
/// It costs a few hundred bytes while it waits; what it has read ahead is at most one page.
pub struct Watch {
    pub(crate) org: OrgId,
    pub(crate) run: RunId,
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) ring: Arc<Ring>,
    pub(crate) published: watch::Receiver<u64>,
    pub(crate) follow: bool,
    /// The last seq handed out.
    pub(crate) position: u64,
    /// The last seq that the store is known to have had.
    pub(crate) stored: u64,
    /// Read and not handed out yet.
    pub(crate) ready: VecDeque<Frame>,
    /// Whether the store has to be read before the ring can be followed.
    pub(crate) behind: bool,
    /// Whether the terminal event has been handed out.
    pub(crate) ended: bool,
}

impl Watch {
    /// The next event; `None` after the terminal one, or at the present end when not
    /// following. Cancel safe: dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Result<Frame, StoreError>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                self.position = frame.seq;
                self.ended = frame.is_terminal();
                return Some(Ok(frame));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.fill().await {
                return Some(Err(error));
            }
            if self.ready.is_empty() && !self.behind {
                if !self.follow {
                    return None;
                }
                // The ring lives as long as this watch, so its sender can't be gone. An event
                // that another process has written, or whose commit was not answered, is not
                // published here: silence is checked against the store now and then.
                let changed = self.published.changed();
                if tokio::time::timeout(LOOK_EVERY, changed).await.is_err() {
                    self.behind = true;
                }
            }
        }
    }

    /// Reads what follows the position: from the store while behind, else from the ring.
    async fn fill(&mut self) -> Result<(), StoreError> {
        // Marked as seen before looking: what is published from here on wakes us again.
        self.published.borrow_and_update();
        if self.behind {
            let page = self
                .store
                .events(self.org, self.run, self.position, PAGE)
                .await?;
            fault::point("between_replay_and_follow");
            if fault::planted(Bug::LateSubscribe) {
                self.ring.forget();
            }
            let next = page.first().map_or(self.stored + 1, |event| event.seq);
            if next > self.position + 1 {
                return Err(StoreError::Unavailable(
                    "the run's events have expired while they were read".into(),
                ));
            }
            self.behind = page.len() == PAGE as usize;
            self.ready
                .extend(page.iter().map(|e| Frame::encode(e.seq, &e.event)));
            return Ok(());
        }
        match self.ring.since(self.position) {
            Since::Frames(frames) => self.ready.extend(frames),
            Since::Behind => self.behind = true,
            Since::Nothing => {}
        }
        Ok(())
    }
}
