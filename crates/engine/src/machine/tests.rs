use runloom_domain::event::{FinishReason, RunStarted};
use runloom_domain::{
    ApprovalMode, EventBody, EventPrivate, Multiplier, NanoUsd, Prices, RunId, RunSpec, RunStatus,
    ThreadId, ToolClass, ToolOrigin, ToolPin, TraceId, UsageSource, parse_answer,
};
use serde_json::json;

use super::*;
use crate::port::model::{ModelError, ModelErrorKind};

mod children;
mod failing;
mod tools;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn spec(limits: &Value) -> RunSpec {
    let tool = |name: &str, class, approval| ToolPin {
        name: name.into(),
        hash: String::new(),
        class,
        approval,
        rules: vec![],
        inherited: vec![],
        asks: false,
        origin: ToolOrigin::Builtin,
    };
    let mut spec: RunSpec = serde_json::from_value(json!({
        "persona": {"key": "p", "version": "1"},
        "prompt": "",
        "route": {"route_id": "a", "model": "m", "kind": "k", "backoff": {"max_attempts": 2}},
        "fallbacks": [{"route_id": "b", "model": "m", "kind": "k", "backoff": {"max_attempts": 1}}],
        "tools": [],
        "limits": limits,
        "history_until": 1,
    }))
    .unwrap();
    spec.tools = vec![
        tool("pure", ToolClass::Pure, ApprovalMode::Auto),
        tool("once", ToolClass::Once, ApprovalMode::Auto),
        tool("ask", ToolClass::Pure, ApprovalMode::Ask),
        tool("deny", ToolClass::Pure, ApprovalMode::Deny),
        tool(SPAWN_AGENT, ToolClass::Keyed, ApprovalMode::Auto),
        tool(WAIT_AGENTS, ToolClass::Pure, ApprovalMode::Auto),
    ];
    spec
}

/// Calls must not have an argument `bad`.
fn fits(_: &ToolPin, arguments: &Value) -> Result<(), String> {
    let is_bad = arguments.get("bad").is_some();
    (!is_bad)
        .then_some(())
        .ok_or_else(|| "at /bad: no".to_owned())
}

/// A state, and what is running in the process that holds it.
struct Run {
    state: RunState,
    running: BTreeSet<ToolCallId>,
}

impl Run {
    fn started(limits: &Value) -> Self {
        let (run_id, thread_id) = (RunId::generate(NOW), ThreadId::generate(NOW));
        let first = runloom_domain::Event {
            seq: 1,
            created_at: NOW,
            body: EventBody::RunStarted(RunStarted {
                run_id,
                thread_id,
                route_id: "a".into(),
                persona_id: "p@1".into(),
                model: "m".into(),
                trace_id: TraceId::generate(),
                parent_run_id: None,
            }),
            private: Some(EventPrivate::Spec {
                spec: Box::new(spec(limits)),
            }),
        };
        Self {
            state: RunState::begin(&first).unwrap(),
            running: BTreeSet::new(),
        }
    }

    fn take_at(&mut self, now: Timestamp, input: Input) -> (Vec<String>, Decision) {
        let cx = Context {
            now,
            entropy: u32::MAX,
            due: matches!(input, Input::Claimed { lost: None, .. }),
            draining: false,
            check: &fits,
            max_parallel: 3,
            running: &self.running,
            message_id: &|| MessageId::generate(NOW),
            request_id: &|| RequestId::generate(NOW),
        };
        let decision = decide(&self.state, input, &cx);
        let mut types = Vec::new();
        for NewEvent { body, private } in &decision.events {
            types.push(body.event_type().to_owned());
            self.state.apply(&runloom_domain::Event {
                seq: self.state.last_seq + 1,
                created_at: now,
                body: body.clone(),
                private: private.clone(),
            });
        }
        for effect in &decision.effects {
            if let Effect::RunTool { tool_call_id, .. } = effect {
                self.running.insert(*tool_call_id);
            }
        }
        (types, decision)
    }

    fn take(&mut self, input: Input) -> (Vec<String>, Decision) {
        self.take_at(NOW, input)
    }

    fn claim(&mut self, attempts: u32, lost: Option<ResumeReason>) -> (Vec<String>, Decision) {
        self.running.clear();
        let cut_usage = Usage::estimated(8, 4);
        self.take(Input::Claimed {
            attempts,
            lost,
            thread_position: 1,
            cut_usage,
        })
    }

    fn fail(&mut self, kind: ModelErrorKind) -> (Vec<String>, Decision) {
        let error = ModelError::new(kind, "no");
        self.take(Input::ModelFailed(FailedCall {
            error,
            usage: Usage::estimated(4, 0),
            reported_cost: None,
            shorter: Some(500),
            text: None,
        }))
    }

    fn answer(&mut self, tools: &[&str]) -> (Vec<String>, Decision) {
        self.call(tools.iter().map(|name| (*name, json!({}))).collect())
    }

    fn call(&mut self, tools: Vec<(&str, Value)>) -> (Vec<String>, Decision) {
        let call = |(name, arguments): (&str, Value)| AnsweredCall {
            tool_call_id: ToolCallId::generate(NOW),
            provider_id: "call_0".into(),
            name: name.into(),
            arguments,
        };
        self.take(Input::ModelFinished(ModelAnswer {
            text: "hi".into(),
            calls: tools.into_iter().map(call).collect(),
            reason: FinishReason::Stop,
            usage: Usage::estimated(4, 4),
            reported_cost: None,
            provider: None,
        }))
    }
}

fn error_class(decision: &Decision) -> String {
    match &decision.events.last().unwrap().body {
        EventBody::RunFailed(failed) => failed.error_class.clone(),
        other => panic!("not a failure: {other:?}"),
    }
}

#[test]
fn an_answer_without_tools_ends_the_run_in_the_same_commit() {
    let mut run = Run::started(&json!({}));
    let (types, decision) = run.claim(1, None);
    assert_eq!(types, ["step.started"]);
    assert!(matches!(
        decision.effects[..],
        [Effect::CallModel {
            step: 1,
            attempt: 1,
            ..
        }]
    ));
    let (types, decision) = run.answer(&[]);
    assert_eq!(types, ["step.completed", "run.completed"]);
    assert_eq!(decision.effects, [Effect::LetGo]);
    let projection = decision.projection.unwrap();
    assert_eq!(projection.status, Some(RunStatus::Completed));
    assert_eq!((projection.messages.len(), projection.calls.len()), (1, 1));
}

#[test]
fn a_failing_route_is_tried_again_then_left_then_given_up() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, decision) = run.fail(ModelErrorKind::Unavailable);
    assert_eq!(types, ["step.retried"]);
    assert!(matches!(decision.effects[..], [Effect::Wait(_)]));
    assert_eq!(run.take(Input::WaitOver).0, ["step.started"]);
    let (types, decision) = run.fail(ModelErrorKind::Unavailable);
    assert_eq!(types, ["step.retried", "step.started"]);
    let EventBody::StepRetried(retried) = &decision.events[0].body else {
        panic!()
    };
    assert_eq!(
        (retried.next_route_id.as_deref(), retried.attempt),
        (Some("b"), 2)
    );
    let (types, decision) = run.fail(ModelErrorKind::Stalled);
    assert_eq!(types, ["run.failed"]);
    assert_eq!(error_class(&decision), "provider.stalled");
    assert_eq!(run.state.costs.len(), 3, "each try is in the bill");
}

#[test]
fn what_cannot_get_better_is_not_tried_again() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, decision) = run.fail(ModelErrorKind::Unauthorized);
    assert_eq!(
        types,
        ["step.retried", "step.started"],
        "but the fallback is"
    );
    let EventBody::StepRetried(retried) = &decision.events[0].body else {
        panic!()
    };
    assert_eq!((retried.delay_ms, retried.discard_from_seq), (0, 3));
}

#[test]
fn long_waits_free_the_run() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let mut error = ModelError::new(ModelErrorKind::RateLimited, "slow down");
    error.retry_after = Some(Duration::from_secs(20));
    let failed = FailedCall {
        error,
        usage: Usage::estimated(4, 0),
        reported_cost: None,
        shorter: Some(500),
        text: None,
    };
    let (types, decision) = run.take(Input::ModelFailed(failed));
    assert_eq!(types, ["step.retried"]);
    // The jitter adds a tenth at most.
    let wake = runloom_store::Wake::After(Duration::from_secs(22));
    assert_eq!(decision.projection.unwrap().release, Some(wake));
    assert_eq!(decision.effects, [Effect::LetGo]);
}

#[test]
fn after_a_crash_the_call_is_made_anew_and_charged() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, decision) = run.claim(2, Some(ResumeReason::LeaseExpired));
    assert_eq!(types, ["run.resumed", "step.retried", "step.started"]);
    assert!(matches!(
        decision.effects[..],
        [Effect::CallModel {
            step: 1,
            attempt: 2,
            ..
        }]
    ));
    let call = &decision.projection.unwrap().calls[0];
    assert_eq!(call.usage.source, UsageSource::Estimated);
}

#[test]
fn a_started_once_tool_is_asked_about_and_a_pure_one_runs_again() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    run.answer(&["once"]);
    let (types, decision) = run.claim(2, Some(ResumeReason::LeaseExpired));
    assert_eq!(types, ["run.resumed", "run.waiting_for_input"]);
    assert_eq!(decision.effects, [Effect::LetGo]);

    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    run.answer(&["pure"]);
    let (types, _) = run.claim(2, Some(ResumeReason::LeaseExpired));
    assert_eq!(types, ["run.resumed", "tool.started"]);
}

#[test]
fn a_run_that_is_lost_again_and_again_fails() {
    let mut run = Run::started(&json!({}));
    let (types, decision) = run.claim(MAX_ATTEMPTS, Some(ResumeReason::LeaseExpired));
    assert_eq!(types, ["run.resumed", "run.failed"]);
    assert_eq!(error_class(&decision), "internal.error");
}

#[test]
fn limits_end_a_run() {
    let mut run = Run::started(&json!({"max_steps": 1}));
    run.claim(1, None);
    let (types, decision) = run.answer(&["deny"]);
    assert_eq!(types.last().unwrap(), "run.failed");
    assert_eq!(error_class(&decision), "limits.max_steps");

    let mut run = Run::started(&json!({"max_output_tokens": 1}));
    run.claim(1, None);
    assert_eq!(error_class(&run.answer(&["deny"]).1), "budget.exhausted");
}

#[test]
fn a_cancel_request_comes_before_everything_else() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    run.answer(&["once"]);
    let user_id = UserId::generate(NOW);
    assert_eq!(
        run.take(Input::CancelRequested {
            user_id,
            unheld: false,
            reason: None,
        })
        .0,
        ["run.cancel_requested"]
    );
    assert_eq!(run.state.status, RunStatus::Cancelling);
    let again = Input::CancelRequested {
        user_id,
        unheld: false,
        reason: None,
    };
    assert_eq!(run.take(again).0, [""; 0], "it is asked for once");
    let (types, decision) = run.take(Input::Stopped {
        cause: StopCause::Cancel,
        cut: None,
    });
    assert_eq!(types, ["tool.result", "run.cancelled"]);
    let EventBody::ToolResult(result) = &decision.events[0].body else {
        panic!()
    };
    assert_eq!(
        result.error.as_ref().unwrap().error_class,
        "tool.outcome_unknown"
    );
}

#[test]
fn a_waiting_run_is_cancelled_at_once() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    run.answer(&["ask"]);
    let user_id = UserId::generate(NOW);
    let (types, decision) = run.take(Input::CancelRequested {
        user_id,
        unheld: false,
        reason: None,
    });
    assert_eq!(
        types,
        ["run.cancel_requested", "tool.result", "run.cancelled"]
    );
    assert_eq!(
        decision.projection.unwrap().status,
        Some(RunStatus::Cancelled)
    );
}

#[test]
fn a_stopping_node_begins_nothing() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let answer = ModelAnswer {
        text: "hi".into(),
        calls: vec![AnsweredCall {
            tool_call_id: ToolCallId::generate(NOW),
            provider_id: "x".into(),
            name: "once".into(),
            arguments: json!({}),
        }],
        reason: FinishReason::ToolCalls,
        usage: Usage::estimated(4, 4),
        reported_cost: None,
        provider: None,
    };
    let cx = Context {
        now: NOW,
        entropy: 0,
        due: false,
        draining: true,
        check: &fits,
        max_parallel: 3,
        running: &BTreeSet::new(),
        message_id: &|| MessageId::generate(NOW),
        request_id: &|| RequestId::generate(NOW),
    };
    let decision = decide(&run.state, Input::ModelFinished(answer), &cx);
    let types: Vec<_> = decision
        .events
        .iter()
        .map(|e| e.body.event_type())
        .collect();
    assert_eq!(
        types,
        ["step.completed", "tool.call"],
        "no intent is committed"
    );
    assert!(decision.effects.is_empty());
}

/// What a call of 4 + 4 estimated bytes is charged, with what its provider says it cost.
fn charged(prices: Option<Prices>, usage: Usage, reported: Option<i64>) -> (i64, i64) {
    let mut run = Run::started(&json!({}));
    let route = &mut std::sync::Arc::make_mut(&mut run.state.spec).route;
    route.prices = prices;
    route.multiplier = Multiplier::from_thousandths(2_000);
    run.claim(1, None);
    let (_, decision) = run.take(Input::ModelFinished(ModelAnswer {
        text: "hi".into(),
        calls: Vec::new(),
        reason: FinishReason::Stop,
        usage,
        reported_cost: reported.map(NanoUsd::from_nanos),
        provider: None,
    }));
    let projection = decision.projection.unwrap();
    let cost = projection.totals.unwrap().cost.as_nanos();
    (cost, projection.end.unwrap().credits)
}

#[test]
fn a_route_without_prices_takes_the_providers_word() {
    let used = Usage::estimated(4, 4);
    let priced = Prices {
        output: NanoUsd::from_nanos(5_000_000_000_000),
        ..Prices::default()
    };
    // One token of output at $5,000 per million: 5 credits, times two.
    assert_eq!(charged(Some(priced), used, None), (5_000_000, 10));
    // Whoever has said a price is believed, not the provider.
    assert_eq!(charged(Some(priced), used, Some(7)), (5_000_000, 10));
    assert_eq!(charged(None, used, Some(12_500_000)), (12_500_000, 25));
    assert_eq!(charged(None, used, None), (0, 0));
    // What the provider never took costs nothing, whatever is said.
    assert_eq!(charged(None, Usage::estimated(0, 0), Some(7)), (0, 0));
    assert_eq!(charged(None, used, Some(i64::MAX)).0, i64::MAX);
}
