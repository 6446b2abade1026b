use diesel::prelude::*;
use runloom_domain::{Backoff, Multiplier, Prices, RateLimits, RouteRule, RouteTimeouts};
use runloom_store::{RouteRecord, RouteSettings, StoreError};
use serde::{Deserialize, Serialize};

use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::llm_routes;
use crate::types::{At, Id};

const TABLE: &str = "llm_routes";

/// A route as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = llm_routes, primary_key(org_id, route_id))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct RouteRow {
    org_id: Id,
    route_id: Id,
    credential_id: Id,
    model: String,
    priority: i32,
    is_default: bool,
    enabled: bool,
    fallback: Option<String>,
    terms: String,
    version: i64,
    created_by: Id,
    created_at: At,
    updated_at: At,
}

/// What no statement asks for, as one document. A field that comes later needs a default.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Terms {
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<RouteRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prices: Option<Prices>,
    multiplier: Multiplier,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    rate: RateLimits,
    timeouts: RouteTimeouts,
    backoff: Backoff,
}

impl RouteRow {
    pub(crate) fn new(record: RouteRecord) -> Result<Self, StoreError> {
        let settings = record.settings;
        let terms = Terms {
            when: settings.when,
            prices: settings.prices,
            multiplier: settings.multiplier,
            context_length: settings.context_length,
            max_output_tokens: settings.max_output_tokens,
            rate: settings.rate,
            timeouts: settings.timeouts,
            backoff: settings.backoff,
        };
        let terms = serde_json::to_string(&terms);
        Ok(Self {
            org_id: record.org_id.into(),
            route_id: record.route_id.into(),
            credential_id: settings.credential_id.into(),
            model: settings.model,
            priority: settings.priority,
            is_default: settings.is_default,
            enabled: settings.enabled,
            fallback: settings.fallback,
            terms: terms.map_err(|error| StoreError::Rejected(error.into()))?,
            version: signed(record.version),
            created_by: record.created_by.into(),
            created_at: At(record.created_at),
            updated_at: At(record.updated_at),
        })
    }

    /// With the kind of the route's credential, which is read beside it.
    pub(crate) fn into_record(self, provider: String) -> Result<RouteRecord, StoreError> {
        let id = self.route_id;
        let terms: Terms = serde_json::from_str(&self.terms)
            .map_err(|error| corrupt(TABLE, "terms", id, error))?;
        Ok(RouteRecord {
            org_id: self.org_id.into(),
            route_id: id.into(),
            provider,
            settings: RouteSettings {
                credential_id: self.credential_id.into(),
                model: self.model,
                priority: self.priority,
                is_default: self.is_default,
                enabled: self.enabled,
                fallback: self.fallback,
                when: terms.when,
                prices: terms.prices,
                multiplier: terms.multiplier,
                context_length: terms.context_length,
                max_output_tokens: terms.max_output_tokens,
                rate: terms.rate,
                timeouts: terms.timeouts,
                backoff: terms.backoff,
            },
            version: unsigned(TABLE, "version", id, self.version)?,
            created_by: self.created_by.into(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}
