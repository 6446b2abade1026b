use runloom_domain::event::StepRetried;
use runloom_domain::{EventBody, ModelCall, NanoUsd, Usage};

use super::draft::Draft;
use super::go_on;
use super::state::{Phase, Try};
use crate::port::model::ModelError;

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
    /// The answer text that clients have seen, if it shall be kept.
    pub(crate) text: Option<String>,
}

/// The model call has failed: try again, elsewhere, or give up.
pub(super) fn model_failed(draft: &mut Draft<'_>, failed: &FailedCall) {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return;
    };
    let backoff = draft.state.route().backoff;
    if failed.error.kind.is_retryable() && tried.on_route < backoff.max_attempts {
        let delay = backoff.delay(tried.on_route, failed.error.retry_after, draft.cx.entropy);
        return retry(draft, failed, failed.error.kind.class(), delay, None);
    }
    if let Some(next) = draft.state.spec.fallbacks.get(draft.state.route) {
        let next = next.route_id.clone();
        let class = failed.error.kind.class();
        return retry(draft, failed, class, std::time::Duration::ZERO, Some(next));
    }
    let call = ledger_row(draft, tried, failed.usage, failed.reported_cost);
    draft.fail(failed.error.kind.class(), &failed.error.message, Some(call));
}

/// A crash has cut the call: that is no fault of the provider, so it doesn't count against
/// the route's tries; claims without progress are bounded instead.
pub(super) fn interrupted(draft: &mut Draft<'_>, cut: &FailedCall) {
    retry(draft, cut, INTERRUPTED, std::time::Duration::ZERO, None);
}

fn retry(
    draft: &mut Draft<'_>,
    failed: &FailedCall,
    error_class: &str,
    delay: std::time::Duration,
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
