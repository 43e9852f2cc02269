"""Pages of the import: what would be taken over, then how far it is and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core import db
from apps.core.queue import wake
from apps.dashboard.account_import import (
    HERE,
    NEW,
    REFUSED,
    Item,
    account_to_import,
    last_import,
    look_into,
    start_import,
)
from apps.dashboard.account_items import SORTS
from apps.dashboard.tasks import import_account
from apps.organizations.access import needs
from apps.organizations.models import Job, Role
from apps.organizations.services import Actor
from apps.voice.client import EngineTrouble

SHOWN = 200


@dataclass(frozen=True)
class Line:
    """One sort of things: how many of each verdict; names of the new ones, names and reasons of the refused ones."""

    label: str | Promise
    new: int
    here: int
    refused: int
    names: list[str]
    reasons: list[tuple[str, str]]
    note: str | Promise = ""


@never_cache
@require_GET
@needs(Role.ADMIN)
def account_import(request: HttpRequest, org: str) -> HttpResponse:
    return _page(request)


@never_cache
@require_POST
@needs(Role.ADMIN)
def account_import_look(request: HttpRequest, org: str) -> HttpResponse:
    """The dry run: asks the engine, changes nothing."""
    organization = request.organization  # type: ignore[attr-defined]
    connection = account_to_import(organization)
    if connection is None:
        return _page(request)
    try:
        return _page(request, lines=_lines(look_into(organization, connection)))
    except EngineTrouble as trouble:
        problem = _("The voice engine gave no usable answer (%(reason)s). Try again in a minute.")
        return _page(request, problem=problem % {"reason": trouble.reason}, status=422)


@require_POST
@needs(Role.ADMIN)
def account_import_start(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    with_calls = request.POST.get("calls") == "on"
    job = start_import(organization=organization, with_calls=with_calls, by=Actor.of(request), now=db.now())
    wake(import_account, str(organization.pk), str(job.pk))
    return redirect("account_import", org)


def _page(request: HttpRequest, *, lines: list[Line] | None = None, problem: str = "", status: int = 200) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    job = last_import(organization)
    context: dict[str, Any] = {
        "organization": organization, "connection": account_to_import(organization), "lines": lines, "problem": problem,
        "has_new": any(line.new for line in lines or ()), "job": job,
        "is_running": job is not None and job.status in (Job.Status.WAITING, Job.Status.RUNNING),
        "result": _result(job) if job is not None and lines is None else [],
    }  # fmt: skip
    return render(request, "voice/import.html", context, status=status)


def _lines(items: list[Item]) -> list[Line]:
    found = []
    for sort in SORTS:
        own = [item for item in items if item.sort is sort]
        new = [item for item in own if item.verdict == NEW]
        refused = [(item.name, item.reason) for item in own if item.verdict == REFUSED]
        note = sort.note if any(item.is_kept for item in new) else ""
        here = len(own) - len(new) - len(refused)
        found.append(Line(sort.label, len(new), here, len(refused), [item.name for item in new[:SHOWN]], refused[:SHOWN], note))
    return found


def _result(job: Job) -> list[Line]:
    """What an import that is over came to."""
    counts, refused = job.data.get("counts"), job.data.get("refused") or []
    if job.status != Job.Status.DONE or not counts:
        return []
    return [
        Line(
            sort.label, counts[sort.name][NEW], counts[sort.name][HERE], counts[sort.name][REFUSED], [],
            [(name, reason) for kind, name, reason in refused if kind == sort.name],
        )
        for sort in SORTS
        if sort.name in counts
    ]  # fmt: skip
