"""The SSRF rules: every spelling of a private address is refused when a URL is saved."""

import ipaddress
import socket

import pytest

from apps.core import addresses


@pytest.fixture(autouse=True)
def _closed(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    settings.BASE_URL = "https://app.voices.example.org"
    settings.PORTAL_BASE_DOMAIN = "portal.example.org"


@pytest.fixture
def names(monkeypatch):
    """A name server that knows only what a test puts in."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 0)) for text in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


LITERALS = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0177.0x0.1", "0", "0.0.0.0", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "100.64.0.1",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:a00:1::1]", "[fe80::1]", "[fec0::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[2001:0:7f00:1::]", "[3fff::1]",
    "[100::1]", "[5f00::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", LITERALS)
@pytest.mark.parametrize("form", ["http://{}/hook", "https://{}:8443/hook"])
def test_private_literals_are_refused(host, form):
    assert addresses.address_problem(form.format(host))


@pytest.mark.parametrize("host", ["8.8.8.8", "134744072", "0x08080808", "[2606:4700:4700::1111]", "[::ffff:8.8.8.8]"])
def test_public_literals_are_accepted(host):
    assert addresses.address_problem(f"https://{host}/hook") is None


BROKEN = [
    "", "hook", "//example.com/x", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
    "http://", "http:///x", "http://?x", "https://exa mple.com/", "https://example.com/a\nb", "http://example.com\\@127.0.0.1/",
    "http://a@example.com/", "http://a:b@example.com/", "http://@example.com/", "http://example.com:22/",
    "http://example.com:25/", "http://example.com:0/", "http://example.com:1023/", "http://example.com:65536/",
    "http://example.com:x/", "http://[example.com]/", "http://[::1", "http://1.2.3.4.5/", "http://256.1.1.1/",
    "http://0x7f.zz.1/", "http://127.0.0.1%2f@example.com/", "http://127%2e0.0.1/", "http://exam_ple..com/",
    "http://-example.com/", "http://" + "a" * 64 + ".com/", "https://example.com/" + "a" * 2048,
    "http://１２７.0.0.1/", "http://127。0。0。1/", "http://[fe80::1%25eth0]/", "http://ⓛocalhost/",
]  # fmt: skip


@pytest.mark.parametrize("url", BROKEN)
def test_what_is_not_a_plain_web_address_is_refused(url, names):
    names["example.com"] = ["93.184.216.34"]
    assert addresses.address_problem(url)


@pytest.mark.parametrize(
    "url",
    ["http://example.com", "https://example.com:443/x?y=1", "http://example.com.:8080/", "https://EXAMPLE.com:1024/#x"],
)
def test_a_public_name_is_accepted(url, names):
    names["example.com"] = ["93.184.216.34", "2606:2800:220:1::1"]
    assert addresses.address_problem(url) is None


def test_an_international_name_is_resolved_in_its_ascii_form(names):
    names["xn--bcher-kva.example"] = ["10.0.0.1"]
    assert addresses.address_problem("https://bücher.example/")
    names["xn--bcher-kva.example"] = ["93.184.216.34"]
    assert addresses.address_problem("https://bücher.example/") is None


def test_one_private_address_among_public_ones_is_enough(names):
    names["mixed.example.com"] = ["93.184.216.34", "127.0.0.1"]
    assert addresses.address_problem("https://mixed.example.com/")


def test_a_name_that_does_not_resolve_is_accepted_unless_it_is_local_by_its_name(names):
    assert addresses.address_problem("https://dns-is-down.example.com/") is None
    for host in ("localhost", "x.localhost", "metadata.google.internal", "printer.local", "intranet", "db.lan"):
        assert addresses.address_problem(f"http://{host}/"), host


def test_our_own_hosts_are_refused(names):
    for host in (
        "app.voices.example.org",
        "portal.example.org",
        "agency.portal.example.org",
        "APP.voices.example.org.",
    ):
        assert addresses.address_problem(f"https://{host}/hook"), host
    assert addresses.address_problem("https://voices.example.org/hook") is None


def test_the_operator_can_open_a_network(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "fd00::/8"]
    assert addresses.address_problem("http://127.1:9000/") is None
    assert addresses.address_problem("http://[::ffff:127.0.0.1]:9000/") is None
    assert addresses.address_problem("http://[fd00::5]:9000/") is None
    assert addresses.address_problem("http://10.0.0.1/")
    assert addresses.address_problem("http://127.0.0.1:22/"), "an open network opens no low port"


def test_the_judgement_agrees_with_the_standard_library_on_what_is_private():
    for text in ("1.1.1.1", "9.9.9.9", "2a00:1450:4001::1", "10.9.8.7", "fe80::1", "::1", "169.254.1.1"):
        assert addresses.is_public(text) is ipaddress.ip_address(text).is_global, text


def test_a_silent_name_server_does_not_hold_a_form(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: __import__("time").sleep(5))
    monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 0.05)
    assert addresses.address_problem("https://slow.example.com/") is None


def test_whatever_breaks_in_a_lookup_reaches_who_waits(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: None)
    with pytest.raises(TypeError):
        addresses.lookup("odd.example.com", 5)
