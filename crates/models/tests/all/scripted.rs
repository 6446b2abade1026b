//! The scripted model.

use std::time::{Duration, Instant};

use runloom_domain::{MessageBody, TokenBuckets};
use runloom_engine::port::model::{ModelErrorKind, ModelEvent, ModelRequest};
use runloom_models::{Action, Script, ScriptedModel};
use serde_json::json;

use crate::outcome::{Outcome, outcome};
use crate::request::{message, request, route};

fn call(model: &str, answers: u64) -> ModelRequest {
    let mut request = request("hello there");
    request.route = route("scripted", model);
    for n in 0..answers {
        let body = MessageBody::Assistant {
            content: "earlier".into(),
            tool_calls: vec![],
            provider: None,
        };
        request.messages.push(message(n + 2, body));
    }
    request
}

async fn played(json: &str, attempt: u32, answers: u64) -> Outcome {
    let model = ScriptedModel::new().with_json(json).unwrap();
    let mut request = call("m", answers);
    request.attempt = attempt;
    request.route.timeouts.header_ms = 20;
    request.route.timeouts.idle_ms = 20;
    outcome(&model, request).await
}

#[tokio::test]
async fn turns_follow_the_answers_of_this_run() {
    let json = r#"{"m": [[{"text": "one"}], [{"reasoning": "hm"}, {"text": "{last_user}"}]]}"#;
    let line = async |answers| played(json, 1, answers).await.line();
    assert!(line(0).await.starts_with("\"one\" "));
    assert!(line(1).await.starts_with("/hm/ \"hello there\" "));
    assert_eq!(line(2).await.split(' ').next(), Some("/hm/"));
    let mut other_run = call("m", 1);
    other_run.messages[1].run_id = None;
    let model = ScriptedModel::new().with_json(json).unwrap();
    assert!(
        outcome(&model, other_run)
            .await
            .line()
            .starts_with("\"one\"")
    );
}

#[tokio::test]
async fn failures_are_of_every_kind() {
    let first = r#"{"m": [[{"error": {"kind": "rate_limited", "retry_after_ms": 5,
        "first_attempts": 2}}, {"text": "a"}, "no_usage"]]}"#;
    let failed = played(first, 2, 0).await.error.unwrap();
    assert_eq!(failed.kind, ModelErrorKind::RateLimited);
    assert_eq!(failed.retry_after, Some(Duration::from_millis(5)));
    assert_eq!(played(first, 3, 0).await.line(), "\"a\" Stop");
    for (json, line) in [
        (
            r#"{"m": [[{"text": "a"}, "cut"]]}"#,
            "\"a\" error provider.stream_cut",
        ),
        (
            r#"{"m": [[{"text": "a"}, "hang"]]}"#,
            "\"a\" error provider.stalled",
        ),
        (r#"{"m": [["hang"]]}"#, "error provider.timeout"),
        (
            r#"{"m": [[{"usage": {"output_tokens": 3}}, {"error": {"kind": "malformed"}}]]}"#,
            "0+0+0>3 error provider.malformed",
        ),
        (
            r#"{"m": [[{"tool_call": {"name": "t", "arguments": "{oops"}},
                {"tool_call": {"name": "t", "arguments": {}, "id": "x"}}, "no_usage"]]}"#,
            "call_0:t({oops) x:t({}) ToolCalls",
        ),
    ] {
        assert_eq!(played(json, 1, 0).await.line(), line);
    }
}

#[tokio::test]
async fn an_unknown_script_is_not_found() {
    let result = outcome(&ScriptedModel::new(), call("m", 0)).await;
    assert_eq!(result.line(), "error provider.not_found");
}

#[tokio::test(start_paused = true)]
async fn the_demo_quotes_the_user_and_says_what_it_is() {
    let result = outcome(&ScriptedModel::new().with_demo(), call("demo", 0)).await;
    let words: Vec<&str> = result.events.iter().filter_map(word).collect();
    assert!((15..30).contains(&words.len()), "{words:?}");
    let text = words.concat();
    assert!(
        text.contains("hello there") && text.contains("scripted demo model"),
        "{text}"
    );
}

fn word(event: &ModelEvent) -> Option<&str> {
    match event {
        ModelEvent::Text(text) => Some(text),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_bench_models_do_what_is_measured() {
    let model = ScriptedModel::new().with_bench();
    let words = async |request| {
        let result = outcome(&model, request).await;
        let texts: Vec<String> = result
            .events
            .iter()
            .filter_map(word)
            .map(str::to_owned)
            .collect();
        (texts, result.line())
    };
    let fifty: Vec<String> = (0..50).map(|n| format!("w{n:02} ")).collect();
    let started = tokio::time::Instant::now();
    assert_eq!(words(call("fake-a", 0)).await.0, fifty);
    let (none, line) = words(call("fake-b", 0)).await;
    assert!(none.is_empty() && line.starts_with("call_0:calculator({\"expression\":\"6*7\"})"));
    assert_eq!(words(call("fake-b", 1)).await.0, fifty);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(words(call("fake-slow", 0)).await.0, fifty);
    assert_eq!(started.elapsed(), Duration::from_millis(49 * 200));
    assert_eq!(words(call("fake-paced", 0)).await.0, fifty);
    assert_eq!(started.elapsed(), Duration::from_millis(49 * 220));
    assert_eq!(words(call("fake-hold", 0)).await.0.len(), 1);
    assert_eq!(started.elapsed(), Duration::from_millis(49 * 220 + 60_000));
}

#[tokio::test]
async fn usage_is_counted() {
    let script = Script::new(vec![Action::Text("a".into()), Action::Text("b".into())]);
    let model = ScriptedModel::new().with_script("m", script);
    let result = outcome(&model, call("m", 0)).await;
    let usage = result.events.iter().find_map(|event| match event {
        ModelEvent::Usage(usage) => Some(usage.tokens),
        _ => None,
    });
    let wanted = TokenBuckets {
        // `Be brief.` and `hello there` are 20 bytes.
        uncached_input_tokens: 5,
        output_tokens: 2,
        ..TokenBuckets::default()
    };
    assert_eq!(usage, Some(wanted));
}

#[tokio::test]
async fn deltas_without_delay_are_cheap() {
    let model = ScriptedModel::new().with_bench();
    let started = Instant::now();
    for _ in 0..600 {
        outcome(&model, call("fake-a", 0)).await;
    }
    // One second's load of the benchmark must leave room for everything else, even unoptimised.
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn files_are_read_and_faults_in_them_told() {
    let missing = ScriptedModel::new().with_file("no/such/file".as_ref());
    assert!(missing.unwrap_err().to_string().contains("no/such/file"));
    assert!(ScriptedModel::new().with_json("{").is_err());
    let json = json!({"m": [[{"words": {"text": "a b", "every_ms": 1}}, {"finish": "length"}]]});
    ScriptedModel::new().with_json(&json.to_string()).unwrap();
}
