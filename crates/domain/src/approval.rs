use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ToolClass, ToolPattern};

/// Whether a tool runs by itself; the stricter the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// It runs.
    #[default]
    Auto,
    /// A person is asked first.
    Ask,
    /// It never runs; the model is told so.
    Deny,
}

/// Which tools run by themselves. The first rule that fits decides; else the entry of `tools`
/// that names the tool most exactly; else the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// For tools that nothing else says anything of.
    pub default: ApprovalMode,
    /// By tool name, or by pattern.
    pub tools: BTreeMap<String, ApprovalMode>,
    /// In order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ApprovalRule>,
}

/// One rule of an approval policy. What it leaves out fits every call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// The tool's name, or a pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<String>,
    /// The tool's class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ToolClass>,
    /// JSON schema that the call's arguments fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Value>,
    /// What becomes of the call.
    pub mode: ApprovalMode,
}

/// What becomes of calls whose arguments fit a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentRule {
    /// The schema.
    pub when: Value,
    /// What becomes of them.
    pub mode: ApprovalMode,
}

/// What a policy says of one tool: the first rule whose schema the arguments fit, else the mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolPolicy {
    /// In order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ArgumentRule>,
    /// For all other arguments.
    pub mode: ApprovalMode,
}

impl ApprovalPolicy {
    /// What it says of a tool.
    pub fn of(&self, name: &str, class: ToolClass) -> ToolPolicy {
        let mut rules = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.fits(name, class)) {
            match &rule.when {
                Some(when) => rules.push(ArgumentRule {
                    when: when.clone(),
                    mode: rule.mode,
                }),
                // Nothing behind it can count.
                None => {
                    return ToolPolicy {
                        rules,
                        mode: rule.mode,
                    };
                }
            }
        }
        ToolPolicy {
            rules,
            mode: self.named(name),
        }
    }

    /// The mode by the tool's name alone. An exact entry counts before patterns, and of these the
    /// one that spells out most; of equals the one that sorts first.
    fn named(&self, name: &str) -> ApprovalMode {
        if let Some(mode) = self.tools.get(name) {
            return *mode;
        }
        self.tools
            .iter()
            .filter(|(pattern, _)| ToolPattern::new(pattern).fits(name))
            .rev()
            .max_by_key(|(pattern, _)| pattern.bytes().filter(|byte| *byte != b'*').count())
            .map_or(self.default, |(_, mode)| *mode)
    }
}

impl ApprovalRule {
    fn fits(&self, name: &str, class: ToolClass) -> bool {
        let tools = self.tools.as_deref();
        tools.is_none_or(|pattern| ToolPattern::new(pattern).fits(name))
            && self.class.is_none_or(|own| own == class)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(value: Value) -> ApprovalPolicy {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_entry_that_names_a_tool_most_exactly_counts() {
        let policy = policy(json!({"default": "ask", "tools": {
            "*": "auto", "mcp__git__*": "ask", "mcp__git__push": "deny", "mcp__*__push": "auto",
        }}));
        let mode = |name| policy.of(name, ToolClass::Once).mode;
        assert_eq!(mode("mcp__git__push"), ApprovalMode::Deny);
        assert_eq!(mode("mcp__git__log"), ApprovalMode::Ask);
        assert_eq!(mode("mcp__hub__push"), ApprovalMode::Auto);
        assert_eq!(mode("calculator"), ApprovalMode::Auto);
    }

    #[test]
    fn rules_count_in_order_and_before_names() {
        let policy = policy(json!({
            "tools": {"pay": "auto"},
            "rules": [
                {"tools": "pay", "when": {"required": ["amount"]}, "mode": "ask"},
                {"class": "pure", "mode": "auto"},
                {"tools": "p*", "mode": "deny"},
                {"when": {}, "mode": "ask"},
            ],
        }));
        let pay = policy.of("pay", ToolClass::Once);
        assert_eq!((pay.rules.len(), pay.mode), (1, ApprovalMode::Deny));
        assert_eq!(policy.of("pay", ToolClass::Pure).mode, ApprovalMode::Auto);
        let other = policy.of("send", ToolClass::Once);
        assert_eq!((other.rules.len(), other.mode), (1, ApprovalMode::Auto));
        assert_eq!(other.rules[0].when, json!({}));
    }

    #[test]
    fn what_older_versions_read_is_written_while_there_are_no_rules() {
        let plain = json!({"default": "ask", "tools": {}});
        assert_eq!(serde_json::to_value(policy(plain.clone())).unwrap(), plain);
        let unknown = json!({"rules": [{"tool": "x", "mode": "auto"}]});
        assert!(serde_json::from_value::<ApprovalPolicy>(unknown).is_err());
    }
}
