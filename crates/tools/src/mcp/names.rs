//! Names that models can call.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

/// What providers take.
const LONGEST: usize = 64;

/// The names under which models see tools of a server, in the order of `tools`. Names that
/// would be the same after cleaning or cutting are kept apart by a hash of the original; those
/// of the others don't depend on that.
pub(super) fn names(key: &str, tools: &[&str]) -> Vec<String> {
    let plain: Vec<(String, bool)> = tools.iter().map(|tool| plain(key, tool)).collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for (name, _) in &plain {
        *uses.entry(name).or_default() += 1;
    }
    tools
        .iter()
        .zip(&plain)
        .map(|(tool, (name, changed))| {
            // The one whose name is its own keeps it.
            if uses[name.as_str()] > 1 && *changed {
                apart(name, tool)
            } else {
                name.clone()
            }
        })
        .collect()
}

/// The name, and whether cleaning or cutting changed it.
fn plain(key: &str, tool: &str) -> (String, bool) {
    let clean: String = tool.chars().map(clean).collect();
    let mut name = format!("mcp__{key}__{clean}");
    let changed = clean != tool || name.len() > LONGEST;
    name.truncate(LONGEST);
    (name, changed)
}

fn clean(character: char) -> char {
    match character {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' => character,
        _ => '_',
    }
}

fn apart(name: &str, tool: &str) -> String {
    let digest = Sha256::digest(tool.as_bytes());
    let suffix = format!(
        "{:06x}",
        u32::from_be_bytes([0, digest[0], digest[1], digest[2]])
    );
    let kept = name.len().min(LONGEST - suffix.len() - 1);
    // Clean names are ASCII, so every place is a boundary.
    format!("{}_{suffix}", &name[..kept])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_name_says_where_a_tool_is_from() {
        assert_eq!(
            names("git-hub", &["create_issue"]),
            ["mcp__git-hub__create_issue"]
        );
        assert_eq!(names("a", &["get.it now"]), ["mcp__a__get_it_now"]);
        assert_eq!(names("a", &["größe"]), ["mcp__a__gr__e"]);
    }

    #[test]
    fn names_that_become_the_same_are_kept_apart_and_the_exact_one_keeps_its_own() {
        let found = names("a", &["x.y", "x_y", "x y"]);
        assert_eq!(found[1], "mcp__a__x_y");
        assert!(found[0].starts_with("mcp__a__x_y_"), "{}", found[0]);
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), 3);
        assert_eq!(
            found[0],
            names("a", &["x.y", "x_y"])[0],
            "no other tool matters"
        );
    }

    #[test]
    fn long_names_are_cut_and_kept_apart() {
        let long = "t".repeat(100);
        let longer = "t".repeat(101);
        let found = names("key", &[&long, &longer]);
        assert!(found.iter().all(|name| name.len() <= LONGEST), "{found:?}");
        assert_ne!(found[0], found[1]);
    }
}
