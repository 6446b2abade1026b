-- Who the new runs {from} to {to} of {count} are: made over {age} seconds before the pattern's run,
-- {a_thread} in a thread. Their ids are text too, as in events.
CREATE TEMPORARY TABLE filled AS
SELECT number, number - first + 1 AS turn, run.at AS created_at, run.id::text AS run_text,
    thread.id::text AS thread_text, run.id AS run_id, thread.id AS thread_id
FROM runs AS pattern
CROSS JOIN (SELECT number, number - (number - 1) % {a_thread} AS first
    FROM generate_series({from}::bigint, {to}) AS number) AS numbers
CROSS JOIN LATERAL (SELECT at, (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '7{kind}8000' || lpad(to_hex(number), 12, '0'))::uuid AS id
    FROM (SELECT pattern.created_at
        - interval '1 second' * ({age} * (1 - (number - 1)::float8 / {count})) AS at) AS t) AS run
CROSS JOIN LATERAL (SELECT at, (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '7{kind}8000' || lpad(to_hex(first), 12, '0'))::uuid AS id
    FROM (SELECT pattern.created_at
        - interval '1 second' * ({age} * (1 - (first - 1)::float8 / {count})) AS at) AS t) AS thread
WHERE pattern.org_id = {org} AND pattern.run_id = {run};
