"""Settings: the calling rules of the countries that are called."""

from __future__ import annotations

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.campaigns.forms_rules import RuleForm
from apps.campaigns.pages_rules import base_of, countries, country_page
from apps.campaigns.rules.history import History
from apps.campaigns.rules.packs import ELSEWHERE, EU, Key
from apps.campaigns.rules.public_holidays import region_code, regions_of
from apps.campaigns.rules.words import country_name
from apps.campaigns.services.packs import Edit, save_pack, take_back
from apps.core import db
from apps.core.errors import Invalid, NotFound
from apps.core.phone import country_choices
from apps.organizations.access import needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor


@require_safe
def country_rules(request: HttpRequest, org: str) -> HttpResponse:
    """What holds now in each country with rules of its own. Everybody reads, admins change."""
    organization = request.organization  # type: ignore[attr-defined]
    rows = countries(History.of(organization), _today(organization))
    known = {row["country"] for row in rows}
    others = [(code, name) for code, name in country_choices() if code not in known]
    return render(request, "campaigns/country_rules.html", {"rows": rows, "others": others})


@require_safe
def country_rule(request: HttpRequest, org: str) -> HttpResponse:
    """One country or region of it: what holds, where that comes from, and every version."""
    organization = request.organization  # type: ignore[attr-defined]
    if not (key := _key(request)):
        return redirect("country_rules", org=organization.slug)
    context = country_page(History.of(organization), key, _today(organization))
    return render(request, "campaigns/country_rule.html", context | {"more_regions": _more_regions(key, context["regions"])})


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def country_rule_edit(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if not (key := _key(request)):
        return redirect("country_rules", org=organization.slug)
    today = _today(organization)
    base = base_of(History.of(organization), key, today)
    form = RuleForm(
        request.POST or None, base=base.rules if base else {}, sources=base.sources if base else (), today=today
    )
    if request.method == "POST" and form.is_valid() and _save(request, form, key):
        messages.success(request, _("The rules were saved."))
        return redirect(address(organization, key))
    context = {
        "form": form, "country": key[0], "region": key[1], "name": country_name(*key), "base": base,
        "back_url": address(organization, key),
    }  # fmt: skip
    return render(request, "campaigns/country_rule_edit.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Role.ADMIN)
def country_rule_back(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Take an edit back; the page asks first."""
    organization = request.organization  # type: ignore[attr-defined]
    row = take_back(organization=organization, pk=pk, by=Actor.of(request), now=db.now())
    messages.success(request, _("The edit was taken back. What held without it holds again."))
    return redirect(address(organization, (row.country, row.region)))


def address(organization: Organization, key: Key) -> str:
    """The page of a country's rules."""
    query = {"country": key[0]} | ({"region": key[1]} if key[1] else {})
    return f"{reverse('country_rule', args=[organization.slug])}?{urlencode(query)}"


def _save(request: HttpRequest, form: RuleForm, key: Key) -> bool:
    values = form.cleaned_data
    edit = Edit(*key, values["valid_from"], form.rules, values["sources"], values["note"])
    try:
        save_pack(organization=request.organization, edit=edit, by=Actor.of(request), now=db.now())  # type: ignore[attr-defined]
    except Invalid as error:
        form.refuse(error)
        return False
    return True


def _key(request: HttpRequest) -> Key | None:
    """The country and region of the address, None without one. Raises NotFound for one that does not exist."""
    country, region = request.GET.get("country", "").upper(), request.GET.get("region", "")
    if not country:
        return None
    if country not in {code for code, _name in country_choices()} | {EU, ELSEWHERE}:
        raise NotFound(_("There is no such country."))
    if region and region_code(country, region) != region:
        raise NotFound(_("There is no such region."))
    return country, region


def _more_regions(key: Key, rows: list[dict[str, str]]) -> list[str]:
    """Regions of the country without rules of their own yet."""
    known = {row["region"] for row in rows}
    return [] if key[1] else [code for code in regions_of(key[0]) if code not in known]


def _today(organization: Organization) -> dt.date:
    return db.now().astimezone(ZoneInfo(organization.timezone)).date()
