"""The viewer's language and time zone, and whose session this is."""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware
from django.utils import timezone, translation

from apps.accounts.people import person
from apps.core.zones import ZONES

LANGUAGES = {code for code, _name in settings.LANGUAGES}
WITHOUT_SESSION = ("/api/", "/v1/", "/static/", "/hooks/", "/brand/", "/mcp", "/.well-known/", "/identity/o/api/", "/embed/")
SEEN = "seen_at"
SEEN_SECONDS = 600

Next = Callable[[HttpRequest], HttpResponse]


class LocaleMiddleware(DjangoLocaleMiddleware):
    """Before anybody is known: the language cookie, else the brand's language, else what the browser asks for."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        brand = getattr(request, "brand", None)
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        if brand and brand.language in LANGUAGES and chosen not in LANGUAGES:
            translation.activate(brand.language)
            request.LANGUAGE_CODE = brand.language  # type: ignore[attr-defined]


class PersonMiddleware:
    """Once the person is known: her own choices. A session opened at another brand is nobody's here."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(WITHOUT_SESSION) and request.user.is_authenticated:
            self._settle(request)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def _settle(self, request: HttpRequest) -> None:
        user = person(request)
        if user.brand_id != request.brand.pk:  # type: ignore[attr-defined]
            request.user = AnonymousUser()
            return
        if user.language in LANGUAGES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language  # type: ignore[attr-defined]
        if user.timezone in ZONES:
            timezone.activate(zoneinfo.ZoneInfo(user.timezone))


class ActivityMiddleware:
    """Every ten minutes of use: the session's 14 days begin anew and its line in the list of sessions is fresh.

    allauth's own middleware writes on every request; a page of ours is read-only.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(WITHOUT_SESSION) and request.user.is_authenticated:
            now = int(time.time())
            if now - request.session.get(SEEN, 0) > SEEN_SECONDS:
                request.session[SEEN] = now
                UserSession.objects.create_from_request(request)
        return self.get_response(request)
