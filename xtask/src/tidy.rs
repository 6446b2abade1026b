//! `cargo xtask tidy`: rules of the project that neither compiler nor linter checks.

mod arrows;
mod graph;
mod layers;
mod migrations;
mod sources;

use crate::workspace;
use anyhow::{Result, bail};

/// Checks every rule and lists all violations, not only the first.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    let graph = graph::Graph::from_metadata(&metadata)?;
    let files = workspace::files()?;

    let mut violations = arrows::check(&graph.members);
    violations.extend(layers::check(&graph));
    violations.extend(sources::check(workspace::root(), &files)?);
    violations.extend(migrations::check(workspace::root(), &files)?);

    if violations.is_empty() {
        println!(
            "tidy: {} crates and {} files in order",
            graph.members.len(),
            files.len()
        );
        return Ok(());
    }
    for violation in &violations {
        println!("tidy: {violation}");
    }
    bail!("tidy found {} violations", violations.len())
}
