"""Refuse to start in a way that would make isolation a decoration."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import connections


@register(Tags.database)
def application_role(databases: Any = None, **kwargs: Any) -> list[Error]:
    """The application's role is no superuser, bypasses no policy and owns no table."""
    if "default" not in (databases or []):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        is_superuser, bypasses = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        owned = cursor.fetchone()[0]
    if is_superuser or bypasses or owned:
        return [Error("DATABASE_URL must name a plain role that owns nothing (switchboard_app).", id="core.E001")]
    return []


@register()
def brand_first(**kwargs: Any) -> list[Error]:
    """ALLOWED_HOSTS is decided by the brand middleware: it must stand first."""
    if settings.MIDDLEWARE[0] != "apps.branding.middleware.BrandMiddleware":
        return [
            Error("BrandMiddleware must be the first middleware: it decides which hosts are known.", id="core.E002")
        ]
    return []
