-- Whether an organisation's runs need credits; NULL what the deployment says.
ALTER TABLE orgs ADD COLUMN metered boolean;

-- The API key with which a run was created, if it was one.
ALTER TABLE runs ADD COLUMN api_key_id uuid;

-- What an organisation has of credits, and what its runs that haven't ended hold of them. There is
-- no CHECK against less than nothing: the end of a run, which moves both, must not fail.
CREATE TABLE org_balances (
    org_id uuid NOT NULL PRIMARY KEY,
    credits bigint NOT NULL DEFAULT 0,
    reserved bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- The account: each line adds to the balance. A run's line has the run's id.
CREATE TABLE credit_ledger (
    org_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('top_up', 'adjust', 'run')),
    credits bigint NOT NULL,
    run_id uuid,
    note text,
    created_by uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, entry_id)
);
CREATE INDEX credit_ledger_listed ON credit_ledger (org_id, created_at, entry_id);

-- What a run of an organisation that needs credits holds, and how its cost becomes credits.
CREATE TABLE credit_holds (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    credits bigint NOT NULL DEFAULT 0,
    -- What it wants to have before each step; 0 when it gets no more.
    step bigint NOT NULL DEFAULT 0,
    rate bigint NOT NULL DEFAULT 0,
    multiplier_thousandths bigint NOT NULL DEFAULT 0,
    -- What it was charged, once it has ended.
    charged bigint,
    ended_at timestamptz,
    PRIMARY KEY (org_id, run_id)
) WITH (fillfactor = 80);

CREATE TABLE budgets (
    org_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    scope text NOT NULL CHECK (scope IN ('organisation', 'user', 'api_key', 'persona', 'thread')),
    -- An id, or a persona's key; empty for the organisation.
    scope_id text NOT NULL,
    period text NOT NULL CHECK (period IN ('day', 'month')),
    max_cost_nanos bigint CHECK (max_cost_nanos >= 0),
    max_tokens bigint CHECK (max_tokens >= 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, budget_id),
    UNIQUE (org_id, scope, scope_id, period)
);

-- How a budget stands in a period: what the period's runs took that have ended, and what the
-- others hold.
CREATE TABLE budget_spend (
    org_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    cost_nanos bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    reserved_cost_nanos bigint NOT NULL DEFAULT 0,
    reserved_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, budget_id, period_start)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- What a run holds of each budget that counts it, and what it took, once it has ended.
CREATE TABLE budget_holds (
    org_id uuid NOT NULL,
    run_id uuid NOT NULL,
    budget_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    cost_nanos bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    -- What it wants to have before each step; 0 when it gets no more.
    step_cost_nanos bigint NOT NULL DEFAULT 0,
    step_tokens bigint NOT NULL DEFAULT 0,
    took_cost_nanos bigint,
    took_tokens bigint,
    PRIMARY KEY (org_id, run_id, budget_id)
) WITH (fillfactor = 80);
