use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ApprovalPolicy, Generation, Limits};

/// Which persona a run speaks as, in one immutable version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonaRef {
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: String,
}

impl fmt::Display for PersonaRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.version)
    }
}

/// What becomes of the oldest turns when a thread is too long for the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOverflow {
    /// The model isn't shown them.
    #[default]
    Drop,
    /// The model is shown a summary of them, which it makes itself.
    Summarise,
    /// The run fails.
    Fail,
}

/// The manner of an agent: what it is told, which tools it has and how far it may go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// Key and version.
    #[serde(flatten)]
    pub id: PersonaRef,
    /// The system prompt.
    pub prompt: String,
    /// The route it prefers when a run names none.
    #[serde(default)]
    pub route_id: Option<String>,
    /// The model it prefers when neither the run nor the persona names a route.
    #[serde(default)]
    pub model: Option<String>,
    /// Names of the tools it may use, or patterns.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Which URLs `http_request` may reach, of those that the deployment allows: patterns as
    /// [`UrlPattern`](crate::UrlPattern) reads them. Without any it reaches none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_allow: Vec<String>,
    /// Which of its tools run by themselves.
    #[serde(default)]
    pub approvals: ApprovalPolicy,
    /// How far its runs may go.
    #[serde(default)]
    pub limits: Limits,
    /// How the model is asked to answer.
    #[serde(flatten)]
    pub generation: Generation,
    /// What becomes of a history that is too long for the model.
    #[serde(default)]
    pub on_overflow: OnOverflow,
}
