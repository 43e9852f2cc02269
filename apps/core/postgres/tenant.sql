-- The function all policies ask. It raises rather than answering "nobody": a forgotten scope must be loud.
CREATE OR REPLACE FUNCTION tenant_ids() RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE chosen text := current_setting('app.tenants', true);   -- null before the first use of a connection, '' after any commit
BEGIN
    IF chosen IS NULL OR chosen = '' THEN
        RAISE EXCEPTION 'no tenant chosen' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN chosen::uuid[];
END $$;

-- Tables made before and after this line: the application reads and writes rows, and owns nothing.
GRANT USAGE ON SCHEMA public TO switchboard_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO switchboard_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO switchboard_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO switchboard_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO switchboard_app;
