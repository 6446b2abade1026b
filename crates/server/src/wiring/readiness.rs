use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use runloom_http::{NotReady, Readiness};
use runloom_store_sql::Database;

/// How long the database may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Ready when the database answers and has a schema with which this version can work.
pub(crate) struct DatabaseReadiness(pub(crate) Arc<dyn Database>);

impl Readiness for DatabaseReadiness {
    fn check(&self) -> BoxFuture<'_, Result<(), NotReady>> {
        async {
            match tokio::time::timeout(DEADLINE, self.0.ping()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(NotReady(error.to_string())),
                Err(_) => Err(NotReady("the database does not answer".to_owned())),
            }
        }
        .boxed()
    }
}
