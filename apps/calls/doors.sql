-- Which organization an engine's event is for, before a tenant is known. One connection may serve many: the installation's
-- any organization, an agency's its clients. The event says for whom: our call id, else the engine's id, else the own number.
CREATE OR REPLACE FUNCTION organization_of_hook(hook text, wanted_call text, wanted_ref text, wanted_number text)
RETURNS TABLE (connection_id uuid, organization_id uuid, call_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH door AS (
        SELECT c.id, c.organization_id FROM voice_connection c WHERE c.hook_id = hook AND c.is_active
    ), found AS (
        SELECT 1 AS nearness, k.organization_id, k.id AS call_id FROM calls_call k
            WHERE wanted_call <> '' AND k.public_id = wanted_call
        UNION ALL
        SELECT 2, k.organization_id, k.id FROM calls_call k JOIN door d ON k.connection_id = d.id
            WHERE wanted_ref <> '' AND k.ref = wanted_ref
        UNION ALL
        SELECT 3, n.organization_id, NULL FROM numbers_phonenumber n
            WHERE wanted_number <> '' AND n.phone_number = wanted_number
    )
    SELECT d.id, allowed.organization_id, allowed.call_id
    FROM door d LEFT JOIN LATERAL (
        SELECT f.organization_id, f.call_id
        FROM found f JOIN organizations_organization o ON o.id = f.organization_id
        WHERE d.organization_id IS NULL OR d.organization_id IN (o.id, o.parent_id)
        ORDER BY f.nearness LIMIT 1
    ) allowed ON true
$$;

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

REVOKE ALL ON FUNCTION organization_of_hook(text, text, text, text), search_calls(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_of_hook(text, text, text, text), search_calls(text, integer) TO switchboard_app;
