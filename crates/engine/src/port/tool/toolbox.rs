use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Tool;

/// The tools of this process, by name.
#[derive(Clone, Default)]
pub struct ToolBox(BTreeMap<String, Arc<dyn Tool>>);

impl ToolBox {
    /// Adds a tool under the name of its definition; a later one replaces an earlier.
    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        self.0.insert(tool.definition().name, Arc::new(tool));
        self
    }

    /// The tool called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name)
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<dyn Tool>)> {
        self.0.iter().map(|(name, tool)| (name.as_str(), tool))
    }
}

impl fmt::Debug for ToolBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
