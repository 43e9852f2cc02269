"""The import of leads: upload a file, say what its columns are, import what is good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.campaigns.columns import Columns
from apps.campaigns.forms import UploadForm, posted, refuse
from apps.campaigns.leadfile import PROBLEMS, BadRow, DuplicateRow
from apps.campaigns.mapping import ONCE, USES, columns_of, fields_of
from apps.campaigns.models import Campaign, RememberedColumns, Upload
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.services.remembered import kept_columns
from apps.campaigns.services.undo import can_be_undone
from apps.campaigns.services.uploads import Preview, import_upload, preview_upload, store_upload
from apps.core import db, phone, variables
from apps.core.errors import DomainError, Invalid, NotFound
from apps.core.spreadsheet import read_table
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

ROWS_NAMED = 12


@needs(Role.MEMBER)
def lead_import(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Step 1: the file."""
    campaign = campaign_of(request, pk)
    form = UploadForm(*posted(request, files=True))
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = store_upload(
                campaign=campaign, filename=PurePath(file.name).name, content=file.read(),
                country=campaign.organization.country, by=Actor.of(request), now=db.now(),
            )  # fmt: skip
        except Invalid as error:
            refuse(form, error)
        else:
            return redirect("lead_import_map", org=org, pk=pk, upload_id=upload.pk)
    context = {"campaign": campaign, "form": form, "needed": _needed(campaign), "steps": _steps()}
    return render(request, "campaigns/import_upload.html", context, status=422 if form.errors else 200)


@needs(Role.MEMBER)
def lead_import_map(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponse:
    """Step 2: columns and country, with what would be imported. POST looks again and stores nothing."""
    upload = upload_of(request, pk, upload_id)
    if upload.imported_at or upload.job_id:
        return redirect("lead_import_done", org=org, pk=pk, upload_id=upload_id)
    return _mapping_page(request, upload)


@needs(Role.MEMBER)
@require_POST
def lead_import_run(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponse:
    """Step 3: import. A choice that makes no sense shows step 2 again, as it was filled in."""
    upload = upload_of(request, pk, upload_id)
    if not (upload.imported_at or upload.job_id):
        try:
            header = read_table(bytes(upload.content)).header
            chosen = columns_of(request.POST, len(header), _needed(upload.campaign))
            import_upload(
                upload=upload, mapping=chosen, country=_country(request, upload), by=Actor.of(request), now=db.now()
            )
        except Invalid as error:
            return _mapping_page(request, upload, error)
    return redirect("lead_import_done", org=org, pk=pk, upload_id=upload_id)


@require_safe
def lead_import_done(request: HttpRequest, org: str, pk: UUID, upload_id: UUID) -> HttpResponse:
    """What came of it; while a large file is being imported, how far it is."""
    upload = upload_of(request, pk, upload_id, with_content=False)
    if not (upload.imported_at or upload.job_id):
        return redirect("lead_import_map", org=org, pk=pk, upload_id=upload_id)
    context = {
        "campaign": upload.campaign, "upload": upload, "steps": _steps(), "can_undo": can_be_undone(upload), **seen_by(request),
    }  # fmt: skip
    template = "campaigns/_import_result.html" if request.htmx else "campaigns/import_done.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _mapping_page(request: HttpRequest, upload: Upload, error: DomainError | None = None) -> HttpResponse:
    needed, chosen = _needed(upload.campaign), Columns.from_json(upload.mapping)
    if request.method == "POST":
        table = read_table(bytes(upload.content))
        try:
            chosen = columns_of(request.POST, len(table.header), needed)
        except Invalid as problem:
            error = problem
    preview, problem = _preview(upload, chosen, _country(request, upload))
    error = error or problem
    context = {
        "campaign": upload.campaign, "upload": upload, "preview": preview, "error": error, "needed": needed,
        "fields": fields_of(preview.header, preview.sample, chosen), "country": preview.country,
        "countries": phone.country_choices(), "kinds": _kinds(preview), "message": _message(upload.campaign, preview),
        "steps": _steps(), "bad": preview.bad.total(), "ready": error is None and preview.good > 0, "uses": USES.items(),
        "once": " ".join(ONCE), "remembered": _remembered(request, upload, preview),
        **seen_by(request),
    }  # fmt: skip
    template = "campaigns/_import_preview.html" if request.htmx else "campaigns/import_map.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if error and not request.htmx else 200)  # type: ignore[attr-defined]


def _remembered(request: HttpRequest, upload: Upload, preview: Preview) -> RememberedColumns | None:
    """What was chosen for such a file before, when this one was opened with it."""
    return kept_columns(upload.organization_id, preview.header) if request.method == "GET" else None


def _preview(upload: Upload, chosen: Columns, country: str) -> tuple[Preview, DomainError | None]:
    """What an import would do; for a choice that makes no sense only the columns, with what is wrong."""
    if chosen.number is None:
        problem = Invalid(_("Choose the column that holds the phone number."), param="number")
        return preview_upload(upload, now=db.now(), mapping=chosen, country=country), problem
    try:
        return preview_upload(upload, now=db.now(), mapping=chosen, country=country), None
    except Invalid as problem:
        return preview_upload(upload, now=db.now(), mapping=Columns(None), country=country), problem


def _kinds(preview: Preview) -> list[dict[str, Any]]:
    """Refused rows by kind, the most frequent first, with the first row numbers of each."""
    found = []
    for kind, count in preview.bad.most_common():
        rows = [each for each in preview.refused if isinstance(each, BadRow) and each.kind == kind]
        names = "”, “".join(sorted({each.name for each in rows if each.name}))
        found.append(_kind(str(PROBLEMS[kind]) % {"name": names}, count, rows))
    if preview.duplicates:
        rows_again = [each for each in preview.refused if isinstance(each, DuplicateRow)]
        text = _("Repeats a number of an earlier row or of this campaign.")
        found.append(_kind(text, preview.duplicates, rows_again))
    return found


def _kind(text: str, count: int, rows: Sequence[BadRow | DuplicateRow]) -> dict[str, Any]:
    first = [each.row for each in rows[:ROWS_NAMED]]
    return {"text": text, "count": count, "rows": first, "more": count - len(first)}


def _message(campaign: Campaign, preview: Preview) -> str:
    """The message as it would read for the first lead."""
    template = campaign.system_message_template or ""
    return variables.fill(template, preview.leads[0].variables) if template and preview.leads else ""


def _country(request: HttpRequest, upload: Upload) -> str:
    chosen = request.POST.get("country", upload.country)
    known = {code for code, _name in phone.country_choices()}
    return chosen if chosen in known or chosen == "" else upload.country


def _needed(campaign: Campaign) -> list[str]:
    return sorted(variables.names(campaign.system_message_template or ""))


def _steps() -> list[str]:
    return [_("File"), _("Columns"), _("Result")]


def upload_of(request: HttpRequest, pk: UUID, upload_id: UUID, *, with_content: bool = True) -> Upload:
    """The upload of the address, with `has_refused`: whether its refused rows are there. Raises NotFound.

    Args:
        with_content: its files too, which may have many megabytes.
    """
    organization = request.organization  # type: ignore[attr-defined]
    found = Upload.objects.for_organization(organization).filter(pk=upload_id, campaign_id=pk, campaign__deleted_at=None)
    found = found.annotate(has_refused=Q(bad_rows__isnull=False)).select_related("campaign__organization", "job")
    upload: Upload | None = (found if with_content else found.defer("content", "bad_rows")).first()
    if upload is None:
        raise NotFound(_("This file is not there any more. Upload it again."))
    return upload
