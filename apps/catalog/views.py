"""The page of provider keys: one row per slot, a key goes in and is never shown."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.catalog.forms import KeyForm
from apps.catalog.services.keys import merge_settings, remove_key, store_key
from apps.catalog.services.lookup import address_beside, slot_states
from apps.catalog.slots import RESEND, SLOTS, clean_slot
from apps.core import db
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@needs(Role.ADMIN)
@require_GET
def provider_keys(request: HttpRequest, org: str) -> HttpResponse:
    states = slot_states(request.organization)  # type: ignore[attr-defined]
    return render(request, "catalog/provider_keys.html", {"states": states})


@never_cache
@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def provider_key_set(request: HttpRequest, org: str) -> HttpResponse:
    """Store a key or replace the one in the slot; `back=email` leads on to the e-mail domain."""
    organization = request.organization  # type: ignore[attr-defined]
    given = request.POST if request.method == "POST" else request.GET
    back = "email_domain" if given.get("back") == "email" else "provider_keys"
    if given.get("provider") not in SLOTS:
        messages.error(request, _("Choose a provider from the list."))
        return redirect("provider_keys", org)
    slot = clean_slot(given["provider"])
    kept = address_beside(organization, slot.id)
    form = KeyForm(slot, request.POST if request.method == "POST" else None, initial={"base_url": kept})
    if not form.is_valid():
        current = next(state for state in slot_states(organization) if state.slot is slot)
        context = {"form": form, "slot": slot, "state": current, "back": back, "is_mail": slot.id == RESEND}
        return render(request, "catalog/provider_key_form.html", context, status=422 if form.errors else 200)
    key = form.cleaned_data["api_key"]
    store_key(organization=organization, slot=slot, key=key, by=Actor.of(request), now=db.now())
    url = form.cleaned_data.get("base_url")
    if url is not None and url != kept:
        merge_settings(
            organization=organization, provider=slot.id, slots=(slot.id,), settings={"base_url": url or None},
            by=Actor.of(request), now=db.now(),
        )  # fmt: skip
    messages.success(request, _("The key for %(provider)s is stored.") % {"provider": slot.label})
    return redirect(back, org)


@needs(Role.ADMIN)
@require_POST
def provider_key_remove(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    slot = clean_slot(request.POST.get("provider"))
    words = {"provider": slot.label}
    if remove_key(organization=organization, slot=slot, by=Actor.of(request)):
        messages.success(request, _("The key for %(provider)s is removed.") % words)
    else:
        messages.info(request, _("There was no key for %(provider)s.") % words)
    return redirect("provider_keys", org)
