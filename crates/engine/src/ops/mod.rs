//! What people ask of runs.

use runloom_domain::{InputRequest, OrgId, RunId, UserId};
use runloom_store::StoreError;

use crate::live::Watch;
use crate::*;

impl Engine {
    /// Starts a run. It is durable when this returns.
    pub async fn start_run(&self, _start: StartRun) -> Result<StartedRun, StartError> {
        unimplemented!()
    }

    /// Asks for a run's end; on a run that has ended nothing happens.
    pub async fn cancel_run(
        &self,
        _org: OrgId,
        _run: RunId,
        _user: UserId,
    ) -> Result<(), CancelError> {
        unimplemented!()
    }

    /// Answers a waiting run. The answer is in the log when this returns.
    pub async fn give_input(&self, _input: GiveInput) -> Result<(), InputError> {
        unimplemented!()
    }

    /// What a run is asking now.
    pub async fn open_requests(
        &self,
        _org: OrgId,
        _run: RunId,
    ) -> Result<Vec<InputRequest>, StoreError> {
        unimplemented!()
    }

    /// Watches a run from a position in its log.
    pub async fn watch(&self, _watch: WatchRun) -> Result<Watch, WatchError> {
        unimplemented!()
    }
}
