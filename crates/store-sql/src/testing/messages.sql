-- A conversation of {count} more messages, by turns of its creator and of an agent.
WITH RECURSIVE numbers (number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count}
)
INSERT INTO messages (org_id, thread_id, position, message_id, role, content, created_by,
    created_at)
SELECT t.org_id, t.thread_id, t.last_position + number, {new_id},
    CASE number % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
    'message ' || (t.last_position + number),
    CASE number % 2 WHEN 1 THEN t.created_by END,
    t.created_at
FROM numbers CROSS JOIN threads AS t
WHERE t.org_id = {org} AND t.thread_id = {thread}
ORDER BY number;

UPDATE threads SET last_position = last_position + {count}
WHERE org_id = {org} AND thread_id = {thread};
