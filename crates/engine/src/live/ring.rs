use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use runloom_domain::{EncodedEvent, EventBody, OrgId, RunId};
use runloom_store::Tail;
use tokio::sync::watch;

use super::Frame;

/// How many events a ring keeps.
const MAX_FRAMES: usize = 256;
/// How many bytes of events a ring keeps, at least one event excepted.
const MAX_BYTES: usize = 256 * 1024;

/// The rings of all watched runs of this node.
#[derive(Clone, Default)]
pub(crate) struct Rings(Arc<Mutex<HashMap<RunId, Weak<Ring>>>>);

/// A run's newest committed events.
pub(crate) struct Ring {
    run: RunId,
    rings: Rings,
    /// The run's organisation and its last seq when it was first watched.
    start: OnceLock<(OrgId, u64)>,
    frames: Mutex<Frames>,
    last_seq: watch::Sender<u64>,
}

#[derive(Default)]
struct Frames {
    queue: VecDeque<Frame>,
    bytes: usize,
}

/// What a ring has for a position.
pub(crate) enum Since {
    /// These follow it.
    Frames(Vec<Frame>),
    /// Nothing is newer.
    Nothing,
    /// The ring no longer has what follows, or never had it: read the store.
    Behind,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic runs under these locks; a poisoned one is as good as new.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rings {
    /// The run's ring, made when this is its first watcher. Subscribe before reading the
    /// store, else an event committed in between is seen by neither.
    pub(crate) fn subscribe(&self, run: RunId) -> Arc<Ring> {
        let mut rings = lock(&self.0);
        if let Some(ring) = rings.get(&run).and_then(Weak::upgrade) {
            return ring;
        }
        let ring = Arc::new(Ring {
            run,
            rings: self.clone(),
            start: OnceLock::new(),
            frames: Mutex::default(),
            last_seq: watch::Sender::new(0),
        });
        rings.insert(run, Arc::downgrade(&ring));
        ring
    }

    /// Where the log of a watched run is to be read on, unless it has ended.
    pub(crate) fn tail(&self, run: RunId) -> Option<Tail> {
        let ring = lock(&self.0).get(&run).and_then(Weak::upgrade)?;
        ring.tail()
    }

    /// The same of all watched runs.
    pub(crate) fn tails(&self) -> Vec<Tail> {
        // A ring that is dropped takes the lock, so none may be dropped under it.
        let rings: Vec<_> = lock(&self.0).values().filter_map(Weak::upgrade).collect();
        rings.iter().filter_map(|ring| ring.tail()).collect()
    }

    /// Whether the run is watched and its ring hasn't come to `seq`.
    pub(crate) fn lacks(&self, run: RunId, seq: u64) -> bool {
        self.tail(run).is_some_and(|tail| tail.after < seq)
    }

    /// Shows committed events to those who watch; the first has the seq `base + 1`.
    pub(crate) fn publish(&self, run: RunId, base: u64, events: &[EncodedEvent]) {
        let Some(ring) = lock(&self.0).get(&run).and_then(Weak::upgrade) else {
            return;
        };
        let frames = (base + 1..)
            .zip(events)
            .map(|(seq, event)| Frame::encode(seq, event));
        ring.push(frames.collect());
    }
}

impl Ring {
    /// The run's log reached to `last_seq` after the ring was subscribed to.
    pub(crate) fn begin(&self, org: OrgId, last_seq: u64) {
        // Whoever came first has said it, and the ring goes on from there.
        let _ = self.start.set((org, last_seq));
    }

    fn tail(&self) -> Option<Tail> {
        let (org_id, start) = *self.start.get()?;
        let frames = lock(&self.frames);
        let last = frames.queue.back();
        if last.is_some_and(|last| EventBody::is_terminal_type(&last.event_type)) {
            return None;
        }
        Some(Tail {
            org_id,
            run_id: self.run,
            after: last.map_or(start, |last| last.seq),
        })
    }

    /// Appends frames that follow each other. Writers of one run may publish in another order
    /// than they committed in: a gap empties the ring, and watchers read the store across it.
    fn push(&self, new: Vec<Frame>) {
        let (Some(first), Some(last)) = (new.first(), new.last()) else {
            return;
        };
        let last_seq = last.seq;
        let mut frames = lock(&self.frames);
        match frames.queue.back() {
            Some(back) if back.seq >= last_seq => return,
            Some(back) if back.seq + 1 != first.seq => frames.clear(),
            _ => {}
        }
        for frame in new {
            frames.push(frame);
        }
        drop(frames);
        self.last_seq.send_modify(|seq| *seq = (*seq).max(last_seq));
    }

    /// What follows the position `after`.
    pub(crate) fn since(&self, after: u64) -> Since {
        let frames = lock(&self.frames);
        match (frames.queue.front(), frames.queue.back()) {
            (Some(first), Some(last)) if last.seq > after => {
                if first.seq > after + 1 {
                    return Since::Behind;
                }
                let skip = (after + 1 - first.seq) as usize;
                Since::Frames(frames.queue.iter().skip(skip).cloned().collect())
            }
            _ => Since::Nothing,
        }
    }

    /// Loses what was published so far, as if it had come before the subscription.
    pub(super) fn forget(&self) {
        lock(&self.frames).clear();
    }

    /// Tells when events are published.
    pub(crate) fn published(&self) -> watch::Receiver<u64> {
        self.last_seq.subscribe()
    }
}

impl Frames {
    fn push(&mut self, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.queue.push_back(frame);
        while self.queue.len() > MAX_FRAMES || (self.bytes > MAX_BYTES && self.queue.len() > 1) {
            let Some(old) = self.queue.pop_front() else {
                break;
            };
            self.bytes -= old.bytes.len();
        }
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.bytes = 0;
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let mut rings = lock(&self.rings.0);
        // Another watcher may have made a new ring since the last one let go of this.
        if rings
            .get(&self.run)
            .is_some_and(|ring| ring.strong_count() == 0)
        {
            rings.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use runloom_domain::event::Delta;
    use runloom_domain::{EventBody, NewEvent, Timestamp};

    use super::*;

    fn events(n: usize, len: usize) -> Vec<EncodedEvent> {
        let delta = Delta {
            content: "x".repeat(len),
            role: None,
            step: 1,
            attempt: 1,
        };
        let event = NewEvent::public(EventBody::MessageDelta(delta));
        vec![event.encode(Timestamp::from_micros(0)); n]
    }

    fn run() -> RunId {
        RunId::generate(Timestamp::from_micros(1))
    }

    fn seqs(since: Since) -> Vec<u64> {
        match since {
            Since::Frames(frames) => frames.iter().map(|frame| frame.seq).collect(),
            Since::Nothing => vec![],
            Since::Behind => vec![u64::MAX],
        }
    }

    #[test]
    fn follows_and_falls_behind() {
        let (rings, run) = (Rings::default(), run());
        let ring = rings.subscribe(run);
        assert!(seqs(ring.since(0)).is_empty());
        rings.publish(run, 3, &events(2, 1));
        assert_eq!(seqs(ring.since(3)), [4, 5]);
        assert_eq!(seqs(ring.since(4)), [5]);
        assert!(seqs(ring.since(5)).is_empty());
        assert_eq!(seqs(ring.since(2)), [u64::MAX]);
    }

    #[test]
    fn a_gap_sends_watchers_to_the_store() {
        let (rings, run) = (Rings::default(), run());
        let ring = rings.subscribe(run);
        rings.publish(run, 0, &events(1, 1));
        rings.publish(run, 2, &events(1, 1));
        assert_eq!(seqs(ring.since(1)), [u64::MAX]);
        rings.publish(run, 1, &events(1, 1));
        assert_eq!(
            seqs(ring.since(2)),
            [3],
            "the late one is left to the store"
        );
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let (rings, run) = (Rings::default(), run());
        let ring = rings.subscribe(run);
        rings.publish(run, 0, &events(1_000, 1));
        assert_eq!(lock(&ring.frames).queue.len(), MAX_FRAMES);
        rings.publish(run, 1_000, &events(3, MAX_BYTES));
        assert_eq!(lock(&ring.frames).queue.len(), 1);
        drop(ring);
        assert!(lock(&rings.0).is_empty());
    }
}
