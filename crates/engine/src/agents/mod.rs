//! Runs that a run spawns: the tools `spawn_agent` and `wait_agents`, what a child gets of its
//! parent, and what follows for others when a run ends.
//!
//! A child is a run like any other, in a hidden thread of its own. Each of the two writes only its
//! own log: the parent looks at its children's rows, and ends are asked for as a person does. What
//! one of them should hear of the other at once it hears of a little later too: a parent that
//! waits looks again by itself, and orphans are looked for.

mod definitions;
mod ends;
mod results;
mod rights;
mod spawn;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{EventPrivate, ToolCallId, ToolPin};
use serde_json::Value;

pub(crate) use definitions::definition;
pub(crate) use ends::{ended, ended_by_row, look_again};
pub(crate) use rights::tools;

use crate::driver::Owned;
use crate::machine::{SPAWN_AGENT, WAIT_AGENTS, is_own};
use crate::port::tool::{ToolError, ToolReply};
use crate::shared::Shared;
use spawn::Spawn;
use wait::Wait;

/// The names of the tools that the engine itself has; a host's own tools must have others.
pub const AGENT_TOOLS: [&str; 2] = [SPAWN_AGENT, WAIT_AGENTS];

/// How long a call may take. Both only read and write rows.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// How soon a call is made again that the database has kept from getting on.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a call is made at most while it doesn't get on.
const TRIES: u32 = 60;

/// A call of one of the engine's own tools.
pub(crate) enum AgentCall {
    Spawn(Spawn),
    Wait(Wait),
}

/// What such a call has to say.
pub(crate) struct Said {
    pub(crate) result: Result<ToolReply, ToolError>,
    /// What only the log keeps of it.
    pub(crate) private: Option<EventPrivate>,
}

impl AgentCall {
    /// The call of a run, if its tool is one of the engine's.
    pub(crate) fn of(
        shared: &Arc<Shared>,
        run: &Owned,
        id: ToolCallId,
        pin: Option<&ToolPin>,
    ) -> Option<Self> {
        let pin = pin.filter(|pin| is_own(pin))?;
        let call = run.state.call(id)?;
        Some(match pin.name.as_str() {
            SPAWN_AGENT => Self::Spawn(Spawn::new(shared, run, call)),
            _ => Self::Wait(Wait::new(shared, run, call)),
        })
    }

    /// Makes it. Both can be made again at any time, so that one that takes too long is.
    pub(crate) async fn make(self, arguments: Value) -> Said {
        let made = async {
            match self {
                Self::Spawn(spawn) => Said {
                    result: spawn.call(arguments).await,
                    private: None,
                },
                Self::Wait(wait) => wait.call(arguments).await,
            }
        };
        let made = tokio::time::timeout(TIMEOUT, made).await;
        made.unwrap_or_else(|_| Ok(ToolReply::NotYet(AGAIN)).into())
    }
}

impl From<Result<ToolReply, ToolError>> for Said {
    fn from(result: Result<ToolReply, ToolError>) -> Self {
        let private = None;
        Self { result, private }
    }
}

/// What becomes of a call that an error of the engine's own keeps from getting on: it is made
/// again, but not for ever.
fn later(error: &(dyn std::error::Error + 'static), attempt: u32) -> Result<ToolReply, ToolError> {
    if attempt < TRIES {
        tracing::warn!(error, "an agent's call is made again");
        return Ok(ToolReply::NotYet(AGAIN));
    }
    tracing::error!(error, "an agent's call is given up");
    Err(ToolError::failed("the server can't do this now"))
}
