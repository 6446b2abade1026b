use std::time::Duration;

use actix_web::HttpResponse;
use runloom_domain::Timestamp;
use runloom_store::{UsageGroup, UsageQuery, UsageRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, FromQuery, QueryFields, UsageRead};
use crate::v1::params::UsageParams;

const DAY: Duration = Duration::from_hours(24);

/// How many days are shown when nothing is said.
const DEFAULT_DAYS: u32 = 30;

/// How many days can be shown at once: each is read run by run.
const MAX_DAYS: u32 = 366;

/// What the runs of a group have used. Those that were created in the time count, with all that
/// they have used by now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The day in UTC on which runs were created, a model, `key@version` of a persona, or a
    /// user's id.
    #[schema(example = "2026-01-31")]
    key: String,
    /// Input that no cache knew.
    uncached_input_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_tokens: u64,
    /// The three buckets of input.
    total_input_tokens: u64,
    total_output_tokens: u64,
    total_cost_usd: f64,
    /// Of the runs that have ended, by the model with which each began.
    credits_used: i64,
    /// By the model with which each began.
    runs: u64,
    /// Calls of models, failed and cut ones included.
    calls: u64,
    /// Cache read over all input.
    #[schema(required)]
    cache_hit_rate: Option<f64>,
}

impl From<UsageRow> for Usage {
    fn from(row: UsageRow) -> Self {
        let tokens = row.tokens;
        Self {
            key: row.key,
            uncached_input_tokens: tokens.uncached_input_tokens,
            cache_read_tokens: tokens.cache_read_tokens,
            cache_write_tokens: tokens.cache_write_tokens,
            output_tokens: tokens.output_tokens,
            total_input_tokens: tokens.input_tokens(),
            total_output_tokens: tokens.output_tokens,
            total_cost_usd: row.cost.as_dollars(),
            credits_used: row.credits,
            runs: row.runs,
            calls: row.calls,
            cache_hit_rate: tokens.cache_hit_rate(),
        }
    }
}

/// Which usage is asked for.
pub(crate) struct Asked {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    group_by: UsageGroup,
}

impl FromQuery for Asked {
    fn from_query(query: &mut QueryFields) -> Self {
        let time = |text: &str| {
            let time = text.parse::<Timestamp>();
            time.map_err(|_| "must be an RFC 3339 time, with + as %2B".to_owned())
        };
        let groups = [
            ("day", UsageGroup::Day),
            ("model", UsageGroup::Model),
            ("persona", UsageGroup::Persona),
            ("user", UsageGroup::User),
        ];
        let group_by = query.read("group_by", |text| {
            let known = groups.iter().find(|(word, _)| *word == text);
            known
                .map(|(_, group)| *group)
                .ok_or_else(|| "must be one of day, model, persona, user".to_owned())
        });
        Self {
            from: query.read("from", time),
            to: query.read("to", time),
            group_by: group_by.unwrap_or(UsageGroup::Day),
        }
    }
}

impl Asked {
    fn at(&self, now: Timestamp) -> Result<UsageQuery, ApiError> {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or_else(|| before(to, DAY * DEFAULT_DAYS));
        if from >= to {
            return Err(ApiError::invalid_field("from", "must be before `to`"));
        }
        if to.since(from) > DAY * MAX_DAYS {
            let problem = format!("must be at most {MAX_DAYS} days before `to`");
            return Err(ApiError::invalid_field("from", problem));
        }
        Ok(UsageQuery {
            from,
            to,
            group_by: self.group_by,
        })
    }
}

fn before(moment: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(moment.as_micros() - by.as_micros() as i64)
}

/// What the organisation's runs have used, told apart by day, model, persona or user.
#[utoipa::path(
    get,
    path = "/v1/usage",
    tag = "money",
    params(UsageParams),
    responses(
        (status = 200, description = "A row for each group, in the order of their keys.",
            body = Vec<Usage>),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_usage(call: Call<UsageRead, (), Asked>) -> ApiResult {
    let query = call.query.at(call.state.now())?;
    let store = call.state.store();
    let rows = call
        .state
        .read(store.usage(call.caller.org_id, query))
        .await?;
    let rows: Vec<Usage> = rows.into_iter().map(Usage::from).collect();
    Ok(HttpResponse::Ok().json(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<(String, String), ApiError> {
        let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let asked = Asked {
            from: time(from),
            to: time(to),
            group_by: UsageGroup::Day,
        };
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let query = asked.at(now)?;
        Ok((query.from.to_string(), query.to.to_string()))
    }

    #[test]
    fn a_time_has_a_default_and_a_bound() {
        let month = asked(None, None).unwrap();
        assert_eq!(month.0, "2026-01-30T12:00:00.000Z");
        assert_eq!(month.1, "2026-03-01T12:00:00.000Z");
        let ended = asked(None, Some("2025-01-31T00:00:00Z")).unwrap();
        assert_eq!(ended.0, "2025-01-01T00:00:00.000Z");
        let leap = (Some("2024-01-01T00:00:00Z"), Some("2025-01-01T00:00:00Z"));
        assert!(asked(leap.0, leap.1).is_ok());
        assert!(asked(leap.0, Some("2025-01-01T00:00:00.001Z")).is_err());
        assert!(asked(leap.1, leap.0).is_err());
        assert!(asked(leap.0, leap.0).is_err());
    }
}
