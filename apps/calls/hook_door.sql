-- Which organization an engine's event is for, before a tenant is known. One connection may serve many: the installation's
-- any organization, an agency's its clients. The event says for whom: our call id, else the engine's id, else the own number.
-- A call is told of by its own engine only: an agency's could otherwise end, at no charge, what the installation's carries.
-- An engine that was replaced still tells of the calls it carries, and begins no new ones.
DROP FUNCTION IF EXISTS organization_of_hook(text, text, text, text);
CREATE FUNCTION organization_of_hook(hook text, wanted_call text, wanted_ref text, wanted_number text)
RETURNS TABLE (connection_id uuid, owner_id uuid, organization_id uuid, parent_id uuid, call_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH door AS (
        SELECT c.id, c.organization_id, c.is_active FROM voice_connection c WHERE c.hook_id = hook
    ), found AS (
        SELECT 1 AS nearness, k.organization_id, k.id AS call_id FROM calls_call k JOIN door d ON k.connection_id = d.id
            WHERE wanted_call <> '' AND k.public_id = wanted_call
        UNION ALL
        SELECT 2, k.organization_id, k.id FROM calls_call k JOIN door d ON k.connection_id = d.id
            WHERE wanted_ref <> '' AND k.ref = wanted_ref
        UNION ALL
        SELECT 3, n.organization_id, NULL FROM numbers_phonenumber n JOIN door d ON d.is_active
            WHERE wanted_number <> '' AND n.phone_number = wanted_number
    )
    SELECT d.id, d.organization_id, allowed.organization_id, allowed.parent_id, allowed.call_id
    FROM door d LEFT JOIN LATERAL (
        SELECT f.organization_id, o.parent_id, f.call_id
        FROM found f JOIN organizations_organization o ON o.id = f.organization_id
        WHERE d.organization_id IS NULL OR d.organization_id IN (o.id, o.parent_id)
        ORDER BY f.nearness LIMIT 1
    ) allowed ON true
$$;

REVOKE ALL ON FUNCTION organization_of_hook(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_of_hook(text, text, text, text) TO switchboard_app;
