//! What tidy needs of `cargo metadata`: who depends on whom, development dependencies left out.

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, Node, PackageId};
use std::collections::{BTreeMap, BTreeSet};

/// A workspace crate and the names of its direct dependencies.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Dependencies of the built crate and of its build script.
    pub(crate) dependencies: BTreeSet<String>,
}

/// The resolved dependency graph by package name.
pub(crate) struct Graph {
    pub(crate) members: Vec<Member>,
    edges: BTreeMap<PackageId, Vec<PackageId>>,
    names: BTreeMap<PackageId, String>,
}

impl Graph {
    pub(crate) fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let resolve = metadata
            .resolve
            .as_ref()
            .context("cargo metadata holds no resolved graph")?;
        let members = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| Member {
                name: package.name.to_string(),
                dependencies: package
                    .dependencies
                    .iter()
                    .filter(|dependency| dependency.kind != DependencyKind::Development)
                    .map(|dependency| dependency.name.clone())
                    .collect(),
            })
            .collect();
        let edges = resolve
            .nodes
            .iter()
            .map(|node| (node.id.clone(), built_dependencies(node)))
            .collect();
        let names = metadata
            .packages
            .iter()
            .map(|package| (package.id.clone(), package.name.to_string()))
            .collect();
        Ok(Self {
            members,
            edges,
            names,
        })
    }

    /// The shortest chain of names from the crate `from` to a crate that `wanted` accepts.
    pub(crate) fn path_to(&self, from: &str, wanted: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        let start = self
            .names
            .iter()
            .find(|(_, name)| name.as_str() == from)
            .map(|(id, _)| id)?;
        let mut seen = BTreeSet::from([start]);
        let mut front = vec![vec![start]];
        while !front.is_empty() {
            let mut next = Vec::new();
            for path in front {
                let last = path[path.len() - 1];
                for id in self.edges.get(last).into_iter().flatten() {
                    if !seen.insert(id) {
                        continue;
                    }
                    let mut longer = path.clone();
                    longer.push(id);
                    if wanted(&self.names[id]) {
                        return Some(longer.iter().map(|id| self.names[*id].clone()).collect());
                    }
                    next.push(longer);
                }
            }
            front = next;
        }
        None
    }
}

/// The packages that a build of `node` links or runs, without those only its tests need.
fn built_dependencies(node: &Node) -> Vec<PackageId> {
    node.deps
        .iter()
        .filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development)
        })
        .map(|dependency| dependency.pkg.clone())
        .collect()
}
