-- A widget on another website knows only its public key.

CREATE OR REPLACE FUNCTION organization_of_embed(wanted_key text)
RETURNS TABLE (organization_id uuid, embed_id uuid, brand_id uuid, parent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.organization_id, e.id, o.brand_id, o.parent_id
    FROM portal_embed e JOIN organizations_organization o ON o.id = e.organization_id
    WHERE e.key = wanted_key AND e.is_active AND o.closed_at IS NULL AND o.suspended_at IS NULL
$$;

-- Sign-ups are made on a brand's host: whose brand it is cannot be asked before the tenant is known.
CREATE OR REPLACE FUNCTION agency_of_brand(wanted_brand uuid)
RETURNS TABLE (organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id FROM organizations_organization o
    WHERE o.brand_id = wanted_brand AND o.owns_brand AND o.parent_id IS NULL AND o.closed_at IS NULL
    ORDER BY o.created_at LIMIT 1
$$;

REVOKE ALL ON FUNCTION organization_of_embed(text), agency_of_brand(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_of_embed(text), agency_of_brand(uuid) TO switchboard_app;
