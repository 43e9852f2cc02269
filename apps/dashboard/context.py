"""What every page's frame shows: where one is, where one can go, balance, running calls, banners."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from apps.accounts.people import person
from apps.billing.services import balance
from apps.branding.services import absolute_url
from apps.calls.allowed import USED_UP, minutes_used_up
from apps.calls.models import Call
from apps.core import db
from apps.organizations.access import allows, may, sees_costs
from apps.organizations.api_offer import reads_documents
from apps.organizations.feature_table import needed_by
from apps.organizations.features import FEATURES
from apps.organizations.models import Notification, Organization, Role
from apps.organizations.notifications import shown_to
from apps.organizations.sql import organizations_of
from apps.voice.capabilities import known_capabilities
from apps.voice.models import Connection
from apps.voice.services import find_connection, is_down

NOTES = 20


def page(request: HttpRequest) -> dict[str, Any]:
    """The frame's data; nothing for fragments, and only what the request holds while an error is shown."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or connection.needs_rollback:
        return {}
    if _is_fragment(request):
        return {"features": switches(request), "shows_costs": sees_costs(request)}
    found: dict[str, Any] = {"profile_url": reverse("profile"), "user_menu": _user_menu(request)}
    found["shows_apps"] = SimpleLazyObject(lambda: reads_documents(request))
    if organization := getattr(request, "organization", None):
        found |= _organization(request, organization)
    return found


def _is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request-Type") == "partial"


def switches(request: HttpRequest) -> dict[str, bool]:
    """For templates: each feature, and whether it is switched on for whoever looks."""
    return {name: allows(request, name) for name in FEATURES}


def _organization(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    running = Call.objects.for_organization(organization).running().count()
    notes = list(shown_to(person(request), organization, request.role)[:NOTES])  # type: ignore[attr-defined]
    return {
        "organization": organization,
        "features": switches(request),
        "shows_costs": sees_costs(request),
        "visit": getattr(request, "visit", None),
        "can_edit": may(request, Role.MEMBER),
        "can_admin": may(request, Role.ADMIN),
        "can_own": may(request, Role.OWNER),
        "workspaces": _workspaces(request, organization),
        "navigation": navigation(request, organization),
        "live_calls": {"count": running, "url": reverse("calls", args=[organization.slug]) + "?status=running"},
        "balance": balance(organization.wallet_id) if sees_costs(request) else None,
        "balance_url": reverse("usage", args=[organization.slug]),
        "palette_url": reverse("palette", args=[organization.slug]),
        "banners": [*_banners(request, organization), *(_said(request, each) for each in notes if each.is_banner)],
        "notes_count": len(notes),
        "notes_url": reverse("notifications", args=[organization.slug]),
    }


def _workspaces(request: HttpRequest, organization: Organization) -> list[dict[str, Any]]:
    brand = request.brand  # type: ignore[attr-defined]
    return [
        {
            "name": each.name,
            "url": reverse("overview", args=[each.slug]),
            "current": each.organization_id == organization.pk,
            "kind": "client" if each.parent_id else "agency",
        }
        for each in organizations_of(request.user.pk)  # type: ignore[arg-type]
        if brand.is_installation or each.brand_id == brand.pk
    ]


def navigation(request: HttpRequest, organization: Organization) -> list[dict[str, Any]]:
    """The sidebar: groups of places this person may go to in this organization."""
    groups: list[tuple[str, list[tuple[str, str, str, bool]]]] = [
        ("", [("overview", _("Overview"), "layout-dashboard", True)]),
        (
            _("Build"),
            [
                ("assistants", _("Assistants"), "bot", True),
                ("tool_templates", _("Tool templates"), "wrench", True),
                ("analysis_templates", _("Analysis templates"), "chart-column", True),
                ("numbers", _("Phone numbers"), "hash", True),
                ("trunks", _("SIP trunks"), "cable", True),
                ("workflows", _("Workflows"), "workflow", True),
                ("mcp_servers", _("MCP servers"), "server", True),
            ],
        ),
        (_("Talk"), [("calls", _("Calls"), "phone", True), ("campaigns", _("Campaigns"), "megaphone", True), ("embeds", _("Website widgets"), "code", True)]),
        (
            _("Manage"),
            [
                ("deliveries", _("Webhooks"), "webhook", True),
                ("usage", _("Usage"), "coins", True),
                ("billing", _("Billing"), "credit-card", organization.has_wallet and not organization.is_agency and may(request, Role.OWNER)),
                ("sales", _("Sales"), "shopping-cart", organization.is_agency and may(request, Role.ADMIN) and request.via is None),  # type: ignore[attr-defined]
                ("clients", _("Clients"), "building-2", organization.is_agency and request.via is None),  # type: ignore[attr-defined]
                ("library", _("Library"), "library", organization.is_agency and request.via is None),  # type: ignore[attr-defined]
                ("portal", _("Whitelabel"), "palette", organization.is_agency and may(request, Role.ADMIN) and request.via is None),  # type: ignore[attr-defined]
                ("settings", _("Settings"), "settings", True),
                ("help", _("Help"), "circle-question-mark", True),
            ],
        ),
    ]
    shown = [(label, [item for item in items if item[3] and allows(request, *needed_by(item[0]))]) for label, items in groups]
    return [
        {"label": label, "items": [_item(request, organization, *item[:3]) for item in items]} for label, items in shown if items
    ]


def _item(request: HttpRequest, organization: Organization, name: str, label: str, icon: str) -> dict[str, Any]:
    url = reverse(name, args=[organization.slug])
    if name == "help":
        url = request.brand.help_url or url  # type: ignore[attr-defined]
    current = request.path == url if name == "overview" else request.path.startswith(url)
    return {"label": label, "url": url, "icon": icon, "current": current, "badge": None}


def _banners(request: HttpRequest, organization: Organization) -> list[dict[str, Any]]:
    banners = [_demo(request, organization)] if organization.is_demo else []
    if getattr(organization, "month_minutes", None) is not None and minutes_used_up(organization, db.now()):
        banners.append({"level": "error", "icon": "hourglass", "text": str(USED_UP)})
    found = request.voice_connection = find_connection(organization)  # type: ignore[attr-defined]
    if not allows(request, "voice_engine"):
        return [*banners, *_calling(found, organization)]
    if found is None:
        banners.append(
            {"level": "error", "icon": "plug-zap", "text": _("No voice engine is connected: nothing can be called."),
             "action_url": reverse("engine", args=[organization.slug]), "action_label": _("Connect one")}
        )  # fmt: skip
    elif is_down(found):
        banners.append(
            {"level": "error", "icon": "plug-zap",
             "text": _("The voice engine does not answer. Campaigns wait and go on by themselves; no attempt is counted."),
             "action_url": reverse("engine", args=[organization.slug]), "action_label": _("What is known")}
        )  # fmt: skip
    elif known_capabilities(found).simulated and not organization.is_demo:
        banners.append(
            {"level": "info", "icon": "flask-conical", "text": _("Sandbox: calls are simulated and reach no phone."),
             "action_url": reverse("help_page", args=[organization.slug, "sandbox"]), "action_label": _("How it works")}
        )  # fmt: skip
    return banners


def _said(request: HttpRequest, note: Notification) -> dict[str, Any]:
    """A note as a line on top of the page, until somebody puts it away."""
    organization = request.organization  # type: ignore[attr-defined]
    return {
        "level": note.level, "icon": "megaphone", "text": f"{note.title} – {note.text}" if note.text else note.title,
        "action_url": reverse("notifications", args=[organization.slug]), "action_label": _("Put away"),
    }  # fmt: skip


def _calling(connection: Connection | None, organization: Organization) -> list[dict[str, Any]]:
    """For those who are not told what is underneath: only what it means for them."""
    if connection is None or is_down(connection):
        text = _("No calls are possible at the moment. Campaigns wait and go on by themselves.")
        return [{"level": "error", "icon": "phone-off", "text": text}]
    if known_capabilities(connection).simulated and not organization.is_demo:
        return [{"level": "info", "icon": "flask-conical", "text": _("Calls are simulated and reach no phone.")}]
    return []


def _demo(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    banner = {
        "level": "info",
        "icon": "flask-conical",
        "text": _("This is a demo workspace: its people, calls and numbers are invented."),
    }
    if may(request, Role.OWNER):
        banner |= {"action_url": reverse("demo_remove", args=[organization.slug]), "action_label": _("Remove the demo")}
    return banner


def _user_menu(request: HttpRequest) -> list[dict[str, Any]]:
    if not request.user.is_superuser:
        return []
    items = [
        {
            "label": _("Administration"),
            "url": absolute_url(request.user.brand, reverse("admin:index")),
            "icon": "shield",
        }
    ]
    if settings.DEVELOPMENT and not settings.EMAIL_URL:
        items.append({"label": _("Mailbox"), "url": reverse("mailbox"), "icon": "inbox"})
    return items
