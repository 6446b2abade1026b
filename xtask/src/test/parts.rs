//! Which parts the tests get: what the developer's variables name, else what we start.

use super::variable;
use crate::parts::postgres::{self, Cluster, Durability};
use crate::parts::{chromium, mcp, model, nats, node, port, promtool, python, strace};
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::env;
use tempfile::TempDir;

/// The running parts and the variables that lead to them. Dropping it stops what we started.
pub(super) struct TestParts {
    /// Only what we chose: a test inherits what the developer has set.
    pub(super) variables: Vec<(String, String)>,
    _postgres: Option<Cluster>,
    _model: Option<model::LocalModel>,
    _folder: TempDir,
    _programs: TempDir,
}

pub(super) async fn start(interrupt: &Interrupt) -> Result<TestParts> {
    let folder = temporary()?;
    let programs = temporary()?;
    let mut variables = Vec::new();

    for (name, list, script) in [
        (
            "RUNLOOM_TEST_AIMOCK",
            "node",
            "@copilotkit/aimock/dist/cli.js",
        ),
        (
            "RUNLOOM_TEST_PLAYWRIGHT",
            "node",
            "playwright-core/index.mjs",
        ),
        ("RUNLOOM_TEST_SPECTRAL", "openapi", ".bin/spectral"),
        ("RUNLOOM_TEST_REDOCLY", "openapi", ".bin/redocly"),
    ] {
        if env::var_os(name).is_none() {
            let packages = node::packages(interrupt, list).await?;
            variables.push(variable(name, &packages.join(script)));
        }
    }
    variables.extend(mcp::variables(interrupt).await?);
    if env::var_os("RUNLOOM_TEST_CHROMIUM").is_none() {
        let executable = chromium::executable(interrupt).await?;
        variables.push(variable("RUNLOOM_TEST_CHROMIUM", &executable));
    }
    for (name, list) in [
        ("RUNLOOM_TEST_LLMOCK", "llmock"),
        ("RUNLOOM_TEST_SCHEMATHESIS", "schemathesis"),
    ] {
        if env::var_os(name).is_none() {
            let environment = python::environment(interrupt, list).await?;
            let program = environment.join("bin").join(list);
            variables.push(variable(name, &program));
        }
    }
    if env::var_os("RUNLOOM_TEST_STRACE").is_none() {
        let executable = strace::executable(interrupt).await?;
        variables.push(variable("RUNLOOM_TEST_STRACE", &executable));
    }
    if env::var_os("RUNLOOM_TEST_PROMTOOL").is_none() {
        let executable = promtool::executable(interrupt).await?;
        variables.push(variable("RUNLOOM_TEST_PROMTOOL", &executable));
    }
    if env::var_os("RUNLOOM_TEST_NATS").is_none() {
        let executable = nats::executable(interrupt).await?;
        variables.push(variable("RUNLOOM_TEST_NATS", &executable));
    }
    // Some tests have a PostgreSQL of their own.
    if env::var_os("RUNLOOM_TEST_POSTGRES_BIN").is_none() {
        let binaries = postgres::binaries(interrupt).await?;
        let reachable = postgres::reachable(&binaries, programs.path()).await?;
        variables.push(variable("RUNLOOM_TEST_POSTGRES_BIN", &reachable));
    }
    let postgres = if env::var_os("RUNLOOM_TEST_POSTGRES_URL").is_none() {
        let binaries = postgres::binaries(interrupt).await?;
        let cluster = Cluster::start(interrupt, &binaries, Durability::Off).await?;
        process::step(&format!("PostgreSQL at {}", cluster.url));
        variables.push(("RUNLOOM_TEST_POSTGRES_URL".to_owned(), cluster.url.clone()));
        Some(cluster)
    } else {
        None
    };
    let model = if env::var_os("RUNLOOM_TEST_MODEL_URL").is_none() {
        let started = model::start(interrupt, port::free()?, folder.path()).await?;
        process::step(&format!("{} at {}", model::ALIAS, started.url));
        variables.push(("RUNLOOM_TEST_MODEL_URL".to_owned(), started.url.clone()));
        variables.push(("RUNLOOM_TEST_MODEL".to_owned(), model::ALIAS.to_owned()));
        Some(started)
    } else {
        None
    };
    Ok(TestParts {
        variables,
        _postgres: postgres,
        _model: model,
        _folder: folder,
        _programs: programs,
    })
}

fn temporary() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("runloom-test-")
        .tempdir()
        .context("can't make a temporary folder")
}
