"""The delivery log: what was sent to customers' servers, and sending it again."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.calls.deliveries import KEPT, delivery_page
from apps.calls.forms_deliveries import DeliveryFilter, SinceForm
from apps.calls.models import Call
from apps.calls.selectors import PAGE
from apps.core import db
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.replay import chosen, failed_since, replay
from apps.webhooks.shown import as_curl, shown_attempts

CURSORS = ("before", "after")


@require_safe
def delivery_list(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    filters = DeliveryFilter(request.GET)
    page = delivery_page(organization, filters, **{name: request.GET.get(name, "") for name in CURSORS})
    off = Endpoint.objects.for_organization(organization).off().exclude(url="").order_by("-off_at")
    context = {
        "organization": organization,
        "filters": filters,
        "page": page,
        "older": _query(request, before=page.older),
        "newer": _query(request, after=page.newer),
        "clear_url": request.path if filters.values else "",
        "has_any": bool(page.rows) or Delivery.objects.for_organization(organization).exists(),
        "can_edit": may(request, Role.MEMBER),
        "off": list(off[:5]),
    }
    return render(request, "webhooks/list.html", context)


@require_safe
def delivery_detail(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Both sides of each attempt. The secret signs here; it is never shown."""
    organization = request.organization  # type: ignore[attr-defined]
    row = get_object_or_404(Delivery.objects.for_organization(organization), pk=pk)
    body = row.body or ""
    attempts = shown_attempts(row, list(row.tries.all()))
    off = Endpoint.objects.for_organization(organization).off()
    context = {
        "organization": organization,
        "row": row,
        "attempts": attempts,
        "latest": attempts[0] if attempts else None,
        "body": _pretty(body),
        "curl": as_curl(row, body) if body else "",
        "can_edit": may(request, Role.MEMBER),
        "off": off.filter(level=row.level, owner_id=row.owner_id, url_digest=bytes(row.url_digest)).first(),
        "has_call": bool(row.call_id) and Call.objects.for_organization(organization).filter(public_id=row.call_id).exists(),
    }
    return render(request, "webhooks/detail.html", context)


@require_POST
@needs(Role.MEMBER)
def delivery_replay(request: HttpRequest, org: str) -> HttpResponse:
    """Send the ticked ones again; those without a body, or whose address is off, are left out, and that is said."""
    organization = request.organization  # type: ignore[attr-defined]
    ids = [each for each in request.POST.getlist("ids") if _is_uuid(each)][:PAGE]
    count = replay(organization=organization, found=chosen(organization, ids), by=Actor.of(request), now=db.now())
    _say(request, count, left=len(ids) - count)
    back = request.POST.get("back", "")
    if back and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("deliveries", org=organization.slug)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def replay_failed(request: HttpRequest, org: str) -> HttpResponse:
    """All that failed since an instant: first the count, then, confirmed, the replay."""
    organization, now = request.organization, db.now()  # type: ignore[attr-defined]
    given = request.POST if request.method == "POST" else request.GET
    form = SinceForm(given if "since" in given else None, initial={"since": timezone.localtime(now - dt.timedelta(days=1))})
    since = form.cleaned_data["since"] if form.is_bound and form.is_valid() else None
    found = failed_since(organization, since) if since else None
    if request.method == "POST" and found is not None:
        count = replay(organization=organization, found=found, by=Actor.of(request), now=now)
        _say(request, count)
        return redirect("deliveries", org=organization.slug)
    context: dict[str, Any] = {"organization": organization, "form": form, "since": since, "oldest": now - KEPT}
    if since and found is not None:
        failed = Delivery.objects.for_organization(organization).failed().filter(created_at__gte=since)
        context |= {"count": found.count(), "left": failed.count() - found.count()}
    return render(request, "webhooks/replay_failed.html", context, status=422 if form.errors else 200)


def _say(request: HttpRequest, count: int, left: int = 0) -> None:
    if count:
        words = ngettext("%(count)d delivery is sent again.", "%(count)d deliveries are sent again.", count)
        messages.success(request, words % {"count": count})
    if left > 0:
        words = ngettext(
            "%(count)d was left out: it is still waiting, its content is gone, or its address is switched off.",
            "%(count)d were left out: still waiting, their content is gone, or their address is switched off.", left,
        )  # fmt: skip
        messages.warning(request, words % {"count": left})
    if not count and left <= 0:
        messages.info(request, _("There was nothing to send again."))


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""
    except ValueError:
        return body


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _query(request: HttpRequest, **cursor: str) -> str:
    """The address of another page of the same list; empty when there is none."""
    query: QueryDict = request.GET.copy()
    for name in CURSORS:
        query.pop(name, None)
    (value,) = cursor.values()
    if not value:
        return ""
    query.update(cursor)
    return "?" + query.urlencode()
