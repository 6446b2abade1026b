use std::time::Duration;

use runloom_domain::Timestamp;

use super::state::State;
use crate::{Deleted, Idempotency, KeyConflict, Once, StoredAnswer};

/// How long a key is remembered.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// Principal, operation and key.
pub(super) type OnceKey = (String, String, String);

/// What is remembered of a key.
pub(super) struct Kept {
    body_hash: [u8; 32],
    answer: StoredAnswer,
    at: Timestamp,
}

impl State {
    /// What the key of a call says, when the call must not be carried out.
    pub(super) fn replay<T>(&self, once: Option<&Idempotency>, now: Timestamp) -> Option<Once<T>> {
        Some(match self.kept_answer(once?, now)? {
            Ok(answer) => Once::Replayed(answer),
            Err(conflict) => Once::Conflict(conflict),
        })
    }

    /// What is remembered of a key.
    pub(super) fn kept_answer(
        &self,
        once: &Idempotency,
        now: Timestamp,
    ) -> Option<Result<StoredAnswer, KeyConflict>> {
        let kept = self.answers.get(&key(once))?;
        if now.since(kept.at) >= KEPT_FOR {
            return None;
        }
        Some(if kept.body_hash == once.body_hash {
            Ok(kept.answer.clone())
        } else {
            Err(KeyConflict::Reused)
        })
    }

    /// Remembers the key of a call that was carried out.
    pub(super) fn keep(&mut self, once: Option<Idempotency>, now: Timestamp) {
        if let Some(once) = once {
            let kept = Kept {
                body_hash: once.body_hash,
                answer: once.answer.clone(),
                at: now,
            };
            self.answers.insert(key(&once), kept);
        }
    }

    /// Drops what is remembered no more.
    pub(super) fn delete_keys(&mut self, limit: u32, now: Timestamp) -> Deleted {
        let is_old = |kept: &Kept| now.since(kept.at) >= KEPT_FOR;
        let old = self.answers.iter().filter(|(_, kept)| is_old(kept));
        let old: Vec<OnceKey> = old.map(|(key, _)| key.clone()).collect();
        for key in old.iter().take(limit as usize) {
            self.answers.remove(key);
        }
        Deleted {
            rows: old.len().min(limit as usize) as u64,
            more: old.len() > limit as usize,
        }
    }
}

fn key(once: &Idempotency) -> OnceKey {
    (
        once.principal.clone(),
        once.operation.clone(),
        once.key.clone(),
    )
}
