"""A file of numbers that are not to be called: upload, result, and the rows that could not be read."""

from __future__ import annotations

from pathlib import PurePath
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.calls.forms import RefusalFileForm
from apps.calls.models import RefusalUpload
from apps.calls.services.refusal_files import import_refusals
from apps.calls.tasks_lists import import_one
from apps.core import db
from apps.core.errors import Invalid, NotFound
from apps.core.queue import wake
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@needs(Role.MEMBER)
@require_http_methods(["GET", "HEAD", "POST"])
def do_not_call_import(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    form = RefusalFileForm(*posted, organization=organization)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = import_refusals(
                organization=organization, filename=PurePath(file.name).name, content=file.read(),
                country=form.cleaned_data["country"], by=Actor.of(request), now=db.now(),
            )  # fmt: skip
        except Invalid as error:
            form.add_error("file", error.text)
        else:
            if upload.job_id:
                wake(import_one, str(organization.pk), str(upload.pk))
            return redirect("do_not_call_imported", org=org, pk=upload.pk)
    context = {"form": form, "organization": organization}
    return render(request, "calls/do_not_call_import.html", context, status=422 if form.errors else 200)


@require_safe
def do_not_call_imported(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """What came of it; while a large file is being imported, how far it is."""
    upload = _upload(request, pk)
    context = {"upload": upload, "organization": request.organization, "can_edit": may(request, Role.MEMBER)}  # type: ignore[attr-defined]
    template = "calls/_do_not_call_result.html" if request.htmx else "calls/do_not_call_imported.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_safe
@needs(Role.MEMBER)
def do_not_call_bad_rows(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The refused rows as a file that can be corrected and uploaded again."""
    upload = _upload(request, pk)
    if upload.bad_rows is None:
        raise NotFound(_("The refused rows of this file are not kept any more."))
    name = f"{PurePath(upload.filename).stem}-{_('refused')}.csv"
    shown = content_disposition_header(as_attachment=True, filename=name) or ""
    return HttpResponse(bytes(upload.bad_rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": shown})


def _upload(request: HttpRequest, pk: UUID) -> RefusalUpload:
    uploads = RefusalUpload.objects.for_organization(request.organization)  # type: ignore[attr-defined]
    upload: RefusalUpload | None = uploads.filter(pk=pk).select_related("job").defer("content").first()  # type: ignore[assignment]
    if upload is None:
        raise NotFound
    return upload
