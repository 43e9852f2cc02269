"""An agency's words to its clients."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import db
from apps.core.errors import DomainError, NotFound
from apps.core.queue import wake
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal import tasks_bulk
from apps.portal.forms_clients import AnnouncementForm
from apps.portal.models import Announcement
from apps.portal.services.announce import announce, withdraw

SHOWN = 100


@needs(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def announcements(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    form = _form(request, agency)
    if form.is_valid():
        values = form.cleaned_data | {"clients": form.cleaned_data["clients"] or None}
        try:
            row = announce(agency=agency, by=Actor.of(request), now=db.now(), **values)
        except DomainError as error:
            form.add_error(error.param, error.text)
        else:
            wake(tasks_bulk.send_announcement, str(agency.pk), str(row.pk))
            messages.success(request, _("“%(title)s” is on its way to your clients.") % {"title": row.title})
            return redirect("announcements", org)
    rows = Announcement.objects.for_organization(agency).order_by("-created_at")[:SHOWN]
    context = {"form": form, "rows": rows, "now": db.now(), "is_open": bool(form.errors)}
    return render(request, "portal/announcements.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Role.ADMIN)
def announcement_withdraw(request: HttpRequest, org: str, announcement: UUID) -> HttpResponse:
    agency = agency_of(request)
    row = Announcement.objects.for_organization(agency).filter(pk=announcement).first()
    if row is None:
        raise NotFound(_("There is no such announcement."))
    withdraw(agency=agency, announcement=row, by=Actor.of(request), now=db.now())
    wake(tasks_bulk.send_announcement, str(agency.pk), str(row.pk))
    messages.success(request, _("It is being taken away. E-mails that were sent stay where they are."))
    return redirect("announcements", org)


def _form(request: HttpRequest, agency: Organization) -> AnnouncementForm:
    if request.method != "POST":
        return AnnouncementForm(None, list(Organization.objects.children_of(agency)))
    with acting_for(agency, with_children=True):
        return AnnouncementForm(request.POST, list(Organization.objects.children_of(agency)))
