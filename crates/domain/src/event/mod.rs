//! The events that a run consists of.
//!
//! An event has public data, which every client sees, and may have a private payload, which
//! only the engine reads. Data is encoded to its JSON text once, when the event is made, and
//! stored as that text: what is replayed is byte for byte what was streamed live.
//!
//! Compatibility, since version N and N + 1 run side by side: a reader meets types it doesn't
//! know as [`EventBody::Unknown`] and passes them on unchanged; new fields of a known type
//! need a serde default, and a field is never given another meaning.

mod data;
mod encode;
mod private;

pub use data::{
    AssistantMessage, CallPurpose, CancelRequested, Delta, FinishReason, HistoryCompacted,
    HistorySummarised, InputReceived, PauseReason, ResumeReason, RunCancelled, RunCompleted,
    RunFailed, RunQueued, RunResumed, RunStarted, ShownTotals, StepCompleted, StepRetried,
    StepStarted, ToolApproval, ToolCalled, ToolFailure, ToolPaused, ToolProgress, ToolResulted,
    ToolStarted, WaitingForInput,
};
pub use encode::{event_json, push_event_json};
pub use private::{EventPrivate, RunShare, SettledRun};

use crate::Timestamp;

/// Reads the cursor of an event stream, an event's number as text: digits alone, from 0 to
/// 2^63 - 1. `u64::from_str` would also take a plus sign.
pub fn seq_from_text(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<i64>().ok().filter(|_| digits)?;
    u64::try_from(number).ok()
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $name:literal,)+) => {
        /// What happened: one variant for each event type of the API.
        #[derive(Clone, Debug, PartialEq)]
        pub enum EventBody {
            $($(#[$doc])* $variant($data),)+
            /// A type that this version doesn't know; passed on as it is.
            Unknown {
                /// Its name.
                event_type: String,
                /// Its data, JSON text.
                data: String,
            },
        }

        impl EventBody {
            /// The names of all known types.
            pub const TYPES: &'static [&'static str] = &[$($name),+];

            /// The type's name in the API and in the database.
            pub fn event_type(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::Unknown { event_type, .. } => event_type,
                }
            }

            /// The data as its JSON text.
            fn data_json(&self) -> String {
                // Plain structs with string keys: the encoder has nothing to fail on.
                match self {
                    $(Self::$variant(data) => {
                        serde_json::to_string(data).expect("event data encodes to JSON")
                    })+
                    Self::Unknown { data, .. } => data.clone(),
                }
            }

            /// Reads stored data; an unknown type is not an error.
            fn from_json(event_type: &str, data: &str) -> Result<Self, serde_json::Error> {
                Ok(match event_type {
                    $($name => Self::$variant(serde_json::from_str(data)?),)+
                    _ => Self::Unknown {
                        event_type: event_type.to_owned(),
                        data: data.to_owned(),
                    },
                })
            }
        }
    };
}

events! {
    /// The run has begun.
    RunStarted(RunStarted) = "run.started",
    /// The run waits behind another of its thread.
    RunQueued(RunQueued) = "run.queued",
    /// A model call begins.
    StepStarted(StepStarted) = "step.started",
    /// A piece of the answer.
    MessageDelta(Delta) = "message.delta",
    /// A piece of the model's reasoning.
    ReasoningDelta(Delta) = "reasoning.delta",
    /// A model call failed and is tried again.
    StepRetried(StepRetried) = "step.retried",
    /// The model is shown less of the conversation from now on.
    HistoryCompacted(HistoryCompacted) = "history.compacted",
    /// The model has summarised what it isn't shown any more.
    HistorySummarised(HistorySummarised) = "history.summarised",
    /// The model has answered.
    StepCompleted(StepCompleted) = "step.completed",
    /// The model asks for a tool.
    ToolCall(ToolCalled) = "tool.call",
    /// The intent: the tool is about to run.
    ToolStarted(ToolStarted) = "tool.started",
    /// How far the call is.
    ToolProgress(ToolProgress) = "tool.progress",
    /// The call has stopped half-way.
    ToolPaused(ToolPaused) = "tool.paused",
    /// The tool's one result.
    ToolResult(ToolResulted) = "tool.result",
    /// The run asks a person.
    WaitingForInput(WaitingForInput) = "run.waiting_for_input",
    /// A person has answered.
    InputReceived(InputReceived) = "run.input_received",
    /// Someone asked for the run's end.
    CancelRequested(CancelRequested) = "run.cancel_requested",
    /// The run goes on after a crash or a hand-over.
    RunResumed(RunResumed) = "run.resumed",
    /// The end: an answer.
    RunCompleted(RunCompleted) = "run.completed",
    /// The end: an error.
    RunFailed(RunFailed) = "run.failed",
    /// The end: someone asked.
    RunCancelled(RunCancelled) = "run.cancelled",
}

impl EventBody {
    /// Whether nothing can follow.
    pub const fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::RunCompleted(_) | Self::RunFailed(_) | Self::RunCancelled(_)
        )
    }

    /// The same, by the type's name.
    pub fn is_terminal_type(event_type: &str) -> bool {
        matches!(event_type, "run.completed" | "run.failed" | "run.cancelled")
    }

    /// Whether a type is a delta: shown to clients, never needed to rebuild a run.
    pub fn is_delta_type(event_type: &str) -> bool {
        matches!(event_type, "message.delta" | "reasoning.delta")
    }
}

/// An event that has its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the run, dense from 1.
    pub seq: u64,
    /// When its writer made it.
    pub created_at: Timestamp,
    /// What happened.
    pub body: EventBody,
    /// What only the engine may see.
    pub private: Option<EventPrivate>,
}

/// An event that the store has yet to number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub body: EventBody,
    /// What only the engine may see.
    pub private: Option<EventPrivate>,
}

impl NewEvent {
    /// An event without a private payload.
    pub const fn public(body: EventBody) -> Self {
        Self {
            body,
            private: None,
        }
    }

    /// The form that is stored and streamed.
    pub fn encode(&self, created_at: Timestamp) -> EncodedEvent {
        EncodedEvent {
            event_type: self.body.event_type().to_owned(),
            data: self.body.data_json(),
            private: self.private.as_ref().map(EventPrivate::to_json),
            created_at,
        }
    }
}

/// An event as it is written: its data is JSON text that nobody encodes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The type's name.
    pub event_type: String,
    /// The public data, one line of JSON.
    pub data: String,
    /// The private payload, JSON.
    pub private: Option<String>,
    /// When its writer made it.
    pub created_at: Timestamp,
}

/// An event as it is read from a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the run.
    pub seq: u64,
    /// What was written.
    pub event: EncodedEvent,
}

impl StoredEvent {
    /// The event's meaning. Fails when a known type holds data that it can't hold, which
    /// means a damaged or foreign database.
    pub fn decode(&self) -> Result<Event, serde_json::Error> {
        Ok(Event {
            seq: self.seq,
            created_at: self.event.created_at,
            body: EventBody::from_json(&self.event.event_type, &self.event.data)?,
            private: self
                .event
                .private
                .as_deref()
                .map(EventPrivate::from_json)
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
