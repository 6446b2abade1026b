//! `cargo xtask ci`: all that has to pass before a change lands, cheapest first but for what goes on
//! beside something else.

use crate::parts::cargo_tool;
use crate::process::{self, Interrupt};
use crate::{fuzz, test, tidy, torture, workspace};
use anyhow::Result;
use clap::Args;
use runloom_domain::{Clock as _, SystemClock, Timestamp};
use std::time::Duration;
use tokio::process::Command;

/// All has to end within 40 minutes. Building the fuzz targets takes up to 6 on a machine that has
/// none of them, and running them 2.
const UNTIL_FUZZING: Duration = Duration::from_mins(30);

#[derive(Args)]
pub(crate) struct Arguments {
    /// When what this is a part of began, in seconds of Unix time; now when absent
    #[arg(long)]
    began: Option<i64>,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let given = arguments
        .began
        .map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
    let began = given.unwrap_or_else(|| SystemClock.now());

    process::step("format");
    process::run(interrupt, &mut cargo(&["fmt", "--all", "--check"])).await?;

    process::step("tidy");
    tidy::run()?;

    // What has to be fetched leaves processors idle, and so does the compiler at its end.
    let (needs, ()) = tokio::try_join!(beside(interrupt), static_checks(interrupt))?;

    test::run_with(interrupt, &needs, &test::Arguments::default()).await?;
    drop(needs);

    process::step("torture");
    torture::run_briefly(interrupt).await?;

    if SystemClock.now().since(began) > UNTIL_FUZZING {
        process::step("fuzz targets: left out, there is no time for them; `cargo xtask fuzz`");
        return Ok(());
    }
    fuzz::run_briefly(interrupt).await
}

/// What goes on beside the compiler's checks.
async fn beside(interrupt: &Interrupt) -> Result<test::Needs> {
    let needs = test::Needs::prepare(interrupt).await?;

    process::step("dependencies: bans, licences, sources");
    let deny = cargo_tool::find_or_install(interrupt, "cargo-deny").await?;
    let check = ["--locked", "check", "bans", "licenses", "sources"];
    process::run(interrupt, &mut workspace::cargo(deny, &check)).await?;
    Ok(needs)
}

/// What the compiler alone can tell.
async fn static_checks(interrupt: &Interrupt) -> Result<()> {
    process::step("clippy");
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--locked",
    ];
    process::run(interrupt, cargo(&clippy).args(["--", "-D", "warnings"])).await?;

    // All features together hide what is missing or left over in the build that users get.
    process::step("clippy on the server as it is released");
    let released = ["clippy", "--package", "runloom-server", "--locked"];
    process::run(interrupt, cargo(&released).args(["--", "-D", "warnings"])).await?;

    process::step("documentation");
    let doc = [
        "doc",
        "--workspace",
        "--no-deps",
        "--all-features",
        "--locked",
    ];
    let mut doc = cargo(&doc);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    process::run(interrupt, &mut doc).await
}

fn cargo(arguments: &[&str]) -> Command {
    workspace::cargo("cargo", arguments)
}
