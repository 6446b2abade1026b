//! Writers that meet at one run, and readers beside them.

use std::future::Future;
use std::sync::Arc;

use runloom_domain::{OrgId, RunId, RunStatus};
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{Scene, ended, event, running, waiting};
use crate::{Appended, Change, Intended, Intent, Projection, Store, Wake};

/// How often each race is run.
const ROUNDS: usize = 10;

/// Lets both go at once.
async fn race<A, B>(
    a: impl Future<Output = A> + Send + 'static,
    b: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let start = Arc::new(Barrier::new(2));
    let other = Arc::clone(&start);
    let a = tokio::spawn(async move {
        start.wait().await;
        a.await
    });
    let b = tokio::spawn(async move {
        other.wait().await;
        b.await
    });
    (a.await.unwrap(), b.await.unwrap())
}

async fn intend(store: Arc<dyn Store>, intent: Intent) -> bool {
    matches!(
        store.intend(intent).await.unwrap(),
        Intended::Applied { .. }
    )
}

/// Appends however often the row is locked.
async fn append(store: &Arc<dyn Store>, change: Change) -> Appended {
    loop {
        let mut answers = store.append(vec![change.clone()]).await.unwrap();
        match answers.remove(0) {
            Appended::Locked => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

/// Of two answers to one question the first counts, and the other hears of it.
pub async fn one_of_two_answers_counts(h: &Harness) {
    for _ in 0..ROUNDS {
        let scene = waiting(h).await;
        let answer = || intend(h.shared(), scene.answer());
        let (a, b) = race(answer(), answer()).await;
        assert!(a != b, "one of two answers counts");
        assert_eq!(scene.types(h).await.len(), 3);
        assert_eq!(scene.head(h).await.status, RunStatus::Running);
    }
}

/// Of two answers to two open questions, decided on the same log, one must decide again.
pub async fn answers_are_decided_on_the_log(h: &Harness) {
    for _ in 0..ROUNDS {
        let scene = waiting(h).await;
        let answer = || Intent {
            expect_seq: Some(2),
            projection: Projection::default(),
            ..scene.answer()
        };
        let (a, b) = race(intend(h.shared(), answer()), intend(h.shared(), answer())).await;
        assert!(a != b, "the second was decided on another log");
        assert_eq!(scene.types(h).await.len(), 3);
    }
}

/// Of an answer and a cancel, one wins.
pub async fn an_answer_races_a_cancel(h: &Harness) {
    for _ in 0..ROUNDS {
        let scene = waiting(h).await;
        let cancel = Intent {
            events: vec![event("run.cancelled")],
            projection: Projection {
                release: Some(Wake::Never),
                ..ended(RunStatus::Cancelled)
            },
            ..scene.answer()
        };
        let answered = intend(h.shared(), scene.answer());
        let (answered, cancelled) = race(answered, intend(h.shared(), cancel)).await;
        assert!(answered != cancelled, "one of the two wins");
        let expected = if answered {
            RunStatus::Running
        } else {
            RunStatus::Cancelled
        };
        assert_eq!(scene.head(h).await.status, expected);
        assert_eq!(scene.types(h).await.len(), 3);
    }
}

/// Of a cancel and the end, whatever comes first: the end is not written over a cancel that it
/// didn't know of, and the log has one terminal event.
pub async fn a_cancel_races_the_end(h: &Harness) {
    for _ in 0..ROUNDS {
        let scene = running(h).await;
        let end = Change {
            expect_status: Some(RunStatus::Running),
            ..scene.completion()
        };
        let store = h.shared();
        let completed = async move { append(&store, end).await };
        let (completed, asked) = race(completed, intend(h.shared(), scene.cancel())).await;
        let types = scene.types(h).await;
        let last = types.last().map(String::as_str);
        if asked {
            assert_eq!(completed, Appended::Moved);
            assert_eq!(last, Some("run.cancel_requested"));
        } else {
            assert_eq!(completed, Appended::Committed { base: 1 });
            assert_eq!(last, Some("run.completed"));
        }
        assert_eq!(types.len(), 2);
    }
}

/// The owner's deltas and people's intents interleave without a gap, and each is told its base.
pub async fn appends_and_intents_interleave(h: &Harness) {
    const EACH: usize = 30;
    let scene = running(h).await;
    let start = Arc::new(Barrier::new(3));
    let mut writers = JoinSet::new();
    {
        let (store, scene, start) = (h.shared(), scene.clone(), Arc::clone(&start));
        writers.spawn(async move {
            start.wait().await;
            let mut bases = Vec::new();
            for _ in 0..EACH {
                match append(&store, scene.deltas(1)).await {
                    Appended::Committed { base } => bases.push(base),
                    other => panic!("the owner's change came to {other:?}"),
                }
            }
            bases
        });
    }
    for _ in 0..2 {
        let (store, scene, start) = (h.shared(), scene.clone(), Arc::clone(&start));
        writers.spawn(async move {
            start.wait().await;
            let mut bases = Vec::new();
            for _ in 0..EACH {
                let note = scene.intent("run.note", Projection::default());
                match store.intend(note).await.unwrap() {
                    Intended::Applied { base } => bases.push(base),
                    Intended::Conflict => panic!("nothing else was expected"),
                }
            }
            bases
        });
    }
    let mut bases = writers.join_all().await.concat();
    bases.sort_unstable();
    assert_eq!(bases, (1..=3 * EACH as u64).collect::<Vec<_>>());
    assert_eq!(scene.types(h).await.len(), 3 * EACH + 1);
}

/// Whoever reads while the log grows sees a beginning of it, without gaps.
pub async fn readers_see_a_beginning_of_the_log(h: &Harness) {
    let scene = running(h).await;
    let (stop, stopped) = watch::channel(false);
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        readers.spawn(read_until(h.shared(), scene.clone(), stopped.clone()));
    }
    for _ in 0..40 {
        append(&h.shared(), scene.deltas(7)).await;
    }
    stop.send_replace(true);
    for seen in readers.join_all().await {
        assert_eq!(seen, 281);
    }
}

/// Follows the log in small pages, and returns the last seq once `stopped` is set.
async fn read_until(store: Arc<dyn Store>, scene: Scene, stopped: watch::Receiver<bool>) -> u64 {
    let mut cursor = 0;
    loop {
        let over = *stopped.borrow();
        let read = read_on(&store, (scene.tenant.org, scene.run), &mut cursor).await;
        if over && read == 0 {
            return cursor;
        }
        tokio::task::yield_now().await;
    }
}

/// Reads one page after `cursor` and moves it on.
async fn read_on(store: &Arc<dyn Store>, (org, run): (OrgId, RunId), cursor: &mut u64) -> usize {
    let page = store.events(org, run, *cursor, 11).await.unwrap();
    for event in &page {
        assert_eq!(event.seq, *cursor + 1, "no gap and no repeat");
        *cursor = event.seq;
    }
    page.len()
}

/// An event that is appended between a replay and its following is seen by whoever subscribes
/// first: once an append has been answered, every read sees it.
pub async fn nothing_is_lost_between_replay_and_follow(h: &Harness) {
    for _ in 0..ROUNDS {
        let scene = running(h).await;
        let run = (scene.tenant.org, scene.run);
        let (published, mut news) = watch::channel(1_u64);
        let replayed = Arc::new(Barrier::new(2));
        let (store, barrier) = (h.shared(), Arc::clone(&replayed));
        let reader = tokio::spawn(async move {
            let mut cursor = 0;
            while read_on(&store, run, &mut cursor).await > 0 {}
            assert_eq!(cursor, 1);
            // The appends begin here, after the replay and before the following.
            barrier.wait().await;
            while cursor < 5 {
                news.changed().await.unwrap();
                let told = *news.borrow_and_update();
                while cursor < told {
                    assert!(
                        read_on(&store, run, &mut cursor).await > 0,
                        "what was told is there"
                    );
                }
            }
        });
        replayed.wait().await;
        for _ in 0..4 {
            let Appended::Committed { base } = append(&h.shared(), scene.deltas(1)).await else {
                panic!("the owner's change is committed");
            };
            published.send_replace(base + 1);
        }
        reader.await.unwrap();
    }
}
