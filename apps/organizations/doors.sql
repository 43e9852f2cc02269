-- The only ways in before the tenant is known: owned by the owner role, one row or none (the switcher: that user's rows).

CREATE OR REPLACE FUNCTION member_of(wanted_user uuid, wanted_slug text)
RETURNS TABLE (organization_id uuid, brand_id uuid, role text, via uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, o.brand_id, m.role::text, CASE WHEN m.organization_id = o.id THEN NULL ELSE m.organization_id END
    FROM organizations_organization o
    JOIN organizations_membership m ON m.organization_id IN (o.id, o.parent_id)
    JOIN accounts_user u ON u.id = m.user_id AND u.is_active
    WHERE o.slug = wanted_slug AND m.user_id = wanted_user AND o.closed_at IS NULL
    ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 WHEN 'member' THEN 2 ELSE 3 END
    LIMIT 1
$$;

CREATE OR REPLACE FUNCTION organizations_of(wanted_user uuid)
RETURNS TABLE (organization_id uuid, brand_id uuid, slug text, name text, role text, parent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT ON (o.id) o.id, o.brand_id, o.slug::text, o.name::text, m.role::text, o.parent_id
    FROM organizations_membership m
    JOIN organizations_organization o ON m.organization_id IN (o.id, o.parent_id)
    WHERE m.user_id = wanted_user AND o.closed_at IS NULL
    ORDER BY o.id, CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 WHEN 'member' THEN 2 ELSE 3 END
$$;

CREATE OR REPLACE FUNCTION organization_of_key(wanted_digest bytea)
RETURNS TABLE (organization_id uuid, key_id uuid, read_only boolean, requests_per_minute integer, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.organization_id, k.id, k.read_only, k.requests_per_minute,
        CASE WHEN k.revoked_at IS NOT NULL OR o.closed_at IS NOT NULL THEN 'revoked'
             WHEN k.expires_at <= now() THEN 'expired'
             WHEN o.suspended_at IS NOT NULL THEN 'suspended'
             ELSE 'live' END
    FROM organizations_apikey k JOIN organizations_organization o ON o.id = k.organization_id
    WHERE k.digest = wanted_digest
$$;

CREATE OR REPLACE FUNCTION invitation_of(wanted_digest bytea)
RETURNS TABLE (organization_id uuid, invitation_id uuid, brand_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT i.organization_id, i.id, o.brand_id
    FROM organizations_invitation i JOIN organizations_organization o ON o.id = i.organization_id
    WHERE i.digest = wanted_digest AND i.accepted_at IS NULL AND i.revoked_at IS NULL
      AND i.expires_at > now() AND o.closed_at IS NULL
$$;

REVOKE ALL ON FUNCTION member_of(uuid, text), organizations_of(uuid), organization_of_key(bytea), invitation_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION member_of(uuid, text), organizations_of(uuid), organization_of_key(bytea), invitation_of(bytea) TO switchboard_app;
