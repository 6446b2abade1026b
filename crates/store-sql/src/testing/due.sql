-- Runs that have just begun like the pattern's, and that nobody works on yet.
INSERT INTO run_heads (org_id, run_id, thread_id, turn, status, epoch, attempts, last_seq, wake_at)
SELECT {org}, run_id, thread_id, turn, 'running', 0, 0, 1, created_at
FROM filled ORDER BY number;

INSERT INTO runs (org_id, run_id, thread_id, created_by, trace_id, persona_id, route_id, model,
    created_at)
SELECT pattern.org_id, f.run_id, f.thread_id, pattern.created_by, pattern.trace_id,
    pattern.persona_id, pattern.route_id, pattern.model, f.created_at
FROM filled AS f CROSS JOIN runs AS pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
ORDER BY f.number;

INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
SELECT e.org_id, f.run_id, 1, e.type,
    replace(replace(e.data, '{run_text}', f.run_text), '{thread_text}', f.thread_text),
    e.private, f.created_at
FROM filled AS f CROSS JOIN events AS e
WHERE e.org_id = {org} AND e.run_id = {run} AND e.seq = 1
ORDER BY f.number;

DROP TABLE filled;
DROP TABLE said;
