DO $$
DECLARE
    walled regclass;
    policy text;
BEGIN
    FOR walled, policy IN
        SELECT polrelid, polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy, walled);
    END LOOP;
    FOR walled IN
        SELECT oid FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY',
            walled);
    END LOOP;
END $$;
