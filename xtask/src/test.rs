//! `cargo xtask test`: everything the tests need, then the tests.

mod parts;

use crate::parts::cargo_tool;
use crate::process::{self, Interrupt};
use crate::workspace;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use tokio::process::Command;

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Run crash and property rounds at their full number
    #[arg(long)]
    long: bool,
    /// Handed to `cargo nextest run`; documentation tests are left out when there are any
    #[arg(last = true)]
    nextest: Vec<String>,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let needs = Needs::prepare(interrupt).await?;
    run_with(interrupt, &needs, arguments).await
}

/// What the tests need, but for the tests themselves.
pub(crate) struct Needs {
    nextest: PathBuf,
    parts: parts::TestParts,
}

impl Needs {
    /// Finds or fetches them, and starts those that run beside the tests.
    pub(crate) async fn prepare(interrupt: &Interrupt) -> Result<Self> {
        Ok(Self {
            nextest: cargo_tool::find_or_install(interrupt, "cargo-nextest").await?,
            parts: parts::start(interrupt).await?,
        })
    }
}

pub(crate) async fn run_with(
    interrupt: &Interrupt,
    needs: &Needs,
    arguments: &Arguments,
) -> Result<()> {
    let Needs { nextest, parts } = needs;
    let features = features()?;
    let server = build_server(interrupt).await?;
    let environment = environment(parts, &server, arguments);
    // Documentation tests first, so that the summary of all others is what is seen last.
    let documentation = if arguments.nextest.is_empty() {
        process::step("documentation tests");
        let mut command = cargo(&features, "test");
        command.args(["--doc", "--quiet"]).envs(environment.clone());
        process::run(interrupt, &mut command).await
    } else {
        Ok(())
    };
    interrupt.check()?;

    process::step("tests");
    let mut command = workspace::cargo(nextest, &["nextest", "run", "--workspace", "--locked"]);
    command
        .args(&features)
        .args(&arguments.nextest)
        .envs(environment);
    let tests = process::run(interrupt, &mut command).await;
    match (documentation, tests) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(error), Ok(())) | (Ok(()), Err(error)) => Err(error),
        (Err(first), Err(second)) => bail!("{first:#}; {second:#}"),
    }
}

/// `cargo xtask parts`: the parts alone, for a developer who runs single tests by hand.
pub(crate) async fn serve_parts(interrupt: &Interrupt) -> Result<()> {
    let parts = parts::start(interrupt).await?;
    for (name, value) in environment(&parts, &copy_server()?, &Arguments::default()) {
        println!("export {name}={value}");
    }
    process::step("Ctrl-C stops them");
    interrupt.wait().await;
    Ok(())
}

/// One selection of crates and features for every command, so that nothing is built twice.
fn cargo(features: &[String], task: &str) -> Command {
    let mut command = workspace::cargo("cargo", &[task, "--workspace", "--locked"]);
    command.args(features);
    command
}

/// The features that only tests turn on: crash points in the server.
pub(crate) fn features() -> Result<Vec<String>> {
    const SERVER: &str = "runloom-server";
    const CRASH_POINTS: &str = "failpoints";
    let metadata = workspace::metadata()?;
    let offered = metadata.workspace_packages().iter().any(|package| {
        package.name.as_str() == SERVER && package.features.contains_key(CRASH_POINTS)
    });
    if offered {
        Ok(vec![
            "--features".to_owned(),
            format!("{SERVER}/{CRASH_POINTS}"),
        ])
    } else {
        Ok(Vec::new())
    }
}

/// Builds the server and the tests, and returns the server that is to be tested.
pub(crate) async fn build_server(interrupt: &Interrupt) -> Result<PathBuf> {
    process::step("building the server and the tests");
    let mut build = cargo(&features()?, "build");
    process::run(interrupt, build.arg("--all-targets")).await?;
    copy_server()
}

/// A copy, since whoever builds the server while the tests run would swap it under them.
fn copy_server() -> Result<PathBuf> {
    let server = server()?;
    let built = server.with_file_name("runloom");
    std::fs::copy(&built, &server).with_context(|| format!("can't copy {}", built.display()))?;
    Ok(server)
}

/// Where the copy is.
pub(crate) fn server() -> Result<PathBuf> {
    Ok(workspace::target_folder()?.join("debug/runloom-under-test"))
}

/// What the tests are told of the parts, by the variables of CONTRIBUTING.md.
fn environment(
    parts: &parts::TestParts,
    server: &Path,
    arguments: &Arguments,
) -> Vec<(String, String)> {
    let mut environment = parts.variables.clone();
    environment.push(variable("RUNLOOM_TEST_BIN", server));
    if arguments.long {
        environment.push(("RUNLOOM_TEST_LONG".to_owned(), "1".to_owned()));
    }
    environment
}

fn variable(name: &str, path: &Path) -> (String, String) {
    (name.to_owned(), path.display().to_string())
}
