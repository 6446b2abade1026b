//! Whether a call runs by itself, by the rules that its run has pinned.

use std::sync::{Arc, OnceLock};

use runloom_domain::{ApprovalMode, ApprovalPolicy, ArgumentRule, ToolPattern, ToolPin};
use serde_json::Value;

use crate::answer_schema::AnswerSchema;

/// How many rules a policy may have.
const MAX_RULES: usize = 64;

/// The rules that a run has pinned. The schema of each is compiled when it is needed first, once
/// for all clones.
#[derive(Clone, Debug)]
pub(crate) struct Approvals(Arc<[Rules]>);

/// The condition of a rule, when it has been compiled; nothing if it can't be.
type Condition = OnceLock<Option<AnswerSchema>>;

/// The conditions of one tool's rules: its own, then those of each policy that it has inherited.
#[derive(Debug)]
struct Rules {
    tool: String,
    policies: Vec<Vec<Condition>>,
}

impl Approvals {
    /// The rules of these tools.
    pub(crate) fn new(pins: &[ToolPin]) -> Self {
        let conditions = |(rules, _): (&[ArgumentRule], _)| -> Vec<Condition> {
            rules.iter().map(|_| OnceLock::new()).collect()
        };
        let rules = pins.iter().map(|pin| Rules {
            tool: pin.name.clone(),
            policies: policies(pin).map(conditions).collect(),
        });
        let some = |rules: &Rules| rules.policies.iter().any(|policy| !policy.is_empty());
        Self(rules.filter(some).collect())
    }

    /// What they say of a call with these arguments; `pin` is one of those tools. Of a spawned run
    /// also the rules of the runs that it descends from count, and the strictest says.
    pub(crate) fn mode(&self, pin: &ToolPin, arguments: &Value) -> ApprovalMode {
        let rules = self.0.iter().find(|rules| rules.tool == pin.name);
        let compiled = rules.map_or(&[][..], |rules| &rules.policies);
        let modes = policies(pin)
            .enumerate()
            .map(|(place, (rules, otherwise))| {
                let conditions = compiled.get(place).map_or(&[][..], Vec::as_slice);
                by(rules.iter().zip(conditions), arguments).unwrap_or(otherwise)
            });
        modes.max().unwrap_or(ApprovalMode::Deny)
    }
}

/// A tool's own rules and those that it has inherited, each with what counts where none fits.
fn policies(pin: &ToolPin) -> impl Iterator<Item = (&[ArgumentRule], ApprovalMode)> {
    let inherited = pin.inherited.iter();
    let inherited = inherited.map(|policy| (policy.rules.as_slice(), policy.mode));
    std::iter::once((pin.rules.as_slice(), pin.approval)).chain(inherited)
}

/// What the first rule says that fits.
fn by<'a>(
    mut rules: impl Iterator<Item = (&'a ArgumentRule, &'a Condition)>,
    arguments: &Value,
) -> Option<ApprovalMode> {
    let first = rules.find(|(rule, condition)| {
        let compiled = || AnswerSchema::compile(&rule.when).ok();
        match condition.get_or_init(compiled) {
            Some(schema) => schema.fits(arguments),
            // Checked when it was written. Should this version not take it all the same, then it
            // lets nothing run.
            None => rule.mode != ApprovalMode::Auto,
        }
    });
    first.map(|(rule, _)| rule.mode)
}

/// Whether a policy can be used: its patterns are patterns, its schemas are fit to check with, and
/// every entry of its `tools` is among the `tools` of the persona. Else the place and what is
/// wrong there, such as `rules[2].when can't be used: it must be a JSON object`.
pub fn check_approvals(policy: &ApprovalPolicy, tools: &[String]) -> Result<(), String> {
    for name in policy.tools.keys() {
        let pattern = ToolPattern::new(name);
        let is_meant = |tool: &String| {
            let other = ToolPattern::new(tool);
            tool == name || pattern.fits(tool) || other.is_open() && other.fits(name)
        };
        if !pattern.is_valid() {
            return Err(format!(
                "tools: {name:?} is neither a tool's name nor a pattern"
            ));
        }
        if !pattern.is_open() && !tools.iter().any(is_meant) {
            return Err(format!("{name} is not among the tools"));
        }
    }
    if policy.rules.len() > MAX_RULES {
        return Err(format!("rules: at most {MAX_RULES} are allowed"));
    }
    for (index, rule) in policy.rules.iter().enumerate() {
        if let Some(tools) = &rule.tools
            && !ToolPattern::new(tools).is_valid()
        {
            let what = format!("{tools:?} is neither a tool's name nor a pattern");
            return Err(format!("rules[{index}].tools: {what}"));
        }
        if let Some(Err(why)) = rule.when.as_ref().map(AnswerSchema::compile) {
            return Err(format!("rules[{index}].when can't be used: {why}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mode(pin: &ToolPin, arguments: &Value) -> ApprovalMode {
        Approvals::new(std::slice::from_ref(pin)).mode(pin, arguments)
    }

    fn pin(approvals: Value) -> ToolPin {
        let policy: ApprovalPolicy = serde_json::from_value(approvals).unwrap();
        let class = runloom_domain::ToolClass::Once;
        let policy = policy.of("pay", class);
        ToolPin {
            name: "pay".into(),
            hash: String::new(),
            class,
            approval: policy.mode,
            rules: policy.rules,
            inherited: vec![],
            asks: false,
            origin: runloom_domain::ToolOrigin::Builtin,
        }
    }

    #[test]
    fn the_first_rule_whose_schema_the_arguments_fit_counts() {
        let large = json!({"properties": {"amount": {"minimum": 1000}}, "required": ["amount"]});
        let any = json!({"required": ["amount"]});
        let pin = pin(json!({"default": "deny", "rules": [
            {"when": large, "mode": "ask"}, {"when": any, "mode": "auto"},
        ]}));
        assert_eq!(mode(&pin, &json!({"amount": 1000})), ApprovalMode::Ask);
        assert_eq!(mode(&pin, &json!({"amount": 999})), ApprovalMode::Auto);
        assert_eq!(mode(&pin, &json!({})), ApprovalMode::Deny);
    }

    #[test]
    fn of_inherited_rules_the_strictest_counts() {
        let large = json!({"properties": {"amount": {"minimum": 1000}}, "required": ["amount"]});
        let asks_if_large = json!({"rules": [{"when": large, "mode": "ask"}]});
        let mut own = pin(json!({"default": "auto"}));
        own.inherited = vec![pin(asks_if_large).into_policy()];
        assert_eq!(mode(&own, &json!({"amount": 1000})), ApprovalMode::Ask);
        assert_eq!(mode(&own, &json!({"amount": 1})), ApprovalMode::Auto);
        own.approval = ApprovalMode::Deny;
        assert_eq!(mode(&own, &json!({"amount": 1000})), ApprovalMode::Deny);
    }

    #[test]
    fn a_condition_is_compiled_once_for_all_clones() {
        let any = json!({"required": ["amount"]});
        let pin = pin(json!({"rules": [{"when": any, "mode": "ask"}]}));
        let approvals = Approvals::new(std::slice::from_ref(&pin));
        let clone = approvals.clone();
        assert!(approvals.0[0].policies[0][0].get().is_none());
        assert_eq!(clone.mode(&pin, &json!({"amount": 1})), ApprovalMode::Ask);
        let compiled = approvals.0[0].policies[0][0].get();
        assert!(compiled.is_some_and(Option::is_some));
        assert_eq!(approvals.mode(&pin, &json!({})), ApprovalMode::Auto);
    }

    #[test]
    fn a_condition_that_can_not_be_read_lets_nothing_run() {
        let broken = json!({"$ref": "#"});
        let of = |mode: &str| pin(json!({"rules": [{"when": broken, "mode": mode}]}));
        assert_eq!(mode(&of("deny"), &json!({})), ApprovalMode::Deny);
        let lax = pin(json!({"default": "ask", "rules": [{"when": broken, "mode": "auto"}]}));
        assert_eq!(mode(&lax, &json!({})), ApprovalMode::Ask);
    }

    #[test]
    fn what_can_not_be_used_is_told_with_its_place() {
        let check = |approvals: Value| {
            let policy = serde_json::from_value(approvals).unwrap();
            check_approvals(&policy, &["pay".into(), "mcp__git__*".into()])
        };
        let open = json!({"tools": {"pay": "ask", "mcp__git__push": "deny", "x*": "auto"}});
        assert_eq!(check(open), Ok(()));
        let refused = |approvals: Value| check(approvals).unwrap_err();
        assert!(refused(json!({"tools": {"sell": "ask"}})).contains("sell is not among"));
        assert!(refused(json!({"tools": {"a b*": "ask"}})).contains("a b*"));
        let rule = refused(json!({"rules": [{"mode": "ask"}, {"tools": "é", "mode": "ask"}]}));
        assert!(rule.starts_with("rules[1].tools"), "{rule}");
        let rule = refused(json!({"rules": [{"when": {"type": 7}, "mode": "ask"}]}));
        assert!(rule.starts_with("rules[0].when"), "{rule}");
    }
}
