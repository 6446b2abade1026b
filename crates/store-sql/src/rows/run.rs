use diesel::prelude::*;
use runloom_domain::event::ResumeReason;
use runloom_domain::{
    ModelCall, NanoUsd, OrgId, RunId, RunStatus, RunTotals, Timestamp, TokenBuckets, TraceId,
};
use runloom_store::{ClaimedRun, RunHead, RunRecord, StoreError};

use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::{model_calls, run_heads, runs};
use crate::types::{At, Id};

/// The narrow row as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = run_heads)]
pub(crate) struct HeadRow {
    run_id: Id,
    thread_id: Id,
    status: String,
    last_seq: i64,
    epoch: i64,
    owner_node: Option<Id>,
}

impl HeadRow {
    /// `events_expired_at` is the wide row's.
    pub(crate) fn into_head(self, events_expired_at: Option<At>) -> Result<RunHead, StoreError> {
        let key = self.run_id;
        Ok(RunHead {
            thread_id: self.thread_id.into(),
            status: status(key, &self.status)?,
            last_seq: unsigned("run_heads", "last_seq", key, self.last_seq)?,
            epoch: unsigned("run_heads", "epoch", key, self.epoch)?,
            owned: self.owner_node.is_some(),
            events_expired: events_expired_at.is_some(),
        })
    }
}

/// A status from its column.
pub(crate) fn status(run: Id, text: &str) -> Result<RunStatus, StoreError> {
    text.parse()
        .map_err(|error| corrupt("run_heads", "status", run, error))
}

/// The narrow row of a new run, without its wake-up.
#[derive(Debug, Insertable)]
#[diesel(table_name = run_heads)]
pub(crate) struct NewHeadRow {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) thread_id: Id,
    pub(crate) turn: i64,
    pub(crate) status: &'static str,
    pub(crate) epoch: i64,
    pub(crate) owner_node: Option<Id>,
    pub(crate) attempts: i64,
    pub(crate) last_seq: i64,
    pub(crate) parent_run_id: Option<Id>,
}

/// The wide row of a new run.
#[derive(Debug, Insertable)]
#[diesel(table_name = runs)]
pub(crate) struct NewRunRow {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) thread_id: Id,
    pub(crate) created_by: Id,
    pub(crate) trace_id: String,
    pub(crate) persona_id: String,
    pub(crate) route_id: String,
    pub(crate) model: String,
    pub(crate) metadata: Option<String>,
    pub(crate) api_key_id: Option<Id>,
    pub(crate) created_at: At,
    pub(crate) parent_run_id: Option<Id>,
    pub(crate) root_thread_id: Option<Id>,
}

/// The wide row as it is read.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub(crate) struct RunRow {
    org_id: Id,
    run_id: Id,
    thread_id: Id,
    created_by: Id,
    trace_id: String,
    persona_id: String,
    route_id: String,
    model: String,
    metadata: Option<String>,
    uncached_input_tokens: i64,
    cache_read_tokens: i64,
    cache_write_tokens: i64,
    output_tokens: i64,
    cost_nanos: i64,
    created_at: At,
    ended_at: Option<At>,
    error_class: Option<String>,
    error_message: Option<String>,
    api_key_id: Option<Id>,
    parent_run_id: Option<Id>,
}

/// What stands beside the wide row: status, credits, and who created the run.
pub(crate) type RunJoins = (String, Option<i64>, Option<String>, Option<String>);

impl RunRow {
    pub(crate) fn into_record(
        self,
        (run_status, credits_used, login, email): RunJoins,
    ) -> Result<RunRecord, StoreError> {
        let key = self.run_id;
        let tokens = |column, value| unsigned("runs", column, key, value);
        Ok(RunRecord {
            run_id: key.into(),
            org_id: self.org_id.into(),
            thread_id: self.thread_id.into(),
            parent_run_id: self.parent_run_id.map(Into::into),
            status: status(key, &run_status)?,
            totals: RunTotals {
                tokens: TokenBuckets {
                    uncached_input_tokens: tokens(
                        "uncached_input_tokens",
                        self.uncached_input_tokens,
                    )?,
                    cache_read_tokens: tokens("cache_read_tokens", self.cache_read_tokens)?,
                    cache_write_tokens: tokens("cache_write_tokens", self.cache_write_tokens)?,
                    output_tokens: tokens("output_tokens", self.output_tokens)?,
                },
                cost: NanoUsd::from_nanos(self.cost_nanos),
            },
            persona_id: self.persona_id,
            route_id: self.route_id,
            model: self.model,
            credits_used,
            created_at: self.created_at.0,
            ended_at: self.ended_at.map(|at| at.0),
            error_class: self.error_class,
            error_message: self.error_message,
            metadata: self.metadata,
            trace_id: trace(key, &self.trace_id)?,
            created_by: self.created_by.into(),
            api_key_id: self.api_key_id.map(Into::into),
            created_by_name: login,
            // Service accounts have none.
            created_by_email: email.filter(|email| !email.is_empty()),
        })
    }
}

fn trace(run: Id, text: &str) -> Result<TraceId, StoreError> {
    text.parse()
        .map_err(|error| corrupt("runs", "trace_id", run, error))
}

/// A run's totals, and its end, as columns of the wide row.
#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = runs)]
pub(crate) struct RunChanges {
    pub(crate) uncached_input_tokens: Option<i64>,
    pub(crate) cache_read_tokens: Option<i64>,
    pub(crate) cache_write_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) cost_nanos: Option<i64>,
    pub(crate) ended_at: Option<At>,
    pub(crate) error_class: Option<String>,
    pub(crate) error_message: Option<String>,
}

impl RunChanges {
    pub(crate) fn new(totals: Option<RunTotals>, end: Option<&runloom_store::RunEnd>) -> Self {
        let mut changes = Self::default();
        if let Some(RunTotals { tokens, cost }) = totals {
            changes.uncached_input_tokens = Some(signed(tokens.uncached_input_tokens));
            changes.cache_read_tokens = Some(signed(tokens.cache_read_tokens));
            changes.cache_write_tokens = Some(signed(tokens.cache_write_tokens));
            changes.output_tokens = Some(signed(tokens.output_tokens));
            changes.cost_nanos = Some(cost.as_nanos());
        }
        if let Some(end) = end {
            changes.ended_at = Some(At(end.at));
            changes.error_class.clone_from(&end.error_class);
            changes.error_message.clone_from(&end.error_message);
        }
        changes
    }
}

/// A ledger row.
#[derive(Debug, Insertable)]
#[diesel(table_name = model_calls)]
pub(crate) struct NewCallRow<'a> {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) step: i64,
    pub(crate) attempt: i64,
    pub(crate) route_id: &'a str,
    pub(crate) model: &'a str,
    pub(crate) uncached_input_tokens: i64,
    pub(crate) cache_read_tokens: i64,
    pub(crate) cache_write_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) source: &'static str,
    pub(crate) cost_nanos: i64,
    pub(crate) multiplier_thousandths: i64,
    pub(crate) created_at: At,
}

impl<'a> NewCallRow<'a> {
    pub(crate) fn new(org: OrgId, run: RunId, at: Timestamp, call: &'a ModelCall) -> Self {
        let tokens = &call.usage.tokens;
        Self {
            org_id: org.into(),
            run_id: run.into(),
            step: i64::from(call.step),
            attempt: i64::from(call.attempt),
            route_id: &call.route_id,
            model: &call.model,
            uncached_input_tokens: signed(tokens.uncached_input_tokens),
            cache_read_tokens: signed(tokens.cache_read_tokens),
            cache_write_tokens: signed(tokens.cache_write_tokens),
            output_tokens: signed(tokens.output_tokens),
            source: call.usage.source.as_str(),
            cost_nanos: call.cost.as_nanos(),
            multiplier_thousandths: i64::from(call.multiplier.as_thousandths()),
            created_at: At(at),
        }
    }
}

/// What a claim tells of a run: its narrow row, its thread's last position, and its wide row.
pub(crate) type ClaimRow = (HeadOfClaim, i64, At, String);

/// The part of the narrow row that a claim tells.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = run_heads)]
pub(crate) struct HeadOfClaim {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) thread_id: Id,
    pub(crate) epoch: i64,
    pub(crate) attempts: i64,
    pub(crate) status: String,
    pub(crate) last_seq: i64,
    pub(crate) lost: Option<String>,
}

pub(crate) fn into_claimed(
    (head, thread_position, created_at, trace_id): ClaimRow,
) -> Result<ClaimedRun, StoreError> {
    let key = head.run_id;
    Ok(ClaimedRun {
        org_id: head.org_id.into(),
        run_id: key.into(),
        thread_id: head.thread_id.into(),
        epoch: unsigned("run_heads", "epoch", key, head.epoch)?,
        attempts: unsigned("run_heads", "attempts", key, head.attempts)?,
        status: status(key, &head.status)?,
        last_seq: unsigned("run_heads", "last_seq", key, head.last_seq)?,
        lost: head
            .lost
            .map(|lost| resume_reason(key, &lost))
            .transpose()?,
        thread_position: unsigned("threads", "last_position", head.thread_id, thread_position)?,
        created_at: created_at.0,
        trace_id: trace(key, &trace_id)?,
    })
}

fn resume_reason(run: Id, text: &str) -> Result<ResumeReason, StoreError> {
    match text {
        "lease_expired" => Ok(ResumeReason::LeaseExpired),
        "handover" => Ok(ResumeReason::Handover),
        other => Err(corrupt(
            "run_heads",
            "lost",
            run,
            format!("unknown {other}"),
        )),
    }
}
