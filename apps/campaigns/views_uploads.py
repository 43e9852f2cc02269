"""The files of a campaign: what came of each import, its refused rows and its doubtful numbers, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.campaigns.models import Campaign, Lead, Upload
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.services.undo import can_be_undone, undo_import
from apps.campaigns.services.uploads import forget_columns
from apps.campaigns.views_import import upload_of
from apps.core import db, phone
from apps.core.spreadsheet import write_csv
from apps.core.templatetags.ui import number
from apps.organizations.access import needs
from apps.organizations.models import AuditEntry, Job, Role
from apps.organizations.services import Actor

PAGE = 50
CHUNK = 2000


@require_safe
def lead_imports(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Every file of the campaign, newest first; what is being imported shows how far it is."""
    campaign = campaign_of(request, pk)
    uploads = Upload.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    uploads = uploads.defer("content", "bad_rows").annotate(has_refused=Q(bad_rows__isnull=False)).select_related("job")
    page = Paginator(uploads.order_by("-created_at", "-id"), PAGE).get_page(request.GET.get("page"))
    rows = _rows(campaign, list(page.object_list))
    is_live = any(row["is_running"] for row in rows)
    context = {"campaign": campaign, "rows": rows, "uploads": page, "is_live": is_live} | seen_by(request)
    template = "campaigns/_imports.html" if request.htmx else "campaigns/imports.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@needs(Role.MEMBER)
@require_POST
def lead_import_undo(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponse:
    upload = upload_of(request, pk, upload_id, with_content=False)
    undone = undo_import(upload=upload, by=Actor.of(request))
    text = ngettext("%(count)s lead removed.", "%(count)s leads removed.", undone.removed) % {"count": number(undone.removed)}
    if undone.kept:
        stay = ngettext(
            "%(count)s was called and stays.", "%(count)s were called and stay.", undone.kept
        ) % {"count": number(undone.kept)}
        text = f"{text} {stay}"
    messages.success(request, text)
    return redirect("lead_imports", org=org, pk=pk)


@needs(Role.MEMBER)
@require_POST
def lead_import_forget(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponse:
    """The columns as they would be taken for if no such file had been imported before."""
    forget_columns(upload=upload_of(request, pk, upload_id), now=db.now())
    return redirect("lead_import_map", org=org, pk=pk, upload_id=upload_id)


@require_safe
def lead_bad_rows(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponseBase:
    """The refused rows as a file that can be corrected and uploaded again."""
    upload = upload_of(request, pk, upload_id)
    if upload.bad_rows is None:
        messages.info(request, _("No row of this file was refused."))
        return redirect("lead_import_done", org=org, pk=pk, upload_id=upload_id)
    content = BytesIO(bytes(upload.bad_rows))
    return FileResponse(content, as_attachment=True, filename=_filename(upload, _("refused")), content_type="text/csv")


@require_safe
def lead_warned(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponseBase:
    """The leads of a file whose numbers are possible, but not known as valid."""
    upload = upload_of(request, pk, upload_id, with_content=False)
    content = BytesIO(b"".join(write_csv(_warned(upload))))
    return FileResponse(content, as_attachment=True, filename=_filename(upload, _("to-check")), content_type="text/csv")


def _warned(upload: Upload) -> Iterator[list[str]]:
    yield [_("Phone number"), _("Name"), _("Warning")]
    leads = Lead.objects.for_organization(upload.organization_id).filter(upload=upload).oldest()
    for lead in leads.only("phone_number", "variables").iterator(CHUNK):
        if warning := phone.warning_of(lead.phone_number):
            yield [lead.phone_number, lead.name or "", str(phone.WARNINGS[warning])]


def _rows(campaign: Campaign, uploads: list[Upload]) -> list[dict[str, Any]]:
    people = _people(campaign)
    for upload in uploads:
        upload.campaign = campaign
    return [
        {
            "upload": upload, "who": people.get(str(upload.pk), ""), "can_undo": can_be_undone(upload),
            "is_running": upload.imported_at is None and upload.job is not None and upload.job.status != Job.Status.FAILED,
            "failed": upload.job is not None and upload.job.status == Job.Status.FAILED,
        }
        for upload in uploads
    ]  # fmt: skip


def _people(campaign: Campaign) -> dict[str, str]:
    """Who imported which upload."""
    entries = AuditEntry.objects.for_organization(campaign.organization_id).filter(
        action="campaign.import", target_id=str(campaign.pk)
    )
    return {entry["upload"]: actor for entry, actor in entries.values_list("data", "actor") if "upload" in entry}


def _filename(upload: Upload, what: str) -> str:
    return f"{PurePath(upload.filename).stem}-{what}.csv"
