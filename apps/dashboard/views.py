"""The workspace's front page, the palette's search, and the help pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import db
from apps.core.errors import NotFound
from apps.dashboard import help_pages
from apps.dashboard.overview import overview_of
from apps.dashboard.palette import find
from apps.organizations.access import allows
from apps.organizations.feature_table import needed_by


@require_safe
def overview(request: HttpRequest, org: str) -> HttpResponse:
    days = {"7": 7, "14": 14}.get(request.GET.get("days", ""), 30)
    found = overview_of(request.organization, days=days, now=db.now())  # type: ignore[attr-defined]
    found["steps"] = [step for step in found["steps"] if allows(request, *needed_by(step["name"]))]
    return render(request, "dashboard/overview.html", found | {"days": days})


@require_safe
def palette(request: HttpRequest, org: str) -> HttpResponse:
    """What the palette finds for the words typed: assistants, numbers, campaigns, calls."""
    words = request.GET.get("q", "").strip()[:100]
    places = {name for name in ("assistants", "campaigns", "numbers", "calls") if allows(request, *needed_by(name))}
    results = find(request.organization, words, places)  # type: ignore[attr-defined]
    return render(request, "dashboard/_palette.html", {"results": results, "words": words})


@require_safe
def help_index(request: HttpRequest, org: str) -> HttpResponse:
    return render(request, "dashboard/help.html", {"pages": _help_titles(request)})


@require_safe
def help_page(request: HttpRequest, org: str, name: str) -> HttpResponse:
    found = help_pages.read(name, request.LANGUAGE_CODE, brand=request.brand.name)  # type: ignore[attr-defined]
    pages = _help_titles(request)
    if found is None or name not in dict(pages):
        raise NotFound
    return render(request, "dashboard/help_page.html", {"page": found, "pages": pages, "name": name})


def _help_titles(request: HttpRequest) -> list[tuple[str, str]]:
    """Pages about what is switched on for whoever reads, and about clients only for who may have some."""
    titles = help_pages.titles(request.LANGUAGE_CODE)  # type: ignore[attr-defined]
    needs = help_pages.NEEDS
    hidden = set() if request.organization.is_agency else help_pages.AGENCYS  # type: ignore[attr-defined]
    return [(name, title) for name, title in titles if name not in hidden and (name not in needs or allows(request, needs[name]))]
