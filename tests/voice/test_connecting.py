"""Accounts made at another connection's engine: same address, same trust, and they end with it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import override_settings

from apps.core.errors import Conflict, Invalid
from apps.core.scope import Scope, acting
from apps.organizations.services import SYSTEM
from apps.voice import services
from apps.voice.client import Engine, EngineTrouble
from apps.voice.connecting import Wanted, connect_child, disconnect, forget_closed, replace_secret
from apps.voice.connecting import connect as use
from apps.voice.models import Connection, Mirror
from apps.voice.tasks import check_connection, check_connections, forget_connections
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
            wanted = Wanted(base_url="http://127.0.0.1:8008", announced={}, **VALUES)  # type: ignore[arg-type]
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
        wanted = Wanted(base_url="http://127.0.0.1:8008", announced={}, **VALUES)  # type: ignore[arg-type]
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            with self.acting_for(self.agency), pytest.raises(Invalid) as caught:
                use(organization=self.agency, wanted=wanted, by=SYSTEM, now=NOW)
            with acting(Scope(operator=True)):
                assert use(organization=None, wanted=wanted, by=SYSTEM, now=NOW).is_trusted
        assert caught.value.param == "base_url"

    def test_a_closed_organization_keeps_no_key_once_its_copies_are_gone(self) -> None:
        row, theirs = connect(self.agency, api_key="secret"), connect(self.stranger)
        with self.acting_for(self.agency):
            assert forget_closed(organization=self.agency, now=NOW) is False
            self.agency.change(NOW, closed_at=NOW)
            copy = Mirror.objects.create(organization=self.agency, connection=row, kind="number", object_id=row.pk)  # type: ignore[misc]
        forget_connections(str(self.agency.pk))
        with self.acting_for(self.agency):
            assert forget_closed(organization=self.agency, now=NOW + dt.timedelta(days=6)) is False
            assert Connection.objects.get(pk=row.pk).api_key == "secret"
            copy.change(NOW, is_dirty=False)
            assert forget_closed(organization=self.agency, now=NOW + dt.timedelta(days=6)) is True
            kept = Connection.objects.get(pk=row.pk)
            assert (kept.is_active, kept.api_key, kept.hook_secret, kept.base_url) == (False, "", "", "")
            assert Mirror.objects.for_organization(self.agency).count() == 0
            assert disconnect(organization=self.agency, by=SYSTEM, now=NOW) is False
        with self.acting_for(self.stranger):
            assert Connection.objects.get(pk=theirs.pk).api_key == "k"

    def test_the_sweep_finds_closed_organizations(self) -> None:
        connect(self.agency, is_active=False)
        connect(self.stranger, is_active=False)
        with self.acting_for(self.stranger):
            self.stranger.change(NOW, closed_at=NOW)
        sent: list[str] = []
        forget_connections.apply_async = lambda args, expires: sent.append(args[0])  # type: ignore[method-assign]
        self.addCleanup(delattr, forget_connections, "apply_async")
        check_connections()
        assert sent == [str(self.stranger.pk)]
        forget_connections(sent.pop())
        check_connections()
        assert sent == []


class SecretTest(CommittedCase):
    def test_both_count_and_the_engine_is_told_the_new_one(self) -> None:
        with Receiver(Reply(body={"kind": "worker", "features": ["receiver"], "instance": "a"})) as server:
            row = connect(self.agency, base_url=server.url, hook_secret="whsec_old")
            check_connection(str(self.agency.pk), str(row.pk))
            with self.acting_for(self.agency):
                assert replace_secret(organization=self.agency, by=SYSTEM, now=NOW) is True
                found = Connection.objects.get(pk=row.pk)
                assert (found.hook_secret_before, found.resync_wanted_at) == ("whsec_old", NOW)
                assert found.hook_secret.startswith("whsec_")
                assert found.hook_secret != "whsec_old"
                assert replace_secret(organization=self.client_org, by=SYSTEM, now=NOW) is False
            check_connection(str(self.agency.pk), str(row.pk))
        told = [each.json["secret"] for each in server.received if each.method == "PUT"]
        assert told == ["whsec_old", found.hook_secret]
