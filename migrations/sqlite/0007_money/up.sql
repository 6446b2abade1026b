-- Whether an organisation's runs need credits; NULL what the deployment says.
ALTER TABLE orgs ADD COLUMN metered INTEGER CHECK (metered IN (0, 1));

-- The API key with which a run was created, if it was one.
ALTER TABLE runs ADD COLUMN api_key_id BLOB;

-- What an organisation has of credits, and what its runs that haven't ended hold of them. There is
-- no CHECK against less than nothing: the end of a run, which moves both, must not fail.
CREATE TABLE org_balances (
    org_id BLOB NOT NULL PRIMARY KEY,
    credits INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The account: each line adds to the balance. A run's line has the run's id.
CREATE TABLE credit_ledger (
    org_id BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('top_up', 'adjust', 'run')),
    credits INTEGER NOT NULL,
    run_id BLOB,
    note TEXT,
    created_by BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, entry_id)
) STRICT;
CREATE INDEX credit_ledger_listed ON credit_ledger (org_id, created_at, entry_id);

-- What a run of an organisation that needs credits holds, and how its cost becomes credits.
CREATE TABLE credit_holds (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    credits INTEGER NOT NULL DEFAULT 0,
    -- What it wants to have before each step; 0 when it gets no more.
    step INTEGER NOT NULL DEFAULT 0,
    rate INTEGER NOT NULL DEFAULT 0,
    multiplier_thousandths INTEGER NOT NULL DEFAULT 0,
    -- What it was charged, once it has ended.
    charged INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (org_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (
    org_id BLOB NOT NULL,
    budget_id BLOB NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('organisation', 'user', 'api_key', 'persona', 'thread')),
    -- An id, or a persona's key; empty for the organisation.
    scope_id TEXT NOT NULL,
    period TEXT NOT NULL CHECK (period IN ('day', 'month')),
    max_cost_nanos INTEGER CHECK (max_cost_nanos >= 0),
    max_tokens INTEGER CHECK (max_tokens >= 0),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, budget_id),
    UNIQUE (org_id, scope, scope_id, period)
) STRICT, WITHOUT ROWID;

-- How a budget stands in a period: what the period's runs took that have ended, and what the
-- others hold.
CREATE TABLE budget_spend (
    org_id BLOB NOT NULL,
    budget_id BLOB NOT NULL,
    period_start INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    reserved_cost_nanos INTEGER NOT NULL DEFAULT 0,
    reserved_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, budget_id, period_start)
) STRICT, WITHOUT ROWID;

-- What a run holds of each budget that counts it, and what it took, once it has ended.
CREATE TABLE budget_holds (
    org_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    budget_id BLOB NOT NULL,
    period_start INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    -- What it wants to have before each step; 0 when it gets no more.
    step_cost_nanos INTEGER NOT NULL DEFAULT 0,
    step_tokens INTEGER NOT NULL DEFAULT 0,
    took_cost_nanos INTEGER,
    took_tokens INTEGER,
    PRIMARY KEY (org_id, run_id, budget_id)
) STRICT, WITHOUT ROWID;
