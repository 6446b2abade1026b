use runloom_domain::{OrgId, Permission, UserId};
use runloom_store::Once;

use crate::{AccountError, Accounts, ApiKeyRequest, Secret, random};

/// The account that a new installation begins with.
#[derive(Clone, Debug)]
pub struct FirstOwner {
    /// The person.
    pub user_id: UserId,
    /// Their organisation.
    pub org_id: OrgId,
    /// The name to log in with.
    pub login: String,
    /// A random password.
    pub password: Secret,
    /// An API key with every scope and without an end.
    pub api_key: Secret,
}

impl Accounts {
    /// Makes an owner with an API key if nobody has registered yet; `None` otherwise, also when
    /// another node was faster.
    pub async fn first_owner(
        &self,
        login: &str,
        email: &str,
    ) -> Result<Option<FirstOwner>, AccountError> {
        if self.store.has_accounts().await? {
            return Ok(None);
        }
        let password = Secret::from(random::base64url_256());
        let registered = match self.register(login, email, password.clone()).await {
            Err(AccountError::Taken) => return Ok(None),
            other => other?,
        };
        let owner = self
            .authenticate(registered.access_token.token.expose())
            .await?;
        let request = ApiKeyRequest {
            name: "first key".to_owned(),
            scopes: Permission::ALL.map(|scope| scope.to_string()).into(),
            expires_at: None,
        };
        let Once::Done(created) = self.create_api_key(&owner, request, |_| None).await? else {
            unreachable!("without an idempotency key nothing is replayed");
        };
        Ok(Some(FirstOwner {
            user_id: registered.user_id,
            org_id: registered.org_id,
            login: login.to_owned(),
            password,
            api_key: created.secret,
        }))
    }
}
