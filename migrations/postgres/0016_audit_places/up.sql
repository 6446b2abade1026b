-- Behind a place below 1 a record would be hidden from the check of its chain.
ALTER TABLE audit_seals ADD CONSTRAINT audit_seals_count_from_1 CHECK (seq > 0);
