use runloom_domain::{ApiKeyId, OrgRole, Permission, PermissionSet, Timestamp, UserId};
use runloom_store::{ApiKeyRecord, Idempotency, NewApiKey, Once, Page, Paged};

use crate::check::Checks;
use crate::{AccountError, Accounts, Caller, Secret, api_key};

/// An API key that somebody wants.
#[derive(Clone, Debug)]
pub struct ApiKeyRequest {
    /// What people shall call it: 1 to 100 characters.
    pub name: String,
    /// Names of permissions; none give a key that can do nothing.
    pub scopes: Vec<String>,
    /// When it shall stop working; never when absent.
    pub expires_at: Option<Timestamp>,
    /// The service account that it is for; the caller when absent.
    pub user_id: Option<UserId>,
}

/// An API key as people see it; its secret is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub api_key_id: ApiKeyId,
    /// Its owner.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// How its text begins: `rl_` and its public id.
    pub prefix: String,
    /// Names of permissions. What it can do is the part of them that its owner's role allows.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key that has just been made.
#[derive(Clone, Debug)]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKey,
    /// Its text, which can't be had a second time.
    pub secret: Secret,
}

impl From<ApiKeyRecord> for ApiKey {
    fn from(record: ApiKeyRecord) -> Self {
        Self {
            api_key_id: record.api_key_id,
            user_id: record.owner.user_id,
            name: record.name,
            prefix: api_key::shown_prefix(&record.public_id),
            scopes: record.scopes,
            expires_at: record.expires_at,
            last_used_at: record.last_used_at,
            created_at: record.created_at,
        }
    }
}

impl Accounts {
    /// Makes an API key for the caller, or for a service account that doesn't stand above them,
    /// with nothing that the caller can't do.
    ///
    /// `once` is given the key as it will be and may return what makes the call happen once;
    /// the answer kept there can't hold the secret.
    ///
    /// Fails with [`AccountError::Invalid`], naming `name`, `scopes` and `expires_at`, and with
    /// [`AccountError::Forbidden`], naming `keys.manage` or the first scope that the caller
    /// doesn't have. For a service account it needs `members.manage`, too, since such a key
    /// outlives its maker's membership, and fails with [`OrgRefusal::NoService`] and
    /// [`OrgRefusal::AboveOwnRole`].
    ///
    /// [`OrgRefusal::NoService`]: crate::OrgRefusal::NoService
    /// [`OrgRefusal::AboveOwnRole`]: crate::OrgRefusal::AboveOwnRole
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        request: ApiKeyRequest,
        once: impl FnOnce(&ApiKey) -> Option<Idempotency>,
    ) -> Result<Once<CreatedApiKey>, AccountError> {
        caller.require(Permission::KeysManage)?;
        let now = self.clock.now();
        let scopes = accepted_scopes(&request, now)?;
        for scope in scopes.iter() {
            caller.require(scope)?;
        }
        let user_id = self.key_owner(caller, request.user_id, scopes).await?;

        let minted = api_key::mint();
        let key = ApiKey {
            api_key_id: ApiKeyId::generate(now),
            user_id,
            name: request.name,
            prefix: api_key::shown_prefix(&minted.public_id),
            scopes: scopes.iter().map(|scope| scope.to_string()).collect(),
            expires_at: request.expires_at,
            last_used_at: None,
            created_at: now,
        };
        let once = once(&key);
        let new = NewApiKey {
            api_key_id: key.api_key_id,
            org_id: caller.org_id,
            user_id: key.user_id,
            name: key.name.clone(),
            public_id: minted.public_id,
            secret_hash: minted.secret_hash,
            scopes: key.scopes.clone(),
            expires_at: key.expires_at,
            created_at: key.created_at,
        };
        let created = self
            .store
            .create_api_key(new, once, caller.by(self.clock.now()))
            .await?;
        Ok(created.map(|()| CreatedApiKey {
            key,
            secret: minted.text,
        }))
    }

    /// Whom a key with these scopes shall be for.
    async fn key_owner(
        &self,
        caller: &Caller,
        wanted: Option<UserId>,
        scopes: PermissionSet,
    ) -> Result<UserId, AccountError> {
        let Some(wanted) = wanted.filter(|wanted| *wanted != caller.user_id) else {
            return Ok(caller.user_id);
        };
        caller.require(Permission::MembersManage)?;
        let service = self.find_service(caller, wanted).await?;
        caller.require_within(service.role)?;
        let allowed = service.role.permissions();
        let mut checks = Checks::default();
        if let Some(beyond) = scopes.iter().find(|scope| !allowed.allows(*scope)) {
            let role = service.role.as_str();
            checks.fail(
                "scopes",
                format!("{beyond} is more than the role {role} allows"),
            );
        }
        checks.finish()?;
        Ok(wanted)
    }

    /// Lists API keys, newest first: the organisation's for owners and admins, else one's own.
    pub async fn api_keys(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<ApiKey>, AccountError> {
        caller.require(Permission::KeysManage)?;
        let owner = only_of(caller);
        let found = self.store.api_keys(caller.org_id, owner, page).await?;
        Ok(Paged {
            items: found.items.into_iter().map(ApiKey::from).collect(),
            next: found.next,
        })
    }

    /// Revokes an API key of those that [`api_keys`](Self::api_keys) lists; false when it is
    /// none of them. It stops working at once on this node and within 2 s on every other.
    pub async fn revoke_api_key(
        &self,
        caller: &Caller,
        id: ApiKeyId,
    ) -> Result<bool, AccountError> {
        caller.require(Permission::KeysManage)?;
        let (owner, now) = (only_of(caller), self.clock.now());
        let revoked = self
            .store
            .revoke_api_key(caller.org_id, owner, id, now, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_key(id);
        Ok(revoked)
    }
}

/// Whose keys a caller sees: everybody's (`None`), or only their own.
fn only_of(caller: &Caller) -> Option<UserId> {
    match caller.role {
        OrgRole::Owner | OrgRole::Admin => None,
        OrgRole::Member | OrgRole::Viewer => Some(caller.user_id),
    }
}

fn accepted_scopes(request: &ApiKeyRequest, now: Timestamp) -> Result<PermissionSet, AccountError> {
    let mut checks = Checks::default();
    checks.name(&request.name);
    checks.expiry(request.expires_at, now);
    let mut scopes = Vec::with_capacity(request.scopes.len().min(Permission::ALL.len()));
    for name in &request.scopes {
        match name.parse::<Permission>() {
            Ok(scope) => scopes.push(scope),
            Err(unknown) => checks.fail("scopes", unknown.to_string()),
        }
    }
    checks.finish()?;
    Ok(scopes.into_iter().collect())
}

#[cfg(test)]
mod tests;
