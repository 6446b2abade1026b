use runloom_domain::{
    ApiKeyId, OrgId, OrgRole, Permission, PermissionSet, SessionId, Timestamp, UserId,
};
use runloom_store::{Actor, By, Origin};

use crate::AccountError;

/// Who makes a request, as of the last 2 s.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person; for an API key its owner.
    pub user_id: UserId,
    /// Their organisation, the only one that the request can see.
    pub org_id: OrgId,
    /// The name they log in with.
    pub login: String,
    /// What they are in the organisation.
    pub role: OrgRole,
    /// What the request may do: the role's permissions, cut down to an API key's scopes or a
    /// ticket's purpose.
    pub rights: PermissionSet,
    /// `user:<id>` or `key:<id>`: to whom idempotency keys and the like belong.
    pub principal: String,
    /// When the credential stops working; a stream opened with it ends then.
    pub expires_at: Option<Timestamp>,
    /// Where the request comes from, for the audit log; nowhere until somebody says it.
    pub origin: Origin,
    /// How the caller is looked up again.
    pub(crate) credential: Credential,
    /// More than this the credential can't do, whatever the role becomes.
    pub(crate) ceiling: PermissionSet,
}

impl Caller {
    /// The API key that the request came with, if it came with one.
    pub const fn api_key_id(&self) -> Option<ApiKeyId> {
        match self.credential {
            Credential::User { .. } => None,
            Credential::Key { api_key_id, .. } => Some(api_key_id),
        }
    }

    /// By whom something is done that this request does now; each call names another record of
    /// the audit log.
    pub fn by(&self, now: Timestamp) -> By {
        let actor = match self.api_key_id() {
            None => Actor::User(self.user_id),
            Some(key) => Actor::ApiKey(key, self.user_id),
        };
        By::new(actor, self.origin, now)
    }

    /// Fails with [`AccountError::Forbidden`] when the request may not do this.
    pub fn require(&self, permission: Permission) -> Result<(), AccountError> {
        if self.rights.allows(permission) {
            Ok(())
        } else {
            Err(AccountError::Forbidden(permission))
        }
    }
}

/// What stands for a caller once their secret has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A person, signed in.
    User {
        /// Their organisation.
        org_id: OrgId,
        /// They.
        user_id: UserId,
        /// Their session; tokens that former versions have issued have none.
        session_id: Option<SessionId>,
        /// When the token was issued.
        issued_at: Timestamp,
    },
    /// An API key.
    Key {
        /// Its id, which a later key with the same public id wouldn't share.
        api_key_id: ApiKeyId,
        /// The part of it that is no secret.
        public_id: String,
    },
}
