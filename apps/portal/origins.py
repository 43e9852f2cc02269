"""Origins of websites: where a widget may be shown (Fetch standard: scheme, host, port; no path)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

MOST = 20
LONGEST_HOST = 253
LOCAL = ("localhost", "127.0.0.1")
LABEL = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)$")
PORTS = {"http": 80, "https": 443}


def read_origins(text: str) -> list[str]:
    """The origins of a text, one a line (or separated by commas), each once. Raises ValueError with a sentence."""
    found = dict.fromkeys(read_origin(each) for each in re.split(r"[\s,]+", text) if each)
    if not found:
        raise ValueError(_("Name at least one website, such as https://www.example.com."))
    if len(found) > MOST:
        raise ValueError(_("At most %(count)s websites.") % {"count": MOST})
    return list(found)


def read_origin(text: str) -> str:
    """One origin as a browser sends it. Raises ValueError with a sentence: an origin goes into a header, so that nothing else may
    stand in it."""
    refusal = ValueError(
        _("“%(text)s” is no website: https://, the host and, if there is one, a port.") % {"text": text[:100]}
    )
    try:
        parts = urlsplit(text.strip().rstrip("/").lower())
        port = parts.port
    except ValueError:
        raise refusal from None
    host = parts.hostname or ""
    has_more = parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in text or "#" in text
    if parts.scheme not in PORTS or has_more or not _is_host(host) or parts.netloc.endswith(":") or port == 0:
        raise refusal
    if parts.scheme == "http" and host not in LOCAL:
        raise ValueError(_("“%(text)s”: only https, except on localhost.") % {"text": text[:100]})
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != PORTS[parts.scheme] else "")


def _is_host(host: str) -> bool:
    """Names of letters, digits and hyphens; international ones in the form that browsers send (xn--)."""
    labels = host.split(".")
    return (
        len(host) <= LONGEST_HOST and all(LABEL.match(label) for label in labels) and (len(labels) > 1 or host in LOCAL)
    )
