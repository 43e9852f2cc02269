"""The installation's engine, set by its operator."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import override_settings

from apps.core.scope import Scope, acting
from apps.voice.models import Connection
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Receiver
from tests.voice.test_connections import connect
from tests.voice.test_engine_page import hosted

URL = "/admin/voice/connection/engine/"


@override_settings(DEVELOPMENT=True, WEBHOOK_ALLOWED_NETWORKS=[])
class AdminTest(TenantCase):
    def setUp(self) -> None:
        self.ada.is_superuser = self.ada.is_staff = True
        self.ada.save()
        self.page = self.as_(self.ada)

    def send(self, **fields: str) -> Any:
        data = {"kind": "other", "base_url": "", "api_key": "", "web_call_url": ""} | fields
        return self.page.post(URL, data)

    def active(self) -> list[Connection]:
        with acting(Scope(operator=True)):
            return list(Connection.objects.filter(organization=None, is_active=True))

    def test_only_the_operator(self) -> None:
        connect(api_key="canary-key", base_url="http://10.0.0.7/api/v1")
        for path in (URL, "/admin/voice/connection/"):
            assert self.as_(self.dov).get(path, follow=True).status_code == 404
            assert self.as_(self.dov).post(path, {"remove": "1", "sure": "on"}, follow=True).status_code == 404
            text = self.page.get(path).content.decode()
            assert "canary-key" not in text
        assert len(self.active()) == 1

    def test_tested_saved_replaced_and_removed(self) -> None:
        with Receiver(hosted) as server:
            tested = self.send(base_url=server.url, api_key="right", test="1")
            assert "Acme Upstream" in tested.content.decode()
            assert "412.5" in tested.content.decode()
            assert self.active() == []
            wrong = self.send(base_url=server.url, api_key="wrong")
            assert (wrong.status_code, "refuses the key" in wrong.content.decode()) == (422, True)
            assert self.send(base_url=server.url, api_key="right").status_code == 302
        [row] = self.active()
        assert (row.name, row.base_url, row.is_trusted) == ("Acme Upstream", server.url, True)
        factories.make_call(self.stranger, connection=row, status="in-progress", ended_at=None)
        text = self.page.get(URL).content.decode()
        assert "1 running call finishes at the present engine." in text
        assert "3 organizations use the same engine" in text
        assert "right" not in text.replace("copyright", "").replace("text-right", "")
        with Receiver(hosted) as other:
            assert self.send(base_url=other.url, api_key="right").status_code == 422
            assert self.send(base_url=other.url, api_key="right", understood="on").status_code == 302
        assert [each.base_url for each in self.active()] == [other.url]
        self.page.post(URL, {"remove": "1"})
        assert len(self.active()) == 1
        self.page.post(URL, {"remove": "1", "sure": "on"})
        assert self.active() == []
        assert LogEntry.objects.filter(user=self.ada).count() == 3

    def test_another_kind_of_address_is_refused(self) -> None:
        for url in ("ftp://example.org", "javascript:alert(1)", "http://u:p@example.org", "http://"):
            assert self.send(base_url=url, api_key="k", anyway="on").status_code == 422, url
        assert self.active() == []
