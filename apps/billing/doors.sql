-- Stripe names the agency only by the address it posts to.

CREATE OR REPLACE FUNCTION organization_of_stripe_hook(wanted_hook text)
RETURNS TABLE (organization_id uuid, seller_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.organization_id, s.id
    FROM billing_seller s JOIN organizations_organization o ON o.id = s.organization_id
    WHERE s.stripe_hook = wanted_hook AND o.closed_at IS NULL
$$;

REVOKE ALL ON FUNCTION organization_of_stripe_hook(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_of_stripe_hook(text) TO switchboard_app;
