//! Who may make a request, as a type: a handler can't forget to ask.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use runloom_accounts::{AccountError, Caller, OrgRefusal};
use runloom_domain::{OrgRole, Permission};

use super::needs::Needs;
use super::query::QueryFields;
use super::{admit, admit_anyone, origin};
use crate::error::ApiError;
use crate::state::HttpState;

/// Query parameters in which clients like to put tokens. A URL ends up in logs and histories,
/// so a token there is refused even when it is good.
const URL_TOKENS: [&str; 4] = ["access_token", "token", "api_key", "authorization"];

/// `Retry-After` counts whole seconds, and whoever comes at its end must not be too early.
const ALMOST_A_SECOND: Duration = Duration::from_millis(999);

/// What a request needs to be let in.
pub(crate) trait Access: Sized + 'static {
    /// Who is let in.
    type Caller;

    /// The same as the document says it.
    const NEEDS: Needs;

    /// Lets the request in, or says why not.
    async fn check(request: &HttpRequest, state: &HttpState) -> Result<Self::Caller, ApiError>;
}

/// Anybody.
pub(crate) struct Anyone;

impl Access for Anyone {
    type Caller = ();
    const NEEDS: Needs = Needs::Nothing;

    async fn check(request: &HttpRequest, state: &HttpState) -> Result<(), ApiError> {
        admit_anyone(request, state)
    }
}

/// Anybody, and as often as they like: for those who look after the server.
pub(crate) struct Probe;

impl Access for Probe {
    type Caller = ();
    const NEEDS: Needs = Needs::Nothing;

    async fn check(_: &HttpRequest, _: &HttpState) -> Result<(), ApiError> {
        Ok(())
    }
}

macro_rules! accesses {
    ($($(#[$doc:meta])* $name:ident needs [$($permission:ident),*];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Access for $name {
            type Caller = Caller;
            const NEEDS: Needs = Needs::Permissions(&[$(Permission::$permission),*]);

            async fn check(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
                let caller = bearer(request, state).await?;
                $(caller.require(Permission::$permission)?;)*
                Ok(caller)
            }
        }
    )+};
}

accesses! {
    /// Anybody who has signed in.
    SignedIn needs [];
    /// Sees runs.
    RunsRead needs [RunsRead];
    /// Starts, answers and cancels runs.
    RunsWrite needs [RunsWrite];
    /// Sees threads and messages.
    ThreadsRead needs [ThreadsRead];
    /// Makes and changes threads and messages.
    ThreadsWrite needs [ThreadsWrite];
    /// Goes back in a thread and runs from there.
    MayEdit needs [ThreadsWrite, RunsWrite];
    /// Makes and revokes API keys.
    KeysManage needs [KeysManage];
    /// Sees usage, credits and budgets.
    UsageRead needs [UsageRead];
    /// Reads the audit log.
    AuditRead needs [AuditRead];
    /// Decides what models may cost.
    BudgetsManage needs [UsageRead, RoutesManage];
    /// Sees and changes routes and credentials.
    RoutesManage needs [RoutesManage];
    /// Changes personas.
    PersonasManage needs [PersonasManage];
    /// Sees and changes tools and servers of tools.
    ToolsManage needs [ToolsManage];
    /// Sees and changes members, invitations, service accounts and the organisation.
    MembersManage needs [MembersManage];
}

/// A person who has signed in: no key may do it, whatever its scopes are.
pub(crate) struct Person;

impl Access for Person {
    type Caller = Caller;
    const NEEDS: Needs = Needs::Person;

    async fn check(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
        let caller = bearer(request, state).await?;
        if caller.api_key_id().is_some() {
            return Err(OrgRefusal::PersonNeeded.into());
        }
        Ok(caller)
    }
}

/// Adds credits to the own organisation, where the deployment leaves that to it.
pub(crate) struct CreditsManage;

impl Access for CreditsManage {
    type Caller = Caller;
    const NEEDS: Needs = Needs::Owner(&[Permission::UsageRead, Permission::RoutesManage]);

    async fn check(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
        let caller = BudgetsManage::check(request, state).await?;
        if !state.settings().self_service_credits {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "credits.not_self_service",
                "credits are added by whoever runs this service",
            ));
        }
        if caller.role != OrgRole::Owner {
            return Err(owner_needed());
        }
        Ok(caller)
    }
}

/// Lets a member choose a new password.
pub(crate) struct ResetsIssue;

impl Access for ResetsIssue {
    type Caller = Caller;
    const NEEDS: Needs = Needs::Owner(&[Permission::MembersManage]);

    async fn check(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
        let caller = MembersManage::check(request, state).await?;
        if caller.role != OrgRole::Owner {
            return Err(owner_needed());
        }
        Ok(caller)
    }
}

fn owner_needed() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "auth.forbidden",
        "only an owner of the organisation may do this",
    )
}

/// The caller behind `Authorization: Bearer …`, unless they come too often.
pub(crate) async fn bearer(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
    admit(request, state, authenticated(request, state).await)
}

async fn authenticated(request: &HttpRequest, state: &HttpState) -> Result<Caller, ApiError> {
    refuse_url_tokens(request)?;
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or_else(|| ApiError::unauthorized("a bearer token is needed"))?;
    let token = header.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| {
        ApiError::unauthorized("the Authorization header must be `Bearer <token>`")
    })?;
    let accounts = state.accounts();
    let mut caller = state.read(accounts.authenticate(token)).await?;
    caller.origin = origin(request);
    Ok(caller)
}

/// Refuses credentials in a URL.
pub(crate) fn refuse_url_tokens(request: &HttpRequest) -> Result<(), ApiError> {
    let raw = request.query_string();
    if raw.is_empty() {
        return Ok(());
    }
    let query = QueryFields::new(raw);
    if URL_TOKENS.iter().any(|name| query.has(name)) {
        return Err(ApiError::unauthorized(
            "tokens and API keys are not accepted in a URL: use the Authorization header",
        ));
    }
    Ok(())
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid { fields } => {
                let fields = fields.into_iter().map(|f| (f.field.to_owned(), f.message));
                Self::invalid(&fields.collect())
            }
            AccountError::Taken => {
                Self::conflict("accounts.taken", "the login or the e-mail address is taken")
            }
            AccountError::BadCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "auth.bad_credentials",
                "wrong login or password",
            )
            .header(header::WWW_AUTHENTICATE, "Bearer"),
            AccountError::WrongPassword => Self::new(
                StatusCode::FORBIDDEN,
                "auth.wrong_password",
                "the current password is another one",
            ),
            AccountError::TooManyAttempts { retry_after } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "auth.too_many_attempts",
                "too many wrong passwords from this address; try again later",
            )
            .retry_after(retry_after + ALMOST_A_SECOND),
            AccountError::PersonNeeded => Self::new(
                StatusCode::FORBIDDEN,
                "auth.person_needed",
                "this is for a person who has signed in, not for an API key",
            ),
            AccountError::OwnerNeeded => owner_needed(),
            AccountError::RegistrationClosed => Self::new(
                StatusCode::FORBIDDEN,
                "auth.registration_closed",
                "nobody can register here",
            ),
            AccountError::InvitationNeeded => Self::new(
                StatusCode::FORBIDDEN,
                "auth.invitation_needed",
                "who registers here needs an invitation",
            ),
            AccountError::OrgNotFound => {
                Self::not_found("orgs.not_found", "there is no such organisation")
            }
            AccountError::NoOrg => Self::new(
                StatusCode::FORBIDDEN,
                "auth.no_organisation",
                "you are in no organisation",
            ),
            AccountError::MemberNotFound => {
                Self::not_found("members.not_found", "there is no such member")
            }
            AccountError::MemberElsewhereToo => Self::conflict(
                "members.elsewhere_too",
                "this member is in another organisation too, so only whoever runs this service \
                may reset the password",
            ),
            AccountError::BadReset => Self::unprocessable(
                "auth.reset_invalid",
                "the token is unknown, used or expired",
            ),
            AccountError::Unauthorized => Self::unauthorized("the credential is not valid"),
            AccountError::Forbidden(permission) => Self::new(
                StatusCode::FORBIDDEN,
                "auth.forbidden",
                "this needs a permission that you don't have",
            )
            .details(serde_json::json!({ "permission": permission.as_str() })),
            AccountError::Busy => {
                Self::unavailable("service.busy", "too many sign-ins at once; try again")
            }
            AccountError::Refused(refusal) => refusal.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}
