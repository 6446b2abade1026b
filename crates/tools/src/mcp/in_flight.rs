//! A call that its server has, and has not answered.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle, RoleClient};
use runloom_domain::InputAction;
use tokio::time::sleep;

use super::asked::Asked;
use super::calls::{Ears, Step, Turn};
use super::connection::Connection;
use super::error::McpError;

/// How long an answer may still be on its way when the connection has ended.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Nothing has to poll it: what the server says waits inside. Dropping it tells the server that
/// the call is cancelled.
pub(super) struct InFlight {
    connection: Arc<Connection>,
    request: Option<RequestHandle<RoleClient>>,
    ears: Ears,
    /// None while a person is asked: other calls go on meanwhile.
    turn: Option<Turn>,
    /// The question that is open, if one is.
    asked: Option<Asked>,
}

/// What a call's server says.
pub(super) enum Said {
    Done(Box<ServerResult>),
    Asks,
    Step(Step),
}

impl InFlight {
    /// Sends the call, once it is its turn.
    pub(super) async fn start(
        connection: Arc<Connection>,
        params: CallToolRequestParams,
    ) -> Result<Self, McpError> {
        let turn = connection.handler.calls.turn().await;
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let request = connection
            .peer
            .send_request_with_option(request, PeerRequestOptions::no_options())
            .await
            // It was not even handed over.
            .map_err(|_| McpError::Unavailable(connection.why()))?;
        let calls = &connection.handler.calls;
        let ears = calls.open(request.id.clone(), request.progress_token.clone());
        Ok(Self {
            connection,
            request: Some(request),
            ears,
            turn: Some(turn),
            asked: None,
        })
    }

    /// What the server says next. When the future is dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Said, McpError> {
        let Some(request) = &mut self.request else {
            return pending().await;
        };
        let connection = &self.connection;
        let lost = async {
            connection.fault().happened().await;
            sleep(ON_ITS_WAY).await;
        };
        tokio::select! {
            biased;
            answer = &mut request.rx => {
                // It is answered, so there is nothing to cancel.
                self.request = None;
                let answer = answer.map_err(|_| McpError::Broken(connection.why()))?;
                match answer {
                    Ok(result) => Ok(Said::Done(Box::new(result))),
                    Err(error) => Err(McpError::of_request(&error, self.connection.fault())),
                }
            }
            Some(asked) = self.ears.asks.recv() => {
                self.asked = Some(asked);
                Ok(Said::Asks)
            }
            Ok(()) = self.ears.steps.changed() => {
                let step = self.ears.steps.borrow_and_update().clone();
                Ok(Said::Step(step.unwrap_or_default()))
            }
            () = lost => Err(McpError::Broken(connection.why())),
        }
    }

    /// Whether no answer can come any more.
    pub(super) fn is_lost(&self) -> bool {
        self.connection.is_dead()
    }

    /// The question that is open.
    pub(super) fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// Lets other calls go on while a person is asked.
    pub(super) fn rest(&mut self) {
        self.turn = None;
    }

    /// Answers the open question, once it is the call's turn again.
    pub(super) async fn answer(&mut self, action: InputAction) {
        if self.turn.is_none() {
            self.turn = Some(self.connection.handler.calls.turn().await);
        }
        if let Some(asked) = self.asked.take() {
            // The server may have given up; then the call's result says so.
            let _ = asked.answer.send(action);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(request) = self.request.take() else {
            return;
        };
        self.connection.handler.calls.abandon();
        // Outside of a runtime, the process is on its way out and its connections with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // A connection that is gone needs no word.
                let _ = request
                    .cancel(Some("nobody waits for it any more".into()))
                    .await;
            });
        }
    }
}
