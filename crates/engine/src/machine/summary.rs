//! A summary of the turns that a model isn't shown any more.

use runloom_domain::event::{CallPurpose, HistoryCompacted, HistorySummarised};
use runloom_domain::{EventBody, EventPrivate, OnOverflow};

use super::draft::Draft;
use super::model_failed::{self, FailedCall};
use super::state::Phase;
use super::{ModelAnswer, RunState, go_on};

/// Whether the model is shown a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Summary {
    /// It needs none.
    #[default]
    None,
    /// One is to be made before the model is called for its answer, from the one before and
    /// what is left out since.
    Wanted(Option<String>),
    /// It is shown this one.
    Made(String),
}

impl RunState {
    /// What the next model call is for.
    pub(super) fn purpose(&self) -> Option<CallPurpose> {
        matches!(self.summary, Summary::Wanted(_)).then_some(CallPurpose::Summary)
    }

    /// Whether the model call under way makes a summary.
    pub(super) fn summarises(&self) -> bool {
        matches!(self.phase, Phase::Calling(..)) && self.purpose().is_some()
    }

    pub(super) fn compact(&mut self, compacted: HistoryCompacted) {
        let earlier = match std::mem::take(&mut self.summary) {
            Summary::None => None,
            Summary::Wanted(earlier) => earlier,
            Summary::Made(text) => Some(text),
        };
        self.summary = match (compacted.policy, earlier) {
            (OnOverflow::Summarise, earlier) => Summary::Wanted(earlier),
            (OnOverflow::Drop | OnOverflow::Fail, Some(text)) => Summary::Made(text),
            (OnOverflow::Drop | OnOverflow::Fail, None) => Summary::None,
        };
        self.compacted = Some(compacted);
    }
}

/// The model has made a summary.
pub(super) fn summarised(draft: &mut Draft<'_>, answer: ModelAnswer) {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return;
    };
    let call = model_failed::ledger_row(draft, tried, answer.usage, answer.reported_cost);
    draft.charge(call.clone());
    draft.push_with(
        EventBody::HistorySummarised(HistorySummarised {
            step: tried.step,
            attempt: tried.attempt,
            usage: answer.usage,
            cost_usd: call.cost.as_dollars(),
        }),
        Some(EventPrivate::Summary {
            call,
            text: answer.text,
        }),
    );
    go_on::go_on(draft);
}

/// No summary can be made: the oldest turns are dropped without one.
pub(super) fn give_up(draft: &mut Draft<'_>, failed: &FailedCall) {
    if let Some(compacted) = draft.state.compacted {
        draft.push(EventBody::HistoryCompacted(HistoryCompacted {
            policy: OnOverflow::Drop,
            ..compacted
        }));
    }
    model_failed::retry_at_once(draft, failed);
}
