"""Members: who works here, with which role, and who was invited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.services import people_with_second_factor
from apps.branding.models import Brand
from apps.core import db
from apps.core.errors import Invalid
from apps.organizations.access import may, needs
from apps.organizations.forms import InvitationForm, RoleForm
from apps.organizations.invitations import invite, resend, revoke
from apps.organizations.members import change_role, remove_member
from apps.organizations.models import Invitation, Membership, Role
from apps.organizations.services import Actor


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, org: str) -> HttpResponse:
    """Admins look, owners change. POST invites."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST":
        return _invite(request, org, form)
    return render(request, "organizations/members.html", _context(request, form))


@needs(Role.OWNER)
def _invite(request: HttpRequest, org: str, form: InvitationForm) -> HttpResponse:
    if not form.is_valid():
        return render(request, "organizations/members.html", _context(request, form), status=422)
    email = form.cleaned_data["email"]
    invite(
        organization=request.organization, email=email, role=Role(form.cleaned_data["role"]),  # type: ignore[attr-defined]
        brand=_brand(request), by=Actor.of(request), now=db.now(),
    )  # fmt: skip
    messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": email})
    return redirect("members", org=org)


@needs(Role.OWNER)
@require_POST
def member_role(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = _member(request, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("Choose one of the four roles."))
    row = change_role(
        organization=request.organization, membership=found, role=Role(form.cleaned_data["role"]),  # type: ignore[attr-defined]
        by=Actor.of(request), now=db.now(),
    )  # fmt: skip
    messages.success(request, _("%(name)s is now %(role)s.") % {"name": row.user, "role": Role(row.role).label.lower()})
    return redirect("members", org=org)


@needs(Role.OWNER)
@require_POST
def member_remove(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    row = _member(request, pk)
    remove_member(organization=request.organization, membership=row, by=Actor.of(request))  # type: ignore[attr-defined]
    messages.success(request, _("%(name)s has no access any more.") % {"name": row.user})
    return redirect("home" if row.user_id == request.user.pk else request.path.rsplit("/", 2)[0])


@needs(Role.OWNER)
@require_POST
def invitation_resend(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    row = _invitation(request, pk)
    resend(
        organization=request.organization, invitation=row, brand=_brand(request), by=Actor.of(request), now=db.now()  # type: ignore[attr-defined]
    )  # fmt: skip
    messages.success(
        request, _("A new link is on its way to %(email)s. The old one no longer works.") % {"email": row.email}
    )
    return redirect("members", org=org)


@needs(Role.OWNER)
@require_POST
def invitation_revoke(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    row = _invitation(request, pk)
    revoke(organization=request.organization, invitation=row, by=Actor.of(request), now=db.now())  # type: ignore[attr-defined]
    messages.success(request, _("The invitation of %(email)s was revoked.") % {"email": row.email})
    return redirect("members", org=org)


def _context(request: HttpRequest, form: InvitationForm) -> dict[str, Any]:
    organization = request.organization  # type: ignore[attr-defined]
    rows = list(Membership.objects.for_organization(organization).people())
    through = (
        list(Membership.objects.for_organization(organization.parent_id).people()) if organization.parent_id else []
    )
    invited = Invitation.objects.for_organization(organization).pending().select_related("invited_by")
    return {
        "form": form,
        "now": db.now(),
        "members": rows,
        "through_agency": through,
        "agency": organization.parent if through else None,
        "secured": people_with_second_factor(row.user_id for row in rows),
        "invitations": list(invited.order_by("-created_at")),
        "roles": Role.choices,
        "manages": may(request, Role.OWNER),
    }


def _member(request: HttpRequest, pk: UUID) -> Membership:
    rows = Membership.objects.for_organization(request.organization).select_related("user")  # type: ignore[attr-defined]
    return get_object_or_404(rows, pk=pk)


def _invitation(request: HttpRequest, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.for_organization(request.organization), pk=pk)  # type: ignore[attr-defined]


def _brand(request: HttpRequest) -> Brand:
    """A client's people get accounts at the client's brand, an agency's where its owner works."""
    organization = request.organization  # type: ignore[attr-defined]
    return organization.brand if organization.parent_id else request.brand  # type: ignore[attr-defined]
