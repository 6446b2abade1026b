use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// `mode`, `RUNLOOM_MODE`: what the server lets pass. Default `development`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Works without any preparation: makes its own master key, and has a scripted model when
    /// no real one is configured.
    #[default]
    Development,
    /// Refuses insecure defaults: a missing or short master key, scripted models, benchmark
    /// routes. Without a route a run can't be created.
    Production,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Production => "production",
        })
    }
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("neither development nor production"),
        }
    }
}
