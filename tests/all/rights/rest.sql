-- What an organisation may have though no call makes it at once, for both kinds of database: ids
-- and times are taken from rows that are there.

-- A run of the organisation that is exported.
CREATE TEMP VIEW one AS SELECT runs.* FROM runs
    JOIN memberships ON memberships.org_id = runs.org_id
    JOIN users ON users.user_id = memberships.user_id
    WHERE users.login = 'bob' AND runs.parent_run_id IS NULL AND runs.ended_at IS NOT NULL
    ORDER BY runs.run_id LIMIT 1;

UPDATE orgs SET event_retention_days = 36500, metered = TRUE, max_threads = 1000,
    max_stored_bytes = 1000000000
    WHERE org_id = (SELECT org_id FROM one);
UPDATE llm_routes SET fallback = 'say' WHERE org_id = (SELECT org_id FROM one);
UPDATE mcp_tools SET state = 'changed', pending = approved, pending_hash = approved_hash
    WHERE org_id = (SELECT org_id FROM one);

-- A run that another has spawned, by a key, and that has failed. Its events have expired.
INSERT INTO run_heads (org_id, run_id, thread_id, turn, status, epoch, attempts, last_seq,
        parent_run_id)
    SELECT org_id, thread_id, thread_id, 99, 'failed', 2, 1, 3, run_id FROM one;
INSERT INTO runs (org_id, run_id, thread_id, created_by, api_key_id, root_thread_id, trace_id,
        persona_id, route_id, model, metadata, created_at, ended_at, error_class, error_message,
        events_expired_at, parent_run_id)
    SELECT org_id, thread_id, thread_id, created_by, run_id, thread_id, trace_id,
        persona_id, route_id, model, '{"a": [1.50]}', created_at, ended_at, 'x', 'é',
        ended_at, run_id
    FROM one;
INSERT INTO events (org_id, run_id, seq, type, data, created_at)
    SELECT org_id, thread_id, 1, 'run.started', '{"a":"canary-that-expired"}', created_at FROM one;
INSERT INTO tool_outputs (org_id, run_id, tool_call_id, content)
    SELECT org_id, thread_id, thread_id, 'canary-that-expired' FROM one;

-- The whole output of a tool, and a message that has all that one can have.
INSERT INTO tool_outputs (org_id, run_id, tool_call_id, content)
    SELECT org_id, run_id, tool_call_id, 'whole' FROM messages
    WHERE tool_call_id IS NOT NULL AND org_id = (SELECT org_id FROM one);
INSERT INTO messages (org_id, thread_id, position, message_id, run_id, role, content, tool_calls,
        provider, tool_call_id, tool_name, created_by, created_at, hidden_at)
    SELECT org_id, thread_id, 9000, run_id, run_id, role, content, '[{"a": 1}]',
        '{"b": 2}', tool_call_id, tool_name, (SELECT created_by FROM one), created_at, created_at
    FROM messages
    WHERE tool_call_id IS NOT NULL AND org_id = (SELECT org_id FROM one) LIMIT 1;

-- A record that waits for its seal.
INSERT INTO audit_records (org_id, record_id, created_at, actor, user_id, api_key_id, action,
        subject_kind, subject_id, details, address, trace_id)
    SELECT org_id, run_id, (SELECT max(created_at) FROM audit_records), 'api_key', created_by,
        run_id, 'member.removed', 'user', 'x', '{}', '127.0.0.1', trace_id
    FROM one;
INSERT INTO audit_pending (org_id, record_id) SELECT org_id, run_id FROM one;
