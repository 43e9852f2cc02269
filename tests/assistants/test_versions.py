"""Every save is kept, can be compared, and can come back."""

from __future__ import annotations

from typing import Any

from apps.assistants.models import Assistant, AssistantVersion
from apps.assistants.schema import defaults
from apps.assistants.services import create_assistant, duplicate_assistant, judge_new, update_assistant
from apps.assistants.versions import KEPT, spoken_values
from apps.organizations.services import Actor
from tests import factories
from tests.cases import TenantCase

NOW = factories.NOW
ADA = Actor(label="Ada")


class VersionTest(TenantCase):
    def setUp(self) -> None:
        judged = judge_new(organization=self.client_org, data={"name": "Robin", "first_message": "Hello."} | defaults())
        self.assertEqual(judged.problems, [])
        self.robin = self.run_service(create_assistant, organization=self.client_org, values=judged.values, by=ADA)

    def run_service(self, service: Any, **values: Any) -> Assistant:
        with self.acting_for(self.client_org):
            return service(**values)

    def save(self, by: Actor = ADA, **values: Any) -> Assistant:
        return self.run_service(update_assistant, assistant=self.robin, values=values, by=by, now=NOW)

    def versions(self) -> list[AssistantVersion]:
        with self.acting_for(self.client_org):
            return list(AssistantVersion.objects.for_organization(self.client_org).filter(assistant=self.robin).order_by("version"))

    def test_each_save_is_kept_with_who_saved(self) -> None:
        self.save(first_message="Good day.", by=Actor(label="Ben"))
        self.save(first_message="Good day.")
        found = self.versions()
        self.assertEqual([(row.version, row.actor, row.values["first_message"]) for row in found], [(1, "Ada", "Hello."), (2, "Ben", "Good day.")])

    def test_a_secret_is_in_no_version(self) -> None:
        self.save(webhook_url="https://example.com/hook", webhook_secret="whsec_never_kept")
        self.assertNotIn("whsec_never_kept", str([row.values for row in self.versions()]))
        self.assertNotIn("webhook_secret", self.versions()[-1].values)

    def test_what_was_saved_before_there_was_a_history_is_the_first_version(self) -> None:
        with self.acting_for(self.client_org):
            AssistantVersion.objects.for_organization(self.client_org).delete()
        self.save(first_message="Good day.")
        self.assertEqual([(row.version, row.values["first_message"]) for row in self.versions()], [(1, "Hello."), (2, "Good day.")])

    def test_a_copy_begins_a_history_of_its_own(self) -> None:
        copy = self.run_service(duplicate_assistant, assistant=self.robin, by=ADA)
        with self.acting_for(self.client_org):
            self.assertEqual(AssistantVersion.objects.for_organization(self.client_org).filter(assistant=copy).count(), 1)

    def test_the_newest_fifty(self) -> None:
        for number in range(KEPT + 2):
            self.save(first_message=f"Hello {number}.")
        self.assertEqual([row.version for row in self.versions()], list(range(4, KEPT + 4)))

    def test_what_a_version_says_in_a_call(self) -> None:
        self.save(webhook_url="https://example.com/hook", notification_email="a@example.com")
        with self.acting_for(self.client_org):
            found = spoken_values(self.robin, 2)
            assert found is not None
            self.assertEqual(found["first_message"], "Hello.")
            self.assertFalse({"webhook_url", "webhook_secret", "webhook_events", "notification_email", "is_active"} & set(found))
            self.assertIsNone(spoken_values(self.robin, 9))


class VersionPageTest(TenantCase):
    def setUp(self) -> None:
        self.tool = {"type": "function", "function": {"name": "slot", "description": "d", "parameters": {"type": "object", "properties": {}}},
                     "server": {"url": "https://example.com/slot", "secret": "tool-secret"}}  # fmt: skip
        self.robin = factories.make_assistant(self.client_org, name="Robin", first_message="Hello <b>.")
        self.base = f"/o/{self.client_org.slug}/assistants/{self.robin.pk}"
        self.browser = self.as_(self.cleo)
        self.version(1, first_message="Hello <b>.")

    def version(self, number: int, **values: Any) -> None:
        kept = {name: getattr(self.robin, name) for name in ("stt_config", "llm_config", "tts_config")} | {"name": "Robin", "is_active": True}
        factories._make(AssistantVersion, self.client_org, assistant=self.robin, version=number, values=kept | values, actor="Ada")
        with self.acting_for(self.client_org):
            self.robin.change(NOW, version=number, **{key: value for key, value in values.items() if key != "llm_config"})

    def test_the_list_says_what_changed_in_as_many_queries_for_three(self) -> None:
        self.browser.get(f"{self.base}/versions")
        with self.assertNumQueries(14):
            self.assertContains(self.browser.get(f"{self.base}/versions"), "the oldest that is kept")
        self.version(2, first_message="Good day.", gdpr_mode=True)
        self.version(3, first_message="Good evening.")
        with self.assertNumQueries(14):
            answer = self.browser.get(f"{self.base}/versions")
        self.assertEqual([row["changed"] for row in answer.context["rows"]], [["Greeting", "Privacy"], ["Greeting", "Privacy"], []])
        self.assertContains(answer, "Bring back", 4)

    def test_before_the_first_save_the_list_says_so(self) -> None:
        with self.acting_for(self.client_org):
            AssistantVersion.objects.filter(assistant=self.robin).delete()
        self.assertContains(self.browser.get(f"{self.base}/versions"), "No versions yet")

    def test_two_versions_beside_each_other(self) -> None:
        secret = {"llm_config": {**self.robin.llm_config, "tools": [self.tool]}}
        self.version(2, first_message="Good day.", **secret)
        answer = self.browser.get(f"{self.base}/versions/2")
        self.assertContains(answer, "Hello &lt;b&gt;.")
        self.assertContains(answer, "Good day.")
        self.assertNotContains(answer, "tool-secret")
        self.assertEqual(answer.context["against"].version, 1)
        back = self.browser.get(f"{self.base}/versions/1?against=2")
        self.assertEqual(back.context["against"].version, 2)
        self.assertEqual(self.browser.get(f"{self.base}/versions/7").status_code, 404)

    def test_an_old_version_comes_back_as_a_new_one(self) -> None:
        self.version(2, first_message="Good day.", is_active=False)
        answer = self.browser.post(f"{self.base}/versions/1/restore")
        self.assertRedirects(answer, f"{self.base}/versions", fetch_redirect_response=False)
        with self.acting_for(self.client_org):
            self.robin.refresh_from_db()
            newest = AssistantVersion.objects.for_organization(self.client_org).get(assistant=self.robin, version=3)
        self.assertEqual((self.robin.first_message, self.robin.version, self.robin.is_active), ("Hello <b>.", 3, False))
        self.assertIn("Cleo", newest.actor)
        self.assertEqual(newest.values["first_message"], "Hello <b>.")

    def test_what_cannot_come_back_changes_nothing(self) -> None:
        self.version(2, first_message="Good day.")
        self.version(3, llm_config={"provider": "nobody", "model": "x"})
        self.version(4, first_message="Now.")
        answer = self.browser.post(f"{self.base}/versions/3/restore", follow=True)
        self.assertContains(answer, "cannot come back")
        with self.acting_for(self.client_org):
            self.robin.refresh_from_db()
        self.assertEqual(self.robin.first_message, "Now.")

    def test_a_viewer_looks_and_does_not_restore(self) -> None:
        self.version(2, first_message="Good day.")
        vic = factories.make_user("Vic")
        factories.make_member(self.client_org, vic, "viewer")
        browser = self.as_(vic)
        self.assertNotContains(browser.get(f"{self.base}/versions"), "Bring back")
        self.assertEqual(browser.post(f"{self.base}/versions/1/restore").status_code, 403)
