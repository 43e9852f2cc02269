"""Django's admin for the operator: superusers of the installation, with a second factor in production."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.people import person
from apps.accounts.services import has_second_factor


class OperatorSite(admin.AdminSite):
    site_header = settings.PRODUCT_NAME
    site_title = settings.PRODUCT_NAME
    index_title = "Operator"

    def has_permission(self, request: HttpRequest) -> bool:
        return _is_operator(request) and (settings.DEVELOPMENT or has_second_factor(person(request)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Our own sign-in. Nobody but an operator learns that there is an admin."""
        if not request.user.is_authenticated and request.brand.is_installation:  # type: ignore[attr-defined]
            return redirect_to_login(request.GET.get("next", "/admin/"))
        if not _is_operator(request):
            raise Http404
        messages.warning(request, _("The admin needs two-factor sign-in. Turn it on first."))
        return redirect("mfa_activate_totp")


def _is_operator(request: HttpRequest) -> bool:
    user, brand = request.user, request.brand  # type: ignore[attr-defined]
    return bool(brand.is_installation and user.is_authenticated and user.is_active and user.is_superuser)
