//! Changing the keys that secrets are encrypted with.

use diesel::prelude::*;
use runloom_domain::{EncryptedSecret, OrgId};
use runloom_store::{DataKey, SecretColumn, StoreError, StoredSecret};

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::rows::data_key::DataKeyRow;
use crate::rows::secret;
use crate::schema::{http_tools, llm_credentials, mcp_servers, org_data_keys, orgs};
use crate::text::storable;
use crate::types::Id;

pub(crate) async fn org_ids(
    c: &mut Conn,
    after: Option<OrgId>,
    limit: u32,
) -> Result<Vec<OrgId>, Failure> {
    let after = after.map_or(Id(uuid::Uuid::nil()), Id::from);
    let ids: Vec<Id> = orgs::table
        .filter(orgs::org_id.gt(after))
        .select(orgs::org_id)
        .order(orgs::org_id)
        .limit(i64::from(limit))
        .load(c)
        .await?;
    Ok(ids.into_iter().map(OrgId::from).collect())
}

pub(crate) async fn data_keys(c: &mut Conn, org: OrgId) -> Result<Vec<DataKey>, Failure> {
    let rows: Vec<DataKeyRow> = org_data_keys::table
        .filter(org_data_keys::org_id.eq(Id::from(org)))
        .select(DataKeyRow::as_select())
        .order(org_data_keys::key_version)
        .load(c)
        .await?;
    let keys: Result<_, StoreError> = rows.into_iter().map(DataKeyRow::into_key).collect();
    Ok(keys?)
}

pub(crate) async fn rewrap(
    c: &mut Conn,
    key: DataKey,
    old_master: String,
) -> Result<bool, Failure> {
    storable([key.master_key_id.as_str(), old_master.as_str()])?;
    let place = (Id::from(key.org_id), i64::from(key.key_version));
    let changed = diesel::update(org_data_keys::table.find(place))
        .filter(org_data_keys::master_key_id.eq(old_master))
        .set((
            org_data_keys::wrapped.eq(key.wrapped),
            org_data_keys::master_key_id.eq(key.master_key_id),
        ))
        .execute(c)
        .await?;
    Ok(changed == 1)
}

/// A row's id and the columns of its secret.
type Row = (Id, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>);

fn stored(table: &'static str, rows: Vec<Row>) -> Result<Vec<StoredSecret>, Failure> {
    let mut found = Vec::with_capacity(rows.len());
    for (id, ciphertext, nonce, key_version) in rows {
        let secret = secret::read(table, id, (ciphertext, nonce, key_version))?;
        found.extend(secret.map(|secret| StoredSecret { row: id.0, secret }));
    }
    Ok(found)
}

/// The two statements for one place of secrets. A macro, since the types of columns that stand
/// for others have no names.
macro_rules! statements {
    ($below:ident, $reseal:ident, $table:ident: $id:ident, $text:ident, $nonce:ident, $version:ident) => {
        async fn $below(
            c: &mut Conn,
            org: OrgId,
            key_version: u32,
            limit: u32,
        ) -> Result<Vec<StoredSecret>, Failure> {
            use $table::{org_id, $id, $nonce, $text, $version};
            let rows: Vec<Row> = $table::table
                .filter(org_id.eq(Id::from(org)))
                .filter($version.lt(i64::from(key_version)))
                .select((
                    $id,
                    $text.nullable(),
                    $nonce.nullable(),
                    $version.nullable(),
                ))
                .order($id)
                .limit(i64::from(limit))
                .load(c)
                .await?;
            stored(stringify!($table), rows)
        }

        async fn $reseal(
            c: &mut Conn,
            org: OrgId,
            old: StoredSecret,
            new: EncryptedSecret,
        ) -> Result<bool, Failure> {
            use $table::{$nonce, $text, $version};
            let changed = diesel::update($table::table.find((Id::from(org), Id(old.row))))
                .filter($nonce.eq(old.secret.nonce.to_vec()))
                .filter($text.eq(old.secret.ciphertext))
                .set((
                    $text.eq(new.ciphertext),
                    $nonce.eq(new.nonce.to_vec()),
                    $version.eq(i64::from(new.key_version)),
                ))
                .execute(c)
                .await?;
            Ok(changed == 1)
        }
    };
}

statements!(credentials_below, reseal_credential,
    llm_credentials: credential_id, secret, secret_nonce, secret_key_version);
statements!(servers_below, reseal_server,
    mcp_servers: server_id, secret, secret_nonce, secret_key_version);
statements!(tools_below, reseal_tool,
    http_tools: tool_id, secret, secret_nonce, secret_key_version);
statements!(signings_below, reseal_signing,
    http_tools: tool_id, signing, signing_nonce, signing_key_version);

pub(crate) async fn secrets_below(
    c: &mut Conn,
    org: OrgId,
    column: SecretColumn,
    key_version: u32,
    limit: u32,
) -> Result<Vec<StoredSecret>, Failure> {
    match column {
        SecretColumn::Credential => credentials_below(c, org, key_version, limit).await,
        SecretColumn::McpServer => servers_below(c, org, key_version, limit).await,
        SecretColumn::HttpTool => tools_below(c, org, key_version, limit).await,
        SecretColumn::HttpToolSigning => signings_below(c, org, key_version, limit).await,
    }
}

pub(crate) async fn reseal(
    c: &mut Conn,
    org: OrgId,
    column: SecretColumn,
    old: StoredSecret,
    new: EncryptedSecret,
) -> Result<bool, Failure> {
    match column {
        SecretColumn::Credential => reseal_credential(c, org, old, new).await,
        SecretColumn::McpServer => reseal_server(c, org, old, new).await,
        SecretColumn::HttpTool => reseal_tool(c, org, old, new).await,
        SecretColumn::HttpToolSigning => reseal_signing(c, org, old, new).await,
    }
}
