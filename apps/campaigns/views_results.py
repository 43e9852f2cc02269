"""What a campaign came to: the page, the files, the report, and calling some of its leads again."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.campaigns.forms_redial import RedialForm
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.results import from_file, results_filename, write_workbook
from apps.campaigns.results.page import results_context
from apps.campaigns.results.report import report_of
from apps.campaigns.services.redial import redial_campaign, redial_choices
from apps.core import db
from apps.core.errors import DomainError
from apps.core.templatetags.ui import number
from apps.core.workbook import CONTENT_TYPE
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_safe
def campaign_figures(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The results page; `?success=` chooses by what a comparison is judged."""
    campaign = campaign_of(request, pk)
    context = results_context(campaign, request.GET.get("success", "")) | seen_by(request)
    return render(request, "campaigns/results.html", context | {"now": db.now()})


@require_safe
def campaign_workbook(request: HttpRequest, org: str, pk: UUID) -> HttpResponseBase:
    campaign = campaign_of(request, pk)
    fill = partial(write_workbook, campaign, db.now())
    return from_file(fill, content_type=CONTENT_TYPE, filename=results_filename(campaign, "xlsx"))


@require_safe
def campaign_report(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The PDF in the brand the viewer sees and in their language."""
    campaign = campaign_of(request, pk)
    brand = request.brand  # type: ignore[attr-defined]
    content = report_of(campaign, brand=brand, language=get_language() or "en", now=db.now())
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{results_filename(campaign, "pdf")}"'
    return answer


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def campaign_redial(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET asks which leads, POST makes a draft that calls them again."""
    campaign = campaign_of(request, pk)
    form = RedialForm(request.POST or None, choices=redial_choices(campaign), campaign=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            child, count = redial_campaign(
                campaign=campaign, name=form.cleaned_data["name"], outcomes=form.cleaned_data["outcomes"],
                by=Actor.of(request), now=db.now(),
            )  # fmt: skip
        except DomainError as error:
            form.add_error(None, error.text)
        else:
            text = ngettext("A draft with %(count)s lead is ready.", "A draft with %(count)s leads is ready.", count)
            messages.success(request, text % {"count": number(count)} + " " + _("Look at it, then start."))
            return redirect("campaign", org=org, pk=child.pk)
    context = {"campaign": campaign, "form": form} | seen_by(request)
    return render(request, "campaigns/results_redial.html", context, status=422 if form.errors else 200)
