//! Passwords: which are accepted, and how they are hashed.
//!
//! Hashing is meant to be slow, about 25 ms of a core, so it happens on blocking threads, two
//! at a time, with a short queue: a flood of sign-ins is turned away with
//! [`AccountError::Busy`] instead of starving everything else.
//!
//! A stored hash carries its own parameters. One that was made with other ones than today's goes
//! on working, and is replaced when its owner signs in.

mod policy;

pub(crate) use policy::check;

use std::sync::Arc;

use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use runloom_domain::UserId;
use runloom_store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{AccountError, Secret};

/// The kind of hash that is made today.
const ALGORITHM: Algorithm = Algorithm::Argon2id;
/// Its version.
const VERSION: Version = Version::V0x13;
/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes of the memory.
const LANES: u32 = 1;

/// How many passwords are hashed at once.
const RUNNING: usize = 2;
/// How many wait for that.
const QUEUED: usize = 32;

/// What a password is checked against when nobody has the login, so that the answer takes as
/// long as for a wrong password. It has the parameters above; the test below holds it to them.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cnVubG9vbS1ub2JvZHkhIQ\
    $EExX5fzTwTN+hNUhYsI5G+QdTY5Gl/M1Pi6L3iml6fM";

/// The hash of no password: nobody finds one whose hash is all zeros. For people who come from
/// another deployment, until they choose a password by a reset.
pub const NO_PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$cnVubG9vbS1uby1wYXNzd29yZA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, a few at a time.
pub(crate) struct Passwords {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Whether a password is the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It isn't.
    No,
    /// It is.
    Yes {
        /// Whether its hash has other parameters than one that is made today.
        outdated: bool,
    },
}

/// A stored hash that is none.
#[derive(Debug, thiserror::Error)]
#[error("not an argon2 hash: {0}")]
pub(crate) struct UnreadableHash(String);

impl UnreadableHash {
    /// The failure of whoever has read it as this person's.
    pub(crate) fn of(self, user: UserId) -> AccountError {
        AccountError::Store(StoreError::Corrupt {
            table: "users",
            column: "password_hash",
            key: user.to_string(),
            source: self.into(),
        })
    }
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(RUNNING + QUEUED)),
            running: Arc::new(Semaphore::new(RUNNING)),
        }
    }

    /// The password's hash in PHC form, with a new random salt. Dropping the future gives up
    /// the place in the queue; a hash that has begun is finished.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, AccountError> {
        self.run(move || {
            argon2()
                .hash_password(password.expose().as_bytes())
                .expect("fixed parameters and any bytes make a hash")
                .to_string()
        })
        .await
    }

    /// Whether the password is the one that `stored` was made of; never without `stored`, but
    /// after the same work. The inner error means that `stored` can't be read.
    pub(crate) async fn verify(
        &self,
        password: Secret,
        stored: Option<String>,
    ) -> Result<Result<Match, UnreadableHash>, AccountError> {
        self.run(move || {
            let found = compare(password.expose(), stored.as_deref().unwrap_or(NOBODY))?;
            Ok(stored.map_or(Match::No, |_| found))
        })
        .await
    }

    /// Runs `work` on a blocking thread when its turn comes.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let place = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| AccountError::Busy)?;
        let turn = acquire(&self.running).await;
        let done = tokio::task::spawn_blocking(move || {
            // The thread holds them: a caller that has gone must not let a third hash begin.
            let _held = (place, turn);
            work()
        });
        done.await
            .map_err(|failure| match failure.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => AccountError::Busy,
            })
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed")
}

fn params() -> Params {
    Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are valid")
}

fn argon2() -> Argon2<'static> {
    Argon2::new(ALGORITHM, VERSION, params())
}

fn compare(password: &str, stored: &str) -> Result<Match, UnreadableHash> {
    let hash = PasswordHash::new(stored).map_err(|error| UnreadableHash(error.to_string()))?;
    match argon2().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(Match::Yes {
            outdated: is_outdated(&hash),
        }),
        Err(HashError::PasswordInvalid) => Ok(Match::No),
        Err(error) => Err(UnreadableHash(error.to_string())),
    }
}

fn is_outdated(hash: &PasswordHash) -> bool {
    let same = hash.algorithm == ALGORITHM.ident()
        && hash.version == Some(VERSION.into())
        && Params::try_from(hash).is_ok_and(|found| costs(&found) == costs(&params()));
    !same
}

/// What makes a hash slow, and how long it is.
fn costs(params: &Params) -> [Option<usize>; 4] {
    let number = |cost: u32| usize::try_from(cost).ok();
    [
        number(params.m_cost()),
        number(params.t_cost()),
        number(params.p_cost()),
        Some(params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)),
    ]
}

#[cfg(test)]
mod tests;
