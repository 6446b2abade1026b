//! What becomes of the known tools of a server when it lists them again.

use std::collections::BTreeMap;
use std::sync::Arc;

use runloom_domain::{Timestamp, ToolClass, ToolDefinition};

use super::McpServerRecord;

/// How many tools of one server are kept; of more, those are forgotten that have been gone for
/// the longest time.
pub const MAX_MCP_TOOLS: usize = 1_000;

/// A tool as its server describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolVersion {
    /// As models see it.
    pub definition: Arc<ToolDefinition>,
    /// SHA-256 of the definition in hex.
    pub hash: String,
    /// What the server hints that a crash in mid-call means.
    pub hint: ToolClass,
}

impl ToolVersion {
    /// The definition with its hash.
    pub fn new(definition: impl Into<Arc<ToolDefinition>>, hint: ToolClass) -> Self {
        let definition = definition.into();
        Self {
            hash: definition.pinned().0,
            definition,
            hint,
        }
    }
}

/// A tool that a server lists.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTool {
    /// Its name at the server.
    pub tool: String,
    /// How it is described.
    pub version: ToolVersion,
}

/// Whether a tool may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpToolState {
    /// As it is.
    Approved,
    /// It was approved, and is another one since.
    Changed,
    /// Nobody has approved it yet.
    New,
    /// Its server doesn't list it any more.
    Gone,
}

impl McpToolState {
    /// The name in the API and in databases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [Self::Approved, Self::Changed, Self::New, Self::Gone].into_iter();
        all.find(|state| state.as_str() == name)
    }
}

/// A tool of a server as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct McpToolRecord {
    /// Its name at the server.
    pub tool: String,
    /// Whether it may be used.
    pub state: McpToolState,
    /// As somebody has approved it, or as it was found first.
    pub approved: Option<ToolVersion>,
    /// As it is now, when that needs to be approved.
    pub pending: Option<ToolVersion>,
    /// When its server listed it last.
    pub seen_at: Timestamp,
}

impl McpToolRecord {
    /// The tool as runs may use it.
    pub fn usable(&self) -> Option<&ToolVersion> {
        let approved = self.approved.as_ref();
        approved.filter(|_| self.state == McpToolState::Approved)
    }

    /// Whether only the moment differs at which it was listed.
    pub fn is_the_same(&self, other: &Self) -> bool {
        self.tool == other.tool
            && self.state == other.state
            && self.approved == other.approved
            && self.pending == other.pending
    }

    /// Approves it as it is now, if there is something to approve.
    pub fn approve(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.approved = Some(pending);
            self.state = McpToolState::Approved;
        }
    }

    fn new(found: FoundTool, at: Timestamp) -> Self {
        Self {
            tool: found.tool,
            state: McpToolState::New,
            approved: None,
            pending: Some(found.version),
            seen_at: at,
        }
    }

    fn seen(&mut self, version: ToolVersion, at: Timestamp) {
        self.seen_at = at;
        self.pending = None;
        match &self.approved {
            Some(approved) if approved.hash == version.hash => {
                self.approved = Some(version);
                self.state = McpToolState::Approved;
            }
            approved => {
                self.state = match approved {
                    Some(_) => McpToolState::Changed,
                    None => McpToolState::New,
                };
                self.pending = Some(version);
            }
        }
    }

    /// The same tool when its server doesn't list it; nothing stays of one that nobody approved.
    fn gone(self) -> Option<Self> {
        self.approved.is_some().then_some(Self {
            state: McpToolState::Gone,
            pending: None,
            ..self
        })
    }
}

/// Whether a server lists what it listed before. Then nothing has to be written but when it did.
pub fn lists_the_same(before: &[McpToolRecord], after: &[McpToolRecord]) -> bool {
    let mut pairs = before.iter().zip(after);
    before.len() == after.len() && pairs.all(|(before, after)| before.is_the_same(after))
}

/// The tools of a server after it has listed `found`, by name. What the server lists first at
/// its address is approved; what it lists later needs somebody's word, unless new tools don't.
pub fn discovered(
    server: &McpServerRecord,
    known: Vec<McpToolRecord>,
    found: Vec<FoundTool>,
    at: Timestamp,
) -> Vec<McpToolRecord> {
    let is_first = server.listed_at.is_none();
    let known = known.into_iter().map(|tool| (tool.tool.clone(), tool));
    let mut known: BTreeMap<String, McpToolRecord> = known.collect();
    let mut after = BTreeMap::new();
    for found in found {
        let record = match known.remove(&found.tool) {
            Some(mut record) => {
                record.seen(found.version, at);
                record
            }
            None => McpToolRecord::new(found, at),
        };
        after.insert(record.tool.clone(), record);
    }
    for record in after.values_mut() {
        let is_welcome = record.state == McpToolState::New && server.settings.approve_new;
        if is_first || is_welcome {
            record.approve();
        }
    }
    let mut gone: Vec<_> = known
        .into_values()
        .filter_map(McpToolRecord::gone)
        .collect();
    gone.sort_by_key(|record| std::cmp::Reverse(record.seen_at));
    gone.truncate(MAX_MCP_TOOLS.saturating_sub(after.len()));
    after.extend(gone.into_iter().map(|record| (record.tool.clone(), record)));
    after.into_values().collect()
}
