"""The operator's first page: how the installation fares, and what needs a look."""

from __future__ import annotations

import datetime as dt
from typing import Any

import redis
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.admin_site import OperatorSite
from apps.billing.metering import as_credits
from apps.billing.models import LedgerEntry, StripeEvent
from apps.branding.models import Domain
from apps.calls.models import Call
from apps.core import db
from apps.dashboard.health import report
from apps.mail.models import Message
from apps.organizations.models import Job, Organization
from apps.portal.models import SignUp
from apps.webhooks.models import Delivery

DAY = dt.timedelta(days=1)
QUEUE = "default"


class OperatorConsole(OperatorSite):
    index_template = "admin/operator_index.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Figures of the whole installation: the request runs in the operator's scope."""
        now = db.now()
        own = {"figures": figures(now), "checks": checks(), "attention": attention(now)}
        return super().index(request, own | (extra_context or {}))


def figures(now: dt.datetime) -> list[tuple[str, Any, str]]:
    """(label, value, link) of the boxes on top."""
    live = Organization.objects.live()
    month = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # A client's call is booked on its wallet, too: only what agencies pay is the installation's.
    booked = LedgerEntry.objects.calls().filter(created_at__gte=month, organization__parent=None)
    used = booked.aggregate(spent=Sum("amount"), seconds=Sum("seconds"))
    agencies = reverse("admin:organizations_organization_changelist")
    return [
        (_("Agencies"), live.filter(parent=None).count(), f"{agencies}?level=agency"),
        (_("Clients"), live.exclude(parent=None).count(), f"{agencies}?level=client"),
        (_("Calls running"), Call.objects.running().count(), ""),
        (_("Calls, 24 hours"), Call.objects.filter(created_at__gte=now - DAY).count(), ""),
        (_("Minutes this month"), round((used["seconds"] or 0) / 60), ""),
        (_("Credits used this month"), f"{as_credits(-(used['spent'] or 0)):.2f}", reverse("admin:billing_ledgerentry_changelist")),
    ]


def checks() -> list[tuple[str, bool, str]]:
    """(what, whether it works, words) of each part that calls need."""
    names = {"database": _("Database"), "cache": _("Cache"), "queue": _("Queue"), "backend": _("Voice engine")}
    found = report()["checks"]
    rows = [
        (str(label), found[name]["status"] == "ok", f"{found[name]['latency_ms']} ms" if "latency_ms" in found[name] else found[name]["error"])
        for name, label in names.items()
    ]
    waiting = _queued()
    return [*rows, (_("Workers"), waiting is not None and waiting < 1000, _("%(count)s tasks wait") % {"count": "–" if waiting is None else waiting})]


def attention(now: dt.datetime) -> list[tuple[str, int, str]]:
    """(what, how many, link) of what does not mend by itself."""
    day = now - DAY
    return [
        (_("E-mails given up, 24 hours"), Message.objects.filter(status=Message.Status.DEAD, updated_at__gte=day).count(),
         reverse("admin:mail_message_changelist") + "?status__exact=dead"),
        (_("Webhooks given up, 24 hours"), Delivery.objects.filter(status="dead", updated_at__gte=day).count(), ""),
        (_("Calls in doubt, 24 hours"), Call.objects.filter(end_reason="in_doubt", created_at__gte=day).count(), ""),
        (_("Jobs that failed, 24 hours"), Job.objects.filter(status=Job.Status.FAILED, updated_at__gte=day).count(), ""),
        (_("Payments that could not be handled"), StripeEvent.objects.filter(done_at=None).exclude(error="").count(), ""),
        (_("Domains that fail"), Domain.objects.filter(state=Domain.State.FAILING).count(), reverse("admin:branding_domain_changelist") + "?state__exact=failing"),
        (_("Sign-ups that stand still"), SignUp.objects.filter(status=SignUp.Status.MAKING).exclude(error="").count(),
         reverse("admin:portal_signup_changelist")),
    ]  # fmt: skip


def _queued() -> int | None:
    url = settings.BROKER_URL.replace("redis+socket://", "unix://").split("?")[0]
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
            return int(broker.llen(QUEUE))  # type: ignore[arg-type]
    except (redis.RedisError, OSError):
        return None
