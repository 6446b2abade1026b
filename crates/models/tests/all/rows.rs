//! Every way in which a provider's stream goes wrong or is merely unusual; what we make of it,
//! and what genai makes of it alone. The table in `docs/design/provider-streams.md` is this one.

use std::time::Duration;

use serde_json::json;

use crate::mock::Step;
use crate::wire::chat::{
    DONE, call, delta, event, finish, five_and_two, head, more, stream, text, usage,
};
use crate::wire::{answer, last_piece, piece, send};

/// One way to misbehave.
pub(crate) struct Row {
    /// What the provider does.
    pub(crate) name: &'static str,
    /// In bytes.
    pub(crate) steps: Vec<Step>,
    /// What comes of it.
    pub(crate) ours: &'static str,
    /// What comes of it with genai's own reader.
    pub(crate) alone: &'static str,
}

impl Row {
    /// Whether the provider sends much.
    pub(crate) fn is_long(&self) -> bool {
        let sent = self.steps.iter().map(|step| match step {
            Step::Send(bytes) => bytes.len(),
            _ => 0,
        });
        sent.sum::<usize>() > 1024 * 1024
    }
}

/// How long a row's caller is patient.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_500);

fn row(name: &'static str, steps: Vec<Step>, ours: &'static str, alone: &'static str) -> Row {
    Row {
        name,
        steps,
        ours,
        alone,
    }
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = good();
    rows.extend(endings());
    rows.extend(frames());
    rows.extend(bodies());
    rows.extend(figures());
    rows.extend(tool_calls());
    rows
}

fn ended(events: &[String]) -> Vec<Step> {
    let end = [finish("stop"), five_and_two(), DONE.into()];
    stream(&[events, &end].concat())
}

fn good() -> Vec<Row> {
    let role = delta(&json!({"role": "assistant", "content": null, "tool_calls": null}));
    let thought = delta(&json!({"reasoning_content": "hm"}));
    vec![
        row(
            "a whole answer",
            ended(&[role, thought, text("Hel"), text("lo")]),
            "/hm/ \"Hello\" 5+0+0>2 Stop",
            "/hm/ \"Hello\" 5>2 stop",
        ),
        row(
            "CRLF, comments, several events in a piece",
            vec![
                head(),
                piece(
                    format!(
                        ": ping\n\n{}{}{}{}",
                        text("a"),
                        text("b"),
                        finish("length"),
                        DONE
                    )
                    .replace('\n', "\r\n"),
                ),
                last_piece(),
            ],
            "\"ab\" Length",
            "\"ab\" length",
        ),
        row(
            "one byte at a time, slower in all than the idle timeout",
            drop_by_drop(),
            "\"é🦀\" Stop",
            "\"é🦀\" stop",
        ),
    ]
}

fn drop_by_drop() -> Vec<Step> {
    let bytes = [text("é🦀"), finish("stop"), DONE.into()].concat();
    let mut steps = vec![head()];
    for byte in bytes.as_bytes() {
        steps.extend([piece([*byte]), Step::Pause(Duration::from_millis(8))]);
    }
    steps.push(last_piece());
    steps
}

fn endings() -> Vec<Row> {
    let error = event(&json!({"error": {"message": "SECRET", "type": "server_error"}}));
    let limit = event(&json!({"error": {"message": "SECRET", "code": "rate_limit_exceeded"}}));
    let named = "event: error\ndata: {\"message\":\"SECRET\",\"code\":503}\n\n".to_owned();
    let lost = |pieces: &[String]| {
        let mut steps = stream(pieces);
        *steps.last_mut().unwrap() = Step::Close;
        steps
    };
    let mut hung = stream(&[text("a")]);
    hung.pop();
    vec![
        row(
            "an error event after text",
            stream(&[text("a"), error]),
            "\"a\" error provider.unavailable",
            "\"a\" error reported, which shows the payload",
        ),
        row(
            "an error event that names a rate limit",
            stream(&[limit]),
            "error provider.rate_limited",
            "error reported, which shows the payload",
        ),
        row(
            "an error by event name only",
            stream(&[text("a"), named, finish("stop"), DONE.into()]),
            "\"a\" error provider.unavailable",
            "\"a\" stop",
        ),
        row(
            "cut in the middle of a piece",
            vec![
                head(),
                piece(text("a")),
                send("40\r\ndata: {\"cho"),
                Step::Close,
            ],
            "\"a\" error provider.stream_cut",
            "\"a\" error connection",
        ),
        row(
            "cut between two pieces",
            lost(&[text("a")]),
            "\"a\" error provider.stream_cut",
            "\"a\" error connection",
        ),
        row(
            "a clean end without reason and [DONE]",
            stream(&[text("a")]),
            "\"a\" error provider.stream_cut",
            "\"a\" nothing more",
        ),
        row(
            "[DONE] without a reason",
            stream(&[text("a"), DONE.into()]),
            "\"a\" error provider.stream_cut",
            "\"a\" no reason",
        ),
        row(
            "a reason, then a clean end without [DONE]",
            stream(&[text("a"), finish("stop"), five_and_two()]),
            "\"a\" 5+0+0>2 Stop",
            "\"a\" nothing more",
        ),
        row(
            "a reason, then cut before the usage",
            lost(&[text("a"), finish("stop")]),
            "\"a\" Stop",
            "\"a\" error connection",
        ),
        row(
            "silence in the middle",
            hung,
            "\"a\" error provider.stalled",
            "\"a\" error timeout Read",
        ),
        row(
            "no headers",
            vec![],
            "error provider.timeout",
            "error timeout Headers",
        ),
        row(
            "closed before the headers",
            vec![Step::Close],
            "error provider.unavailable",
            "error connection",
        ),
    ]
}

fn frames() -> Vec<Row> {
    let crab = text("🦀").into_bytes();
    let cut = crab.iter().position(|byte| *byte == 0xf0).unwrap() + 2;
    let mut invalid = text("a?b").into_bytes();
    let at = invalid.iter().position(|byte| *byte == b'?').unwrap();
    invalid[at] = 0xff;
    let rest = [finish("stop"), DONE.into()].concat();
    vec![
        row(
            "a line of malformed JSON",
            ended(&[
                text("a"),
                "data: {\"choices\": [{\"del\n\n".into(),
                text("b"),
            ]),
            "\"a\" error provider.malformed",
            "\"a\" error parse",
        ),
        row(
            "a byte order mark",
            vec![
                head(),
                piece(format!("\u{feff}{}{rest}", text("a"))),
                last_piece(),
            ],
            "\"a\" Stop",
            "stop",
        ),
        row(
            "a character cut in two",
            vec![
                head(),
                piece(&crab[..cut]),
                piece(&crab[cut..]),
                piece(&rest),
                last_piece(),
            ],
            "\"🦀\" Stop",
            "\"🦀\" stop",
        ),
        row(
            "bytes that are not UTF-8",
            vec![head(), piece(invalid), piece(&rest), last_piece()],
            "\"a\u{fffd}b\" Stop",
            "error connection",
        ),
        row(
            "half a surrogate pair, and NUL",
            ended(&[
                "data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83da\\u0000b\"}}]}\n\n".into(),
            ]),
            "\"\u{fffd}ab\" 5+0+0>2 Stop",
            "error parse",
        ),
        row(
            "a line of 3 MiB",
            ended(&[text("a"), text(&"x".repeat(3 * 1024 * 1024))]),
            "\"a\" error provider.malformed",
            "\"3145729 bytes\" 5>2 stop",
        ),
        row(
            "an event of 3 MiB in short lines",
            ended(&[text("a"), format!("{}\n", "data: {}\n".repeat(350_000))]),
            "\"a\" error provider.malformed",
            "\"a\" error parse",
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let json = "content-type: application/json\r\n";
    let sse = "content-type: text/event-stream\r\n";
    let whole = r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#;
    vec![
        row(
            "200 with a JSON body",
            answer("200 OK", json, whole),
            "error provider.malformed",
            "nothing more",
        ),
        row(
            "200 with a page",
            answer(
                "200 OK",
                "content-type: text/html\r\n",
                "<html>proxy</html>",
            ),
            "error provider.malformed",
            "nothing more",
        ),
        row(
            "200 that calls JSON an event stream",
            answer("200 OK", sse, whole),
            "error provider.malformed",
            "nothing more",
        ),
        row(
            "200 without a body",
            answer("200 OK", sse, ""),
            "error provider.malformed",
            "nothing more",
        ),
        row(
            "a compressed body that nobody asked for",
            answer(
                "200 OK",
                &format!("{sse}content-encoding: gzip\r\n"),
                "xxxx",
            ),
            "error provider.malformed",
            "error connection",
        ),
        row(
            "a redirect",
            answer("307 Temporary Redirect", "location: /elsewhere\r\n", ""),
            "error provider.bad_request",
            "error status 307",
        ),
    ]
}

fn figures() -> Vec<Row> {
    let with = |figures: &[String]| {
        let events = [&[text("a"), finish("stop")], figures, &[DONE.into()]].concat();
        stream(&events)
    };
    let counts = |input: i64, output: serde_json::Value| {
        usage(&json!({"prompt_tokens": input, "completion_tokens": output}))
    };
    let huge = json!(9_223_372_036_854_775_808_u64);
    let cached = usage(&json!({"prompt_tokens": 281, "completion_tokens": 31,
        "total_tokens": 312, "prompt_tokens_details": {"cached_tokens": 178}}));
    vec![
        row("no usage", with(&[]), "\"a\" Stop", "\"a\" stop"),
        row(
            "cached tokens within the input",
            with(&[cached]),
            "\"a\" 103+178+0>31 Stop",
            "\"a\" 281>31 stop",
        ),
        row(
            "negative usage",
            with(&[counts(-5, json!(2))]),
            "\"a\" Stop",
            "\"a\" -5>2 stop",
        ),
        row(
            "usage of 2^63",
            with(&[counts(5, huge.clone())]),
            "\"a\" Stop",
            "\"a\" stop",
        ),
        row(
            "usage of 3 000 000 000",
            with(&[counts(5, json!(3_000_000_000_u64))]),
            "\"a\" Stop",
            "\"a\" stop",
        ),
        row(
            "usage in words",
            with(&[counts(5, json!("two"))]),
            "\"a\" Stop",
            "\"a\" stop",
        ),
        row(
            "usage twice, growing",
            with(&[counts(5, json!(1)), counts(5, json!(2))]),
            "\"a\" 5+0+0>1 5+0+0>2 Stop",
            "\"a\" 5>1 stop",
        ),
        row(
            "usage twice, the same",
            with(&[five_and_two(), five_and_two()]),
            "\"a\" 5+0+0>2 Stop",
            "\"a\" 5>2 stop",
        ),
        row(
            "good usage, then absurd",
            with(&[five_and_two(), counts(5, huge)]),
            "\"a\" 5+0+0>2 Stop",
            "\"a\" 5>2 stop",
        ),
    ]
}

fn tool_calls() -> Vec<Row> {
    let ends = [finish("tool_calls"), DONE.into()];
    let with = |pieces: &[String]| stream(&[pieces, &ends].concat());
    let first = call(0, "call_0", "t", "{\"x\":");
    let mut hung = stream(std::slice::from_ref(&first));
    hung.pop();
    vec![
        row(
            "a call in pieces",
            with(&[first.clone(), more(0, "1}")]),
            "call_0:t({\"x\":1}) ToolCalls",
            "call_0:t({\"x\":1}) tool_calls",
        ),
        row(
            "two calls, interleaved",
            with(&[
                first.clone(),
                call(1, "call_1", "u", ""),
                more(0, "1}"),
                more(1, "{\"y\":2}"),
            ]),
            "call_0:t({\"x\":1}) call_1:u({\"y\":2}) ToolCalls",
            "call_0:t({\"x\":1}) call_1:u({\"y\":2}) tool_calls",
        ),
        row(
            "two calls, both numbered 0",
            with(&[call(0, "a", "t", "{}"), call(0, "b", "u", "{\"y\":2}")]),
            "a:t({}) b:u({\"y\":2}) ToolCalls",
            "b:u(\"{}{\\\"y\\\":2}\") tool_calls",
        ),
        row(
            "a call without arguments, and the reason stop",
            stream(&[call(0, "a", "t", ""), finish("stop"), DONE.into()]),
            "a:t({}) ToolCalls",
            "a:t(\"\") stop",
        ),
        row(
            "arguments that are not JSON, in a whole answer",
            with(&[call(0, "a", "t", "{\"x\": oops")]),
            "a:t({\"x\": oops) ToolCalls",
            "a:t(\"{\\\"x\\\": oops\") tool_calls",
        ),
        row(
            "a call cut by the end of the stream",
            stream(std::slice::from_ref(&first)),
            "error provider.stream_cut",
            "nothing more",
        ),
        row(
            "a call cut by silence",
            hung,
            "error provider.stalled",
            "error timeout Read",
        ),
        row(
            "a call without a name",
            with(&[delta(&json!({"tool_calls": [{"index": 0, "id": "a",
                "function": {"arguments": "{}"}}]}))]),
            "error provider.malformed",
            "a:({}) tool_calls",
        ),
        row(
            "a call numbered 4 000 000 000",
            with(&[call(4_000_000_000, "a", "t", "{}")]),
            "a:t({}) ToolCalls",
            "the process aborts",
        ),
    ]
}
