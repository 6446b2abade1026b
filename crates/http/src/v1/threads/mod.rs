//! Threads: conversations that hold messages and runs.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod retry;
pub(crate) mod update;

use runloom_domain::{OrgId, RunId, ThreadId, Timestamp, UserId};
use runloom_store::ThreadRecord;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{Fields, Size};

/// The longest title, in characters.
pub(crate) const TITLE: Size = Size::Chars(0, 200);
/// The longest metadata, in bytes of JSON.
pub(crate) const MAX_METADATA: usize = 16 * 1024;

/// A thread.
#[derive(Serialize, ToSchema)]
pub(crate) struct Thread {
    #[schema(value_type = Uuid)]
    id: ThreadId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    #[schema(value_type = Uuid)]
    created_by_user_id: UserId,
    #[schema(required)]
    title: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Its live run.
    #[schema(required, value_type = Option<Uuid>)]
    active_run_id: Option<RunId>,
    /// Only with `include=metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
}

impl Thread {
    fn new(record: ThreadRecord) -> Self {
        Self {
            id: record.thread_id,
            org_id: record.org_id,
            created_by_user_id: record.created_by,
            title: record.title,
            created_at: record.created_at,
            active_run_id: record.active_run_id,
            metadata: None,
        }
    }

    fn with_metadata(mut record: ThreadRecord) -> Result<Self, ApiError> {
        let metadata = record.metadata.take().unwrap_or_else(|| "null".to_owned());
        Ok(Self {
            metadata: Some(RawValue::from_string(metadata).map_err(ApiError::internal)?),
            ..Self::new(record)
        })
    }
}

/// What an unknown thread and one of another organisation are answered with.
pub(crate) fn not_found() -> ApiError {
    ApiError::not_found("threads.not_found", "there is no such thread")
}

fn metadata(fields: &mut Fields) -> Option<String> {
    fields.object("metadata", MAX_METADATA)
}
