"""Lines are running calls: after lost hang-ups their number is right again within a minute, and never below zero (R8).

Time passes in steps of the sweep: every instant of every running call moves into the past, nothing waits.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.db.models import F

from apps.calls.models import Call
from apps.calls.services.quiet import quiet_calls, read_call, record_read
from apps.core import db
from apps.core.scope import acting
from apps.organizations.scopes import overview
from tests.calls.support import apply, event, make_connection, post, running_call, scope_of
from tests.calls.test_live import LiveCase
from tests.cases import TenantCase

SWEEP, GOAL, CALLS = 15, 60, 12
SECOND = dt.timedelta(seconds=1)
INSTANTS = ("created_at", "sent_at", "last_news_at", "next_check_at", "missing_since", "started_at")


def lines(connection: Any) -> int:
    """As the dialler counts them."""
    with acting(overview("lines of an engine")):
        return Call.objects.filter(settled_at=None, connection=connection).running().count()


def pass_by(seconds: int) -> None:
    Call.objects.running().update(**{name: F(name) - seconds * SECOND for name in INSTANTS})


class LostHangUpTest(LiveCase):
    def lose(self, **faults: Any) -> tuple[list[int], int]:
        """Calls whose every event is lost; the engine knows at once that they are over. Returns the lines after each sweep,
        and the seconds until there were none."""
        self.sandbox.faults(lose_events=1, **faults)
        for number in range(CALLS):
            self.start(f"+4477009002{number:02d}")
        time.sleep(0.5)
        seen = [lines(self.connection)]
        for seconds in range(SWEEP, 10 * SWEEP, SWEEP):
            pass_by(SWEEP)
            for organization_id, call_id in quiet_calls(db.now()):
                read_call(organization_id=organization_id, call_id=call_id)
            seen.append(lines(self.connection))
            if not seen[-1]:
                return seen, seconds
        return seen, 10 * SWEEP

    def test_after_lost_hang_ups_the_lines_are_free_within_a_minute(self) -> None:
        for class_ in "AB":
            with self.subTest(engine=class_):
                seen, seconds = self.lose(class_=class_)
                self.assertEqual(seen[0], CALLS)
                self.assertEqual(seen, sorted(seen, reverse=True))
                self.assertEqual(seen[-1], 0)
                self.assertLessEqual(seconds, GOAL)
                print(f"lines: {CALLS} lost hang-ups, right again after {seconds} s of {GOAL} s, never below {min(seen)} (class {class_})")

    def test_a_hang_up_that_comes_twice_gives_back_one_line(self) -> None:
        self.sandbox.faults(duplicate_events=1)
        first, second = self.start(), self.start("+447700900101")
        for call in (first, second):
            self.wait(call, lambda call: call.settled_at)
            apply(call)
        self.assertEqual(lines(self.connection), 0)


class LongTalkTest(TenantCase):
    """A call that was looked at often, because its events get lost, is looked at again within half a minute."""

    def look(self, kind: str) -> dt.timedelta:
        connection = make_connection(self.client_org)
        with scope_of(self.client_org):
            connection.change(db.now(), engine=connection.engine | {"kind": kind})
            call = running_call(self.client_org, connection)
            now = db.now()
            Call.objects.filter(pk=call.pk).update(checks=7, next_check_at=now + 600 * SECOND, last_news_at=now - 300 * SECOND)
            found = {"status": "in-progress", "started_at": (now - 290 * SECOND).isoformat()}
            record_read(organization_id=self.client_org.pk, call_id=call.pk, found=found, trouble=False, now=now)
            call.refresh_from_db()
            connection.change(now, is_active=False)
        assert call.next_check_at
        self.assertTrue(call.is_running)
        return call.next_check_at - now

    def test_where_requests_are_not_counted(self) -> None:
        self.assertEqual(self.look("sandbox"), 30 * SECOND)

    def test_where_they_are_the_pauses_double(self) -> None:
        self.assertEqual(self.look("switchboard"), 600 * SECOND)


class NoEndTest(TenantCase):
    """Case 14: the engine accepts, then never sends a final event."""

    def test_unknown_twice_15_seconds_apart_frees_the_line(self) -> None:
        connection = make_connection(self.client_org)
        with scope_of(self.client_org):
            call = running_call(self.client_org, connection)
            post(connection, event("status-update", call, seq=1))
            apply(call)
            now = call.last_news_at
            assert now
            self.assertEqual((quiet_calls(now + 29 * SECOND), lines(connection)), ([], 1))
            self.assertEqual(quiet_calls(now + 31 * SECOND), [(self.client_org.pk, call.pk)])
            for seconds, left in ((31, 1), (40, 1), (46, 0), (60, 0)):
                record_read(organization_id=self.client_org.pk, call_id=call.pk, found=None, trouble=False, now=now + seconds * SECOND)
                self.assertEqual(lines(connection), left, seconds)
            call.refresh_from_db()
            self.assertEqual((call.status, call.error, call.settled_at is None), ("ended-with-error", "lost by the engine", False))
            late = event("status-update", call, seq=2, status="ended", end_reason="user_hangup")
            post(connection, late)
            apply(call)
            self.assertEqual(lines(connection), 0)
