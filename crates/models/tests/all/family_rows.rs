//! What goes wrong in the same way whatever a provider's format is, in each format.

use std::time::Duration;

use serde_json::{Value, json};

use crate::mock::Step;
use crate::wire::{Ending, Wire, answer, last_piece, piece, send};

/// What a provider does, and what comes of it.
pub(crate) struct FamilyRow {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) ours: &'static str,
}

fn row(name: &'static str, steps: Vec<Step>, ours: &'static str) -> FamilyRow {
    FamilyRow { name, steps, ours }
}

/// All rows in one format.
pub(crate) fn family_rows(wire: &dyn Wire) -> Vec<FamilyRow> {
    let mut rows = good(wire);
    rows.extend(errors(wire));
    rows.extend(endings(wire));
    rows.extend(frames(wire));
    rows.extend(bodies(wire));
    rows.extend(figures(wire));
    rows.extend(calls(wire));
    rows
}

/// An answer of `events` that ends well.
fn whole(wire: &dyn Wire, events: &[String]) -> Vec<Step> {
    let end = wire.good_end(Ending::Stop);
    wire.stream(&[&[wire.begin()], events, &[end]].concat())
}

fn good(wire: &dyn Wire) -> Vec<FamilyRow> {
    let both = [wire.thought("hm"), wire.text("Hel"), wire.text("lo")];
    let text = [wire.begin(), wire.text("a"), wire.good_end(Ending::Length)].concat();
    let comment = if wire.is_lines() { "\n" } else { ": ping\n\n" };
    let crlf = format!("{comment}{text}")
        .replace("\r\n", "\n")
        .replace('\n', "\r\n");
    let slow = [wire.text("é🦀"), wire.good_end(Ending::Stop)].concat();
    let mut drops = vec![wire.head()];
    // Slower in all than the callers' patience, but never silent for so long.
    for byte in slow.as_bytes() {
        drops.extend([piece([*byte]), Step::Pause(Duration::from_millis(8))]);
    }
    vec![
        row(
            "a whole answer",
            whole(wire, &both),
            "/hm/ \"Hello\" 5+0+0>2 Stop",
        ),
        row(
            "CRLF, comments, several events in a piece",
            vec![wire.head(), piece(crlf), last_piece()],
            "\"a\" 5+0+0>2 Length",
        ),
        row("one byte at a time", drops, "\"é🦀\" 5+0+0>2 Stop"),
    ]
}

fn errors(wire: &dyn Wire) -> Vec<FamilyRow> {
    let begun = [wire.begin(), wire.text("a")].concat();
    let mut rows = vec![row(
        "an error after text",
        wire.stream(&[begun.clone(), wire.error("api_error")]),
        "\"a\" error provider.unavailable",
    )];
    // Ollama's errors have no names.
    if !wire.is_lines() {
        let limit = match wire.kind() {
            "openai_responses" => wire.error("rate_limit_exceeded"),
            _ => wire.error("rate_limit_error"),
        };
        rows.push(row(
            "an error that names a rate limit",
            wire.stream(&[limit]),
            "error provider.rate_limited",
        ));
        let named = "event: error\ndata: {\"message\":\"SECRET\",\"code\":503}\n\n".to_owned();
        rows.push(row(
            "an error by event name only",
            wire.stream(&[begun, named, wire.good_end(Ending::Stop)]),
            "\"a\" error provider.unavailable",
        ));
    }
    rows
}

fn endings(wire: &dyn Wire) -> Vec<FamilyRow> {
    let begun = [wire.begin(), wire.text("a")].concat();
    let closed = |events: &[String]| {
        let mut steps = wire.stream(events);
        *steps.last_mut().unwrap() = Step::Close;
        steps
    };
    let torn = vec![
        wire.head(),
        piece(&begun),
        send("40\r\n{\"mess"),
        Step::Close,
    ];
    let mut hung = wire.stream(std::slice::from_ref(&begun));
    hung.pop();
    let mut rows = vec![
        row(
            "cut in the middle of a piece",
            torn,
            "\"a\" error provider.stream_cut",
        ),
        row(
            "cut between two pieces",
            closed(std::slice::from_ref(&begun)),
            "\"a\" error provider.stream_cut",
        ),
        row(
            "a clean end without a reason",
            wire.stream(std::slice::from_ref(&begun)),
            "\"a\" error provider.stream_cut",
        ),
        row(
            "silence in the middle",
            hung,
            "\"a\" error provider.stalled",
        ),
        row("no headers", vec![], "error provider.timeout"),
        row(
            "closed before the headers",
            vec![Step::Close],
            "error provider.unavailable",
        ),
    ];
    if let Some(reason) = wire.reason(Ending::Stop) {
        rows.push(row(
            "a reason, then cut",
            closed(&[begun, reason]),
            "\"a\" Stop",
        ));
    }
    rows
}

fn frames(wire: &dyn Wire) -> Vec<FamilyRow> {
    let begin = wire.begin();
    let end = wire.good_end(Ending::Stop);
    let crab = wire.text("🦀").into_bytes();
    let cut = crab.iter().position(|byte| *byte == 0xf0).unwrap() + 2;
    let mut invalid = wire.text("a?b").into_bytes();
    let at = invalid
        .windows(3)
        .position(|three| three == b"a?b")
        .unwrap()
        + 1;
    invalid[at] = 0xff;
    let half = wire.text("HALF").replace("HALF", "\\ud83da\\u0000b");
    let garbage = if wire.is_lines() {
        "{\"message\": [{\"con\n".to_owned()
    } else {
        "data: {\"choices\": [{\"del\n\n".to_owned()
    };
    let in_pieces = |pieces: &[&[u8]]| {
        let mut steps = vec![wire.head(), piece(&begin)];
        steps.extend(pieces.iter().map(piece));
        steps.extend([piece(&end), last_piece()]);
        steps
    };
    let long = wire.text(&"x".repeat(3 * 1024 * 1024));
    let bom = format!("\u{feff}{begin}{}{end}", wire.text("a"));
    let mut rows = vec![
        row(
            "a line of malformed JSON",
            whole(wire, &[wire.text("a"), garbage]),
            "\"a\" error provider.malformed",
        ),
        row(
            "a byte order mark",
            vec![wire.head(), piece(bom), last_piece()],
            "\"a\" 5+0+0>2 Stop",
        ),
        row(
            "a character cut in two",
            in_pieces(&[&crab[..cut], &crab[cut..]]),
            "\"🦀\" 5+0+0>2 Stop",
        ),
        row(
            "bytes that are not UTF-8",
            in_pieces(&[&invalid]),
            "\"a\u{fffd}b\" 5+0+0>2 Stop",
        ),
        row(
            "half a surrogate pair, and NUL",
            whole(wire, &[half]),
            "\"\u{fffd}ab\" 5+0+0>2 Stop",
        ),
        row(
            "a line of 3 MiB",
            whole(wire, &[wire.text("a"), long]),
            "\"a\" error provider.malformed",
        ),
    ];
    if !wire.is_lines() {
        let event = format!("{}\n", "data: {}\n".repeat(350_000));
        rows.push(row(
            "an event of 3 MiB in short lines",
            whole(wire, &[wire.text("a"), event]),
            "\"a\" error provider.malformed",
        ));
    }
    rows
}

fn bodies(wire: &dyn Wire) -> Vec<FamilyRow> {
    let head = if wire.is_lines() {
        "content-type: application/x-ndjson\r\n"
    } else {
        "content-type: text/event-stream\r\n"
    };
    let other = [
        ("content-type: application/json\r\n", "{}"),
        ("content-type: text/html\r\n", "<html>"),
    ];
    let [json, page] = other.map(|(head, body)| answer("200 OK", head, body));
    let gzip = format!("{head}content-encoding: gzip\r\n");
    vec![
        row("200 with JSON", json, "error provider.malformed"),
        row("200 with a page", page, "error provider.malformed"),
        row(
            "200 that calls a page a stream",
            answer("200 OK", head, "<html>"),
            "error provider.malformed",
        ),
        row(
            "200 without a body",
            answer("200 OK", head, ""),
            "error provider.malformed",
        ),
        row(
            "a compressed body",
            answer("200 OK", &gzip, "x"),
            "error provider.malformed",
        ),
        row(
            "a redirect",
            answer("307 Temporary Redirect", "location: /elsewhere\r\n", ""),
            "error provider.bad_request",
        ),
    ]
}

fn figures(wire: &dyn Wire) -> Vec<FamilyRow> {
    let with = |input: Value, output: Value| {
        let end = wire.end(Ending::Stop, &input, &output);
        wire.stream(&[wire.begin(), wire.text("a"), end])
    };
    let huge = json!(9_223_372_036_854_775_808_u64);
    let suspect = "\"a\" Stop";
    vec![
        row("negative usage", with(json!(-5), json!(2)), suspect),
        row("usage of 2^63", with(json!(5), huge), suspect),
        row(
            "usage of 3 000 000 000",
            with(json!(5), json!(3_000_000_000_u64)),
            suspect,
        ),
        row("usage in words", with(json!(5), json!("two")), suspect),
        row("usage in fractions", with(json!(5), json!(1.5)), suspect),
    ]
}

fn calls(wire: &dyn Wire) -> Vec<FamilyRow> {
    let with = |events: &[String]| {
        let end = [wire.good_end(Ending::ToolCalls)];
        wire.stream(&[&[wire.begin()], events, &end].concat())
    };
    let (first, second) = (json!({"x": 1}), json!({"y": 2}));
    let first = wire.call(0, "call_0", "t", &first);
    let mut rows = vec![
        row(
            "two calls",
            with(&[first.clone(), wire.call(1, "call_1", "u", &second)]),
            "5+0+0>2 call_0:t({\"x\":1}) call_1:u({\"y\":2}) ToolCalls",
        ),
        row(
            "a call without a name",
            with(&[wire.call(0, "call_0", "", &json!({}))]),
            // The counts came before the end, at which calls are looked at.
            "5+0+0>2 error provider.malformed",
        ),
        row(
            "a whole call, then cut",
            wire.stream(&[wire.begin(), first]),
            "error provider.stream_cut",
        ),
    ];
    if let Some(half) = wire.half_call() {
        let mut hung = wire.stream(&[wire.begin(), half.clone()]);
        hung.pop();
        rows.push(row(
            "a call cut by the end of the stream",
            wire.stream(&[wire.begin(), half]),
            "error provider.stream_cut",
        ));
        rows.push(row("a call cut by silence", hung, "error provider.stalled"));
    }
    rows
}
