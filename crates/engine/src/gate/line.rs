//! Waiting in the order of coming.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::port::model::ModelError;

/// What decides who may pass. Times are of tokio's clock.
pub(super) trait State: Send + 'static {
    /// What somebody asks for who wants to pass.
    type Wanted: Sync;

    /// Lets one pass now, or says when to ask again.
    fn pass(&mut self, wanted: &Self::Wanted, now: Instant) -> Pass;

    /// Somebody who had passed is done.
    fn leave(&mut self, now: Instant);
}

/// Whether somebody may pass.
pub(super) enum Pass {
    /// They have.
    Yes,
    /// At this moment at the soonest.
    At(Instant),
    /// When somebody leaves or the state changes otherwise.
    Later,
    /// Not at all.
    No(ModelError),
}

/// A state and those who wait before it.
pub(super) struct Line<S> {
    state: Mutex<S>,
    /// Held by whoever is at the front; tokio's mutex is fair.
    front: tokio::sync::Mutex<()>,
    /// Tells whoever is at the front that the state has changed.
    changed: Notify,
}

/// Somebody who has passed and not left.
pub(super) struct Place<S: State>(Arc<Line<S>>);

impl<S: State> Line<S> {
    pub(super) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            front: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// Waits for one's turn. Cancel safe: whoever gives up leaves no trace.
    pub(super) async fn enter(
        self: &Arc<Self>,
        wanted: &S::Wanted,
    ) -> Result<Place<S>, ModelError> {
        let _front = self.front.lock().await;
        loop {
            let pass = self.state().pass(wanted, Instant::now());
            match pass {
                Pass::Yes => return Ok(Place(Arc::clone(self))),
                Pass::No(error) => return Err(error),
                Pass::Later => self.changed.notified().await,
                Pass::At(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: State> Place<S> {
    /// Changes the state.
    pub(super) fn with(&self, change: impl FnOnce(&mut S, Instant)) {
        change(&mut self.0.state(), Instant::now());
        self.0.changed.notify_one();
    }
}

impl<S: State> Drop for Place<S> {
    fn drop(&mut self) {
        self.with(S::leave);
    }
}
