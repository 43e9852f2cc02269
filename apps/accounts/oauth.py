"""OAuth 2.1 at each brand's own host: what programs may ask for, how they register, and the key that signs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

from allauth.core import context as allauth_context
from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import Client, PrivateKey, Token
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

READ, WRITE, OPENID = "read", "write", "openid"
SCOPES = {
    READ: _("See what your role may see in this organization"),
    WRITE: _("Create, change and delete what your role may change, and start calls"),
    OPENID: _("Know your user id"),
}
DEFAULT_SCOPES = [READ, WRITE]
GRANTS = [Client.GrantType.AUTHORIZATION_CODE.value, Client.GrantType.REFRESH_TOKEN.value]
RESOURCE_PATH = "/mcp"
MAX_REDIRECTS = 10
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Private-use schemes of desktop programs (RFC 8252, 7.1); never one that a browser runs or opens by itself.
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{2,63}")
DANGEROUS_SCHEMES = {
    "about", "blob", "data", "file", "filesystem", "ftp", "intent", "javascript", "mailto", "sms", "tel", "vbscript",
    "view-source", "ws", "wss",
}  # fmt: skip


def origin(request: HttpRequest) -> str:
    """Scheme and host of this request's address as the world sees it: the issuer. The scheme is BASE_URL's."""
    return f"{urlsplit(settings.BASE_URL).scheme}://{request.get_host()}"


def resource(request: HttpRequest) -> str:
    """What a token of this host is good for (RFC 8707)."""
    return origin(request) + RESOURCE_PATH


def redirect_problem(uri: str) -> str | None:
    """Why a program may not be sent back to this address, or None (OAuth 2.1, 2.3 and 8.4)."""
    if len(uri) > 2000 or re.search(r"[\s\\*\x00-\x20\x7f]", uri):
        return "it holds characters that an address may not hold"
    try:
        parsed = urlsplit(uri)
        host = parsed.hostname
    except ValueError:
        return "it is no address"
    if parsed.fragment or "#" in uri:
        return "it has a fragment"
    if parsed.username or parsed.password:
        return "it holds credentials"
    if parsed.scheme == "https":
        return None if host else "it has no host"
    if parsed.scheme == "http":
        return None if host in LOOPBACK else "http is only for this computer (127.0.0.1, localhost)"
    if parsed.scheme in DANGEROUS_SCHEMES or not PRIVATE_SCHEME.fullmatch(parsed.scheme):
        return "its scheme is not allowed"
    return None


class OAuthAdapter(DefaultOIDCAdapter):
    scope_display = SCOPES

    def get_issuer(self) -> str:
        return origin(allauth_context.request)

    def list_private_keys(
        self, *, did_activate: Literal[True] | None = None, is_active: Literal[True] | None = None
    ) -> list[PrivateKey]:
        return [PrivateKey(pem=signing_key(settings.OAUTH_SIGNING_KEY))]

    def get_claims(
        self, purpose: str, user: Any, client: Client, scopes: Iterable[str], email: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Who it is, and nothing else: no program is told a name or an address."""
        return {"sub": self.get_user_sub(client, user)}

    def validate_client_registration(
        self,
        *,
        client: Client,
        client_metadata: dict[str, Any],
        token: Token | None,
        bearer_token: str | None,
        **kwargs: Any,
    ) -> None:
        """Hold a program that registers to what is offered here, and to this brand. Raises ValidationError."""
        uris = client.get_redirect_uris()
        if not 1 <= len(uris) <= MAX_REDIRECTS:
            raise ValidationError(f"redirect_uris: 1 to {MAX_REDIRECTS} are expected")
        for uri in uris:
            if problem := redirect_problem(uri):
                raise ValidationError(f"redirect_uris: {uri[:200]}: {problem}")
        client.name = client.name or urlsplit(uris[0]).hostname or urlsplit(uris[0]).scheme
        client.set_scopes(list(SCOPES))
        client.set_default_scopes(DEFAULT_SCOPES)
        client.set_response_types([Client.ResponseType.CODE.value])
        client.set_grant_types(GRANTS)
        client.data = {"brand": str(allauth_context.request.brand.pk)}

    def validate_resource_uris(self, *, uris: list[str], **kwargs: Any) -> None:
        """Tokens are made for this host's own server alone. Raises ValidationError."""
        own = resource(allauth_context.request)
        if any(uri != own for uri in uris):
            raise ValidationError(f"The only resource here is {own}.")


@cache
def signing_key(text: str) -> str:
    """The RSA key as PEM. Raises ImproperlyConfigured when OAUTH_SIGNING_KEY holds none.

    Empty (in development only): one that lives as long as this process.
    """
    key = _read(text) if text else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()


def _read(text: str) -> rsa.RSAPrivateKey:
    try:
        if text.lstrip().startswith("-----BEGIN"):
            key = serialization.load_pem_private_key(text.replace("\\n", "\n").encode(), None)
        else:
            key = serialization.load_der_private_key(base64.b64decode(text, validate=True), None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured("OAUTH_SIGNING_KEY: the base64 of an RSA key (PKCS #8) is expected.") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2048:
        raise ImproperlyConfigured("OAUTH_SIGNING_KEY: an RSA key of at least 2048 bits is expected.")
    return key
