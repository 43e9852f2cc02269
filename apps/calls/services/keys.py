"""Provider keys of a call: what it needs before it may start, and what travels with it (features 16, engine 4)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from apps.calls.models import Call
from apps.catalog.services.lookup import KeyRing, keyring
from apps.core.errors import Invalid
from apps.organizations.models import Organization
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection

MISSING = "missing_key"


def asks_for_keys(known: Capabilities) -> bool:
    """Whether a call without its keys is refused. An engine of the base wire has its own account's keys and judges itself."""
    return known.needs_keys and known.kind != "base"


def takes_keys(connection: Connection, known: Capabilities) -> bool:
    """Keys travel to the installation's own engine only, over TLS or loopback."""
    return connection.is_installation and known.has("credentials") and _is_private(connection.base_url)


def ring_of(
    organization: Organization, config: Mapping[str, Any], connection: Connection | None, known: Capabilities
) -> KeyRing | None:
    """The keys of a call with this configuration; None, without a query, for an engine that neither asks for nor takes any."""
    if connection is None or not (asks_for_keys(known) or takes_keys(connection, known)):
        return None
    return keyring(organization, config)


def missing_keys(ring: KeyRing | None, known: Capabilities) -> str:
    """Why the call cannot start, naming the slots; empty when it can."""
    return ring.problem if ring and asks_for_keys(known) else ""


def check_keys(ring: KeyRing | None, known: Capabilities) -> None:
    """Raises Invalid naming the missing slots."""
    if problem := missing_keys(ring, known):
        assert ring is not None
        raise Invalid(problem, param=f"{ring.missing[0].part}_config", details=[problem])


def credentials(ring: KeyRing | None, connection: Connection | None, known: Capabilities) -> dict[str, Any]:
    """`{"credentials": …}` for a request or an answer to the engine, or nothing. Never stored."""
    if ring is None or connection is None or not ring.keys or not takes_keys(connection, known):
        return {}
    return {"credentials": ring.credentials}


def sources(ring: KeyRing | None, connection: Connection | None, known: Capabilities) -> dict[str, str]:
    """Part to whose key serves it, where our keys serve; the usage log tells (platform 4)."""
    return ring.sources if credentials(ring, connection, known) and ring else {}


def call_ring(call: Call, known: Capabilities) -> KeyRing | None:
    return ring_of(call.organization, call.config, call.connection, known)


def _is_private(base_url: str) -> bool:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
