//! How many event streams may be open at once: on the node, by caller, by organisation.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntGauge;
use runloom_accounts::Caller;

use super::CallerLimits;

/// Why a stream can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The node has as many as it may.
    Node,
    /// The caller has.
    Caller,
    /// Their organisation has.
    Org,
}

/// The places for event streams of a node.
pub(crate) struct StreamCaps {
    node: usize,
    caller: usize,
    org: usize,
    open: Mutex<Open>,
}

/// Who has how many open. Nobody who has none is in it, so that it is as large as the streams
/// are many.
#[derive(Default)]
struct Open {
    all: usize,
    of: HashMap<String, usize>,
}

impl StreamCaps {
    /// 0 sets no limit for callers and organisations.
    pub(crate) fn new(node: usize, limits: &CallerLimits) -> Self {
        let cap = |limit: u32| {
            if limit == 0 {
                usize::MAX
            } else {
                limit as usize
            }
        };
        Self {
            node,
            caller: cap(limits.streams_per_caller),
            org: cap(limits.streams_per_org),
            open: Mutex::default(),
        }
    }

    /// Takes a place for the caller, until it is dropped.
    pub(crate) fn take(
        self: &Arc<Self>,
        caller: &Caller,
        gauge: &IntGauge,
    ) -> Result<StreamPlace, NoPlace> {
        let org = format!("org:{}", caller.org_id);
        let counted = [
            (self.caller, caller.principal.clone(), NoPlace::Caller),
            (self.org, org, NoPlace::Org),
        ];
        let mut open = self.open();
        if open.all >= self.node {
            return Err(NoPlace::Node);
        }
        let full = |(cap, who, _): &&(usize, String, NoPlace)| {
            open.of.get(who).is_some_and(|many| many >= cap)
        };
        if let Some((_, _, why)) = counted.iter().find(full) {
            return Err(*why);
        }
        open.all += 1;
        // Who has no limit isn't counted.
        let counted = counted.into_iter().filter(|(cap, ..)| *cap < usize::MAX);
        let counted: Vec<String> = counted.map(|(_, who, _)| who).collect();
        for who in &counted {
            *open.of.entry(who.clone()).or_default() += 1;
        }
        drop(open);
        gauge.inc();
        Ok(StreamPlace {
            caps: Arc::clone(self),
            counted,
            gauge: gauge.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the event streams that may be open at once.
pub(crate) struct StreamPlace {
    caps: Arc<StreamCaps>,
    counted: Vec<String>,
    gauge: IntGauge,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.gauge.dec();
        let mut open = self.caps.open();
        open.all -= 1;
        for who in self.counted.drain(..) {
            if let Entry::Occupied(mut many) = open.of.entry(who) {
                *many.get_mut() -= 1;
                if *many.get() == 0 {
                    many.remove();
                }
            }
        }
    }
}
