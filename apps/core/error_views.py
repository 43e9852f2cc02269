"""What is answered when Django itself refuses or fails: a page, or the flat body where JSON is spoken."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from apps.core import rate
from apps.core.api import flat
from apps.core.api_request import is_api, wants_json
from apps.core.errors import DomainError, Forbidden, NotFound, ServerError


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    if wants_json(request):
        return flat(DomainError("The request cannot be read."))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    if wants_json(request):
        return flat(NotFound("There is nothing at this address."))
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Any = None, reason: str = "") -> HttpResponse:
    """Also the answer to a form whose CSRF token is missing or stale."""
    if wants_json(request):
        return flat(Forbidden(reason))
    return render(request, "errors/403.html", {"reason": reason}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    """Uses nothing of the request but its address: whatever broke may break again."""
    if wants_json(request):
        answer = flat(ServerError())
        if is_api(request.path_info) and not hasattr(request, "window"):
            # It broke before the API's own middleware, which would have added the headers.
            for name, value in rate.count_address(request).headers().items():
                answer[name] = value
        return answer
    return HttpResponse(render_to_string("errors/500.html"), status=500)
