ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_count_from_1;
