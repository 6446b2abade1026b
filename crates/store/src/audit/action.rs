use std::fmt;
use std::str::FromStr;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal of $subject:literal;)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $name,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name under which it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What kind of thing it is done to.
            pub const fn subject(self) -> &'static str {
                match self {
                    $(Self::$name => $subject,)+
                }
            }
        }
    };
}

actions! {
    /// A person has registered, and is a member.
    AccountRegistered = "account.registered" of "user";
    /// A person has other names to log in with.
    AccountRenamed = "account.renamed" of "user";
    /// A person has changed their password.
    PasswordChanged = "password.changed" of "user";
    /// A person may choose a new password without the old one.
    PasswordResetIssued = "password.reset_issued" of "user";
    /// A person has done that.
    PasswordReset = "password.reset" of "user";
    /// A person has signed in.
    SessionBegun = "session.begun" of "session";
    /// A session goes on in this organisation; before it was in another.
    SessionMoved = "session.moved" of "session";
    /// A person has signed out, or has ended a session from elsewhere.
    SessionEnded = "session.ended" of "session";
    /// A session has ended because its refresh token was used again.
    SessionReused = "session.reused" of "session";
    /// A person has signed out everywhere.
    SessionsEnded = "sessions.ended" of "user";
    /// An API key was made.
    ApiKeyCreated = "api_key.created" of "api_key";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key.revoked" of "api_key";
    /// The organisation was made.
    OrgCreated = "organisation.created" of "organisation";
    /// The organisation was changed.
    OrgChanged = "organisation.changed" of "organisation";
    /// How long the organisation's events are kept was changed.
    RetentionChanged = "organisation.retention_changed" of "organisation";
    /// What the organisation may keep was changed.
    QuotaChanged = "organisation.quota_changed" of "organisation";
    /// Whether the organisation needs credits was changed.
    MeteringChanged = "organisation.metering_changed" of "organisation";
    /// A person has accepted an invitation.
    MemberJoined = "member.joined" of "user";
    /// A member was changed.
    MemberChanged = "member.changed" of "user";
    /// A member was removed, or has left.
    MemberRemoved = "member.removed" of "user";
    /// A service account was made.
    ServiceCreated = "service_account.created" of "user";
    /// Somebody was invited.
    InvitationCreated = "invitation.created" of "invitation";
    /// An invitation was taken back.
    InvitationWithdrawn = "invitation.withdrawn" of "invitation";
    /// A credential was made.
    CredentialCreated = "credential.created" of "credential";
    /// A credential was changed.
    CredentialChanged = "credential.changed" of "credential";
    /// A credential was deleted.
    CredentialDeleted = "credential.deleted" of "credential";
    /// A route was made.
    RouteCreated = "route.created" of "route";
    /// A route was changed.
    RouteChanged = "route.changed" of "route";
    /// A route was deleted.
    RouteDeleted = "route.deleted" of "route";
    /// A persona was made, or a further version of it.
    PersonaWritten = "persona.written" of "persona";
    /// A persona was deleted.
    PersonaDeleted = "persona.deleted" of "persona";
    /// An MCP server was added.
    McpServerCreated = "mcp_server.created" of "mcp_server";
    /// An MCP server was changed.
    McpServerChanged = "mcp_server.changed" of "mcp_server";
    /// An MCP server was deleted.
    McpServerDeleted = "mcp_server.deleted" of "mcp_server";
    /// Tools of an MCP server were approved.
    McpToolsApproved = "mcp_server.tools_approved" of "mcp_server";
    /// An HTTP tool was made.
    HttpToolCreated = "http_tool.created" of "http_tool";
    /// An HTTP tool was changed.
    HttpToolChanged = "http_tool.changed" of "http_tool";
    /// An HTTP tool was deleted.
    HttpToolDeleted = "http_tool.deleted" of "http_tool";
    /// A budget was made.
    BudgetCreated = "budget.created" of "budget";
    /// A budget was changed.
    BudgetChanged = "budget.changed" of "budget";
    /// A budget was deleted.
    BudgetDeleted = "budget.deleted" of "budget";
    /// Credits were added or taken away.
    CreditsAdded = "credits.added" of "credit_entry";
    /// A thread was deleted.
    ThreadDeleted = "thread.deleted" of "thread";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No action has this name.
#[derive(Debug, thiserror::Error)]
#[error("no action has this name")]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.iter().find(|action| action.as_str() == name);
        found.copied().ok_or(UnknownAction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_its_own() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse::<Action>().unwrap(), *action);
        }
        assert!("run.created".parse::<Action>().is_err());
    }
}
