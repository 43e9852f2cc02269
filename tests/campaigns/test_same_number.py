"""One person in several campaigns: an opt-out in one holds in all, and calls are counted by number (limits 9, cases 8 and 9)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call, CallingRules
from apps.calls.services.dial import dial
from apps.campaigns.columns import Columns
from apps.campaigns.models import Campaign
from apps.campaigns.services import import_upload, store_upload
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.services import SYSTEM
from tests import factories
from tests.calls.support import apply, event, post, running_call, scope_of
from tests.campaigns.support import NOON, calls_of, leads_of, make_line, running_campaign, sandbox, tick
from tests.cases import TenantCase
from tests.engine import Sandbox

SAM = "+31612345678"


class SameNumberCase(TenantCase):
    def rules(self, **fields: Any) -> None:
        with acting(Scope((self.client_org.pk,))):
            CallingRules.objects.create(organization=self.client_org, **fields)

    def campaign(self, **fields: Any) -> Campaign:
        return running_campaign(self.client_org, 0, **{"schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59)} | fields)


class OptOutTest(SameNumberCase):
    def setUp(self) -> None:
        engine = Sandbox.shared()
        self.addCleanup(engine.faults)
        engine.faults(class_="A")
        self.engine, self.connection = engine, engine.connection(engine_read_at=db.now())
        self.line = make_line(self.client_org)
        self.rules(min_gap_minutes=0)

    def test_case_8_an_opt_out_on_one_call_stops_the_claimed_lead_of_another_campaign(self) -> None:
        campaign = self.campaign()
        factories.make_lead(campaign, phone_number=SAM)
        with scope_of(self.client_org):
            talk = running_call(self.client_org, self.connection, to=SAM, number=self.line, origin="campaign:other")
        self.assertEqual(tick(campaign, db.now()), 1)
        (claimed,) = calls_of(campaign)
        said = event("transcript", talk, seq=1, turn=2, role="user", text="Please stop calling me.", final=True)
        self.assertEqual(post(self.connection, said, secret=self.connection.hook_secret).status_code, 200)
        with scope_of(self.client_org):
            apply(talk)
            dial(organization_id=self.client_org.pk, call_id=claimed.pk)
            claimed.refresh_from_db()
        self.assertEqual((claimed.dial, claimed.refusal), (Call.Dial.REFUSED, "do_not_call"))
        self.assertEqual(self.engine.rings(reference=claimed.public_id), [])
        tick(campaign, db.now())
        (lead,) = leads_of(campaign)
        self.assertEqual((lead.status, lead.reason, lead.attempts), ("skipped", "do_not_call", 0))
        later = self.campaign()
        factories.make_lead(later, phone_number=SAM)
        self.assertEqual(tick(later, db.now()), 0)
        self.assertEqual([lead.reason for lead in leads_of(later)], ["do_not_call"])


class CapTest(SameNumberCase):
    def setUp(self) -> None:
        sandbox()
        make_line(self.client_org)
        self.rules(min_gap_minutes=30, number_attempts=2, number_days=1)

    def filled(self, spelling: str) -> Campaign:
        campaign = self.campaign()
        with scope_of(self.client_org):
            upload = store_upload(
                campaign=campaign, filename="leads.csv", content=f"Telefoon\n{spelling}\n".encode(), country="NL", by=SYSTEM, now=NOON
            )
            mapping = Columns.from_json(upload.mapping)
            import_upload(upload=upload, mapping=mapping, country="NL", by=SYSTEM, now=db.now())
        return campaign

    def called(self, campaign: Campaign, minutes: int) -> int:
        """Let the campaign call if it may, so many minutes after noon; the call is over at once."""
        now = NOON + dt.timedelta(minutes=minutes)
        count = tick(campaign, now)
        with scope_of(self.client_org):
            begun = Call.objects.filter(origin=campaign.origin, dial="reserved")
            begun.update(
                created_at=now, dial_at=None, sent_at=now, dial="accepted", status="failed", end_reason="no_answer", ended_at=now, settled_at=now
            )
        return count

    def waits(self, campaign: Campaign) -> tuple[str, int]:
        (lead,) = leads_of(campaign)
        assert lead.next_attempt_at is not None
        return lead.reason, round((lead.next_attempt_at - NOON).total_seconds() / 60)

    def test_case_9_one_number_in_three_spellings_is_one_number(self) -> None:
        national, international, abroad = (self.filled(each) for each in ("06 12345678", "+31612345678", "0031 6 12345678"))
        numbers = [lead.phone_number for campaign in (national, international, abroad) for lead in leads_of(campaign)]
        self.assertEqual(numbers, [SAM] * 3)
        self.assertEqual(self.called(national, 0), 1)
        self.assertEqual(self.called(international, 1), 0)
        self.assertEqual(self.waits(international), ("number_gap", 30))
        self.assertEqual(self.called(international, 31), 1)
        self.assertEqual(self.called(abroad, 62), 0)
        self.assertEqual(self.waits(abroad), ("number_limit", 24 * 60))
        self.assertEqual(self.called(abroad, 24 * 60 - 1), 0)
        self.assertEqual(self.called(abroad, 24 * 60 + 1), 1)
