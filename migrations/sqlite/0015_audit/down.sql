DROP TRIGGER orgs_keep_their_ids;
DROP TRIGGER audited_orgs_are_not_replaced;
DROP TABLE audit_pending;
DROP TABLE audit_seals;
DROP TABLE audit_records;
