"""The certificate that a brand's domain answers with, as a visitor gets it."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.core.addresses import lookup, may_reach

SECONDS = 5.0


@dataclass(frozen=True)
class Certificate:
    """`until` is when it runs out; `error` says why there is none that a browser would take."""

    until: dt.datetime | None = None
    issuer: str = ""
    error: str = ""


def read_certificate(host: str, context: ssl.SSLContext | None = None) -> Certificate:
    """Open a connection as a browser does and read the certificate. Fails as an `error`, never as an exception."""
    try:
        address = next((each for each in lookup(host, SECONDS) if may_reach(each)), None)
        if address is None:
            return Certificate(error="The name leads to no address that may be reached.")
        with (
            socket.create_connection((str(address), settings.PORTAL_TLS_PORT), SECONDS) as raw,
            (context or ssl.create_default_context()).wrap_socket(raw, server_hostname=host) as sock,
        ):
            found = sock.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Certificate(error=error.verify_message[:300])
    except (OSError, ValueError) as error:
        return Certificate(error=(str(error) or type(error).__name__)[:300])
    until = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), dt.UTC)
    issuer: dict[Any, Any] = dict(pair for rdn in found.get("issuer", ()) for pair in rdn)  # type: ignore[misc]
    return Certificate(until=until, issuer=str(issuer.get("organizationName") or issuer.get("commonName") or "")[:200])
