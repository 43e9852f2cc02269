"""The page that says which model reads calls once they are over."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.catalog.forms import PostCallForm, choice_value
from apps.catalog.services.postcall import Choice, choose, operator_model, stored
from apps.core import db
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def postcall_settings(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if request.method == "POST":
        form = PostCallForm(request.POST)
        if form.is_valid():
            choose(
                organization=organization, choice=None if form.is_automatic else form.chosen, automatic=form.is_automatic,
                by=Actor.of(request), now=db.now(),
            )  # fmt: skip
            messages.success(request, _("Saved. It counts from the next call that ends."))
            return redirect("postcall_settings", org)
    else:
        row = stored(organization)
        choice = Choice(row.provider, row.model or None) if row and row.provider else None
        form = PostCallForm(initial={"choice": choice_value(choice, is_stored=row is not None)})
    context = {"form": form, "operator_model": operator_model()}
    return render(request, "catalog/postcall.html", context, status=422 if form.errors else 200)
