"""An engine that was replaced or given up: the calls it carries come to their end there, and it begins no new ones."""

from __future__ import annotations

from apps.calls.sql import organization_of_hook
from apps.organizations.services import SYSTEM
from apps.voice.connecting import Wanted, connect, disconnect
from apps.voice.models import Connection
from apps.voice.services import connection_for
from tests import factories
from tests.calls.support import apply, event, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase
from tests.factories import NOW

WANTED = Wanted(kind="other", base_url="http://127.0.0.1:8008", web_call_url="", api_key="k", announced={"kind": "worker"})


class ReplacedTest(TenantCase):
    def setUp(self) -> None:
        factories.add_credits(self.agency, 100)
        self.old = make_connection(self.agency)
        self.number = factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        with scope_of(self.agency):
            self.call = running_call(self.agency, self.old, number=self.number)

    def test_its_calls_come_to_their_end_there(self) -> None:
        with scope_of(self.agency):
            made = connect(organization=self.agency, wanted=WANTED, by=SYSTEM, now=NOW)
            assert connection_for(self.agency) == made
            assert self.old.pk != made.pk
        for message in talk(self.call):
            assert post(self.old, message).status_code == 200
        with scope_of(self.agency):
            apply(self.call)
        assert (self.call.status, self.call.duration_seconds, self.call.connection_id) == ("ended", 84, self.old.pk)

    def test_it_begins_no_new_ones(self) -> None:
        with scope_of(self.agency):
            before = organization_of_hook(self.old.hook_id, number=str(self.number))
            assert disconnect(organization=self.agency, by=SYSTEM, now=NOW)
            after = organization_of_hook(self.old.hook_id, number=str(self.number))
            mine = organization_of_hook(self.old.hook_id, ref=str(self.call.ref), number=str(self.number))
        assert before
        assert after
        assert mine
        assert [each.organization_id for each in (before, after, mine)] == [self.agency.pk, None, self.agency.pk]

    def test_a_closed_organizations_engine_is_not_believed(self) -> None:
        with scope_of(self.agency):
            Connection.objects.get(pk=self.old.pk).change(NOW, hook_secret="", hook_secret_before="", is_active=False)
        for secret in ("", "whsec_engine"):
            assert post(self.old, event("status-update", self.call), secret=secret).status_code == 401
