use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use runloom_domain::{ApiKeyId, OrgId, PermissionSet, SessionId, Timestamp, UserId};
use runloom_store::{ApiKeyRecord, OrgRecord, Origin, SignedInUser, UserRecord};

use crate::api_key::{self, PresentedKey};
use crate::caller::Credential;
use crate::fresh::Fresh;
use crate::sign_in::AccessClaims;
use crate::{AccountError, Accounts, Caller};

/// How many people and how many keys a node remembers.
const REMEMBERED: usize = 10_000;

/// How often a key's `last_used_at` is written at most.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// What a node remembers so that most requests need no read.
pub(crate) struct Lookups {
    people: Fresh<(OrgId, UserId, Option<SessionId>), Arc<SignedInUser>>,
    keys: Fresh<String, Arc<KnownKey>>,
    pub(crate) orgs: Fresh<OrgId, Arc<OrgRecord>>,
    /// When this node last noted the use of a key. The store says so too, but only once that
    /// write has landed, and a slow store must not be asked again and again.
    touched: Cache<ApiKeyId, Timestamp>,
}

/// A stored key and what follows from it.
pub(crate) struct KnownKey {
    record: ApiKeyRecord,
    rights: PermissionSet,
    /// From when on, in microseconds since the epoch, its use is to be noted.
    touch_due: AtomicI64,
}

impl Lookups {
    pub(crate) fn new() -> Self {
        Self {
            people: Fresh::new(REMEMBERED),
            keys: Fresh::new(REMEMBERED),
            orgs: Fresh::new(REMEMBERED),
            touched: Cache::new(REMEMBERED),
        }
    }

    /// Makes a revocation count at once on this node.
    pub(crate) fn forget_key(&self, id: ApiKeyId) {
        self.keys.forget(|known| known.record.api_key_id == id);
    }

    /// Makes what has been done to a person's sessions count at once on this node.
    pub(crate) fn forget_person(&self, id: UserId) {
        self.people.forget(|known| known.user.user_id == id);
    }

    /// Makes a change to a member, or its removal, count at once on this node.
    pub(crate) fn forget_member(&self, org: OrgId, user: UserId) {
        let is_theirs = |record: &UserRecord| (record.org_id, record.user_id) == (org, user);
        self.people.forget(|known| is_theirs(&known.user));
        self.keys.forget(|known| is_theirs(&known.record.owner));
    }

    /// Makes a change to an organisation count at once on this node.
    pub(crate) fn forget_org(&self, org: OrgId) {
        self.orgs.forget(|known| known.org_id == org);
    }

    fn known_key(&self, record: ApiKeyRecord) -> Arc<KnownKey> {
        let last_used = record
            .last_used_at
            .max(self.touched.get(&record.api_key_id));
        Arc::new(KnownKey {
            rights: rights(&record),
            touch_due: AtomicI64::new(last_used.map_or(0, |at| (at + TOUCH_EVERY).as_micros())),
            record,
        })
    }
}

/// What a key may do: its scopes, as far as its owner's role reaches. A scope that this version
/// doesn't know, written by a newer one, gives nothing.
fn rights(key: &ApiKeyRecord) -> PermissionSet {
    let scopes: PermissionSet = key
        .scopes
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    key.owner.role.permissions().and(scopes)
}

impl Accounts {
    /// Finds out who presents this bearer credential, an access token or an API key.
    ///
    /// Fails with [`AccountError::Unauthorized`] for any that is not good at this moment. Reads
    /// the store at most once every 1.5 s per session or key, and not at all for a token that
    /// isn't signed by this installation.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller, AccountError> {
        if api_key::is_meant(bearer) {
            self.authenticate_key(bearer).await
        } else {
            self.authenticate_token(bearer).await
        }
    }

    /// Looks again at a caller whose request lasts, such as an event stream: the session or
    /// key must still be there and the credential must not have ended. Gives the caller with the
    /// rights of this moment. To be called at least every 60 s.
    pub async fn still_valid(&self, caller: &Caller) -> Result<Caller, AccountError> {
        self.resolve(&caller.credential, caller.ceiling, caller.expires_at)
            .await
    }

    async fn authenticate_token(&self, bearer: &str) -> Result<Caller, AccountError> {
        let token = self
            .access
            .verify::<AccessClaims>(bearer, self.clock.now())
            .map_err(|_| AccountError::Unauthorized)?;
        let credential = Credential::User {
            org_id: token.claims.org,
            user_id: token.claims.sub,
            session_id: token.claims.sid,
            issued_at: token.issued_at,
        };
        self.resolve(&credential, PermissionSet::all(), Some(token.expires_at))
            .await
    }

    async fn authenticate_key(&self, bearer: &str) -> Result<Caller, AccountError> {
        let presented = PresentedKey::parse(bearer).ok_or(AccountError::Unauthorized)?;
        let known = self.key(presented.public_id).await?;
        if !presented.fits(&known.record.secret_hash) {
            return Err(AccountError::Unauthorized);
        }
        let caller = self.key_caller(&known, PermissionSet::all(), None)?;
        self.note_use(&known);
        Ok(caller)
    }

    /// The caller that a checked credential stands for, if it still does.
    pub(crate) async fn resolve(
        &self,
        credential: &Credential,
        ceiling: PermissionSet,
        expires_at: Option<Timestamp>,
    ) -> Result<Caller, AccountError> {
        match credential {
            Credential::User {
                org_id,
                user_id,
                session_id,
                issued_at,
            } => {
                let known = self.person(*org_id, *user_id, *session_id).await?;
                if session_id.is_none() && known.signed_out_at >= Some(*issued_at) {
                    return Err(AccountError::Unauthorized);
                }
                self.user_caller(&known.user, credential.clone(), ceiling, expires_at)
            }
            Credential::Key {
                api_key_id,
                public_id,
            } => {
                let known = self.key(public_id).await?;
                if known.record.api_key_id != *api_key_id {
                    return Err(AccountError::Unauthorized);
                }
                self.key_caller(&known, ceiling, expires_at)
            }
        }
    }

    fn user_caller(
        &self,
        user: &UserRecord,
        credential: Credential,
        ceiling: PermissionSet,
        expires_at: Option<Timestamp>,
    ) -> Result<Caller, AccountError> {
        self.refuse_ended(expires_at)?;
        Ok(Caller {
            user_id: user.user_id,
            org_id: user.org_id,
            login: user.login.clone(),
            role: user.role,
            rights: user.role.permissions().and(ceiling),
            principal: format!("user:{}", user.user_id),
            expires_at,
            origin: Origin::default(),
            credential,
            ceiling,
        })
    }

    fn key_caller(
        &self,
        known: &KnownKey,
        ceiling: PermissionSet,
        expires_at: Option<Timestamp>,
    ) -> Result<Caller, AccountError> {
        let key = &known.record;
        let expires_at = [key.expires_at, expires_at].into_iter().flatten().min();
        self.refuse_ended(expires_at)?;
        Ok(Caller {
            user_id: key.owner.user_id,
            org_id: key.owner.org_id,
            login: key.owner.login.clone(),
            role: key.owner.role,
            rights: known.rights.and(ceiling),
            principal: format!("key:{}", key.api_key_id),
            expires_at,
            origin: Origin::default(),
            credential: Credential::Key {
                api_key_id: key.api_key_id,
                public_id: key.public_id.clone(),
            },
            ceiling,
        })
    }

    fn refuse_ended(&self, expires_at: Option<Timestamp>) -> Result<(), AccountError> {
        match expires_at {
            Some(at) if at <= self.clock.now() => Err(AccountError::Unauthorized),
            _ => Ok(()),
        }
    }

    /// A person as of the last moments; of a session, when given, that goes on.
    pub(crate) async fn person(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Arc<SignedInUser>, AccountError> {
        let read = async {
            let found = self.store.signed_in_user(org, user, session).await?;
            Ok(found.map(Arc::new))
        };
        let known = self.lookups.people.get(&(org, user, session), read).await?;
        known.ok_or(AccountError::Unauthorized)
    }

    /// A key that isn't revoked, as of the last moments.
    async fn key(&self, public_id: &str) -> Result<Arc<KnownKey>, AccountError> {
        let read = async {
            let record = self.store.find_api_key(public_id).await?;
            Ok(record.map(|record| self.lookups.known_key(record)))
        };
        let known = self.lookups.keys.get(&public_id.to_owned(), read).await?;
        known.ok_or(AccountError::Unauthorized)
    }

    /// Notes in the background that a key was used, if the last note is old enough.
    fn note_use(&self, known: &KnownKey) {
        let now = self.clock.now();
        if known.touch_due.load(Ordering::Relaxed) > now.as_micros() {
            return;
        }
        let next = (now + TOUCH_EVERY).as_micros();
        // Of requests that come at once, one finds the old value.
        if known.touch_due.swap(next, Ordering::Relaxed) > now.as_micros() {
            return;
        }
        let (org_id, id) = (known.record.owner.org_id, known.record.api_key_id);
        self.lookups.touched.insert(id, now);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.touch_api_key(org_id, id, now).await {
                tracing::warn!(api_key.id = %id, error = &error as &dyn std::error::Error,
                    "the last use of an API key could not be noted");
            }
        });
    }
}

#[cfg(test)]
mod tests;
