use std::time::Duration;

use runloom_domain::{ApiKeyId, OrgId, Permission, PermissionSet, RunId, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::caller::Credential;
use crate::token::{from_seconds, seconds};
use crate::{AccountError, Accounts, Caller, Secret};

/// How long a ticket opens streams, reconnects included.
const LIFETIME: Duration = Duration::from_mins(1);

/// Opens the event stream of one run where no header can be sent. It goes into a URL, so it is
/// short-lived and good for nothing else.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The ticket.
    pub ticket: Secret,
    /// How long it works from now on.
    pub expires_in: Duration,
}

/// What a ticket claims beside what every token does.
#[derive(Serialize, Deserialize)]
struct TicketClaims {
    sub: UserId,
    org: OrgId,
    run: RunId,
    /// The session of the person who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    /// The API key that asked for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<TicketKey>,
    /// When the credential that asked for it ends: streams that it opened end then too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct TicketKey {
    id: ApiKeyId,
    public_id: String,
}

impl Accounts {
    /// Makes a ticket for the caller and this run. The run isn't looked at: whether the caller
    /// may see it is checked when the ticket is used, and had better be before it is made.
    ///
    /// Fails with [`AccountError::Forbidden`] without `runs.read`.
    pub fn issue_ticket(&self, caller: &Caller, run_id: RunId) -> Result<Ticket, AccountError> {
        caller.require(Permission::RunsRead)?;
        let key = match &caller.credential {
            Credential::User { .. } => None,
            Credential::Key {
                api_key_id,
                public_id,
            } => Some(TicketKey {
                id: *api_key_id,
                public_id: public_id.clone(),
            }),
        };
        let claims = TicketClaims {
            sub: caller.user_id,
            org: caller.org_id,
            run: run_id,
            sid: caller.session_id(),
            key,
            until: caller.expires_at.map(seconds),
        };
        let ticket = self.tickets.sign(claims, self.clock.now(), LIFETIME);
        Ok(Ticket {
            ticket: ticket.into(),
            expires_in: LIFETIME,
        })
    }

    /// The caller that a ticket for this run stands for, who may do nothing but read runs.
    /// Their credential's end is the one of the credential that asked for the ticket.
    ///
    /// Whether the ticket is genuine, for this run and not too old needs no store. Then the
    /// person or key is looked up as for any request, so that a ticket doesn't outlive a
    /// revocation. Fails with [`AccountError::Unauthorized`].
    pub async fn check_ticket(&self, ticket: &str, run_id: RunId) -> Result<Caller, AccountError> {
        let token = self
            .tickets
            .verify::<TicketClaims>(ticket, self.clock.now())
            .map_err(|_| AccountError::Unauthorized)?;
        let claims = token.claims;
        if claims.run != run_id {
            return Err(AccountError::Unauthorized);
        }
        let credential = match claims.key {
            Some(key) => Credential::Key {
                api_key_id: key.id,
                public_id: key.public_id,
            },
            None => Credential::User {
                org_id: claims.org,
                user_id: claims.sub,
                session_id: claims.sid,
                issued_at: token.issued_at,
            },
        };
        let ceiling: PermissionSet = [Permission::RunsRead].into_iter().collect();
        self.resolve(&credential, ceiling, claims.until.map(from_seconds))
            .await
    }
}

#[cfg(test)]
mod tests;
