"""The agency's library: publishing, and bringing an item to clients with a preview of what changes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import db
from apps.core.errors import NotFound
from apps.core.queue import wake
from apps.organizations.access import agency_of, may, needs
from apps.organizations.models import Job, Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal import library_pages as pages
from apps.portal.forms_library import ItemForm, PublishForm
from apps.portal.models import LibraryItem
from apps.portal.services import library, library_pushes
from apps.portal.tasks_sign_ups import push_library


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Role.MEMBER)
def library_list(request: HttpRequest, org: str) -> HttpResponse:
    """What is in the library, and a form that puts more into it."""
    agency = agency_of(request)
    form = PublishForm(request.POST if request.method == "POST" else None, groups=pages.to_publish(agency))
    if request.method == "POST" and form.is_valid():
        kind, _colon, pk = form.cleaned_data["thing"].partition(":")
        item = library.publish(
            agency=agency, kind=kind, object_id=UUID(pk), for_sign_ups=form.cleaned_data["for_sign_ups"],
            note=form.cleaned_data["note"], by=Actor.of(request),
        )  # fmt: skip
        messages.success(request, _("It is in the library. Choose the clients that get a copy."))
        return redirect("library_item", org, item.pk)
    with acting_for(agency, with_children=True) if request.method == "POST" else nullcontext():
        context = {"rows": pages.list_of(agency), "form": form, "can_publish": bool(form.fields["thing"].choices[1:])}  # type: ignore[attr-defined]
    return render(request, "portal/library.html", context, status=422 if form.errors else 200)


@require_safe
@needs(Role.MEMBER)
def library_item(request: HttpRequest, org: str, item: UUID) -> HttpResponse:
    """One item: how each client stands, and what a push would change there."""
    agency = agency_of(request)
    found = _find(agency, item)
    thing = library.thing_of(found)
    context: dict[str, Any] = {"item": found, "thing": thing, "form": ItemForm(instance=found), "icon": pages.ICONS[LibraryItem.Kind(found.kind)]}
    if thing is not None:
        left = library.portable_of(agency, thing).left_out
        context |= {
            "thing_url": reverse(pages.PAGES[LibraryItem.Kind(found.kind)], args=[org, thing.pk]),
            "left_out": [words for key, words in pages.LEFT_OUT.items() if key in left],
            "rows": [pages.row_of(each) for each in library.standings(agency, found, thing)],
            "pushes": library_pushes.pushes(agency).filter(data__item=str(found.pk))[:5],
            "can_push": may(request, Role.ADMIN),
        }  # fmt: skip
    return render(request, "portal/library_item.html", context)


@require_POST
@needs(Role.MEMBER)
def library_edit(request: HttpRequest, org: str, item: UUID) -> HttpResponse:
    found = _find(agency_of(request), item)
    form = ItemForm(request.POST, instance=found)
    if form.is_valid():
        library.change_item(item=found, by=Actor.of(request), now=db.now(), **form.cleaned_data)
        messages.success(request, _("Saved."))
    return redirect("library_item", org, found.pk)


@require_POST
@needs(Role.MEMBER)
def library_remove(request: HttpRequest, org: str, item: UUID) -> HttpResponse:
    library.remove_item(item=_find(agency_of(request), item), by=Actor.of(request))
    messages.success(request, _("It is out of the library. Clients keep the copies they have."))
    return redirect("library", org)


@require_POST
@needs(Role.ADMIN)
def library_push(request: HttpRequest, org: str, item: UUID) -> HttpResponse:
    """Bring the item to the ticked clients, as a job."""
    agency = agency_of(request)
    found = _find(agency, item)
    chosen, overwrite = set(request.POST.getlist("client")), set(request.POST.getlist("overwrite"))
    clients = [each for each in library.clients_of(agency) if each.slug in chosen]
    if not clients:
        messages.error(request, _("Tick at least one client."))
        return redirect("library_item", org, found.pk)
    choice = {each.pk: each.slug in overwrite for each in clients}
    job = library_pushes.start_push(agency=agency, item=found, overwrite=choice, by=Actor.of(request))
    wake(push_library, str(agency.pk), str(job.pk))
    return redirect("library_job", org, job.pk)


@require_safe
@needs(Role.MEMBER)
def library_job(request: HttpRequest, org: str, push: UUID) -> HttpResponse:
    """How far a push is, then what it did at each client. While it works the fragment asks for itself."""
    agency = agency_of(request)
    found = _job(agency, push)
    context = {
        "job": found, "results": pages.results_of(found), "can_push": may(request, Role.ADMIN),
        "is_open": found.status in (Job.Status.WAITING, Job.Status.RUNNING),
    }  # fmt: skip
    template = "portal/_library_job.html" if request.headers.get("HX-Request") else "portal/library_job.html"
    return render(request, template, context)


@require_POST
@needs(Role.ADMIN)
def library_undo(request: HttpRequest, org: str, push: UUID) -> HttpResponse:
    """Take an update back at one client."""
    agency = agency_of(request)
    found = _job(agency, push)
    wanted = request.POST.get("client", "")
    client = next((each for each in library.clients_of(agency) if str(each.pk) == wanted), None)
    if client is None:
        raise NotFound(_("There is no such client."))
    by = Actor.of(request)
    named = Actor(label=f"{by.label} ({agency.name})"[:200], user=by.user, address=by.address)
    library_pushes.undo(agency=agency, job_id=found.pk, client=client, by=named, now=db.now())
    messages.success(request, _("At %(name)s it is again what it was.") % {"name": client.name})
    return redirect("library_job", org, found.pk)


def _find(agency: Organization, pk: UUID) -> LibraryItem:
    found = LibraryItem.objects.for_organization(agency).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("This is not in the library."))
    return found


def _job(agency: Organization, pk: UUID) -> Job:
    found: Job | None = library_pushes.pushes(agency).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
