"""Pages of assistants that show what lies to their right: the list with calls, deletion with numbers and campaigns."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.assistants.views import find_assistant
from apps.core import db
from apps.dashboard.selectors_assistants import assistants_with_calls, filtered
from apps.dashboard.services import delete_assistant, touched_by
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

PAGE = 50
ORDERS = {"name": "name", "calls": "calls_7_days", "last": "last_call_at"}


@require_GET
def assistants(request: HttpRequest, org: str) -> HttpResponse:
    now = db.now()
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    every = assistants_with_calls(request.organization, now)  # type: ignore[attr-defined]
    found = filtered(every, text=text, state=state)
    order = request.GET.get("order", "")
    column = ORDERS.get(order.removeprefix("-"), "name")
    found = found.order_by(f"-{column}" if order.startswith("-") else column, "id")
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "is_filtered": bool(text or state), "state": state, "text": text, "now": now}
    return render(request, "assistants/list.html", context | {"may_edit": may(request, Role.MEMBER)})


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def assistant_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Asks, naming the numbers and campaigns that lose the assistant; deletes on POST."""
    assistant = find_assistant(request, pk)
    if request.method == "POST":
        delete_assistant(assistant=assistant, by=Actor.of(request), now=db.now())
        messages.success(request, _("“%(name)s” is deleted. Its calls stay.") % {"name": assistant.name})
        return redirect("assistants", org)
    numbers, campaigns = touched_by(assistant)
    context = {"assistant": assistant, "numbers": numbers, "campaigns": campaigns}
    return render(request, "assistants/delete.html", context)
