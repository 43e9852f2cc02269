"""The campaign's tick with every gate against a bare claim of as many leads, and against a Celery task per lead.

Every gate: hours by place, do-not-call lists, forbidden numbers, limits by number, consent, lines and pace of everybody, trunk,
balance and holds; what comes of it is an attempt and a reserved call each. Waking the workers comes after the commit and is one
message. The bare claim is one UPDATE … FOR UPDATE SKIP LOCKED; the Celery task does nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial

from django.db import connection, transaction
from django.test import override_settings
from uuid_utils.compat import uuid7

from apps.billing.models import Hold
from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import place_of
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.scopes import operator
from apps.voice.models import Connection
from benchmarks import idle
from benchmarks.measure import interleaved, line, seconds
from config.local.processes import end, spawn
from tests import factories

BATCH, BATCHES = 50, 8
TASKS = 2000
BARE = """
    UPDATE campaigns_lead SET status = 'calling' WHERE id IN (
        SELECT id FROM campaigns_lead WHERE campaign_id = %s AND status = 'pending'
        ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_numbers = itertools.count(20_000_000)


def run() -> str:
    with override_settings(BILL_SIMULATED_CALLS=True):
        organization = factories.make_organization(f"Bench {uuid7()}")
        factories.add_credits(organization, 100_000)
        make_engine()
        limit, ours = interleaved(
            lambda: _bare(make_campaign(organization, BATCH * BATCHES)),
            lambda: _tick(make_campaign(organization, BATCH * BATCHES)),
        )
    claims = line("campaign tick, leads a second at 50", ours, limit, "leads/s", at_least=0.5)
    return claims + "\n" + line("campaign tick against a Celery task per lead", ours, _celery(), "leads/s", at_least=25)


def make_engine() -> None:
    """The installation's engine, which nobody asks anything here."""
    with operator("benchmark"):
        Connection.objects.get_or_create(
            organization=None, is_active=True,
            defaults={"name": "Bench", "base_url": "http://127.0.0.1:9", "engine": _engine(), "engine_read_at": db.now()},
        )  # fmt: skip


def make_campaign(organization: object, leads: int) -> Campaign:
    """It runs all day; no number of its leads was ever called."""
    assistant = factories.make_assistant(organization)
    trunk = factories.make_trunk(organization)
    number = factories.make_number(
        organization, assistant=assistant, transfer_trunk=trunk, phone_number=f"+31{uuid.uuid4().int % 10**9:09d}"
    )
    campaign = factories.make_campaign(
        organization, assistant=assistant, number=number, has_own_number=True, status="scheduled", max_concurrent_calls=BATCH,
        schedule_start_time=dt.time(0), schedule_end_time=dt.time(23, 59, 59), timezone="UTC",
    )  # fmt: skip
    rows = (
        Lead(
            organization=organization, campaign=campaign, position=place, phone_number=number, place=place_of(phone_number=number),
            variables={},
        )
        for place, number in enumerate(f"+49151{next(_numbers)}" for _lead in range(leads))
    )
    with acting(Scope((organization.pk,))):
        Lead.objects.bulk_create(rows, batch_size=2000)
    with connection.cursor() as cursor:
        # What autovacuum does within a minute.
        cursor.execute("ANALYZE campaigns_lead")
    return campaign


def end_calls(campaign: Campaign) -> int:
    """As if all had been talked to and were settled; the next tick counts running calls. Returns how many."""
    with acting(Scope((campaign.organization_id,))):
        now = db.now()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE calls_call SET status = 'ended', settled_at = %s, ended_at = %s WHERE origin = %s AND settled_at IS NULL",
                (now, now, campaign.origin),
            )
        Hold.objects.filter(released_at=None).update(released_at=now)
        return int(campaign.tries.filter(settled_at=None).update(settled_at=now))


def _engine() -> dict[str, object]:
    return {
        "kind": "sandbox",
        "simulated": True,
        "features": ["one_time_full", "idempotency", "reference", "deadline"],
        "limits": {},
    }


def _bare(campaign: Campaign) -> float:
    def work() -> None:
        for _batch in range(BATCHES):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(BARE, (campaign.pk, BATCH))

    with acting(Scope((campaign.organization_id,))):
        return BATCH * BATCHES / seconds(work)


def _tick(campaign: Campaign) -> float:
    """Calls are ended between two ticks, outside the time."""
    spent, started = 0.0, 0
    for _batch in range(BATCHES):
        with acting(Scope((campaign.organization_id,), overview=True)):
            now = db.now()
            spent += seconds(
                lambda now=now: tick_campaign(
                    organization_id=campaign.organization_id, campaign_id=campaign.pk, now=now
                )
            )
        started += end_calls(campaign)
    return started / spent


def _celery() -> float:
    """Tasks a second that one worker with a process per core takes from the broker and does nothing for."""
    queue = f"bench-{uuid.uuid4().hex}"
    with idle.app.connection_for_write() as link:
        with idle.app.amqp.Producer(link.channel()) as producer:
            for _task in range(TASKS):
                idle.nothing.apply_async(queue=queue, producer=producer)
        worker = spawn(
            [sys.executable, "-m", "celery", "-q", "-A", "benchmarks.idle", "worker", "-Q", queue, "--concurrency", "2",
             "--without-mingle", "--without-gossip", "--loglevel", "ERROR"], env=os.environ, output=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            length = partial(link.default_channel.client.llen, queue)
            first = _when(lambda: length() <= TASKS - 100)
            last = _when(lambda: length() == 0)
        finally:
            end(worker, sig=signal.SIGKILL)
    return (TASKS - 100) / (last - first)


def _when(is_so: Callable[[], bool]) -> float:
    deadline = time.perf_counter() + 120
    while not is_so():
        if time.perf_counter() > deadline:
            raise RuntimeError("the worker does not work")
        time.sleep(0.005)
    return time.perf_counter()
