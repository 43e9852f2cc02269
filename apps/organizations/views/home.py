"""Where a person lands: in an organization, or on a page that says there is none."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.accounts.people import person
from apps.organizations.middleware import LAST
from apps.organizations.sql import Workspace, organizations_of


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    found = reachable(request)
    if not found:
        return render(request, "organizations/none.html")
    last = request.session.get(LAST)
    slug = last if last in {each.slug for each in found} else found[0].slug
    return redirect(f"/o/{slug}/")


def reachable(request: HttpRequest) -> list[Workspace]:
    """The person's organizations that open on this host."""
    brand = request.brand  # type: ignore[attr-defined]
    rows = organizations_of(person(request).pk)
    return [each for each in rows if brand.is_installation or each.brand_id == brand.pk]
