"""The campaign tick with every gate (window, do-not-call, limits, holds, attempt, reserved call) against a bare claim."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Campaign, Lead
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.scopes import operator
from apps.voice.models import Connection
from benchmarks.measure import interleaved, line, seconds
from tests import factories

BATCH, BATCHES = 50, 6
BARE = """
    UPDATE campaigns_lead SET status = 'calling' WHERE id IN (
        SELECT id FROM campaigns_lead WHERE campaign_id = %s AND status = 'pending'
        ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def run() -> str:
    organization = factories.make_organization(f"Bench {uuid7()}")
    factories.add_credits(organization, 100_000)
    with operator("benchmark"):
        Connection.objects.get_or_create(
            organization=None, is_active=True,
            defaults={"name": "Bench", "base_url": "http://127.0.0.1:9", "engine": _engine(), "engine_read_at": db.now()},
        )  # fmt: skip
    limit, ours = interleaved(lambda: _bare(_campaign(organization)), lambda: _tick(_campaign(organization)))
    return line("campaign tick, leads a second at 50", ours, limit, "leads/s", at_least=0.5)


def _engine() -> dict:
    return {
        "kind": "sandbox",
        "simulated": True,
        "features": ["one_time_full", "idempotency", "reference", "deadline"],
        "limits": {},
    }


def _campaign(organization: object) -> Campaign:
    assistant = factories.make_assistant(organization)
    trunk = factories.make_trunk(organization)
    number = factories.make_number(organization, assistant=assistant, transfer_trunk=trunk)
    campaign = factories.make_campaign(
        organization, assistant=assistant, number=number, has_own_number=True, status="scheduled", max_concurrent_calls=50,
        schedule_start_time=dt.time(0), schedule_end_time=dt.time(23, 59, 59), timezone="UTC",
    )  # fmt: skip
    with acting(Scope((organization.pk,))):
        Lead.objects.bulk_create(
            Lead(organization=organization, campaign=campaign, position=n, phone_number=f"+44207{n:07d}", variables={})
            for n in range(BATCH * BATCHES)
        )
    return campaign


def _bare(campaign: Campaign) -> float:
    def work() -> None:
        for _batch in range(BATCHES):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(BARE, (campaign.pk, BATCH))

    with acting(Scope((campaign.organization_id,))):
        return BATCH * BATCHES / seconds(work)


def _tick(campaign: Campaign) -> float:
    """Calls are ended between two ticks, outside the time: a tick counts running calls against the limit."""
    spent, started = 0.0, 0
    for _batch in range(BATCHES):
        with acting(Scope((campaign.organization_id,), overview=True)):
            now = db.now()
            spent += seconds(
                lambda now=now: tick_campaign(
                    organization_id=campaign.organization_id, campaign_id=campaign.pk, now=now
                )
            )
        with acting(Scope((campaign.organization_id,))):
            started += campaign.tries.filter(settled_at=None).update(settled_at=now)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE calls_call SET status = 'ended' WHERE origin = %s", (campaign.origin,))
    return started / spent
