DROP TABLE audit_pending;
DROP TABLE audit_seals;
DROP TABLE audit_records;
