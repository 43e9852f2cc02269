"""Who is at the other end of a request."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The right-most entry of X-Forwarded-For that is no trusted proxy; without proxies the peer itself."""
    address = request.META.get("REMOTE_ADDR", "") or "127.0.0.1"
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and _within(address, settings.TRUSTED_PROXIES):
        address = hops.pop()
    return address


def is_internal(request: HttpRequest) -> bool:
    """Whether the request comes from loopback or a network of INTERNAL_NETWORKS."""
    return _within(client_address(request), ["127.0.0.0/8", "::1/128", *settings.INTERNAL_NETWORKS])


def _within(address: str, networks: list[str]) -> bool:
    try:
        each = ip_address(address)
    except ValueError:
        return False
    return any(each in ip_network(network, strict=False) for network in networks)
