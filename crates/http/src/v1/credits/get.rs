use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, UsageRead};

/// What the organisation has of credits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Credits {
    /// All entries together. Below zero when runs have cost more than was reserved for them.
    balance: i64,
    /// What runs hold that haven't ended.
    reserved: i64,
    /// What new runs can reserve.
    available: i64,
    /// Whether runs need credits; without, the rest has no effect.
    metered: bool,
}

/// The organisation's credits.
#[utoipa::path(
    get,
    path = "/v1/credits",
    tag = "money",
    responses(
        (status = 200, description = "The balance.", body = Credits),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_credits(call: Call<UsageRead>) -> ApiResult {
    let store = call.state.store();
    let balance = call.state.read(store.balance(call.caller.org_id)).await?;
    let by_default = call.state.settings().metered;
    Ok(HttpResponse::Ok().json(Credits {
        balance: balance.credits,
        reserved: balance.reserved,
        available: balance.credits.saturating_sub(balance.reserved).max(0),
        metered: balance.metered.unwrap_or(by_default),
    }))
}
