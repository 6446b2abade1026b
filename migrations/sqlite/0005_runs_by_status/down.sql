DROP INDEX run_heads_by_status;
