//! `cargo xtask fuzz`: inputs nobody thought of, for what reads them first.

use crate::process::{self, Interrupt};
use crate::{parts, test, workspace};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

/// Where the targets are.
const FOLDER: &str = "tests/fuzz";

/// Lets the fuzzer see which code an input reaches, and what is compared with what. These are the
/// flags of `cargo fuzz` without a sanitizer, which our own code, without `unsafe`, doesn't need;
/// so any compiler will do.
const INSTRUMENTED: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Our own crates in a build for development are too slow to fuzz without optimisation, and with it
/// the compiler would leave these checks out.
const QUICK: &[&str] = &[
    "-Copt-level=2",
    "-Cdebug-assertions=on",
    "-Coverflow-checks=on",
];

/// Without it there is nothing to build.
const FUZZER: &str = "runloom-fuzz/libfuzzer";

/// How many inputs of a target are kept beside those that somebody has named.
const KEPT: usize = 64;

/// How many targets run at once.
const AT_ONCE: usize = 2;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Targets; all of them when none is named
    targets: Vec<String>,
    /// How long each of them runs
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Keep new inputs in the tree, the few that reach most code
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let targets = chosen(arguments)?;
    let built = build(interrupt).await?;
    run_built(interrupt, &built, &targets, arguments).await
}

/// Runs what [`build_briefly`] has built, for as long as CI has time for.
pub(crate) async fn run_briefly(interrupt: &Interrupt, built: &Path) -> Result<()> {
    let briefly = Arguments {
        targets: Vec::new(),
        seconds: 30,
        keep: false,
    };
    run_built(interrupt, built, &targets()?, &briefly).await
}

async fn run_built(
    interrupt: &Interrupt,
    built: &Path,
    targets: &[String],
    arguments: &Arguments,
) -> Result<()> {
    let mut failed = Vec::new();
    for targets in targets.chunks(AT_ONCE) {
        let runs = targets
            .iter()
            .map(|target| fuzz(interrupt, built, target, arguments));
        // What one finds keeps no other from looking on.
        let done = futures_util::future::join_all(runs).await;
        failed.extend(done.into_iter().filter_map(Result::err));
        interrupt.check()?;
    }
    for error in &failed {
        process::step(&format!("{error:#}"));
    }
    ensure!(failed.is_empty(), "{} targets failed", failed.len());
    Ok(())
}

/// The targets that were named, or all.
fn chosen(arguments: &Arguments) -> Result<Vec<String>> {
    let all = targets()?;
    if arguments.targets.is_empty() {
        return Ok(all);
    }
    let unknown = arguments.targets.iter().find(|name| !all.contains(name));
    if let Some(unknown) = unknown {
        bail!("there is no target {unknown}, only {}", all.join(", "));
    }
    Ok(arguments.targets.clone())
}

/// Names of the targets, which are those of their folders of inputs.
fn targets() -> Result<Vec<String>> {
    let folder = corpus();
    let entries = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn corpus() -> PathBuf {
    workspace::root().join(FOLDER).join("corpus")
}

/// Builds all targets and says where they are. What is built of crates from outside is kept
/// with the parts.
async fn build(interrupt: &Interrupt) -> Result<PathBuf> {
    process::step("building the fuzz targets");
    let target = parts::folder()?.join("fuzz-target");
    // With a platform named, these flags are not for what runs while it is built.
    let platform = workspace::host_platform()?;
    let selected = ["--package", "runloom-fuzz", "--bins", "--profile", "fuzz"];
    let mut build = workspace::cargo("cargo", &["build", "--locked"]);
    build
        .args(selected)
        .args(["--features", FUZZER, "--target", &platform])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", INSTRUMENTED.join(" "));
    process::run(interrupt, &mut build).await?;
    Ok(target.join(platform).join("fuzz"))
}

/// The same on the crates from outside that the tests were built on, which have no instruments:
/// the fuzzer sees less of what they do, but only our own have to be built. What else is going on
/// goes first.
pub(crate) async fn build_briefly(interrupt: &Interrupt) -> Result<PathBuf> {
    process::step("building the fuzz targets on what the tests were built on");
    let mut build = workspace::cargo("nice", &["cargo", "build", "--workspace", "--locked"]);
    for target in targets()? {
        build.args(["--bin", &target]);
    }
    let compiler = workspace::root().join(FOLDER).join("instrumented");
    build
        .args(test::features()?)
        .args(["--features", FUZZER])
        .env("RUSTC_WORKSPACE_WRAPPER", compiler)
        .env(
            "RUNLOOM_FUZZ_FLAGS",
            [INSTRUMENTED, QUICK].concat().join(" "),
        );
    process::run(interrupt, &mut build).await?;
    Ok(workspace::target_folder()?.join("debug"))
}

/// Runs a target on the inputs of the tree; what it finds beside them goes into a folder of its
/// own.
async fn fuzz(
    interrupt: &Interrupt,
    built: &Path,
    target: &str,
    arguments: &Arguments,
) -> Result<()> {
    process::step(&format!("{target}, {} s", arguments.seconds));
    let found = TempDir::new().context("can't make a folder")?;
    let known = corpus().join(target);
    let artifacts = workspace::root().join(FOLDER).join("artifacts");
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(built.join(target));
    command
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!(
            "-artifact_prefix={}/{target}-",
            artifacts.display()
        ))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-verbosity=0"])
        .args(["-print_final_stats=1"])
        .args([found.path(), known.as_path()]);
    process::run(interrupt, &mut command)
        .await
        .with_context(|| format!("the input is in {}", artifacts.display()))?;
    if arguments.keep {
        keep(interrupt, &built.join(target), &known, found.path()).await?;
    }
    Ok(())
}

/// Replaces what earlier runs have left in the tree by inputs that reach most of the code that
/// all of them reach; those that somebody has named stay.
async fn keep(interrupt: &Interrupt, target: &Path, known: &Path, found: &Path) -> Result<()> {
    let cover = TempDir::new().context("can't make a folder")?;
    let mut merge = Command::new(target);
    // Which code an input reaches counts, not how often: that would keep hundreds of them.
    merge
        .args(["-set_cover_merge=1", "-use_counters=0", "-verbosity=0"])
        .args([cover.path(), known, found]);
    process::run(interrupt, &mut merge).await?;
    // Those that reach most are written first.
    let mut inputs = Vec::new();
    for entry in fs::read_dir(cover.path())? {
        let entry = entry?;
        inputs.push((entry.metadata()?.modified()?, entry.file_name()));
    }
    inputs.sort();
    for entry in fs::read_dir(known)? {
        let entry = entry?;
        if is_found(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    for (_, name) in inputs.iter().filter(|(_, name)| is_found(name)).take(KEPT) {
        fs::copy(cover.path().join(name), known.join(name))?;
    }
    Ok(())
}

/// Whether an input was named by its hash.
fn is_found(name: &OsStr) -> bool {
    name.len() == 40
}
