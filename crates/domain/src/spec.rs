use serde::{Deserialize, Serialize};

use crate::{
    ApprovalMode, ArgumentRule, CreditRate, Generation, Limits, OnOverflow, PersonaRef, Route,
    RunId, ToolClass, ToolOrigin, ToolPolicy,
};

/// A tool as a run froze it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolPin {
    /// The name the model calls.
    pub name: String,
    /// SHA-256 in hex of the definition, which is stored as content.
    pub hash: String,
    /// What a crash means for it.
    pub class: ToolClass,
    /// Whether it runs by itself, unless a rule says otherwise.
    pub approval: ApprovalMode,
    /// What becomes of calls with certain arguments; the first that fits counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ArgumentRule>,
    /// What the runs that the run descends from say of the tool; the strictest of all counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherited: Vec<ToolPolicy>,
    /// Whether a call is a question to a person, whose answer is the result.
    #[serde(default)]
    pub asks: bool,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "ToolOrigin::is_builtin")]
    pub origin: ToolOrigin,
}

impl ToolPin {
    /// What the run's own persona says of the tool.
    pub fn into_policy(self) -> ToolPolicy {
        ToolPolicy {
            rules: self.rules,
            mode: self.approval,
        }
    }
}

/// The run that has spawned another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnedBy {
    /// It.
    pub run_id: RunId,
    /// How many generations the spawned run is below one that a person started; from 1.
    pub depth: u32,
}

/// Everything a run needs to know of the configuration, frozen when it starts and kept in
/// the private payload of `run.started`, so that a recovery never reads today's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// The persona and its version.
    pub persona: PersonaRef,
    /// The rendered system prompt.
    pub prompt: String,
    /// The route that the run starts with.
    pub route: Route,
    /// Where it goes when that route fails for good, in order.
    #[serde(default)]
    pub fallbacks: Vec<Route>,
    /// The tools, sorted by name.
    pub tools: Vec<ToolPin>,
    /// Which URLs `http_request` may reach, of those that the deployment allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_allow: Vec<String>,
    /// How far it may go.
    pub limits: Limits,
    /// How the model is asked to answer.
    #[serde(flatten)]
    pub generation: Generation,
    /// What becomes of a history that is too long for the model.
    #[serde(default)]
    pub on_overflow: OnOverflow,
    /// Credits per dollar.
    #[serde(default)]
    pub credit_rate: CreditRate,
    /// Whether the run's organisation limits what it may spend, by credits or budgets: then the
    /// store is asked before each step how much is left.
    #[serde(default)]
    pub budgeted: bool,
    /// The last position of the thread that the run sees, besides its own messages.
    pub history_until: u64,
    /// Who has spawned it, if a run has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpawnedBy>,
}

impl RunSpec {
    /// The pin of the tool called `name`.
    pub fn tool(&self, name: &str) -> Option<&ToolPin> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// The run that has spawned it.
    pub fn parent_run_id(&self) -> Option<RunId> {
        self.parent.map(|parent| parent.run_id)
    }

    /// How many generations it is below a run that a person started.
    pub fn depth(&self) -> u32 {
        self.parent.map_or(0, |parent| parent.depth)
    }

    /// The route called `route_id`, among the first and the fallbacks.
    pub fn route_named(&self, route_id: &str) -> Option<&Route> {
        std::iter::once(&self.route)
            .chain(&self.fallbacks)
            .find(|r| r.route_id == route_id)
    }
}
