"""What the domain name system says about a brand's domain. Outside look-ups: never inside a transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import dns.exception
import dns.resolver
from django.conf import settings

VERIFY = "_portal-verify"
SECONDS = 4.0


@dataclass(frozen=True)
class Found:
    """What one look found. `error`: the name servers gave no answer, so nothing is known."""

    cname: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    target_addresses: list[str] = field(default_factory=list)
    txt: list[str] = field(default_factory=list)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def points_here(self, target: str) -> bool:
        """By CNAME; or by the same addresses, because the top of a zone cannot hold a CNAME."""
        return target in self.cname or (bool(self.addresses) and set(self.addresses) <= set(self.target_addresses))

    def proves(self, token: str) -> bool:
        return token in self.txt


def look_up(host: str) -> Found:
    """Ask for the records of a host. Fails as an `error`, never as an exception."""
    resolver = _resolver()
    target = settings.PORTAL_TARGET
    try:
        return Found(
            cname=_texts(resolver, host, "CNAME"),
            addresses=sorted(_texts(resolver, host, "A") + _texts(resolver, host, "AAAA")),
            target_addresses=sorted(_texts(resolver, target, "A") + _texts(resolver, target, "AAAA")),
            txt=_texts(resolver, f"{VERIFY}.{host}", "TXT"),
        )
    except (dns.exception.DNSException, OSError) as error:
        return Found(error=type(error).__name__)


def _resolver() -> dns.resolver.Resolver:
    """The system's name servers, or those of DNS_SERVERS ("address" or "address:port")."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        pairs = [each.rpartition(":") if each.count(":") == 1 else (each, ":", "53") for each in settings.DNS_SERVERS]
        resolver.nameservers = [address for address, _colon, _port in pairs]
        resolver.nameserver_ports = {address: int(port) for address, _colon, port in pairs}
    resolver.lifetime, resolver.timeout = SECONDS, SECONDS / 2
    return resolver


def _texts(resolver: dns.resolver.Resolver, name: str, kind: str) -> list[str]:
    try:
        answer = resolver.resolve(name, kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    if kind == "TXT":
        return sorted(b"".join(row.strings).decode("utf-8", "replace").strip() for row in answer)
    return [row.to_text().rstrip(".").lower() for row in answer]
