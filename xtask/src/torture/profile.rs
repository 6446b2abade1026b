//! The ways in which the driver goes about it.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is broken and what is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// Faults all the time; at the end everything is healed, waited for and checked
    Safety,
    /// Faults for a minute, then everything must end within 45 s; again and again
    Liveness,
    /// Power cuts under SQLite and under PostgreSQL
    Power,
    /// Two versions side by side and clean restarts, one node after the other
    Upgrade,
}

impl Profile {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Liveness => "liveness",
            Self::Power => "power",
            Self::Upgrade => "upgrade",
        }
    }
}
