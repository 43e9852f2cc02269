"""What pages of apps to the left show of the portal: the way to a portal, and the door to signing up."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.billing.models import Package
from apps.branding.models import BrandImage, Domain
from apps.organizations.access import may
from apps.organizations.models import Organization, Role
from apps.portal.models import LibraryItem
from apps.portal.services.sign_ups import offer_at

register = template.Library()


@register.simple_tag(takes_context=True)
def sign_up_url(context: dict[str, Any]) -> str:
    """The address of the sign-up form of this host; empty while nobody may sign up."""
    request = context.get("request")
    brand = getattr(request, "brand", None)
    return reverse("account_signup") if brand is not None and offer_at(brand) is not None else ""


@register.simple_tag(takes_context=True)
def agency_steps(context: dict[str, Any]) -> list[dict[str, Any]]:
    """The way from an account to a business of one's own; empty once all is done, and for everybody but an agency's admins."""
    request = context["request"]
    agency: Organization = request.organization
    if not agency.is_agency or agency.is_demo or request.via is not None or not may(request, Role.ADMIN):
        return []
    steps = [
        (_("Open your portal"), _("An address under which your clients sign in."), "portal_brand", agency.owns_brand),
        (_("Dress it"), _("Your logo, colours and words on every page and mail."), "portal_brand", _has_logo(agency)),
        (_("Add your own domain"), _("Your portal answers there as well."), "portal_address", _has_domain(agency)),
        (_("Make a package"), _("Credits that your clients buy from you."), "packages", _exists(Package, agency)),
        (_("Publish a template"), _("An assistant that new clients begin with."), "library", _exists(LibraryItem, agency)),
        (_("Win the first client"), _("Invite one, or let clients sign up."), "clients", Organization.objects.children_of(agency).exists()),
    ]  # fmt: skip
    if all(done for *_rest, done in steps):
        return []
    return [
        {"title": title, "text": text, "url": reverse(name, args=[agency.slug]), "done": done}
        for title, text, name, done in steps
    ]


def _has_logo(agency: Organization) -> bool:
    return agency.owns_brand and BrandImage.objects.filter(brand=agency.brand_id, kind=BrandImage.Kind.LOGO_LIGHT).exists()


def _has_domain(agency: Organization) -> bool:
    return agency.owns_brand and Domain.objects.serving().filter(brand=agency.brand_id).exists()


def _exists(model: Any, agency: Organization) -> bool:
    return bool(model.objects.for_organization(agency).exists())
