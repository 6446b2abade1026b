use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use runloom_domain::text::is_name;
use runloom_domain::{
    ApprovalMode, ApprovalPolicy, DollarLimits, Generation, OnOverflow, Persona, PersonaRef,
};
use serde::Deserialize;

use super::routes::RouteSettings;

/// `[[personas]]`: a manner of agent, for all organisations. The first is the default one;
/// without any there is `assistant@1`. Of several versions of a key the last is the newest.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonaSettings {
    /// Its key.
    pub key: String,
    /// Its version. Default `1`. Give a changed persona a new one.
    #[serde(default = "first_version")]
    pub version: String,
    /// The system prompt.
    pub prompt: String,
    /// The route it prefers when a run names none.
    pub route_id: Option<String>,
    /// Names of the tools it may use. Default none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Which tools run by themselves.
    #[serde(default)]
    pub approvals: ApprovalSettings,
    /// How far its runs may go.
    #[serde(default)]
    pub limits: DollarLimits,
    /// Sampling temperature; by default the provider decides.
    pub temperature: Option<f64>,
}

fn first_version() -> String {
    "1".to_owned()
}

/// `auto` (it runs), `ask` (a person is asked) or `deny`, by tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalSettings {
    /// For tools without an entry of their own. Default `auto`.
    pub default: ApprovalMode,
    /// By tool name.
    pub tools: BTreeMap<String, ApprovalMode>,
}

impl PersonaSettings {
    /// The persona that is there when none is configured.
    pub fn assistant() -> Self {
        Self {
            key: "assistant".to_owned(),
            version: first_version(),
            prompt: "You are a helpful assistant. Use a tool when it gives a better answer than \
                     you know by yourself, and answer in the language of the question."
                .to_owned(),
            route_id: None,
            tools: ["current_time", "calculator", "ask_user"]
                .map(str::to_owned)
                .to_vec(),
            approvals: ApprovalSettings::default(),
            limits: DollarLimits::default(),
            temperature: None,
        }
    }

    /// The default persona while only the scripted demo answers.
    pub(super) fn demo() -> Self {
        Self {
            key: "demo".to_owned(),
            route_id: Some(RouteSettings::DEMO.to_owned()),
            ..Self::assistant()
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (key, version) = (&self.key, &self.version);
        ensure!(is_name(key), "persona key {key:?} is not a name");
        ensure!(
            is_name(version),
            "version {version:?} of persona {key} is not a name"
        );
        for tool in self.approvals.tools.keys() {
            ensure!(
                self.tools.contains(tool),
                "persona {key}@{version} has an approval for {tool}, which is not among its tools"
            );
        }
        Ok(())
    }

    /// The same in the engine's own terms.
    pub fn to_persona(&self) -> Persona {
        Persona {
            id: PersonaRef {
                key: self.key.clone(),
                version: self.version.clone(),
            },
            prompt: self.prompt.clone(),
            route_id: self.route_id.clone(),
            tools: self.tools.clone(),
            approvals: ApprovalPolicy {
                default: self.approvals.default,
                tools: self.approvals.tools.clone(),
            },
            limits: self.limits.into(),
            generation: Generation {
                temperature: self.temperature,
                ..Generation::default()
            },
            on_overflow: OnOverflow::default(),
            model: None,
        }
    }
}
