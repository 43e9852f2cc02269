-- Text search filters on the tenant itself: under a policy the planner may not use the text index first (`@@` is not leakproof).
CREATE OR REPLACE FUNCTION search_calls(words text, most integer)
RETURNS TABLE (call_id uuid, rank real)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id, ts_rank(c.search, q.query)
    FROM calls_call c, (SELECT websearch_to_tsquery('simple', words) AS query) q
    WHERE c.search @@ q.query AND c.organization_id = ANY ((SELECT tenant_ids())::uuid[])
    ORDER BY c.created_at DESC LIMIT most
$$;

CREATE INDEX calls_call_search ON calls_call USING gin (search);

REVOKE ALL ON FUNCTION search_calls(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_calls(text, integer) TO switchboard_app;
