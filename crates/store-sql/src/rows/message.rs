use diesel::prelude::*;
use runloom_domain::{
    Message, MessageBody, MessageId, OrgId, RunId, ThreadId, Timestamp, ToolCallRequest, UserId,
};
use runloom_store::{NewMessage, StoreError};
use serde::Serialize;

use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::messages;
use crate::types::{At, Id};

/// A message as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(crate) struct MessageRow {
    pub(crate) org_id: Id,
    pub(crate) thread_id: Id,
    pub(crate) position: i64,
    pub(crate) message_id: Id,
    pub(crate) run_id: Option<Id>,
    pub(crate) role: String,
    pub(crate) content: String,
    pub(crate) tool_calls: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) tool_call_id: Option<Id>,
    pub(crate) tool_name: Option<String>,
    pub(crate) created_by: Option<Id>,
    pub(crate) created_at: At,
}

/// The columns that only some roles have.
#[derive(Debug, Default)]
pub(crate) struct Extras<'a> {
    pub(crate) tool_calls: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) tool_call_id: Option<Id>,
    pub(crate) tool_name: Option<&'a str>,
}

impl<'a> Extras<'a> {
    pub(crate) fn of(body: &'a MessageBody) -> Self {
        match body {
            MessageBody::User { .. } => Self::default(),
            MessageBody::Assistant {
                tool_calls,
                provider,
                ..
            } => Self {
                tool_calls: (!tool_calls.is_empty()).then(|| json(tool_calls)),
                provider: provider.as_ref().map(json),
                ..Self::default()
            },
            MessageBody::Tool {
                tool_call_id,
                tool_name,
                ..
            } => Self {
                tool_call_id: Some((*tool_call_id).into()),
                tool_name: Some(tool_name),
                ..Self::default()
            },
        }
    }
}

impl MessageRow {
    /// A person's words.
    pub(crate) fn of_person(
        (org, thread, run): (OrgId, ThreadId, Option<RunId>),
        position: u64,
        message_id: MessageId,
        content: String,
        created_by: UserId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            org_id: org.into(),
            thread_id: thread.into(),
            position: signed(position),
            message_id: message_id.into(),
            run_id: run.map(Id::from),
            role: "user".to_owned(),
            content,
            tool_calls: None,
            provider: None,
            tool_call_id: None,
            tool_name: None,
            created_by: Some(created_by.into()),
            created_at: At(created_at),
        }
    }

    /// What a run has written; its thread and position may still be unknown.
    pub(crate) fn of_run(
        (org, thread, run): (OrgId, ThreadId, RunId),
        position: u64,
        message: &NewMessage,
    ) -> Self {
        let body = &message.body;
        let mut row = Self {
            org_id: org.into(),
            thread_id: thread.into(),
            position: signed(position),
            message_id: message.message_id.into(),
            run_id: Some(run.into()),
            role: body.role().as_str().to_owned(),
            content: body.content().to_owned(),
            tool_calls: None,
            provider: None,
            tool_call_id: None,
            tool_name: None,
            created_by: None,
            created_at: At(message.created_at),
        };
        let extras = Extras::of(body);
        row.tool_calls = extras.tool_calls;
        row.provider = extras.provider;
        row.tool_call_id = extras.tool_call_id;
        row.tool_name = extras.tool_name.map(str::to_owned);
        row
    }

    pub(crate) fn into_message(self) -> Result<Message, StoreError> {
        let (org_id, thread_id) = (self.org_id.into(), self.thread_id.into());
        let (position, created_at) = (self.position, self.created_at.0);
        let created_by = self.created_by.map(UserId::from);
        let (id, run_id) = (self.message_id.into(), self.run_id.map(RunId::from));
        Ok(Message {
            id,
            org_id,
            thread_id,
            run_id,
            position: unsigned("messages", "position", id, position)?,
            body: self.into_body()?,
            created_by_user_id: created_by,
            created_at,
        })
    }

    fn into_body(self) -> Result<MessageBody, StoreError> {
        let id = self.message_id;
        let missing = |column| corrupt("messages", column, id, "a tool message lacks it");
        let content = self.content;
        match self.role.as_str() {
            "user" => Ok(MessageBody::User { content }),
            "assistant" => Ok(MessageBody::Assistant {
                content,
                tool_calls: tool_calls(id, self.tool_calls.as_deref())?,
                provider: provider(id, self.provider.as_deref())?,
            }),
            "tool" => Ok(MessageBody::Tool {
                tool_call_id: self
                    .tool_call_id
                    .ok_or_else(|| missing("tool_call_id"))?
                    .into(),
                tool_name: self.tool_name.ok_or_else(|| missing("tool_name"))?,
                content,
            }),
            other => Err(corrupt("messages", "role", id, format!("unknown {other}"))),
        }
    }
}

fn tool_calls(id: Id, json: Option<&str>) -> Result<Vec<ToolCallRequest>, StoreError> {
    json.map_or(Ok(Vec::new()), serde_json::from_str)
        .map_err(|error| corrupt("messages", "tool_calls", id, error))
}

fn provider(id: Id, json: Option<&str>) -> Result<Option<serde_json::Value>, StoreError> {
    json.map(serde_json::from_str)
        .transpose()
        .map_err(|error| corrupt("messages", "provider", id, error))
}

/// JSON text of plain data with string keys, which can't fail to encode.
fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("plain data encodes to JSON")
}
