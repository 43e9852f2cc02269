"""How fast the claim stays while another session holds an old snapshot (limits 2.3, goal P2).

One campaign of 200,000 leads is claimed to its end by the dialler's own queue: whose turn it is, and the mark that they are being
called, each batch in a transaction. What was claimed cannot be cleaned away meanwhile. The limit is the median of the first tenth.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from apps.campaigns.dialler import memory
from apps.campaigns.dialler.claim import Queue
from apps.campaigns.models import Campaign
from apps.campaigns.rules import Rules
from apps.core import db
from apps.core.scope import Scope, acting
from benchmarks.measure import line
from benchmarks.tick import make_campaign
from tests import factories

LEADS, BATCH = 200_000, 50
MARK = "UPDATE campaigns_lead SET status = 'calling', updated_at = now() WHERE id = ANY (%s) AND status = 'pending'"


def run() -> str:
    organization = factories.make_organization(f"Bloat {uuid7()}")
    campaign = make_campaign(organization, LEADS)
    with _old_snapshot():
        took = _claim_all(campaign)
    tenth = len(took) // 10
    first, last = statistics.median(took[:tenth]), statistics.median(took[-tenth:])
    name = f"claim of {BATCH}, last tenth of {LEADS:,} leads beside an old snapshot"
    return line(name, 1000 * last, 1000 * first, "ms", at_most=1.3)


def _claim_all(campaign: Campaign) -> list[float]:
    """Seconds that each claim took."""
    took, claimed = [], 0
    with acting(Scope((campaign.organization_id,))):
        while claimed < LEADS:
            began = time.perf_counter()
            with transaction.atomic():
                now = db.now()
                queue = Queue(campaign, Rules.of(campaign, now), now)
                leads = queue.next(BATCH)
                with connection.cursor() as cursor:
                    cursor.execute(MARK, [[lead.id for lead in leads]])
                queue.passed(leads)
            took.append(time.perf_counter() - began)
            claimed += len(leads)
            if not leads:
                raise RuntimeError(f"{LEADS - claimed} leads were forgotten")
    memory.forget(campaign.pk)
    return took


@contextmanager
def _old_snapshot() -> Iterator[None]:
    """A session that once looked and then does nothing, in its transaction."""
    holder = connection.copy()
    holder.set_autocommit(False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM django_migrations")
        yield
    finally:
        holder.rollback()
        holder.close()
