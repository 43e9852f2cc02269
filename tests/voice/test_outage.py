"""An engine that is down: said on every page that uses it, mailed once, and gone when it answers again."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.voice import alerts, services
from apps.voice.models import Connection
from apps.voice.tasks import check_connection, check_connections, check_installation
from tests import factories
from tests.cases import TenantCase
from tests.factories import NOW
from tests.receivers import Receiver, Reply
from tests.voice.test_connections import connect

BANNER = "The voice engine does not answer."
MINUTE = dt.timedelta(minutes=1)


class BannerTest(TenantCase):
    def shown(self, user: Any, organization: Any, page: str = "") -> bool:
        answer = self.as_(user).get(f"/o/{organization.slug}/{page}")
        assert answer.status_code == 200
        return BANNER in answer.content.decode()

    def test_who_uses_it_sees_it_and_it_goes(self) -> None:
        with Receiver(Reply(503)) as engine:
            row = connect(base_url=engine.url)
            own = connect(self.stranger, base_url="http://127.0.0.1:9", engine_read_at=NOW)
            check_installation(str(row.pk))
            assert self.shown(self.ada, self.agency, "assistants")
            assert self.shown(self.cleo, self.client_org, "calls")
            assert not self.shown(self.dov, self.stranger, "calls")
            engine.reply = Reply(body={"kind": "worker"})
            check_installation(str(row.pk))
            assert not self.shown(self.ada, self.agency, "assistants")
            assert not services.is_down(own)  # type: ignore[arg-type]

    def test_no_page_speaks_to_the_engine(self) -> None:
        with Receiver(Reply(wait=5)) as engine:
            connect(self.agency, base_url=engine.url, failing_since=NOW, last_error="timeout")
            ada = self.as_(self.ada)
            factories.make_assistant(self.agency)
            factories.make_number(self.agency)
            started = time.monotonic()
            pages = (
                "",
                "assistants",
                "numbers",
                "trunks",
                "calls",
                "campaigns",
                "workflows",
                "usage",
                "settings",
                "settings/engine",
            )
            for page in pages:
                assert ada.get(f"/o/{self.agency.slug}/{page}").status_code == 200, page
            assert engine.received == []
            assert time.monotonic() - started < 5 * len(pages)


class KeyTest(TenantCase):
    """The base wire answers 404 at /engine to anybody: only a request with the key says whether it is well."""

    def test_a_wrong_key_is_down(self) -> None:
        with Receiver(lambda got: Reply(404 if got.path == "/engine" else 401, {"type": "unauthorized"})) as engine:
            row = connect(self.agency, base_url=engine.url)
            check_connection(str(self.agency.pk), str(row.pk))  # type: ignore[attr-defined]
            assert self.read(row).last_error == "http_401"
            with self.acting_for(self.agency):
                services.refresh(self.read(row), NOW + MINUTE)
            assert self.read(row).failing_since
            engine.reply = Reply(404)
            check_connection(str(self.agency.pk), str(row.pk))  # type: ignore[attr-defined]
            assert self.read(row).failing_since is None

    def test_an_empty_account_is_believed_for_five_minutes(self) -> None:
        with Receiver(Reply(404)) as engine:
            row = connect(self.agency, base_url=engine.url)
            with self.acting_for(self.agency):
                services.note_failure(row, "insufficient_credits", NOW)  # type: ignore[arg-type]
                services.look_after(self.read(row), NOW + 4 * MINUTE)
                assert self.read(row).failing_since == NOW
                services.look_after(self.read(row), NOW + 6 * MINUTE)
                assert self.read(row).failing_since is None

    def test_a_pause_that_the_engine_asks_for_is_no_outage(self) -> None:
        with Receiver(Reply(429, {}, {"Retry-After": "30"})) as engine:
            row = connect(self.agency, base_url=engine.url)
            check_connection(str(self.agency.pk), str(row.pk))  # type: ignore[attr-defined]
            assert self.read(row).failing_since is None

    def test_an_account_with_a_limit_is_not_asked_every_ten_seconds(self) -> None:
        base = connect(self.agency, engine_read_at=None)
        connect(self.stranger, engine={"kind": "worker"})
        sent: list[str] = []
        check_connection.apply_async = lambda args, expires: sent.append(args[0])  # type: ignore[method-assign]
        self.addCleanup(delattr, check_connection, "apply_async")
        both = sorted([str(self.agency.pk), str(self.stranger.pk)])
        check_connections()
        assert sorted(sent) == both
        with self.acting_for(self.agency):
            base.change(NOW, engine_read_at=the_clock())  # type: ignore[attr-defined]
        sent.clear()
        check_connections()
        assert sent == [str(self.stranger.pk)]
        with self.acting_for(self.agency):
            base.change(NOW, failing_since=NOW)  # type: ignore[attr-defined]
        sent.clear()
        check_connections()
        assert sorted(sent) == both

    def read(self, row: Any) -> Connection:
        with self.acting_for(self.agency):
            return Connection.objects.get(pk=row.pk)


class MailTest(TenantCase):
    def mails(self) -> list[tuple[str, str]]:
        with acting(Scope(operator=True)):
            rows = Message.objects.filter(key__startswith="engine-down:").order_by("created_at")
            return [(each.to, str(each.subject).strip()) for each in rows]

    def tell(self, row: Any, now: dt.datetime) -> int:
        with self.acting_for(self.agency):
            return alerts.tell_outage(connection=row, now=now)

    def test_the_operators_once_for_the_installations(self) -> None:
        self.ben.is_superuser = True
        self.ben.save()
        row = connect(failing_since=NOW, last_error="http_503")
        assert [self.tell(row, NOW + dt.timedelta(seconds=each)) for each in (59, 60, 70, 7200)] == [0, 1, 0, 0]
        assert self.mails() == [(self.ben.email, "The voice engine of this installation does not answer")]

    def test_the_owners_for_their_own(self) -> None:
        row = connect(self.agency, failing_since=NOW, last_error="http_401")
        assert self.tell(row, NOW + MINUTE) == 1
        assert self.mails() == [(self.ada.email, "The voice engine of Northwind Voice does not answer")]
        with acting(Scope(operator=True)):
            text = str(Message.objects.get(key__startswith="engine-down:").text)
        assert "refuses the key" in text
        assert f"/o/{self.agency.slug}/settings/engine" in text
        assert "api_key" not in text

    def test_one_that_comes_and_goes_is_told_at_most_every_half_hour(self) -> None:
        row = connect(self.agency, failing_since=NOW, last_error="timeout")
        assert self.tell(row, NOW + MINUTE) == 1
        for minutes, mails in ((10, 0), (20, 0), (40, 1), (41, 0)):
            with self.acting_for(self.agency):
                row.change(NOW, failing_since=NOW + (minutes - 5) * MINUTE)  # type: ignore[attr-defined]
            assert self.tell(row, NOW + minutes * MINUTE) == mails, minutes

    def test_an_account_at_anothers_engine_tells_of_its_key_only(self) -> None:
        base = connect(self.agency)
        row = connect(self.client_org, via=base, failing_since=NOW, last_error="timeout")
        with self.acting_for(self.client_org):
            assert alerts.tell_outage(connection=row, now=NOW + MINUTE) == 0  # type: ignore[arg-type]
            row.change(NOW, last_error="http_401")  # type: ignore[attr-defined]
            assert alerts.tell_outage(connection=row, now=NOW + MINUTE) == 1  # type: ignore[arg-type]
        assert self.mails() == [(self.ada.email, "The voice engine of Bakker Dental does not answer")]


def the_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
