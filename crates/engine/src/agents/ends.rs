//! What follows for others when a run ends: its parent is woken, and its children end too.
//!
//! Whoever writes the end does this at once. Should that node die before it has, the parent looks
//! again by itself, and every node looks for orphans.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use runloom_domain::{OrgId, RunId};
use runloom_store::{Hint, RunRecord, StoreError};

use super::wait;
use crate::driver::Owned;
use crate::machine::RunState;
use crate::shared::Shared;
use crate::{Engine, fault};

/// Why a child ends with its parent.
const PARENT_ENDED: &str = "parent_ended";

/// How many runs are ended at the same time.
const AT_ONCE: usize = 8;

/// How many orphans one look finds.
const ORPHANS: u32 = 256;

/// A run has ended, as its log says.
pub(crate) fn ended(shared: &Arc<Shared>, org: OrgId, run: RunId, state: &RunState) {
    let parent = state.spec.parent_run_id();
    follow(shared, org, run, parent, state.children.are_there());
}

/// A run has ended whose log can't be read.
pub(crate) fn ended_by_row(shared: &Arc<Shared>, run: &RunRecord) {
    follow(shared, run.org_id, run.run_id, run.parent_run_id, true);
}

/// In a task of its own: nobody's end waits for others'.
fn follow(shared: &Arc<Shared>, org: OrgId, run: RunId, parent: Option<RunId>, spawns: bool) {
    let Some(engine) = shared.engine().filter(|_| parent.is_some() || spawns) else {
        return;
    };
    fault::point("before_others_are_told");
    tokio::spawn(async move {
        if let Some(parent) = parent {
            engine.hasten(org, parent).await;
        }
        if spawns {
            engine.end_children(org, run).await;
        }
    });
}

/// Looks once more after a run has let go to wait for its children: one that ended a moment before
/// has found nobody to wake.
pub(crate) async fn look_again(shared: &Arc<Shared>, run: &Owned) {
    if run.state.awaits().next().is_none() {
        return;
    }
    let children = shared.parts.store.children(run.org_id, run.run_id).await;
    let over = |children: &Vec<RunRecord>| {
        let mut calls = run.state.awaits();
        calls.any(|arguments| wait::is_over(children, arguments))
    };
    // Without an answer the run looks again when its rest is over.
    if children.is_ok_and(|children| over(&children))
        && let Some(engine) = shared.engine()
    {
        engine.hasten(run.org_id, run.run_id).await;
    }
}

impl Engine {
    /// Wakes a run that rests.
    async fn hasten(&self, org: OrgId, run: RunId) {
        match self.shared.parts.store.hasten(org, run).await {
            Ok(true) => {
                self.worker.wake();
                self.shared.teller.tell(&[Hint::Free]);
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%run, error = %error, "a waiting run can't be woken");
            }
        }
    }

    /// Asks for the ends of a run's children, which will ask for those of theirs.
    pub(crate) fn end_children(&self, org: OrgId, run: RunId) -> BoxFuture<'static, ()> {
        let engine = self.clone();
        let ending = async move {
            let children = match engine.shared.parts.store.children(org, run).await {
                Ok(children) => children,
                Err(error) => {
                    tracing::warn!(%run, error = %error, "the children can't be read");
                    return;
                }
            };
            let live = children.into_iter().filter(|run| !run.status.is_terminal());
            let ends = stream::iter(live).for_each_concurrent(AT_ONCE, |child| {
                let engine = engine.clone();
                async move { engine.end_child(&child).await }
            });
            ends.await;
        };
        ending.boxed()
    }

    async fn end_child(&self, run: &RunRecord) {
        let because = Some(PARENT_ENDED);
        let asked = self.ask_to_end(run.org_id, run.run_id, run.created_by, because);
        if let Err(error) = asked.await {
            tracing::warn!(run_id = %run.run_id, error = %error, "a child can't be cancelled");
        }
    }

    /// Ends runs that have outlived their parents.
    pub(crate) async fn end_orphans(&self) -> Result<(), StoreError> {
        let store = &self.shared.parts.store;
        for orphan in store.orphans(ORPHANS).await? {
            if let Some(run) = store.run(orphan.org_id, orphan.run_id).await? {
                self.end_child(&run).await;
            }
        }
        Ok(())
    }
}
