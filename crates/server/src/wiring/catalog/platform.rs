use anyhow::{Result, ensure};
use runloom_domain::ToolPattern;
use runloom_engine::AGENT_TOOLS;
use runloom_engine::port::catalog::FixedCatalog;
use runloom_engine::port::tool::ToolBox;

use crate::config::{Config, PersonaSettings, RouteSettings};

/// The personas and routes of the configuration, the same for every organisation.
pub(crate) fn platform(config: &Config, tools: &ToolBox) -> Result<FixedCatalog> {
    for persona in &config.personas {
        for tool in &persona.tools {
            let is_own = tools.get(tool).is_some() || AGENT_TOOLS.contains(&tool.as_str());
            ensure!(
                is_own || ToolPattern::new(tool).is_resolved_late(),
                "{}persona {}@{} wants the tool {tool}, which doesn't exist",
                persona.at("tools"),
                persona.key,
                persona.version
            );
        }
    }
    // The first is the default one, and the last of a key is its newest: the one that is
    // marked stands in both places.
    let default = config.personas.iter().filter(|persona| persona.default);
    let personas = default.chain(&config.personas);
    Ok(FixedCatalog {
        personas: personas.map(PersonaSettings::to_persona).collect(),
        routes: config.routes.iter().map(RouteSettings::to_entry).collect(),
    })
}
