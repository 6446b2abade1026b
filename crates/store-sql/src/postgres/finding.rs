//! What is looked for before its organisation is known: first the row with the key alone, then
//! the rest as the person or the organisation that this row names.

use diesel::prelude::*;
use runloom_domain::{OrgId, UserId};
use runloom_store::{ApiKeyRecord, JoinedOrg, LoginRecord, Page, Paged};

use super::RunQueryDsl;
use super::queries::{accounts, api_keys, orgs, sessions};
use super::scope::{Open, Scope};
use crate::failure::Failure;
use crate::schema;
use crate::types::Id;

/// Who may be looking for a login.
pub(super) fn scope_of_login(login_or_email: &str) -> Scope {
    Scope::lookup(&accounts::name_key(login_or_email))
}

pub(super) async fn login(
    open: &mut Open<'_>,
    login_or_email: &str,
) -> Result<Option<LoginRecord>, Failure> {
    use schema::user_names::{table, user_id};
    let found = table.find(accounts::name_key(login_or_email));
    let user: Option<Id> = found.select(user_id).first(open).await.optional()?;
    let Some(user) = user else {
        return Ok(None);
    };
    open.widen(UserId::from(user));
    accounts::find_login(open, login_or_email).await
}

pub(super) async fn api_key(
    open: &mut Open<'_>,
    key: &str,
) -> Result<Option<ApiKeyRecord>, Failure> {
    use schema::api_keys::{org_id, public_id, table};
    let found = table.filter(public_id.eq(key));
    let org: Option<Id> = found.select(org_id).first(open).await.optional()?;
    let Some(org) = org else {
        return Ok(None);
    };
    open.widen(OrgId::from(org));
    api_keys::find(open, key).await
}

pub(super) async fn orgs_of(
    open: &mut Open<'_>,
    user: UserId,
    page: Page,
) -> Result<Paged<JoinedOrg>, Failure> {
    let joined = sessions::orgs_of(open, user).await?;
    open.widen(Scope::joined(joined));
    orgs::of_user(open, user, page).await
}
