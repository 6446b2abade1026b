use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runloom_store::Store;

/// Why the server should get no requests now, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// What `/readyz` asks besides whether the server is stopping.
pub trait Readiness: Send + Sync + 'static {
    /// Whether everything that requests need is there. Runs on the main runtime.
    fn check(&self) -> BoxFuture<'_, Result<(), NotReady>>;
}

/// Ready when the database answers within a deadline. That its schema is current was checked
/// when it was opened.
pub struct StoreReadiness {
    store: Arc<dyn Store>,
    deadline: Duration,
}

impl StoreReadiness {
    /// Asks `store`, for 2 s at most.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            deadline: Duration::from_secs(2),
        }
    }
}

impl Readiness for StoreReadiness {
    fn check(&self) -> BoxFuture<'_, Result<(), NotReady>> {
        async {
            match tokio::time::timeout(self.deadline, self.store.has_accounts()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(NotReady(error.to_string())),
                Err(_) => Err(NotReady("the database does not answer".to_owned())),
            }
        }
        .boxed()
    }
}
