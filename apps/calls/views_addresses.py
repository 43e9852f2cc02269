"""Where events go: the addresses and their state, a test event, a new secret, and how to check a signature."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.assistants.models import Assistant
from apps.assistants.services import update_assistant
from apps.calls.deliveries import addresses_of, assistants_with_address, target_of
from apps.calls.forms_deliveries import ACCOUNT, TestForm
from apps.calls.services.samples import sample_event
from apps.core import db
from apps.core.rate import count
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor
from apps.webhooks.account import switch_on, switch_secret
from apps.webhooks.models import Endpoint
from apps.webhooks.services import new_secret, send_test

TESTS_A_MINUTE = 10
OVERLAP_HOURS = 24
SAMPLES = (("Python", "verify.py"), ("Node", "verify.mjs"), ("Go", "verify.go"), ("PHP", "verify.php"))
VECTORS = [
    ("whsec_test_secret_12345", "1700000000", '{"test":true}',
     "sha256=b7875b4bd3cc6c5c1a4453189b5fa746880c17cb42258530a7355906dbc5ec1d"),
    ("s3cret", "1767225600", '{"message":{"type":"status-update"}}',
     "sha256=255a075e62d2b0ccb58a2f99acd51cb29fd16799697a6871e17121921b9a41eb"),
    ("sleutel-é", "1767225600", '{"message":{"type":"tool-calls","naam":"Zoë"}}',
     "sha256=3df3fd6822f742901c99551f60645a8fcb9185659cf2856334d2e8db3b4fe878"),
]  # fmt: skip


@require_safe
def addresses(request: HttpRequest, org: str) -> HttpResponse:
    return _addresses(request)


def _addresses(request: HttpRequest, **context: Any) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    shown = {
        "organization": organization,
        "addresses": addresses_of(organization, db.now()),
        "can_edit": may(request, Role.MEMBER),
        "can_admin": may(request, Role.ADMIN),
    }
    return render(request, "webhooks/addresses.html", shown | context)


@require_POST
@needs(Role.MEMBER)
def address_on(request: HttpRequest, org: str) -> HttpResponse:
    """Switch an address on again that answered 410 or failed for five days, at every level that uses it."""
    organization = request.organization  # type: ignore[attr-defined]
    url = request.POST.get("url", "")
    known = Endpoint.objects.for_organization(organization).off().filter(url=url).exists()
    if known and switch_on(organization=organization, url=url, by=Actor.of(request), now=db.now()):
        messages.success(request, _("The address is switched on again. What failed meanwhile can be sent from the log."))
    return redirect("webhook_addresses", org=organization.slug)


@never_cache
@require_POST
@needs(Role.MEMBER)
def address_secret(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """A new secret for an assistant's address, shown once; the old one goes on signing for a day."""
    organization = request.organization  # type: ignore[attr-defined]
    assistant = get_object_or_404(Assistant.objects.for_organization(organization).live(), pk=pk)
    if "switch" in request.POST:
        if switch_secret(organization=organization, owner_id=str(pk), by=Actor.of(request), now=db.now()):
            messages.success(request, _("From now on only the new secret signs."))
        return redirect("webhook_addresses", org=organization.slug)
    secret, had_one = new_secret(), bool(assistant.webhook_secret)
    update_assistant(
        assistant=assistant, values={"webhook_secret": secret}, by=Actor.of(request), now=db.now(),
        overlap_hours=OVERLAP_HOURS,
    )  # fmt: skip
    return _addresses(request, new_secret=secret, secret_of=assistant.name, overlaps=had_one)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def test_event(request: HttpRequest, org: str) -> HttpResponse:
    """Send a real, signed request with made-up content and go to what was said on both sides."""
    organization = request.organization  # type: ignore[attr-defined]
    assistants = assistants_with_address(organization)
    form = TestForm(
        request.POST or None, assistants=assistants, has_account=bool(organization.webhook_url),
        initial={"to": request.GET.get("to", ACCOUNT), "event": request.GET.get("event", "status-update")},
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if count(f"webhook-test:{organization.pk}", TESTS_A_MINUTE).allowed:
                return _send(request, form)
            form.add_error(None, _("Ten test events a minute are enough. Wait a moment, then try again."))
            status = 429
    context = {"organization": organization, "form": form, "has_address": bool(assistants or organization.webhook_url)}
    return render(request, "webhooks/test.html", context, status=status)


def _send(request: HttpRequest, form: TestForm) -> HttpResponse:
    organization, now = request.organization, db.now()  # type: ignore[attr-defined]
    target, event = target_of(organization, form.assistant), form.cleaned_data["event"]
    assert target is not None
    body = sample_event(organization=organization, assistant=form.assistant, event=event, now=now)
    tried = send_test(organization=organization, target=target, event=event, body=body, now=now)
    if tried.result.ok:
        messages.success(request, _("Your server took the test event."))
    else:
        messages.error(request, _("Your server did not take the test event."))
    return redirect("delivery", org=organization.slug, pk=tried.delivery.pk)


@require_safe
def verification(request: HttpRequest, org: str) -> HttpResponse:
    """How a receiver makes sure that a request is ours."""
    organization = request.organization  # type: ignore[attr-defined]
    samples = [{"language": language, "file": name, "code": _sample(name)} for language, name in SAMPLES]
    context = {"organization": organization, "samples": samples, "vectors": VECTORS, "can_admin": may(request, Role.ADMIN)}
    return render(request, "webhooks/verification.html", context)


@cache
def _sample(name: str) -> str:
    return (Path(settings.BASE_DIR) / "docs" / "webhooks" / name).read_text(encoding="utf-8")
