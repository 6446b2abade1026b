DROP TABLE budget_holds;
DROP TABLE budget_spend;
DROP TABLE budgets;
DROP TABLE credit_holds;
DROP TABLE credit_ledger;
DROP TABLE org_balances;
ALTER TABLE runs DROP COLUMN api_key_id;
ALTER TABLE orgs DROP COLUMN metered;
