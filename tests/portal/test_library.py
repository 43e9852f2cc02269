"""The library: copies without secrets, three-way updates, pushes that go on, and the way back."""

from __future__ import annotations

import copy
from typing import Any
from unittest import mock

from apps.assistants.models import AnalysisTemplate, Assistant, ToolTemplate
from apps.assistants.services import update_assistant, values_of
from apps.core import db
from apps.organizations.models import Job, Organization
from apps.organizations.services import Actor
from apps.portal.models import LibraryCopy, LibraryItem
from apps.portal.services import library, library_pushes
from apps.portal.services.library_values import compare, merged, portable
from tests import factories
from tests.cases import TenantCase

ADA = Actor("Ada")
TOOL = {
    "type": "function", "name": "check_slot", "description": "Checks", "url": "https://93.184.216.34/slot",
    "server": {"secret": "s3cret"}, "headers": {"X-Key": "hidden"},
}  # fmt: skip


def with_llm(**parts: Any) -> dict[str, Any]:
    config = copy.deepcopy(values_of(Assistant(**factories.defaults()))["llm_config"])
    return {"llm_config": {**config, **parts}}


def messages(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": text}]


class PortableTest(TenantCase):
    def assistant(self, **fields: Any) -> Assistant:
        return factories.make_assistant(self.agency, **fields)

    def test_neither_secrets_nor_addresses_nor_numbers_travel(self) -> None:
        tools = [
            TOOL,
            {"type": "mcp", "mcp_server_id": "00000000-0000-7000-8000-000000000009"},
            {"type": "transfer_call", "destinations": [{"number": "+31850009999"}]},
        ]
        thing = self.assistant(
            webhook_url="https://agency.example/hook", webhook_secret="w3bhook", notification_email="a@agency.example",
            analysis_plan={"structured_data_plan": {"enabled": True, "template_id": "x", "schema": {"type": "object"}}},
            **with_llm(tools=tools),
        )  # fmt: skip
        found = portable(thing, numbers={"+31850009999"})
        text = repr(found.values)
        for word in ("s3cret", "hidden", "w3bhook", "agency.example", "+31850009999", "mcp_server_id", "template_id"):
            self.assertNotIn(word, text)
        self.assertEqual([each["name"] for each in found.values["llm_config"]["tools"]], ["check_slot"])
        self.assertEqual(found.left_out, {"secrets", "reports", "mcp", "numbers"})

    def test_a_transfer_keeps_the_numbers_that_are_not_the_agencys(self) -> None:
        destinations = [{"number": "+31850009999"}, {"number": "+31850008888"}]
        thing = self.assistant(**with_llm(tools=[{"type": "transfer_call", "destinations": destinations}]))
        found = portable(thing, numbers={"+31850009999"})
        self.assertEqual(found.values["llm_config"]["tools"][0]["destinations"], destinations[1:])

    def test_templates_travel_without_their_secret(self) -> None:
        tool = factories.make_tool_template(
            self.agency, server_secret="s3cret", tool_config={"url": "https://example.com", "headers": {"X": "hidden"}}
        )
        found = portable(tool, numbers=set())
        self.assertNotIn("s3cret", repr(found.values) + "hidden" * ("hidden" in repr(found.values)))
        self.assertEqual(found.values["tool_config"], {"url": "https://example.com"})
        self.assertEqual(found.left_out, {"secrets"})


class CompareTest(TenantCase):
    def test_who_changed_what(self) -> None:
        base = {"name": "A", "first_message": "Hi", "llm_config": {"model": "m", "messages": messages("old"), "tools": []}}
        mine = {"name": "B", "first_message": "Hello", "llm_config": {"model": "m", "messages": messages("new"), "tools": []}}
        theirs = {"name": "A", "first_message": "Hoi", "llm_config": {"model": "other", "messages": messages("old"), "tools": []}}
        found = {each.path: each.is_conflict for each in compare(base=base, mine=mine, theirs=theirs)}
        self.assertEqual(found, {"name": False, "first_message": True, "llm_config.messages": False})

    def test_the_same_change_on_both_sides_is_none(self) -> None:
        self.assertEqual(compare(base={"name": "A"}, mine={"name": "B"}, theirs={"name": "B"}), [])

    def test_a_tool_goes_on_with_the_clients_own_secret(self) -> None:
        plain = {key: value for key, value in TOOL.items() if key not in ("server", "headers")}
        held = {"llm_config": {"model": "m", "tools": [TOOL]}}
        changes = compare(
            base={"llm_config": {"model": "m", "tools": [plain]}},
            mine={"llm_config": {"model": "m", "tools": [{**plain, "description": "Looks"}]}},
            theirs={"llm_config": {"model": "m", "tools": [plain]}},
        )
        (tool,) = merged(held=held, changes=changes)["llm_config"]["tools"]
        self.assertEqual((tool["description"], tool["server"], tool["headers"]), ("Looks", {"secret": "s3cret"}, {"X-Key": "hidden"}))
        moved = [{**plain, "url": "https://other.example/slot"}]
        changes = compare(
            base={"llm_config": {"tools": [plain]}}, mine={"llm_config": {"tools": moved}}, theirs={"llm_config": {"tools": [plain]}}
        )
        self.assertEqual(merged(held=held, changes=changes)["llm_config"]["tools"], moved)


class PushCase(TenantCase):
    def setUp(self) -> None:
        self.original = factories.make_assistant(self.agency, name="Desk", first_message="Good day.", **with_llm(messages=messages("Be kind.")))
        self.item = self.publish("assistant", self.original.pk)

    def publish(self, kind: str, pk: Any, **fields: Any) -> LibraryItem:
        with self.acting_for(self.agency):
            return library.publish(
                agency=self.agency, kind=kind, object_id=pk, for_sign_ups=fields.get("for_sign_ups", False), note="", by=ADA
            )

    def push(self, *, overwrite: bool = False, item: LibraryItem | None = None, clients: list[Organization] | None = None) -> Job:
        chosen = {each.pk: overwrite for each in clients or [self.client_org]}
        with self.acting_for(self.agency):
            job = library_pushes.start_push(agency=self.agency, item=item or self.item, overwrite=chosen, by=ADA)
        library_pushes.run_push(agency=self.agency, job_id=job.pk)
        with self.acting_for(self.agency):
            job.refresh_from_db()
        return job

    def result(self, job: Job) -> dict[str, Any]:
        found: dict[str, Any] = job.data["results"][str(self.client_org.pk)]
        return found

    def copy(self) -> Assistant:
        with self.acting_for(self.client_org):
            row = LibraryCopy.objects.get(organization=self.client_org, item_id=self.item.pk)
            return Assistant.objects.live().select_related("organization").get(pk=row.object_id)

    def change(self, assistant: Assistant, **values: Any) -> None:
        with self.acting_for(assistant.organization):
            update_assistant(assistant=assistant, values=values, by=ADA, now=db.now())


class PushTest(PushCase):
    def test_a_client_gets_a_copy_once(self) -> None:
        first, second = self.push(), self.push()
        self.assertEqual((self.result(first)["did"], self.result(second)["did"]), ("made", "same"))
        self.assertEqual((first.status, first.done, first.total), ("done", 1, 1))
        copied = self.copy()
        self.assertEqual((copied.name, copied.first_message, copied.is_active), ("Desk", "Good day.", True))
        with self.acting_for(self.client_org):
            self.assertEqual(Assistant.objects.filter(organization=self.client_org).count(), 1)

    def test_what_the_client_changed_is_kept_unless_it_is_overwritten(self) -> None:
        self.push()
        self.change(self.copy(), first_message="Hoi!", business_name="Bakker")
        self.change(self.original, first_message="Good morning.", **with_llm(messages=messages("Be very kind.")))
        kept = self.push()
        self.assertEqual((self.result(kept)["parts"], self.result(kept)["kept"]), (1, 1))
        copied = self.copy()
        self.assertEqual((copied.first_message, copied.business_name), ("Hoi!", "Bakker"))
        self.assertEqual(copied.llm_config["messages"], messages("Be very kind."))
        self.change(self.original, first_message="Good evening.")
        self.push(overwrite=True)
        copied = self.copy()
        self.assertEqual((copied.first_message, copied.business_name), ("Good evening.", "Bakker"))

    def test_what_was_kept_once_does_not_come_back_by_itself(self) -> None:
        self.push()
        self.change(self.copy(), first_message="Hoi!")
        self.change(self.original, first_message="Good morning.")
        self.push()
        self.assertEqual(self.result(self.push(overwrite=True))["did"], "same")
        self.assertEqual(self.copy().first_message, "Hoi!")

    def test_a_deleted_copy_comes_back_as_a_new_one(self) -> None:
        self.push()
        first = self.copy()
        with self.acting_for(self.client_org):
            Assistant.objects.filter(pk=first.pk).update(deleted_at=db.now())
        self.assertEqual(self.result(self.push())["did"], "made")
        self.assertNotEqual(self.copy().pk, first.pk)

    def test_tool_and_analysis_templates(self) -> None:
        tool = factories.make_tool_template(self.agency, name="slot", tool_config={"url": "https://93.184.216.34/slot", "description": "x"})
        analysis = factories.make_analysis_template(self.agency, name="Mood", user_prompt="{transcript}")
        items = [self.publish("tool", tool.pk), self.publish("analysis", analysis.pk)]
        for item in items:
            self.assertEqual(self.result(self.push(item=item)), {"did": "made", "name": "Bakker Dental"})
        with self.acting_for(self.client_org):
            held = ToolTemplate.objects.get(organization=self.client_org)
            ToolTemplate.objects.filter(pk=held.pk).update(server_secret=held.server_secret)
            self.assertEqual(AnalysisTemplate.objects.get(organization=self.client_org).name, "Mood")
        with self.acting_for(self.agency):
            AnalysisTemplate.objects.filter(pk=analysis.pk).update(name="Mood of the call")
        self.assertEqual(self.result(self.push(item=items[1]))["did"], "updated")
        with self.acting_for(self.client_org):
            self.assertEqual(AnalysisTemplate.objects.get(organization=self.client_org).name, "Mood of the call")

    def test_an_interrupted_push_goes_on_and_repeats_nothing(self) -> None:
        other = factories.make_organization("Zorg Dental", parent=self.agency)
        chosen = {self.client_org.pk: False, other.pk: False}
        with self.acting_for(self.agency):
            job = library_pushes.start_push(agency=self.agency, item=self.item, overwrite=chosen, by=ADA)
        with mock.patch("apps.portal.services.library_copying._remember", side_effect=RuntimeError), self.assertRaises(RuntimeError):
            library_pushes.run_push(agency=self.agency, job_id=job.pk)
        for _twice in range(2):
            library_pushes.run_push(agency=self.agency, job_id=job.pk)
        for client in (self.client_org, other):
            with self.acting_for(client):
                self.assertEqual(Assistant.objects.filter(organization=client).count(), 1)
        with self.acting_for(self.agency):
            job.refresh_from_db()
        self.assertEqual((job.status, job.done), ("done", 2))

    def test_somebody_elses_client_is_not_touched(self) -> None:
        job = self.push(clients=[self.stranger])
        self.assertEqual(job.data["results"][str(self.stranger.pk)]["did"], "failed")
        with self.acting_for(self.stranger):
            self.assertFalse(Assistant.objects.filter(organization=self.stranger).exists())


class UndoTest(PushCase):
    def setUp(self) -> None:
        super().setUp()
        self.push()
        self.change(self.original, first_message="Good morning.")
        self.job = self.push()

    def undo(self) -> Any:
        page = f"/o/{self.agency.slug}/library/pushes/{self.job.pk}/undo"
        return self.as_(self.ada).post(page, {"client": str(self.client_org.pk)})

    def test_an_update_is_taken_back_once(self) -> None:
        self.assertEqual(self.copy().first_message, "Good morning.")
        self.undo()
        self.undo()
        copied = self.copy()
        self.assertEqual((copied.first_message, copied.version), ("Good day.", 3))
        self.assertEqual(self.result(self.push())["did"], "updated")

    def test_not_when_the_client_saved_since(self) -> None:
        self.change(self.copy(), business_name="Bakker")
        self.undo()
        self.assertEqual(self.copy().first_message, "Good morning.")

    def test_templates_are_taken_back_with_their_secrets(self) -> None:
        url = "https://93.184.216.34/slot"
        tool = factories.make_tool_template(self.agency, name="slot", tool_config={"url": url, "description": "x"})
        analysis = factories.make_analysis_template(self.agency, name="Mood", user_prompt="{transcript}")
        for item, model, before, after in (
            (self.publish("tool", tool.pk), ToolTemplate, {"tool_config": {"url": url, "description": "x"}}, {"tool_config": {"url": url, "description": "y"}}),
            (self.publish("analysis", analysis.pk), AnalysisTemplate, {"user_prompt": "{transcript}"}, {"user_prompt": "Sum up: {transcript}"}),
        ):
            self.push(item=item)
            with self.acting_for(self.client_org):
                held = model.objects.get(organization=self.client_org)
                if model is ToolTemplate:
                    held.change(db.now(), tool_config=held.tool_config | {"headers": {"X-Key": "theirs"}})
                kept = {name: getattr(held, name) for name in before}
            with self.acting_for(self.agency):
                model.objects.filter(organization=self.agency, pk__in=(tool.pk, analysis.pk)).update(**after)
            self.job = self.push(item=item)
            self.assertEqual(self.result(self.job)["did"], "updated")
            self.assertNotIn("theirs", str(self.job.data))
            for _twice in range(2):
                self.undo()
            with self.acting_for(self.client_org):
                held.refresh_from_db()
            self.assertEqual({name: getattr(held, name) for name in before}, kept)

    def test_a_template_that_was_saved_since_stays(self) -> None:
        analysis = factories.make_analysis_template(self.agency, name="Mood", user_prompt="{transcript}")
        item = self.publish("analysis", analysis.pk)
        self.push(item=item)
        with self.acting_for(self.agency):
            AnalysisTemplate.objects.filter(pk=analysis.pk).update(name="Mood of the call")
        self.job = self.push(item=item)
        with self.acting_for(self.client_org):
            held = AnalysisTemplate.objects.get(organization=self.client_org)
            held.change(db.now(), description="Ours", version=held.version + 1)
        self.undo()
        with self.acting_for(self.client_org):
            held.refresh_from_db()
        self.assertEqual(held.name, "Mood of the call")

    def test_a_secret_that_a_new_address_cost_is_not_promised_back(self) -> None:
        tool = factories.make_tool_template(self.agency, name="slot", tool_config={"url": "https://93.184.216.34/slot", "description": "x"})
        item = self.publish("tool", tool.pk)
        self.push(item=item)
        with self.acting_for(self.client_org):
            held = ToolTemplate.objects.get(organization=self.client_org)
            held.change(db.now(), tool_config=held.tool_config | {"headers": {"X-Key": "theirs"}})
        with self.acting_for(self.agency):
            ToolTemplate.objects.filter(pk=tool.pk).update(tool_config={"url": "https://93.184.216.34/other", "description": "x"})
        found = self.result(self.push(item=item))
        self.assertEqual((found["did"], "before" in found), ("updated", False))


class PageTest(PushCase):
    def page(self, path: str = "") -> str:
        return f"/o/{self.agency.slug}/library{path}"

    def test_publish_preview_and_push(self) -> None:
        browser = self.as_(self.ada)
        other = factories.make_assistant(self.agency, name="Night desk")
        answer = browser.post(self.page(), {"thing": f"assistant:{other.pk}", "note": "Nights", "for_sign_ups": "on"})
        with self.acting_for(self.agency):
            item = LibraryItem.objects.get(object_id=other.pk)
        self.assertRedirects(answer, self.page(f"/{item.pk}"), fetch_redirect_response=False)
        self.assertContains(browser.get(self.page()), "Night desk")
        self.assertContains(browser.get(self.page(f"/{item.pk}")), "No copy")
        with mock.patch("apps.portal.views_library.wake", lambda task, *args: task(*args)):
            answer = browser.post(self.page(f"/{item.pk}/push"), {"client": self.client_org.slug})
        self.assertContains(browser.get(answer["Location"]), "New copy")

    def test_the_preview_names_both_sides(self) -> None:
        self.push()
        self.change(self.copy(), first_message="Hoi!")
        self.change(self.original, first_message="Good morning.")
        page = self.as_(self.ada).get(self.page(f"/{self.item.pk}"))
        for words in ("Hoi!", "Good morning.", "Kept: the client changed it", "Overwrite what the client changed itself"):
            self.assertContains(page, words)

    def test_taken_out_of_the_library_the_copies_stay(self) -> None:
        self.push()
        held = self.copy()
        self.as_(self.ada).post(self.page(f"/{self.item.pk}/remove"))
        with self.acting_for(self.client_org):
            self.assertTrue(Assistant.objects.live().filter(pk=held.pk).exists())
        self.assertEqual(self.as_(self.ada).get(self.page(f"/{self.item.pk}")).status_code, 404)

    def test_who_may_not(self) -> None:
        self.assertEqual(self.as_(self.ben).post(self.page(f"/{self.item.pk}/push"), {"client": self.client_org.slug}).status_code, 403)
        for person in (self.cleo, self.dov):
            self.assertEqual(self.as_(person).get(self.page()).status_code, 404)

    def test_the_same_queries_for_one_and_three_clients(self) -> None:
        self.push()
        browser = self.as_(self.ada)
        for path, count in ((self.page(), LIST), (self.page(f"/{self.item.pk}"), ITEM)):
            browser.get(path)
            with self.assertNumQueries(count):
                browser.get(path)
        factories.make_organization("Two", parent=self.agency)
        factories.make_organization("Three", parent=self.agency)
        for path, count in ((self.page(), LIST), (self.page(f"/{self.item.pk}"), ITEM)):
            with self.assertNumQueries(count):
                browser.get(path)


LIST = 22
ITEM = 21
