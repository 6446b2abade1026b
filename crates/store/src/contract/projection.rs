//! What a change writes beside its events.

use runloom_domain::{
    MessageBody, MessageId, NanoUsd, RunStatus, RunTotals, TokenBuckets, ToolCallId,
    ToolCallRequest,
};

use super::Harness;
use super::fixtures::{
    answer_message, append, append_ok, call, event, first_page, now, post, running,
};
use crate::{Appended, NewMessage, Projection, RunEnd, ToolOutput};

/// Messages take the thread's next positions, between those that people post meanwhile.
pub async fn messages_take_the_next_positions(h: &Harness) {
    let scene = running(h).await;
    let (org, thread) = (scene.tenant.org, scene.thread);
    let step = || Projection {
        messages: vec![answer_message("first"), answer_message("second")],
        ..Projection::default()
    };
    post(h, &scene.tenant, thread, "one").await;
    append_ok(h, scene.change(vec![event("step.completed")], step())).await;
    post(h, &scene.tenant, thread, "four").await;
    append_ok(h, scene.change(vec![event("step.completed")], step())).await;
    let page = h
        .store()
        .messages(org, thread, first_page(100), true)
        .await
        .unwrap()
        .unwrap();
    let positions: Vec<u64> = page.items.iter().map(|m| m.position).collect();
    assert_eq!(positions, [6, 5, 4, 3, 2, 1]);
    let own = scene.own_messages(h).await;
    let positions: Vec<u64> = own.iter().map(|m| m.position).collect();
    assert_eq!(positions, [2, 3, 5, 6]);
    assert!(
        own.iter()
            .all(|m| m.run_id == Some(scene.run) && m.org_id == org)
    );
}

/// A message comes back as it was written, its calls and what the provider wants included.
pub async fn messages_come_back_as_written(h: &Harness) {
    let scene = running(h).await;
    let tool_call_id = ToolCallId::generate(now());
    let arguments = serde_json::json!({ "b": [1, 2.5, null], "a": { "é": "\u{1d11e}\"\\" } });
    let bodies = vec![
        MessageBody::Assistant {
            content: String::new(),
            tool_calls: vec![ToolCallRequest {
                tool_call_id,
                tool_name: "calculator".to_owned(),
                arguments,
            }],
            provider: Some(serde_json::json!({ "signature": "c2ln" })),
        },
        MessageBody::Tool {
            tool_call_id,
            tool_name: "calculator".to_owned(),
            content: "line\r\n\ttwo \u{200d}".to_owned(),
        },
        MessageBody::Assistant {
            content: "42".to_owned(),
            tool_calls: vec![],
            provider: None,
        },
    ];
    let new = |body: &MessageBody| NewMessage {
        message_id: MessageId::generate(now()),
        body: body.clone(),
        created_at: now(),
    };
    let messages: Vec<NewMessage> = bodies.iter().map(new).collect();
    let projection = Projection {
        messages: messages.clone(),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.completed")], projection)).await;
    let read = scene.own_messages(h).await;
    assert_eq!(
        read.iter().map(|m| m.body.clone()).collect::<Vec<_>>(),
        bodies
    );
    for (read, written) in read.iter().zip(&messages) {
        assert_eq!(
            (read.id, read.created_at),
            (written.message_id, written.created_at)
        );
        assert_eq!(
            (read.created_by_user_id, read.thread_id),
            (None, scene.thread)
        );
    }
}

/// A repeated step and attempt is refused, in one change and across changes, and with it the
/// whole change; the run itself goes on.
pub async fn a_model_call_is_charged_once(h: &Harness) {
    let scene = running(h).await;
    let calls = |calls| Projection {
        calls,
        messages: vec![answer_message("x")],
        totals: Some(RunTotals::default().plus(&call(9, 9))),
        ..Projection::default()
    };
    let charge = |projection| scene.change(vec![event("step.completed")], projection);
    append_ok(h, charge(calls(vec![call(1, 1), call(1, 2)]))).await;
    for repeated in [vec![call(1, 2)], vec![call(2, 1), call(2, 1)]] {
        let refused = append(h, charge(calls(repeated))).await;
        assert!(matches!(refused, Appended::Invalid { .. }), "{refused:?}");
    }
    assert_eq!(scene.types(h).await.len(), 2);
    assert_eq!(scene.own_messages(h).await.len(), 1);
    assert_eq!(append_ok(h, charge(calls(vec![call(2, 1)]))).await, 2);
    let own = scene.own_messages(h).await;
    let positions: Vec<u64> = own.iter().map(|m| m.position).collect();
    assert_eq!(positions, [1, 2]);
}

/// The newest totals stay; a change without totals leaves them.
pub async fn totals_are_replaced(h: &Harness) {
    let scene = running(h).await;
    let totals = RunTotals {
        tokens: TokenBuckets {
            uncached_input_tokens: 1,
            cache_read_tokens: 2,
            cache_write_tokens: 3,
            output_tokens: 4_000_000_000_000,
        },
        cost: NanoUsd::from_nanos(5_000_000_000_001),
    };
    for totals in [Some(RunTotals::default()), Some(totals), None] {
        let projection = Projection {
            totals,
            ..Projection::default()
        };
        append_ok(h, scene.change(vec![event("step.completed")], projection)).await;
    }
    let run = scene.record(h).await;
    assert_eq!((run.totals, run.status), (totals, RunStatus::Running));
}

/// The end of a run shows in its row, with its credits and why it failed.
pub async fn the_end_is_kept(h: &Harness) {
    let scene = running(h).await;
    let at = now();
    let totals = RunTotals::default().plus(&call(1, 1));
    let failure = Projection {
        status: Some(RunStatus::Failed),
        calls: vec![call(1, 1)],
        totals: Some(totals),
        end: Some(RunEnd {
            at,
            credits: 7,
            error_class: Some("provider.unauthorized".to_owned()),
            error_message: Some("the key “x” isn't known".to_owned()),
        }),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("run.failed")], failure)).await;
    let run = scene.record(h).await;
    assert_eq!((run.status, run.ended_at), (RunStatus::Failed, Some(at)));
    assert_eq!((run.credits_used, run.totals), (Some(7), totals));
    assert_eq!(run.error_class.as_deref(), Some("provider.unauthorized"));
    assert_eq!(
        run.error_message.as_deref(),
        Some("the key “x” isn't known")
    );
}

/// A run that cost nothing has a credit entry of nothing.
pub async fn free_runs_have_an_entry_too(h: &Harness) {
    let scene = running(h).await;
    let mut end = scene.completion();
    if let Some(run_end) = end.projection.as_mut().and_then(|p| p.end.as_mut()) {
        run_end.credits = 0;
    }
    append_ok(h, end).await;
    let run = scene.record(h).await;
    assert_eq!(run.credits_used, Some(0));
}

/// Whole outputs are found by their call; a second one for the same call is refused.
pub async fn tool_outputs_are_kept(h: &Harness) {
    let scene = running(h).await;
    let tool_call_id = ToolCallId::generate(now());
    let output = |content: &str| Projection {
        outputs: vec![ToolOutput {
            tool_call_id,
            content: content.to_owned(),
        }],
        ..Projection::default()
    };
    append_ok(
        h,
        scene.change(vec![event("tool.result")], output("the whole")),
    )
    .await;
    let refused = append(h, scene.change(vec![event("tool.result")], output("again"))).await;
    assert!(matches!(refused, Appended::Invalid { .. }), "{refused:?}");
    let (store, org) = (h.store(), scene.tenant.org);
    let found = store
        .tool_output(org, scene.run, tool_call_id)
        .await
        .unwrap();
    assert_eq!(found.as_deref(), Some("the whole"));
    let other = ToolCallId::generate(now());
    assert_eq!(
        store.tool_output(org, scene.run, other).await.unwrap(),
        None
    );
}
