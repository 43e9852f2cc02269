"""The page of the voice engine: tested before it is saved, keys never shown, nobody's connection told to others."""

from __future__ import annotations

from typing import Any

from django.test import override_settings

from apps.organizations.models import AuditEntry
from apps.voice import services
from apps.voice.models import Connection
from tests import factories
from tests.cases import TenantCase
from tests.engine import Sandbox, free_port
from tests.receivers import Received, Receiver, Reply
from tests.voice.test_connections import connect

ACCOUNT = {"id": "0d5c2a3e-0000-4000-8000-000000000001", "name": "Acme Upstream", "credits_balance": 412.5}
VOICES = {"voices": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}


def hosted(got: Received) -> Reply:
    """An account of the base wire."""
    if got.headers.get("authorization") != "Bearer right":
        return Reply(404) if got.path.endswith("/engine") else Reply(401, {"error": "Invalid API key"})
    bodies = {"/organizations": ACCOUNT, "/voices": VOICES}
    found = next((body for path, body in bodies.items() if got.path.endswith(path)), None)
    return Reply(404, {"error": "Not found"}) if found is None else Reply(body=found)


class EnginePageCase(TenantCase):
    def setUp(self) -> None:
        self.url = f"/o/{self.agency.slug}/settings/engine"
        self.page = self.as_(self.ada)

    def send(self, path: str = "", page: Any = None, **fields: str) -> Any:
        data = {"kind": "other", "base_url": "", "api_key": "", "web_call_url": ""} | fields
        return (page or self.page).post(self.url + path, data)

    def own(self, **fields: Any) -> Connection:
        values = {"kind": "other", "api_key": "right", "engine_read_at": factories.NOW} | fields
        return connect(self.agency, **values)  # type: ignore[return-value]

    def active(self) -> list[Connection]:
        with self.acting_for(self.agency):
            return list(Connection.objects.filter(organization=self.agency, is_active=True))


class TestingTest(EnginePageCase):
    def test_it_says_what_it_found_and_saves_nothing(self) -> None:
        with Receiver(hosted) as server:
            answer = self.send("/test", base_url=server.url + "/api/v1/", api_key="right")
        text = answer.content.decode()
        assert answer.status_code == 200
        for words in ("Acme Upstream", "412.50", "takes the key", " ms"):
            assert words in text
        assert "right" not in text.replace("copyright", "")
        assert [each.path for each in server.received] == ["/api/v1/engine", "/api/v1/organizations", "/api/v1/voices"]
        assert self.active() == []

    def test_a_fragment_for_scripts(self) -> None:
        with Receiver(hosted) as server:
            browser = self.as_(self.ada, **{"hx-request": "true", "hx-request-type": "partial"})
            answer = self.send("/test", browser, base_url=server.url, api_key="right")
            assert "<html" not in answer.content.decode()
            assert "Acme Upstream" in answer.content.decode()
            missing = self.send("/test", browser, base_url=server.url)
        assert (missing.status_code, "Enter the key of the engine." in missing.content.decode()) == (422, True)

    def test_the_precise_problem(self) -> None:
        cases: list[tuple[Any, str]] = [
            (hosted, "The engine refuses the key."),
            (Reply(404), "There is no such API at this address."),
            (Reply(body=b"<html>Welcome</html>"), "The answer is not JSON"),
            (Reply(301, headers={"Location": "http://169.254.169.254/"}), "answers with a redirect"),
            (Reply(503), "a fault of its own (HTTP 503)"),
            (Reply(cut=True), "breaks in the middle"),
            (Reply(403), "The key may not do this."),
            (Reply(429, headers={"Retry-After": "30"}), "wants no more requests"),
        ]
        for reply, words in cases:
            with Receiver(reply) as server:
                answer = self.send("/test", base_url=server.url, api_key="wrong")
            assert words in answer.content.decode(), words

    def test_nobody_there_no_name_no_certificate(self) -> None:
        for url, words in (
            (f"http://127.0.0.1:{free_port()}", "Nothing listens at this address"),
            ("http://engine.invalid", "The name of this host is not known."),
        ):
            assert words in self.send("/test", base_url=url, api_key="k").content.decode()
        with Receiver() as server:
            https = server.url.replace("http:", "https:")
            assert "The encrypted connection fails" in self.send("/test", base_url=https, api_key="k").content.decode()

    def test_a_private_address_is_refused_before_anything_is_sent(self) -> None:
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver(hosted) as server:
            for path in ("/test", ""):
                answer = self.send(path, base_url=server.url, api_key="right")
                assert answer.status_code == 422
                assert "private network" in answer.content.decode()
            answer = self.send(base_url="https://example.org", web_call_url=server.url, api_key="right")
            assert answer.status_code == 422
        assert (server.received, self.active()) == ([], [])

    def test_the_stored_key_never_goes_to_another_host(self) -> None:
        with Receiver(hosted) as mine, Receiver(hosted) as other:
            self.own(base_url=mine.url + "/api/v1")
            assert "Acme Upstream" in self.send("/test", base_url=mine.url).content.decode()
            for fields in ({"base_url": other.url}, {"base_url": mine.url, "web_call_url": other.url + "/web"}):
                answer = self.send("/test", **fields)
                assert answer.status_code == 422
                assert "leads to another host" in answer.content.decode()
            assert other.received == []


class SavingTest(EnginePageCase):
    def test_it_is_used_from_then_on(self) -> None:
        with Receiver(hosted) as server:
            answer = self.send(base_url=server.url, web_call_url=server.url + "/v1/web-calls", api_key="right")
        assert answer.status_code == 302
        [row] = self.active()
        assert (row.name, row.account_id, row.web_call_url) == (
            "Acme Upstream",
            ACCOUNT["id"],
            server.url + "/v1/web-calls",
        )
        assert (row.api_key, row.kind, row.engine) == ("right", "other", {})
        assert row.engine_read_at
        assert row.hook_secret.startswith("whsec_")
        with self.acting_for(self.client_org):
            assert services.connection_for(self.client_org) == row
        with self.acting_for(self.agency):
            [entry] = AuditEntry.objects.for_organization(self.agency).filter(action="connection.connect")
        assert entry.data == {"kind": "other", "host": server.url.removeprefix("http://")}
        text = self.page.get(self.url).content.decode()
        assert server.url in text
        assert "right" not in text.replace("copyright", "").replace("bright", "")

    def test_the_usual_addresses_of_an_account(self) -> None:
        form = self.page.get(self.url).context["form"]
        assert form.fields["base_url"].widget.attrs["placeholder"] == "https://api.hmsovereign.com/api/v1"
        filled = type(form)({"kind": "hosted", "api_key": "k"}, current=None)
        assert filled.is_valid()
        assert (filled.wanted().base_url, filled.wanted().web_call_url) == (
            "https://api.hmsovereign.com/api/v1", "https://assistant-api.hmsovereign.com/v1/web-calls",
        )  # fmt: skip

    def test_a_failed_test_saves_only_when_that_is_wanted(self) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        answer = self.send(base_url=url, api_key="k")
        assert answer.status_code == 422
        assert "Save although the test failed" in answer.content.decode()
        assert self.active() == []
        assert self.send(base_url=url, api_key="k", anyway="on").status_code == 302
        assert [(each.base_url, each.engine_read_at) for each in self.active()] == [(url, None)]

    def test_a_simulated_engine_needs_the_setting(self) -> None:
        sandbox = Sandbox.shared()
        with override_settings(SANDBOX=False):
            answer = self.send(base_url=sandbox.url, api_key=sandbox.key)
        assert answer.status_code == 400
        assert self.active() == []
        assert self.send(base_url=sandbox.url, api_key=sandbox.key).status_code == 302
        assert [services.known_capabilities(each).simulated for each in self.active()] == [True]

    def test_a_change_must_be_agreed_to_and_says_what_it_touches(self) -> None:
        old = self.own(base_url="http://127.0.0.1:9")
        call = factories.make_call(self.agency, connection=old, status="in-progress", ended_at=None)
        factories.make_call(self.client_org, connection=old, status="in-progress", ended_at=None)
        factories.make_call(self.stranger, connection=None, status="in-progress", ended_at=None)
        factories.make_assistant(self.agency)
        factories.make_number(self.agency)
        with Receiver(hosted) as server:
            answer = self.send(base_url=server.url, api_key="right")
            text = answer.content.decode()
            assert answer.status_code == 422
            assert "2 running calls finish at the present engine." in text
            assert "Assistants: 1, phone numbers: 1, SIP trunks: 0" in text
            assert "1 organization uses the same engine" in text
            assert self.active() == [old]
            assert self.send(base_url=server.url, api_key="right", understood="on").status_code == 302
        [row] = self.active()
        assert (row.pk != old.pk, row.base_url) == (True, server.url)
        with self.acting_for(self.agency):
            call.refresh_from_db()
            assert (call.connection_id, call.connection.api_key) == (old.pk, "right")
            assert not Connection.objects.get(pk=old.pk).is_active

    def test_another_key_of_the_same_account_changes_the_row(self) -> None:
        with Receiver(hosted) as server:
            old = self.own(base_url=server.url, api_key="before", account_id=ACCOUNT["id"], failing_since=factories.NOW)
            self.send(base_url=server.url, api_key="right", understood="on")
            [row] = self.active()
            assert (row.pk, row.api_key, row.failing_since) == (old.pk, "right", None)
            with self.acting_for(self.agency):
                row.change(factories.NOW, account_id="another")
            self.send(base_url=server.url, api_key="right", understood="on")
            assert [each.pk == old.pk for each in self.active()] == [False]

    def test_removing_falls_back(self) -> None:
        everybodys = connect()
        self.own()
        answer = self.page.post(self.url + "/disconnect", follow=True)
        assert "The provided one is used from now on." in answer.content.decode()
        with self.acting_for(self.agency):
            assert services.connection_for(self.agency) == everybodys
            assert AuditEntry.objects.for_organization(self.agency).filter(action="connection.disconnect").count() == 1
        assert "There was no voice engine" in self.page.post(self.url + "/disconnect", follow=True).content.decode()

    def test_a_new_signing_secret(self) -> None:
        old = self.own()
        answer = self.page.post(self.url + "/secret", follow=True)
        assert "The engine learns its new signing secret" in answer.content.decode()
        [row] = self.active()
        assert (row.pk, row.hook_secret_before) == (old.pk, old.hook_secret)
        assert row.hook_secret not in answer.content.decode()
        self.page.post(self.url + "/disconnect")
        assert "There was no voice engine" in self.page.post(self.url + "/secret", follow=True).content.decode()


class NeutralTest(EnginePageCase):
    SECRETS = ("Canary Engine", "canary.example.org", "canary-key", "canary words")

    def _secret(self, organization: Any = None) -> Connection:
        return connect(
            organization, name="Canary Engine", base_url="https://canary.example.org/api/v1", api_key="canary-key",
            web_call_url="https://canary.example.org/web", failing_since=factories.NOW, last_error="http_402",
            engine_read_at=factories.NOW,
        )  # type: ignore[return-value]  # fmt: skip

    def test_a_client_learns_nothing_of_its_agencys_engine(self) -> None:
        row = self._secret(self.agency)
        factories.make_call(self.agency, connection=row, status="in-progress", ended_at=None)
        text = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/settings/engine").content.decode()
        assert [each for each in self.SECRETS if each in text] == []
        assert "no credits left" not in text
        assert "Your provider" in text
        assert "Does not answer" in text
        assert "No call is running now." in text

    def test_an_agency_learns_nothing_of_the_installations(self) -> None:
        self._secret()
        text = self.page.get(self.url).content.decode()
        assert [each for each in self.SECRETS if each in text] == []
        assert "no credits left" not in text
        assert "Provided by the platform" in text

    def test_the_owner_is_told_why(self) -> None:
        self._secret(self.agency)
        text = self.page.get(self.url).content.decode()
        assert "no credits left" in text
        assert "canary.example.org" in text
        assert "canary-key" not in text

    def test_an_account_that_was_given_shows_no_address(self) -> None:
        base = self._secret()
        connect(self.agency, via=base, base_url=base.base_url, api_key="canary-key", name="Northwind")
        text = self.page.get(self.url).content.decode()
        assert [each for each in self.SECRETS if each in text] == []
        assert "with an account of your own" in text

    def test_members_read_and_do_not_change(self) -> None:
        old = self.own()
        ben = self.as_(self.ben)
        text = ben.get(self.url).content.decode()
        assert 'name="api_key"' not in text
        for path in ("", "/test", "/secret", "/disconnect"):
            assert self.send(path, ben, base_url="http://127.0.0.1:9", api_key="k", understood="on").status_code == 403
        assert self.active() == [old]
