"""What the two benchmarks of dialling start from: real workers, real beat, and an engine that only counts."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import secrets
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from apps.calls.models import Call
from apps.campaigns.models import Attempt, Campaign
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import operator
from apps.voice.models import Connection
from benchmarks.standin import ENGINE
from config.celery import app
from config.local.ports import free_port
from config.local.processes import end, spawn, wait_until
from tests import factories
from tests.engine import ROOT

WORKERS, THREADS = 2, "16"
LEADS = """
    INSERT INTO campaigns_lead (id, organization_id, campaign_id, position, phone_number, variables, status, reason, attempts,
        last_call_id, result)
    SELECT gen_random_uuid(), %(organization)s, %(campaign)s, place, '+4420' || %(area)s || lpad(place::text, 6, '0'), '{}',
        'pending', '', 0, '', ''
    FROM generate_series(1, %(most)s) AS place
"""
_areas = itertools.count(70)


@dataclass
class Rig:
    """An engine at `url` and its row."""

    url: str
    connection: Connection

    def order(self, starts: int, seconds: int) -> None:
        """The same limit for the engine, which refuses what exceeds it, and for us."""
        self._ask("PUT", "/window", {"starts": starts, "seconds": seconds})
        with operator("benchmark"):
            self.connection.change(db.now(), starts=starts or None, starts_seconds=seconds)

    def seen(self) -> list[tuple[float, str, bool]]:
        return [(at, number, accepted) for at, number, accepted in self._ask("GET", "/seen")]

    def wait_for(self, is_enough: Callable[[list[tuple[float, str, bool]]], bool], seconds: float) -> list[tuple[float, str, bool]]:
        """What arrived, once that is enough or the time is over."""
        until = time.monotonic() + seconds
        while not is_enough(seen := self.seen()) and time.monotonic() < until:
            time.sleep(0.2)
        return seen

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def rig() -> Iterator[Rig]:
    """Two workers as `make run` starts one, and beat; calls that were left over are forgotten."""
    port = free_port(30600)
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "WARNING", "DATABASE_POOL": "0"}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open(f"{folder}/log", "ab") as log:
        celery = [sys.executable, "-W", "ignore", "-m", "celery", "-q", "-A", "config"]
        quiet = ["--without-mingle", "--without-gossip", "--loglevel", "ERROR"]
        commands = [[sys.executable, "-m", "benchmarks.standin", str(port), "0", "1"]]
        commands += [
            [*celery, "worker", "-n", f"bench{number}@local", "--pool", "threads", "--concurrency", THREADS, *quiet]
            for number in range(WORKERS)
        ]
        commands.append([*celery, "beat", "--schedule", f"{folder}/beat", "--pidfile=", "--loglevel", "ERROR"])
        processes = [spawn(command, env=env, cwd=ROOT, output=log) for command in commands]
        try:
            wait_until(lambda: _listens(port), seconds=60)
            wait_until(lambda: len(app.control.ping(timeout=0.5)) >= WORKERS, seconds=90)
            yield Rig(f"http://127.0.0.1:{port}", _connection(f"http://127.0.0.1:{port}"))
        finally:
            for process in reversed(processes):
                end(process)
            with operator("benchmark"):
                Campaign.objects.update(status="cancelled")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def make_payer() -> Organization:
    organization = factories.make_organization(f"Bench {uuid7()}")
    factories.add_credits(organization, 1_000_000)
    return organization


def campaign_of(organization: Organization, leads: int, **fields: Any) -> Campaign:
    """A draft that may call at any time, with leads whose numbers nobody else has."""
    assistant = factories.make_assistant(organization)
    number = factories.make_number(
        organization, assistant=assistant, transfer_trunk=factories.make_trunk(organization),
        phone_number=f"+3185{secrets.randbelow(10**7):07d}",
    )  # fmt: skip
    campaign = factories.make_campaign(organization, **{
        "assistant": assistant, "number": number, "has_own_number": True, "max_concurrent_calls": 30_000,
        "schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59), "timezone": "UTC",
    } | fields)  # fmt: skip
    with acting(Scope((organization.pk,))), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LEADS, {"organization": organization.pk, "campaign": campaign.pk, "most": leads, "area": next(_areas)})
    return campaign


def start(*campaigns: Campaign) -> float:
    """Returns the instant on the steady clock."""
    for campaign in campaigns:
        with acting(Scope((campaign.organization_id,))):
            campaign.change(db.now(), status="scheduled", started_at=db.now())
    return time.monotonic()


def stop(*campaigns: Campaign) -> None:
    """And end its calls, so that they hold no lines."""
    with operator("benchmark"):
        now = db.now()
        for campaign in campaigns:
            Campaign.objects.filter(pk=campaign.pk).update(status="cancelled")
            calls = Call.objects.filter(origin=campaign.origin)
            calls.filter(dial=Call.Dial.RESERVED).update(dial=Call.Dial.REFUSED, refusal="cancelled")
            # What is marked still leaves at its instant: forgotten before that, it would be a start that nobody counts.
            wait_until(lambda calls=calls: not calls.filter(dial=Call.Dial.SENDING).exists(), seconds=10)
            Attempt.objects.filter(campaign=campaign, settled_at=None).update(settled_at=now)
            calls.update(status="ended", dial="refused", refusal="cancelled", ended_at=now, settled_at=now, sent_at=None)


def _connection(url: str) -> Connection:
    assert settings.TESTING
    with operator("benchmark"):
        Connection.objects.filter(organization=None, is_active=True).update(is_active=False)
        return Connection.objects.create(
            organization=None, name="Counting engine", base_url=url, api_key="k", hook_secret="whsec_bench", engine=ENGINE,
            engine_read_at=db.now(),
        )  # fmt: skip
