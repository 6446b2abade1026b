-- The threads of the new runs, and what was said in them as in the pattern's run.
CREATE TEMPORARY TABLE said AS
SELECT row_number() OVER (ORDER BY m.position) AS position, m.role, m.content, m.created_by
FROM messages m JOIN runs pattern ON m.org_id = pattern.org_id
    AND m.thread_id = pattern.thread_id AND m.run_id = pattern.run_id
WHERE pattern.org_id = {org} AND pattern.run_id = {run} AND m.role IN {roles};

INSERT INTO threads (org_id, thread_id, created_by, title, last_position, last_turn, created_at)
SELECT pattern.org_id, f.thread_id, pattern.created_by, 'Conversation ' || min(f.number),
    count(*) * (SELECT count(*) FROM said), count(*), min(f.created_at)
FROM filled f CROSS JOIN runs pattern
WHERE pattern.org_id = {org} AND pattern.run_id = {run}
GROUP BY pattern.org_id, f.thread_id, pattern.created_by
ORDER BY f.thread_id;

INSERT INTO messages (org_id, thread_id, position, message_id, run_id, role, content, created_by,
    created_at)
SELECT {org}, f.thread_id, (f.turn - 1) * (SELECT count(*) FROM said) + s.position,
    {new_id}, f.run_id, s.role, s.content, s.created_by, f.created_at
FROM filled f CROSS JOIN said s
ORDER BY f.number, s.position;
