//! Libraries from outside that a layer must not reach, not even through another crate.

use super::graph::Graph;

/// Names end in `*` when all crates with that beginning are meant.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "runloom-domain",
        &[
            "tokio*", "futures*", "async-*", "diesel*", "actix*", "reqwest", "genai", "hyper*",
            "rusqlite",
        ],
    ),
    (
        "runloom-store",
        &[
            "diesel*",
            "tokio-postgres",
            "libsqlite3-sys",
            "actix*",
            "reqwest",
            "genai",
            "hyper*",
        ],
    ),
    (
        "runloom-store-sql",
        &["actix*", "reqwest", "genai", "hyper*"],
    ),
    (
        "runloom-engine",
        &[
            "diesel*",
            "tokio-postgres",
            "libsqlite3-sys",
            "actix*",
            "reqwest",
            "genai",
            "hyper*",
        ],
    ),
    (
        "runloom-models",
        &["diesel*", "tokio-postgres", "libsqlite3-sys", "actix*"],
    ),
    (
        "runloom-tools",
        &[
            "diesel*",
            "tokio-postgres",
            "libsqlite3-sys",
            "actix*",
            "genai",
        ],
    ),
    (
        "runloom-accounts",
        &[
            "diesel*",
            "tokio-postgres",
            "libsqlite3-sys",
            "actix*",
            "reqwest",
            "genai",
        ],
    ),
    (
        "runloom-http",
        &[
            "diesel*",
            "tokio-postgres",
            "libsqlite3-sys",
            "reqwest",
            "genai",
        ],
    ),
];

pub(super) fn check(graph: &Graph) -> Vec<String> {
    FORBIDDEN
        .iter()
        .flat_map(|(layer, patterns)| {
            patterns.iter().filter_map(move |pattern| {
                let path = graph.path_to(layer, |name| matches(pattern, name))?;
                Some(format!(
                    "{layer} must not reach {pattern}: {}",
                    path.join(" > ")
                ))
            })
        })
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_the_beginning_only() {
        assert!(matches("diesel*", "diesel_migrations"));
        assert!(matches("reqwest", "reqwest"));
        assert!(!matches("reqwest", "reqwest-middleware"));
        assert!(!matches("diesel*", "my-diesel"));
    }
}
