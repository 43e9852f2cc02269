"""Making, changing, starting, stopping and deleting campaigns and their leads."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import override_settings

from apps.billing.models import Hold
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.services import (
    NewLead,
    StaleCampaign,
    add_lead,
    cancel_campaign,
    create_campaign,
    delete_campaign,
    erase_expired,
    launch_problems,
    pause_campaign,
    remove_lead,
    start_campaign,
    update_campaign,
)
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.models import AuditEntry
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import (
    NOON,
    calls_of,
    end_call,
    failed,
    leads_of,
    make_line,
    running_campaign,
    sandbox,
    tick,
)
from tests.cases import TenantCase


class ServiceCase(TenantCase):
    def setUp(self) -> None:
        self.assistant = factories.make_assistant(self.client_org)
        self.enterContext(self.acting_for(self.client_org))

    def make(self, *leads: NewLead, **values: Any) -> Campaign:
        values = {"name": "Recall", "assistant": self.assistant} | values
        return create_campaign(organization=self.client_org, values=values, leads=leads, by=SYSTEM, now=NOON)

    def change(self, campaign: Campaign, expected_version: int | None = None, **values: Any) -> Campaign:
        return update_campaign(campaign=campaign, values=values, by=SYSTEM, now=NOON, expected_version=expected_version)

    def refused(self, **values: Any) -> Invalid:
        with self.assertRaises(Invalid) as caught:
            self.make(**values)
        return caught.exception


SAM = NewLead("+31600000001", {"name": "Sam", "company": "Acme"})
EVE = NewLead("+31600000002", {"name": "Eve", "company": " "})


class CreateTest(ServiceCase):
    def test_defaults(self) -> None:
        campaign = self.make()
        self.assertEqual((campaign.status, campaign.max_attempts, campaign.schedule_days), ("draft", 3, [1, 2, 3, 4, 5, 6, 7]))
        self.assertEqual(AuditEntry.objects.filter(action="campaign.create").count(), 1)

    def test_leads_come_in_their_order(self) -> None:
        campaign = self.make(SAM, EVE)
        self.assertEqual([(lead.position, lead.phone_number) for lead in leads_of(campaign)], [(1, SAM.phone_number), (2, EVE.phone_number)])

    def test_a_lead_without_a_value_refuses_all_and_is_named(self) -> None:
        with self.assertRaises(Invalid) as caught:
            self.make(SAM, EVE, system_message_template="You call {{name}} of {{company}}.")
        self.assertEqual(caught.exception.text, 'lead 2 (+31600000002): variable "company" has no value')
        self.assertEqual(Campaign.objects.count(), 0)

    def test_the_same_number_twice_is_refused(self) -> None:
        with self.assertRaises(Invalid) as caught:
            self.make(SAM, EVE, SAM)
        self.assertEqual(caught.exception.details, ["lead 3 (+31600000001): the same number as lead 1"])

    def test_what_does_not_go_together(self) -> None:
        self.assertEqual(self.refused(schedule_start_time=dt.time(17), schedule_end_time=dt.time(17)).param, "schedule_end_time")
        self.assertEqual(self.refused(timezone="Mars/Olympus").param, "timezone")
        self.assertEqual(self.refused(schedule_days=[]).param, "schedule_days")

    def test_a_launch_that_fails_stores_nothing(self) -> None:
        error = self.refused(status="scheduled")
        self.assertEqual(len(error.details), 2)
        self.assertEqual(Campaign.objects.count(), 0)


class UpdateTest(ServiceCase):
    def test_a_stale_form_is_refused_with_what_stands_now(self) -> None:
        campaign = self.make()
        self.change(campaign, name="Autumn", expected_version=1)
        with self.assertRaises(StaleCampaign) as caught:
            self.change(campaign, name="Winter", expected_version=1)
        self.assertEqual((caught.exception.current.name, caught.exception.current.version), ("Autumn", 2))

    def test_nothing_new_changes_nothing(self) -> None:
        campaign = self.make()
        self.assertEqual(self.change(campaign, name="Recall").version, 1)

    def test_a_number_of_its_own_and_back_to_any(self) -> None:
        campaign, number = self.make(), factories.make_number(self.client_org)
        self.assertTrue(self.change(campaign, number=number).has_own_number)
        self.assertFalse(self.change(campaign, number=None).has_own_number)

    def test_the_assistant_changes_only_when_it_was_deleted(self) -> None:
        campaign, other = self.make(), factories.make_assistant(self.client_org)
        with self.assertRaises(Conflict):
            self.change(campaign, assistant=other)
        self.assistant.change(NOON, deleted_at=NOON)
        self.assertEqual(self.change(campaign, assistant=other).assistant, other)

    def test_a_running_campaign_takes_no_template_its_leads_cannot_fill(self) -> None:
        make_line(self.client_org)
        campaign = self.make(SAM, EVE, status="scheduled")
        with self.assertRaises(Invalid) as caught:
            self.change(campaign, system_message_template="{{company}}")
        self.assertEqual(caught.exception.param, "system_message_template")
        self.assertEqual(self.change(campaign, system_message_template="{{name}}").system_message_template, "{{name}}")

    def test_what_is_over_stays_as_it_is(self) -> None:
        for status in ("completed", "cancelled"):
            campaign = factories.make_campaign(self.client_org, status=status)
            with self.assertRaises(Conflict):
                self.change(campaign, name="Other")
            with self.assertRaises(Conflict):
                self.change(campaign, status="scheduled")
            delete_campaign(campaign=campaign, by=SYSTEM, now=NOON)


class LaunchTest(ServiceCase):
    def test_every_problem_is_named(self) -> None:
        campaign = self.make(system_message_template="{{name}}")
        self.assistant.change(NOON, is_active=False)
        with self.assertRaises(Invalid) as caught:
            start_campaign(campaign=campaign, by=SYSTEM, now=NOON)
        self.assertEqual(len(caught.exception.details), 3)
        self.assertIn("not active", caught.exception.details[0])
        self.assertIn("trunk", caught.exception.details[1])
        self.assertIn("no lead", caught.exception.details[2])

    def test_a_lead_without_a_value_is_named_by_place_and_number(self) -> None:
        make_line(self.client_org)
        campaign = self.make(SAM, EVE)
        self.change(campaign, system_message_template="{{company}} {{ name }}")
        with self.assertRaises(Invalid) as caught:
            start_campaign(campaign=campaign, by=SYSTEM, now=NOON)
        self.assertEqual(caught.exception.details, ['lead 2 (+31600000002): variable "company" has no value'])
        self.assertEqual(caught.exception.param, "leads")

    def test_names_are_case_sensitive_and_may_hold_odd_signs(self) -> None:
        make_line(self.client_org)
        campaign = self.make(NewLead("+31600000003", {"Prénom d'usage": "Zoë", "a.b": "1", "100%": "2"}))
        self.change(campaign, system_message_template="{{Prénom d'usage}} {{a.b}} {{100%}}")
        self.assertEqual(launch_problems(campaign, now=NOON), [])
        self.change(campaign, system_message_template="{{prénom d'usage}}")
        self.assertEqual(len(launch_problems(Campaign.objects.get(pk=campaign.pk), now=NOON)), 1)

    def test_a_long_list_is_cut_and_counted(self) -> None:
        make_line(self.client_org)
        campaign = self.make(*(NewLead(f"+3160000{number:04d}") for number in range(130)))
        self.change(campaign, system_message_template="{{name}}")
        campaign.refresh_from_db()
        problems = launch_problems(campaign, now=NOON)
        self.assertEqual((len(problems), problems[-1]), (101, "30 more leads lack a value"))

    def test_started_paused_and_resumed(self) -> None:
        make_line(self.client_org)
        campaign = start_campaign(campaign=self.make(SAM), by=SYSTEM, now=NOON)
        self.assertEqual((campaign.status, campaign.started_at), ("scheduled", NOON))
        campaign = pause_campaign(campaign=campaign, by=SYSTEM, now=NOON)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "person"))
        campaign = start_campaign(campaign=campaign, by=SYSTEM, now=NOON + dt.timedelta(hours=1))
        self.assertEqual((campaign.status, campaign.paused_by, campaign.started_at), ("scheduled", "", NOON))
        self.assertEqual(
            list(AuditEntry.objects.order_by("id").values_list("action", flat=True)),
            ["campaign.create", "campaign.start", "campaign.pause", "campaign.start"],
        )

    def test_steps_that_are_not_allowed(self) -> None:
        with self.assertRaises(Conflict):
            pause_campaign(campaign=self.make(), by=SYSTEM, now=NOON)
        with self.assertRaises(Invalid):
            self.change(self.make(), status="completed")

    def test_a_person_s_pause_takes_over_from_the_balance_s(self) -> None:
        campaign = factories.make_campaign(self.client_org, status="paused", paused_by="balance")
        self.assertEqual(pause_campaign(campaign=campaign, by=SYSTEM, now=NOON).paused_by, "person")


class FlightTest(TenantCase):
    """Pause, cancel and delete while calls are reserved and running."""

    def setUp(self) -> None:
        sandbox()
        make_line(self.client_org)
        factories.add_credits(self.agency, 100)
        self.enterContext(override_settings(BILL_SIMULATED_CALLS=True))
        self.campaign = running_campaign(self.client_org, 4, max_concurrent_calls=3)
        tick(self.campaign)
        self.enterContext(self.acting_for(self.client_org))
        self.sent = calls_of(self.campaign)[0]
        self.sent.dial = "sending"
        self.sent.save(update_fields=["dial"])

    def states(self) -> list[str]:
        return [lead.status for lead in leads_of(self.campaign)]

    def test_a_pause_takes_back_what_was_not_sent(self) -> None:
        pause_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.assertEqual(self.states(), ["calling", "pending", "pending", "pending"])
        self.assertEqual([call.dial for call in calls_of(self.campaign)], ["sending", "refused", "refused"])
        self.assertEqual([lead.attempts for lead in leads_of(self.campaign)], [0, 0, 0, 0])
        self.assertEqual(calls_of(self.campaign)[0].wanted_until, NOON)  # nobody sends it a second time
        self.assertEqual(Hold.objects.filter(organization=self.agency).open().count(), 1)

    def test_a_resume_calls_them_again_under_new_keys(self) -> None:
        pause_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)
        start_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.campaign.refresh_from_db()
        self.assertEqual(tick(self.campaign, NOON + dt.timedelta(seconds=1)), 2)
        second = leads_of(self.campaign)[1]
        self.assertEqual(calls_of(self.campaign)[-2].key, f"lead:{second.pk}:2")

    def test_a_cancellation_skips_what_waits_and_running_calls_finish(self) -> None:
        cancel_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.assertEqual(self.states(), ["calling", "skipped", "skipped", "skipped"])
        end_call(self.sent, **failed("busy"))
        self.campaign.refresh_from_db()
        tick(self.campaign)
        self.assertEqual((self.states()[0], self.campaign.status), ("skipped", "cancelled"))

    def test_a_deletion_stops_dialling_and_keeps_calls(self) -> None:
        delete_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.assertEqual([call.dial for call in calls_of(self.campaign)], ["sending", "refused", "refused"])
        self.assertEqual((Lead.objects.count(), Attempt.objects.count()), (0, 0))
        self.assertEqual(tick(self.campaign), 0)
        with self.assertRaises(NotFound):
            delete_campaign(campaign=self.campaign, by=SYSTEM, now=NOON)

    def test_a_lead_that_is_being_called_cannot_be_removed(self) -> None:
        first, *_others, last = leads_of(self.campaign)
        with self.assertRaises(Conflict):
            remove_lead(campaign=self.campaign, lead_id=first.pk, by=SYSTEM, now=NOON)
        remove_lead(campaign=self.campaign, lead_id=last.pk, by=SYSTEM, now=NOON)
        with self.assertRaises(NotFound):
            remove_lead(campaign=self.campaign, lead_id=last.pk, by=SYSTEM, now=NOON)


class LeadTest(ServiceCase):
    def test_a_lead_goes_to_the_end(self) -> None:
        campaign = self.make(SAM)
        lead = add_lead(campaign=campaign, lead=EVE, by=SYSTEM, now=NOON)
        self.assertEqual((lead.position, lead.variables), (2, dict(EVE.variables)))

    def test_a_number_is_in_a_campaign_once(self) -> None:
        campaign = self.make(SAM)
        with self.assertRaises(Conflict) as caught:
            add_lead(campaign=campaign, lead=SAM, by=SYSTEM, now=NOON)
        self.assertEqual(caught.exception.type, "already_exists")

    def test_a_missing_value_is_named(self) -> None:
        campaign = self.make(system_message_template="{{company}}")
        with self.assertRaises(Invalid) as caught:
            add_lead(campaign=campaign, lead=EVE, by=SYSTEM, now=NOON)
        self.assertEqual(caught.exception.text, 'variable "company" has no value')

    def test_nothing_is_added_to_what_is_over(self) -> None:
        campaign = factories.make_campaign(self.client_org, status="completed")
        with self.assertRaises(Conflict):
            add_lead(campaign=campaign, lead=SAM, by=SYSTEM, now=NOON)


class RetentionTest(ServiceCase):
    def test_leads_follow_metadata_retention(self) -> None:
        old = NOON - dt.timedelta(days=self.client_org.metadata_retention_days + 1)
        expired = factories.make_campaign(self.client_org, status="completed", finished_at=old)
        kept = factories.make_campaign(self.client_org, status="completed", finished_at=NOON)
        for campaign in (expired, kept):
            factories.make_lead(campaign)
        self.assertEqual(erase_expired(organization=self.client_org, now=NOON), 1)
        self.assertEqual((len(leads_of(expired)), len(leads_of(kept))), (0, 1))
        self.assertEqual(erase_expired(organization=self.client_org, now=NOON), 0)


class RuleLaunchTest(ServiceCase):
    """The rules of a country hinder a start only when they leave nobody to call."""

    def setUp(self) -> None:
        super().setUp()
        make_line(self.client_org)

    def test_nobody_may_be_called(self) -> None:
        campaign = self.make(SAM, purpose="marketing")
        (problem,) = launch_problems(campaign, now=NOON)
        self.assertTrue(problem.startswith("Netherlands: 1 lead has no consent on file"), problem)
        with self.assertRaises(Invalid) as caught:
            start_campaign(campaign=campaign, by=SYSTEM, now=NOON)
        self.assertEqual(caught.exception.details, [problem])

    def test_one_with_consent_is_enough_and_so_is_a_service(self) -> None:
        campaign = self.make(SAM, NewLead("+31600000009", consent="express", consent_at=NOON), purpose="marketing")
        self.assertEqual(launch_problems(campaign, now=NOON), [])
        self.assertEqual(launch_problems(self.make(NewLead("+31600000008")), now=NOON), [])

    def test_hours_that_never_meet_the_rules(self) -> None:
        night = [{"days": [1], "start": "03:00", "end": "04:00"}]
        lead = NewLead("+31600000009", consent="express", consent_at=NOON)
        (problem,) = launch_problems(self.make(lead, purpose="marketing", windows=night), now=NOON)
        self.assertIn("can never be called", problem)


class SettingsTest(ServiceCase):
    def test_a_running_campaign_takes_some_settings_and_is_looked_at_again(self) -> None:
        make_line(self.client_org)
        campaign = self.make(SAM, status="scheduled")
        campaign.change(NOON, sleeps_until=NOON + dt.timedelta(hours=1))
        changed = self.change(campaign, starts=3, budget=5_000_000)
        self.assertEqual((changed.starts, changed.budget, changed.sleeps_until), (3, 5_000_000, None))
        with self.assertRaises(Conflict) as caught:
            self.change(campaign, purpose="marketing", starts=4)
        self.assertEqual(caught.exception.param, "purpose")
        self.assertEqual(Campaign.objects.get(pk=campaign.pk).starts, 3)

    def test_who_attests_and_since_when(self) -> None:
        campaign = self.make(attestation=" Asked. ")
        self.assertEqual((campaign.attestation, campaign.attested_by, campaign.attested_at), ("Asked.", SYSTEM.label, NOON))
        later = NOON + dt.timedelta(hours=1)
        update_campaign(campaign=campaign, values={"attestation": "Asked.", "name": "B"}, by=SYSTEM, now=later)
        self.assertEqual(Campaign.objects.get(pk=campaign.pk).attested_at, NOON)
        update_campaign(campaign=campaign, values={"attestation": ""}, by=SYSTEM, now=later)
        self.assertIsNone(Campaign.objects.get(pk=campaign.pk).attested_at)

    def test_what_cannot_be(self) -> None:
        other = factories.make_assistant(self.client_org)
        morning = {"days": [1], "start": "09:00", "end": "12:00"}
        for values, param in (
            ({"windows": []}, "windows"), ({"windows": [morning | {"days": []}]}, "windows"), ({"windows": [morning | {"end": "x"}]}, "windows"),
            ({"windows": [morning, morning | {"days": [1, 2], "start": "11:59"}]}, "windows"), ({"windows": [morning | {"end": "09:00"}]}, "windows"),
            ({"retry_rules": {"weather": {}}}, "retry_rules"), ({"retry_rules": {"busy": {"delays": [5] * 10}}}, "retry_rules"),
            ({"floor_calls": 2}, "floor_calls"), ({"breaker_seconds": 9}, "breaker_seconds"), ({"budget": 0}, "budget"),
            ({"variant_percent": 10}, "variant_assistant_id"), ({"variant_assistant": other}, "variant_percent"),
            ({"variant_assistant": self.assistant, "variant_percent": 10}, "variant_assistant_id"),
            ({"variant_version": 1000, "variant_percent": 10}, "variant_version"), ({"report_emails": ["x"]}, "report_emails"),
        ):  # fmt: skip
            self.assertEqual(self.refused(**values).param, param, values)
        self.assertEqual(self.make(windows=[morning, morning | {"start": "12:00", "end": "24:00"}]).status, "draft")
