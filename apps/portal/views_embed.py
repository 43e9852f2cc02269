"""Widgets as other websites load them: outside of any workspace, without cookies, known only by a public key.

The frame stands on this host, so that its requests name this host as their origin; which websites may show it is the
browser's to enforce (`frame-ancestors`), as the origins of the widget say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.branding.services import absolute_url
from apps.calls.services.talk import Heard
from apps.core import db, rate
from apps.core.api_request import read_body
from apps.core.client import client_address
from apps.core.errors import DomainError, Forbidden, Invalid, NotFound, RateLimited
from apps.core.scope import Scope, acting
from apps.core.strict_json import read_object
from apps.organizations.features import has_feature, with_features
from apps.organizations.models import Organization
from apps.portal import embed_pages as pages
from apps.portal.models import Embed
from apps.portal.services import embed_talks
from apps.portal.sql import organization_of_embed

Kind = Embed.Kind
View = Callable[..., Any]
CACHED = "public, max-age=300"


@require_safe
@xframe_options_exempt
def embed_frame(request: HttpRequest, key: str) -> HttpResponse:
    """The page in the frame: only for websites of the widget, never as a page of its own."""
    try:
        with _embed(request, key) as embed:
            if _shows_elsewhere(request, embed):
                answer = pages.refused_page(request, _("This website may not show this widget."), 403)
            else:
                answer = pages.frame_page(request, embed)
            answer._csp_replace = {"frame-ancestors": embed.origins}  # type: ignore[attr-defined]
    except NotFound:
        answer = pages.refused_page(request, _("This is not available at the moment."), 404)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
def embed_script(request: HttpRequest, key: str) -> HttpResponse:
    """The script for the website. It says nothing that the website does not show anyway."""
    try:
        with _embed(request, key) as embed:
            answer = HttpResponse(pages.script(embed), content_type="text/javascript; charset=utf-8")
    except NotFound:
        answer = HttpResponse("", content_type="text/javascript; charset=utf-8", status=404)
    answer["Cache-Control"] = CACHED
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _spoken(view: View) -> View:
    """A request of the frame: JSON of an allowed origin, answered by what is to be said to a visitor."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def run(request: HttpRequest, key: str) -> HttpResponse:
        try:
            window = rate.count_address(request)
            if not window.allowed:
                raise RateLimited(retry_after=window.retry_after)
            with _embed(request, key) as embed:
                _check_origin(request, embed)
                if embed.kind != Kind.TALK:
                    raise NotFound
                read_body(request)
                return JsonResponse(view(request, embed, read_object(request.body)))
        except DomainError as error:
            return _refused(error)

    return run


@_spoken
def embed_talk(request: HttpRequest, embed: Embed, data: dict[str, Any]) -> dict[str, Any]:
    """Begin a talk. 402 without credits, 403 for another origin, 429 beyond the hour's talks."""
    now, address = db.now(), client_address(request)
    talk = embed_talks.start_talk(embed=embed, organization=embed.organization, address=address, now=now)
    server = absolute_url(embed.organization.brand, reverse("embed_say", args=[embed.key]))
    return {"token": talk.token, "server_url": server, "simulated": talk.call.is_simulated, **_lines(talk.heard)}


@_spoken
def embed_say(request: HttpRequest, embed: Embed, data: dict[str, Any]) -> dict[str, Any]:
    token, text = _text(data, "token"), _text(data, "text").strip()
    if not text:
        raise Invalid(_("Write something first."), param="text", type=embed_talks.FOR_VISITORS)
    return _lines(embed_talks.say(embed=embed, organization=embed.organization, token=token, text=text))


@_spoken
def embed_end(request: HttpRequest, embed: Embed, data: dict[str, Any]) -> dict[str, Any]:
    embed_talks.end_talk(embed=embed, organization=embed.organization, token=_text(data, "token"), now=db.now())
    return {"lines": [], "ended": True}


@contextmanager
def _embed(request: HttpRequest, key: str) -> Iterator[Embed]:
    """Act for the organization of a public key. Raises NotFound in the same words for all that is missing or switched off."""
    entry = organization_of_embed(key)
    brand = request.brand  # type: ignore[attr-defined]
    if entry is None or not (brand.is_installation or entry.brand_id == brand.pk):
        raise NotFound
    with acting(Scope((entry.organization_id, *([entry.parent_id] if entry.parent_id else [])))):
        rows = with_features(Organization.objects.select_related("brand", "parent"))
        organization = rows.get(pk=entry.organization_id)
        embed = Embed.objects.for_organization(organization).select_related("assistant").get(pk=entry.embed_id)
        embed.organization = organization
        is_stopped = organization.parent is not None and organization.parent.is_suspended
        # People sign up at a brand's own host only.
        is_misplaced = embed.kind == Kind.SIGN_UP and entry.brand_id != brand.pk
        if is_stopped or is_misplaced or not has_feature(organization, "embeds"):
            raise NotFound
        yield embed


def _shows_elsewhere(request: HttpRequest, embed: Embed) -> bool:
    """A page of its own, or a website that is not the widget's, as far as the browser says so."""
    if request.headers.get("Sec-Fetch-Dest") == "document":
        return True
    referrer = urlsplit(request.headers.get("Referer", ""))
    origin = f"{referrer.scheme}://{referrer.netloc}"
    return bool(referrer.netloc) and referrer.netloc != request.get_host() and origin not in embed.origins


def _check_origin(request: HttpRequest, embed: Embed) -> None:
    """Raises Forbidden unless the frame or a website of the widget asks."""
    origin = request.headers.get("Origin", "")
    if origin not in embed.origins and urlsplit(origin).netloc != request.get_host():
        raise Forbidden(_("This website may not show this widget."), type=embed_talks.FOR_VISITORS)


def _text(data: dict[str, Any], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str) or len(found) > pages.LONGEST or "\x00" in found:
        text = _("A text of at most %(count)s characters is expected.") % {"count": pages.LONGEST}
        raise Invalid(text, param=name, type=embed_talks.FOR_VISITORS)
    return found


def _lines(heard: Heard) -> dict[str, Any]:
    """What was said. Which tools were used, and with what, is not a visitor's."""
    return {"lines": [{"role": each["role"], "text": each["content"]} for each in heard.turns], "ended": heard.ended}


def _refused(error: DomainError) -> JsonResponse:
    """In words for a visitor: what is wrong in the workspace is none of hers."""
    texts = {404: _("This is not available at the moment."), 429: _("There were many talks lately. Try again later.")}
    text = texts.get(error.status, _("The assistant cannot talk at the moment. Try again later."))
    if error.type == embed_talks.FOR_VISITORS:
        text = error.text
    headers = {"Retry-After": str(error.extra["retry_after"])} if "retry_after" in error.extra else {}
    return JsonResponse({"message": text}, status=error.status, headers=headers)
