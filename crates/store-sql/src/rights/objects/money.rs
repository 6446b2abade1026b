//! What an organisation has used, and what it may use.

use super::super::form::{Object, id, moment, number, part, table, text};

pub(super) const MODEL_CALL: Object = table(
    "model_call",
    "model_calls",
    &[
        ("model_calls", "run_id"),
        ("model_calls", "step"),
        ("model_calls", "attempt"),
    ],
    &[part(
        "model_calls",
        &[
            id("run_id"),
            number("step"),
            number("attempt"),
            text("route_id"),
            text("model"),
            number("uncached_input_tokens"),
            number("cache_read_tokens"),
            number("cache_write_tokens"),
            number("output_tokens"),
            text("source"),
            number("cost_nanos"),
            number("multiplier_thousandths"),
            moment("created_at"),
        ],
        &[],
    )],
);

pub(super) const CREDIT_ENTRY: Object = table(
    "credit_entry",
    "credit_entries",
    &[("credit_entries", "run_id")],
    &[part(
        "credit_entries",
        &[id("run_id"), number("credits"), moment("created_at")],
        &[],
    )],
);

pub(super) const BALANCE: Object = table(
    "balance",
    "org_balances",
    &[("org_balances", "org_id")],
    &[part(
        "org_balances",
        &[number("credits"), number("reserved")],
        &[],
    )],
);

pub(super) const LEDGER_ENTRY: Object = table(
    "ledger_entry",
    "credit_ledger",
    &[("credit_ledger", "entry_id")],
    &[part(
        "credit_ledger",
        &[
            id("entry_id"),
            text("kind"),
            number("credits"),
            id("run_id"),
            text("note"),
            id("created_by"),
            moment("created_at"),
        ],
        &[],
    )],
);

pub(super) const CREDIT_HOLD: Object = table(
    "credit_hold",
    "credit_holds",
    &[("credit_holds", "run_id")],
    &[part(
        "credit_holds",
        &[
            id("run_id"),
            number("credits"),
            number("step"),
            number("rate"),
            number("multiplier_thousandths"),
            number("charged"),
            moment("ended_at"),
        ],
        &[],
    )],
);

pub(super) const BUDGET: Object = table(
    "budget",
    "budgets",
    &[("budgets", "budget_id")],
    &[part(
        "budgets",
        &[
            id("budget_id"),
            text("scope"),
            text("scope_id"),
            text("period"),
            number("max_cost_nanos"),
            number("max_tokens"),
            moment("created_at"),
        ],
        &[],
    )],
);

pub(super) const BUDGET_SPEND: Object = table(
    "budget_spend",
    "budget_spend",
    &[
        ("budget_spend", "budget_id"),
        ("budget_spend", "period_start"),
    ],
    &[part(
        "budget_spend",
        &[
            id("budget_id"),
            moment("period_start"),
            number("cost_nanos"),
            number("tokens"),
            number("reserved_cost_nanos"),
            number("reserved_tokens"),
        ],
        &[],
    )],
);

pub(super) const BUDGET_HOLD: Object = table(
    "budget_hold",
    "budget_holds",
    &[("budget_holds", "run_id"), ("budget_holds", "budget_id")],
    &[part(
        "budget_holds",
        &[
            id("run_id"),
            id("budget_id"),
            moment("period_start"),
            number("cost_nanos"),
            number("tokens"),
            number("step_cost_nanos"),
            number("step_tokens"),
            number("took_cost_nanos"),
            number("took_tokens"),
        ],
        &[],
    )],
);
