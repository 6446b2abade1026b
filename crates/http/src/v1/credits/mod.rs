//! An organisation's credits.

pub(crate) mod adjust;
pub(crate) mod entries;
pub(crate) mod get;
pub(crate) mod topup;

use runloom_accounts::Caller;
use runloom_domain::{CreditEntryId, RunId, Timestamp, UserId};
use runloom_store::{CreditEntry, CreditKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Access, Call, Fields, Size};

/// The most that one entry moves: far from where sums of entries end.
const MAX_CREDITS: i64 = 1_000_000_000_000;

const NOTE: Size = Size::Chars(0, 500);

/// A line in the account of the organisation's credits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entry {
    #[schema(value_type = Uuid)]
    id: CreditEntryId,
    /// `top_up`, `adjust` or `run`
    kind: &'static str,
    /// What it adds to the balance; below zero for a run.
    credits: i64,
    /// The run, when a run was charged.
    #[schema(required, value_type = Option<Uuid>)]
    run_id: Option<RunId>,
    #[schema(required)]
    note: Option<String>,
    /// Null when nobody of the organisation made it.
    #[schema(required, value_type = Option<Uuid>)]
    created_by_user_id: Option<UserId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<CreditEntry> for Entry {
    fn from(entry: CreditEntry) -> Self {
        Self {
            id: entry.entry_id,
            kind: entry.kind.as_str(),
            credits: entry.credits,
            run_id: entry.run_id,
            note: entry.note,
            created_by_user_id: entry.created_by,
            created_at: entry.created_at,
        }
    }
}

/// A whole number of credits from `min` to the most that one entry moves, but never zero.
fn credits(fields: &mut Fields, min: i64) -> i64 {
    fields.required("credits");
    let credits = fields.read("credits", |value| {
        let number = value.as_i64();
        number
            .filter(|n| *n != 0 && (min..=MAX_CREDITS).contains(n))
            .ok_or_else(|| format!("must be an integer from {min} to {MAX_CREDITS}, and not 0"))
    });
    credits.unwrap_or_default()
}

/// Adds an entry that the caller makes by hand.
async fn add<A, B>(
    call: &Call<A, (), (), B>,
    kind: CreditKind,
    credits: i64,
    note: Option<String>,
) -> ApiResult
where
    A: Access<Caller = Caller>,
{
    let (now, org) = (call.state.now(), call.caller.org_id);
    let entry = CreditEntry {
        entry_id: CreditEntryId::generate(now),
        kind,
        credits,
        run_id: None,
        note,
        created_by: Some(call.caller.user_id),
        created_at: now,
    };
    let (answer, once) = call.answer(&Entry::from(entry.clone()))?;
    let store = call.state.store();
    let by = call.by();
    let outcome = call
        .state
        .run(async move { store.add_credits(org, entry, once, by).await })
        .await?;
    answer.settle(outcome, |answer, added| {
        if added {
            return Ok(answer.respond());
        }
        Err(ApiError::not_found(
            "organisations.not_found",
            "there is no such organisation",
        ))
    })
}
