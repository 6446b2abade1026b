//! `cargo xtask ci`: all that has to pass before a change lands, cheapest first but for what goes on
//! beside something else.

use crate::parts::cargo_tool;
use crate::process::{self, Interrupt};
use crate::{fuzz, test, tidy, torture, workspace};
use anyhow::Result;
use tokio::process::Command;

pub(crate) async fn run(interrupt: &Interrupt) -> Result<()> {
    process::step("format");
    process::run(interrupt, &mut cargo(&["fmt", "--all", "--check"])).await?;

    process::step("tidy");
    tidy::run()?;

    // What has to be fetched leaves processors idle, and so does the compiler at its end.
    let (Beside { needs, fuzzing }, ()) =
        tokio::try_join!(Beside::the_compiler(interrupt), static_checks(interrupt))?;

    test::run_with(interrupt, &needs, &test::Arguments::default()).await?;
    drop(needs);

    process::step("torture");
    torture::run_briefly(interrupt).await?;

    if let Some(fuzzing) = fuzzing {
        return fuzzing.run_briefly(interrupt).await;
    }
    process::step("fuzz targets: left out, there is no nightly compiler");
    Ok(())
}

/// What is done or begun beside the compiler's checks.
struct Beside {
    needs: test::Needs,
    /// Goes on beside the tests, too, which leave processors idle while they wait.
    fuzzing: Option<fuzz::Building>,
}

impl Beside {
    async fn the_compiler(interrupt: &Interrupt) -> Result<Self> {
        let needs = test::Needs::prepare(interrupt).await?;

        process::step("dependencies: bans, licences, sources");
        let deny = cargo_tool::find_or_install(interrupt, "cargo-deny").await?;
        let check = ["--locked", "check", "bans", "licenses", "sources"];
        process::run(interrupt, &mut workspace::cargo(deny, &check)).await?;

        let fuzzing = fuzz::build_beside(interrupt).await?;
        Ok(Self { needs, fuzzing })
    }
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
