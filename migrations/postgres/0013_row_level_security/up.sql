-- The wall between organisations. Sessions of the role runloom_tenant see and write what belongs to
-- the organisation that their transaction has named in runloom.org_id, and nothing when it has
-- named none. Others do what is granted to them: the engine's role, and the role that owns the
-- tables, which policies bind too since they are forced.
--
-- No policy names a role: roles belong to the cluster and may not be there yet, or not where a
-- backup is restored. The questions about the session are subselects without any reference to the
-- row, which a statement asks once.
--
-- Each table with a column org_id gets the same wall. Some rows are looked for before anybody knows
-- the organisation, by a key that only who may see them has; or they are a person's. The
-- transaction then names that key in runloom.lookup, or the person in runloom.user_id.
DO $$
DECLARE
    is_exempt constant text := '(SELECT current_user <> ''runloom_tenant'')';
    org constant text := '(SELECT nullif(current_setting(''runloom.org_id'', true), '''')::uuid)';
    person constant text := '(SELECT nullif(current_setting(''runloom.user_id'', true), '''')::uuid)';
    key constant text := '(SELECT nullif(current_setting(''runloom.lookup'', true), ''''))';
    walled regclass;
BEGIN
    FOR walled IN
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition
        ORDER BY c.relname
    LOOP
        EXECUTE format('CREATE POLICY wall ON %s USING (%s OR org_id = %s)', walled, is_exempt, org);
    END LOOP;

    -- A session and a reset are a person's, whichever organisation they name, and are looked for
    -- by the session's id and by the hash of a token.
    FOREACH walled IN ARRAY ARRAY['sessions', 'password_resets']::regclass[] LOOP
        EXECUTE format('DROP POLICY wall ON %s', walled);
        EXECUTE format('CREATE POLICY wall ON %s USING (%s OR user_id = %s)',
            walled, is_exempt, person);
    END LOOP;
    EXECUTE format('CREATE POLICY looked_up ON sessions FOR SELECT USING
        (session_id::text = %s)', key);
    EXECUTE format('CREATE POLICY looked_up ON password_resets FOR SELECT USING
        (encode(token_hash, ''hex'') = %s)', key);
    -- People belong to no organisation. An organisation sees its members.
    EXECUTE format('CREATE POLICY wall ON users USING (%s OR user_id = %s)', is_exempt, person);
    -- A scalar subselect, since EXISTS may become a hash of all members for the sake of one.
    EXECUTE format('CREATE POLICY members ON users FOR SELECT USING ((SELECT true
        FROM memberships m WHERE m.org_id = %s AND m.user_id = users.user_id))', org);
    EXECUTE format('CREATE POLICY wall ON user_names USING (%s OR user_id = %s)',
        is_exempt, person);
    EXECUTE format('CREATE POLICY looked_up ON user_names FOR SELECT USING (name_key = %s)', key);
    -- A person sees which organisations they are in, and then their names. The list of those is a
    -- setting: a look at the memberships would ask the engine for a right that it hasn't got.
    EXECUTE format('CREATE POLICY own ON memberships FOR SELECT USING (user_id = %s)', person);
    CREATE POLICY joined ON orgs FOR SELECT USING (org_id = ANY
        ((SELECT nullif(current_setting('runloom.joined', true), '')::uuid[])::uuid[]));
    EXECUTE format('CREATE POLICY looked_up ON api_keys FOR SELECT USING (public_id = %s)', key);
    -- The idempotency keys of registrations belong to no organisation.
    EXECUTE format('CREATE POLICY looked_up ON idempotency_keys USING
        (org_id = ''00000000-0000-0000-0000-000000000000'' AND key = %s)', key);

    FOR walled IN
        SELECT polrelid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND p.polname = 'wall'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', walled);
    END LOOP;

    -- Partitions are reached through the table that they are a part of. By their own names they
    -- are granted to nobody, and have nothing for anybody but their owner.
    FOR walled IN
        SELECT inhrelid FROM pg_inherits WHERE inhparent = 'events'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
    END LOOP;
END $$;
