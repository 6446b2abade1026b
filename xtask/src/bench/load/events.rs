//! A run's event stream, checked as it is read: dense `seq`, and what kind each event is.

use super::wire::{Connection, find};
use anyhow::{Context, Result, bail, ensure};

/// What the load needs to know of an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// `message.delta`.
    Delta,
    /// `run.completed`.
    Completed,
    /// `run.cancelled`.
    Cancelled,
    /// `run.resumed` or `step.retried`: somebody goes on with a run that was cut off.
    Resumed,
    /// `run.waiting_for_input`.
    Waiting,
    /// Any other event that isn't an end.
    Other,
}

/// Reads the events of one run. It can follow the run over several connections.
pub(crate) struct Events {
    body: Vec<u8>,
    start: usize,
    /// The last `seq` that was seen.
    pub(crate) seq: u64,
    /// How many deltas of the current attempt were seen.
    pub(crate) deltas: u64,
    /// Whether deltas must be those of the benchmark's routes.
    checked: bool,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            body: Vec::new(),
            start: 0,
            seq: 0,
            deltas: 0,
            checked: true,
        }
    }

    /// The events behind `seq` of a run that may say anything.
    pub(crate) fn after(seq: u64) -> Self {
        Self {
            seq,
            checked: false,
            ..Self::new()
        }
    }

    /// Asks for the stream behind what was seen so far.
    pub(crate) async fn follow(&mut self, connection: &mut Connection, run: &str) -> Result<()> {
        self.body.clear();
        self.start = 0;
        let path = format!("/v1/runs/{run}/events?after_seq={}", self.seq);
        let head = connection.send("GET", &path, "").await?;
        if head.status != 200 {
            let mut answer = Vec::new();
            while connection.read_body(&mut answer).await? {}
            bail!(
                "events answered {}: {}",
                head.status,
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(())
    }

    /// The next event. The end of the stream is an error, since each run has a last event.
    pub(crate) async fn next(&mut self, connection: &mut Connection) -> Result<Event> {
        loop {
            while let Some(end) = self.body[self.start..]
                .iter()
                .position(|&byte| byte == b'\n')
            {
                let line = self.start..self.start + end;
                self.start += end + 1;
                if let Some(json) = self.body[line].strip_prefix(b"data: ") {
                    let due = self.checked.then_some(self.deltas);
                    let (seq, event) = parse(json, due)?;
                    ensure!(seq == self.seq + 1, "seq {seq} after {}", self.seq);
                    self.seq = seq;
                    match event {
                        Event::Delta => self.deltas += 1,
                        // The step begins anew, and says its words again.
                        Event::Resumed => self.deltas = 0,
                        Event::Completed | Event::Cancelled | Event::Waiting | Event::Other => {}
                    }
                    return Ok(event);
                }
            }
            if self.start > 0 {
                self.body.drain(..self.start);
                self.start = 0;
            }
            ensure!(
                connection.read_body(&mut self.body).await?,
                "the stream ended after seq {}",
                self.seq
            );
        }
    }

    /// Reads behind the last event to the end of the stream, so that the connection can be used
    /// again.
    pub(crate) async fn finish(&mut self, connection: &mut Connection) -> Result<()> {
        while connection.read_body(&mut self.body).await? {}
        Ok(())
    }
}

/// Reads `{"seq":N,"type":"T",…`, without the cost of reading the whole event as JSON. A delta
/// must be the one that is due after so many others, by the text of the benchmark's routes.
fn parse(json: &[u8], deltas: Option<u64>) -> Result<(u64, Event)> {
    let text = std::str::from_utf8(json).context("an event is no text")?;
    let fields = text.strip_prefix("{\"seq\":").and_then(|rest| {
        let (seq, rest) = rest.split_once(",\"type\":\"")?;
        let (kind, data) = rest.split_once('"')?;
        Some((seq.parse().ok()?, kind, data))
    });
    let (seq, kind, data) = fields.with_context(|| format!("no event: {text}"))?;
    let event = match kind {
        "message.delta" => {
            if let Some(deltas) = deltas {
                let due = format!("\"w{deltas:02} \"");
                ensure!(
                    find(data.as_bytes(), due.as_bytes()).is_some(),
                    "not {due}: {text}"
                );
            }
            Event::Delta
        }
        "run.completed" => Event::Completed,
        "run.resumed" | "step.retried" => Event::Resumed,
        "run.cancelled" => Event::Cancelled,
        "run.waiting_for_input" => Event::Waiting,
        "run.failed" => bail!("the run failed: {text}"),
        _ => Event::Other,
    };
    Ok((seq, event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(json: &str) -> Result<(u64, Event)> {
        parse(json.as_bytes(), Some(3))
    }

    #[test]
    fn events_are_told_apart_by_their_type() {
        let delta = r#"{"seq":7,"type":"message.delta","data":{"content":"w03 "}}"#;
        assert_eq!(kind(delta).unwrap(), (7, Event::Delta));
        let end = r#"{"seq":60,"type":"run.completed","data":{}}"#;
        assert_eq!(kind(end).unwrap(), (60, Event::Completed));
        let other = r#"{"seq":1,"type":"run.started","data":{}}"#;
        assert_eq!(kind(other).unwrap(), (1, Event::Other));
    }

    #[test]
    fn a_wrong_delta_a_failure_and_noise_are_errors() {
        assert!(kind(r#"{"seq":7,"type":"message.delta","data":{"content":"w04 "}}"#).is_err());
        assert!(kind(r#"{"seq":7,"type":"run.failed","data":{}}"#).is_err());
        assert!(kind("[DONE]").is_err());
    }
}
