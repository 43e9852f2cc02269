"""Erasing one person: search by number, typed confirmation, progress, receipt."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.core import db
from apps.core.errors import NotFound
from apps.core.queue import wake
from apps.dashboard.erasure import KINDS, digest_of, erasures, search_person, start_erasure
from apps.dashboard.forms_erase import ConfirmForm, PersonForm
from apps.dashboard.tasks import erase_person
from apps.organizations.access import needs
from apps.organizations.models import Job, Role
from apps.organizations.services import Actor

LABELS: dict[str, Any] = {
    "calls": _("Calls"),
    "transcripts": _("Transcripts and summaries"),
    "recordings": _("Recordings"),
    "leads": _("Leads of campaigns"),
    "uploads": _("Files of leads"),
    "chats": _("Chat messages"),
    "deliveries": _("Bodies of sent events"),
    "mails": _("E-mails"),
    "answers": _("Stored API answers"),
    "engine": _("Calls where they were carried"),
    "mentions": _("Mentions elsewhere"),
    "do_not_call": _("Do-not-call list"),
}
SEARCHED = ("calls", "transcripts", "recordings", "leads", "chats", "deliveries", "mails", "do_not_call")
SHOWN = 50


@never_cache
@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def erase_search(request: HttpRequest, org: str) -> HttpResponse:
    """Look for a number; what is found is shown with the form that erases it. Posted, so that no log keeps the number."""
    organization = request.organization  # type: ignore[attr-defined]
    form = PersonForm(request.POST or None, organization=organization)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, status=422 if form.errors else 200)
    number = form.cleaned_data["phone_number"]
    confirm = ConfirmForm(organization=organization, initial={"phone_number": number, "keeps_refusal": True})
    return _page(request, form, number=number, confirm=confirm)


@never_cache
@needs(Role.ADMIN)
@require_http_methods(["POST"])
def erase_start(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    confirm = ConfirmForm(request.POST, organization=organization)
    if not confirm.is_valid():
        number = confirm.cleaned_data.get("phone_number")
        form = PersonForm(request.POST, organization=organization)
        return _page(request, form, number=number, confirm=confirm if number else None, status=422)
    values = confirm.cleaned_data
    job = start_erasure(
        organization=organization, number=values["phone_number"], keeps_refusal=values["keeps_refusal"], by=Actor.of(request)
    )
    wake(erase_person, str(organization.pk), str(job.pk))
    return redirect("erase_receipt", org=organization.slug, pk=job.pk)


@never_cache
@needs(Role.ADMIN)
@require_safe
def erase_receipt(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """How far it is, then what was erased. While it works the fragment asks for itself."""
    organization = request.organization  # type: ignore[attr-defined]
    job = _job(request, pk)
    context = {"organization": organization, "job": job, "lines": _lines(job.data.get("counts", {}), KINDS), **_times(job)}
    template = "dashboard/_erase_receipt.html" if request.headers.get("HX-Request") else "dashboard/erase_receipt.html"
    return render(request, template, context)


@never_cache
@needs(Role.ADMIN)
@require_safe
def erase_download(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The receipt as a file: counts, times, who, and the digest in place of the number."""
    job = _job(request, pk)
    if job.status != Job.Status.DONE:
        raise NotFound
    data = job.data
    receipt = {
        "receipt": str(job.pk),
        "organization": request.organization.name,  # type: ignore[attr-defined]
        "number_digest": f"hmac-sha256:{data['digest']}",
        "requested_by": data["by"],
        "requested_at": job.created_at.isoformat(),
        "finished_at": data["finished_at"],
        "erased": {name: data["counts"].get(name, 0) for name in KINDS},
        "kept_on_do_not_call_list": data["is_refused"],
        "left": 0,
    }
    text = json.dumps(receipt, indent=2, ensure_ascii=False) + "\n"
    headers = {"Content-Disposition": f'attachment; filename="erasure-{job.pk}.json"'}
    return HttpResponse(text, content_type="application/json", headers=headers)


def _page(
    request: HttpRequest, form: PersonForm, *, number: str | None = None, confirm: ConfirmForm | None = None, status: int = 200
) -> HttpResponse:  # fmt: skip
    organization = request.organization  # type: ignore[attr-defined]
    rows = list(erasures(organization)[:SHOWN])
    context: dict[str, Any] = {"form": form, "organization": organization, "receipts": [(row, _times(row)) for row in rows]}
    if number:
        found = search_person(organization=organization, number=number, now=db.now())
        digest = digest_of(organization, number)
        context |= {
            "number": number, "confirm": confirm, "found": _lines(found, SEARCHED), "total": sum(found.values()),
            "running": found["running"], "is_refused": found["do_not_call"] > 0,
            "earlier": [(row, times) for row, times in context["receipts"] if row.data.get("digest") == digest],
        }  # fmt: skip
    return render(request, "dashboard/erase.html", context, status=status)


def _lines(counts: dict[str, int], kinds: tuple[str, ...]) -> list[tuple[Any, int]]:
    return [(LABELS[name], counts.get(name, 0)) for name in kinds]


def _times(job: Job) -> dict[str, Any]:
    finished = parse_datetime(job.data.get("finished_at", ""))
    return {"finished_at": finished and timezone.localtime(finished), "left": job.data.get("left") or {}}


def _job(request: HttpRequest, pk: UUID) -> Job:
    job: Job | None = erasures(request.organization).filter(pk=pk).first()  # type: ignore[attr-defined]
    if job is None:
        raise NotFound
    return job
