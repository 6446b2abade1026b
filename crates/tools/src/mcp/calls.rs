//! The calls that are open on one connection, and what the server says about them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{ProgressNotificationParam, ProgressToken, RequestId};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, mpsc, watch};

use super::asked::Asked;

/// How far a call has got, in its server's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    pub(super) done: f64,
    pub(super) total: Option<f64>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
    /// Whether the server has asked something without saying for which call. Its calls are made
    /// one at a time from then on, so that a question never reaches another's run.
    asks: AtomicBool,
    /// Whether a call was given up that the server may still be at.
    abandoned: AtomicBool,
    turn: Arc<RwLock<()>>,
}

#[derive(Debug)]
struct Open {
    request: RequestId,
    token: ProgressToken,
    asks: mpsc::Sender<Asked>,
    steps: watch::Sender<Option<Step>>,
    /// Whether a question of this call is open. Such a call doesn't ask another.
    asking: bool,
}

/// The right to have a call going on that doesn't wait for an answer.
#[derive(Debug)]
pub(super) enum Turn {
    /// With others.
    Shared { _guard: OwnedRwLockReadGuard<()> },
    /// Alone.
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

/// Where a call hears from its server. Dropping it forgets the call.
#[derive(Debug)]
pub(super) struct Ears {
    calls: Arc<Calls>,
    number: u64,
    pub(super) asks: mpsc::Receiver<Asked>,
    pub(super) steps: watch::Receiver<Option<Step>>,
}

impl Calls {
    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Turn {
        let turn = Arc::clone(&self.turn);
        if self.asks.load(Ordering::Relaxed) {
            Turn::Alone {
                _guard: turn.write_owned().await,
            }
        } else {
            Turn::Shared {
                _guard: turn.read_owned().await,
            }
        }
    }

    /// Remembers a call that was sent.
    pub(super) fn open(self: &Arc<Self>, request: RequestId, token: ProgressToken) -> Ears {
        let (asks_in, asks) = mpsc::channel(1);
        let (steps_in, steps) = watch::channel(None);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let open = Open {
            request,
            token,
            asks: asks_in,
            steps: steps_in,
            asking: false,
        };
        self.lock().insert(number, open);
        Ears {
            calls: Arc::clone(self),
            number,
            asks,
            steps,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A call is given up. Not every server heeds that: a question that doesn't say for which call
    /// it is may be this one's from now on.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// The call that a question belongs to, which counts as asking from now on: the one whose
    /// answer it came with, or the only one that it can be.
    pub(super) fn asker(&self, request: Option<&RequestId>) -> Option<(u64, mpsc::Sender<Asked>)> {
        if request.is_none() {
            self.asks.store(true, Ordering::Relaxed);
            if self.abandoned.load(Ordering::Relaxed) {
                return None;
            }
        }
        let mut open = self.lock();
        let mut fitting = open.iter_mut().filter(|(_, call)| {
            !call.asking && request.is_none_or(|request| call.request == *request)
        });
        let (number, call) = fitting.next()?;
        if fitting.next().is_some() {
            return None;
        }
        call.asking = true;
        Some((*number, call.asks.clone()))
    }

    /// The question of a call is answered, or isn't any more.
    pub(super) fn answered(&self, number: u64) {
        if let Some(call) = self.lock().get_mut(&number) {
            call.asking = false;
        }
    }

    /// A call has got on. Notifications may overtake each other, so only a larger number counts.
    pub(super) fn progressed(&self, params: ProgressNotificationParam) {
        let open = self.lock();
        let call = open
            .values()
            .find(|call| call.token == params.progress_token);
        let Some(call) = call else { return };
        call.steps.send_if_modified(|step| {
            if step
                .as_ref()
                .is_some_and(|step| step.done >= params.progress)
            {
                return false;
            }
            *step = Some(Step {
                done: params.progress,
                total: params.total,
                message: params.message,
            });
            true
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::NumberOrString;

    use super::*;

    fn open(calls: &Arc<Calls>, number: i64) -> Ears {
        let id = NumberOrString::Number(number);
        calls.open(id.clone(), ProgressToken(id))
    }

    #[test]
    fn a_question_reaches_the_call_that_it_came_with() {
        let calls = Arc::new(Calls::default());
        let _first = open(&calls, 1);
        let second = open(&calls, 2);
        let asker = calls.asker(Some(&NumberOrString::Number(2))).unwrap();
        assert_eq!(asker.0, second.number);
        assert!(calls.asker(Some(&NumberOrString::Number(3))).is_none());
    }

    #[tokio::test]
    async fn a_question_of_nobody_knows_which_call_reaches_none() {
        let calls = Arc::new(Calls::default());
        let _first = open(&calls, 1);
        let second = open(&calls, 2);
        assert!(matches!(calls.turn().await, Turn::Shared { .. }));
        assert!(calls.asker(None).is_none());
        assert!(matches!(calls.turn().await, Turn::Alone { .. }));
        drop(second);
        assert!(calls.asker(None).is_some());
        assert!(calls.asker(None).is_none(), "it is asking already");
    }

    #[test]
    fn progress_goes_forward_only() {
        let calls = Arc::new(Calls::default());
        let mut ears = open(&calls, 1);
        let token = ProgressToken(NumberOrString::Number(1));
        for done in [1.0, 3.0, 2.0] {
            calls.progressed(ProgressNotificationParam::new(token.clone(), done));
        }
        let seen = ears.steps.borrow_and_update().clone();
        assert!((seen.unwrap().done - 3.0).abs() < f64::EPSILON);
    }
}
