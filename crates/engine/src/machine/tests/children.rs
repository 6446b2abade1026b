use runloom_domain::SpawnedBy;
use runloom_domain::event::{CancelRequested, RunShare, SettledRun};

use super::*;
use crate::port::tool::{ToolError, ToolReply};

/// What each started call gives to the run that it spawns: cost and output tokens.
fn shares(decision: &Decision) -> Vec<(i64, u64)> {
    let share = |event: &NewEvent| match &event.private {
        Some(EventPrivate::Spawn { share, .. }) => {
            Some((share.cost.as_nanos(), share.output_tokens))
        }
        _ => None,
    };
    decision.events.iter().filter_map(share).collect()
}

fn spawns(run: &mut Run, arguments: &[Value]) -> (Vec<String>, Decision) {
    let calls = arguments.iter().cloned();
    run.call(calls.map(|arguments| (SPAWN_AGENT, arguments)).collect())
}

/// Ends the first call under way; with what its children have used, if they have ended.
fn finish(
    run: &mut Run,
    result: Result<ToolReply, ToolError>,
    settled: &[(RunId, i64)],
) -> (Vec<String>, Decision) {
    let tool_call_id = run.running.pop_first().expect("a call under way");
    let runs = settled.iter().map(|(run_id, nanos)| SettledRun {
        run_id: *run_id,
        used: RunShare {
            cost: NanoUsd::from_nanos(*nanos),
            output_tokens: 0,
        },
    });
    run.take(Input::ToolFinished(ToolOutcome {
        tool_call_id,
        result,
        duration_ms: 1,
        output_cap: 100,
        private: Some(EventPrivate::Settled {
            runs: runs.collect(),
        }),
    }))
}

fn begun(limits: &Value) -> Run {
    let mut run = Run::started(limits);
    run.claim(1, None);
    run
}

#[test]
fn each_child_gets_a_part_and_the_run_keeps_one() {
    let mut run = begun(&json!({"max_cost": 900, "max_output_tokens": 96, "max_children": 2}));
    let (_, decision) = spawns(&mut run, &[json!({}), json!({}), json!({})]);
    // Of 96 tokens the run itself has used a few for its answer.
    let used = run.state.totals.tokens.output_tokens;
    let first = (96 - used) / 3;
    let second = (96 - used - first) / 2;
    assert_eq!(shares(&decision), [(300, first), (300, second)]);
    assert_eq!(Run::errors(&decision), ["limits.children"]);
    assert_eq!(run.state.spent().cost, NanoUsd::from_nanos(600));
}

#[test]
fn a_call_may_ask_for_less() {
    let mut run = begun(&json!({"max_cost": 900, "max_children": 2}));
    let asks = [json!({"max_cost_usd": 1e-7}), json!({"max_cost_usd": 1})];
    let (_, decision) = spawns(&mut run, &asks);
    assert_eq!(shares(&decision), [(100, 0), (400, 0)]);
    // Without a limit of the run's own the wish alone counts.
    let mut run = begun(&json!({}));
    let (_, decision) = spawns(&mut run, &[json!({"max_cost_usd": 1e-7}), json!({})]);
    assert_eq!(shares(&decision), [(100, 0), (0, 0)]);
}

#[test]
fn what_a_child_has_used_takes_the_place_of_its_part() {
    let mut run = begun(&json!({"max_cost": 900, "max_children": 2}));
    spawns(&mut run, &[json!({"name": "a"})]);
    let child = run.state.calls[0].child();
    assert_eq!(run.state.children.name(child), Some("a"));
    finish(&mut run, Ok("{}".into()), &[]);
    assert_eq!(run.state.spent().cost, NanoUsd::from_nanos(300));
    run.answer(&[WAIT_AGENTS]);
    finish(&mut run, Ok("{}".into()), &[(child, 20)]);
    assert_eq!(run.state.spent().cost, NanoUsd::from_nanos(20));
    let (_, decision) = spawns(&mut run, &[json!({}), json!({})]);
    assert_eq!(
        shares(&decision),
        [(440, 0)],
        "an ended child still counts as one"
    );
    assert_eq!(Run::errors(&decision), ["limits.children"]);
}

#[test]
fn a_call_that_spawns_nothing_gives_its_part_back() {
    let mut run = begun(&json!({"max_cost": 900, "max_children": 2}));
    spawns(&mut run, &[json!({})]);
    finish(&mut run, Err(ToolError::failed("no")), &[]);
    assert_eq!(run.state.spent().cost, NanoUsd::ZERO);
    assert!(
        run.state.children.are_there(),
        "it may be there all the same"
    );
    let (_, decision) = spawns(&mut run, &[json!({}), json!({})]);
    assert_eq!(shares(&decision).len(), 2);
}

#[test]
fn a_call_that_is_made_again_takes_nothing_more() {
    let mut run = begun(&json!({"max_cost": 900}));
    spawns(&mut run, &[json!({})]);
    let spent = run.state.spent();
    let (types, decision) = run.claim(2, Some(ResumeReason::LeaseExpired));
    assert_eq!(types, ["run.resumed", "tool.started"]);
    assert_eq!((shares(&decision).len(), run.state.spent()), (0, spent));
}

#[test]
fn what_is_given_away_is_not_left() {
    let mut run = begun(&json!({"max_cost": 2, "max_children": 1}));
    let (_, decision) = spawns(&mut run, &[json!({}), json!({})]);
    assert_eq!(shares(&decision), [(1, 0)]);
    let child = run.state.calls[0].child();
    let (types, decision) = finish(&mut run, Ok("{}".into()), &[(child, 5)]);
    assert_eq!(types.last().unwrap(), "run.failed");
    assert_eq!(error_class(&decision), "budget.exhausted");
    let mut run = begun(&json!({"max_cost": 1}));
    let (_, decision) = spawns(&mut run, &[json!({})]);
    assert_eq!(Run::errors(&decision), ["budget.exhausted"]);
}

#[test]
fn a_child_spawns_none_below_the_deepest() {
    let mut run = begun(&json!({"max_depth": 2}));
    let deep = |run: &mut Run, depth| {
        let mut spec = (*run.state.spec).clone();
        let run_id = RunId::generate(NOW);
        spec.parent = Some(SpawnedBy { run_id, depth });
        run.state.spec = std::sync::Arc::new(spec);
    };
    deep(&mut run, 1);
    let (_, decision) = spawns(&mut run, &[json!({})]);
    assert_eq!(shares(&decision).len(), 1);
    finish(&mut run, Ok("{}".into()), &[]);
    deep(&mut run, 2);
    let (_, decision) = spawns(&mut run, &[json!({})]);
    assert_eq!(Run::errors(&decision), ["limits.depth"]);
}

#[test]
fn a_call_that_waits_comes_after_those_that_spawn() {
    let mut run = begun(&json!({}));
    let (_, decision) = run.answer(&[SPAWN_AGENT, WAIT_AGENTS, "pure"]);
    assert_eq!(Run::starts(&decision), [SPAWN_AGENT, "pure"]);
    let spawn = run.state.calls[0].id;
    let (_, decision) = run.finish_call(spawn, Ok("{}".into()));
    assert_eq!(Run::starts(&decision), [WAIT_AGENTS]);
    assert_eq!(run.state.awaits().count(), 0);
    let wait = run.state.calls[1].id;
    let rest = Ok(ToolReply::NotYet(Duration::from_secs(5)));
    run.finish_call(wait, rest);
    assert_eq!(run.state.awaits().count(), 1);
}

#[test]
fn an_end_that_came_with_the_parents_says_so() {
    let mut run = begun(&json!({}));
    let (types, decision) = run.take(Input::CancelRequested {
        user_id: UserId::generate(NOW),
        unheld: false,
        reason: Some("parent_ended"),
    });
    assert_eq!(types, ["run.cancel_requested"]);
    let EventBody::CancelRequested(CancelRequested { reason, .. }) = &decision.events[0].body
    else {
        panic!("{types:?}");
    };
    assert_eq!(reason.as_deref(), Some("parent_ended"));
    let (_, decision) = run.take(Input::Stopped {
        cause: StopCause::Cancel,
        cut: None,
    });
    let Some(EventBody::RunCancelled(cancelled)) = decision.events.last().map(|e| &e.body) else {
        panic!("not cancelled");
    };
    assert_eq!(cancelled.reason, "parent_ended");
}
