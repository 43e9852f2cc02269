"""The campaign's tick with every gate against a bare claim of as many leads, and against a Celery task per lead.

Every gate: hours by place, do-not-call lists, forbidden numbers, limits by number, consent, lines and pace of everybody, trunk,
balance and holds; what comes of it is an attempt and a reserved call each. Waking the workers comes after the commit and is one
message. The bare claim is one UPDATE … FOR UPDATE SKIP LOCKED; the Celery task does nothing. Between the two lies what must
be written at least: one statement that claims the leads and stores an attempt, a call and a hold each, in the same tables with
the same indexes and keys, and asks nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial

from django.db import connection, connections, transaction
from django.test import override_settings
from uuid_utils.compat import uuid7

from apps.billing.models import Hold
from apps.calls.ids import new_call_id
from apps.calls.models import Call
from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import place_of
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.scopes import operator
from apps.voice.models import Connection
from benchmarks import idle
from benchmarks.measure import ROUNDS, line, seconds
from config.local.processes import end, spawn
from tests import factories

BATCH, BATCHES = 50, 8
TASKS = 2000
BARE = """
    UPDATE campaigns_lead SET status = 'calling' WHERE id IN (
        SELECT id FROM campaigns_lead WHERE campaign_id = %s AND status = 'pending'
        ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED)
"""
# What differs between two calls; all else is as in the call `template`.
_OWN = {
    "id": "own.call", "public_id": "own.public_id", "dial_key": "own.public_id", "other_number": "lead.phone_number",
    "key": "'lead:' || lead.id || ':1'", "created_at": "%(now)s", "updated_at": "%(now)s", "settled_at": "NULL", "ended_at": "NULL",
    "status": "'connecting'",
}  # fmt: skip
WRITTEN = """
    WITH due AS (
        SELECT id, phone_number, row_number() OVER () AS place FROM (
            SELECT id, phone_number FROM campaigns_lead WHERE campaign_id = %(campaign)s AND status = 'pending'
            ORDER BY next_attempt_at, position LIMIT %(most)s FOR UPDATE SKIP LOCKED) found
    ), own AS (
        SELECT due.id AS lead, given.* FROM due JOIN unnest(%(calls)s::uuid[], %(attempts)s::uuid[], %(holds)s::uuid[],
            %(public)s::text[]) WITH ORDINALITY AS given (call, attempt, hold, public_id, place) USING (place)
    ), lead AS (
        UPDATE campaigns_lead SET status = 'calling', last_attempt_at = %(now)s, last_call_id = own.public_id, updated_at = %(now)s
        FROM own WHERE id = own.lead RETURNING id, phone_number
    ), attempt AS (
        INSERT INTO campaigns_attempt (id, organization_id, campaign_id, lead_id, number, call_id, outcome, is_counted, variant)
        SELECT attempt, %(organization)s, %(campaign)s, lead, 1, call, '', true, '' FROM own
    ), hold AS (
        INSERT INTO billing_hold (id, organization_id, key, amount, used_by)
        SELECT hold, %(organization)s, 'call:' || public_id, 1000000, %(organization)s FROM own
    )
    INSERT INTO calls_call ({columns}) SELECT {values}
    FROM own JOIN lead ON lead.id = own.lead, calls_call template WHERE template.id = %(template)s
"""
_numbers = itertools.count(20_000_000)


def run() -> str:
    with override_settings(BILL_SIMULATED_CALLS=True):
        organization = factories.make_organization(f"Bench {uuid7()}")
        factories.add_credits(organization, 100_000)
        make_engine()
        rounds = [
            (_bare(_campaign(organization)), _tick(_campaign(organization)), _written(_campaign(organization)))
            for _round in range(ROUNDS)
        ]
    limit, ours, written = (statistics.median(found) for found in zip(*rounds, strict=True))
    return "\n".join((
        line("campaign tick, leads a second at 50", ours, limit, "leads/s", at_least=0.5),
        f"  the rows alone, by one statement: {written:,.1f} leads/s, {written / limit:.2f} of the bare claim; the tick reaches "
        f"{ours / written:.2f} of it",
        line("campaign tick against a Celery task per lead", ours, _celery(), "leads/s", at_least=25),
    ))  # fmt: skip


def _campaign(organization: object) -> Campaign:
    return make_campaign(organization, BATCH * BATCHES)


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
    with connections["owner"].cursor() as cursor:
        # What autovacuum does within a minute; a test server has none.
        cursor.execute("VACUUM ANALYZE campaigns_lead, campaigns_attempt, calls_call, billing_hold")
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


def _written(campaign: Campaign) -> float:
    """A call that a tick made is the pattern of the others. Calls are ended between two batches, outside the time."""
    columns = [str(field.column) for field in Call._meta.concrete_fields]
    values = ", ".join(_OWN.get(column, f"template.{column}") for column in columns)
    sql = WRITTEN.format(columns=", ".join(columns), values=values)
    spent = 0.0
    with acting(Scope((campaign.organization_id,), overview=True)):
        template = Call.objects.filter(organization=campaign.organization_id).latest("created_at").pk

        def work() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, {
                    "organization": campaign.organization_id, "campaign": campaign.pk, "template": template, "most": BATCH,
                    "now": db.now(), "public": [new_call_id() for _lead in range(BATCH)],
                    **{name: [uuid7() for _lead in range(BATCH)] for name in ("calls", "attempts", "holds")},
                })  # fmt: skip
                assert cursor.rowcount == BATCH

        for _batch in range(BATCHES):
            spent += seconds(work)
            end_calls(campaign)
    return BATCH * BATCHES / spent


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
