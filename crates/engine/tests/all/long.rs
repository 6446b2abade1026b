//! Answers that are long: some may be, and no event is larger than it may be.

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use runloom_domain::event::FinishReason;
use runloom_domain::{Event, EventBody};
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};

use super::bench::{life_of_a_run, route};

const KIB: usize = 1024;

/// Says these pieces, then ends.
struct Says(Vec<ModelEvent>);

#[async_trait]
impl ModelPort for Says {
    async fn call(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        let end = ModelEvent::Finished {
            reason: FinishReason::Stop,
            provider: None,
        };
        let all = self.0.clone().into_iter().chain([end]);
        Ok(stream::iter(all.map(Ok)).boxed())
    }
}

fn pieces(of: fn(String) -> ModelEvent, text: &str, kib: usize) -> Says {
    let piece = text.repeat(KIB / text.len());
    Says(vec![of(piece); kib])
}

async fn log_of(says: Says) -> Vec<Event> {
    life_of_a_run(says, vec![route("r", |_| ())]).await
}

fn last(log: &[Event]) -> &EventBody {
    &log.last().expect("a log").body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_as_long_as_an_event_is_whole() {
    let log = log_of(pieces(ModelEvent::Text, "word", 900)).await;
    match last(&log) {
        EventBody::RunCompleted(completed) => assert_eq!(completed.output.len(), 900 * KIB),
        other => panic!("the run did not complete: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_not_fit_into_an_event_is_refused() {
    for (text, kib) in [("word", 1_000), ("\u{1}", 200)] {
        let log = log_of(pieces(ModelEvent::Text, text, kib)).await;
        match last(&log) {
            EventBody::RunFailed(failed) => {
                assert_eq!(failed.error_class, "provider.bad_request");
            }
            other => panic!("the run did not fail: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_may_be_longer_than_an_answer() {
    let log = log_of(pieces(ModelEvent::Reasoning, "word", 2_000)).await;
    assert!(matches!(last(&log), EventBody::RunCompleted(_)));
}
