//! A model that follows a script: for the demo, for tests and for benchmarks.

mod builtin;
mod play;
mod script;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use runloom_domain::Role;
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelPort, ModelRequest, ModelStream,
};

pub use script::{Action, Script, ScriptError, ScriptedError, Turn};

/// Answers model calls from scripts, chosen by the model's name in the route.
///
/// It keeps no state between calls. The turn that it plays is the number of assistant messages
/// that the calling run already has in its history, so a script goes on where it was after a
/// restart, and any number of runs can follow the same script at once. Calls beyond the last
/// turn play the last turn again.
#[derive(Clone, Debug, Default)]
pub struct ScriptedModel {
    scripts: BTreeMap<String, Script>,
}

impl ScriptedModel {
    /// The name of the demo model.
    pub const DEMO: &str = "demo";
    /// The names of the models that [`Self::with_bench`] adds.
    pub const BENCH: [&str; 5] = ["fake-a", "fake-b", "fake-hold", "fake-slow", "fake-paced"];

    /// A model without any script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `demo`: a friendly answer of about twenty words, one each 40 ms, that quotes the
    /// user's last message and says that no real model wrote it.
    #[must_use]
    pub fn with_demo(self) -> Self {
        self.with_script(Self::DEMO, builtin::demo())
    }

    /// Adds the benchmark's models:
    /// `fake-a`, 50 deltas `w00 ` to `w49 ` without delay; `fake-b`, the same after one call of
    /// `calculator`; `fake-hold`, one delta, then 60 seconds of silence, then the end;
    /// `fake-slow`, 50 deltas, one each 200 ms; `fake-paced`, 50 deltas, one each 20 ms.
    #[must_use]
    pub fn with_bench(self) -> Self {
        let [a, b, hold, slow, paced] = Self::BENCH;
        self.with_script(a, builtin::fake_a())
            .with_script(b, builtin::fake_b())
            .with_script(hold, builtin::fake_hold())
            .with_script(slow, builtin::fake_slow())
            .with_script(paced, builtin::fake_paced())
    }

    /// Adds a script for the model called `name`; a later one replaces an earlier.
    #[must_use]
    pub fn with_script(mut self, name: impl Into<String>, script: Script) -> Self {
        self.scripts.insert(name.into(), script);
        self
    }

    /// Adds the scripts of a JSON text: an object of models, each a list of turns, each a list
    /// of [`Action`]s. `{"m": [[{"text": "Hi"}], ["hang"]]}` is a model with two turns.
    pub fn with_json(mut self, json: &str) -> Result<Self, ScriptError> {
        let scripts: BTreeMap<String, Script> = serde_json::from_str(json)?;
        self.scripts.extend(scripts);
        Ok(self)
    }

    /// Adds the scripts of a file, see [`Self::with_json`]. Reads with blocking I/O; meant for
    /// the start of a process.
    pub fn with_file(self, path: &Path) -> Result<Self, ScriptError> {
        let json = std::fs::read_to_string(path).map_err(|source| ScriptError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        self.with_json(&json)
    }
}

#[async_trait]
impl ModelPort for ScriptedModel {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let script = self.scripts.get(&request.route.model).ok_or_else(|| {
            ModelError::new(
                ModelErrorKind::NotFound,
                "the scripted model has no script of that name",
            )
        })?;
        play::play(script.turn(turn_index(&request)), &request).await
    }
}

/// How many answers of this run the history holds.
fn turn_index(request: &ModelRequest) -> usize {
    let own_answer = |message: &&runloom_domain::Message| {
        message.run_id == Some(request.run_id) && message.body.role() == Role::Assistant
    };
    request.messages.iter().filter(own_answer).count()
}
