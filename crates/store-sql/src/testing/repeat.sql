-- A run whose events {first} to {last} happened {times} times more. Its node's lease has ended.
-- What follows makes room by way of negative numbers, since no two rows may meet on the way.
UPDATE events SET seq = -seq - {shift}
WHERE org_id = {org} AND run_id = {run} AND seq > {last};
UPDATE events SET seq = -seq WHERE org_id = {org} AND run_id = {run} AND seq < 0;

WITH RECURSIVE times (time) AS (
    SELECT 1 UNION ALL SELECT time + 1 FROM times WHERE time < {times}
)
INSERT INTO events (org_id, run_id, seq, type, data, private, created_at)
SELECT e.org_id, e.run_id, e.seq + time * ({last} - {first} + 1), e.type, e.data, e.private,
    e.created_at
FROM times CROSS JOIN events AS e
WHERE e.org_id = {org} AND e.run_id = {run} AND e.seq BETWEEN {first} AND {last}
ORDER BY time, e.seq;

UPDATE run_heads SET last_seq = last_seq + {shift} WHERE org_id = {org} AND run_id = {run};

UPDATE nodes SET lease_until = (SELECT created_at FROM runs WHERE org_id = {org} AND run_id = {run})
WHERE node_id IN (SELECT owner_node FROM run_heads WHERE org_id = {org} AND run_id = {run});
