"""The calls' pages: filters, search, pages by key, roles, live control, and text that tries to be markup."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.db import connection as database
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.calls.models import Call, CallEvent, DoNotCall
from apps.calls.selectors import PAGE
from apps.calls.sql import index_texts
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from tests import factories
from tests.calls.support import make_connection
from tests.cases import CommittedCase, TenantCase
from tests.engine import Sandbox

EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class CallPages(TenantCase):
    def url(self, name: str, *args: object, org: Organization | None = None) -> str:
        return reverse(name, args=[(org or self.agency).slug, *args])

    def list(self, user: User | None = None, org: Organization | None = None, **query: str) -> list[str]:
        """Public ids that the list shows, in its order."""
        answer = self.as_(user or self.ada).get(self.url("calls", org=org), query)
        assert answer.status_code == 200, answer.status_code
        return [call.public_id for call in answer.context["page"].calls]

    def viewer(self) -> User:
        user = factories.make_user("Vic")
        factories.make_member(self.agency, user, "viewer")
        return user


class ListTest(CallPages):
    def test_filters(self) -> None:
        assistant, number = factories.make_assistant(self.agency), factories.make_number(self.agency)
        plain = factories.make_call(self.agency, created_at=factories.NOW)
        failed = factories.make_call(self.agency, status="failed", end_reason="busy", direction="outbound")
        running = factories.make_call(self.agency, status="ringing", ended_at=None, started_at=None)
        mine = factories.make_call(self.agency, assistant=assistant, number=number)
        assert set(self.list()) == {each.public_id for each in (plain, failed, running, mine)}
        assert self.list(status="failed") == [failed.public_id]
        assert self.list(status="running") == [running.public_id]
        assert self.list(direction="outbound") == [failed.public_id]
        assert self.list(assistant=str(assistant.pk)) == [mine.public_id]
        assert self.list(number=str(number.pk)) == [mine.public_id]
        assert len(self.list(status="nonsense", **{"from": "soon"})) == 4, "what cannot be read is ignored"

    def test_days_are_the_persons(self) -> None:
        self.ada.timezone = "Pacific/Auckland"
        self.ada.save()
        # 12:30 UTC on the 17th is the 18th in Auckland.
        call = factories.make_call(self.agency, created_at=dt.datetime(2026, 11, 17, 12, 30, tzinfo=dt.UTC))
        assert self.list(**{"from": "2026-11-18", "to": "2026-11-18"}) == [call.public_id]
        assert self.list(**{"from": "2026-11-17", "to": "2026-11-17"}) == []

    def test_search_finds_what_was_said_and_numbers_as_written(self) -> None:
        call = self._said(self.agency, "the purple giraffe", other_number="+31612345678")
        factories.make_call(self.agency)
        assert self.list(q="purple giraffe") == [call.public_id]
        assert self.list(q="06 1234 5678") == self.list(q="345678") == [call.public_id]
        assert self.list(q=call.public_id) == [call.public_id]

    def test_the_search_door_never_opens_another_tenants_transcripts(self) -> None:
        self._said(self.stranger, "zanzibar")
        self._said(self.client_org, "zanzibar")
        own = self._said(self.agency, "zanzibar")
        assert self.list(q="zanzibar") == [own.public_id]
        assert len(self.list(self.cleo, self.client_org, q="zanzibar")) == 1
        assert self.list(self.cleo, self.client_org, q="zanzibar") != [own.public_id]

    def test_pages_by_key_hold_each_call_once(self) -> None:
        moment = factories.NOW
        total = 2 * PAGE + 7
        for each in range(total):  # three instants only: the id decides between equals
            factories.make_call(self.agency, created_at=moment + dt.timedelta(seconds=each % 3))
        seen, urls, browser = [], [], self.as_(self.ada)
        url = self.url("calls") + "?status=ended"
        while url:
            answer = browser.get(url)
            urls.append(url)
            seen.append([call.public_id for call in answer.context["page"].calls])
            older = answer.context["older"]
            url = self.url("calls") + older if older else ""
            assert not older or "status=ended" in older
        assert [len(page) for page in seen] == [PAGE, PAGE, 7]
        assert len({each for page in seen for each in page}) == total
        back = browser.get(urls[-1]).context["newer"]
        assert [call.public_id for call in browser.get(self.url("calls") + back).context["page"].calls] == seen[1]
        first = browser.get(self.url("calls") + browser.get(self.url("calls") + back).context["newer"])
        assert [call.public_id for call in first.context["page"].calls] == seen[0]
        assert not first.context["newer"]

    def test_a_broken_cursor_is_the_first_page(self) -> None:
        call = factories.make_call(self.agency)
        for cursor in ("x", "%%%", "AAAA", "é", "A" * 400):
            assert self.list(before=cursor) == self.list(after=cursor) == [call.public_id]

    def test_as_many_queries_for_three_rows_as_for_one(self) -> None:
        browser = self.as_(self.ada)
        browser.get(self.url("calls"))
        assistant = factories.make_assistant(self.agency)
        factories.make_call(self.agency, assistant=assistant)
        one = self._queries(browser)
        for _each in range(2):
            factories.make_call(self.agency, assistant=assistant, number=factories.make_number(self.agency))
        assert self._queries(browser) == one

    def test_empty_states_say_what_to_do(self) -> None:
        browser = self.as_(self.ada)
        self.assertContains(browser.get(self.url("calls")), "No calls yet")
        factories.make_call(self.agency)
        answer = browser.get(self.url("calls"), {"q": "nothingofthekind"})
        self.assertContains(answer, "No call matches")
        self.assertContains(answer, "Clear filters")

    def _said(self, organization: Organization, words: str, **fields: Any) -> Call:
        call = factories.make_call(organization, messages=[{"role": "user", "content": words}], **fields)
        with acting(Scope((organization.pk,))):
            index_texts([call.pk])
        return call

    def _queries(self, browser: Any) -> int:
        with CaptureQueriesContext(database) as found:
            browser.get(self.url("calls"))
        return len(found)


class DetailTest(CallPages):
    def test_text_of_others_is_never_markup(self) -> None:
        call = factories.make_call(
            self.agency, assistant_name=EVIL, summary=EVIL, other_number="anonymous<b>", error=EVIL,
            messages=[{"role": "assistant", "content": EVIL}, {"role": "user", "content": EVIL}, {"role": "system", "content": EVIL}],
            tool_calls=[{"id": "1", "name": EVIL, "arguments": {EVIL: EVIL}, "result": EVIL, "at": None}],
            analysis_result={EVIL: EVIL, "list": [EVIL, {EVIL: EVIL}], "map": {EVIL: EVIL}}, analysis_problem=EVIL,
            metadata={EVIL: EVIL}, reference="<b>ref",
        )  # fmt: skip
        with acting(Scope((self.agency.pk,))):
            CallEvent.objects.create(
                organization=self.agency, call=call, kind="transfer", at=factories.NOW, key="1", data={"to": EVIL}
            )
        for url in (self.url("call", call.public_id), self.url("call_live", call.public_id), self.url("calls")):
            page = self.as_(self.ada).get(url).content.decode()
            assert "<img src=x" not in page
            assert "<script>alert" not in page
            assert "anonymous<b>" not in page
        assert "&lt;img src=x" in page

    def test_strangers_and_missing_calls_look_the_same(self) -> None:
        call = factories.make_call(self.agency)
        other = factories.make_call(self.stranger)
        assert self.as_(self.dov).get(self.url("call", call.public_id)).status_code == 404
        assert self.as_(self.ada).get(self.url("call", other.public_id)).status_code == 404
        assert self.as_(self.ada).get(self.url("call", "call-none")).status_code == 404
        answer = self.as_(self.dov).get(self.url("call", call.public_id, org=self.stranger))
        assert answer.status_code == 404

    def test_tool_calls_stand_where_they_happened(self) -> None:
        said = [("assistant", "One", 1, 0), ("user", "Two", 2, 4000), ("assistant", "Three", 3, 9000)]
        messages = [{"role": role, "content": text, "turn": turn, "start_ms": ms} for role, text, turn, ms in said]
        at = (factories.NOW + dt.timedelta(seconds=6)).isoformat()
        for tool in ({"at": at}, {"turn": 3, "at": None}):
            row = {"name": "lookup", "arguments": {}, "result": {"error": "Tool timed out"}} | tool
            call = factories.make_call(self.agency, messages=messages, tool_calls=[row])
            entries = self.as_(self.ada).get(self.url("call", call.public_id)).context["entries"]
            assert [entry.text or entry.name for entry in entries] == ["One", "Two", "lookup", "Three"]
            assert not entries[2].ok

    def test_content_that_is_not_kept_says_so(self) -> None:
        call = factories.make_call(self.agency, is_private=True, messages=None, summary=None)
        self.assertContains(self.as_(self.ada).get(self.url("call", call.public_id)), "The content is not kept")

    def test_a_call_in_doubt_is_explained(self) -> None:
        call = factories.make_call(self.agency, status="failed", end_reason="in_doubt", messages=None)
        self.assertContains(self.as_(self.ada).get(self.url("call", call.public_id)), "not dialled again")

    def test_simulated_calls_say_what_they_would_have_cost(self) -> None:
        free = factories.make_call(self.agency, cost=250_000, is_charged=False)
        paid = factories.make_call(self.agency, cost=250_000, is_charged=True, is_simulated=False)
        browser = self.as_(self.ada)
        self.assertContains(browser.get(self.url("call", free.public_id)), "would have cost 0.25 credits")
        self.assertNotContains(browser.get(self.url("call", paid.public_id)), "would have cost")

    def test_the_page_follows_a_running_call_and_stops_by_itself(self) -> None:
        turns = [{"role": "assistant", "content": "Good morning", "turn": 1, "start_ms": 0, "final": True}]
        call = factories.make_call(
            self.agency, status="in-progress", ended_at=None, turns=turns, messages=None, connection=make_connection()
        )
        browser, live = self.as_(self.ada), self.url("call_live", call.public_id)
        page = browser.get(live, headers=HTMX).content.decode()
        assert 'hx-trigger="every 2s"' in page
        assert "Good morning" in page
        assert "End the call" in page
        with acting(Scope((self.agency.pk,))):
            Call.objects.filter(pk=call.pk).update(status="ended", messages=turns, turns=None)
        page = browser.get(live, headers=HTMX).content.decode()
        assert "hx-trigger" not in page
        assert "Raw JSON" in page
        assert "End the call" not in page

    def test_a_viewer_reads_and_does_not_act(self) -> None:
        call = factories.make_call(self.agency, status="in-progress", ended_at=None)
        browser = self.as_(self.viewer())
        page = browser.get(self.url("call", call.public_id))
        self.assertNotContains(page, "End the call")
        self.assertNotContains(browser.get(self.url("calls")), "Call now")
        for name, args in (("call_new", ()), ("call_simulate", ()), ("call_command", (call.public_id,)), ("do_not_call", ())):
            assert browser.post(self.url(name, *args), {"type": "end-call"}, headers=HTMX).status_code == 403, name
        with acting(Scope((self.agency.pk,))):
            assert not DoNotCall.objects.exists()

    def test_a_command_to_a_call_that_is_over_is_refused_in_words(self) -> None:
        call = factories.make_call(self.agency, connection=make_connection(), ref="eng-1")
        answer = self.as_(self.ben).post(self.url("call_command", call.public_id), {"type": "say", "content": "Hi"}, headers=HTMX)
        assert answer.status_code == 422
        assert "not in progress" in answer["HX-Trigger"]
        answer = self.as_(self.ben).post(self.url("call_command", call.public_id), {"type": "say"}, headers=HTMX)
        assert "This field is required." in answer["HX-Trigger"]


class StartTest(CallPages):
    def test_errors_stand_at_their_field_and_nothing_typed_is_lost(self) -> None:
        make_connection()
        assistant = factories.make_assistant(self.agency)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        values = {
            "country": "NL", "destination": "12", "assistant": str(assistant.pk), "first_message": "Kept words",
            "key": "0190b6a0-0000-7000-8000-000000000001",
        }  # fmt: skip
        answer = self.as_(self.ben).post(self.url("call_new"), values, headers=HTMX)
        assert answer.status_code == 422
        assert answer.context["call_form"].errors.keys() == {"destination"}
        self.assertContains(answer, "Kept words", status_code=422)
        self.assertNotContains(answer, "<html", status_code=422)
        self.as_(self.ben).post(self.url("do_not_call"), {"country": "NL", "phone_number": "06 12345678"})
        answer = self.as_(self.ben).post(self.url("call_new"), values | {"destination": "0612345678"}, headers=HTMX)
        self.assertContains(answer, "do-not-call list", status_code=422)
        with acting(Scope((self.agency.pk,))):
            assert not Call.objects.exists()

    def test_simulate_is_greyed_out_with_the_reason(self) -> None:
        make_connection(features=["receiver"])
        factories.make_number(self.agency)
        page = self.as_(self.ada).get(self.url("calls")).content.decode()
        assert re.search(r"<button[^>]* disabled[^>]*data-dialog=\"simulate\"", page)
        assert "only the sandbox does that" in page

    def test_foreign_rows_cannot_be_called_with(self) -> None:
        make_connection()
        foreign = factories.make_assistant(self.stranger)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        values = {
            "country": "NL", "destination": "0612345678", "assistant": str(foreign.pk),
            "key": "0190b6a0-0000-7000-8000-000000000001",
        }  # fmt: skip
        answer = self.as_(self.ada).post(self.url("call_new"), values, headers=HTMX)
        assert answer.context["call_form"].errors.keys() == {"assistant"}


class DoNotCallTest(CallPages):
    def test_add_twice_find_and_remove(self) -> None:
        browser, url = self.as_(self.ben), self.url("do_not_call")
        for _each in range(2):
            assert browser.post(url, {"country": "NL", "phone_number": "06 1234 5678", "reason": "Asked"}).status_code == 302
        (entry,) = browser.get(url, {"q": "5678"}).context["page"].rows
        row = entry.row
        assert (row.phone_number, row.reason) == ("+31612345678", "Asked")
        assert not browser.get(url, {"q": "99999"}).context["page"].rows
        remove = self.url("do_not_call_remove", row.pk)
        assert self.as_(self.dov).post(remove).status_code == 404
        assert self.as_(self.ada).post(remove).status_code == 302
        assert not browser.get(url).context["page"].rows

    def test_a_number_that_is_none_is_said_at_its_field(self) -> None:
        answer = self.as_(self.ben).post(self.url("do_not_call"), {"country": "NL", "phone_number": "abc", "reason": "x"})
        assert answer.status_code == 422
        assert answer.context["form"].errors.keys() == {"phone_number"}


@override_settings(SANDBOX=True)
class SandboxTest(CommittedCase):
    def test_call_now_rings_once_however_often_the_button_is_pressed(self) -> None:
        engine = Sandbox.shared()
        engine.connection()
        assistant = factories.make_assistant(self.agency)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        values = {
            "country": "GB", "destination": "07700 900001", "assistant": str(assistant.pk), "number": "",
            "first_message": "Hello you", "key": "0190b6a0-0000-7000-8000-00000000000f",
        }  # fmt: skip
        browser, url = self.as_(self.ben), reverse("call_new", args=[self.agency.slug])
        first, second = (browser.post(url, values, headers=HTMX) for _each in range(2))
        assert first["HX-Redirect"] == second["HX-Redirect"]
        with acting(Scope((self.agency.pk,))):
            call = Call.objects.get()
        assert (call.other_number, call.origin, call.is_simulated, call.dial) == ("+447700900001", "page", True, "accepted")
        assert first["HX-Redirect"].endswith(call.public_id)
        assert len(engine.rings(reference=call.public_id)) <= 1
        assert browser.get(first["HX-Redirect"]).status_code == 200

    def test_an_incoming_call_is_simulated(self) -> None:
        Sandbox.shared().connection()
        number = factories.make_number(self.agency, assistant=factories.make_assistant(self.agency))
        values = {"to": str(number.pk), "country": "GB", "caller": "07700 900001", "outcome": "answered"}
        answer = self.as_(self.ada).post(reverse("call_simulate", args=[self.agency.slug]), values, headers=HTMX)
        assert "/calls/incoming/" in answer["HX-Redirect"]
        assert self.as_(self.ada).get(answer["HX-Redirect"]).status_code == 200
