//! Which tools a run has: decided once, when it is created.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use runloom_domain::{OrgId, Persona, ToolClass, ToolDefinition, ToolOrigin, ToolPattern, ToolPin};
use runloom_store::Content;

use crate::facade::StartError;
use crate::port::tool::OfferedTool;
use crate::{AGENT_TOOLS, Engine, agents};

/// How many tools a client may bring.
const MAX_CLIENT_TOOLS: usize = 64;

/// How large their definitions may be together, in bytes.
const MAX_CLIENT_BYTES: usize = 64 * 1024;

/// The longest name of a tool.
const MAX_NAME: usize = 64;

/// A tool that the persona may use.
struct Meant {
    definition: Arc<ToolDefinition>,
    class: ToolClass,
    asks: bool,
    origin: ToolOrigin,
}

impl From<&OfferedTool> for Meant {
    fn from(offered: &OfferedTool) -> Self {
        Self {
            definition: Arc::clone(&offered.definition),
            class: offered.class,
            asks: false,
            origin: offered.origin.clone(),
        }
    }
}

impl Engine {
    /// The persona's tools and those that the client brings, sorted by name, so that a
    /// provider's cache sees the same bytes each time; and their definitions. A tool that nobody
    /// offers is left out.
    pub(super) async fn resolve_tools(
        &self,
        org: OrgId,
        persona: &Persona,
        of_client: &[ToolDefinition],
    ) -> Result<(Vec<ToolPin>, Vec<Content>), StartError> {
        let mut meant = self.own_tools(persona);
        let is_own = |name: &String| meant.contains_key(name);
        if !persona.tools.iter().all(is_own) {
            for source in &self.shared.parts.sources {
                for offered in source.offered(org).await?.iter() {
                    if names(persona, &offered.definition.name) {
                        let name = offered.definition.name.clone();
                        meant.entry(name).or_insert_with(|| offered.into());
                    }
                }
            }
        }
        add_client_tools(&mut meant, of_client)?;
        Ok(meant.into_values().map(|tool| pin(persona, tool)).unzip())
    }

    /// The tools of this process that the persona names, the engine's own included.
    fn own_tools(&self, persona: &Persona) -> BTreeMap<String, Meant> {
        let tools = self.shared.parts.tools.iter();
        let of_host = tools.filter(|(name, _)| names(persona, name));
        let of_host = of_host.map(|(_, tool)| (tool.definition(), tool.class(), tool.asks()));
        let of_engine = AGENT_TOOLS.iter().filter(|name| names(persona, name));
        let of_engine = of_engine.map(|name| {
            let (definition, class) = agents::definition(name);
            (definition, class, false)
        });
        let meant = of_host.chain(of_engine).map(|(definition, class, asks)| {
            let tool = Meant {
                definition: Arc::new(definition),
                class,
                asks,
                origin: ToolOrigin::Builtin,
            };
            (tool.definition.name.clone(), tool)
        });
        meant.collect()
    }
}

/// Whether a persona may use a tool of that name.
pub(crate) fn names(persona: &Persona, name: &str) -> bool {
    let mut entries = persona.tools.iter();
    entries.any(|entry| ToolPattern::new(entry).fits(name))
}

fn pin(persona: &Persona, tool: Meant) -> (ToolPin, Content) {
    let name = tool.definition.name.clone();
    let policy = persona.approvals.of(&name, tool.class);
    let (hash, body) = tool.definition.pinned();
    let pin = ToolPin {
        name,
        hash: hash.clone(),
        class: tool.class,
        approval: policy.mode,
        rules: policy.rules,
        inherited: vec![],
        asks: tool.asks,
        origin: tool.origin,
    };
    (pin, Content { hash, body })
}

/// The client knows each call by its id and can tell a repeated one, so its tools are keyed.
fn add_client_tools(
    meant: &mut BTreeMap<String, Meant>,
    tools: &[ToolDefinition],
) -> Result<(), StartError> {
    let refuse = |why: String| Err(StartError::Tools(why));
    if tools.len() > MAX_CLIENT_TOOLS {
        return refuse(format!("at most {MAX_CLIENT_TOOLS} are allowed"));
    }
    let bytes: usize = tools.iter().map(|tool| tool.pinned().1.len()).sum();
    if bytes > MAX_CLIENT_BYTES {
        return refuse(format!(
            "they have {bytes} bytes, at most {MAX_CLIENT_BYTES} are allowed"
        ));
    }
    for definition in tools {
        let name = &definition.name;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(plain) {
            return refuse("a name must be 1 to 64 letters, digits, _ and -".to_owned());
        }
        if !definition.schema.is_object() {
            return refuse(format!("the parameters of {name} must be a JSON schema"));
        }
        match meant.entry(name.clone()) {
            Entry::Occupied(_) => return refuse(format!("there is more than one tool {name}")),
            Entry::Vacant(entry) => entry.insert(Meant {
                definition: Arc::new(definition.clone()),
                class: ToolClass::Keyed,
                asks: false,
                origin: ToolOrigin::Client,
            }),
        };
    }
    Ok(())
}
