use runloom_domain::{ApiKeyId, OrgId, Permission, UserId};
use runloom_store::{By, CreateAccount, NewApiKey, Once};

use crate::{AccountError, Accounts, Secret, api_key, random};

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
        let mut new = self.new_account(login, email, password.clone()).await?;
        let (user_id, org_id) = (new.user_id, new.org_id);
        let minted = api_key::mint();
        // In the same transaction: an owner without a key could never be given one.
        new.api_key = Some(NewApiKey {
            api_key_id: ApiKeyId::generate(new.created_at),
            org_id,
            user_id,
            name: "first key".to_owned(),
            public_id: minted.public_id,
            secret_hash: minted.secret_hash,
            scopes: Permission::ALL.map(|scope| scope.to_string()).into(),
            expires_at: None,
            created_at: new.created_at,
        });
        let Once::Done(CreateAccount::Created) = self
            .store
            .create_account(new, None, By::system(self.clock.now()))
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(FirstOwner {
            user_id,
            org_id,
            login: login.to_owned(),
            password,
            api_key: minted.text,
        }))
    }
}
