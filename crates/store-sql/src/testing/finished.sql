-- Runs that have ended like the pattern's, with five of its events. Every thousandth has failed.
INSERT INTO run_heads (org_id, run_id, thread_id, turn, status, epoch, attempts, last_seq)
SELECT pattern.org_id, f.run_id, f.thread_id, f.turn,
    CASE WHEN f.number % 1000 = 0 THEN 'failed' ELSE pattern.status END,
    pattern.epoch, pattern.attempts, 5
FROM filled AS f CROSS JOIN run_heads AS pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
ORDER BY f.number;

INSERT INTO runs (org_id, run_id, thread_id, created_by, trace_id, persona_id, route_id, model,
    uncached_input_tokens, output_tokens, cost_nanos, created_at, ended_at, error_class)
SELECT pattern.org_id, f.run_id, f.thread_id, pattern.created_by, pattern.trace_id,
    pattern.persona_id, pattern.route_id, pattern.model, pattern.uncached_input_tokens,
    pattern.output_tokens, pattern.cost_nanos, f.created_at,
    f.created_at + (pattern.ended_at - pattern.created_at),
    CASE WHEN f.number % 1000 = 0 THEN 'model.error' END
FROM filled AS f CROSS JOIN runs AS pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
ORDER BY f.number;

INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
SELECT {org}, f.run_id, e.number,
    CASE WHEN e.number = 5 AND f.number % 1000 = 0 THEN 'run.failed' ELSE e.type END,
    CASE WHEN e.number = 1 THEN
        replace(replace(e.data, '{run_text}', f.run_text), '{thread_text}', f.thread_text)
        ELSE e.data END,
    e.private, f.created_at
FROM filled AS f CROSS JOIN (
    SELECT row_number() OVER (ORDER BY seq) AS number, type, data, private
    FROM events WHERE org_id = {org} AND run_id = {run}
        AND (seq <= 3 OR seq >= (SELECT last_seq - 1 FROM run_heads
            WHERE org_id = {org} AND run_id = {run}))) AS e
ORDER BY f.number, e.number;

INSERT INTO model_calls (org_id, run_id, step, attempt, route_id, model, uncached_input_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, source, cost_nanos,
    multiplier_thousandths, created_at)
SELECT pattern.org_id, f.run_id, pattern.step, pattern.attempt, pattern.route_id, pattern.model,
    pattern.uncached_input_tokens, pattern.cache_read_tokens, pattern.cache_write_tokens,
    pattern.output_tokens, pattern.source, pattern.cost_nanos, pattern.multiplier_thousandths,
    f.created_at
FROM filled AS f CROSS JOIN model_calls AS pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
ORDER BY f.number;

INSERT INTO credit_entries (org_id, run_id, credits, created_at)
SELECT pattern.org_id, f.run_id, pattern.credits, f.created_at
FROM filled AS f CROSS JOIN credit_entries AS pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
ORDER BY f.number;

DROP TABLE filled;
DROP TABLE said;
