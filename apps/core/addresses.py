"""Which addresses may be reached on a customer's word: the SSRF rules (webhooks 3, limits 4 and case 27).

A customer's URL is judged twice by the same rules: when it is saved (`address_problem`) and when it is used
(`core.http`, which connects to the very address that was judged).
"""

import ipaddress
import re
import socket
import threading
from concurrent.futures import Future
from typing import cast

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH = 2048
LOOKUP_SECONDS = 2.0

_V4_CLOSED = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's platform address: globally unique, yet answers from inside the host
    )
]  # fmt: skip
_V6_OPEN = ipaddress.IPv6Network("2000::/3")
_V6_CLOSED = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")

# These never mean a host on the internet; one that does not resolve today is refused, not believed.
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def address_problem(url: str) -> str | None:
    """What is wrong with a URL that a customer wants us to call; None when nothing is.

    A name that does not resolve within two seconds is accepted, because DNS may be down while someone saves a form;
    it is judged again when it is used.
    """
    problem = url_problem(url)
    if problem:
        return problem
    host = host_of(url)
    literal = literal_address(host)
    try:
        found = [literal] if literal else lookup(host, LOOKUP_SECONDS)
    except OSError:
        return _private_address() if _is_local_name(host) else None
    return None if all(may_reach(address) for address in found) else _private_address()


def url_problem(url: str) -> str | None:
    """The part of the judgement that needs no name server: form, scheme, sign-in data, port and host name."""
    if len(url) > MAX_URL_LENGTH:
        return _("The address is longer than 2048 characters.")
    parsed = _parse(url)
    if parsed is None or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        return _("This is not a valid web address.")
    if parsed.scheme not in ("http", "https"):
        return _("The address must start with http:// or https://.")
    if parsed.userinfo or "@" in url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]:
        return _("The address must not contain a user name or password.")
    if parsed.port is not None and not (1024 <= parsed.port <= 65535 or parsed.port in (80, 443)):
        return _("Below 1024, only the ports 80 and 443 are allowed.")
    return _host_problem(host_of(url))


def host_of(url: str) -> str:
    """The host of a URL as it is resolved: ASCII, lower case, without brackets or a trailing dot."""
    host = httpx.URL(url).raw_host.decode("ascii").lower()
    return host.strip("[]").removesuffix(".")


def literal_address(host: str) -> Address | None:
    """The address that a host spells out, in any form a resolver takes: 127.1, decimal, octal, hexadecimal, IPv6."""
    try:
        if ":" in host:
            return ipaddress.IPv6Address(host)
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def is_public(address: Address | str) -> bool:
    """Whether an address belongs to the open internet, whatever it is wrapped in."""
    found = ipaddress.ip_address(address)
    inner = _inside(found)
    if inner is not None:
        return is_public(inner)
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _V4_CLOSED)
    if found.scope_id:
        return False
    return found in _V6_OPEN and not any(found in network for network in _V6_CLOSED)


def may_reach(address: Address | str) -> bool:
    """Public, or in a network that the operator opened with WEBHOOK_ALLOWED_NETWORKS."""
    found = ipaddress.ip_address(address)
    judged = _inside(found) or found
    return is_public(judged) or any(judged in network for network in _allowed_networks())


def begin_lookup(host: str) -> "Future[list[Address]]":
    """Resolve in a thread of its own: the system's resolver knows no deadline, and a shared pool could be filled
    by one customer's slow name server. The future ends with addresses or an OSError."""
    answer: Future[list[Address]] = Future()
    answer.set_running_or_notify_cancel()  # who waits may give up; the thread may still report

    def resolve() -> None:
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answer.set_result(list(dict.fromkeys(ipaddress.ip_address(cast(str, row[4][0])) for row in rows)))
        except (OSError, UnicodeError, ValueError) as error:
            answer.set_exception(OSError(str(error)))
        except BaseException as error:
            answer.set_exception(error)  # whatever it is: who waits would otherwise wait for ever

    threading.Thread(target=resolve, name="lookup", daemon=True).start()
    return answer


def lookup(host: str, timeout: float) -> list[Address]:
    """All addresses of a name; OSError when there are none or `timeout` seconds have passed."""
    try:
        return begin_lookup(host).result(timeout)
    except TimeoutError as error:
        raise OSError(f"no answer from the name server for {host}") from error


def _parse(url: str) -> httpx.URL | None:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None


def _host_problem(host: str) -> str | None:
    literal = literal_address(host)
    if literal:
        return None if may_reach(literal) else _private_address()
    ends_in_number = re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", host.rpartition(".")[2])
    if ends_in_number or not _NAME.fullmatch(host):
        return _("This is not a valid web address.")
    if _is_ours(host):
        return _("The address leads back to this installation.")
    return None


def _is_ours(host: str) -> bool:
    own = (host_of(settings.BASE_URL), settings.PORTAL_BASE_DOMAIN)
    return any(not _is_local_name(name) and (host == name or host.endswith("." + name)) for name in own)


def _is_local_name(host: str) -> bool:
    return "." not in host or any(host == name or host.endswith("." + name) for name in _LOCAL_NAMES)


def _inside(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to through mapping, NAT64 or 6to4."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    number = int(address)
    if address in _MAPPED or address in _NAT64:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _6TO4:
        return ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def _allowed_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in settings.WEBHOOK_ALLOWED_NETWORKS]


def _private_address() -> str:
    return _("The address leads to a private network. Only addresses on the internet can be called.")
