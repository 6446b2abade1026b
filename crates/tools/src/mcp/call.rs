//! One call of a tool, from its start or from an answer on.

use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, ServerResult};
use runloom_domain::{InputAction, ToolClass, ToolInput};
use runloom_engine::port::tool::{Progress, Question as Shown, ToolReply};
use serde_json::Value;
use tokio::time::sleep;

use super::asked::Answered;
use super::catalog::McpToolInfo;
use super::connection::Connection;
use super::deadline::Deadline;
use super::error::McpError;
use super::in_flight::{InFlight, Said};
use super::pool::McpServer;
use super::render;
use super::state::{Retry, State};

/// How often a server may want a call again before a person is asked something.
const ROUNDS: u32 = 10;

/// Where a server finds the key of an effect, for tools that can be called twice with it.
const KEY: &str = "runloom/idempotency-key";

pub(super) struct Call<'a> {
    pub(super) server: &'a McpServer,
    pub(super) info: &'a McpToolInfo,
    pub(super) arguments: JsonObject,
    /// Names the effect.
    pub(super) key: String,
    pub(super) progress: Progress,
    /// What was asked and answered so far.
    pub(super) answered: Vec<Answered>,
    /// What the server gets with the call.
    pub(super) retry: Retry,
}

impl Call<'_> {
    /// Calls, or goes on with an answer. Dropping the future cancels the call at the server.
    pub(super) async fn run(&mut self, input: Option<ToolInput>) -> Result<ToolReply, McpError> {
        let first = match input {
            None => self.start().await,
            Some(input) => self.resume(input).await,
        };
        match first {
            // Once more, with the answers that were given already.
            Err(McpError::Broken(_)) if self.info.class != ToolClass::Once => self.start().await,
            other => other,
        }
    }

    async fn start(&mut self) -> Result<ToolReply, McpError> {
        for round in 0..ROUNDS {
            let connection = self.server.server.connection(&self.server.pool).await?;
            let checked = self.check(&connection).await;
            checked.map_err(|error| match self.info.class {
                ToolClass::Once => error.before_call(),
                // These are called once more when the connection breaks, whenever it does.
                ToolClass::Pure | ToolClass::Keyed => error,
            })?;
            let in_flight = InFlight::start(connection, self.params()).await?;
            let replay = std::mem::take(&mut self.answered);
            match self.follow(in_flight, replay).await? {
                Followed::Reply(reply) => return Ok(reply),
                Followed::Again => sleep(Duration::from_millis(50 << round.min(3))).await,
            }
        }
        let why = format!("the server wanted the call again more than {ROUNDS} times");
        Err(McpError::Refused(why))
    }

    async fn resume(&mut self, input: ToolInput) -> Result<ToolReply, McpError> {
        let state: State = serde_json::from_value(input.state)
            .map_err(|_| McpError::Refused("the state of the call can't be read".into()))?;
        match state {
            State::Parked { question, answered } => {
                self.answered = answered;
                let action = input.action;
                self.resume_parked(Answered { question, action }).await
            }
            State::Retry(retry) => {
                self.retry = retry;
                self.retry.answer(input.action)?;
                self.retry_or_ask().await
            }
        }
    }

    async fn resume_parked(&mut self, answered: Answered) -> Result<ToolReply, McpError> {
        let action = answered.action.clone();
        self.answered.push(answered);
        let Some(mut in_flight) = self.server.pool.parked.take(&self.key) else {
            // Whoever must not call twice makes an unknown outcome of it, others a new call.
            return Err(McpError::Broken("the call that asked is gone".into()));
        };
        in_flight.answer(action).await;
        match self.follow(in_flight, Vec::new()).await? {
            Followed::Reply(reply) => Ok(reply),
            Followed::Again => self.start().await,
        }
    }

    /// Asks the next question, or calls again when all are answered.
    async fn retry_or_ask(&mut self) -> Result<ToolReply, McpError> {
        match self.ask_next() {
            Some(reply) => Ok(reply),
            None => self.start().await,
        }
    }

    fn ask_next(&self) -> Option<ToolReply> {
        let question = self.retry.question()?;
        let (prompt, schema) = (question.prompt.clone(), question.schema.clone());
        Some(ask(prompt, schema, &State::Retry(self.retry.clone())))
    }

    /// Whether the tool is still the one that the run knows.
    async fn check(&self, connection: &Connection) -> Result<(), McpError> {
        let server = &self.server.server;
        let mut catalog = server.catalog(connection).await?;
        if catalog
            .get(&self.info.tool)
            .is_none_or(|now| now.hash != self.info.hash)
        {
            // Not every server tells when its tools change, and the run may know newer ones than
            // this connection.
            connection.doubt_listing();
            catalog = server.catalog(connection).await?;
        }
        match catalog.get(&self.info.tool) {
            None => {
                let gone = "the server doesn't have this tool any more";
                Err(McpError::Unavailable(gone.into()))
            }
            Some(now) if now.hash != self.info.hash => Err(McpError::Changed),
            Some(_) => Ok(()),
        }
    }

    fn params(&self) -> CallToolRequestParams {
        let tool = self.info.tool.clone();
        let mut params = CallToolRequestParams::new(tool).with_arguments(self.arguments.clone());
        if self.info.class == ToolClass::Keyed {
            let mut meta = JsonObject::new();
            meta.insert(KEY.into(), Value::String(self.key.clone()));
            params.meta = Some(meta.into());
        }
        if !self.retry.responses.is_empty() {
            params.input_responses = Some(self.retry.responses.clone());
        }
        params.request_state.clone_from(&self.retry.request_state);
        params
    }

    /// Follows a call to its end, or to a question. Questions that are in `replay` are answered
    /// from there.
    async fn follow(
        &mut self,
        mut call: InFlight,
        mut replay: Vec<Answered>,
    ) -> Result<Followed, McpError> {
        let mut deadline = Deadline::new(self.server.spec().limits);
        loop {
            let said = tokio::select! {
                said = call.next() => said?,
                over = deadline.over() => return Err(over),
            };
            match said {
                Said::Step(step) => {
                    deadline.moved();
                    self.progress.report(step.done, step.total, step.message);
                }
                Said::Done(result) => return self.done(*result),
                Said::Asks => {
                    let Some(question) = call.asked().map(|asked| asked.question.clone()) else {
                        continue;
                    };
                    let known = replay.iter().position(|known| known.question == question);
                    if let Some(known) = known {
                        let known = replay.remove(known);
                        self.answered.push(known.clone());
                        call.answer(known.action).await;
                        continue;
                    }
                    let (prompt, schema) = (question.prompt.clone(), question.schema.clone());
                    let answered = self.answered.clone();
                    let state = State::Parked { question, answered };
                    match self.server.pool.parked.put(self.key.clone(), call) {
                        Ok(()) => return Ok(Followed::Reply(ask(prompt, schema, &state))),
                        Err(back) => {
                            tracing::warn!("too many calls wait for people; one is not asked");
                            call = *back;
                            call.answer(InputAction::Cancel).await;
                        }
                    }
                }
            }
        }
    }

    fn done(&mut self, result: ServerResult) -> Result<Followed, McpError> {
        match result {
            ServerResult::CallToolResult(result) => told(&result),
            ServerResult::InputRequiredResult(needs) => {
                self.retry = Retry::read(needs)?;
                Ok(self.ask_next().map_or(Followed::Again, Followed::Reply))
            }
            ServerResult::EmptyResult(_) => Ok(Followed::Reply(String::new().into())),
            ServerResult::CreateTaskResult(_) => {
                let why = "the server made a task of the call, which it was not asked to";
                Err(McpError::Refused(why.into()))
            }
            _ => Err(McpError::Refused("the server's answer is no result".into())),
        }
    }
}

enum Followed {
    Reply(ToolReply),
    /// The server wants the call again, with what is in `retry`.
    Again,
}

fn told(result: &CallToolResult) -> Result<Followed, McpError> {
    let text = render::text(result);
    if result.is_error == Some(true) {
        return Err(McpError::Refused(text));
    }
    Ok(Followed::Reply(text.into()))
}

fn ask(prompt: String, schema: Value, state: &State) -> ToolReply {
    let shown = Shown {
        prompt,
        schema: Some(schema),
        // Its keys are strings, so this can't fail.
        state: serde_json::to_value(state).unwrap_or_default(),
    };
    ToolReply::NeedsInput(Box::new(shown))
}
