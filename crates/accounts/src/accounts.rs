use std::sync::Arc;

use runloom_domain::{Clock, OrgId, OrgRole, PermissionSet, SessionId, Timestamp, UserId};
use runloom_store::{OrgStore, SessionStore};

use crate::authenticate::Lookups;
use crate::derive::keyed_hash;
use crate::password::Passwords;
use crate::refresh_token::RefreshKeys;
use crate::throttle::Throttle;
use crate::token::{TokenKeys, TokenKind};
use crate::{AccountError, AccountsConfig, Caller};

/// The accounts of an installation; one per process, shared by all requests.
///
/// Its async methods run inside a tokio runtime. Dropping any of their futures is safe: a
/// write that has begun is finished by the store.
pub struct Accounts {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) orgs: Arc<dyn OrgStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: AccountsConfig,
    pub(crate) access: TokenKind,
    pub(crate) tickets: TokenKind,
    pub(crate) refresh: RefreshKeys,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) lookups: Lookups,
    fingerprint_key: [u8; 32],
}

/// What a caller may know of themselves.
#[derive(Clone, Debug)]
pub struct Me {
    /// The person.
    pub user_id: UserId,
    /// Their organisation.
    pub org_id: OrgId,
    /// The name they log in with.
    pub login: String,
    /// Their e-mail address; service accounts have none.
    pub email: Option<String>,
    /// What they are in the organisation.
    pub role: OrgRole,
    /// What this credential may do.
    pub rights: PermissionSet,
    /// The session that this credential belongs to; none for an API key.
    pub session_id: Option<SessionId>,
    /// When they registered.
    pub created_at: Timestamp,
}

impl Accounts {
    /// Accounts kept in `store` and organisations in `orgs`, which is the same database, with
    /// tokens signed by `keys`.
    pub fn new(
        store: Arc<dyn SessionStore>,
        orgs: Arc<dyn OrgStore>,
        clock: Arc<dyn Clock>,
        keys: &TokenKeys,
        config: AccountsConfig,
    ) -> Self {
        Self {
            access: keys.access(&config.issuer),
            tickets: keys.ticket(&config.issuer),
            refresh: keys.refresh(),
            passwords: Passwords::new(),
            throttle: Throttle::new(),
            lookups: Lookups::new(),
            fingerprint_key: keys.fingerprint(),
            store,
            orgs,
            clock,
            config,
        }
    }

    /// A hash of a request that holds a password, to know it again. Without the installation's
    /// master secret the password can't be guessed from it.
    pub fn fingerprint(&self, request: &[u8]) -> [u8; 32] {
        keyed_hash(&self.fingerprint_key, request)
    }

    /// Who the caller is.
    pub async fn me(&self, caller: &Caller) -> Result<Me, AccountError> {
        let (org, id, session) = (caller.org_id, caller.user_id, caller.session_id());
        let user = &self.person(org, id, session).await?.user;
        Ok(Me {
            user_id: user.user_id,
            org_id: user.org_id,
            login: user.login.clone(),
            email: Some(user.email.clone()).filter(|email| !email.is_empty()),
            role: user.role,
            rights: caller.rights,
            session_id: session,
            created_at: user.created_at,
        })
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
