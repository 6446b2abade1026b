use std::time::Duration;

use runloom_domain::event::{HistoryCompacted, StepRetried};
use runloom_domain::{EventBody, ModelCall, NanoUsd, OnOverflow, Usage};

use super::draft::Draft;
use super::state::{Phase, Try};
use super::{go_on, summary};
use crate::port::model::{ModelError, ModelErrorKind};

/// The error class of a call that a crash or a hand-over has cut.
pub(super) const INTERRUPTED: &str = "internal.interrupted";

/// A model call without an answer.
#[derive(Clone, Debug)]
pub(crate) struct FailedCall {
    /// Why.
    pub(crate) error: ModelError,
    /// What it used, as reported or by estimate.
    pub(crate) usage: Usage,
    /// What the provider says that it cost.
    pub(crate) reported_cost: Option<NanoUsd>,
    /// To how many bytes the conversation can be cut, if that leaves anything out.
    pub(crate) shorter: Option<u64>,
    /// The answer text that clients have seen, if it shall be kept.
    pub(crate) text: Option<String>,
}

/// The model call has failed: try again, with less, elsewhere, or give up.
pub(super) fn model_failed(draft: &mut Draft<'_>, failed: FailedCall) {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return;
    };
    let class = failed.error.kind.class();
    if failed.error.kind == ModelErrorKind::BudgetExhausted {
        let message = failed.error.message.clone();
        let cut = super::stopped::cut_call(draft, failed);
        return draft.fail(class, &message, cut);
    }
    if failed.error.kind == ModelErrorKind::ContextOverflow
        && may_compact(draft)
        && let Some(max_bytes) = failed.shorter
    {
        return compact(draft, &failed, max_bytes);
    }
    let next = draft.state.spec.fallbacks.get(draft.state.route);
    let next = next.map(|route| route.route_id.clone());
    if let Some(delay) = delay(draft, tried, &failed.error, next.is_some()) {
        return retry(draft, &failed, class, delay, None);
    }
    if draft.state.summarises() {
        return summary::give_up(draft, &failed);
    }
    if next.is_some() {
        return retry(draft, &failed, class, Duration::ZERO, next);
    }
    let call = ledger_row(draft, tried, failed.usage, failed.reported_cost);
    draft.fail(class, &failed.error.message, Some(call));
}

/// How long to wait until the same route is tried again, if it is.
fn delay(
    draft: &Draft<'_>,
    tried: Try,
    error: &ModelError,
    has_fallback: bool,
) -> Option<Duration> {
    let backoff = draft.state.route().backoff;
    let (tries, most) = match error.kind {
        // Waiting for it would be slower than going elsewhere.
        ModelErrorKind::Resting if has_fallback => return None,
        ModelErrorKind::RateLimited => (tried.rate_limited + 1, backoff.max_rate_limited),
        _ => (tried.on_route - tried.rate_limited, backoff.max_attempts),
    };
    if !error.kind.is_retryable() || tries >= most {
        return None;
    }
    let delay = backoff.delay(tries, error.retry_after, draft.cx.entropy)?;
    let is_long = delay > Duration::from_millis(backoff.cap_ms);
    (!is_long || !has_fallback).then_some(delay)
}

/// Whether a shorter history may help: it is tried once for each step.
fn may_compact(draft: &Draft<'_>) -> bool {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return false;
    };
    let before = draft.state.compacted.as_ref();
    draft.state.spec.on_overflow != OnOverflow::Fail
        && before.is_none_or(|compacted| compacted.step != tried.step)
}

/// The conversation is too long for the model: go on with about half of it.
fn compact(draft: &mut Draft<'_>, failed: &FailedCall, max_bytes: u64) {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return;
    };
    draft.push(EventBody::HistoryCompacted(HistoryCompacted {
        step: tried.step,
        policy: draft.state.spec.on_overflow,
        max_bytes,
    }));
    retry_at_once(draft, failed);
}

/// The same route is tried again: what was wrong has been changed.
pub(super) fn retry_at_once(draft: &mut Draft<'_>, failed: &FailedCall) {
    let class = failed.error.kind.class();
    retry(draft, failed, class, Duration::ZERO, None);
}

/// A crash has cut the call: that is no fault of the provider, so it doesn't count against
/// the route's tries; claims without progress are bounded instead.
pub(super) fn interrupted(draft: &mut Draft<'_>, cut: &FailedCall) {
    retry(draft, cut, INTERRUPTED, Duration::ZERO, None);
}

fn retry(
    draft: &mut Draft<'_>,
    failed: &FailedCall,
    error_class: &str,
    delay: Duration,
    next_route_id: Option<String>,
) {
    let Phase::Calling(tried, discard_from_seq) = draft.state.phase else {
        return;
    };
    let call = ledger_row(draft, tried, failed.usage, failed.reported_cost);
    let private = draft.charge(call);
    draft.push_with(
        EventBody::StepRetried(StepRetried {
            step: tried.step,
            attempt: tried.attempt,
            error_class: error_class.to_owned(),
            delay_ms: delay.as_millis() as u64,
            discard_from_seq,
            next_route_id,
        }),
        Some(private),
    );
    go_on::go_on(draft);
}

/// The ledger row of a try, priced by the frozen route, or by the provider's word for a route
/// without prices.
pub(super) fn ledger_row(
    draft: &Draft<'_>,
    tried: Try,
    usage: Usage,
    reported_cost: Option<NanoUsd>,
) -> ModelCall {
    let route = draft.state.route();
    // A call that the provider never took has used nothing, not even the price of a request.
    let refused = usage == Usage::estimated(0, 0);
    ModelCall {
        step: tried.step,
        attempt: tried.attempt,
        route_id: route.route_id.clone(),
        model: route.model.clone(),
        usage,
        cost: match &route.prices {
            _ if refused => NanoUsd::ZERO,
            Some(prices) => prices.cost(&usage.tokens),
            None => reported_cost.unwrap_or(NanoUsd::ZERO),
        },
        multiplier: route.multiplier,
    }
}
