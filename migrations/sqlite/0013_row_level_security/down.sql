-- Only PostgreSQL has policies; the histories of both keep step.
SELECT 1;
