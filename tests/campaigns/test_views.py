"""The pages of campaigns: the list, the form, and who may do what."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

from django.urls import reverse

from apps.campaigns.models import Campaign, Upload
from apps.campaigns.pages_list import list_page
from tests import factories
from tests.campaigns.page_case import PARTIAL, SAMPLE, PageCase


class ListTest(PageCase):
    def test_an_empty_list_says_what_to_do_next(self) -> None:
        page = self.as_(self.dov).get(reverse("campaigns", args=[self.stranger.slug])).content.decode()
        self.assertIn("No campaigns yet", page)
        self.assertIn(reverse("campaign_create", args=[self.stranger.slug]), page)

    def test_rows_show_status_progress_and_hours(self) -> None:
        self.change(status="paused", paused_by="balance", schedule_days=[1, 2, 3, 4, 5])
        for status in ("completed", "failed", "pending", "pending"):
            factories.make_lead(self.campaign, status=status)
        page = self.page("campaigns")
        for words in ("Spring recall", "Robin", "Paused", "no balance", "2 of 4 leads done", "Mon–Fri 09:00–17:00"):
            self.assertIn(words, page)
        self.assertIn("Completed: 1", page)

    def test_a_deleted_campaign_is_gone(self) -> None:
        self.change(deleted_at=factories.NOW)
        self.assertNotIn("Spring recall", self.page("campaigns"))
        self.assertEqual(self.browser.get(self.url("campaign", self.campaign.pk)).status_code, 404)

    def test_as_many_queries_for_three_as_for_one(self) -> None:
        factories.make_lead(self.campaign)
        for _count in range(3):
            with self.acting_for(self.client_org), self.assertNumQueries(3):
                self.assertTrue(list_page(self.client_org, {}, factories.NOW)["rows"][0]["total"])
            factories.make_lead(self.make())


class FormTest(PageCase):
    def post(self, page: str, /, *args: Any, **changes: Any) -> Any:
        return self.browser.post(self.url(page, *args), self.values(**changes))

    def test_create_from_the_form(self) -> None:
        answer = self.post("campaign_create", number=str(self.number.pk))
        with self.acting_for(self.client_org):
            made = Campaign.objects.get(name="Autumn recall")
        self.assertRedirects(answer, self.url("campaign", made.pk), fetch_redirect_response=False)
        self.assertEqual((made.status, made.schedule_days, made.timezone), ("draft", [1, 2, 3], "Europe/Berlin"))
        self.assertEqual((made.schedule_start_time, made.max_attempts), (dt.time(9, 30), 2))
        self.assertEqual((made.number_id, made.has_own_number), (self.number.pk, True))

    def test_what_does_not_fit_comes_back_at_its_field_with_everything_typed(self) -> None:
        answer = self.post(
            "campaign_create", schedule_end_time="09:30", timezone="Europe/Nowhere", schedule_days=[], name="Kept"
        )
        page = html.unescape(answer.content.decode())
        self.assertEqual(answer.status_code, 422)
        for words in (
            "must be after their start",
            "There is no time zone “Europe/Nowhere”",
            "at least one day",
            'value="Kept"',
        ):
            self.assertIn(words, page)

    def test_only_own_active_assistants_and_own_numbers_can_be_chosen(self) -> None:
        other = factories.make_assistant(self.stranger, name="Stranger's")
        agencys = factories.make_assistant(self.agency, name="Agency's")
        off = factories.make_assistant(self.client_org, name="Switched off", is_active=False)
        line = factories.make_number(self.stranger, transfer_trunk=factories.make_trunk(self.stranger))
        page = html.unescape(self.page("campaign_create"))
        for words in ("Stranger's", "Agency's", "Switched off", str(line.pk)):
            self.assertNotIn(words, page)
        for assistant in (other, agencys, off):
            self.assertEqual(self.post("campaign_create", assistant=str(assistant.pk)).status_code, 422)
        self.assertEqual(self.post("campaign_create", number=str(line.pk)).status_code, 422)

    def test_without_a_number_that_can_dial_it_warns(self) -> None:
        page = self.as_(self.dov).get(reverse("campaign_create", args=[self.stranger.slug])).content.decode()
        self.assertIn("No number can call out yet", page)
        self.assertIn("There is no active assistant", page)

    def test_edit_and_the_stale_form(self) -> None:
        edit = ("campaign_edit", self.campaign.pk)
        self.assertEqual(self.post(*edit, version="1").status_code, 302)
        self.assertEqual(self.stored().name, "Autumn recall")
        answer = self.post(*edit, version="1", name="Mine", timezone="Europe/Paris")
        page = answer.content.decode()
        self.assertEqual(answer.status_code, 409)
        self.assertIn("data-conflict", page)
        self.assertEqual(self.stored().name, "Autumn recall")
        compared = page.partition("data-conflict")[2].partition("</table>")[0]
        for words in ("Mine", "Autumn recall", "Europe/Paris", "Europe/Berlin"):
            self.assertIn(words, compared)
        self.assertNotIn("max_attempts", compared)
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        self.assertEqual(self.post(*edit, version=version[1], name="Mine").status_code, 302)
        self.assertEqual(self.stored().name, "Mine")

    def test_the_assistant_of_a_campaign_stays_unless_it_was_deleted(self) -> None:
        second = factories.make_assistant(self.client_org, name="Second")
        self.post("campaign_edit", self.campaign.pk, version="1", assistant=str(second.pk))
        self.assertEqual(self.stored().assistant_id, self.assistant.pk)
        with self.acting_for(self.client_org):
            type(self.assistant).objects.filter(pk=self.assistant.pk).update(deleted_at=factories.NOW)
        self.post("campaign_edit", self.campaign.pk, version="2", assistant=str(second.pk))
        self.assertEqual(self.stored().assistant_id, second.pk)

    def test_a_lost_number_must_be_chosen_again(self) -> None:
        self.change(has_own_number=True, number=None)
        answer = self.post("campaign_edit", self.campaign.pk, version="1", number="")
        self.assertEqual(answer.status_code, 422)
        self.assertIn("Its number was deleted", answer.content.decode())
        self.assertEqual(self.post("campaign_edit", self.campaign.pk, version="1").status_code, 302)
        self.assertFalse(self.stored().has_own_number)

    def test_a_finished_campaign_is_not_edited_but_duplicated(self) -> None:
        self.change(status="completed")
        self.assertEqual(self.browser.get(self.url("campaign_edit", self.campaign.pk)).status_code, 409)
        page = self.page("campaign_create", copy=str(self.campaign.pk))
        self.assertIn("Copy of Spring recall", page)


class RoleTest(PageCase):
    def setUp(self) -> None:
        super().setUp()
        viewer = factories.make_user("Vic")
        factories.make_member(self.client_org, viewer, "viewer")
        self.viewer = self.as_(viewer)
        self.lead = factories.make_lead(self.campaign)
        self.acts = [
            ("campaign_create", ()), *((f"campaign_{name}", (self.campaign.pk,)) for name in ("edit", "start", "pause", "resume", "cancel", "delete")),
            ("lead_add", (self.campaign.pk,)), ("lead_import", (self.campaign.pk,)),
            ("lead_remove", (self.campaign.pk, self.lead.pk)),
        ]  # fmt: skip

    def test_a_viewer_reads_and_changes_nothing(self) -> None:
        page = self.page("campaign", self.campaign.pk, client=self.viewer)
        self.assertIn(self.campaign.name, page)
        for name, args in self.acts:
            self.assertNotIn(f'"{self.url(name, *args)}"', page, name)
            self.assertIn(self.viewer.post(self.url(name, *args), self.values()).status_code, (403, 302), name)
            self.assertEqual(self.viewer.post(self.url(name, *args), headers=PARTIAL).status_code, 403, name)
        self.assertEqual((self.stored().version, len(self.leads())), (1, 1))
        self.assertNotIn(self.url("campaign_create"), self.page("campaigns", client=self.viewer))
        self.page("campaign_results", self.campaign.pk, client=self.viewer)

    def test_people_of_the_agency_may_act(self) -> None:
        ben = self.as_(self.ben)
        self.assertEqual(ben.post(self.url("campaign_start", self.campaign.pk)).status_code, 302)
        self.assertEqual(self.stored().status, "scheduled")

    def test_a_stranger_finds_nothing(self) -> None:
        dov = self.as_(self.dov)
        own = reverse("campaign", args=[self.stranger.slug, self.campaign.pk])
        self.assertEqual(dov.get(own).status_code, 404)
        for name, args in [
            *self.acts,
            ("campaign", (self.campaign.pk,)),
            ("campaigns", ()),
            ("leads", (self.campaign.pk,)),
        ]:
            self.assertEqual(dov.get(self.url(name, *args)).status_code, 404, name)
            self.assertEqual(dov.post(self.url(name, *args)).status_code, 404, name)

    def test_an_upload_belongs_to_its_campaign(self) -> None:
        second = self.make()
        with self.acting_for(self.client_org):
            upload = Upload.objects.create(
                organization=self.client_org, campaign=second, filename="x.csv", content=SAMPLE
            )
        for name in ("lead_import_map", "lead_import_done", "lead_bad_rows"):
            self.assertEqual(self.browser.get(self.url(name, self.campaign.pk, upload.pk)).status_code, 404)
