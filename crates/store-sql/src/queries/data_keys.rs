//! The keys that an organisation's secrets are encrypted with.

use diesel::prelude::*;
use runloom_domain::OrgId;
use runloom_store::DataKey;

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::rows::data_key::DataKeyRow;
use crate::schema::org_data_keys;
use crate::text::storable;
use crate::types::Id;

pub(crate) async fn create(c: &mut Conn, key: DataKey) -> Result<bool, Failure> {
    storable([key.master_key_id.as_str()])?;
    let made = diesel::insert_into(org_data_keys::table)
        .values(DataKeyRow::from(key))
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    Ok(made == 1)
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    version: Option<u32>,
) -> Result<Option<DataKey>, Failure> {
    let mut query = org_data_keys::table
        .filter(org_data_keys::org_id.eq(Id::from(org)))
        .select(DataKeyRow::as_select())
        .into_boxed();
    if let Some(version) = version {
        query = query.filter(org_data_keys::key_version.eq(i64::from(version)));
    }
    let row: Option<DataKeyRow> = query
        .order(org_data_keys::key_version.desc())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(DataKeyRow::into_key).transpose()?)
}
