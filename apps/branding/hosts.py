"""Names of hosts: how they are spelled, and which a brand may claim."""

from __future__ import annotations

import ipaddress

import dns.exception
import dns.name
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST = 253
# Names that only ever mean this machine or a private network (RFC 6761, RFC 8375, RFC 9476).
SPECIAL = ("localhost", "local", "internal", "test", "invalid", "example", "onion", "home.arpa", "alt")


def clean_host(typed: str, own: set[str]) -> str:
    """A host as it stands in the Host header: ASCII, small letters, no dot at the end.

    Args:
        typed: what a person wrote: with capitals, a scheme or a path, or in another script.
        own: the installation's own hosts, which nobody may claim.

    Raises ValidationError with what to write instead.
    """
    bare = typed.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0].rstrip(".")
    if _is_address(bare):
        raise ValidationError(_("Write a name, not an address: a certificate is made for names."))
    if ":" in bare or "@" in bare or "*" in bare:
        raise ValidationError(_("Write only the name, such as calls.example.com."))
    try:
        name = dns.name.from_text(bare, idna_codec=dns.name.IDNA_2008_Strict)
        host = name.to_text(omit_final_dot=True).lower()
    except (dns.exception.DNSException, UnicodeError):
        raise ValidationError(_("This is not the name of a host. Write it such as calls.example.com.")) from None
    _check(host, own)
    return host


def _check(host: str, own: set[str]) -> None:
    labels = host.split(".")
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    plain = all(label and len(label) <= 63 and set(label) <= allowed and label[0] != "-" != label[-1] for label in labels)
    if len(labels) < 2 or len(host) > MOST or not plain or labels[-1].isdigit():
        raise ValidationError(_("This is not the name of a host. Write it such as calls.example.com."))
    base = settings.PORTAL_BASE_DOMAIN
    if host in own or host == base or host.endswith(f".{base}"):
        raise ValidationError(_("Names under this one are given by the installation. Use a domain of your own."))
    if host.endswith(tuple(f".{each}" for each in SPECIAL)):
        raise ValidationError(_("This name is not reachable from the internet. Use a domain of your own."))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
