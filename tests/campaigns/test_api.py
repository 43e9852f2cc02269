"""Campaigns and leads on the wire, to the letter of api 8.12."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from tests import factories
from tests.campaigns.support import NOON, leads_of, make_line
from tests.cases import TenantCase

CAMPAIGN_KEYS = {
    "id", "created_at", "updated_at", "name", "agent_id", "assistant_id", "status", "system_message_template",
    "schedule_start_time", "schedule_end_time", "timezone", "total_leads", "completed_leads", "failed_leads", "number_id",
    "schedule_days", "max_attempts", "retry_delay_minutes", "max_concurrent_calls",
}  # fmt: skip
OURS = {
    "windows": None, "uses_lead_zone": False, "skips_holidays": False, "region": None, "purpose": "service", "attestation": None,
    "attested_by": None, "attested_at": None, "retry_rules": {}, "max_attempts_per_day": None, "spreads_day_parts": False,
    "voicemail_counts": "message", "starts": None, "starts_seconds": 1, "floor_calls": 0, "priority": 2,
    "breaker_percent": 50, "breaker_seconds": 120, "breaker_calls": 5, "budget": None, "variant_assistant_id": None,
    "variant_version": None, "variant_percent": 0, "report_emails": [],
}  # fmt: skip
LEAD_KEYS = {
    "id", "campaign_id", "created_at", "updated_at", "phone_number", "name", "variables", "status", "call_id", "attempts",
    "last_attempt_at", "timezone", "region", "consent", "consent_at", "consent_proof",
}  # fmt: skip
INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


class ApiCase(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)
        self.assistant = factories.make_assistant(self.client_org)

    def make(self, **body: Any) -> dict[str, Any]:
        answer = self.cleo_api.post("/campaigns", {"name": "Spring recall", "agent_id": str(self.assistant.pk)} | body)
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()["campaign"]

    def refused(self, answer: Any, status: int, type: str, param: str | None = None) -> dict[str, Any]:
        body = answer.json()
        self.assertEqual((answer.status_code, body["type"], body.get("param")), (status, type, param), body)
        self.assertIsInstance(body["error"], str)
        return body


class CampaignTest(ApiCase):
    def test_the_example_of_the_contract(self) -> None:
        body = self.make(
            system_message_template="You call {{name}} of {{company}}.", schedule_start_time="09:00:00",
            schedule_end_time="17:00:00", timezone="Europe/Amsterdam",
            leads=[{"phone_number": "+31600000001", "variables": {"name": "Sam", "company": "Acme"}}],
        )  # fmt: skip
        self.assertEqual(set(body), CAMPAIGN_KEYS | set(OURS))
        self.assertEqual({key: body[key] for key in OURS}, OURS)
        self.assertEqual((body["status"], body["total_leads"], body["number_id"]), ("draft", 1, None))
        self.assertEqual(body["agent_id"], body["assistant_id"])
        self.assertRegex(body["created_at"], INSTANT)

    def test_defaults(self) -> None:
        body = self.make()
        defaults = {
            "status": "draft", "system_message_template": None, "schedule_start_time": "09:00:00",
            "schedule_end_time": "17:00:00", "timezone": "Europe/Amsterdam", "schedule_days": [1, 2, 3, 4, 5, 6, 7],
            "max_attempts": 3, "retry_delay_minutes": 60, "max_concurrent_calls": 1, "total_leads": 0,
            "completed_leads": 0, "failed_leads": 0,
        }  # fmt: skip
        self.assertEqual({key: body[key] for key in defaults}, defaults)

    def test_short_times_are_taken_and_long_ones_given(self) -> None:
        body = self.make(schedule_start_time="08:30", schedule_end_time="18:00")
        self.assertEqual((body["schedule_start_time"], body["schedule_end_time"]), ("08:30:00", "18:00:00"))

    def test_the_first_spelling_of_the_assistant_wins(self) -> None:
        other = factories.make_assistant(self.client_org)
        self.assertEqual(self.make(assistant_id=str(other.pk))["agent_id"], str(other.pk))

    def test_what_is_refused(self) -> None:
        for sent, param in (
            ({"timezone": "Mars/Olympus"}, "timezone"), ({"schedule_start_time": "9 o'clock"}, "schedule_start_time"),
            ({"schedule_end_time": "08:00"}, "schedule_end_time"), ({"status": "completed"}, "status"),
            ({"status": "paused"}, "status"), ({"max_attempts": 11}, "max_attempts"),
            ({"retry_delay_minutes": 4}, "retry_delay_minutes"), ({"max_concurrent_calls": 51}, "max_concurrent_calls"),
            ({"schedule_days": [0]}, "schedule_days.0"), ({"schedule_days": []}, "schedule_days"),
            ({"number_id": str(uuid4())}, "number_id"), ({"leads": "many"}, "leads"), ({"name": ""}, "name"),
        ):  # fmt: skip
            answer = self.cleo_api.post("/campaigns", {"name": "A", "agent_id": str(self.assistant.pk)} | sent)
            self.refused(answer, 400, "invalid_value", param)
        self.refused(self.cleo_api.post("/campaigns", {"agent_id": str(self.assistant.pk)}), 400, "missing_field", "name")
        self.refused(self.cleo_api.post("/campaigns", {"name": "A"}), 400, "missing_field", "assistant_id")

    def test_an_unknown_assistant_is_404(self) -> None:
        theirs = factories.make_assistant(self.stranger)
        deleted = factories.make_assistant(self.client_org, deleted_at=NOON)
        for pk in (uuid4(), theirs.pk, deleted.pk):
            answer = self.cleo_api.post("/campaigns", {"name": "A", "assistant_id": str(pk)})
            self.refused(answer, 404, "not_found")

    def test_leads_with_problems_are_named_by_place_and_number(self) -> None:
        sent = {
            "name": "A", "agent_id": str(self.assistant.pk), "system_message_template": "{{company}}",
            "leads": [
                {"phone_number": "+31600000001", "variables": {"company": "Acme"}},
                {"phone_number": "+31600000002", "variables": {"company": "Beta"}},
                {"phone_number": "+31600000007", "variables": {"name": "Eve"}},
            ],
        }  # fmt: skip
        body = self.refused(self.cleo_api.post("/campaigns", sent), 400, "invalid_value", "leads")
        self.assertEqual(body["message"], 'lead 3 (+31600000007): variable "company" has no value')
        self.assertEqual((body["error"], body["details"]), ("Validation failed", [body["message"]]))
        sent["leads"] = [{"phone_number": "06 12345678"}, {"name": "Sam"}, "Eve"]
        body = self.refused(self.cleo_api.post("/campaigns", sent), 400, "invalid_value", "leads")
        self.assertEqual(len(body["details"]), 3)
        self.assertTrue(body["details"][0].startswith("lead 1 (06 12345678): phone_number: "))
        self.assertEqual(body["details"][1], "lead 2: phone_number: this field is required")

    def test_patch_changes_only_what_was_sent(self) -> None:
        made = self.make(system_message_template="Hello")
        path = f"/campaigns/{made['id']}"
        self.assertEqual(self.cleo_api.patch(path, {}).json()["campaign"], made)
        number = make_line(self.client_org)
        sent = {
            "name": "Autumn", "system_message_template": None, "schedule_days": [5, 1, 1], "timezone": "UTC",
            "number_id": str(number.pk), "max_attempts": 1, "retry_delay_minutes": 5, "max_concurrent_calls": 50,
            "agent_id": str(uuid4()), "unknown": 1,
        }  # fmt: skip
        body = self.cleo_api.patch(path, sent).json()["campaign"]
        self.assertEqual(body["schedule_days"], [1, 5])
        self.assertEqual((body["name"], body["system_message_template"]), ("Autumn", None))
        self.assertEqual((body["number_id"], body["agent_id"]), (str(number.pk), made["agent_id"]))
        self.refused(self.cleo_api.patch(path, {"name": None}), 400, "invalid_value", "name")
        self.refused(self.cleo_api.patch(path, {"schedule_end_time": "08:00"}), 400, "invalid_value", "schedule_end_time")

    def test_what_is_ours_is_set_read_and_patched(self) -> None:
        other = factories.make_assistant(self.client_org)
        sent = {
            "windows": [{"days": [2, 1, 1], "start": "09:00:00", "end": "12:00"}, {"days": [5], "start": "22:00", "end": "02:00"}],
            "uses_lead_zone": True, "skips_holidays": True, "region": "DE-BY", "purpose": "marketing",
            "retry_rules": {"busy": {"attempts": 5, "delays": [10, 30]}, "short_call": {"seconds": 8}},
            "max_attempts_per_day": 2, "spreads_day_parts": True, "voicemail_counts": "never", "starts": 5, "starts_seconds": 10,
            "floor_calls": 1, "priority": 3, "breaker_percent": 0, "breaker_seconds": 60, "breaker_calls": 10,
            "budget": 12.34567, "variant_assistant_id": str(other.pk), "variant_version": None, "variant_percent": 30,
            "report_emails": [" sales@example.com ", "sales@example.com"],
        }  # fmt: skip
        read = sent | {
            "windows": [{"days": [1, 2], "start": "09:00", "end": "12:00"}, {"days": [5], "start": "22:00", "end": "02:00"}],
            "budget": 12.3457, "report_emails": ["sales@example.com"],
        }  # fmt: skip
        made = self.make(**sent)
        self.assertEqual({key: made[key] for key in read}, read)
        path = f"/campaigns/{made['id']}"
        self.assertEqual(self.cleo_api.get(path).json()["campaign"], made)
        back = {key: value for key, value in OURS.items() if not key.startswith("attested")}
        body = self.cleo_api.patch(path, back).json()["campaign"]
        self.assertEqual({key: body[key] for key in OURS}, OURS)

    def test_an_attestation_is_stated_by_whoever_sends_it(self) -> None:
        made = self.make(attestation="Asked in the shop.")
        self.assertEqual(made["attestation"], "Asked in the shop.")
        self.assertTrue(made["attested_by"].startswith("API key"))
        self.assertRegex(made["attested_at"], INSTANT)
        path = f"/campaigns/{made['id']}"
        again = self.cleo_api.patch(path, {"attestation": "Asked in the shop.", "attested_by": "Eve", "attested_at": None})
        self.assertEqual(again.json()["campaign"], made)
        body = self.cleo_api.patch(path, {"attestation": None}).json()["campaign"]
        self.assertEqual((body["attestation"], body["attested_by"], body["attested_at"]), (None, None, None))

    def test_what_only_a_campaign_at_rest_takes(self) -> None:
        make_line(self.client_org)
        path = f"/campaigns/{self.make(leads=[{'phone_number': '+31600000001'}], status='scheduled')['id']}"
        for sent in ({"purpose": "marketing"}, {"windows": [{"days": [1], "start": "09:00", "end": "12:00"}]}, {"retry_rules": {"busy": {}}}):
            self.refused(self.cleo_api.patch(path, sent), 409, "invalid_state", next(iter(sent)))
        body = self.cleo_api.patch(path, {"budget": 5, "starts": 3, "schedule_end_time": "18:00"}).json()["campaign"]
        self.assertEqual((body["budget"], body["starts"], body["schedule_end_time"]), (5, 3, "18:00:00"))
        body = self.cleo_api.patch(path, {"purpose": "service", "status": "paused", "spreads_day_parts": True}).json()["campaign"]
        self.assertEqual((body["status"], body["spreads_day_parts"]), ("paused", True))

    def test_settings_that_do_not_go_together_are_named_with_details(self) -> None:
        for sent, param in (
            ({"floor_calls": 2, "max_concurrent_calls": 1}, "floor_calls"), ({"variant_percent": 50}, "variant_assistant_id"),
            ({"variant_percent": 50, "variant_version": 99}, "variant_version"), ({"budget": 0}, "budget"), ({"budget": "5"}, "budget"),
            ({"windows": []}, "windows"), ({"windows": [{"days": [1], "start": "9", "end": "12:00"}]}, "windows"),
            ({"retry_rules": {"weather": {}}}, "retry_rules"), ({"priority": "high"}, "priority"), ({"report_emails": ["x"]}, "report_emails"),
        ):  # fmt: skip
            answer = self.cleo_api.post("/campaigns", {"name": "A", "agent_id": str(self.assistant.pk)} | sent)
            self.assertTrue(self.refused(answer, 400, "invalid_value", param)["details"], sent)

    def test_somebody_elses_assistant_is_no_variant(self) -> None:
        theirs = factories.make_assistant(self.stranger)
        sent = {"name": "A", "agent_id": str(self.assistant.pk), "variant_percent": 50, "variant_assistant_id": str(theirs.pk)}
        self.refused(self.cleo_api.post("/campaigns", sent), 400, "invalid_value", "variant_assistant_id")

    def test_its_way_by_status(self) -> None:
        make_line(self.client_org)
        made = self.make(leads=[{"phone_number": "+31600000001"}])
        path = f"/campaigns/{made['id']}"
        for status in ("scheduled", "paused", "scheduled", "cancelled"):
            self.assertEqual(self.cleo_api.patch(path, {"status": status}).json()["campaign"]["status"], status)
        self.refused(self.cleo_api.patch(path, {"status": "scheduled"}), 409, "invalid_state")
        self.refused(self.cleo_api.patch(path, {"name": "B"}), 409, "invalid_state")
        self.refused(self.cleo_api.patch(path, {"status": "completed"}), 400, "invalid_value", "status")
        self.refused(self.cleo_api.post(f"{path}/leads", {"phone_number": "+31600000002"}), 409, "invalid_state")
        self.assertEqual(self.cleo_api.delete(path).json(), {"success": True})
        self.refused(self.cleo_api.delete(path), 404, "not_found")

    def test_a_launch_names_every_problem(self) -> None:
        made = self.make()
        body = self.refused(self.cleo_api.patch(f"/campaigns/{made['id']}", {"status": "scheduled"}), 400, "invalid_value", "status")
        self.assertEqual(len(body["details"]), 2)

    def test_counts(self) -> None:
        campaign = factories.make_campaign(self.client_org)
        for status in ("completed", "completed", "failed", "skipped", "pending"):
            factories.make_lead(campaign, status=status)
        body = self.cleo_api.get(f"/campaigns/{campaign.pk}").json()["campaign"]
        self.assertEqual((body["total_leads"], body["completed_leads"], body["failed_leads"]), (5, 2, 1))
        self.assertEqual(self.cleo_api.get("/campaigns").json(), {"campaigns": [body]})

    def test_somebody_elses_campaign_is_404_for_every_method(self) -> None:
        theirs = factories.make_campaign(self.stranger)
        lead = factories.make_lead(theirs)
        path = f"/campaigns/{theirs.pk}"
        for answer in (
            self.cleo_api.get(path), self.cleo_api.patch(path, {}), self.cleo_api.delete(path),
            self.cleo_api.get(f"{path}/leads"), self.cleo_api.post(f"{path}/leads", {"phone_number": "+31600000001"}),
            self.cleo_api.delete(f"{path}/leads/{lead.pk}"),
        ):  # fmt: skip
            self.refused(answer, 404, "not_found")


class LeadTest(ApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.campaign = factories.make_campaign(self.client_org)
        self.path = f"/campaigns/{self.campaign.pk}/leads"

    def test_a_lead_is_added(self) -> None:
        answer = self.cleo_api.post(self.path, {"phone_number": "+31 6 0000-0001", "name": "Sam", "variables": {"age": 41, "vip": True, "x": None}})
        self.assertEqual(answer.status_code, 201)
        lead = answer.json()["lead"]
        self.assertEqual(set(lead), LEAD_KEYS)
        self.assertEqual(lead["variables"], {"name": "Sam", "age": "41", "vip": "true"})
        self.assertEqual((lead["phone_number"], lead["name"], lead["status"]), ("+31600000001", "Sam", "pending"))
        self.assertEqual((lead["call_id"], lead["attempts"], lead["last_attempt_at"]), (None, 0, None))

    def test_zone_region_and_consent_are_taken_and_given(self) -> None:
        about = {
            "timezone": "Europe/Berlin", "region": "Bayern", "consent": "written", "consent_at": "2026-01-14T17:30:00Z",
            "consent_proof": "form 7",
        }  # fmt: skip
        lead = self.cleo_api.post(self.path, {"phone_number": "+498912345678", **about}).json()["lead"]
        self.assertEqual({name: lead[name] for name in about}, about | {"region": "BY", "consent_at": "2026-01-14T17:30:00.000Z"})
        self.assertEqual([stored.place for stored in leads_of(self.campaign)], ["DE|BY|Europe/Berlin"])
        for name, wrong in (("timezone", "Mars/Base"), ("region", "Nowhere"), ("consent", "perhaps"), ("consent_at", "soon")):
            answer = self.cleo_api.post(self.path, {"phone_number": "+498912345679", name: wrong})
            self.assertEqual((answer.status_code, name in answer.content.decode()), (400, True))

    def test_the_name_comes_from_the_variables_first(self) -> None:
        lead = self.cleo_api.post(self.path, {"phone_number": "+31600000001", "name": "Sam", "variables": {"name": "Eve"}}).json()["lead"]
        self.assertEqual(lead["name"], "Eve")

    def test_what_is_refused(self) -> None:
        for sent, param in (
            ({"phone_number": "0612345678"}, "phone_number"),
            ({"variables": {f"v{n}": "" for n in range(51)}}, "variables"), ({"variables": {"a": "x" * 2001}}, "variables"),
            ({"variables": {"a": ["x"]}}, "variables"), ({"variables": "x"}, "variables"),
        ):  # fmt: skip
            answer = self.cleo_api.post(self.path, {"phone_number": "+31600000001"} | sent)
            self.refused(answer, 400, "invalid_value", param)
        self.refused(self.cleo_api.post(self.path, {}), 400, "missing_field", "phone_number")

    def test_a_number_twice_is_409_and_a_missing_value_400(self) -> None:
        self.cleo_api.post(self.path, {"phone_number": "+31600000001"})
        self.refused(self.cleo_api.post(self.path, {"phone_number": "+31600000001"}), 409, "already_exists", "phone_number")
        self.cleo_api.patch(f"/campaigns/{self.campaign.pk}", {"system_message_template": "{{company}}"})
        body = self.refused(self.cleo_api.post(self.path, {"phone_number": "+31600000002"}), 400, "invalid_value", "variables")
        self.assertIn('"company"', body["message"])

    def test_without_limit_all_come_oldest_first(self) -> None:
        numbers = [factories.make_lead(self.campaign).phone_number for _number in range(3)]
        answer = self.cleo_api.get(self.path)
        self.assertTrue(answer["Content-Type"].startswith("application/json"))
        body = json.loads(answer.getvalue())
        self.assertEqual([lead["phone_number"] for lead in body["leads"]], numbers)
        self.assertEqual(set(body["leads"][0]), LEAD_KEYS)
        self.assertEqual(body["pagination"], {"total": 3, "limit": 3, "offset": 0})
        self.assertIn("X-RateLimit-Limit", answer)

    def test_with_limit_and_offset(self) -> None:
        numbers = [factories.make_lead(self.campaign).phone_number for _number in range(3)]
        body = self.cleo_api.get(self.path, {"limit": 2, "offset": 1}).json()
        self.assertEqual([lead["phone_number"] for lead in body["leads"]], numbers[1:])
        self.assertEqual(body["pagination"], {"total": 3, "limit": 2, "offset": 1})
        body = json.loads(self.cleo_api.get(self.path, {"offset": 2}).getvalue())
        self.assertEqual(body["pagination"], {"total": 3, "limit": 1, "offset": 2})

    def test_an_empty_list(self) -> None:
        body = json.loads(self.cleo_api.get(self.path).getvalue())
        self.assertEqual(body, {"leads": [], "pagination": {"total": 0, "limit": 0, "offset": 0}})

    def test_a_long_list_leaves_as_a_stream(self) -> None:
        for _number in range(12):
            factories.make_lead(self.campaign, variables={"text": "x" * 100_000})
        answer = self.cleo_api.get(self.path)
        self.assertTrue(answer.streaming)
        self.assertEqual(len(json.loads(answer.getvalue())["leads"]), 12)

    def test_a_lead_is_removed_unless_it_is_being_called(self) -> None:
        lead, calling = factories.make_lead(self.campaign), factories.make_lead(self.campaign, status="calling")
        self.assertEqual(self.cleo_api.delete(f"{self.path}/{lead.pk}").json(), {"success": True})
        self.refused(self.cleo_api.delete(f"{self.path}/{lead.pk}"), 404, "not_found")
        self.refused(self.cleo_api.delete(f"{self.path}/{calling.pk}"), 409, "invalid_state")
        self.assertEqual(leads_of(self.campaign), [calling])
