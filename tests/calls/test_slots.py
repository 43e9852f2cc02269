"""Starts in a rolling window: booked one behind the other, for every limit that holds, and sent at their instant or anew."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.db.models import Q

from apps.calls import tasks
from apps.calls.models import Call
from apps.calls.services.dial import dial, mark_anew, mark_sending, record_answer, start_call
from apps.calls.services.do_not_call import refuse_number
from apps.calls.services.reserve import cancel_reserved
from apps.calls.services.slots import (
    LATE,
    LEAD,
    MARGIN,
    PATIENCE,
    SOON,
    TOLERANCE,
    Later,
    NotYet,
    Window,
    closed_until,
    early,
    next_start,
    reading_all,
    windows_of,
)
from apps.core import db
from apps.core.db import writes
from apps.core.errors import RateLimited
from apps.core.http import NotSent
from apps.core.scope import Scope, acting
from apps.organizations.models import Limits
from apps.organizations.services import SYSTEM
from apps.voice.client import Engine
from apps.voice.outcomes import Dialled
from tests import factories
from tests.calls.support import make_connection, reserve, scope_of, wanted
from tests.calls.test_dial import DialCase, rewind
from tests.cases import TenantCase

SECOND = dt.timedelta(seconds=1)
LASTS = SECOND + MARGIN


def limit(organization: Any, starts: int, seconds: int = 1) -> None:
    with acting(Scope((organization.pk,))):
        Limits.objects.create(organization=organization, starts=starts, starts_seconds=seconds)


class SlotCase(TenantCase):
    def setUp(self) -> None:
        self.connection = make_connection()
        self.trunk = factories.make_trunk(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=self.trunk)
        self.enterContext(scope_of(self.client_org))

    def reserved(self, **fields: Any) -> Call:
        call = reserve(wanted(self.client_org, self.connection, **({"number": self.number} | fields)))
        return Call.objects.select_related("organization", "connection", "trunk").get(pk=call.pk)

    def sent(self, organization: Any, at: dt.datetime, **fields: Any) -> Call:
        values = {"direction": "outbound", "connection_id": self.connection.pk, "sent_at": at} | fields
        return factories.make_call(organization, **values)

    def mark(self, call: Call, most: dt.timedelta = PATIENCE) -> Any:
        windows = windows_of(call)
        with reading_all(windows):
            return mark_sending(organization_id=call.organization_id, call_id=call.pk, now=db.now(), windows=windows, most=most)


class WindowTest(SlotCase):
    def names(self, call: Call) -> list[tuple[str, int, float]]:
        return [(window.name.partition(":")[0], window.starts, window.seconds) for window in windows_of(call)]

    def test_without_a_limit_there_is_no_window_and_one_look(self) -> None:
        call = self.reserved()
        with self.assertNumQueries(1):
            self.assertEqual(windows_of(call), [])
        self.assertIsNone(self.mark(call).at)

    def test_every_limit_that_holds_in_the_order_of_the_locks(self) -> None:
        limit(self.agency, 9, 3)
        limit(self.client_org, 8, 2)
        limit(self.stranger, 1)
        self.connection.change(db.now(), starts=6, starts_seconds=5, engine=self.connection.engine | {"limits": {"starts_per_second": 30}})
        self.trunk.change(db.now(), starts=5, starts_seconds=4)
        call = self.reserved(origin="campaign:1", starts=(7, 2))
        self.assertEqual(
            self.names(call), [("agency", 9, 3), ("client", 8, 2), ("campaign", 7, 2), ("engine", 30, 1.0), ("engine", 6, 5), ("trunk", 5, 4)]
        )

    def test_a_broken_rate_is_one_start_in_its_time(self) -> None:
        self.connection.change(db.now(), engine=self.connection.engine | {"limits": {"starts_per_second": 0.5}})
        self.assertEqual(self.names(self.reserved()), [("engine", 1, 2.0)])

    def test_a_slot_is_free_when_the_window_behind_it_is(self) -> None:
        now = db.now()
        window = Window("engine:x", Q(connection_id=self.connection.pk), 3, 1)
        for ago in (0.9, 0.5, 0.1):
            self.sent(self.client_org, now - ago * SECOND)
        with reading_all([window]):
            self.assertEqual(next_start([window], now), now - 0.9 * SECOND + LASTS)
            self.assertEqual(next_start([window], now + 0.2 * SECOND), now + 0.2 * SECOND)
        self.sent(self.stranger, now + 0.3 * SECOND)
        self.sent(self.client_org, now + 0.4 * SECOND, direction="inbound")
        with reading_all([window]):
            self.assertEqual(next_start([window], now), now - 0.5 * SECOND + LASTS)

    def test_the_slowest_limit_decides_and_each_counts_its_own(self) -> None:
        limit(self.agency, 2, 10)
        limit(self.client_org, 1)
        now = db.now()
        self.sent(self.agency, now - 5 * SECOND)
        self.sent(self.client_org, now - 2 * SECOND)
        self.sent(self.stranger, now)
        call = self.reserved()
        windows = windows_of(call)
        with reading_all(windows):
            self.assertEqual(next_start(windows, now), now + 5 * SECOND + 0.12 * SECOND)
            self.assertEqual(next_start(windows[1:], now), now)
        with pytest.raises(NotYet):
            self.mark(call)
        call.refresh_from_db()
        self.assertEqual((call.dial, call.sent_at, call.fence), ("reserved", None, 0))

    def test_the_limit_of_a_trunk_is_no_other_trunk_s(self) -> None:
        self.trunk.change(db.now(), starts=1, starts_seconds=60)
        other = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))
        self.assertIsNotNone(self.mark(self.reserved()).at)
        self.assertIsNone(self.mark(self.reserved(number=other)).at)
        with pytest.raises(NotYet):
            self.mark(self.reserved(), most=SOON)


    def test_a_start_that_would_come_after_the_window_closes_is_refused(self) -> None:
        self.connection.change(db.now(), starts=1, starts_seconds=60)
        self.sent(self.client_org, db.now())
        call = self.reserved(wanted_until=db.now() + 30 * SECOND)
        self.assertIsNone(self.mark(call, most=70 * SECOND))
        call.refresh_from_db()
        self.assertEqual((call.dial, call.refusal), ("refused", "too_late"))

    def test_the_lease_covers_the_wait(self) -> None:
        self.connection.change(db.now(), starts=1, starts_seconds=60)
        full_since = db.now()
        self.sent(self.client_org, full_since)
        call = self.reserved()
        sending = self.mark(call, most=70 * SECOND)
        call.refresh_from_db()
        assert call.sent_at
        self.assertEqual((call.sent_at, call.lease_until), (full_since + 60.72 * SECOND, full_since + 90.72 * SECOND))
        self.assertAlmostEqual(sending.at - time.monotonic(), (call.sent_at - db.now()).total_seconds(), delta=0.5)


class ScheduleTest(SlotCase):
    def test_no_window_ever_holds_more_than_its_starts(self) -> None:
        """And a slot is never later than an ideal schedule with the margin has it."""
        chance = random.Random(7)
        for starts, seconds in ((1, 1), (3, 1), (4, 2), (7, 5)):
            with self.subTest(starts=starts, seconds=seconds):
                self.connection.change(db.now(), starts=starts, starts_seconds=seconds)
                Call.objects.filter(connection=self.connection).delete()
                ideal, (window,) = list[dt.datetime](), windows_of(self.reserved())
                now = db.now()
                for _call in range(30):
                    now += dt.timedelta(milliseconds=chance.randrange(900))
                    with reading_all([window]):
                        at = next_start([window], now)
                    self.sent(self.client_org, at)
                    ideal.append(max(now, ideal[-starts] + window.lasts if len(ideal) >= starts else now))
                booked = sorted(Call.objects.filter(sent_at__isnull=False).values_list("sent_at", flat=True))
                self.assertEqual(booked, sorted(ideal))
                most = max(sum(first <= each < first + seconds * SECOND for each in booked) for first in booked)
                self.assertEqual(most, starts)


class SingleCallTest(DialCase):
    """What somebody waits for: page and API."""

    def setUp(self) -> None:
        super().setUp()
        self.connection = self.connect()
        self.connection.change(db.now(), starts=1)

    def start(self) -> Call:
        return start_call(request=wanted(self.agency, self.connection, assistant=self.assistant, number=self.number), now=db.now())

    def test_it_waits_for_its_slot(self) -> None:
        calls = [self.start(), self.start()]
        first, second = (call.sent_at for call in calls)
        assert first
        assert second
        self.assertGreaterEqual(second - first, LASTS)
        self.assertEqual([self.rings(call) for call in calls], [1, 1])

    def test_whoever_would_wait_too_long_is_told_when_to_come_again(self) -> None:
        factories.make_call(self.agency, direction="outbound", connection_id=self.connection.pk, sent_at=db.now() + 50 * SECOND)
        with pytest.raises(RateLimited) as refused:
            self.start()
        self.assertEqual((refused.value.status, refused.value.type), (429, "rate_limit_exceeded"))
        self.assertIn(refused.value.extra["retry_after"], range(40, 53))
        call = Call.objects.get(refusal="pace")
        self.assertEqual((call.dial, call.status, call.sent_at, self.rings(call)), ("refused", "failed", None, 0))

    def test_over_http(self) -> None:
        factories.make_call(self.agency, direction="outbound", connection_id=self.connection.pk, sent_at=db.now() + 50 * SECOND)
        body = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk)}
        answer = self.api(self.agency).post("/calls/outbound", body)
        said = answer.json()
        self.assertEqual((answer.status_code, said["type"], said["error"]), (429, "rate_limit_exceeded", "Rate limit exceeded"))
        self.assertEqual(answer.headers["Retry-After"], str(said["retry_after"]))


class LateTest(DialCase):
    """A request leaves at the instant that was booked for it, or not at all."""

    def setUp(self) -> None:
        super().setUp()
        self.connection = self.connect()
        self.connection.change(db.now(), starts=2)

    def marked(self, call: Call) -> Any:
        call = Call.objects.select_related("organization", "connection", "trunk").get(pk=call.pk)
        self.windows = windows_of(call)
        return mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now(), windows=self.windows)

    def test_it_leaves_at_the_instant_and_not_before(self) -> None:
        self.connection.change(db.now(), starts=1)
        factories.make_call(self.agency, direction="outbound", connection_id=self.connection.pk, sent_at=db.now())
        sending = self.marked(self.reserved(self.connection))
        self.assertGreater(sending.at, time.monotonic() + 0.2)
        answer = Engine(self.connection).dial(sending.body, key=sending.call.dial_key, before=sending.go)
        self.assertGreaterEqual(time.monotonic(), sending.at)
        self.assertIn((answer.outcome, answer.error), [("accepted", ""), ("refused", LATE)])

    def test_who_is_late_sends_nothing(self) -> None:
        sending = self.marked(self.reserved(self.connection))
        time.sleep(LEAD.total_seconds() + TOLERANCE + 0.01)
        with pytest.raises(NotSent):
            sending.go()
        answer = Engine(self.connection).dial(sending.body, key=sending.call.dial_key, before=sending.go)
        self.assertEqual((answer.outcome, answer.error, self.rings(sending.call)), ("refused", LATE, 0))

    def test_a_slot_that_passed_is_booked_anew_and_rings_once(self) -> None:
        call = self.reserved(self.connection)
        slow: list[Any] = []

        def sleepy(sending: Any) -> None:
            if len(slow) < 2:
                time.sleep(0.1 * 2 ** len(slow))
                slow.append(sending.call.sent_at)

        with patch("apps.calls.services.slots.Sending.approach", sleepy):
            call = self.dial(call)
        self.assertEqual((call.dial, call.fence, self.rings(call), len(slow)), ("accepted", 1, 1, 2))
        assert call.sent_at
        self.assertGreater(call.sent_at, slow[0] + 0.1 * SECOND)

    def test_its_own_slot_that_passed_counts_for_nobody(self) -> None:
        self.connection.change(db.now(), starts=1)
        sending = self.marked(self.reserved(self.connection))
        anew = mark_anew(sending=sending, now=db.now(), windows=self.windows, most=SOON, lead=LEAD)
        assert anew
        self.assertEqual((Call.objects.get(pk=sending.call.pk).fence, anew.body), (1, sending.body))

    def test_a_worker_that_slept_finds_the_dial_taken_over(self) -> None:
        sending = self.marked(self.reserved(self.connection))
        rewind(sending.call, 31)
        self.reconcile(sending.call)
        self.assertIsNone(mark_anew(sending=sending, now=db.now(), windows=self.windows, most=SOON, lead=LEAD))
        self.assertEqual(self.rings(sending.call), 1)

    def test_without_a_limit_too_who_slept_looks_again(self) -> None:
        self.connection.change(db.now(), starts=None, engine=self.connection.engine | {"limits": {}})
        sending = self.marked(self.reserved(self.connection))
        self.assertIsNone(sending.at)
        with patch("apps.calls.services.slots.STALE", 0.0), pytest.raises(NotSent):
            sending.go()
        rewind(sending.call, 31)
        self.reconcile(sending.call)
        self.assertIsNone(mark_anew(sending=sending, now=db.now(), windows=(), most=SOON, lead=LEAD))

    def test_an_opt_out_during_the_wait(self) -> None:
        sending = self.marked(self.reserved(self.connection))
        refuse_number(organization=self.agency, number=sending.call.other_number, reason="", by=SYSTEM, now=db.now())
        self.assertIsNone(mark_anew(sending=sending, now=db.now(), windows=self.windows, most=SOON, lead=LEAD))
        self.assertEqual(Call.objects.get(pk=sending.call.pk).refusal, "do_not_call")


class CampaignCallTest(DialCase):
    """What nobody waits for stays a reserved row until its slot is near."""

    def setUp(self) -> None:
        super().setUp()
        self.connection = self.connect()

    def of_campaign(self, **fields: Any) -> Call:
        return self.reserved(self.connection, origin="campaign:1", **fields)

    def test_a_slot_that_is_far_is_not_booked(self) -> None:
        self.connection.change(db.now(), starts=1)
        full_since = db.now() + 20 * SECOND
        factories.make_call(self.agency, direction="outbound", connection_id=self.connection.pk, sent_at=full_since)
        first, second = self.of_campaign(), self.of_campaign()
        for call, slots in ((first, 1), (second, 2)):
            with patch("apps.calls.tasks.wake") as wake:
                tasks.dial(str(self.agency.pk), str(call.pk))
            call.refresh_from_db()
            self.assertEqual((call.dial, call.sent_at, call.fence, self.rings(call)), ("reserved", None, 0, 0))
            # The second of a campaign comes one slot later: they do not all wake for the same one.
            self.assertEqual(call.dial_at, full_since + slots * LASTS - early(LASTS))
            self.assertLess(wake.call_args.kwargs["countdown"], slots * 1.015 + 20)

    def test_what_waits_can_be_taken_back(self) -> None:
        self.connection.change(db.now(), starts=1, starts_seconds=30)
        factories.make_call(self.agency, direction="outbound", connection_id=self.connection.pk, sent_at=db.now())
        call = self.of_campaign()
        self.assertIsInstance(dial(organization_id=self.agency.pk, call_id=call.pk), Later)
        writes(cancel_reserved)(organization=self.agency, origin="campaign:1", now=db.now())
        self.assertIsNone(dial(organization_id=self.agency.pk, call_id=call.pk))
        self.assertEqual(self.rings(call), 0)

    def test_a_task_that_comes_too_early_comes_again(self) -> None:
        call = self.of_campaign(dial_at=db.now() + 3 * SECOND)
        with patch("apps.calls.tasks.wake") as wake:
            tasks.dial(str(self.agency.pk), str(call.pk))
        self.assertAlmostEqual(wake.call_args.kwargs["countdown"], 3, delta=0.2)
        self.assertEqual(self.rings(call), 0)

    def test_an_engine_that_asks_for_patience_gets_it_from_that_trunk_only(self) -> None:
        """Case 12: 429 with Retry-After 30. Nothing is lost, the attempt does not count, other trunks go on."""
        call = self.of_campaign()
        now = db.now()
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=now)
        assert sending
        busy = Dialled("refused", error="capacity", status=429, retry_after=30)
        record_answer(organization_id=self.agency.pk, call_id=call.pk, fence=sending.fence, answer=busy, now=now)
        call.refresh_from_db()
        self.assertEqual((call.refusal, call.next_check_at), ("capacity", now + 30 * SECOND))
        self.assertEqual(closed_until(self.connection.pk, call.trunk_id, now), now + 30 * SECOND)
        self.assertIsNone(closed_until(self.connection.pk, call.trunk_id, now + 30 * SECOND))
        waiting = self.of_campaign()
        found = dial(organization_id=self.agency.pk, call_id=waiting.pk)
        assert isinstance(found, Later)
        self.assertAlmostEqual(found.seconds, 30, delta=0.5)
        waiting.refresh_from_db()
        self.assertEqual((waiting.dial, self.rings(waiting)), ("reserved", 0))
        other = factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        self.assertEqual(self.dial(self.of_campaign(number=other)).dial, "accepted")
        # Somebody who waits may try: a line may be free for one.
        self.assertEqual(self.dial(self.reserved(self.connection)).dial, "accepted")
