use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which runs a route is for: those of a persona, those that carry certain metadata, or those of
/// which both is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteRule {
    /// The persona's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// What the run's metadata must hold, value for value; it may hold more.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
}

impl RouteRule {
    /// Whether the rule asks for nothing, so that every run would fit it.
    pub fn is_empty(&self) -> bool {
        self.persona.is_none() && self.metadata.is_empty()
    }

    /// Whether a run of the persona with this metadata fits.
    pub fn fits(&self, persona_key: &str, metadata: &Map<String, Value>) -> bool {
        let persona = self.persona.as_deref();
        persona.is_none_or(|wanted| wanted == persona_key)
            && self
                .metadata
                .iter()
                .all(|(name, wanted)| metadata.get(name) == Some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rule: &str, persona: &str, metadata: &str) -> bool {
        let rule: RouteRule = serde_json::from_str(rule).unwrap();
        rule.fits(persona, &serde_json::from_str(metadata).unwrap())
    }

    #[test]
    fn all_that_a_rule_names_must_be_equal() {
        let both = r#"{"persona":"clerk","metadata":{"tier":"gold","n":1}}"#;
        let gold = r#"{"tier":"gold","n":1,"more":true}"#;
        assert!(fits(both, "clerk", gold));
        assert!(!fits(both, "other", gold));
        assert!(!fits(both, "clerk", r#"{"tier":"gold"}"#));
        assert!(!fits(both, "clerk", r#"{"tier":"gold","n":"1"}"#));
        assert!(fits(r#"{"persona":"clerk"}"#, "clerk", "{}"));
        assert!(fits(
            r#"{"metadata":{"tier":null}}"#,
            "x",
            r#"{"tier":null}"#
        ));
        assert!(!fits(r#"{"metadata":{"tier":null}}"#, "x", "{}"));
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        for text in ["{}", r#"{"persona":"a"}"#, r#"{"metadata":{"a":1}}"#] {
            let rule: RouteRule = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&rule).unwrap(), text);
            assert_eq!(rule.is_empty(), text == "{}");
        }
        assert!(serde_json::from_str::<RouteRule>(r#"{"model":"x"}"#).is_err());
    }
}
