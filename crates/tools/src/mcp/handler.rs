//! What servers may ask of us.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationCapability,
    ErrorCode, ErrorData, FormElicitationCapability, Implementation, ProgressNotificationParam,
    ProtocolVersion,
};
use rmcp::service::{InboundStreamOrigin, NotificationContext, RequestContext, RoleClient};
use runloom_domain::InputAction;
use tokio::sync::oneshot;

use super::asked::{self, Asked, Question};
use super::calls::Calls;
use super::changes::Changes;
use super::fault::Fault;

/// How long a question may be ahead of our knowing that its call was sent.
const AHEAD: Duration = Duration::from_millis(50);

/// Answers one server.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    /// Whom it answers.
    server: Arc<str>,
    changes: Arc<Changes>,
    pub(super) calls: Arc<Calls>,
    /// Ends what waits for answers.
    pub(super) fault: Fault,
    /// Whether the list of tools that we hold may be an old one.
    pub(super) stale: Arc<AtomicBool>,
    /// Whether nobody tells us when it becomes one, though somebody should.
    pub(super) deaf: Arc<AtomicBool>,
}

impl Handler {
    pub(super) fn new(server: &str, changes: Arc<Changes>) -> Self {
        Self {
            server: server.into(),
            changes,
            calls: Arc::default(),
            fault: Fault::default(),
            stale: Arc::default(),
            deaf: Arc::default(),
        }
    }

    /// The server says that it has other tools now.
    pub(super) fn tools_changed(&self) {
        self.stale.store(true, Ordering::Relaxed);
        self.changes.say(&self.server);
    }

    async fn ask(&self, question: Question, context: &RequestContext<RoleClient>) -> InputAction {
        let origin = context.extensions.get::<InboundStreamOrigin>();
        let request = match origin {
            Some(InboundStreamOrigin::OutboundRequest(request)) => Some(request),
            _ => None,
        };
        let mut asker = self.calls.asker(request);
        if asker.is_none() {
            tokio::time::sleep(AHEAD).await;
            asker = self.calls.asker(request);
        }
        let Some((number, asks)) = asker else {
            tracing::warn!("a question of a server of tools belongs to no call; it is cancelled");
            return InputAction::Cancel;
        };
        let (answer, answered) = oneshot::channel();
        let given = async {
            asks.send(Asked { question, answer }).await.ok()?;
            answered.await.ok()
        };
        let given = tokio::select! {
            given = given => given,
            () = context.ct.cancelled() => None,
            () = self.fault.happened() => None,
        };
        self.calls.answered(number);
        given.unwrap_or(InputAction::Cancel)
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        let forms = ElicitationCapability::new().with_form(FormElicitationCapability::default());
        capabilities.elicitation = Some(forms);
        let version = env!("CARGO_PKG_VERSION");
        ClientConfig::new(capabilities, Implementation::new("runloom", version))
            .with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let Some(question) = Question::read(params) else {
            return Ok(asked::result(InputAction::Decline));
        };
        let answer = self.ask(question.clone(), &context).await;
        Ok(question.result(answer))
    }

    #[expect(deprecated, reason = "servers of older dates may still ask for them")]
    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<rmcp::model::ListRootsResult, ErrorData> {
        // The default is an empty list, which would say that we have such a thing.
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            "roots/list",
            None,
        ))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.calls.progressed(params);
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.tools_changed();
    }
}
