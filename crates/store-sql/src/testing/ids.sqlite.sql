-- Who the new runs {from} to {to} of {count} are: made over {age} seconds before the pattern's run,
-- {a_thread} in a thread. Their ids are text here, as in events.
CREATE TEMPORARY TABLE filled AS
WITH RECURSIVE numbers (number) AS (
    SELECT {from} UNION ALL SELECT number + 1 FROM numbers WHERE number < {to}
), dated AS (
    SELECT number, number - (number - 1) % {a_thread} AS first,
        pattern.created_at - CAST({age} * 1000000 * (1 - (number - 1.0) / {count}) AS INTEGER)
            AS created_at,
        pattern.created_at - CAST({age} * 1000000
            * (1 - (number - (number - 1) % {a_thread} - 1.0) / {count}) AS INTEGER) AS begun_at
    FROM numbers CROSS JOIN runs AS pattern
    WHERE pattern.org_id = {org} AND pattern.run_id = {run}
), named AS (
    SELECT number, number - first + 1 AS turn, created_at,
        printf('%012x7{kind}8000%012x', created_at / 1000, number) AS run,
        printf('%012x7{kind}8000%012x', begun_at / 1000, first) AS thread
    FROM dated
)
SELECT number, turn, created_at, unhex(run) AS run_id, unhex(thread) AS thread_id,
    substr(run, 1, 8) || '-' || substr(run, 9, 4) || '-' || substr(run, 13, 4) || '-'
        || substr(run, 17, 4) || '-' || substr(run, 21) AS run_text,
    substr(thread, 1, 8) || '-' || substr(thread, 9, 4) || '-' || substr(thread, 13, 4) || '-'
        || substr(thread, 17, 4) || '-' || substr(thread, 21) AS thread_text
FROM named;
