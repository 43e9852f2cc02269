"""Accounts made at another connection's engine: same address, same trust, and they end with it."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import override_settings

from apps.core.errors import Conflict, Invalid
from apps.core.scope import Scope, acting
from apps.organizations.services import SYSTEM
from apps.voice import services
from apps.voice.client import Engine, EngineTrouble
from apps.voice.connecting import Wanted, connect_child, disconnect, erase_organization
from apps.voice.connecting import connect as use
from apps.voice.models import Connection
from tests.cases import CommittedCase
from tests.factories import NOW
from tests.receivers import Receiver, Reply
from tests.voice.test_connections import connect

VALUES = {"kind": "other", "web_call_url": "", "api_key": "k"}


class ChildTest(CommittedCase):
    def test_it_has_its_own_key_and_its_parents_trust(self) -> None:
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver(Reply(body={"voices": []})) as server:
            parent = connect(base_url=server.url, api_key="parents")
            with self.acting_for(self.agency):
                row = connect_child(
                    organization=self.agency, parent=parent, api_key="childs", account_id="o-1", by=SYSTEM, now=NOW
                )
                assert services.connection_for(self.agency) == row
                assert Engine(row).voices() == []
                row.change(NOW, base_url=server.url + "/elsewhere")
                with pytest.raises(EngineTrouble) as caught:
                    Engine(row).voices()
            assert caught.value.reason == "blocked"
            assert [each.headers["authorization"] for each in server.received] == ["Bearer childs"]

    def test_it_ends_with_its_parents_connection(self) -> None:
        parent = connect()
        with self.acting_for(self.agency):
            connect_child(organization=self.agency, parent=parent, api_key="c", account_id="", by=SYSTEM, now=NOW)
        with acting(Scope(operator=True)):
            wanted = Wanted(base_url="http://127.0.0.1:8", announced={}, **VALUES)  # type: ignore[arg-type]
            made = use(organization=None, wanted=wanted, by=SYSTEM, now=NOW)
        with self.acting_for(self.agency):
            assert services.connection_for(self.agency) == made

    def test_an_engine_of_ones_own_is_not_replaced(self) -> None:
        parent, own = connect(), connect(self.agency)
        with self.acting_for(self.agency):
            with pytest.raises(Conflict):
                connect_child(organization=self.agency, parent=parent, api_key="c", account_id="", by=SYSTEM, now=NOW)
            assert services.connection_for(self.agency) == own

    def test_an_address_inside_is_for_the_operator_alone(self) -> None:
        wanted = Wanted(base_url="http://127.0.0.1:8", announced={}, **VALUES)  # type: ignore[arg-type]
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            with self.acting_for(self.agency), pytest.raises(Invalid) as caught:
                use(organization=self.agency, wanted=wanted, by=SYSTEM, now=NOW)
            with acting(Scope(operator=True)):
                assert use(organization=None, wanted=wanted, by=SYSTEM, now=NOW).is_trusted
        assert caught.value.param == "base_url"

    def test_a_closed_organization_keeps_no_key(self) -> None:
        row, theirs = connect(self.agency, api_key="secret"), connect(self.stranger)
        with self.acting_for(self.agency):
            _erase(self.agency)
            kept = Connection.objects.get(pk=row.pk)
            assert (kept.is_active, kept.api_key, kept.hook_secret) == (False, "", "")
            assert disconnect(organization=self.agency, by=SYSTEM, now=NOW) is False
        with self.acting_for(self.stranger):
            assert Connection.objects.get(pk=theirs.pk).api_key == "k"


def _erase(organization: object) -> None:
    with transaction.atomic():
        erase_organization(organization=organization, now=NOW)  # type: ignore[arg-type]
