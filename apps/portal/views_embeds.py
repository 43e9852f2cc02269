"""The workspace's page of website widgets: list, form with what to paste, preview."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

from csp.constants import SELF
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.assistants.models import Assistant
from apps.calls.starting import text_problem
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import allows, may, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.embed_pages import frame_page, script_url, snippets
from apps.portal.forms_embeds import EmbedForm
from apps.portal.models import Embed
from apps.portal.services import embeds as services
from apps.portal.services.embed_talks import recent_talks
from apps.voice.services import find_connection

Kind = Embed.Kind


@require_safe
def embeds(request: HttpRequest, org: str) -> HttpResponse:
    organization: Organization = request.organization  # type: ignore[attr-defined]
    rows = Embed.objects.for_organization(organization).select_related("assistant").order_by("name", "created_at")
    context = {"rows": list(rows), "kinds": _kinds(organization), "problem": _problem(request)}
    return render(request, "embeds/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Role.ADMIN)
def embed_new(request: HttpRequest, org: str) -> HttpResponse:
    """`kind` in the address says which one, `talk` without it. Raises Forbidden for a sign-up form without a portal."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    kinds = _kinds(organization)
    kind = Kind.SIGN_UP if request.GET.get("kind") == Kind.SIGN_UP else Kind.TALK
    if kind == Kind.SIGN_UP and not kinds["sign_up"]:
        raise services.no_portal()
    data = request.POST if request.method == "POST" else None
    form = EmbedForm(data, instance=Embed(organization=organization, kind=kind), organization=organization, kind=kind)
    if request.method == "POST" and form.is_valid():
        made = services.create_embed(organization=organization, kind=kind, values=form.values(), by=Actor.of(request))
        messages.success(request, _("The widget is made. Paste its code into your website."))
        return redirect("embed_edit", org, made.pk)
    context = {"form": form, "kind": kind, "kinds": kinds, "problem": _problem(request)}
    return render(request, "embeds/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def embed_edit(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """What to paste, how it looks, and its settings; whoever may not change them reads."""
    found = _find(request, pk)
    if request.method == "POST":
        return _save(request, found)
    return _page(request, found, _form(found))


@needs(Role.ADMIN)
def _save(request: HttpRequest, found: Embed) -> HttpResponse:
    form = _form(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    services.change_embed(embed=found, values=form.values(), by=Actor.of(request), now=db.now())
    messages.success(request, _("Saved."))
    return redirect("embed_edit", found.organization.slug, found.pk)


@require_POST
@needs(Role.ADMIN)
def embed_switch(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """`on`: 1 or 0."""
    found = _find(request, pk)
    services.switch_embed(embed=found, is_active=request.POST.get("on") == "1", by=Actor.of(request), now=db.now())
    messages.success(
        request, _("The widget is on.") if found.is_active else _("The widget is off: websites show nothing.")
    )
    return redirect("embed_edit", org, found.pk)


@require_POST
@needs(Role.ADMIN)
def embed_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    services.delete_embed(embed=_find(request, pk), by=Actor.of(request))
    messages.success(request, _("The widget is deleted."))
    return redirect("embeds", org)


@require_safe
@xframe_options_sameorigin
def embed_preview(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """What a website shows, for the page of the widget."""
    answer = frame_page(request, _find(request, pk), is_preview=True)
    answer._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]
    return answer


def _form(found: Embed, data: Any = None) -> EmbedForm:
    return EmbedForm(data, instance=copy.copy(found), organization=found.organization, kind=found.kind)


def _page(request: HttpRequest, found: Embed, form: EmbedForm) -> HttpResponse:
    context = {
        "form": form, "embed": found, "kind": found.kind, "problem": _problem(request, found),
        "snippets": snippets(found), "script_url": script_url(found), "can_change": may(request, Role.ADMIN),
        "recent": recent_talks(found, db.now()) if found.kind == Kind.TALK else None,
    }  # fmt: skip
    answer = render(request, "embeds/form.html", context, status=422 if form.errors else 200)
    answer._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]
    return answer


def _kinds(organization: Organization) -> dict[str, bool]:
    """Which widgets can be made."""
    has_assistants = Assistant.objects.for_organization(organization).live().exists()
    return {"talk": has_assistants, "sign_up": services.offers_sign_up(organization)}


def _problem(request: HttpRequest, embed: Embed | None = None) -> str:
    """Why visitors could not talk now, with this widget or any. What is underneath is named only to who may see it."""
    if embed is not None:
        if embed.kind != Kind.TALK:
            return ""
        if embed.assistant is None or embed.assistant.deleted_at or not embed.assistant.is_active:
            return _("The assistant is not active. Activate it first.")
    connection = find_connection(request.organization)  # type: ignore[attr-defined]
    if connection is None or not connection.engine_read_at or not (problem := text_problem(connection)):
        return ""
    return problem if allows(request, "voice_engine") else _("Assistants cannot be written to here at the moment.")


def _find(request: HttpRequest, pk: UUID) -> Embed:
    rows = Embed.objects.for_organization(request.organization).select_related("organization__brand", "assistant")  # type: ignore[attr-defined]
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
