//! Who says what became of a call whose outcome is unknown.

use std::collections::BTreeMap;

use runloom_tests::{Client, Event, Ledger};
use serde_json::{Value, json};

/// How somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Person {
    /// Looks whether it happened, and has it done if it didn't.
    Looks,
    /// Has it done in any case.
    Retries,
    /// Says that it happened.
    Believes,
    /// Says that it didn't, and lets it be.
    GivesUp,
}

/// What was said of each call, by its argument `n`: whether it shall be done again.
pub(super) type Said = BTreeMap<u64, Vec<bool>>;

impl Person {
    pub(super) fn of(seed: u64) -> Self {
        let all = [Self::Looks, Self::Retries, Self::Believes, Self::GivesUp];
        all[(seed % 4) as usize]
    }

    /// Whether the call shall be done again, and the answer that says so.
    fn decides(self, happened: bool) -> (bool, &'static str) {
        match self {
            Self::Looks if happened => (false, r#"{"decision":"done","result":"it was there"}"#),
            Self::Looks | Self::Retries => (true, "retry"),
            Self::Believes => (false, "done"),
            Self::GivesUp => (false, "failed"),
        }
    }

    /// Follows a run to its end and answers what it asks.
    pub(super) async fn leads(
        self,
        client: Client,
        run: &str,
        ledger: &Ledger,
    ) -> (Vec<Event>, Said) {
        let (mut events, mut said) = (Vec::new(), Said::new());
        let mut stream = client.events(run, "").await;
        while let Some(event) = stream.next().await {
            if event.kind == "run.waiting_for_input" {
                let requests = event.data["requests"].as_array().expect("an array");
                for request in requests {
                    let (n, again) = self.answers(&client, run, request, ledger).await;
                    said.entry(n).or_default().push(again);
                }
            }
            events.push(event);
        }
        (events, said)
    }

    async fn answers(
        self,
        client: &Client,
        run: &str,
        request: &Value,
        ledger: &Ledger,
    ) -> (u64, bool) {
        assert_eq!(request["kind"], "tool_outcome_unknown");
        assert_eq!(
            request["tool_name"], "book_once",
            "others need nobody's word"
        );
        let n = request["arguments"]["n"].as_u64().expect("a number");
        let mut effects = ledger.effects().into_iter();
        let happened = effects.any(|effect| effect.run == run && effect.n == n);
        let (again, content) = self.decides(happened);
        let answer = json!({ "request_id": request["request_id"], "content": content });
        client.input(run, &answer).await.expect(200);
        (n, again)
    }
}
