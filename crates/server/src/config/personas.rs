mod file;
mod folder;
mod origin;
mod shipped;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use runloom_domain::text::is_name;
use runloom_domain::{
    ApprovalPolicy, DollarLimits, Generation, OnOverflow, Persona, PersonaRef, ReasoningEffort,
    ResponseFormat, ToolPattern, check_url_patterns,
};
use runloom_engine::check_approvals;
use serde::Deserialize;

use origin::Origin;

/// A manner of agent, for all organisations: `[[personas]]`, or a file in the folder of
/// personas.
///
/// Those of the configuration come first, then those of the folder in the order of the files'
/// names, then the ones that come with the program, without those whose key is among the
/// others. Of several versions of a key the last is the newest. The default one is that which
/// is marked so, else the first of all.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonaSettings {
    /// Its key.
    pub key: String,
    /// Its version. Default `1`. Give a changed persona a new one.
    #[serde(default = "first_version")]
    pub version: String,
    /// The system prompt, with places such as `{{name}}` for values of a run's metadata. In a
    /// file it is what follows the settings.
    pub prompt: Option<String>,
    /// Whether a run that names no persona takes this one. At most one is. Default false.
    #[serde(default)]
    pub default: bool,
    /// The route it prefers when a run names none.
    pub route_id: Option<String>,
    /// The model it prefers when neither the run nor it names a route.
    pub model: Option<String>,
    /// Names of the tools it may use, or patterns such as `mcp__git__*`. Default none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Which URLs the tool `http_request` may reach, of those that the server allows:
    /// `[SCHEME://]HOST[:PORT][/PATH]`, such as `api.example.com`, `*.example.org` or
    /// `https://example.com/docs/*`. Default none.
    #[serde(default)]
    pub http_allow: Vec<String>,
    /// Which tools run by themselves: `default`, `tools` by name or pattern, and `rules`.
    #[serde(default)]
    pub approvals: ApprovalPolicy,
    /// How far its runs may go.
    #[serde(default)]
    pub limits: DollarLimits,
    /// Sampling temperature; by default the provider decides.
    pub temperature: Option<f64>,
    /// Nucleus sampling; by default the provider decides.
    pub top_p: Option<f64>,
    /// Texts at which the model stops. Default none.
    #[serde(default)]
    pub stop: Vec<String>,
    /// `minimal`, `low`, `medium` or `high`; by default the provider decides.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// `name` and `schema`: answers are JSON that fits the schema. Default none.
    pub response_format: Option<ResponseFormat>,
    /// `drop`, `summarise` or `fail`: what becomes of a history that is too long for the
    /// model. Default `drop`.
    #[serde(default)]
    pub on_overflow: OnOverflow,
    /// Whether the provider is asked to cache the prompt, where it has to be asked. Default
    /// true.
    #[serde(default = "yes")]
    pub prompt_caching: bool,
    /// Where it stands; none for the configuration file.
    #[serde(skip)]
    origin: Option<Origin>,
}

fn first_version() -> String {
    "1".to_owned()
}

const fn yes() -> bool {
    true
}

impl PersonaSettings {
    /// Adds the personas of a folder and those that come with the program; before these the
    /// demo's, if there is no other and the demo alone answers.
    pub(super) fn complete(
        personas: &mut Vec<Self>,
        folder: Option<&Path>,
        demo: bool,
    ) -> Result<()> {
        if let Some(folder) = folder {
            personas.extend(folder::read(folder)?);
        }
        let shipped = shipped::read()?;
        if personas.is_empty() && demo {
            personas.extend(shipped.first().map(Self::demo));
        }
        let own: BTreeSet<String> = personas.iter().map(|own| own.key.clone()).collect();
        let others = shipped.into_iter().filter(|new| !own.contains(&new.key));
        personas.extend(others);
        Ok(())
    }

    /// Reads and checks the personas of a folder: the files there whose names end in `.md`, in
    /// the order of their names. Errors name the file and the line.
    pub fn read_folder(folder: &Path) -> Result<Vec<Self>> {
        let personas = folder::read(folder)?;
        personas.iter().try_for_each(Self::check)?;
        Ok(personas)
    }

    /// The text of a file with this persona, which reads the same.
    pub fn to_file(persona: &Persona, is_default: bool) -> String {
        write::file(persona, is_default)
    }

    /// The default persona while only the scripted demo answers. It names no route, so that an
    /// organisation's own default is taken as soon as there is one.
    fn demo(assistant: &Self) -> Self {
        Self {
            key: "demo".to_owned(),
            ..assistant.clone()
        }
    }

    /// What an error about a key begins with: the file and line, unless it is the
    /// configuration file, whose keys are easily found by the persona's name.
    pub(crate) fn at(&self, key: &str) -> String {
        self.origin.as_ref().map_or(String::new(), |o| o.at(key))
    }

    pub(super) fn check(&self) -> Result<()> {
        let (key, version) = (&self.key, &self.version);
        ensure!(
            is_name(key),
            "{}persona key {key:?} is not a name",
            self.at("key")
        );
        ensure!(
            is_name(version),
            "{}version {version:?} of persona {key} is not a name",
            self.at("version")
        );
        ensure!(
            self.prompt.is_some(),
            "persona {key}@{version} has no prompt"
        );
        if let Err(why) = check_approvals(&self.approvals, &self.tools) {
            bail!(
                "{}approvals of persona {key}@{version} can't be used: {why}",
                self.at("approvals")
            );
        }
        let mut patterns = self.tools.iter().filter(|tool| tool.contains('*'));
        if let Some(broken) = patterns.find(|pattern| !ToolPattern::new(pattern).is_valid()) {
            bail!(
                "{}persona {key}@{version} has the tool {broken:?}, which is no pattern",
                self.at("tools")
            );
        }
        if let Err(why) = check_url_patterns(&self.http_allow) {
            bail!(
                "{}http_allow of persona {key}@{version} can't be used: {why}",
                self.at("http_allow")
            );
        }
        self.check_generation()
    }

    fn check_generation(&self) -> Result<()> {
        let name = format!("persona {}@{}", self.key, self.version);
        // What any provider takes; many take less.
        let is_temperature = |value| (0.0..=2.0).contains(&value);
        ensure!(
            self.temperature.is_none_or(is_temperature),
            "{}temperature of {name} is not from 0 to 2",
            self.at("temperature")
        );
        ensure!(
            self.top_p.is_none_or(|share| share > 0.0 && share <= 1.0),
            "{}top_p of {name} is not above 0 and at most 1",
            self.at("top_p")
        );
        ensure!(
            self.stop.iter().all(|text| !text.is_empty()),
            "{}{name} stops at an empty text",
            self.at("stop")
        );
        if let Some(format) = &self.response_format {
            let fits = is_name(&format.name) && format.schema.is_object();
            ensure!(
                fits,
                "{}response_format of {name} wants a name and a schema that is an object",
                self.at("response_format")
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
            prompt: self.prompt.clone().unwrap_or_default(),
            route_id: self.route_id.clone(),
            tools: self.tools.clone(),
            http_allow: self.http_allow.clone(),
            approvals: self.approvals.clone(),
            limits: self.limits.into(),
            generation: Generation {
                temperature: self.temperature,
                top_p: self.top_p,
                stop: self.stop.clone(),
                reasoning_effort: self.reasoning_effort,
                response_format: self.response_format.clone(),
                prompt_caching: self.prompt_caching,
            },
            on_overflow: self.on_overflow,
            model: self.model.clone(),
        }
    }
}
