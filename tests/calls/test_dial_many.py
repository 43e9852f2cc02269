"""Calls of campaigns that are sent many at a time, against the real sandbox: its ring log is the judge."""

from __future__ import annotations

import random
import time
from typing import Any
from unittest.mock import patch

from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from apps.calls import tasks
from apps.calls.models import Call, CallEvent, EngineEvent
from apps.calls.services import dial_many as many
from apps.calls.services.do_not_call import refuse_number
from apps.calls.services.reserve import cancel_reserved
from apps.calls.services.slots import LEAD, SOON, Booking, early, next_start, reading_all, windows_of
from apps.core import db
from apps.core.db import writes
from apps.organizations.services import SYSTEM
from tests import factories
from tests.calls.test_dial import DialCase, rewind
from tests.calls.test_slots import LASTS, SECOND, SlotCase

Dial = Call.Dial


class ManyCase(DialCase):
    def setUp(self) -> None:
        super().setUp()
        self.connection = self.connect()

    def make(self, count: int, **fields: Any) -> list[Call]:
        return [self.of_campaign(to=f"+4477009000{place:02d}", **fields) for place in range(count)]

    def of_campaign(self, **fields: Any) -> Call:
        return self.reserved(self.connection, **({"origin": "campaign:1"} | fields))

    def mark(self) -> many.Batch:
        return many.mark_due(organization_id=self.agency.pk)

    def send_all(self) -> many.Batch:
        batch = self.mark()
        many.send(batch)
        return batch

    def states(self, calls: list[Call]) -> list[tuple[str, int]]:
        for call in calls:
            call.refresh_from_db()
        return [(call.dial, self.rings(call)) for call in calls]


class SendTest(ManyCase):
    def test_each_rings_once_and_is_bound(self) -> None:
        calls = self.make(12)
        batch = self.send_all()
        self.assertEqual((len(batch.sendings), batch.apart, batch.is_more), (12, [], False))
        self.assertEqual(self.states(calls), [(Dial.ACCEPTED, 1)] * 12)
        for call in calls:
            self.assertIn(call.ref, call.control_url)
            self.assertEqual((call.fence, call.lease_until, call.next_check_at), (1, None, None))
            self.assertEqual(
                list(CallEvent.objects.filter(call=call).values_list("kind", "key", "data")),
                [("accepted", "dial:accepted", {"ref": call.ref})],
            )
        self.assertEqual(self.send_all().sendings, [])

    def test_many_take_no_more_questions_than_few(self) -> None:
        counts = []
        self.make(1)
        self.mark()  # tells the engine where its events go
        for count in (3, 15):
            self.make(count)
            with CaptureQueriesContext(database) as found:
                batch = self.mark()
            self.assertEqual(len(batch.sendings), count)
            counts.append(len(found))
        self.assertEqual(counts[0], counts[1])
        self.assertLess(counts[0], 25)

    def test_an_event_that_came_first_is_found(self) -> None:
        (call,) = self.make(1)
        batch = self.mark()
        sooner = EngineEvent.objects.create(connection=self.connection, key="k", type="call-progress", call_ref="eng-first")
        with patch("apps.voice.client.Engine.dial", return_value=many.Dialled("accepted", ref="eng-first", status=200)):
            many.send(batch)
        sooner.refresh_from_db()
        self.assertEqual((sooner.call_id, sooner.organization_id), (call.pk, self.agency.pk))

    def test_lost_answers_are_asked_for_again_under_the_same_key(self) -> None:
        calls = self.make(4)
        self.sandbox.faults(class_="A", lose_answers=1)
        self.send_all()
        self.assertEqual(self.states(calls), [(Dial.UNKNOWN, 1)] * 4)
        self.sandbox.faults(class_="A")
        for call in calls:
            rewind(call, 31)
            self.reconcile(call)
        self.assertEqual(self.states(calls), [(Dial.ACCEPTED, 1)] * 4)

    def test_who_dies_after_marking_leaves_what_a_lease_finds(self) -> None:
        calls = self.make(3)
        self.mark()
        self.assertEqual(self.states(calls), [(Dial.SENDING, 0)] * 3)
        for call in calls:
            rewind(call, 31)
            self.reconcile(call)
        self.assertEqual(self.states(calls), [(Dial.ACCEPTED, 1)] * 3)

    def test_only_who_holds_the_fence_records(self) -> None:
        calls = self.make(2)
        batch = self.mark()
        Call.objects.filter(pk=calls[0].pk).update(fence=7)
        many.send(batch)
        self.assertEqual([dial for dial, _rings in self.states(calls)], [Dial.SENDING, Dial.ACCEPTED])

    def test_an_answer_that_names_the_call_of_another_spoils_only_its_own(self) -> None:
        calls = self.make(2)
        batch = self.mark()
        factories.make_call(self.agency, connection=self.connection, ref="eng-taken")
        refs = iter(["eng-own", "eng-taken"])
        with patch("apps.voice.client.Engine.dial", side_effect=lambda *_a, **_k: many.Dialled("accepted", ref=next(refs), status=200)):
            many.send(batch)
        self.assertEqual(sorted(dial for dial, _rings in self.states(calls)), [Dial.ACCEPTED, Dial.SENDING])

    def test_an_engine_that_is_gone(self) -> None:
        self.make(2)
        batch = self.mark()
        for sending in batch.sendings:
            assert sending.call.connection
            sending.call.connection.base_url = "http://127.0.0.1:9"
        many.send(batch)
        self.assertEqual([(call.dial, call.refusal) for call in Call.objects.all()], [(Dial.REFUSED, "unavailable")] * 2)
        self.connection.refresh_from_db()
        self.assertEqual(self.connection.last_error, "refused")


class WantedTest(ManyCase):
    """What changes between the reservation and the mark."""

    def test_who_opted_out_is_not_called_and_the_others_are(self) -> None:
        first, second = self.make(2)
        refuse_number(organization=self.agency, number=first.other_number, reason="", by=SYSTEM, now=db.now())
        batch = self.send_all()
        self.assertEqual((batch.apart, self.states([first, second])), ([first.pk], [(Dial.RESERVED, 0), (Dial.ACCEPTED, 1)]))
        self.assertEqual((self.dial(first).refusal, self.rings(first)), ("do_not_call", 0))

    def test_a_pause_between_the_look_and_the_mark(self) -> None:
        calls, held = self.make(2), many._held

        def paused(*arguments: Any, **words: Any) -> Any:
            cancel_reserved(organization=self.agency, origin="campaign:1", now=db.now())
            return held(*arguments, **words)

        with patch("apps.calls.services.dial_many._held", paused):
            batch = self.send_all()
        self.assertEqual((batch.sendings, self.states(calls)), ([], [(Dial.REFUSED, 0)] * 2))

    def test_a_suspension_and_an_empty_wallet(self) -> None:
        calls = self.make(2)
        Call.objects.update(is_charged=True)
        for change in ({"suspended_at": db.now()}, {"suspended_at": None}):
            self.agency.change(db.now(), **change)
            with patch("apps.calls.services.dial_many.least_left", return_value=0):
                self.assertEqual(sorted(self.send_all().apart), sorted(call.pk for call in calls))
        self.assertEqual(self.states(calls), [(Dial.RESERVED, 0)] * 2)

    def test_a_window_that_closed(self) -> None:
        call = self.of_campaign(wanted_until=db.now() - SECOND)
        self.assertEqual(self.send_all().apart, [call.pk])
        self.assertEqual(self.dial(call).refusal, "too_late")

    def test_calls_that_somebody_waits_for_are_not_touched(self) -> None:
        call = self.reserved(self.connection)
        self.assertEqual((self.send_all().sendings, self.states([call])), ([], [(Dial.RESERVED, 0)]))

    def test_what_needs_more_than_our_own_rows_goes_alone(self) -> None:
        """Copies of an assistant at an engine of the base wire."""
        call = self.of_campaign()
        with patch("apps.calls.services.dial_many.mirrors", return_value=True):
            self.assertEqual(self.send_all().apart, [call.pk])

    def test_an_engine_that_asked_for_patience(self) -> None:
        (call,) = self.make(1)
        factories.make_call(
            self.agency, connection=self.connection, trunk=call.trunk, refusal="capacity", next_check_at=db.now() + 30 * SECOND
        )
        self.assertEqual(self.send_all().apart, [call.pk])


class PaceTest(ManyCase):
    def test_slots_one_behind_the_other_and_the_rest_waits(self) -> None:
        self.connection.change(db.now(), starts=2)
        calls = self.make(5)
        batch = self.mark()
        self.assertEqual([dial for dial, _rings in self.states(calls)], [Dial.SENDING] * 2 + [Dial.RESERVED] * 3)
        first, second, third, fourth, fifth = calls
        assert first.sent_at
        assert second.sent_at
        self.assertEqual(
            [each.dial_at for each in (third, fourth, fifth)],
            [first.sent_at + LASTS - early(LASTS / 2), second.sent_at + LASTS - early(LASTS / 2), first.sent_at + 2 * LASTS - early(LASTS / 2)],
        )
        self.assertEqual(batch.next_at, third.dial_at)

    def test_nobody_is_called_before_it_is_due(self) -> None:
        self.connection.change(db.now(), starts=30)
        due = db.now() + 20 * SECOND
        call = self.of_campaign(dial_at=due)
        self.assertEqual(self.mark().next_at, due)
        with patch.object(many, "TOGETHER", 30 * SECOND), patch.object(many, "SOON", 30 * SECOND):
            (sending,) = self.mark().sendings
        call.refresh_from_db()
        self.assertEqual(call.sent_at, due)
        assert sending.at
        self.assertAlmostEqual(sending.at - time.monotonic(), (due - db.now()).total_seconds(), delta=0.5)

    def test_a_slot_that_passed_is_booked_anew_and_rings_once(self) -> None:
        self.connection.change(db.now(), starts=30)
        calls, slow = self.make(3), list[Any]()

        def sleepy(sending: Any) -> None:
            if len(slow) < 2:
                slow.append(sending)
                time.sleep(0.15)

        with patch("apps.calls.services.slots.Sending.approach", sleepy):
            self.send_all()
        self.assertEqual(self.states(calls), [(Dial.ACCEPTED, 1)] * 3)
        self.assertEqual([call.fence for call in calls], [1] * 3)

    def late(self, meanwhile: Any) -> tuple[Call, many.Batch]:
        """A dial whose slot passed while something happened."""
        self.connection.change(db.now(), starts=30)
        (call,) = self.make(1)
        batch = self.mark()
        meanwhile(call)
        with patch("apps.calls.services.slots.Sending.approach", lambda _sending: time.sleep(0.2)):
            many.send(batch)
        call.refresh_from_db()
        return call, batch

    def test_an_opt_out_during_the_wait(self) -> None:
        call, batch = self.late(lambda call: refuse_number(organization=self.agency, number=call.other_number, reason="", by=SYSTEM, now=db.now()))
        self.assertEqual((call.dial, call.sent_at, batch.apart, self.rings(call)), (Dial.RESERVED, None, [call.pk], 0))
        self.assertEqual(self.dial(call).refusal, "do_not_call")

    def test_a_pause_during_the_wait(self) -> None:
        call, batch = self.late(lambda _call: writes(cancel_reserved)(organization=self.agency, origin="campaign:1", now=db.now()))
        self.assertEqual((call.dial, batch.apart, self.rings(call)), (Dial.RESERVED, [call.pk], 0))
        self.assertEqual(self.dial(call).refusal, "too_late")

    def test_taken_over_during_the_wait(self) -> None:
        def taken(call: Call) -> None:
            rewind(call, 31)
            self.reconcile(call)

        call, _batch = self.late(taken)
        self.assertEqual((call.dial, self.rings(call)), (Dial.ACCEPTED, 1))


class BookingTest(SlotCase):
    def test_the_same_slots_as_one_by_one(self) -> None:
        """And no window ever holds more than its starts."""
        chance = random.Random(11)
        for starts, seconds in ((1, 1), (3, 1), (4, 2), (7, 5)):
            with self.subTest(starts=starts, seconds=seconds):
                self.connection.change(db.now(), starts=starts, starts_seconds=seconds)
                self.trunk.change(db.now(), starts=starts + 1, starts_seconds=seconds)
                Call.objects.filter(connection=self.connection).delete()
                windows = windows_of(self.reserved())
                for _batch in range(6):
                    now, wanted = db.now(), [chance.uniform(0, 2) for _each in range(chance.randrange(1, 6))]
                    with reading_all(windows), transaction.atomic():
                        booking = Booking(windows, lead=LEAD, but=[])
                        instants = [booking.take(windows, now + each * SECOND) for each in wanted]
                    alone = []
                    for each in wanted:
                        with reading_all(windows):
                            alone.append(next_start(windows, max(booking.earliest, now + each * SECOND)))
                        self.sent(self.client_org, alone[-1], trunk_id=self.trunk.pk)
                    self.assertEqual(instants, alone)
                booked = sorted(Call.objects.filter(sent_at__isnull=False).values_list("sent_at", flat=True))
                assert all(booked)
                most = max(sum(first <= each < first + seconds * SECOND for each in booked) for first in booked)
                self.assertLessEqual(most, starts)


class TaskTest(ManyCase):
    def test_who_is_woken(self) -> None:
        self.connection.change(db.now(), starts=1, starts_seconds=20)
        calls = self.make(3)
        refuse_number(organization=self.agency, number=calls[1].other_number, reason="", by=SYSTEM, now=db.now())
        with patch("apps.calls.tasks.wake") as wake:
            tasks.dial_due(str(self.agency.pk))
            tasks.dial_due(str(self.agency.pk))
        woken = [(call.args[0].name.rpartition(".")[2], call.args[1:]) for call in wake.call_args_list]
        own = (str(self.agency.pk),)
        self.assertEqual(woken, [("dial", (*own, str(calls[1].pk))), ("dial_due", own)])
        countdown = wake.call_args_list[1].kwargs["countdown"]
        self.assertTrue(0 <= countdown <= 20.3)
        self.assertEqual([rings for _dial, rings in self.states(calls)], [1, 0, 0])

    def test_more_than_one_takes_at_once(self) -> None:
        self.make(4)
        with patch("apps.calls.tasks.wake") as wake, patch.object(many, "MOST", 3):
            tasks.dial_due(str(self.agency.pk))
            self.assertEqual([call.args for call in wake.call_args_list], [(tasks.dial_due, str(self.agency.pk))])
            tasks.dial_due(str(self.agency.pk))
        self.assertEqual(wake.call_count, 1)
        self.assertEqual(Call.objects.filter(dial=Dial.ACCEPTED).count(), 4)

    def test_what_a_tick_reserved_is_one_message_after_it_was_written(self) -> None:
        with patch("apps.calls.tasks.wake") as wake:
            tasks.wake_dials(self.agency.pk, [])
            tasks.wake_dials(self.agency.pk, [call.pk for call in self.make(3)])
        self.assertEqual(wake.call_args.args, (tasks.dial_due, str(self.agency.pk)))
        self.assertTrue(0 <= wake.call_args.kwargs["countdown"] <= many.TOGETHER.total_seconds())
        self.assertEqual(wake.call_count, 1)

    def test_what_changes_is_heeded_within_a_second(self) -> None:
        self.assertLess(SOON + LEAD, SECOND)
