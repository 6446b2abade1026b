//! `cargo xtask ci`: all that has to pass before a change lands, cheapest first but for what goes on
//! beside something else.

use crate::parts::cargo_tool;
use crate::process::{self, Interrupt};
use crate::{fuzz, test, tidy, torture, workspace};
use anyhow::Result;
use std::path::Path;
use tokio::process::Command;

/// With their features on, the fuzzer's build asks for more of a crate that others are built with,
/// and these would be checked twice.
const FUZZ_TARGETS: &str = "runloom-fuzz";

/// What the driver is told by `cargo clippy -- -D warnings`. Where a version tells it something
/// else, documentation takes longer, and that is all.
const CLIPPY_ARGS: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

pub(crate) async fn run(interrupt: &Interrupt) -> Result<()> {
    process::step("format");
    process::run(interrupt, &mut cargo(&["fmt", "--all", "--check"])).await?;

    process::step("tidy");
    tidy::run()?;

    // What has to be fetched leaves processors idle, and so does the compiler at its end.
    let (needs, ()) = tokio::try_join!(beside(interrupt), static_checks(interrupt))?;

    test::run_with(interrupt, &needs, &test::Arguments::default()).await?;
    drop(needs);

    process::step("torture");
    // Its nodes wait for much of their time, and its limits are those of a busy machine.
    let (built, ()) = tokio::try_join!(
        fuzz::build_briefly(interrupt),
        torture::run_briefly(interrupt)
    )?;

    process::step("fuzz targets");
    fuzz::run_briefly(interrupt, &built).await
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
        "--exclude",
        FUZZ_TARGETS,
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
    process::run(interrupt, &mut documentation().await?).await
}

/// Rustdoc needs what a check leaves of the crates below. With Clippy's driver as the compiler and
/// with Clippy's arguments, what Clippy has just left counts as that, and nothing is checked again.
async fn documentation() -> Result<Command> {
    let mut sysroot = Command::new("rustc");
    let sysroot = process::output(sysroot.args(["--print", "sysroot"])).await?;
    let driver = Path::new(sysroot.trim()).join("bin/clippy-driver");
    let mut doc = cargo(&[
        "doc",
        "--workspace",
        "--exclude",
        FUZZ_TARGETS,
        "--no-deps",
        "--all-features",
        "--locked",
    ]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    if let Ok(driver) = driver.canonicalize() {
        doc.env("RUSTC_WORKSPACE_WRAPPER", driver)
            .env("CLIPPY_ARGS", CLIPPY_ARGS);
    }
    Ok(doc)
}

fn cargo(arguments: &[&str]) -> Command {
    workspace::cargo("cargo", arguments)
}
