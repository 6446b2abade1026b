use std::collections::VecDeque;

use crate::Engine;
use crate::facade::{WatchError, WatchRun};
use crate::live::Watch;

impl Engine {
    /// Watches a run from a position in its log.
    pub async fn watch(&self, watch: WatchRun) -> Result<Watch, WatchError> {
        // The order matters: an event committed after the subscription is in the ring, one
        // committed before it is in the store.
        let ring = self.shared.rings.subscribe(watch.run_id);
        let published = ring.published();
        let store = self.shared.parts.store.clone();
        let head = store
            .head(watch.org_id, watch.run_id)
            .await?
            .ok_or(WatchError::NoRun)?;
        if head.events_expired {
            return Err(WatchError::Expired);
        }
        ring.begin(watch.org_id, head.last_seq);
        if watch.after > head.last_seq {
            return Err(WatchError::CursorAhead {
                last_seq: head.last_seq,
            });
        }
        let ended = head.status.is_terminal() && watch.after == head.last_seq;
        if ended && watch.follow {
            return Err(WatchError::Finished);
        }
        Ok(Watch {
            org: watch.org_id,
            run: watch.run_id,
            store,
            ring,
            published,
            follow: watch.follow,
            position: watch.after,
            stored: head.last_seq,
            ready: VecDeque::new(),
            behind: true,
            ended,
        })
    }
}
