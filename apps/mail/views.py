"""The mailbox: mails of an installation that sends none, for its operator."""

from __future__ import annotations

import base64
import hashlib
import re
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.branding.services import absolute_url
from apps.mail.models import Message

PAGE = 50
STYLE = re.compile(r"<style>(.*?)</style>", re.S)


@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    _refuse_others(request)
    rows = list(Message.objects.newest()[:PAGE])
    return render(request, "mail/mailbox.html", {"mails": rows, "page_size": PAGE, "folder": settings.EMAIL_FILE_PATH})


@require_safe
def mailbox_message(request: HttpRequest, pk: UUID) -> HttpResponse:
    _refuse_others(request)
    row = get_object_or_404(Message.objects.newest(), pk=pk)
    return render(request, "mail/message.html", {"mail": row})


@require_safe
def mailbox_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The mail as a mail program shows it: alone, without scripts, with no style but its own."""
    _refuse_others(request)
    row = get_object_or_404(Message.objects.newest(), pk=pk)
    styles = "".join(f" 'sha256-{_digest(each)}'" for each in STYLE.findall(row.html))
    answer = HttpResponse(row.html)
    pictures = absolute_url(row.brand, "/brand/pictures/")
    answer["Content-Security-Policy"] = f"sandbox allow-popups; default-src 'none'; style-src{styles}; img-src {pictures}"
    return answer


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _refuse_others(request: HttpRequest) -> None:
    """Not where mails are sent, not on a portal, not for anybody else. The scope is the middleware's."""
    user, brand = request.user, request.brand  # type: ignore[attr-defined]
    may_look = settings.DEVELOPMENT and not settings.EMAIL_URL
    if not may_look or not (brand.is_installation and user.is_authenticated and user.is_superuser):
        raise Http404
