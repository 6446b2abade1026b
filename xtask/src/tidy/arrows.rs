//! The arrows between our own crates. A new arrow is rare: it changes this table and
//! docs/ARCHITECTURE.md together. Development dependencies are free, since tests may look
//! through any seam.

use super::graph::Member;

/// What each crate may depend on, by folder name without the `runloom-` prefix.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("store-sql", &["store", "domain"]),
    ("engine", &["store", "domain"]),
    ("models", &["engine", "domain"]),
    ("tools", &["engine", "net", "domain"]),
    ("net", &[]),
    ("accounts", &["store", "domain"]),
    ("http", &["engine", "accounts", "store", "domain"]),
    (
        "server",
        &[
            "http",
            "accounts",
            "models",
            "tools",
            "net",
            "engine",
            "store-sql",
            "store",
            "domain",
        ],
    ),
    // Large databases are written by copying rows, which only the store can do.
    ("tests", &["server", "store-sql"]),
    // What reads first is tried where it stands.
    ("fuzz", &["accounts", "models", "net", "store", "domain"]),
    // The seeded runs are real ones, so whatever a run needs may be named here.
    (
        "xtask",
        &[
            "server",
            "accounts",
            "models",
            "tools",
            "engine",
            "store-sql",
            "store",
            "domain",
        ],
    ),
];

/// One line for each arrow that the table doesn't have and each crate that it doesn't know.
pub(super) fn check(members: &[Member]) -> Vec<String> {
    members.iter().flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<String> {
    let from = short(&member.name);
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == from) else {
        return vec![format!(
            "{} is not in the table of arrows (xtask/src/tidy/arrows.rs)",
            member.name
        )];
    };
    member
        .dependencies
        .iter()
        .filter(|name| name.starts_with("runloom-") || *name == "xtask")
        .filter(|name| !allowed.contains(&short(name)))
        .map(|name| {
            format!(
                "{} depends on {name}; allowed are: {}",
                member.name,
                if allowed.is_empty() {
                    "none of our crates".to_owned()
                } else {
                    allowed.join(", ")
                }
            )
        })
        .collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("runloom-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        Member {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn the_arrows_of_the_architecture_pass() {
        let members = [
            member("runloom-domain", &["serde"]),
            member("runloom-engine", &["runloom-store", "runloom-domain"]),
            member("runloom-http", &["runloom-store", "actix-web"]),
        ];
        assert_eq!(check(&members), Vec::<String>::new());
    }

    #[test]
    fn a_planted_arrow_is_named() {
        let violations = check(&[member("runloom-engine", &["runloom-store-sql", "tokio"])]);
        assert_eq!(
            violations,
            ["runloom-engine depends on runloom-store-sql; allowed are: store, domain"]
        );
    }

    #[test]
    fn a_crate_outside_the_table_is_named() {
        let violations = check(&[member("runloom-extra", &[])]);
        assert_eq!(violations.len(), 1);
        assert!(violations[0].starts_with("runloom-extra is not in the table"));
    }
}
