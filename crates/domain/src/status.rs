use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits behind another run of its thread.
    Queued,
    /// Being worked on, also while no worker is free for it or it backs off.
    Running,
    /// Has asked a person and holds no worker.
    WaitingForInput,
    /// Someone asked for its end; its work is being stopped.
    Cancelling,
    /// Ended with an answer.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because someone asked.
    Cancelled,
}

/// What can happen to a run's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Its thread became free.
    Start,
    /// It asked a person.
    Wait,
    /// The last open question was answered.
    Answer,
    /// Someone asked for its end while a worker may hold it.
    RequestCancel,
    /// Its work has stopped, or nobody held it, after someone asked for its end.
    Cancel,
    /// The model gave its final answer.
    Complete,
    /// It can't go on.
    Fail,
}

/// A transition that the state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from} does not take {transition:?}")]
pub struct InvalidTransition {
    /// The status it was tried on.
    pub from: RunStatus,
    /// What was tried.
    pub transition: Transition,
}

impl RunStatus {
    /// All seven, in the order of a run's life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::WaitingForInput,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The status after `transition`.
    pub const fn after(self, transition: Transition) -> Result<Self, InvalidTransition> {
        use RunStatus as S;
        use Transition as T;
        match (self, transition) {
            (S::Queued, T::Start) | (S::WaitingForInput, T::Answer) => Ok(S::Running),
            (S::Running, T::Wait) => Ok(S::WaitingForInput),
            (S::Running, T::RequestCancel) => Ok(S::Cancelling),
            (S::Queued | S::WaitingForInput | S::Cancelling, T::Cancel) => Ok(S::Cancelled),
            (S::Running, T::Complete) => Ok(S::Completed),
            (S::Queued | S::Running | S::WaitingForInput, T::Fail) => Ok(S::Failed),
            (from, transition) => Err(InvalidTransition { from, transition }),
        }
    }

    /// Whether nothing can follow.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether the run occupies its thread: at most one such run per thread.
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            Self::Running | Self::WaitingForInput | Self::Cancelling
        )
    }

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingForInput => "waiting_for_input",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown run status {0:?}")]
pub struct UnknownStatus(pub String);

impl FromStr for RunStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::RunStatus::*;
    use super::Transition::*;
    use super::*;

    const TRANSITIONS: [Transition; 7] =
        [Start, Wait, Answer, RequestCancel, Cancel, Complete, Fail];

    /// One row per status, one column per transition; `None` is refused.
    #[rustfmt::skip]
    const TABLE: [(RunStatus, [Option<RunStatus>; 7]); 7] = [
        //                 Start          Wait                   Answer         RequestCancel     Cancel           Complete         Fail
        (Queued,          [Some(Running), None,                  None,          None,             Some(Cancelled), None,            Some(Failed)]),
        (Running,         [None,          Some(WaitingForInput), None,          Some(Cancelling), None,            Some(Completed), Some(Failed)]),
        (WaitingForInput, [None,          None,                  Some(Running), None,             Some(Cancelled), None,            Some(Failed)]),
        (Cancelling,      [None,          None,                  None,          None,             Some(Cancelled), None,            None]),
        (Completed,       [None; 7]),
        (Failed,          [None; 7]),
        (Cancelled,       [None; 7]),
    ];

    #[test]
    fn every_pair_of_status_and_transition() {
        for (from, row) in TABLE {
            for (transition, expected) in TRANSITIONS.into_iter().zip(row) {
                assert_eq!(
                    from.after(transition).ok(),
                    expected,
                    "{from} {transition:?}"
                );
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for status in RunStatus::ALL {
            assert_eq!(status.as_str().parse::<RunStatus>().unwrap(), status);
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("done".parse::<RunStatus>().is_err());
    }
}
