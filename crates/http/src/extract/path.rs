use actix_web::HttpRequest;
use runloom_domain::text::is_name;
use runloom_domain::{
    ApiKeyId, BudgetId, CredentialId, HttpToolId, InvitationId, McpServerId, MessageId, RouteId,
    RunId, SessionId, ThreadId, ToolCallId, UserId,
};
use uuid::Uuid;

use crate::error::FieldErrors;

/// The parameters of a path.
pub(crate) struct PathFields<'a> {
    request: &'a HttpRequest,
    errors: &'a mut FieldErrors,
}

impl<'a> PathFields<'a> {
    /// The parameters that the request's route has matched.
    pub(crate) fn new(request: &'a HttpRequest, errors: &'a mut FieldErrors) -> Self {
        Self { request, errors }
    }

    fn name(&mut self, name: &str) -> String {
        let text = self.request.match_info().get(name).unwrap_or("");
        if !is_name(text) {
            self.errors
                .insert(name.to_owned(), "is not a name".to_owned());
        }
        text.to_owned()
    }

    fn uuid(&mut self, name: &str) -> Uuid {
        let text = self.request.match_info().get(name).unwrap_or("");
        // The uuid crate also takes braces, URNs and bare hex; the API takes one form.
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        uuid.unwrap_or_else(|| {
            self.errors
                .insert(name.to_owned(), "must be a UUID".to_owned());
            Uuid::nil()
        })
    }
}

/// A route by its id: an organisation's own, or the platform's by its name.
#[derive(Clone)]
pub(crate) enum RouteKey {
    Own(RouteId),
    Platform(String),
}

impl FromPath for RouteKey {
    fn from_path(path: &mut PathFields<'_>) -> Self {
        let name = path.name("route_id");
        name.parse().map_or(Self::Platform(name), Self::Own)
    }
}

/// An MCP server by its id: an organisation's own, or the platform's by its key.
#[derive(Clone)]
pub(crate) enum ServerKey {
    Own(McpServerId),
    Platform(String),
}

impl FromPath for ServerKey {
    fn from_path(path: &mut PathFields<'_>) -> Self {
        let name = path.name("server_id");
        name.parse().map_or(Self::Platform(name), Self::Own)
    }
}

/// A persona's key.
pub(crate) struct PersonaKey(pub(crate) String);

/// The name of a persona's version.
pub(crate) struct VersionName(pub(crate) String);

impl FromPath for PersonaKey {
    fn from_path(path: &mut PathFields<'_>) -> Self {
        Self(path.name("persona_key"))
    }
}

impl FromPath for VersionName {
    fn from_path(path: &mut PathFields<'_>) -> Self {
        Self(path.name("version"))
    }
}

/// Ids in a path.
pub(crate) trait FromPath: Sized + 'static {
    /// Takes them; problems are noted in `path`.
    fn from_path(path: &mut PathFields<'_>) -> Self;
}

impl FromPath for () {
    fn from_path(_: &mut PathFields<'_>) -> Self {}
}

macro_rules! path_ids {
    ($($id:ty = $name:literal,)+) => {$(
        impl FromPath for $id {
            fn from_path(path: &mut PathFields<'_>) -> Self {
                Self::from_uuid(path.uuid($name))
            }
        }
    )+};
}

path_ids! {
    ThreadId = "thread_id",
    RunId = "run_id",
    MessageId = "message_id",
    ToolCallId = "tool_call_id",
    ApiKeyId = "api_key_id",
    BudgetId = "budget_id",
    CredentialId = "credential_id",
    HttpToolId = "tool_id",
    SessionId = "session_id",
    InvitationId = "invitation_id",
    UserId = "user_id",
}

impl<A: FromPath, B: FromPath> FromPath for (A, B) {
    fn from_path(path: &mut PathFields<'_>) -> Self {
        (A::from_path(path), B::from_path(path))
    }
}
