//! Which tools a child has: pure.

use runloom_domain::{Persona, ToolOrigin, ToolPin, ToolPolicy};

use crate::ops::names;

/// The tools of the parent that the child's persona names, as the parent has pinned them, but for
/// those that the parent's client runs: it knows nothing of the child. Whether they run by
/// themselves is what the child's persona says, and the parent's, whichever is stricter.
pub(crate) fn tools(persona: &Persona, of_parent: &[ToolPin]) -> Vec<ToolPin> {
    let own = of_parent.iter().filter(|pin| {
        let is_client = pin.origin == ToolOrigin::Client;
        !is_client && names(persona, &pin.name)
    });
    own.map(|pin| inherited(persona, pin.clone())).collect()
}

fn inherited(persona: &Persona, pin: ToolPin) -> ToolPin {
    let own = persona.approvals.of(&pin.name, pin.class);
    let mut policies: Vec<ToolPolicy> = pin.inherited.clone();
    policies.push(pin.clone().into_policy());
    // What says the same twice is as strict as once.
    policies.retain(|policy| *policy != own);
    ToolPin {
        approval: own.mode,
        rules: own.rules,
        inherited: policies,
        ..pin
    }
}

#[cfg(test)]
mod tests {
    use runloom_domain::ApprovalMode;
    use serde_json::{Value, json};

    use super::*;
    use crate::approval::Approvals;

    fn mode(pin: &ToolPin, arguments: &Value) -> ApprovalMode {
        Approvals::new(std::slice::from_ref(pin)).mode(pin, arguments)
    }

    fn persona(tools: &Value, approvals: &Value) -> Persona {
        let persona = json!({
            "key": "p", "version": "1", "prompt": "", "tools": tools, "approvals": approvals,
        });
        serde_json::from_value(persona).unwrap()
    }

    fn pin(name: &str, approval: &str, origin: &Value) -> ToolPin {
        let pin = json!({
            "name": name, "hash": name, "class": "once", "approval": approval, "origin": origin,
        });
        serde_json::from_value(pin).unwrap()
    }

    #[test]
    fn a_child_has_no_tool_that_its_parent_has_not() {
        let builtin = json!({"kind": "builtin"});
        let of_parent = [
            pin("a", "auto", &builtin),
            pin("b", "auto", &builtin),
            pin("of_client", "auto", &json!({"kind": "client"})),
        ];
        let names = |tools: Value| {
            let tools = tools_of(&tools, &of_parent);
            tools.into_iter().map(|pin| pin.name).collect::<Vec<_>>()
        };
        assert_eq!(names(json!(["*"])), ["a", "b"]);
        assert_eq!(names(json!(["a", "c", "of_client"])), ["a"]);
        assert!(names(json!([])).is_empty());
    }

    fn tools_of(names: &Value, of_parent: &[ToolPin]) -> Vec<ToolPin> {
        tools(&persona(names, &json!({})), of_parent)
    }

    #[test]
    fn the_stricter_of_both_decides_over_generations() {
        let parent = [pin("a", "ask", &json!({"kind": "builtin"}))];
        let lax = persona(&json!(["a"]), &json!({"default": "auto"}));
        let strict = persona(&json!(["a"]), &json!({"default": "deny"}));
        let child = tools(&lax, &parent);
        assert_eq!(mode(&child[0], &json!({})), ApprovalMode::Ask);
        let grandchild = tools(&lax, &tools(&strict, &parent));
        assert_eq!(mode(&grandchild[0], &json!({})), ApprovalMode::Deny);
        let asked = tools(&lax, &child);
        assert_eq!(mode(&asked[0], &json!({})), ApprovalMode::Ask);
    }
}
