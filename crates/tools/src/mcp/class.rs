//! What a crash in mid-call means, for tools of others.

use rmcp::model::ToolAnnotations;
use runloom_domain::ToolClass;

use super::McpServerSpec;

/// The class of a tool: what the owner of the server says, else what a trusted server hints,
/// else `once`.
pub(super) fn class(
    spec: &McpServerSpec,
    tool: &str,
    hints: Option<&ToolAnnotations>,
) -> ToolClass {
    let said = spec.classes.iter().find(|(pattern, _)| fits(pattern, tool));
    if let Some((_, class)) = said {
        return *class;
    }
    match hints {
        Some(hints) if spec.trusted && hints.read_only_hint == Some(true) => ToolClass::Pure,
        Some(hints) if spec.trusted && hints.idempotent_hint == Some(true) => ToolClass::Keyed,
        _ => ToolClass::Once,
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::{Auth, Transport};

    fn spec(trusted: bool, classes: &[(&str, ToolClass)]) -> McpServerSpec {
        let url = "http://example.com".to_owned();
        let transport = Transport::Http {
            url,
            auth: Auth::None,
        };
        let classes = classes
            .iter()
            .map(|(pattern, class)| ((*pattern).to_owned(), *class));
        McpServerSpec {
            trusted,
            classes: classes.collect(),
            ..McpServerSpec::new("a", "a", transport)
        }
    }

    #[test]
    fn hints_count_only_for_trusted_servers() {
        let mut reads = ToolAnnotations::default();
        reads.read_only_hint = Some(true);
        let mut repeats = ToolAnnotations::default();
        repeats.idempotent_hint = Some(true);
        let trusted = spec(true, &[]);
        assert_eq!(class(&trusted, "t", Some(&reads)), ToolClass::Pure);
        assert_eq!(class(&trusted, "t", Some(&repeats)), ToolClass::Keyed);
        assert_eq!(class(&trusted, "t", None), ToolClass::Once);
        assert_eq!(class(&spec(false, &[]), "t", Some(&reads)), ToolClass::Once);
    }

    #[test]
    fn the_owners_word_wins_and_the_first_pattern_that_fits() {
        let mut reads = ToolAnnotations::default();
        reads.read_only_hint = Some(true);
        let said = spec(true, &[("get_*", ToolClass::Keyed), ("*", ToolClass::Once)]);
        assert_eq!(class(&said, "get_x", Some(&reads)), ToolClass::Keyed);
        assert_eq!(class(&said, "set_x", Some(&reads)), ToolClass::Once);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("a*b*c", "axbyc", true),
            ("a*b*c", "ac", false),
            ("*b*", "abc", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
