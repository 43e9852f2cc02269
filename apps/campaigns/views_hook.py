"""The page of a campaign's webhook: its address, its secret (once), what their fields are, and what came last."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from apps.campaigns.hookfields import ID, OWN_NAMES, VARIABLE
from apps.campaigns.intake import Refusal
from apps.campaigns.mapping import USES
from apps.campaigns.models import Campaign, HookLead
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.services.hooked import STORED, map_fields, rotate_secret, switch_off, switch_on
from apps.core import db, phone
from apps.core.errors import DomainError, Invalid
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

SHOWN = 20
EMPTY = {"path": "", "use": "variable", "variable": ""}


@never_cache
def campaign_hook(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """What is there; a POST says with `do` what is to be done: `on`, `rotate`, `off` or `fields`."""
    campaign = campaign_of(request, pk)
    return _change(request, org=org, campaign=campaign) if request.method == "POST" else _page(request, campaign)


@needs(Role.MEMBER)
def _change(request: HttpRequest, *, org: str, campaign: Campaign) -> HttpResponse:
    by, now, what = Actor.of(request), db.now(), request.POST.get("do")
    if what in ("on", "rotate"):
        secret = (switch_on if what == "on" else rotate_secret)(campaign=campaign, by=by, now=now)
        campaign.refresh_from_db()
        return _page(request, campaign, secret=secret)
    if what == "off":
        switch_off(campaign=campaign, by=by, now=now)
    elif what == "fields":
        rows = _posted_rows(request)
        try:
            map_fields(campaign=campaign, fields=_fields(rows), country=request.POST.get("country", ""), by=by, now=now)
        except Invalid as error:
            return _page(request, campaign, rows=rows, error=error)
    return redirect("campaign_hook", org=org, pk=campaign.pk)


def _page(
    request: HttpRequest, campaign: Campaign, *, secret: str = "", rows: list[dict[str, str]] | None = None,
    error: DomainError | None = None,
) -> HttpResponse:  # fmt: skip
    mapping = campaign.hook_mapping or {}
    context = {
        "campaign": campaign, "secret": secret, "error": error, "url": _url(request, campaign),
        "rows": rows if rows is not None else _rows(mapping), "empty": EMPTY, "uses": _uses(),
        "country": request.POST.get("country", mapping.get("country", "")), "countries": phone.country_choices(),
        "received": _received(campaign), **_examples(_url(request, campaign), secret or "YOUR_SECRET"), **seen_by(request),
    }  # fmt: skip
    return render(request, "campaigns/hook.html", context, status=422 if error else 200)


def _url(request: HttpRequest, campaign: Campaign) -> str:
    if campaign.hook_id is None:
        return ""
    return request.build_absolute_uri(reverse("lead_hook", args=[campaign.organization_id, campaign.hook_id]))


def _examples(url: str, secret: str) -> dict[str, str]:
    """Commands that work as they stand."""
    lead = '{"id": "crm-1", "phone_number": "+31612345678", "name": "Sam", "variables": {"company": "Acme"}}'
    example = [
        f"curl -X POST '{url}' \\", f"  -H 'Authorization: Bearer {secret}' \\", "  -H 'Content-Type: application/json' \\", f"  -d '{lead}'",
    ]  # fmt: skip
    signed = [
        f"secret='{secret}'", f"body='{lead}'", "stamp=$(date +%s)",
        """sign=$(printf '%s.%s' "$stamp" "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/^.* //')""",
        f"curl -X POST '{url}' \\", """  -H "X-Webhook-Timestamp: $stamp" -H "X-Webhook-Signature: sha256=$sign" \\""",
        """  -H 'Content-Type: application/json' -d "$body" """.rstrip(),
    ]  # fmt: skip
    return {"example": "\n".join(example), "signed_example": "\n".join(signed)}


def _uses() -> dict[str, Any]:
    own = {use: _("Their id") if use == ID else USES[use] for use in OWN_NAMES}
    return {"variable": USES["variable"], **own}


def _rows(mapping: dict[str, Any]) -> list[dict[str, str]]:
    fields: dict[str, str] = mapping.get("fields", {})
    return [
        {"path": path, "use": "variable" if use.startswith(VARIABLE) else use, "variable": use.removeprefix(VARIABLE) if use.startswith(VARIABLE) else ""}
        for path, use in fields.items()
    ]  # fmt: skip


def _posted_rows(request: HttpRequest) -> list[dict[str, str]]:
    """The rows of the editor; those without a field of theirs are left out."""
    columns = (request.POST.getlist(name) for name in ("path", "use", "variable"))
    rows = [{"path": path.strip(), "use": use, "variable": name.strip()} for path, use, name in zip(*columns, strict=False)]
    return [row for row in rows if row["path"]]


def _fields(rows: list[dict[str, str]]) -> dict[str, str]:
    """A field without a name of ours keeps its own last part."""
    fields = {}
    for row in rows:
        if row["path"] in fields:
            raise Invalid(_("The field “%(name)s” stands there twice.") % {"name": row["path"]}, param="fields")
        name = row["variable"] or row["path"].rpartition(".")[2]
        fields[row["path"]] = f"{VARIABLE}{name}" if row["use"] == "variable" else row["use"]
    return fields


def _received(campaign: Campaign) -> list[dict[str, Any]]:
    rows = HookLead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).select_related("lead")
    found = []
    for row in rows.order_by("-updated_at", "-id")[:SHOWN]:
        kind, _colon, key = row.key.partition(":")
        why = Refusal(row.answer.get("code", ""), row.answer.get("name", "")) if row.status != STORED else None
        found.append({
            "key": "" if kind == "none" else key, "lead": row.lead, "at": row.updated_at,
            "is_stored": row.status == STORED, "reason": why.sentence if why else "",
        })  # fmt: skip
    return found
