//! The demo organisation and its people.

use anyhow::{Context, Result, bail};
use runloom_accounts::{AccountError, Accounts, AccountsConfig, ApiKeyRequest, Secret, TokenKeys};
use runloom_domain::{Clock, OrgId, OrgRole, Permission, UserId};
use runloom_store::{By, CreateAccount, NewAccount, Once, Origin};
use runloom_store_sql::Database;
use std::sync::Arc;

/// For all demo people alike; a demo has nothing to protect.
pub(super) const PASSWORD: &str = "runloom-demo-password";
pub(super) const OWNER: &str = "demo";
const MEMBERS: [(&str, OrgRole); 3] = [
    ("demo-ann", OrgRole::Admin),
    ("demo-ben", OrgRole::Member),
    ("demo-vera", OrgRole::Viewer),
];

/// Who runs are made for.
pub(super) struct People {
    pub(super) org: OrgId,
    /// Those who may start runs.
    pub(super) users: Vec<UserId>,
    /// The owner's API key.
    pub(super) api_key: Secret,
}

/// Registers the demo's people; `None` when they are there already.
pub(super) async fn register(
    database: &Arc<dyn Database>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<People>> {
    // Only this process ever sees a token signed by these keys, and for a moment.
    let keys = TokenKeys::derive(&[0; 32]);
    let accounts = Accounts::new(
        database.clone(),
        database.clone(),
        clock.clone(),
        &keys,
        AccountsConfig::default(),
    );
    let email = format!("{OWNER}@example.com");
    let registered = accounts
        .register(OWNER, &email, PASSWORD.into(), Origin::default(), |_| None)
        .await;
    let owner = match registered {
        Err(AccountError::Taken) => return Ok(None),
        Ok(Once::Done(owner)) => owner,
        Ok(_) => bail!("a registration without idempotency was replayed"),
        Err(error) => return Err(error).context("can't register the owner"),
    };
    let caller = accounts
        .authenticate(owner.tokens.access.token.expose())
        .await
        .context("the owner can't sign in")?;
    let request = ApiKeyRequest {
        name: "demo key".to_owned(),
        scopes: Permission::ALL.map(|scope| scope.to_string()).into(),
        expires_at: None,
        user_id: None,
    };
    let created = accounts
        .create_api_key(&caller, request, |_| None)
        .await
        .context("can't make an API key")?;
    let Once::Done(key) = created else {
        bail!("an API key without idempotency was replayed");
    };
    let mut users = vec![owner.user_id];
    users.extend(join(database, clock, owner.org_id).await?);
    Ok(Some(People {
        org: owner.org_id,
        users,
        api_key: key.secret,
    }))
}

/// Adds the members to the owner's organisation. Viewers are left out of the answer.
async fn join(
    database: &Arc<dyn Database>,
    clock: &Arc<dyn Clock>,
    org: OrgId,
) -> Result<Vec<UserId>> {
    let owner = database
        .find_login(OWNER)
        .await
        .context("can't read the owner")?
        .context("the owner is not there")?;
    let mut users = Vec::new();
    for (login, role) in MEMBERS {
        let now = clock.now();
        let user = UserId::generate(now);
        let account = NewAccount {
            user_id: user,
            org_id: org,
            org_name: OWNER.to_owned(),
            login: login.to_owned(),
            email: format!("{login}@example.com"),
            password_hash: owner.password_hash.clone(),
            role,
            api_key: None,
            session: None,
            created_at: now,
        };
        let created = database
            .create_account(account, None, By::operator(now))
            .await;
        let created = created.with_context(|| format!("can't register {login}"))?;
        if created != Once::Done(CreateAccount::Created) {
            bail!("somebody else is called {login}");
        }
        if role != OrgRole::Viewer {
            users.push(user);
        }
    }
    Ok(users)
}
