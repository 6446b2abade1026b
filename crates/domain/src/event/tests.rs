use serde_json::json;

use super::*;
use crate::{Decision, NanoUsd, RunTotals, TokenBuckets, Usage, UsageSource, UserId};

const AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn stored(seq: u64, event: &NewEvent) -> StoredEvent {
    StoredEvent {
        seq,
        event: event.encode(AT),
    }
}

#[test]
fn a_delta_is_one_line_in_the_given_shape() {
    let delta = Delta {
        content: "hi\n".into(),
        role: Some("assistant".into()),
        step: 1,
        attempt: 1,
    };
    let event = NewEvent::public(EventBody::MessageDelta(delta)).encode(AT);
    assert_eq!(
        event_json(3, &event),
        r#"{"seq":3,"type":"message.delta","data":{"content":"hi\n","role":"assistant","step":1,"attempt":1},"created_at":"2026-01-01T00:00:00.000Z"}"#
    );
}

#[test]
fn events_round_trip_with_their_private_part() {
    let tokens = TokenBuckets {
        uncached_input_tokens: 3,
        output_tokens: 4,
        ..Default::default()
    };
    let usage = Usage {
        tokens,
        source: UsageSource::Reported,
    };
    let event = NewEvent {
        body: EventBody::StepCompleted(StepCompleted {
            step: 1,
            message: AssistantMessage {
                role: "assistant".into(),
                content: "yes".into(),
                tool_calls: vec![],
            },
            finish_reason: FinishReason::Stop,
            usage,
            cost_usd: 0.25,
        }),
        private: Some(EventPrivate::Call {
            call: crate::ModelCall {
                step: 1,
                attempt: 1,
                route_id: "r".into(),
                model: "m".into(),
                usage,
                cost: NanoUsd::from_nanos(250_000_000),
                multiplier: crate::Multiplier::default(),
            },
            provider: Some(json!({"signature": "x"})),
            provider_call_ids: std::collections::BTreeMap::default(),
        }),
    };
    let read = stored(7, &event).decode().unwrap();
    assert_eq!((read.seq, read.created_at), (7, AT));
    assert_eq!((read.body, read.private), (event.body, event.private));
}

#[test]
fn unknown_types_pass_through() {
    let event = EncodedEvent {
        event_type: "run.teleported".into(),
        data: r#"{"to":"mars","n":[1,2]}"#.into(),
        private: Some(r#"{"kind":"coordinates"}"#.into()),
        created_at: AT,
    };
    let read = StoredEvent {
        seq: 1,
        event: event.clone(),
    }
    .decode()
    .unwrap();
    assert_eq!(read.body.event_type(), "run.teleported");
    assert_eq!(read.private, Some(EventPrivate::Unknown));
    assert_eq!(
        NewEvent {
            body: read.body,
            private: None
        }
        .encode(AT)
        .data,
        event.data
    );
}

#[test]
fn damaged_data_is_an_error() {
    let event = EncodedEvent {
        event_type: "tool.started".into(),
        data: "{}".into(),
        private: None,
        created_at: AT,
    };
    assert!(StoredEvent { seq: 1, event }.decode().is_err());
}

#[test]
fn data_of_earlier_versions_is_still_read() {
    // Stored samples: a field added later must have a default.
    let samples = [
        (
            "run.cancelled",
            json!({"reason":"requested","totals":ShownTotals::default()}),
        ),
        ("run.waiting_for_input", json!({"requests":[]})),
        (
            "tool.started",
            json!({"tool_call_id":"0198c5a0-0000-7000-8000-000000000000","attempt":1}),
        ),
        (
            "run.waiting_for_input",
            json!({"requests":[{
                "request_id":"0198c5a0-0000-7000-8000-000000000000","kind":"tool_approval",
                "tool_name":"t","arguments":{},"prompt":"May it?",
            }]}),
        ),
        (
            "run.input_received",
            json!({
                "request_id":"0198c5a0-0000-7000-8000-000000000000",
                "user_id":"0198c5a0-0000-7000-8000-000000000000","decision":"approve",
            }),
        ),
        (
            "tool.progress",
            json!({"tool_call_id":"0198c5a0-0000-7000-8000-000000000000","progress":0.5}),
        ),
        (
            "tool.paused",
            json!({"tool_call_id":"0198c5a0-0000-7000-8000-000000000000","reason":"input"}),
        ),
        (
            "step.retried",
            json!({"step":1,"attempt":1,"error_class":"provider.unavailable","delay_ms":5,"discard_from_seq":3}),
        ),
    ];
    for (event_type, data) in samples {
        let event = EncodedEvent {
            event_type: event_type.into(),
            data: data.to_string(),
            private: None,
            created_at: AT,
        };
        let body = StoredEvent { seq: 1, event }.decode().unwrap().body;
        assert_eq!(body.event_type(), event_type);
        assert!(!matches!(body, EventBody::Unknown { .. }));
    }
}

#[test]
fn private_parts_of_earlier_versions_are_still_read() {
    let answer = r#"{"kind":"answer","answer":{"decision":"approve"}}"#;
    let Ok(EventPrivate::Answer { answer }) = EventPrivate::from_json(answer) else {
        panic!("an answer");
    };
    assert_eq!((answer.action, answer.arguments_digest), (None, None));
    let pin = r#"{"name":"t","hash":"h","class":"once","approval":"ask"}"#;
    let pin: crate::ToolPin = serde_json::from_str(pin).unwrap();
    assert!(pin.origin.is_builtin() && pin.rules.is_empty());
    // What has its usual value isn't written: an earlier version reads it.
    let limits = serde_json::to_value(crate::Limits::default()).unwrap();
    assert_eq!(limits.get("max_identical_calls"), None);
}

#[test]
fn only_three_types_end_a_run() {
    let totals = ShownTotals::new(&RunTotals::default(), 0);
    let completed = EventBody::RunCompleted(RunCompleted {
        output: String::new(),
        totals,
    });
    assert!(completed.is_terminal());
    let requested = EventBody::CancelRequested(CancelRequested {
        requested_by_user_id: UserId::generate(AT),
        reason: None,
    });
    assert!(!requested.is_terminal());
    assert_eq!(serde_json::to_value(Decision::Approve).unwrap(), "approve");
}

#[test]
fn cursors_are_plain_integers() {
    assert_eq!(seq_from_text("0"), Some(0));
    assert_eq!(seq_from_text("9223372036854775807"), Some(i64::MAX as u64));
    for bad in [
        "",
        "-1",
        "+1",
        "1e3",
        "1.0",
        " 1",
        "9223372036854775808",
        "x",
    ] {
        assert_eq!(seq_from_text(bad), None, "{bad:?}");
    }
}
