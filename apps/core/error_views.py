"""What a browser sees when Django itself refuses or fails."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return render(request, "errors/404.html", status=404)


def forbidden(request: HttpRequest, exception: Any = None, reason: str = "") -> HttpResponse:
    """Also the answer to a form whose CSRF token is missing or stale."""
    return render(request, "errors/403.html", {"reason": reason}, status=403)


def failed(request: HttpRequest) -> HttpResponse:
    """Uses nothing of the request: whatever broke may break again."""
    return HttpResponse(render_to_string("errors/500.html"), status=500)
