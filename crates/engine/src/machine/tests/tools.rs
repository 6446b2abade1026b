use runloom_domain::{InputAction, InputRequest, ToolInput};
use runloom_store::Wake;

use super::*;
use crate::port::tool::{Question, ToolError, ToolReply};

impl Run {
    /// A run with these limits that is about to call its model.
    fn calling(limits: &Value) -> Self {
        let mut run = Self::started(limits);
        run.claim(1, None);
        run
    }

    /// The first call under way ends.
    fn finish(&mut self, result: Result<ToolReply, ToolError>) -> (Vec<String>, Decision) {
        let first = *self.running.first().expect("a call under way");
        self.finish_call(first, result)
    }

    pub(super) fn finish_call(
        &mut self,
        tool_call_id: ToolCallId,
        result: Result<ToolReply, ToolError>,
    ) -> (Vec<String>, Decision) {
        self.running.remove(&tool_call_id);
        self.take(Input::ToolFinished(ToolOutcome {
            tool_call_id,
            result,
            duration_ms: 1,
            output_cap: 9,
            private: None,
        }))
    }

    /// A person answers the requests in order, with as many words as there are.
    fn say(&mut self, words: &[&str]) -> (Vec<String>, Decision) {
        let asked = self.state.requests.clone();
        let answer = |(request, word): (&InputRequest, &&str)| {
            (
                request.request_id,
                parse_answer(request, word).expect("an answer"),
            )
        };
        self.take(Input::Answered {
            answers: asked.iter().zip(words).map(answer).collect(),
            user_id: UserId::generate(NOW),
        })
    }

    pub(super) fn errors(decision: &Decision) -> Vec<String> {
        let class = |event: &NewEvent| match &event.body {
            EventBody::ToolResult(result) => result.error.clone().map(|error| error.error_class),
            _ => None,
        };
        decision.events.iter().filter_map(class).collect()
    }

    /// The names of the tools that a decision starts.
    pub(super) fn starts(decision: &Decision) -> Vec<String> {
        let name = |effect: &Effect| match effect {
            Effect::RunTool { tool_name, .. } => Some(tool_name.clone()),
            _ => None,
        };
        decision.effects.iter().filter_map(name).collect()
    }
}

fn done() -> ToolReply {
    "1".into()
}

#[test]
fn a_run_has_no_more_calls_under_way_than_it_may() {
    let mut run = Run::calling(&json!({}));
    let (_, decision) = run.answer(&["pure"; 5]);
    assert_eq!(Run::starts(&decision).len(), 3);
    let (types, _) = run.finish(Ok(done()));
    assert_eq!(types, ["tool.result", "tool.started"]);
    let (types, _) = run.finish(Err(ToolError::failed("no")));
    assert_eq!(types, ["tool.result", "tool.started"], "its siblings go on");
}

#[test]
fn calls_that_must_not_happen_twice_go_one_after_another() {
    let mut run = Run::calling(&json!({}));
    let (_, decision) = run.answer(&["once", "pure", "once"]);
    assert_eq!(Run::starts(&decision), ["once", "pure"]);
    let first = run.state.calls[0].id;
    let (types, decision) = run.finish_call(first, Ok(done()));
    assert_eq!(Run::starts(&decision), ["once"], "{types:?}");
}

#[test]
fn arguments_that_do_not_fit_are_told_before_anybody_is_asked() {
    let mut run = Run::calling(&json!({}));
    let bad = || json!({"bad": 1});
    let (types, decision) = run.call(vec![("pure", bad()), ("ask", bad()), ("ask", json!("x"))]);
    assert_eq!(Run::errors(&decision), ["tool.invalid_arguments"; 3]);
    assert_eq!(types.last().unwrap(), "step.started");
    let EventBody::ToolResult(result) = &decision.events[4].body else {
        panic!("{types:?}");
    };
    assert!(result.error.as_ref().unwrap().message.contains("/bad"));
}

#[test]
fn an_approval_is_bound_to_the_arguments() {
    let mut run = Run::calling(&json!({}));
    run.call(vec![("ask", json!({"b": 1, "a": 2}))]);
    let digest = runloom_domain::arguments_digest(&json!({"a": 2, "b": 1}));
    assert_eq!(
        run.state.requests[0].arguments_digest.as_ref(),
        Some(&digest)
    );
    let (_, decision) = run.say(&["approve"]);
    let EventBody::InputReceived(received) = &decision.events[0].body else {
        panic!("no answer");
    };
    assert_eq!(received.arguments_digest, Some(digest));
    run.state.calls[0].arguments = json!({"a": 3, "b": 1});
    let (_, decision) = run.claim(1, None);
    assert_eq!(Run::errors(&decision), ["tool.approval_mismatch"]);
    assert!(Run::starts(&decision).is_empty());
}

#[test]
fn three_requests_are_answered_together() {
    let mut run = Run::calling(&json!({}));
    run.answer(&["ask", "ask", "ask"]);
    assert_eq!(run.state.requests.len(), 3);
    let edit = r#"{"decision":"edit","arguments":{"a":1}}"#;
    let (types, decision) = run.say(&["approve", "reject", edit]);
    assert_eq!(types, ["run.input_received"; 3]);
    assert_eq!(decision.projection.unwrap().release, Some(Wake::Now));
    let (types, decision) = run.claim(1, None);
    assert_eq!(types, ["tool.started", "tool.result", "tool.started"]);
    assert_eq!(Run::errors(&decision), ["tool.rejected"]);
    let edited = decision.effects.iter().any(
        |effect| matches!(effect, Effect::RunTool { arguments, .. } if *arguments == json!({"a": 1})),
    );
    assert!(edited);
}

#[test]
fn a_tool_that_asks_is_called_again_with_the_answer() {
    let mut run = Run::calling(&json!({}));
    run.answer(&["once"]);
    let question = Question {
        prompt: "Who?".into(),
        schema: Some(json!({"type": "object"})),
        state: json!({"round": 1}),
    };
    let asks = || Ok(ToolReply::NeedsInput(Box::new(question.clone())));
    let (types, _) = run.finish(asks());
    assert_eq!(types, ["tool.paused", "run.waiting_for_input"]);
    assert!(run.state.requests[0].asked_by_tool);
    run.say(&[r#"{"name":"Ada"}"#]);
    let (types, _) = run.claim(1, None);
    assert_eq!(types, ["tool.started"]);
    let call = &run.state.calls[0];
    let expected = ToolInput {
        action: InputAction::Accept(json!({"name": "Ada"})),
        state: json!({"round": 1}),
    };
    assert_eq!((call.starts, call.input.as_ref()), (2, Some(&expected)));
    run.finish(asks());
    run.say(&[r#"{"action":"decline"}"#]);
    run.claim(1, None);
    let input = run.state.calls[0].input.clone().unwrap();
    assert_eq!(input.action, InputAction::Decline);
    let (types, _) = run.finish(Ok(done()));
    assert_eq!(types, ["tool.result", "step.started"]);
}

#[test]
fn a_question_that_nobody_could_answer_fails_its_call() {
    let mut run = Run::calling(&json!({}));
    run.answer(&["once"]);
    let question = Question {
        prompt: "Who?".into(),
        schema: Some(json!({"$ref": "#"})),
        state: Value::Null,
    };
    let (_, decision) = run.finish(Ok(ToolReply::NeedsInput(Box::new(question))));
    assert_eq!(Run::errors(&decision), ["tool.failed"]);
}

#[test]
fn a_call_that_has_nothing_to_say_yet_lets_go_of_the_run() {
    let mut run = Run::calling(&json!({}));
    run.answer(&["pure"]);
    let (types, decision) = run.finish(Ok(ToolReply::NotYet(Duration::from_mins(1))));
    assert_eq!(types, ["tool.paused"]);
    let release = decision.projection.unwrap().release;
    assert_eq!(release, Some(Wake::After(Duration::from_mins(1))));
    // It was woken, or its time has come.
    let (types, _) = run.claim(1, None);
    assert_eq!(types, ["tool.started"]);
    let (_, decision) = run.finish(Ok(ToolReply::NotYet(Duration::from_secs(1))));
    assert_eq!(decision.effects, [Effect::Wait(Duration::from_secs(1))]);
}

#[test]
fn a_person_is_asked_when_a_tool_does_not_know_what_it_has_done() {
    let unknown = || Err(ToolError::outcome_unknown("the connection broke"));
    let mut run = Run::calling(&json!({}));
    run.answer(&["once"]);
    let (types, _) = run.finish(unknown());
    assert_eq!(types, ["run.waiting_for_input"]);
    let kind = run.state.requests[0].kind;
    assert_eq!(kind, runloom_domain::RequestKind::ToolOutcomeUnknown);
    let mut run = Run::calling(&json!({}));
    run.answer(&["pure"]);
    let (_, decision) = run.finish(unknown());
    assert_eq!(Run::errors(&decision), ["tool.outcome_unknown"]);
}

#[test]
fn a_client_runs_its_own_tools() {
    let mut run = Run::calling(&json!({}));
    let mut spec = (*run.state.spec).clone();
    spec.tools[0].origin = ToolOrigin::Client;
    run.state.spec = std::sync::Arc::new(spec);
    let (types, decision) = run.answer(&["pure", "pure"]);
    assert_eq!(types.last().unwrap(), "run.waiting_for_input");
    assert!(Run::starts(&decision).is_empty());
    run.say(&["42", r#"{"error":"no printer"}"#]);
    let (types, decision) = run.claim(1, None);
    assert_eq!(types, ["tool.result", "tool.result", "step.started"]);
    let EventBody::ToolResult(result) = &decision.events[1].body else {
        panic!("{types:?}");
    };
    let error = result.error.as_ref().unwrap();
    assert_eq!(
        (error.error_class.as_str(), error.message.as_str()),
        ("tool.failed", "no printer")
    );
}

#[test]
fn a_run_that_turns_in_a_circle_ends() {
    let mut run = Run::calling(&json!({"max_identical_calls": 2}));
    for _ in 0..2 {
        run.call(vec![("pure", json!({"a": 1, "b": 2}))]);
        run.finish(Ok(done()));
    }
    run.call(vec![("pure", json!({"a": 2}))]);
    run.finish(Ok(done()));
    let (types, decision) = run.call(vec![("pure", json!({"b": 2, "a": 1})), ("once", json!({}))]);
    let expected = [
        "step.completed",
        "tool.call",
        "tool.call",
        "tool.result",
        "tool.result",
        "run.failed",
    ];
    assert_eq!(types, expected);
    assert_eq!(error_class(&decision), "limits.tool_loop");
}

#[test]
fn tools_start_with_their_calls_and_the_next_step_follows_the_last_result() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, _) = run.answer(&["pure", "deny", "unknown"]);
    let expected = [
        "step.completed",
        "tool.call",
        "tool.call",
        "tool.call",
        "tool.started",
        "tool.result",
        "tool.result",
    ];
    assert_eq!(types, expected);
    let id = run.running.pop_first().unwrap();
    let (types, decision) = run.take(Input::ToolFinished(ToolOutcome {
        tool_call_id: id,
        result: Ok("é".repeat(10).into()),
        duration_ms: 1,
        output_cap: 5,
        private: None,
    }));
    assert_eq!(types, ["tool.result", "step.started"]);
    let EventBody::ToolResult(result) = &decision.events[0].body else {
        panic!()
    };
    assert_eq!(
        (result.content.as_deref(), result.truncated),
        (Some("éé"), true)
    );
    assert_eq!(decision.projection.unwrap().outputs[0].content.len(), 20);
}

#[test]
fn people_are_asked_once_nothing_runs_any_more() {
    let mut run = Run::started(&json!({"waiting_seconds": 9}));
    run.claim(1, None);
    let (types, _) = run.answer(&["pure", "ask", "ask"]);
    assert!(!types.contains(&"run.waiting_for_input".to_owned()));
    let id = run.running.pop_first().unwrap();
    let outcome = ToolOutcome {
        tool_call_id: id,
        result: Ok("1".into()),
        duration_ms: 1,
        output_cap: 9,
        private: None,
    };
    let (types, decision) = run.take(Input::ToolFinished(outcome));
    assert_eq!(types, ["tool.result", "run.waiting_for_input"]);
    assert_eq!(run.state.requests.len(), 2);
    let projection = decision.projection.unwrap();
    assert_eq!(
        projection.release,
        Some(Wake::After(Duration::from_secs(9)))
    );
}

#[test]
fn with_questions_open_a_run_waits_for_the_rest_of_its_time() {
    let mut run = Run::started(&json!({"waiting_seconds": 9}));
    run.claim(1, None);
    run.answer(&["ask", "ask"]);
    let released = |run: &mut Run| {
        let (types, decision) = run.take(Input::Answered {
            answers: vec![(
                run.state.requests[0].request_id,
                parse_answer(&run.state.requests[0], "approve").unwrap(),
            )],
            user_id: UserId::generate(NOW),
        });
        assert_eq!(types, ["run.input_received"]);
        decision.projection.unwrap().release
    };
    let rest = Wake::After(Duration::from_secs(9));
    assert_eq!(released(&mut run), Some(rest));
    assert_eq!(released(&mut run), Some(Wake::Now));
}
