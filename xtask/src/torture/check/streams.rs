//! Whether everything that a client was shown is in the log, byte for byte.

use super::Found;
use crate::torture::seen::{Line, Stream};
use crate::torture::views::{Run, Views};

const DURABLE: &str = "an event that was shown is durable and never changes";
const IN_ORDER: &str = "a stream goes on where it was asked to, without gaps";

pub(super) fn check(views: &Views, found: &mut Found) {
    for stream in &views.seen.streams {
        if let Some(frame) = &stream.malformed {
            found.add(IN_ORDER, &stream.run, format!("no frame: {frame:?}"));
        }
        // Clients only ask for what comes after events that they were shown.
        if stream.status == Some(409) {
            let what = format!("{} was shown and is beyond the log", stream.after_seq);
            found.add(DURABLE, &stream.run, what);
        }
        if stream.status == Some(404) {
            found.add(
                DURABLE,
                &stream.run,
                "clients were told of it and it is not there",
            );
        }
        let mut expected = stream.after_seq + 1;
        for line in &stream.lines {
            if line.seq != expected {
                let what = format!("{} instead of {expected} at {}", line.seq, place(stream));
                found.add(IN_ORDER, &stream.run, what);
            }
            expected = line.seq + 1;
            check_line(views.runs.get(&stream.run), stream, line, found);
        }
    }
}

fn check_line(run: Option<&Run>, stream: &Stream, line: &Line, found: &mut Found) {
    let index = usize::try_from(line.seq).unwrap_or(usize::MAX);
    let stored = run.and_then(|run| run.events.get(index.wrapping_sub(1)));
    let what = match stored {
        Some(event) if event.line == line.data => return,
        Some(event) => format!("shown: {}; stored: {}", line.data, event.line),
        None => format!("shown and not stored: {}", line.data),
    };
    found.add(
        DURABLE,
        &stream.run,
        format!("at {} ms by {}: {what}", line.at_ms, place(stream)),
    );
}

fn place(stream: &Stream) -> String {
    format!("node {}, client {}", stream.node, stream.client)
}
