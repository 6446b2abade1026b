//! The runs that a run spawns, as its own log tells: how many, and what of its limits they have.
//!
//! A child gets a part of what the run's limits leave when it is spawned, and that part counts as
//! spent from then on. Once the child is found to have ended, what it has really used counts
//! instead. So a run and all that descend from it stay within the limits of the first, without
//! any of them looking into the log of another.

use std::collections::BTreeMap;
use std::sync::Arc;

use runloom_domain::event::{RunShare, ToolResulted};
use runloom_domain::{EventPrivate, NanoUsd, RunId, ToolPin};
use serde_json::Value;

use super::{Call, RunState};

/// The tool that spawns a run.
pub(crate) const SPAWN_AGENT: &str = "spawn_agent";

/// The tool that waits for the ends of spawned runs.
pub(crate) const WAIT_AGENTS: &str = "wait_agents";

/// The most runs that one run spawns, whatever its limits say: as many as are read at once.
const MAX_SPAWNED: u32 = 100;

/// Whether a tool is the engine's own.
pub(crate) fn is_own(pin: &ToolPin) -> bool {
    is_spawn(pin) || is_wait(pin)
}

pub(super) fn is_spawn(pin: &ToolPin) -> bool {
    pin.origin.is_builtin() && pin.name == SPAWN_AGENT
}

pub(super) fn is_wait(pin: &ToolPin) -> bool {
    pin.origin.is_builtin() && pin.name == WAIT_AGENTS
}

/// The runs that a run has spawned. Shared between copies of a state, since most decisions spawn
/// nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Children {
    known: Arc<BTreeMap<RunId, Child>>,
    /// How many were ever to be spawned: one whose call has failed may be there all the same.
    begun: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Child {
    /// How many were to be spawned before it.
    place: u32,
    name: Option<String>,
    share: RunShare,
    used: Option<RunShare>,
}

impl Children {
    /// A call has been started that may spawn this run.
    pub(super) fn started(&mut self, child: RunId, private: Option<&EventPrivate>) {
        if let Some(EventPrivate::Spawn { name, share }) = private {
            let child_of = Child {
                place: self.begun,
                name: name.clone(),
                share: *share,
                used: None,
            };
            Arc::make_mut(&mut self.known).insert(child, child_of);
            self.begun = self.begun.saturating_add(1);
        }
    }

    /// A call has its result. A run that couldn't be spawned gives its part back.
    pub(super) fn finished(&mut self, result: &ToolResulted, private: Option<&EventPrivate>) {
        let child = RunId::from_uuid(result.tool_call_id.as_uuid());
        if result.error.is_some() && self.known.contains_key(&child) {
            Arc::make_mut(&mut self.known).remove(&child);
        }
        let Some(EventPrivate::Settled { runs }) = private else {
            return;
        };
        let known = Arc::make_mut(&mut self.known);
        for settled in runs {
            let child = known.entry(settled.run_id).or_insert(Child {
                place: self.begun,
                name: None,
                share: RunShare::default(),
                used: None,
            });
            child.used = Some(settled.used);
        }
    }

    /// Whether there may be any.
    pub(crate) fn are_there(&self) -> bool {
        self.begun > 0
    }

    /// What the model calls a child.
    pub(crate) fn name(&self, child: RunId) -> Option<&str> {
        self.known.get(&child)?.name.as_deref()
    }

    /// Where a child stands among them, in the order of the calls.
    pub(crate) fn place(&self, child: RunId) -> Option<u32> {
        self.known.get(&child).map(|child| child.place)
    }

    /// What a child may use, if it is about to be spawned or has been.
    pub(crate) fn share(&self, child: RunId) -> Option<RunShare> {
        self.known.get(&child).map(|child| child.share)
    }

    /// What they have used, or may use.
    pub(super) fn spent(&self) -> RunShare {
        let counted = |child: &Child| child.used.unwrap_or(child.share);
        let all = self.known.values().map(counted);
        all.fold(RunShare::default(), std::ops::Add::add)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.known.len()).unwrap_or(u32::MAX)
    }
}

impl RunState {
    /// The arguments of the calls that rest until child runs have ended.
    pub(crate) fn awaits(&self) -> impl Iterator<Item = &Value> {
        let rest = self
            .calls
            .iter()
            .filter(|call| call.rests_until().is_some());
        let waits = |call: &&Call| self.spec.tool(&call.name).is_some_and(is_wait);
        rest.filter(waits).map(|call| &call.arguments)
    }
}

/// Why a run can't be spawned: a class, and words for the model.
type Refused = (&'static str, String);

/// What is written with the start of a call that spawns a run: nothing when it does something
/// else, or was started before.
pub(super) fn spawn(
    state: &RunState,
    call: &Call,
    pin: &ToolPin,
) -> Result<Option<EventPrivate>, Refused> {
    if !is_spawn(pin) || state.children.share(call.child()).is_some() {
        return Ok(None);
    }
    let limits = &state.spec.limits;
    if limits.max_depth != 0 && state.spec.depth() >= limits.max_depth {
        let message = format!(
            "agents may spawn agents {} deep, and this one is that deep",
            limits.max_depth
        );
        return Err(("limits.depth", message));
    }
    let most = match limits.max_children {
        0 => MAX_SPAWNED,
        limit => limit.min(MAX_SPAWNED),
    };
    let left = most.saturating_sub(state.children.count());
    if left == 0 {
        let message = format!("the run has spawned {most} agents, as many as it may");
        return Err(("limits.children", message));
    }
    let share = share(state, left, asked(call))?;
    let name = call.arguments.get("name").and_then(Value::as_str);
    Ok(Some(EventPrivate::Spawn {
        name: name.map(str::to_owned),
        share,
    }))
}

/// What a call wants for the new run.
fn asked(call: &Call) -> Option<NanoUsd> {
    let dollars = call.arguments.get("max_cost_usd").and_then(Value::as_f64)?;
    NanoUsd::from_dollars(dollars).filter(|cost| *cost > NanoUsd::ZERO)
}

/// One part of what is left, of as many as there may yet be children, and one that the run itself
/// keeps to go on with their results.
fn share(state: &RunState, children: u32, asked: Option<NanoUsd>) -> Result<RunShare, Refused> {
    let (limits, spent) = (&state.spec.limits, state.spent());
    let parts = u64::from(children) + 1;
    let nothing = || {
        let message = "what is left to the run is too little for another agent".to_owned();
        ("budget.exhausted", message)
    };
    let mut share = RunShare {
        cost: asked.unwrap_or_default(),
        output_tokens: 0,
    };
    let max = limits.max_cost.as_nanos();
    if max != 0 {
        let part = max.saturating_sub(spent.cost.as_nanos()) / i64::from(children + 1);
        if part <= 0 {
            return Err(nothing());
        }
        let part = NanoUsd::from_nanos(part);
        share.cost = asked.map_or(part, |asked| asked.min(part));
    }
    if limits.max_output_tokens != 0 {
        let output = spent.tokens.output_tokens;
        share.output_tokens = limits.max_output_tokens.saturating_sub(output) / parts;
        if share.output_tokens == 0 {
            return Err(nothing());
        }
    }
    Ok(share)
}
