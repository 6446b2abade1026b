use runloom_domain::{BudgetId, BudgetPeriod, BudgetScope, text};
use runloom_store::{BudgetLimits, BudgetRecord, CreateBudget, NewBudget, Spending};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Budget, max_cost, max_tokens, without_limit};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, BudgetsManage, Call, Fields, Size};
use crate::v1::params::OnceParams;

/// The longest text that can be an id or a persona's key.
const SCOPE_ID: Size = Size::Chars(1, 64);

/// A budget to be made. At least one of the limits is needed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewBudgetBody {
    /// `organisation`, `user`, `api_key`, `persona` or `thread`
    #[schema(pattern = "^(organisation|user|api_key|persona|thread)$")]
    scope: String,
    /// The id of what it is for, or a persona's key; not for the organisation.
    #[schema(min_length = 1, max_length = 64)]
    scope_id: Option<String>,
    /// `day` or `month`, by the calendar of UTC
    #[schema(pattern = "^(day|month)$")]
    period: String,
    #[schema(minimum = 0)]
    max_cost_usd: Option<f64>,
    /// Tokens of input and output.
    #[schema(minimum = 0)]
    max_tokens: Option<u64>,
}

/// What a budget shall be.
pub(crate) struct Wanted {
    scope: BudgetScope,
    scope_id: Option<String>,
    period: BudgetPeriod,
    limits: BudgetLimits,
}

impl Body for Wanted {
    fn from_fields(fields: &mut Fields) -> Self {
        fields.required("scope");
        fields.required("period");
        let scopes = BudgetScope::ALL.map(|scope| (scope.as_str(), scope));
        let periods = BudgetPeriod::ALL.map(|period| (period.as_str(), period));
        let scope = fields.word("scope", &scopes);
        let scope = scope.unwrap_or(BudgetScope::Organisation);
        Self {
            scope,
            scope_id: scope_id(fields, scope),
            period: fields.word("period", &periods).unwrap_or(BudgetPeriod::Day),
            limits: BudgetLimits {
                max_cost: max_cost(fields),
                max_tokens: max_tokens(fields),
            },
        }
    }
}

/// The id in the one form in which a run has it.
fn scope_id(fields: &mut Fields, scope: BudgetScope) -> Option<String> {
    if scope != BudgetScope::Organisation {
        fields.required("scope_id");
    }
    let id = fields.optional_text("scope_id", SCOPE_ID)?;
    match scope {
        BudgetScope::Organisation => fields.fail("scope_id", "is not for the organisation"),
        BudgetScope::Persona if !text::is_name(&id) => {
            fields.fail("scope_id", "must be a persona's key, without a version");
        }
        BudgetScope::Persona => return Some(id),
        BudgetScope::User | BudgetScope::ApiKey | BudgetScope::Thread => {
            let uuid = Uuid::try_parse(&id).ok().filter(|_| id.len() == 36);
            match uuid {
                Some(uuid) => return Some(uuid.to_string()),
                None => fields.fail("scope_id", "must be a UUID"),
            }
        }
    }
    None
}

/// Makes a budget. It stops runs that would begin once it is used up, and holds back those under
/// way. Runs of the present period that were created before it count by what they have used.
#[utoipa::path(
    post,
    path = "/v1/budgets",
    tag = "money",
    params(OnceParams),
    request_body = NewBudgetBody,
    responses(
        (status = 201, description = "Made. What was used before shows when it is read.",
            body = Budget),
        (status = 409, description = "`budgets.taken`: there is one for this scope and period.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_budget(call: Call<BudgetsManage, (), (), Wanted>) -> ApiResult {
    let Wanted {
        scope,
        period,
        limits,
        ..
    } = call.body;
    if limits == BudgetLimits::default() {
        return Err(without_limit());
    }
    let now = call.state.now();
    let new = NewBudget {
        org_id: call.caller.org_id,
        budget_id: BudgetId::generate(now),
        scope,
        scope_id: call.body.scope_id.clone(),
        period,
        limits,
        created_at: now,
    };
    let (answer, once) = call.answer(&Budget::from(fresh(&new)))?;
    let store = call.state.store();
    let by = call.by();
    let outcome = call
        .state
        .run(async move { store.create_budget(new, once, by).await })
        .await?;
    answer.settle(outcome, |answer, created| match created {
        CreateBudget::Created => Ok(answer.respond()),
        CreateBudget::Taken => Err(ApiError::conflict(
            "budgets.taken",
            "there is a budget for this scope and period",
        )),
    })
}

fn fresh(new: &NewBudget) -> BudgetRecord {
    BudgetRecord {
        budget_id: new.budget_id,
        scope: new.scope,
        scope_id: new.scope_id.clone(),
        period: new.period,
        limits: new.limits,
        period_start: new.period.start(new.created_at),
        spent: Spending::default(),
        reserved: Spending::default(),
        created_at: new.created_at,
    }
}
