"""Refuse to start with a signing key that signs nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.oauth import signing_key


@register()
def oauth_signing_key(**kwargs: Any) -> list[Error]:
    """OAUTH_SIGNING_KEY, where there is one, is an RSA key."""
    try:
        if settings.OAUTH_SIGNING_KEY:
            signing_key(settings.OAUTH_SIGNING_KEY)
    except ImproperlyConfigured as error:
        return [Error(str(error), id="accounts.E001")]
    return []
