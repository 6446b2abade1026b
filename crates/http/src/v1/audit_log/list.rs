use runloom_domain::{ApiKeyId, AuditRecordId, Timestamp, TraceId, UserId, hex};
use runloom_store::{AuditFilter, Audited, Page, Seal};
use serde::Serialize;
use serde_json::Value;
use std::net::IpAddr;
use utoipa::ToSchema;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{AuditRead, Call, FromQuery, QueryFields};
use crate::page;
use crate::v1::params::{AuditParams, PageParams};

/// The longest name of an action.
const MAX_ACTION: usize = 64;

/// The longest id of a subject.
const MAX_SUBJECT: usize = 200;

/// Something that was done to the organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditRecord {
    #[schema(value_type = Uuid)]
    id: AuditRecordId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// What was done.
    #[schema(example = "member.removed")]
    action: String,
    actor: Actor,
    subject: Subject,
    /// More about it, which depends on the action.
    #[schema(value_type = Object, example = json!({ "role": "member" }))]
    details: Value,
    /// Where the request came from.
    #[schema(required, value_type = Option<String>, example = "203.0.113.7")]
    address: Option<IpAddr>,
    /// The request's trace.
    #[schema(required, value_type = Option<String>, example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: Option<TraceId>,
    /// Its place in the organisation's chain; null until it has one, a moment later.
    #[schema(required)]
    seal: Option<ShownSeal>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Actor {
    /// `user`, `api_key`, `bearer` for whoever held a token of a refresh or a reset, `operator`
    /// for whoever runs the service, `system` for the service itself.
    #[schema(example = "user")]
    kind: &'static str,
    /// The person or service account; of a key its owner.
    #[schema(required, value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    #[schema(required, value_type = Option<Uuid>)]
    api_key_id: Option<ApiKeyId>,
}

/// What it was done to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Subject {
    #[schema(example = "user")]
    kind: String,
    /// Its id; of a persona its key.
    #[schema(example = "0197f3a2-7c4e-7d21-9a51-6f1f0c9b8e11")]
    id: String,
}

/// A place in a chain of hashes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownSeal {
    /// Counts from 1 without a gap.
    #[schema(minimum = 1)]
    seq: u64,
    /// SHA-256 of the record and of the hash before, in hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

impl From<Seal> for ShownSeal {
    fn from(seal: Seal) -> Self {
        Self {
            seq: seal.seq,
            hash: hex(&seal.hash),
        }
    }
}

impl From<Audited> for AuditRecord {
    fn from(Audited { record, seal }: Audited) -> Self {
        Self {
            id: record.record_id,
            created_at: record.at,
            action: record.action,
            actor: Actor {
                kind: record.actor.kind(),
                user_id: record.actor.user_id(),
                api_key_id: record.actor.api_key_id(),
            },
            subject: Subject {
                kind: record.subject_kind,
                id: record.subject_id,
            },
            // Only who has changed the record behind our back has made it anything else.
            details: serde_json::from_str(&record.details).unwrap_or_default(),
            address: record.address,
            trace_id: record.trace_id,
            seal: seal.map(ShownSeal::from),
        }
    }
}

/// Which records, and which page of them.
pub(crate) struct AuditQuery {
    page: Page,
    filter: AuditFilter,
}

impl FromQuery for AuditQuery {
    fn from_query(query: &mut QueryFields) -> Self {
        let time = |text: &str| {
            let time = text.parse::<Timestamp>();
            time.map_err(|_| "must be an RFC 3339 time, with + as %2B".to_owned())
        };
        let page = Page::from_query(query);
        let filter = AuditFilter {
            action: query.read("action", |text| {
                let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'_' | b'.');
                word(text, MAX_ACTION, fits, "the name of an action")
            }),
            actor: query.read("actor", |text| {
                text.parse().map_err(|_| "must be a UUID".to_owned())
            }),
            subject: query.read("subject", |text| {
                word(text, MAX_SUBJECT, |byte| byte.is_ascii_graphic(), "an id")
            }),
            from: query.read("from", time),
            to: query.read("to", time),
        };
        Self { page, filter }
    }
}

fn word(text: &str, most: usize, fits: impl Fn(u8) -> bool, what: &str) -> Result<String, String> {
    if (1..=most).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!("must be {what}"))
}

/// What was done to the organisation, newest first. What runs do is in their events.
#[utoipa::path(
    get,
    path = "/v1/audit-log",
    tag = "organisations",
    params(PageParams, AuditParams),
    responses(
        (status = 200, description = "A page.", body = Vec<AuditRecord>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_audit_log(call: Call<AuditRead, (), AuditQuery>) -> ApiResult {
    let (store, AuditQuery { page, filter }) = (call.state.store(), call.query);
    let found = store.audit_log(call.caller.org_id, filter, page);
    let found = call.state.read(found).await?;
    Ok(page::answer(&call.request, found, AuditRecord::from))
}
