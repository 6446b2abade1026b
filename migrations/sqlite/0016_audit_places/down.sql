-- The tables stay as they are, they hold the same.
DROP TRIGGER audit_records_are_not_replaced;
DROP TRIGGER audit_seals_are_not_replaced;
