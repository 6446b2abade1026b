//! Calls that fail, and answers that won't do.

use super::*;

#[test]
fn too_many_requests_are_counted_apart() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    // The route allows two tries, but twenty that are answered so.
    for _ in 0..5 {
        let (types, _) = run.fail(ModelErrorKind::RateLimited);
        assert_eq!(types[0], "step.retried");
        assert_eq!(run.state.route, 0);
        run.take(Input::WaitOver);
    }
    run.fail(ModelErrorKind::Unavailable);
    run.take(Input::WaitOver);
    run.fail(ModelErrorKind::Unavailable);
    assert_eq!(run.state.route, 1, "the second try failed too");
}

#[test]
fn a_long_wait_that_the_provider_asks_for_is_given_where_nothing_else_is_left() {
    let asks = |run: &mut Run, seconds| {
        let mut error = ModelError::new(ModelErrorKind::RateLimited, "no");
        error.retry_after = Some(Duration::from_secs(seconds));
        let failed = FailedCall {
            error,
            usage: Usage::estimated(0, 0),
            reported_cost: None,
            shorter: None,
            text: None,
        };
        run.take(Input::ModelFailed(failed))
    };
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    asks(&mut run, 60);
    assert_eq!(run.state.route, 1, "another route is sooner");
    let mut spec = spec(&json!({}));
    spec.fallbacks.clear();
    let mut run = Run::started(&json!({}));
    run.state.spec = std::sync::Arc::new(spec);
    run.claim(1, None);
    let (types, decision) = asks(&mut run, 60);
    assert_eq!(types, ["step.retried"]);
    assert_eq!(
        decision.effects,
        [Effect::LetGo],
        "nobody holds it meanwhile"
    );
    let late = NOW + Duration::from_secs(67);
    assert_eq!(run.take_at(late, Input::WaitOver).0, ["step.started"]);
    let mut error = ModelError::new(ModelErrorKind::RateLimited, "no");
    error.retry_after = Some(Duration::from_hours(1));
    let (_, decision) = run.take_at(
        late,
        Input::ModelFailed(FailedCall {
            error,
            usage: Usage::estimated(0, 0),
            reported_cost: None,
            shorter: None,
            text: None,
        }),
    );
    assert_eq!(error_class(&decision), "provider.rate_limited");
}

#[test]
fn a_conversation_that_is_too_long_is_shortened_once_a_step() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, decision) = run.fail(ModelErrorKind::ContextOverflow);
    assert_eq!(types, ["history.compacted", "step.retried", "step.started"]);
    assert_eq!(run.state.compacted.map(|c| c.max_bytes), Some(500));
    assert!(matches!(
        decision.effects[..],
        [Effect::CallModel { attempt: 2, .. }]
    ));
    let (types, _) = run.fail(ModelErrorKind::ContextOverflow);
    assert_eq!(types, ["step.retried", "step.started"]);
    assert_eq!(run.state.route, 1, "elsewhere it may fit");
    let (_, decision) = run.fail(ModelErrorKind::ContextOverflow);
    assert_eq!(error_class(&decision), "provider.context_overflow");
}

#[test]
fn one_of_which_nothing_can_be_left_out_is_not_asked_again() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, _) = run.take(Input::ModelFailed(FailedCall {
        error: ModelError::new(ModelErrorKind::ContextOverflow, "no"),
        usage: Usage::estimated(4, 0),
        reported_cost: None,
        shorter: None,
        text: None,
    }));
    assert_eq!(types, ["step.retried", "step.started"]);
    assert_eq!(run.state.route, 1, "the same would be too long again");
}

#[test]
fn a_budget_that_is_used_up_ends_the_run_and_keeps_the_text() {
    let mut run = Run::started(&json!({}));
    run.claim(1, None);
    let (types, decision) = run.take(Input::ModelFailed(FailedCall {
        error: ModelError::new(ModelErrorKind::BudgetExhausted, "nothing left"),
        usage: Usage::estimated(4, 8),
        reported_cost: None,
        shorter: None,
        text: Some("so far".into()),
    }));
    assert_eq!(types, ["run.failed"]);
    assert_eq!(error_class(&decision), "budget.exhausted");
    let projection = decision.projection.unwrap();
    assert_eq!(projection.messages[0].body.content(), "so far");
    assert_eq!(projection.calls.len(), 1);
}

#[test]
fn an_answer_has_the_form_that_the_persona_asks_for() {
    let mut spec = spec(&json!({}));
    let format = json!({"schema": {"type": "object", "required": ["n"]}});
    spec.generation.response_format = serde_json::from_value(format).unwrap();
    let mut run = Run::started(&json!({}));
    run.state.spec = std::sync::Arc::new(spec);
    run.claim(1, None);
    let (types, _) = run.answer(&[]);
    assert_eq!(types, ["step.retried"], "it isn't JSON");
    run.take(Input::WaitOver);
    let (types, _) = run.answer(&["deny"]);
    assert_eq!(types[0], "step.completed", "that is no final answer");
    let mut say = |text: &str| {
        let (types, _) = run.take(Input::ModelFinished(ModelAnswer {
            text: text.into(),
            calls: vec![],
            reason: FinishReason::Stop,
            usage: Usage::estimated(4, 4),
            reported_cost: None,
            provider: None,
        }));
        run.take(Input::WaitOver);
        types
    };
    assert_eq!(say("[]")[0], "step.retried");
    assert_eq!(say(r#"{"n": 1}"#), ["step.completed", "run.completed"]);
}
