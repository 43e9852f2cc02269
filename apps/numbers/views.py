"""Pages of numbers and trunks. The list and the detail show calls too: they stand in dashboard."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core import db
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.phone import format_international
from apps.numbers.forms import AssignForm, RegisterForm, TrunkForm
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.numbers.services import (
    create_trunk,
    delete_number,
    delete_trunk,
    limit_trunk,
    register_number,
    replace_trunk,
    update_number,
)
from apps.organizations.access import may, needs
from apps.organizations.forms_pace import PaceForm
from apps.organizations.middleware import toast
from apps.organizations.models import Role
from apps.organizations.services import Actor


def find_number(request: HttpRequest, pk: UUID) -> PhoneNumber:
    """The organization's number. Raises NotFound for anything else."""
    found = PhoneNumber.objects.for_organization(request.organization)  # type: ignore[attr-defined]
    number = found.select_related("organization", "assistant", "transfer_trunk", "workflow").filter(pk=pk).first()
    if number is None:
        raise NotFound(_("There is no such number. It may have been deleted."))
    return number


def find_trunk(request: HttpRequest, pk: UUID) -> SipTrunk:
    found = SipTrunk.objects.for_organization(request.organization).select_related("organization").filter(pk=pk)  # type: ignore[attr-defined]
    if (trunk := found.first()) is None:
        raise NotFound(_("There is no such trunk. It may have been deleted."))
    return trunk


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def number_create(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = RegisterForm(organization, request.POST or None)
    status = 422
    if form.is_valid():
        try:
            number = register_number(organization=organization, values=form.values(), by=Actor.of(request))
        except Conflict as conflict:
            # Only that it is taken may be said, not by whom (api 8.3).
            form.add_error("phone_number", conflict.text)
            status = 409
        else:
            _say_registered(request, number, form.warning)
            return redirect("number", org, number.pk)
    return render(request, "numbers/create.html", {"form": form}, status=status if form.errors else 200)


def _say_registered(request: HttpRequest, number: PhoneNumber, warning: str) -> None:
    words = {"number": format_international(number.phone_number), "warning": warning}
    if warning:
        messages.warning(request, _("%(number)s is registered. %(warning)s") % words)
    else:
        messages.success(request, _("%(number)s is registered.") % words)


@require_POST
@needs(Role.MEMBER)
def number_assign(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Change assistant or trunk from the list."""
    number = find_number(request, pk)
    form = AssignForm(number.organization, request.POST)
    if not form.is_valid():
        raise Invalid(_("This choice does not exist any more. Reload the page."))
    number = update_number(number=number, values=form.sent(), by=Actor.of(request), now=db.now())
    words = {"number": format_international(number.phone_number)}
    return _done(request, org, _("%(number)s is saved.") % words)


@require_POST
@needs(Role.MEMBER)
def number_active(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Switch a number on or off from the list."""
    on = request.POST.get("is_active") == "on"
    number = update_number(
        number=find_number(request, pk), values={"is_active": on}, by=Actor.of(request), now=db.now()
    )
    words = {"number": format_international(number.phone_number)}
    text = _("%(number)s is active.") % words if on else _("%(number)s now rejects calls.") % words
    if not request.headers.get("HX-Request"):
        return _done(request, org, text)
    answer = render(request, "numbers/_active.html", {"number": number, "may_edit": True})
    answer.headers["HX-Trigger"] = toast(text).headers["HX-Trigger"]
    return answer


def _done(request: HttpRequest, org: str, text: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return toast(text)
    messages.success(request, text)
    return redirect("numbers", org)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def number_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    number = find_number(request, pk)
    if request.method == "GET":
        return render(request, "numbers/delete.html", {"number": number})
    delete_number(number=number, by=Actor.of(request))
    words = {"number": format_international(number.phone_number)}
    messages.success(request, _("%(number)s is deleted. Its calls stay.") % words)
    return redirect("numbers", org)


@require_GET
def trunks(request: HttpRequest, org: str) -> HttpResponse:
    found = SipTrunk.objects.for_organization(request.organization)  # type: ignore[attr-defined]
    rows = found.annotate(number_count=Count("numbers")).order_by("name", "id")
    return render(request, "numbers/trunks.html", {"trunks": rows, "may_edit": may(request, Role.MEMBER)})


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def trunk_create(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = TrunkForm(organization, request.POST or None, initial={"replaces": request.GET.get("replaces")})
    if not form.is_valid():
        return render(request, "numbers/trunk_create.html", {"form": form}, status=422 if form.errors else 200)
    by, old = Actor.of(request), form.cleaned_data["replaces"]
    if old is None:
        trunk = create_trunk(organization=organization, values=form.values(), by=by)
        messages.success(request, _("“%(name)s” is ready. Give it to a number to dial out.") % {"name": trunk.name})
    else:
        trunk, moved = replace_trunk(organization=organization, old=old, values=form.values(), by=by, now=db.now())
        text = ngettext("%(count)s number moved to “%(name)s”.", "%(count)s numbers moved to “%(name)s”.", moved)
        messages.success(request, text % {"count": moved, "name": trunk.name})
    return redirect("trunks", org)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def trunk_limits(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """How many calls the provider takes. The one thing of a trunk that changes: no call has to leave for it."""
    trunk = find_trunk(request, pk)
    initial = {"concurrent_calls": trunk.concurrent_calls, "starts": trunk.starts, "starts_seconds": trunk.starts_seconds}
    form = PaceForm(request.POST if request.method == "POST" else None, initial=initial)
    if not form.is_valid():
        context = {"form": form, "trunk": trunk}
        return render(request, "numbers/trunk_limits.html", context, status=422 if form.errors else 200)
    limit_trunk(trunk=trunk, values=form.pace(), by=Actor.of(request), now=db.now())
    messages.success(request, _("The limits of “%(name)s” hold from now on.") % {"name": trunk.name})
    return redirect("trunks", org)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def trunk_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Asks, naming the numbers that lose the trunk; deletes on POST."""
    trunk = find_trunk(request, pk)
    if request.method == "GET":
        numbers = PhoneNumber.objects.for_organization(trunk.organization_id).filter(transfer_trunk=trunk)
        context = {"trunk": trunk, "numbers": list(numbers.order_by("phone_number"))}
        return render(request, "numbers/trunk_delete.html", context)
    delete_trunk(trunk=trunk, by=Actor.of(request), now=db.now())
    messages.success(request, _("“%(name)s” is deleted.") % {"name": trunk.name})
    return redirect("trunks", org)
