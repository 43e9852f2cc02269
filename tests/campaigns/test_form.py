"""The campaign's form: every setting that a person can make, what comes back at its field, and what waits for a pause."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assistants.models import AssistantVersion
from apps.campaigns.models import Campaign
from tests import factories
from tests.campaigns.page_case import PageCase

WINDOW = {"windows-0-days": ["6"], "windows-0-start": "10:00", "windows-0-end": "14:00"}


class SettingsCase(PageCase):
    def post(self, page: str, /, *args: Any, **changes: Any) -> Any:
        return self.browser.post(self.url(page, *args), self.values(**changes))

    def made(self, **changes: Any) -> Campaign:
        answer = self.post("campaign_create", **changes)
        self.assertEqual(answer.status_code, 302, html.unescape(answer.content.decode())[-3000:] if answer.content else "")
        with self.acting_for(self.client_org):
            return Campaign.objects.get(name="Autumn recall")

    def refused(self, *words: str, status: int = 422, **changes: Any) -> str:
        answer = self.post("campaign_create", **changes)
        page = html.unescape(answer.content.decode())
        self.assertEqual(answer.status_code, status)
        for word in words:
            self.assertIn(word, page)
        with self.acting_for(self.client_org):
            self.assertEqual(Campaign.objects.exclude(pk=self.campaign.pk).count(), 0)
        return page

    def folded(self, page: str) -> set[str]:
        """The parts that are open."""
        return set(re.findall(r'<details[^>]* open[^>]*data-fold="(\w+)"', page))


class CreateTest(SettingsCase):
    def test_a_new_form_proposes_the_careful_ways_and_shows_little(self) -> None:
        page = self.page("campaign_create")
        self.assertRegex(page, r'name="purpose" value="marketing"[^>]*checked')
        self.assertRegex(page, r'name="uses_lead_zone"[^>]*checked')
        self.assertEqual(self.folded(page), set())

    def test_what_is_left_empty_is_the_standard(self) -> None:
        made, standard = self.made(), Campaign()
        for name in (
            "windows", "uses_lead_zone", "skips_holidays", "region", "attestation", "attested_at", "retry_rules", "max_attempts_per_day",
            "spreads_day_parts", "voicemail_counts", "starts", "starts_seconds", "floor_calls", "priority", "breaker_percent",
            "breaker_seconds", "breaker_calls", "budget", "variant_assistant", "variant_version", "variant_percent", "report_emails",
        ):  # fmt: skip
            self.assertEqual(getattr(made, name), getattr(standard, name), name)

    def test_everything_can_be_set_and_comes_back(self) -> None:
        other = factories.make_assistant(self.client_org, name="Second")
        made = self.made(
            **WINDOW, uses_lead_zone="on", skips_holidays="on", region="de-by", purpose="marketing", attests="on", attestation=" Asked in the shop. ",
            max_attempts_per_day="2", voicemail_counts="never", spreads_day_parts="on", retry_busy_attempts="5", retry_busy_delays="10, 30;120",
            retry_short_call_seconds="8", retry_failed_attempts="1", priority="3", starts="6", starts_seconds="10", floor_calls="1",
            breaker_percent="0", breaker_seconds="60", breaker_calls="9", budget="12.5", variant=str(other.pk), variant_percent="30",
            report_emails="a@example.com, b@example.com\na@example.com",
        )  # fmt: skip
        self.assertEqual(made.windows, [{"days": [1, 2, 3], "start": "09:30", "end": "17:00"}, {"days": [6], "start": "10:00", "end": "14:00"}])
        self.assertEqual((made.uses_lead_zone, made.skips_holidays, made.region, made.purpose), (True, True, "DE-BY", "marketing"))
        self.assertEqual((made.attestation, made.attested_by, made.attested_at is None), ("Asked in the shop.", str(self.cleo), False))
        self.assertEqual(made.retry_rules, {
            "busy": {"attempts": 5, "delays": [10, 30, 120]}, "failed": {"attempts": 1}, "short_call": {"seconds": 8},
        })  # fmt: skip
        self.assertEqual((made.max_attempts_per_day, made.voicemail_counts, made.spreads_day_parts), (2, "never", True))
        self.assertEqual((made.priority, made.starts, made.starts_seconds, made.floor_calls), (3, 6, 10, 1))
        self.assertEqual((made.breaker_percent, made.breaker_seconds, made.breaker_calls, made.budget), (0, 60, 9, 12_500_000))
        self.assertEqual((made.variant_assistant_id, made.variant_version, made.variant_percent), (other.pk, None, 30))
        self.assertEqual(made.report_emails, ["a@example.com", "b@example.com"])
        page = self.page("campaign_edit", made.pk)
        for shown in ('value="12.5"', 'value="10, 30, 120"', 'name="windows-0-start" value="10:00"', "Stated by", 'value="DE-BY"'):
            self.assertIn(shown, page)

    def test_saving_what_is_shown_changes_nothing(self) -> None:
        made = self.made(**WINDOW, retry_busy_attempts="5", retry_busy_delays="10", attests="on", attestation="Asked.", budget="0.0001")
        page = self.page("campaign_edit", made.pk)
        self.assertEqual(self.browser.post(self.url("campaign_edit", made.pk), fields_of(page)).status_code, 302)
        self.assertEqual(self.stored(made).version, 1)

    def test_a_saved_version_of_the_same_assistant_and_of_another(self) -> None:
        other = factories.make_assistant(self.client_org, name="Second")
        with self.acting_for(self.client_org):
            for assistant in (self.assistant, other):
                AssistantVersion.objects.update_or_create(organization=self.client_org, assistant=assistant, version=2)
        made = self.made(variant=f"{self.assistant.pk}:2")
        self.assertEqual((made.variant_assistant_id, made.variant_version, made.variant_percent), (None, 2, 50))
        self.post("campaign_edit", made.pk, version="1", variant=f"{other.pk}:2", variant_percent="10")
        made = self.stored(made)
        self.assertEqual((made.variant_assistant_id, made.variant_version, made.variant_percent), (other.pk, 2, 10))

    def test_what_does_not_fit_opens_its_part_and_says_what_to_do(self) -> None:
        theirs = factories.make_assistant(self.stranger, name="Stranger's")
        for changes, part, words in (
            ({"purpose": ""}, "", "marketing or service"),
            ({"attests": "on", "attestation": " "}, "consent", "Say in a sentence"),
            ({"retry_busy_delays": "soon"}, "outcomes", "Write minutes with commas"),
            ({"retry_busy_delays": "4"}, "retries", "Write minutes with commas"),
            ({"retry_busy_attempts": "11"}, "retries", "less than or equal to 10"),
            ({"floor_calls": "5"}, "pace", "cannot keep more lines"),
            ({"starts": "0"}, "pace", "greater than or equal to 1"),
            ({"breaker_percent": "101"}, "brakes", "less than or equal to 100"),
            ({"budget": "0"}, "brakes", "more than nothing"),
            ({"report_emails": "a@example.com sales"}, "report", "“sales” is no e-mail address"),
            ({"variant": str(self.assistant.pk)}, "comparison", "Choose another assistant"),
            ({"variant": str(theirs.pk)}, "comparison", "Select a valid choice"),
            ({"timezone": "Mars/Base"}, "hours", "There is no time zone"),
            ({**WINDOW, "windows-0-end": "10:00"}, "hours", "cannot end when it starts"),
            ({"windows-0-start": "10:00"}, "hours", "Choose at least one day"),
            ({**WINDOW, "windows-0-days": ["1"]}, "hours", "Two windows overlap"),
        ):  # fmt: skip
            page = self.refused(words, **changes)
            self.assertIn(part, self.folded(page) | {""}, changes)
            for name, value in changes.items():
                if isinstance(value, str) and value.strip() and name not in ("variant", "attests"):
                    self.assertIn(value, page)

    def test_a_row_that_was_left_empty_is_no_window_and_one_past_midnight_is(self) -> None:
        made = self.made(**{"windows-3-days": ["7"], "windows-3-start": "22:00", "windows-3-end": "02:00", "windows-8-start": "", "windows-8-end": ""})
        self.assertEqual(made.windows and made.windows[1:], [{"days": [7], "start": "22:00", "end": "02:00"}])


class EditTest(SettingsCase):
    def test_while_it_runs_only_name_pace_brakes_and_report_change(self) -> None:
        self.change(status="scheduled", schedule_days=[1])
        page = self.page("campaign_edit", self.campaign.pk)
        self.assertIn("The campaign is running", page)
        self.assertRegex(page, r'name="timezone"[^>]*disabled')
        self.assertNotRegex(page, r'name="budget"[^>]*disabled')
        answer = self.post(
            "campaign_edit", self.campaign.pk, version="1", budget="7", starts="2", priority="1", purpose="marketing", **WINDOW,
            report_emails="a@example.com",
        )  # fmt: skip
        self.assertEqual(answer.status_code, 302)
        found = self.stored()
        self.assertEqual((found.name, found.budget, found.starts, found.priority), ("Autumn recall", 7_000_000, 2, 1))
        self.assertEqual((found.max_concurrent_calls, found.report_emails), (4, ["a@example.com"]))
        self.assertEqual((found.schedule_days, found.windows, found.purpose, found.timezone), ([1], None, "service", self.campaign.timezone))

    def test_a_paused_campaign_takes_everything(self) -> None:
        self.change(status="paused", paused_by="person")
        self.assertEqual(self.post("campaign_edit", self.campaign.pk, version="1", **WINDOW, purpose="marketing").status_code, 302)
        self.assertEqual((self.stored().purpose, len(self.stored().windows or [])), ("marketing", 2))

    def test_both_versions_show_windows_and_switches(self) -> None:
        self.post("campaign_edit", self.campaign.pk, version="1", skips_holidays="on")
        answer = self.post("campaign_edit", self.campaign.pk, version="1", **WINDOW)
        self.assertEqual(answer.status_code, 409)
        compared = answer.content.decode().partition("data-conflict")[2].partition("</table>")[0]
        for words in ("Not on public holidays", "Further windows", "Sat 10:00–14:00"):
            self.assertIn(words, compared)
        self.assertIn('name="windows-0-start" value="10:00"', answer.content.decode())

    def test_windows_that_the_api_made_are_shown_line_by_line(self) -> None:
        windows = [{"days": [1, 2], "start": "08:00", "end": "12:00"}, {"days": [6], "start": "10:00", "end": "24:00"}]
        self.change(windows=windows)
        page = self.page("campaign_edit", self.campaign.pk)
        self.assertIn('name="schedule_start_time" value="08:00"', page)
        self.assertIn('name="windows-0-end" value="00:00"', page)
        self.browser.post(self.url("campaign_edit", self.campaign.pk), fields_of(page) | {"name": "Same hours"})
        found = self.stored()
        self.assertEqual((found.name, found.schedule_start_time), ("Same hours", dt.time(8)))
        self.assertEqual(found.windows, [windows[0], windows[1] | {"end": "00:00"}])

    def test_a_copy_takes_every_setting_but_the_statement_of_consent(self) -> None:
        made = self.made(**WINDOW, attests="on", attestation="Asked in the shop.", budget="3", priority="3", retry_busy_attempts="4")
        page = self.page("campaign_create", copy=str(made.pk))
        for shown in ('name="windows-0-start" value="10:00"', "Asked in the shop.", 'name="budget" value="3"', 'value="3" selected'):
            self.assertIn(shown, page)
        self.assertNotRegex(page, r'name="attests"[^>]*checked')
        self.browser.post(self.url("campaign_create"), fields_of(page) | {"name": "The copy"})
        with self.acting_for(self.client_org):
            copy = Campaign.objects.get(name="The copy")
        self.assertEqual((copy.windows, copy.budget, copy.retry_rules), (made.windows, made.budget, made.retry_rules))
        self.assertEqual((copy.attestation, copy.attested_at, copy.hook_id), ("", None, None))

    def test_as_many_queries_for_three_versions_as_for_one(self) -> None:
        counts = []
        for version in (1, 2, 3):
            with self.acting_for(self.client_org):
                AssistantVersion.objects.update_or_create(organization=self.client_org, assistant=self.assistant, version=version)
            factories.make_assistant(self.client_org)
            self.page("campaign_edit", self.campaign.pk)
            with CaptureQueriesContext(connection) as captured:
                self.page("campaign_edit", self.campaign.pk)
            counts.append(len(captured))
        self.assertEqual(len(set(counts)), 1, counts)


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the campaign's form: outside templates and <noscript>."""
    form = re.search(r'<form method="post" id="campaign-form".*?</form>', page, re.DOTALL)
    assert form
    text = re.sub(r"<template>.*?</template>|<noscript>.*?</noscript>", "", form[0], flags=re.DOTALL)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", text):
        name, kind = _attribute(tag, "name"), _attribute(tag, "type")
        if not name or (kind in ("checkbox", "radio") and not re.search(r"\schecked", tag)):
            continue
        value = _attribute(tag, "value") or ("on" if kind == "checkbox" else "")
        found[name] = [*found[name], value] if isinstance(found.get(name), list) else [value] if name.endswith("days") else value
    for name, content in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = html.unescape(content).removeprefix("\n")
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]*selected', options) or re.search(r'<option value="([^"]*)"', options)
        found[name] = chosen[1] if chosen else ""
    return found


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""
