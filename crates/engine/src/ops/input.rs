use runloom_domain::{InputRequest, OrgId, RequestId, RunId, RunStatus, parse_answer};
use runloom_store::{Hint, StoreError};

use super::cancel::unreadable;
use crate::Engine;
use crate::answer_schema::check_answer;
use crate::driver::fold_log;
use crate::facade::{GiveInput, InputError};
use crate::machine::Input;

impl Engine {
    /// Answers a waiting run. The answer is in the log when this returns; of two that race
    /// the first wins. Dropping the future does not take the answer back.
    pub async fn give_input(&self, input: GiveInput) -> Result<(), InputError> {
        let engine = self.clone();
        let task = tokio::spawn(async move { engine.give_input_now(input).await });
        task.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn give_input_now(&self, input: GiveInput) -> Result<(), InputError> {
        let store = &self.shared.parts.store;
        let head = store
            .head(input.org_id, input.run_id)
            .await?
            .ok_or(InputError::NoRun)?;
        waiting(head.status)?;
        let state = fold_log(&**store, input.org_id, input.run_id)
            .await
            .map_err(unreadable)?;
        waiting(state.status)?;
        let request = pick(&state.requests, input.request_id)?;
        let answer = parse_answer(request, &input.content)?;
        check_answer(request, &input.content).map_err(InputError::Unfit)?;
        let decided = Input::Answered {
            request_id: request.request_id,
            answer,
            user_id: input.user_id,
        };
        let decision = self.decide_intent(&state, decided);
        let expect_seq = Some(state.last_seq);
        let intent = self.intent(input.org_id, input.run_id, &state, expect_seq, decision);
        if self.carry_out(intent).await? {
            self.worker.wake();
            self.shared.teller.tell(&[Hint::Free]);
            return Ok(());
        }
        // Somebody else's answer, a cancel request or the end of the waiting time came first.
        let head = store
            .head(input.org_id, input.run_id)
            .await?
            .ok_or(InputError::NoRun)?;
        waiting(head.status)?;
        Err(InputError::NotWaiting)
    }

    /// What a run is asking now; empty unless it waits.
    pub async fn open_requests(
        &self,
        org: OrgId,
        run: RunId,
    ) -> Result<Vec<InputRequest>, StoreError> {
        let store = &self.shared.parts.store;
        match store.head(org, run).await? {
            Some(head) if head.status == RunStatus::WaitingForInput => {
                Ok(fold_log(&**store, org, run)
                    .await
                    .map_err(unreadable)?
                    .requests)
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn waiting(status: RunStatus) -> Result<(), InputError> {
    match status {
        RunStatus::WaitingForInput => Ok(()),
        RunStatus::Queued | RunStatus::Running => Err(InputError::NotWaiting),
        _ => Err(InputError::NotActive),
    }
}

/// The request that an answer is for.
fn pick(open: &[InputRequest], named: Option<RequestId>) -> Result<&InputRequest, InputError> {
    match (named, open) {
        (Some(id), open) => open
            .iter()
            .find(|request| request.request_id == id)
            .ok_or(InputError::NotWaiting),
        (None, [only]) => Ok(only),
        (None, []) => Err(InputError::NotWaiting),
        (None, several) => Err(InputError::Ambiguous(
            several.iter().map(|r| r.request_id).collect(),
        )),
    }
}
