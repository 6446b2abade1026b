//! The other nodes: telling them what happened here, hearing what happened there, and following
//! runs that they work on.
//!
//! What nodes tell each other are hints. All that they hasten happens without them too: free
//! runs are claimed at the next scan, cancel requests found by the next poll, and the logs of
//! watched runs read each [`LOOK_EVERY`].

mod hear;
mod tails;
mod teller;

use std::sync::Arc;
use std::time::Duration;

use runloom_store::Signals;

pub(crate) use tails::Tails;
pub(crate) use teller::Teller;

use crate::worker::Worker;

/// How often the logs of watched runs that this node doesn't work on are read when no hint
/// comes. Half of what a watcher may have to wait when hints are lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Starts the tasks that a node among others has.
pub(crate) fn start(worker: &Arc<Worker>, signals: Arc<dyn Signals>) {
    tokio::spawn(hear::hear(Arc::downgrade(worker), signals));
    tokio::spawn(tails::follow(Arc::downgrade(worker)));
}
