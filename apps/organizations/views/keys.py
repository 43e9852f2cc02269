"""API keys: made, shown once, revoked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.branding.services import absolute_url
from apps.core import db
from apps.organizations.access import needs
from apps.organizations.features import has_feature
from apps.organizations.forms import KeyForm
from apps.organizations.models import ApiKey, Role
from apps.organizations.services import Actor, create_key, revoke_key


@never_cache
@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def api_keys(request: HttpRequest, org: str) -> HttpResponse:
    """The secret stands only in the answer to the POST that made it: in no address, session or cache."""
    organization, now = request.organization, db.now()  # type: ignore[attr-defined]
    options = {"zone": organization.timezone, "now": now}
    form, made, secret, status = KeyForm(request.POST or None, **options), None, "", 200
    if request.method == "POST" and form.is_valid():
        made, secret = create_key(
            organization=organization, name=form.cleaned_data["name"], by=Actor.of(request),
            read_only=form.cleaned_data["read_only"], expires_at=form.expires_at(), pk=form.cleaned_data["key_id"],
        )  # fmt: skip
        form = KeyForm(**options)
    elif form.errors:
        status = 422
    keys = ApiKey.objects.for_organization(organization).select_related("created_by").order_by("-created_at", "-id")
    context = {
        "is_off": not has_feature(organization, "api_keys"),
        "form": form,
        "secret": secret,
        "made": made,
        "api_url": absolute_url(request.brand, "/api/v1"),  # type: ignore[attr-defined]
        "keys": list(keys.usable(now)),
        "over": list(keys.over(now)[:50]),
    }
    return render(request, "organizations/api_keys.html", context, status=status)


@needs(Role.ADMIN)
@require_POST
def api_key_revoke(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    key = get_object_or_404(ApiKey.objects.for_organization(organization), pk=pk)
    revoke_key(organization=organization, key=key, by=Actor.of(request), now=db.now())
    messages.success(
        request, _("The key “%(name)s” was revoked. Programs that use it get 401 from now on.") % {"name": key.name}
    )
    return redirect("api_keys", org=org)
