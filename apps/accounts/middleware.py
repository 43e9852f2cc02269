"""The viewer's language and time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware as DjangoLocaleMiddleware
from django.utils import timezone, translation

LANGUAGES = {code for code, _name in settings.LANGUAGES}


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
    """Once the person is known: her own choices."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(("/api/", "/v1/", "/static/", "/hooks/")) and request.user.is_authenticated:
            self._activate(request)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def _activate(self, request: HttpRequest) -> None:
        user = request.user
        if user.language in LANGUAGES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language  # type: ignore[attr-defined]
        if user.timezone in zoneinfo.available_timezones():
            timezone.activate(zoneinfo.ZoneInfo(user.timezone))
