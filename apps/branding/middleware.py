"""Which brand answers on this host. First in the list: nothing else may act on a host that nobody owns."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from apps.branding.models import INSTALLATION_ID, Brand
from apps.core import rate
from apps.core.api import flat
from apps.core.api_request import is_api, wants_json
from apps.core.client import is_internal
from apps.core.errors import Closed, UnknownHost

ANY_HOST = ("/api/v1/health", "/hooks/engine/", "/hooks/leads/", "/hooks/stripe/")
INTERNAL = ("/health", "/internal/")
# A portal that is switched off goes on for machines: numbers are answered, events and recordings reach who waits for them.
WHEN_CLOSED = (*ANY_HOST, "/health", "/internal/", "/hooks/", "/recordings/", "/static/", "/brand/", "/robots.txt", "/favicon.ico")


class BrandMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        brand = _brand_of(request)
        if brand is None and not _answers_anywhere(request):
            return self._file_or_nobody(request)
        if brand and not brand.is_open and not brand.is_installation and not request.path.startswith(WHEN_CLOSED):
            return closed(request, brand)
        request.brand = brand or installation_brand()  # type: ignore[attr-defined]
        return self.get_response(request)

    def _file_or_nobody(self, request: HttpRequest) -> HttpResponse:
        """Files are the same on every host and name nobody: the page that says so needs its style sheet."""
        if request.path.startswith(settings.STATIC_URL):
            request.brand = installation_brand()  # type: ignore[attr-defined]
            answer = self.get_response(request)
            if answer.status_code in (200, 206, 304):
                return answer
        return unknown_host(request)


def _brand_of(request: HttpRequest) -> Brand | None:
    try:
        return brand_of_host(_name(request.get_host()))
    except DisallowedHost:
        return None


def brand_of_host(host: str) -> Brand | None:
    if host in installation_hosts():
        return installation_brand()
    found = Brand.objects.of_host(host, settings.PORTAL_BASE_DOMAIN).exclude(pk=INSTALLATION_ID)
    return found.with_pictures().first()


def installation_brand() -> Brand:
    """The installation's own brand; made when it is missing, so that an emptied database still answers."""
    brand = Brand.objects.filter(pk=INSTALLATION_ID).with_pictures().first()
    return brand or Brand(pk=INSTALLATION_ID, slug="installation", name=settings.PRODUCT_NAME)


def installation_hosts() -> set[str]:
    own = urlsplit(settings.BASE_URL).hostname or "localhost"
    return {own, *(["localhost", "127.0.0.1", "[::1]", "testserver"] if settings.DEVELOPMENT else [])}


def unknown_host(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        answer = flat(UnknownHost())
        if is_api(request.path_info):
            # No key is read on a host of nobody: it counts like a request without one.
            for name, value in rate.count_address(request).headers().items():
                answer[name] = value
        return answer
    return render(None, "errors/421.html", status=421)  # type: ignore[arg-type]  # no request: no brand is known


def closed(request: HttpRequest, brand: Brand) -> HttpResponse:
    """Names nobody: a portal that is switched off tells no visitor whose it is."""
    with translation.override(brand.language or translation.get_language_from_request(request)):
        if wants_json(request):
            return flat(Closed(_("This portal is closed at the moment.")))
        return render(None, "errors/closed.html", status=503)  # type: ignore[arg-type]


def _name(host: str) -> str:
    """The host without port, lower case, without a trailing dot."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name.lower().rstrip(".")


def _answers_anywhere(request: HttpRequest) -> bool:
    path = request.path
    return path.startswith(ANY_HOST) or (path.startswith(INTERNAL) and is_internal(request))
